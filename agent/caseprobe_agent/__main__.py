"""Run the command line: `caseprobe`, or `python -m caseprobe_agent`."""

import contextlib
import gc
import signal
import sys

from caseprobe_agent.manners import modest

INTERRUPTED = 130
# What works for a moment on a machine that is there for others. It gives way before it loads anything.
MODEST = ("bundle",)


def run() -> int:
    """The exit code of the command line; Ctrl-C while it is still being loaded, or ends already, is quiet too."""
    try:
        with modest() if sys.argv[1:2] and sys.argv[1] in MODEST else contextlib.nullcontext():
            from caseprobe_agent.cli import main

            return main()
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Nothing that is left needs to be looked through: the system takes all of it back, 50 ms sooner.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(run())
