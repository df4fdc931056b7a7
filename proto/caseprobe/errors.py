"""Every error that a person or the other side may see.

CaseprobeError
 ├─ UsageError                 exit 2   the call is wrong
 │   ├─ ConfigurationError              a setting: names file, line and key
 │   └─ JoinCodeError                   malformed, or for another purpose
 ├─ MeasurementError           exit 3   could not measure; what could be is kept
 │   ├─ MachineDenied                   the right that is missing is named
 │   ├─ MachineAbsent                   no such file, device or tool here
 │   └─ MachineTimeout                  it hung, and was killed
 ├─ DeliveryError              exit 4   measured, not delivered; kept, and where is said
 │   ├─ Unreachable                     retryable
 │   ├─ NotTrusted                      the other side is not who the join code says
 │   ├─ Refused                         the collector said no
 │   │   ├─ JoinCodeExpired  JoinCodeUsed  JoinCodeUnknown
 │   │   ├─ CaseUnknown  CaseClosed
 │   │   ├─ Revoked
 │   │   ├─ Cloned                      two machines hold one key
 │   │   └─ TooLarge
 │   ├─ Busy                            retryable, after a delay
 │   ├─ StorageFull                     retryable once there is room
 │   └─ StorageDamaged                  retryable once the collector's database is repaired
 ├─ PolicyRefused              exit 4   the machine's own policy or its owner said no
 ├─ Corrupt                    exit 3   bytes that are not what their hash or format says
 ├─ RedactionError             exit 3   could not be cleaned, so it is withheld
 ├─ NotAllowed                 exit 4   the person or key may not do this
 └─ NotFound                   exit 2   no such case, agent, customer …

code travels on the wire and never changes; retryable and exit_code are facts of the class.
The message is one line: what, why, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class CaseprobeError(Exception):
    """Base of all; str(error) is the line that a person reads."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 3
    retryable: ClassVar[bool] = False
    # When whoever sent it may come again; 0: that is theirs to choose.
    retry_after_seconds: float = 0.0


class UsageError(CaseprobeError):
    """The call is wrong."""

    code = "usage"
    exit_code = 2


class ConfigurationError(UsageError):
    """A setting cannot be used; the message names file, line and key."""

    code = "configuration"


class JoinCodeError(UsageError):
    """A join code is malformed or meant for another purpose."""

    code = "join_code"


class MeasurementError(CaseprobeError):
    """Something could not be measured."""

    code = "measurement"


class MachineDenied(MeasurementError):
    """A right is missing; needs names it, for example "root" or "CAP_SYSLOG"."""

    code = "denied"

    def __init__(self, message: str, needs: str = "root") -> None:
        super().__init__(message)
        self.needs = needs


class MachineAbsent(MeasurementError):
    """There is no such file, device or tool on this machine; needs names the package of a tool that is missing."""

    code = "absent"

    def __init__(self, message: str, needs: str = "") -> None:
        super().__init__(message)
        self.needs = needs


class MachineTimeout(MeasurementError):
    """A read or a command did not end within its limit."""

    code = "timeout"


class DeliveryError(CaseprobeError):
    """Measured but not delivered."""

    code = "delivery"
    exit_code = 4


class Unreachable(DeliveryError):
    """No connection to the collector."""

    code = "unreachable"
    retryable = True


class NotTrusted(DeliveryError):
    """The other side does not hold the key that the join code names."""

    code = "not_trusted"


class Refused(DeliveryError):
    """The collector will not take it."""

    code = "refused"


class JoinCodeExpired(Refused):
    """The join code's time is over."""

    code = "join_code_expired"


class JoinCodeUsed(Refused):
    """The join code was used as often as it may be."""

    code = "join_code_used"


class JoinCodeUnknown(Refused):
    """The collector never gave out this join code, or withdrew it."""

    code = "join_code_unknown"


class CaseUnknown(Refused):
    """The case does not exist, or belongs to another customer."""

    code = "case_unknown"


class CaseClosed(Refused):
    """The case takes no more evidence."""

    code = "case_closed"


class Revoked(Refused):
    """This key's enrolment was ended by the collector's staff."""

    code = "revoked"


class Cloned(Refused):
    """Two machines use one key, so neither is served until one of them is enrolled anew."""

    code = "cloned"
    retry_after_seconds = 60.0


class TooLarge(Refused):
    """Over a size cap."""

    code = "too_large"


class Busy(DeliveryError):
    """The collector sheds load; try again after the delay."""

    code = "busy"
    retryable = True

    def __init__(self, message: str, retry_after_seconds: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StorageFull(DeliveryError):
    """No room to store it durably."""

    code = "storage_full"
    retryable = True
    # Refused twice, and late by half each time, a machine is still served within 10 s of there being room (5 s made it
    # 12.6 s, measured).
    retry_after_seconds = 3.0


class StorageDamaged(DeliveryError):
    """The collector's database is damaged; the sender keeps what it has until it was restored."""

    code = "storage_damaged"
    retryable = True
    retry_after_seconds = 60.0


class PolicyRefused(CaseprobeError):
    """The machine's local policy, or the person in front of it, said no."""

    code = "policy_refused"
    exit_code = 4


class Corrupt(CaseprobeError):
    """Bytes that are not what their hash or format says."""

    code = "corrupt"


class RedactionError(CaseprobeError):
    """Something could not be cleaned; it is withheld, never sent as it is."""

    code = "redaction"


class NotAllowed(CaseprobeError):
    """The person or key may not do this."""

    code = "not_allowed"
    exit_code = 4


class NotFound(CaseprobeError):
    """No such case, agent, customer, user or snapshot, or not one that you may see."""

    code = "not_found"
    exit_code = 2


def error_classes() -> dict[str, type[CaseprobeError]]:
    """Every class of the tree by its code.

    >>> error_classes()["case_closed"].__name__
    'CaseClosed'
    """
    found: dict[str, type[CaseprobeError]] = {}
    todo: list[type[CaseprobeError]] = [CaseprobeError]
    while todo:
        cls = todo.pop()
        found[cls.code] = cls
        todo += cls.__subclasses__()
    return found


def error_from(code: str, message: str) -> CaseprobeError:
    """The error that the other side named, or a Refused where this version does not know its code.

    >>> error_from("revoked", "this machine was removed").exit_code
    4
    """
    return error_classes().get(code, Refused)(message)
