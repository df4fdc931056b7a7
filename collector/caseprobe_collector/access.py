"""Who may do what, for every surface alike: RPC, HTTP and WebSocket ask `decide` and nothing else.

Default deny: an action that no rule names is refused, and a surface whose route names no action does not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is; each includes the one before it, but operations and support differ in part."""

    VIEWER = "viewer"
    SUPPORT = "support"
    OPERATIONS = "operations"
    ADMIN = "admin"


class Action(StrEnum):
    """What can be done. `public` needs no login at all."""

    PUBLIC = "public"
    LOGIN = "login"
    OWN_ACCOUNT = "account.own"
    CASE_READ = "case.read"
    CASE_WRITE = "case.write"
    CASE_CLOSE = "case.close"
    CASE_DELETE = "case.delete"
    SNAPSHOT_READ = "snapshot.read"
    SNAPSHOT_DELETE = "snapshot.delete"
    BUNDLE_IMPORT = "bundle.import"
    AGENT_READ = "agent.read"
    AGENT_REVOKE = "agent.revoke"
    JOIN_CODE_BUNDLE = "join_code.bundle"
    JOIN_CODE_ENROL = "join_code.enrol"
    SESSION_START = "session.start"
    SESSION_READ = "session.read"
    # To ask for a true name behind a stand-in, and to read the answer.
    REVEAL = "reveal"
    SCHEDULE_READ = "schedule.read"
    SCHEDULE_WRITE = "schedule.write"
    CUSTOMER_READ = "customer.read"
    CUSTOMER_WRITE = "customer.write"
    USER_ADMIN = "user.admin"
    AUDIT_READ = "audit.read"
    METRICS_READ = "metrics.read"
    LINK_OPEN = "link.open"
    LOAD_TEST = "load.test"
    ENROL = "enrol"


_VIEW = frozenset(
    {
        Action.OWN_ACCOUNT,
        Action.CASE_READ,
        Action.SNAPSHOT_READ,
        Action.AGENT_READ,
        Action.SESSION_READ,
        Action.SCHEDULE_READ,
        Action.CUSTOMER_READ,
    }
)
_SUPPORT = _VIEW | {
    Action.CASE_WRITE,
    Action.CASE_CLOSE,
    Action.BUNDLE_IMPORT,
    Action.JOIN_CODE_BUNDLE,
    Action.SESSION_START,
    Action.REVEAL,
}
_OPERATIONS = _VIEW | {
    Action.CASE_WRITE,
    Action.JOIN_CODE_BUNDLE,
    Action.JOIN_CODE_ENROL,
    Action.SESSION_START,
    Action.SCHEDULE_WRITE,
    Action.AGENT_REVOKE,
}
_ADMIN = (
    _SUPPORT
    | _OPERATIONS
    | {
        Action.CASE_DELETE,
        Action.SNAPSHOT_DELETE,
        Action.CUSTOMER_WRITE,
        Action.USER_ADMIN,
        Action.AUDIT_READ,
        Action.METRICS_READ,
    }
)

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _VIEW,
    Role.SUPPORT: _SUPPORT,
    Role.OPERATIONS: _OPERATIONS,
    Role.ADMIN: _ADMIN,
}
AGENT = frozenset({Action.LINK_OPEN, Action.LOAD_TEST})
# What needs no login: pages and endpoints that reveal nothing and change nothing but a session's start.
OPEN = frozenset({Action.PUBLIC, Action.LOGIN, Action.ENROL})


@dataclass(frozen=True)
class Principal:
    """Who acts. A user or token has a role; customer_ids None means every customer.

    kind: user, token, agent, or nobody. An agent has no role: it may open its link and test it.
    """

    kind: str
    id: str
    name: str = ""
    role: Role | None = None
    customer_ids: frozenset[str] | None = frozenset()


NOBODY = Principal(kind="nobody", id="")


def decide(principal: Principal, action: Action, customer_id: str | None = None) -> bool:
    """True where the principal may do the action to something of this customer.

    customer_id None: the thing belongs to no customer (a list, which its store filters by customer_ids).

    >>> decide(Principal("user", "u", role=Role.VIEWER, customer_ids=None), Action.CASE_WRITE)
    False
    """
    if action in OPEN:
        return True
    if principal.kind == "agent":
        return action in AGENT
    if principal.role is None or action not in ALLOWED[principal.role]:
        return False
    return customer_id is None or principal.customer_ids is None or customer_id in principal.customer_ids


def limited_role(creator: Role, wanted: Role) -> bool:
    """True where a token of this role holds no right that its creator lacks.

    >>> limited_role(Role.SUPPORT, Role.ADMIN)
    False
    """
    return ALLOWED[wanted] <= ALLOWED[creator]
