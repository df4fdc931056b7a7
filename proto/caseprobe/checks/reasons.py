"""Why a check could not judge: what a judge raises instead of saying "ok"."""

from __future__ import annotations


class NotApplicable(Exception):
    """Raised by a judge where the machine has no such thing; the message is the reason."""


class Unknown(Exception):
    """Raised by a judge where what it needs could not be read; the message is the reason, needs the missing right."""

    def __init__(self, message: str, needs: str = "") -> None:
        super().__init__(message)
        self.needs = needs


class NoPast(Unknown):
    """Raised by a judge of growth where no earlier snapshot can be compared with; the message says what it needs."""
