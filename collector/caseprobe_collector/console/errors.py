"""The one place where an error becomes an answer: a status and a line, as JSON, as protobuf or as a calm page."""

from __future__ import annotations

from dataclasses import dataclass

from caseprobe.errors import (
    Busy,
    CaseClosed,
    CaseprobeError,
    CaseUnknown,
    Corrupt,
    NotAllowed,
    NotFound,
    PolicyRefused,
    Refused,
    StorageDamaged,
    StorageFull,
    TooLarge,
    Unreachable,
    UsageError,
)


class NotLoggedIn(NotAllowed):
    """No good credential came with the request."""

    code = "not_logged_in"


# The first class that fits decides, so the narrower stand above the wider.
STATUS: tuple[tuple[type[CaseprobeError], int], ...] = (
    (NotLoggedIn, 401),
    (NotAllowed, 403),
    (PolicyRefused, 403),
    (NotFound, 404),
    (CaseUnknown, 404),
    (CaseClosed, 409),
    (TooLarge, 413),
    (Refused, 403),
    (Corrupt, 422),
    (UsageError, 400),
    (Busy, 429),
    (StorageFull, 507),
    (Unreachable, 503),
    (StorageDamaged, 503),
    (CaseprobeError, 500),
)
HTTP_LINES = {
    404: ("not_found", "there is nothing at this address"),
    405: ("usage", "this address does not take this method"),
    413: ("too_large", "the request is larger than this address takes"),
}


@dataclass(frozen=True)
class Failure:
    """What a surface renders."""

    status: int
    code: str
    message: str
    retry_after_seconds: float | None = None


def failure_of(error: CaseprobeError) -> Failure:
    """The status and line of an error of ours."""
    status = next(status for cls, status in STATUS if isinstance(error, cls))
    return Failure(status, error.code, str(error) or error.code, error.retry_after_seconds or None)


def failure_of_status(status: int) -> Failure:
    """The line for a status that the framework chose."""
    code, message = HTTP_LINES.get(status, ("usage", "this request cannot be answered"))
    return Failure(status, code, message)


def failure_of_crash(reference: str) -> Failure:
    """The line for a fault of ours: it tells nothing but where the log has it."""
    return Failure(500, "error", f"something failed here and was logged as {reference}; try again, then tell the admin")
