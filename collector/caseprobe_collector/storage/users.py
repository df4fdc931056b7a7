"""Staff and tokens in tables."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Token, User
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, values
from caseprobe_collector.storage.tables import TOKENS, USERS
from caseprobe_collector.storage.unit import unit_of


class SqlUsers:
    """Implements the port `UserStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_user(self, tx: Transaction, user: User) -> None:
        """Store a user, new or changed; raises UsageError where another has the name."""
        new = insert(USERS)
        changed = {name: new.excluded[name] for name in values(user, "user_id", "created_at")}
        await unit_of(tx).write(new.on_conflict_do_update(["user_id"], set_=changed), values(user))

    async def get_user(self, user_id: str) -> User | None:
        """One user, None where there is none."""
        return first(User, await self._database.rows(sa.select(USERS).where(USERS.c.user_id == user_id)))

    async def find_user(self, name: str) -> User | None:
        """The user of this name, None where there is none."""
        return first(User, await self._database.rows(sa.select(USERS).where(USERS.c.name == name)))

    async def list_users(self) -> list[User]:
        """All users by name."""
        return records(User, await self._database.rows(sa.select(USERS).order_by(USERS.c.name)))

    async def add_token(self, tx: Transaction, token: Token) -> None:
        """Store a login or API token by its secret's hash."""
        await unit_of(tx).write(sa.insert(TOKENS), values(token))

    async def find_token(self, secret_sha256: bytes) -> Token | None:
        """The token of this hash, None where there is none."""
        query = sa.select(TOKENS).where(TOKENS.c.secret_sha256 == secret_sha256)
        return first(Token, await self._database.rows(query))

    async def list_tokens(self, user_id: str) -> list[Token]:
        """A user's tokens, newest first."""
        query = sa.select(TOKENS).where(TOKENS.c.user_id == user_id).order_by(TOKENS.c.token_id.desc())
        return records(Token, await self._database.rows(query))

    async def revoke_token(self, tx: Transaction, token_id: str, revoked_at: datetime) -> None:
        """End a token; one that ended keeps its time."""
        standing = (TOKENS.c.token_id == token_id) & TOKENS.c.revoked_at.is_(None)
        await unit_of(tx).write(sa.update(TOKENS).where(standing).values(revoked_at=revoked_at))
