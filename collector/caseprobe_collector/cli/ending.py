"""The one place where an error becomes a line on stderr and an exit code; imports nothing that `serve` waits for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from caseprobe.errors import CaseprobeError

INTERRUPTED = 130
BROKEN_PIPE = 141
DEFECT = 3


def exit_code_of(command: Callable[[], int]) -> int:
    """What the command gives, or the code of its error, which is one line on stderr; an interrupt is 130.

    Raises ModuleNotFoundError: the caller says what to install.
    """
    try:
        return command()
    except KeyboardInterrupt:
        return INTERRUPTED
    except CaseprobeError as error:
        print(f"caseprobe-collector: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever reads has seen enough; Python must not complain about it again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except ModuleNotFoundError:
        raise
    except Exception as error:
        return _defect(error)


def _defect(error: Exception) -> int:
    """A fault of ours: one line, and the details only for those who ask for them."""
    if os.environ.get("CASEPROBE_LOG_LEVEL") == "debug":
        raise error
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    print(
        f"caseprobe-collector: a defect in caseprobe ({what}); CASEPROBE_LOG_LEVEL=debug shows details", file=sys.stderr
    )
    return DEFECT
