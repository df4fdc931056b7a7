"""Run the command line as `python -m caseprobe_collector`."""

import sys

from caseprobe_collector.cli import main

if __name__ == "__main__":
    sys.exit(main())
