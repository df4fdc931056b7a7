"""Staff: accounts, logins and API tokens."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from caseprobe.errors import Busy, NotAllowed, NotFound, UsageError
from caseprobe_collector.access import Action, Principal, Role, decide, limited_role
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import Clock, Transaction, Transactions, UserStore
from caseprobe_collector.records import Customers, Token, User

MIN_PASSWORD = 10
MAX_PASSWORD = 1000
MAX_NAME = 80
LOGIN_LIFETIME = timedelta(hours=12)
LONGEST_TOKEN = timedelta(days=366)
TOKEN_BYTES = 32
# Free failures within the window, then a wait that doubles up to a minute; per name, so one cannot lock out all.
FREE_FAILURES = 5
WINDOW_SECONDS = 900.0
LONGEST_WAIT_SECONDS = 60.0
NAMES_WATCHED = 10_000
FAILURES_KEPT = 20


def login_wait(failures: Sequence[float], now: float) -> float:
    """Seconds that a name must wait before its next try, given the times of its failures; pure.

    >>> login_wait([0.0] * 4, 1.0), login_wait([0.0] * 6, 1.0)
    (0.0, 1.0)
    """
    recent = [at for at in failures if now - at < WINDOW_SECONDS]
    excess = len(recent) - FREE_FAILURES
    if excess < 0:
        return 0.0
    return max(0.0, recent[-1] + min(LONGEST_WAIT_SECONDS, 2.0**excess) - now)


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
        self._hasher = hasher or PasswordHasher()
        # What an unknown name is compared with, so that it costs what a known one does.
        self._nobody_hash = self._hasher.hash(random_bytes(16).hex())
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    # --- accounts ---

    async def create_first_admin(self, name: str, password: str) -> User:
        """The first account, made on the collector's machine; raises NotAllowed where there is one already."""
        if await self._store.list_users():
            raise NotAllowed("there is an account already; an admin makes further ones")
        return await self._add("local", name, password, Role.ADMIN, None)

    async def create(self, by: Principal, name: str, password: str, role: Role, customer_ids: Customers = None) -> User:
        """A new account; customer_ids None: every customer. Raises UsageError, NotAllowed."""
        self._require_admin(by)
        if by.customer_ids is not None and (customer_ids is None or not customer_ids <= by.customer_ids):
            raise NotAllowed("you may only add staff for your own customers")
        return await self._add(by, name, password, role, customer_ids)

    async def _add(self, by: Principal | str, name: str, password: str, role: Role, customer_ids: Customers) -> User:
        text = name.strip()
        if not 0 < len(text) <= MAX_NAME:
            raise UsageError(f"name: must have 1 to {MAX_NAME} characters")
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise UsageError(f"password: must have at least {MIN_PASSWORD} characters")
        if await self._store.find_user(text) is not None:
            raise UsageError(f"name: there is an account {text!r} already")
        password_hash = await asyncio.to_thread(self._hasher.hash, password)
        user = User(self._new_id("user"), text, password_hash, role, customer_ids, self._clock.now())

        async def work(tx: Transaction) -> None:
            await self._store.put_user(tx, user)
            await self._audit.record(tx, by, "user.create", "", user.user_id, f"{text} {role}")

        await self._transactions.run(work)
        return user

    async def disable(self, by: Principal, user_id: str) -> User:
        """The account, which may do nothing any more: its logins and tokens end with it."""
        self._require_admin(by)
        user = await self._store.get_user(user_id)
        if user is None:
            raise NotFound(f"no account {user_id[:60]!r}")
        disabled = replace(user, disabled_at=user.disabled_at or self._clock.now())

        async def work(tx: Transaction) -> None:
            await self._store.put_user(tx, disabled)
            await self._audit.record(tx, by, "user.disable", "", user_id, user.name)

        await self._transactions.run(work)
        return disabled

    # --- logins and tokens ---

    async def login(self, name: str, password: str, now: datetime) -> tuple[str, Token]:
        """A login's secret and record; raises NotAllowed, or Busy after too many failures of this name."""
        self._check_wait(name)
        user = await self._store.find_user(name.strip())
        good = await asyncio.to_thread(self._matches, user, password[:MAX_PASSWORD])
        if user is None or not good or user.disabled_at is not None:
            self._note_failure(name)
            raise NotAllowed("name or password is wrong")
        self._failures.pop(name, None)
        return await self._give("login", user, user.name, user.role, user.customer_ids, now + LOGIN_LIFETIME)

    async def create_token(self, by: Principal, name: str, role: Role, lifetime: timedelta) -> tuple[str, Token]:
        """An API token's secret, shown once, and its record; never more rights than its maker has."""
        user = await self._store.get_user(by.id)
        if user is None or by.role is None or not decide(by, Action.OWN_ACCOUNT):
            raise NotAllowed("only staff may make tokens")
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
        """End one of one's own tokens, or anybody's as an admin; raises NotFound."""
        owners = [by.id] if by.role is not Role.ADMIN else [user.user_id for user in await self._store.list_users()]
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
        """All accounts."""
        self._require_admin(by)
        return await self._store.list_users()

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

    def _matches(self, user: User | None, password: str) -> bool:
        try:
            return self._hasher.verify(self._nobody_hash if user is None else user.password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    def _check_wait(self, name: str) -> None:
        wait = login_wait(self._failures.get(name, ()), self._clock.monotonic())
        if wait > 0:
            raise Busy(f"too many failed logins for this name; try again in {wait:.0f} s", wait)

    def _note_failure(self, name: str) -> None:
        self._failures.setdefault(name, deque(maxlen=FAILURES_KEPT)).append(self._clock.monotonic())
        self._failures.move_to_end(name)
        while len(self._failures) > NAMES_WATCHED:
            self._failures.popitem(last=False)

    def _require_admin(self, by: Principal) -> None:
        if not decide(by, Action.USER_ADMIN):
            raise NotAllowed("only admins may manage accounts")


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _principal(user: User, token: Token) -> Principal:
    """The narrower of what the account and the token allow, as both are now."""
    role = token.role if limited_role(user.role, token.role) else user.role
    mine, its = user.customer_ids, token.customer_ids
    customer_ids = its if mine is None else mine if its is None else mine & its
    return Principal("user" if token.kind == "login" else "token", user.user_id, user.name, role, customer_ids)
