"""Staff, tokens, join codes and audit rows as the API and the pages show them; a secret is told once, or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caseprobe_collector.access import ALLOWED, Principal
from caseprobe_collector.fleet import PURPOSES
from caseprobe_collector.records import AuditRow, JoinCodeRecord, Token, User


@dataclass(frozen=True)
class JoinCodeView:
    """A join code, whose text is told once."""

    join_code_id: str
    text: str
    uses_left: int
    expires_at: datetime
    case_id: str


def join_code_view(record: JoinCodeRecord, text: str) -> JoinCodeView:
    """A new join code as told to who made it."""
    return JoinCodeView(record.join_code_id, text, record.uses_left, record.expires_at, record.case_id)


@dataclass(frozen=True)
class JoinCodeRowView:
    """A join code in a list, without its text, which nobody knows any more."""

    join_code_id: str
    purpose: str
    customer_id: str
    case_id: str
    uses_left: int
    expires_at: datetime
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


def join_code_row_view(record: JoinCodeRecord) -> JoinCodeRowView:
    """A join code as those see it who may withdraw it."""
    return JoinCodeRowView(
        record.join_code_id,
        PURPOSES.get(record.purpose, ""),
        record.customer_id,
        record.case_id,
        record.uses_left,
        record.expires_at,
        record.created_by,
        record.created_at,
        record.revoked_at,
    )


@dataclass(frozen=True)
class UserView:
    """A member of staff; customer_ids null means every customer."""

    user_id: str
    name: str
    role: str
    customer_ids: list[str] | None
    created_at: datetime
    disabled_at: datetime | None


def user_view(user: User) -> UserView:
    """A member of staff as shown."""
    ids = None if user.customer_ids is None else sorted(user.customer_ids)
    return UserView(user.user_id, user.name, user.role.value, ids, user.created_at, user.disabled_at)


@dataclass(frozen=True)
class TokenView:
    """An API token or a login; secret is told once, when it is made."""

    token_id: str
    kind: str
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    secret: str = ""


def token_view(token: Token, secret: str = "") -> TokenView:
    """A token as shown."""
    return TokenView(
        token.token_id,
        token.kind,
        token.name,
        token.role.value,
        token.created_at,
        token.expires_at,
        token.revoked_at,
        secret,
    )


@dataclass(frozen=True)
class PrincipalView:
    """Who one is, and what one may do."""

    kind: str
    id: str
    name: str
    role: str
    customer_ids: list[str] | None
    actions: list[str]


def principal_view(by: Principal) -> PrincipalView:
    """The person or token that asks."""
    ids = None if by.customer_ids is None else sorted(by.customer_ids)
    actions = sorted(ALLOWED[by.role]) if by.role else []
    return PrincipalView(by.kind, by.id, by.name, by.role.value if by.role else "", ids, [a.value for a in actions])


@dataclass(frozen=True)
class AuditView:
    """One link of the chain; hashes as hex."""

    number: int
    at: datetime
    actor: str
    action: str
    customer_id: str
    object: str
    detail: str
    sha256: str


def audit_view(row: AuditRow) -> AuditView:
    """An audit row as shown."""
    return AuditView(
        row.number, row.at, row.actor, row.action, row.customer_id, row.object, row.detail, row.sha256.hex()
    )
