"""One file a command: parse, call, render, exit code."""


def main() -> int:
    """Run the command line; gives the exit code."""
    raise NotImplementedError
