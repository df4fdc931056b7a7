"""Staff: accounts, logins and API tokens."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from argon2 import PasswordHasher

from caseprobe.errors import Busy, NotAllowed, NotFound, UsageError
from caseprobe_collector.access import Action, Principal, Role, decide, limited_role
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import Clock, Transaction, Transactions, UserStore
from caseprobe_collector.records import Customers, Token, User
from caseprobe_collector.users.passwords import Passwords
from caseprobe_collector.users.throttle import Throttle

MAX_NAME = 80
LOGIN_LIFETIME = timedelta(hours=12)
LONGEST_TOKEN = timedelta(days=366)
TOKEN_BYTES = 32


class Users:
    """What staff do with accounts, and who a secret belongs to."""

    def __init__(
        self,
        transactions: Transactions,
        store: UserStore,
        audit: AuditLog,
        clock: Clock,
        new_id: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._passwords = Passwords(random_bytes(16).hex(), hasher)
        self._throttle = Throttle()

    # --- accounts ---

    async def create_first_admin(self, name: str, password: str) -> User:
        """The first account, made on the collector's machine; raises NotAllowed where there is one already."""
        return await self._add("local", name, password, Role.ADMIN, None)

    async def create(self, by: Principal, name: str, password: str, role: Role, customer_ids: Customers = None) -> User:
        """A new account; customer_ids None: every customer. Raises UsageError, NotAllowed."""
        self._require_admin(by)
        if by.customer_ids is not None and (customer_ids is None or not customer_ids <= by.customer_ids):
            raise NotAllowed("you may only add staff for your own customers")
        return await self._add(by, name, password, role, customer_ids)

    async def _add(self, by: Principal | str, name: str, password: str, role: Role, customer_ids: Customers) -> User:
        text = name.strip()
        if not 0 < len(text) <= MAX_NAME or not text.isprintable():
            raise UsageError(f"name: must be one line of 1 to {MAX_NAME} characters")
        password_hash = await self._passwords.hash(password)
        user = User(self._new_id("user"), text, password_hash, role, customer_ids, self._clock.now())

        async def work(tx: Transaction) -> None:
            if by == "local" and await self._store.list_users():
                raise NotAllowed("there is an account already; an admin makes further ones")
            if await self._store.find_user(text) is not None:
                raise UsageError(f"name: there is an account {text!r} already")
            await self._store.put_user(tx, user)
            await self._audit.record(tx, by, "user.create", "", user.user_id, f"{text} {role}")

        await self._transactions.run(work)
        return user

    async def disable(self, by: Principal, user_id: str) -> User:
        """The account, which may do nothing any more: its logins and tokens end with it.

        Raises NotFound, and UsageError for the last admin of all, without whom nobody could make another.
        """
        self._require_admin(by)
        disabled_at = self._clock.now()

        async def work(tx: Transaction) -> User:
            users = await self._store.list_users()
            user = next((user for user in users if user.user_id == user_id and _manages(by, user)), None)
            if user is None:
                raise NotFound(f"no account {user_id[:60]!r}")
            if user.disabled_at is not None:
                return user
            if not any(_is_top_admin(other) for other in users if other.user_id != user_id):
                raise UsageError("this is the last admin: make another one first")
            disabled = replace(user, disabled_at=disabled_at)
            await self._store.put_user(tx, disabled)
            await self._audit.record(tx, by, "user.disable", "", user_id, user.name)
            return disabled

        return await self._transactions.run(work)

    # --- logins and tokens ---

    async def login(self, name: str, password: str, now: datetime) -> tuple[str, Token]:
        """A login's secret and record; raises NotAllowed, or Busy after too many failures of this name."""
        text = name.strip()
        self._try(text)
        user = await self._store.find_user(text)
        good = await self._passwords.matches(None if user is None else user.password_hash, password)
        if user is None or not good or user.disabled_at is not None:
            raise NotAllowed("name or password is wrong")
        self._throttle.succeed(text)
        return await self._give("login", user, user.name, user.role, user.customer_ids, now + LOGIN_LIFETIME)

    async def create_token(self, by: Principal, name: str, role: Role, lifetime: timedelta) -> tuple[str, Token]:
        """An API token's secret, shown once, and its record; never more rights than its maker has."""
        user = await self._store.get_user(by.id)
        # A token that could make tokens would outlive its own end.
        if user is None or by.role is None or by.kind != "user" or not decide(by, Action.OWN_ACCOUNT):
            raise NotAllowed("tokens are made by staff who logged in with their password, not with a token")
        if not limited_role(by.role, role):
            raise NotAllowed(f"a token of yours cannot be {role}: your own role is {by.role}")
        if not timedelta(minutes=1) <= lifetime <= LONGEST_TOKEN:
            raise UsageError(f"lifetime: must be 1 minute to {LONGEST_TOKEN.days} days")
        return await self._give("api", user, name[:MAX_NAME], role, by.customer_ids, self._clock.now() + lifetime)

    async def authenticate(self, secret: str) -> Principal | None:
        """Who holds this secret now; None where nobody does, or does no more."""
        token = await self._store.find_token(_sha256(secret))
        if token is None or token.revoked_at is not None:
            return None
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            return None
        user = await self._store.get_user(token.user_id)
        if user is None or user.disabled_at is not None:
            return None
        return _principal(user, token)

    async def logout(self, secret: str) -> None:
        """End a login; an unknown one is ended already."""
        token = await self._store.find_token(_sha256(secret))
        if token is not None:
            await self._revoke(f"user:{token.user_id}", token.token_id)

    async def revoke_token(self, by: Principal, token_id: str) -> None:
        """End one of one's own tokens, or anybody's that one manages as an admin; raises NotFound."""
        users = await self._store.list_users() if by.role is Role.ADMIN else []
        owners = [by.id, *(user.user_id for user in users if user.user_id != by.id and _manages(by, user))]
        for owner in owners:
            if any(token.token_id == token_id for token in await self._store.list_tokens(owner)):
                await self._revoke(by, token_id)
                return
        raise NotFound(f"no token {token_id[:60]!r}")

    async def list_tokens(self, by: Principal) -> list[Token]:
        """One's own tokens that are in force."""
        now = self._clock.now()
        tokens = await self._store.list_tokens(by.id)
        return [t for t in tokens if t.revoked_at is None and (t.expires_at is None or t.expires_at > now)]

    async def list(self, by: Principal) -> list[User]:
        """The accounts that one manages, by name."""
        self._require_admin(by)
        return [user for user in await self._store.list_users() if user.user_id == by.id or _manages(by, user)]

    # --- inside ---

    async def _give(
        self, kind: str, user: User, name: str, role: Role, customer_ids: Customers, expires_at: datetime
    ) -> tuple[str, Token]:
        encoded = base64.b32encode(self._random_bytes(TOKEN_BYTES)).decode().rstrip("=").lower()
        secret = f"cpt_{encoded}"
        token = Token(
            token_id=self._new_id("tok"),
            kind=kind,
            secret_sha256=_sha256(secret),
            user_id=user.user_id,
            name=name,
            role=role,
            customer_ids=customer_ids,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )

        async def work(tx: Transaction) -> None:
            await self._store.add_token(tx, token)
            await self._audit.record(tx, f"user:{user.user_id}", f"token.{kind}", "", token.token_id, f"{name} {role}")

        await self._transactions.run(work)
        return secret, token

    async def _revoke(self, by: Principal | str, token_id: str) -> None:
        async def work(tx: Transaction) -> None:
            await self._store.revoke_token(tx, token_id, self._clock.now())
            await self._audit.record(tx, by, "token.revoke", "", token_id)

        await self._transactions.run(work)

    def _try(self, name: str) -> None:
        now = self._clock.monotonic()
        wait = self._throttle.wait(name, now)
        if wait > 0:
            raise Busy(f"too many failed logins for this name; try again in {max(1.0, wait):.0f} s", wait)
        self._throttle.fail(name, now)

    def _require_admin(self, by: Principal) -> None:
        if not decide(by, Action.USER_ADMIN):
            raise NotAllowed("only admins may manage accounts")


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _manages(by: Principal, user: User) -> bool:
    """An admin of some customers manages those whose customers are among them, and never who sees more."""
    if by.customer_ids is None:
        return True
    return user.customer_ids is not None and user.customer_ids <= by.customer_ids


def _is_top_admin(user: User) -> bool:
    return user.role is Role.ADMIN and user.customer_ids is None and user.disabled_at is None


def _principal(user: User, token: Token) -> Principal:
    """The narrower of what the account and the token allow, as both are now."""
    role = token.role if limited_role(user.role, token.role) else user.role
    mine, its = user.customer_ids, token.customer_ids
    customer_ids = its if mine is None else mine if its is None else mine & its
    return Principal("user" if token.kind == "login" else "token", user.user_id, user.name, role, customer_ids)
