"""The one pipe: every byte that leaves a machine passes it first."""
