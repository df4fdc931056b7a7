"""Who this agent is: its key, its certificate, and how a join code becomes one.

The private key never leaves its file but for a child process that signs with it, so the resident process never
loads cryptography. `enrol` makes an Identity, `load` reads it back, `sign` and `renewal_request` use its key.
"""

from caseprobe_agent.identity.enrolment import Enrolled, enrol, parse_join_code
from caseprobe_agent.identity.state import ENROLLED, ONE_SHOT, Identity, end, forget, load
from caseprobe_agent.identity.use import accept_certificate, renewal_due, renewal_request, sign

__all__ = [
    "ENROLLED",
    "ONE_SHOT",
    "Enrolled",
    "Identity",
    "accept_certificate",
    "end",
    "enrol",
    "forget",
    "load",
    "parse_join_code",
    "renewal_due",
    "renewal_request",
    "sign",
]
