"""Two hundred values that must stay on their machine, planted there and looked for everywhere else."""
