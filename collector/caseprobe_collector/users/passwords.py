"""Passwords: argon2, off the event loop, few at a time."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from caseprobe.errors import Busy, UsageError

MIN_PASSWORD = 10
MAX_PASSWORD = 1000
# Each takes 64 MiB and a core for a moment; more at once would starve what else the collector does.
AT_ONCE = 2
WAITING = 32


class Passwords:
    """Makes and compares hashes."""

    def __init__(self, nobody: str, hasher: PasswordHasher | None = None) -> None:
        """nobody: a random text that no one's password is."""
        self._hasher = hasher or PasswordHasher()
        # What an unknown name is compared with, so that it costs what a known one does.
        self._nobody_hash = self._hasher.hash(nobody)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """A salted hash to keep; raises UsageError for a password that is too short or too long."""
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise UsageError(f"password: must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """True where the password is the hash's; the same work for None, which nothing matches.

        Raises Busy where too many wait already.
        """
        if self._waiting >= WAITING:
            raise Busy("too many people log in at this moment; try again in a few seconds")
        self._waiting += 1
        try:
            async with self._room:
                good = await asyncio.to_thread(self._verify, password_hash or self._nobody_hash, password)
        finally:
            self._waiting -= 1
        return good and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password[:MAX_PASSWORD]))
        except (Argon2Error, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    # JSON can carry half a character; it is a wrong password then, not a crash.
    return password.encode("utf-8", "surrogatepass")
