"""Accounts, logins and tokens: who gets in, who does no more, and how often one may guess."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import Busy, NotAllowed, NotFound, UsageError
from caseprobe_collector.access import ALLOWED, Principal, Role, limited_role
from caseprobe_collector.records import User
from caseprobe_collector.users import Passwords, Users, login_wait
from caseprobe_collector.users.throttle import FREE_FAILURES, LONGEST_WAIT_SECONDS, WINDOW_SECONDS
from tests.fakes_desk import ADMIN, QUICK_HASHER, Desk, staff
from tests.fakes_storage import counted_bytes

PASSWORD = "correct horse battery"


async def ada(desk: Desk, role: Role = Role.SUPPORT, *customer_ids: str) -> User:
    """A member of staff named ada."""
    return await desk.users.create(ADMIN, "ada", PASSWORD, role, frozenset(customer_ids) if customer_ids else None)


async def login(desk: Desk, password: str = PASSWORD, name: str = "ada") -> str:
    """The secret of a login."""
    return (await desk.users.login(name, password, desk.clock.now()))[0]


async def test_a_login_opens_what_the_account_may(desk: Desk) -> None:
    """For twelve hours, and not an instant longer."""
    user = await ada(desk, Role.SUPPORT, "cust_a")
    secret = await login(desk)
    expected = Principal("user", user.user_id, "ada", Role.SUPPORT, frozenset({"cust_a"}))
    assert await desk.users.authenticate(secret) == expected
    desk.clock.step(hours=12)
    assert await desk.users.authenticate(secret) is None


async def test_only_a_secrets_hash_is_kept(desk: Desk) -> None:
    """`cpt_` and 32 random bytes; neither it nor the password is anywhere in the folder."""
    await ada(desk)
    secret = await login(desk)
    raw = base64.b32decode(secret.removeprefix("cpt_").upper() + "====")
    assert len(raw) == 32
    token = await desk.storage.users.find_token(hashlib.sha256(secret.encode()).digest())
    assert token is not None
    user = await desk.storage.users.get_user(token.user_id)
    assert user is not None
    assert user.password_hash.startswith("$argon2id$")
    kept = repr((token, user, await desk.storage.audit.list_audit()))
    assert secret not in kept
    assert PASSWORD not in kept


@pytest.mark.parametrize("password", ["wrong horse battery", "", PASSWORD + " ", "x" * 5000, "\ud800" * 20])
async def test_a_wrong_password_says_nothing_more(desk: Desk, password: str) -> None:
    """The same words as for a name that nobody has."""
    await ada(desk)
    for name in ("ada", "nobody", "\ud800"):
        with pytest.raises((NotAllowed, UsageError)) as caught:
            await login(desk, password, name)
        assert name == "\ud800" or str(caught.value) == "name or password is wrong"


class CountingHasher(PasswordHasher):
    """Counts how often it was asked to compare."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        """As argon2 does."""
        self.compared += 1
        return super().verify(hash, password)


async def test_unknown_wrong_and_disabled_cost_the_same(desk: Desk) -> None:
    """One comparison each, with a hash of the same cost: time tells nobody which names exist."""
    hasher = CountingHasher()
    users = Users(
        desk.storage.transactions, desk.storage.users, desk.audit, desk.clock, desk.ids, counted_bytes(), hasher
    )
    user = await users.create(ADMIN, "ada", PASSWORD, Role.VIEWER)
    await users.create(ADMIN, "root", PASSWORD, Role.ADMIN)
    counts = []
    for name, password in (("ada", "wrong password"), ("nobody", "wrong password")):
        before = hasher.compared
        with pytest.raises(NotAllowed):
            await users.login(name, password, desk.clock.now())
        counts.append(hasher.compared - before)
    await users.disable(ADMIN, user.user_id)
    before = hasher.compared
    with pytest.raises(NotAllowed):
        await users.login("ada", PASSWORD, desk.clock.now())
    assert [*counts, hasher.compared - before] == [1, 1, 1]


async def test_guessing_slows_down(desk: Desk) -> None:
    """Five free tries, then a wait that grows; the right password waits too, other names do not."""
    await ada(desk)
    await desk.users.create(ADMIN, "bob", PASSWORD, Role.VIEWER)
    for _ in range(FREE_FAILURES):
        with pytest.raises(NotAllowed):
            await login(desk, "wrong password")
    with pytest.raises(Busy, match="try again in 1 s") as caught:
        await login(desk)
    assert caught.value.retry_after_seconds == 1.0
    assert await login(desk, name="bob")
    desk.clock.step(seconds=1)
    assert await login(desk)
    for _ in range(FREE_FAILURES):
        with pytest.raises(NotAllowed):
            await login(desk, "wrong password")


@pytest.mark.parametrize(
    "names", [["nobody"] * 9, ["ada", " ada", "ada ", "  ada  ", "ada\t", "\nada", "ada", "ada", "ada"]]
)
async def test_no_spelling_and_no_unknown_name_guesses_on(desk: Desk, names: list[str]) -> None:
    """A name is one name however much space is around it; names that nobody has are throttled alike."""
    await ada(desk)
    kinds = []
    for name in names:
        with pytest.raises((NotAllowed, Busy)) as caught:
            await login(desk, "wrong password", name)
        kinds.append(type(caught.value))
    assert kinds == [NotAllowed] * FREE_FAILURES + [Busy] * (len(names) - FREE_FAILURES)


async def test_guesses_at_once_are_not_free(desk: Desk) -> None:
    """Thirty in the same instant: five are looked at."""
    await ada(desk)
    outcomes = await asyncio.gather(*(login(desk, f"wrong password {n}") for n in range(30)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Busy"] * 25 + ["NotAllowed"] * 5


async def test_too_many_logins_at_once_are_told_to_wait() -> None:
    """Comparisons that wait are bounded, whatever the names."""
    passwords = Passwords("nobody", QUICK_HASHER)
    kept = await passwords.hash(PASSWORD)
    outcomes = await asyncio.gather(*(passwords.matches(kept, PASSWORD) for _ in range(40)), return_exceptions=True)
    assert outcomes.count(True) == 32
    assert [type(outcome) for outcome in outcomes if outcome is not True] == [Busy] * 8
    assert await passwords.matches(kept, PASSWORD)
    assert not await passwords.matches(None, "nobody")


@given(st.lists(st.floats(0, 10_000), max_size=20).map(sorted), st.floats(0, 2000))
def test_a_wait_is_bounded_and_ends(failures: list[float], later: float) -> None:
    """Never over a minute, never before the free tries are gone, and it only shrinks as time goes."""
    now = failures[-1] if failures else 0.0
    wait = login_wait(failures, now)
    recent = [at for at in failures if now - at < WINDOW_SECONDS]
    assert 0 <= wait <= LONGEST_WAIT_SECONDS
    assert (wait > 0) == (len(recent) >= FREE_FAILURES)
    assert login_wait(failures, now + later) <= wait
    assert login_wait(failures, now + wait) == pytest.approx(0, abs=1e-9)


async def test_who_is_disabled_is_out_at_once(desk: Desk) -> None:
    """Open logins and tokens with it; nothing is deleted."""
    user = await ada(desk)
    await desk.users.create(ADMIN, "root", PASSWORD, Role.ADMIN)
    secret = await login(desk)
    by = await desk.users.authenticate(secret)
    assert by is not None
    token, _ = await desk.users.create_token(by, "ci", Role.VIEWER, timedelta(days=1))
    disabled = await desk.users.disable(ADMIN, user.user_id)
    assert disabled.disabled_at == desk.clock.now()
    assert [await desk.users.authenticate(one) for one in (secret, token)] == [None, None]
    with pytest.raises(NotAllowed):
        await login(desk)
    assert await desk.users.disable(ADMIN, user.user_id) == disabled


async def test_the_last_admin_stays(desk: Desk) -> None:
    """Without one nobody could make another; of two at once one stays."""
    first = await desk.users.create_first_admin("root", PASSWORD)
    with pytest.raises(UsageError, match="last admin"):
        await desk.users.disable(ADMIN, first.user_id)
    second = await desk.users.create(ADMIN, "eve", PASSWORD, Role.ADMIN)
    attempts = (desk.users.disable(ADMIN, user.user_id) for user in (first, second))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["UsageError", "User"]


async def test_the_first_admin_is_made_once(desk: Desk) -> None:
    """Also by two who try at the same moment."""
    attempts = (desk.users.create_first_admin(name, PASSWORD) for name in ("root", "eve"))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotAllowed", "User"]


@pytest.mark.parametrize("maker", list(Role))
@pytest.mark.parametrize("wanted", list(Role))
async def test_a_token_never_exceeds_its_maker(desk: Desk, maker: Role, wanted: Role) -> None:
    """Over all pairs of roles: refused, or no right that the maker lacks."""
    await ada(desk, maker, "cust_a")
    by = await desk.users.authenticate(await login(desk))
    assert by is not None
    if not limited_role(maker, wanted):
        with pytest.raises(NotAllowed, match="your own role"):
            await desk.users.create_token(by, "ci", wanted, timedelta(days=1))
        return
    secret, _ = await desk.users.create_token(by, "ci", wanted, timedelta(days=1))
    holder = await desk.users.authenticate(secret)
    assert holder is not None
    assert holder.role is not None
    assert (holder.kind, holder.customer_ids) == ("token", frozenset({"cust_a"}))
    assert ALLOWED[holder.role] <= ALLOWED[maker]


async def test_a_token_makes_no_tokens(desk: Desk) -> None:
    """One that leaked would live on in its children."""
    await ada(desk)
    by = await desk.users.authenticate(await login(desk))
    assert by is not None
    secret, _ = await desk.users.create_token(by, "ci", Role.SUPPORT, timedelta(days=1))
    holder = await desk.users.authenticate(secret)
    assert holder is not None
    with pytest.raises(NotAllowed, match="with their password"):
        await desk.users.create_token(holder, "child", Role.VIEWER, timedelta(days=300))


async def test_tokens_end(desk: Desk) -> None:
    """By logout, by revocation, by time; who revokes sees only their own."""
    await ada(desk)
    await desk.users.create(ADMIN, "bob", PASSWORD, Role.SUPPORT)
    first, second = await login(desk), await login(desk)
    by = await desk.users.authenticate(second)
    bob = await desk.users.authenticate(await login(desk, name="bob"))
    assert by is not None
    assert bob is not None
    await desk.users.logout(first)
    await desk.users.logout("cpt_nothing")
    assert await desk.users.authenticate(first) is None
    secret, token = await desk.users.create_token(by, "ci", Role.VIEWER, timedelta(minutes=5))
    with pytest.raises(NotFound):
        await desk.users.revoke_token(bob, token.token_id)
    assert await desk.users.authenticate(secret) is not None
    await desk.users.revoke_token(by, token.token_id)
    assert await desk.users.authenticate(secret) is None
    secret, _ = await desk.users.create_token(by, "ci", Role.VIEWER, timedelta(minutes=5))
    desk.clock.step(minutes=5)
    assert await desk.users.authenticate(secret) is None
    assert await desk.users.authenticate("") is None
    assert await desk.users.authenticate("\ud800") is None


async def test_who_manages_whom(desk: Desk) -> None:
    """An admin of some customers manages staff of those alone, and makes none who see more."""
    await desk.users.create_first_admin("root", PASSWORD)
    mine = await desk.users.create(ADMIN, "mine", PASSWORD, Role.SUPPORT, frozenset({"cust_a"}))
    theirs = await desk.users.create(ADMIN, "theirs", PASSWORD, Role.SUPPORT, frozenset({"cust_b"}))
    local = staff(Role.ADMIN, "cust_a")
    assert [user.name for user in await desk.users.list(local)] == ["mine"]
    assert [user.name for user in await desk.users.list(ADMIN)] == ["mine", "root", "theirs"]
    with pytest.raises(NotFound):
        await desk.users.disable(local, theirs.user_id)
    for customer_ids in (None, frozenset({"cust_a", "cust_b"})):
        with pytest.raises(NotAllowed):
            await desk.users.create(local, "new", PASSWORD, Role.VIEWER, customer_ids)
    assert (await desk.users.disable(local, mine.user_id)).disabled_at is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [("", PASSWORD), ("x" * 81, PASSWORD), ("a\nb", PASSWORD), ("ada", "short"), ("ada", "x" * 1001)],
)
async def test_an_account_that_cannot_be(desk: Desk, name: str, password: str) -> None:
    """Named by what is wrong with it."""
    with pytest.raises(UsageError, match=r"name:|password:"):
        await desk.users.create(ADMIN, name, password, Role.VIEWER)


async def test_two_of_one_name(desk: Desk) -> None:
    """The second is refused, at once or later."""
    outcomes = await asyncio.gather(*(ada(desk) for _ in range(3)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["UsageError", "UsageError", "User"]


async def test_only_admins_manage_accounts(desk: Desk) -> None:
    """Every other role is refused."""
    for role in (Role.VIEWER, Role.SUPPORT, Role.OPERATIONS):
        for attempt in (
            desk.users.list(staff(role)),
            desk.users.create(staff(role), "x", PASSWORD, Role.VIEWER),
            desk.users.disable(staff(role), "user_1"),
        ):
            with pytest.raises(NotAllowed):
                await attempt
