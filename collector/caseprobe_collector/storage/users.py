"""Staff and tokens in tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Token, User
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import values
from caseprobe_collector.storage.sealed import SEAL, TOKEN_ROWS, USER_ROWS
from caseprobe_collector.storage.tables import TOKENS, USERS
from caseprobe_collector.storage.unit import unit_of


class SqlUsers:
    """Implements the port `UserStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_user(self, tx: Transaction, user: User) -> None:
        """Store a user, new or changed; raises UsageError where another has the name."""
        new = insert(USERS)
        changed = {name: new.excluded[name] for name in (*values(user, "user_id"), SEAL)}
        await unit_of(tx).write(new.on_conflict_do_update(["user_id"], set_=changed), USER_ROWS.sealed(values(user)))

    async def get_user(self, user_id: str) -> User | None:
        """One user, None where there is none; raises StorageDamaged for a damaged one."""
        query = USER_ROWS.select().where(USERS.c.user_id == user_id)
        return USER_ROWS.first(User, await self._database.rows(query))

    async def find_user(self, name: str) -> User | None:
        """The user of this name, None where there is none; raises StorageDamaged for a damaged one."""
        return USER_ROWS.first(User, await self._database.rows(USER_ROWS.select().where(USERS.c.name == name)))

    async def list_users(self) -> list[User]:
        """All users by name, but for damaged ones."""
        return USER_ROWS.records(User, await self._database.rows(USER_ROWS.select().order_by(USERS.c.name)))

    async def add_token(self, tx: Transaction, token: Token) -> None:
        """Store a login or API token by its secret's hash."""
        await unit_of(tx).write(sa.insert(TOKENS), TOKEN_ROWS.sealed(values(token)))

    async def find_token(self, secret_sha256: bytes) -> Token | None:
        """The token of this hash, None where there is none or it is damaged: its holder logs in again."""
        query = TOKEN_ROWS.select().where(TOKENS.c.secret_sha256 == secret_sha256)
        return next(iter(TOKEN_ROWS.records(Token, await self._database.rows(query))), None)

    async def list_tokens(self, user_id: str) -> list[Token]:
        """A user's tokens, newest first, but for damaged ones."""
        query = TOKEN_ROWS.select().where(TOKENS.c.user_id == user_id).order_by(TOKENS.c.token_id.desc())
        return TOKEN_ROWS.records(Token, await self._database.rows(query))

    async def revoke_token(self, tx: Transaction, token_id: str, revoked_at: datetime) -> None:
        """End a token; one that ended keeps its time."""
        mine = TOKENS.c.token_id == token_id
        token = TOKEN_ROWS.first(Token, await self._database.rows(TOKEN_ROWS.select().where(mine)))
        if token is not None and token.revoked_at is None:
            revoked = TOKEN_ROWS.sealed(values(replace(token, revoked_at=revoked_at)))
            await unit_of(tx).write(sa.update(TOKENS).where(mine).values(revoked))
