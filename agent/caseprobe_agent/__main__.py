"""Run the command line as `python -m caseprobe_agent`."""

import sys

from caseprobe_agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
