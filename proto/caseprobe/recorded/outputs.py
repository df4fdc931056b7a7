"""The recorded outputs of one machine, by file name."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.recorded.decoded import text_of
from caseprobe.v1 import section_pb2


class Missing(Exception):
    """This output was not recorded."""


class Outputs:
    """Files by name; shortfalls: what the section that is being read lacks."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """files: as recorded, not decoded."""
        self.files = files
        self.shortfalls: list[section_pb2.Shortfall] = []

    def data(self, name: str) -> bytes:
        """The bytes of an output; raises Missing where there is none."""
        if name not in self.files:
            raise Missing(f"{name} was not recorded")
        return self.files[name]

    def text(self, name: str) -> str:
        """An output as text; raises Missing, and ValueError with the file's name where it is no text."""
        try:
            return text_of(self.data(name))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def lack(self, field: str, reason: str) -> None:
        """Note that a part of the section could not be read."""
        failed = section_pb2.PROBE_OUTCOME_FAILED
        self.shortfalls.append(section_pb2.Shortfall(field=field, outcome=failed, reason=reason[:1000]))
