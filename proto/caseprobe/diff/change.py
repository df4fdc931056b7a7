"""One fact that is not as it was."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | bool

APPEARED, GONE, CHANGED, GREW = "appeared", "gone", "changed", "grew"


@dataclass(frozen=True)
class Change:
    """A fact of a section before and after.

    object: what it is a fact of (eth0, sda › sda1, openssl); empty for the machine as a whole. field: its name in the
    contract, with its unit; empty where the object itself came or went. kind: appeared, gone, changed, or grew for a
    counter. before, after: None where there is nothing on that side. rank: 0 to 100, how much a reader should care.
    """

    section: str
    object: str
    field: str
    kind: str
    before: Value | None
    after: Value | None
    rank: int = 0

    def __str__(self) -> str:
        """The bare fact in one line.

        >>> str(Change("packages", "openssl", "version", "changed", "3.0.1", "3.0.2"))
        'packages openssl version: 3.0.1 → 3.0.2'
        """
        where = " ".join(part for part in (self.section, self.object, self.field) if part)
        if self.kind in (APPEARED, GONE):
            return f"{where}: {self.kind}"
        return f"{where}: {self.before} → {self.after}"
