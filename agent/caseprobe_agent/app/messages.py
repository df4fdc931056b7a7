"""What the agent writes about itself: a foreign error is named and placed, and its own words stay out.

They may quote what was read from the machine, and messages of a service end in a log on its disk.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TextIO

FORMAT = "%(asctime)s %(name)s: %(message)s"


class Messages(logging.Formatter):
    """One line a message; of an error where it was raised and what it is."""

    def formatException(self, ei: object) -> str:
        """The places and the kind of an error, without its text."""
        error = ei[1] if isinstance(ei, tuple) else None
        if not isinstance(error, BaseException):
            return ""
        frames = traceback.extract_tb(error.__traceback__)
        places = (f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
        return "\n".join((*places, type(error).__name__))


def tell(level: str, stream: TextIO = sys.stderr) -> None:
    """From here on messages of this level and above go to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Messages(FORMAT))
    logging.basicConfig(level=level, handlers=[handler])


def place_of(error: BaseException) -> str:
    """Kind and place of an error, in a few words: ValueError at snapshot.py:12."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
