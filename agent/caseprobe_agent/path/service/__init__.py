"""Services behind a path: which one is meant, what leads there, and what each step to it takes."""
