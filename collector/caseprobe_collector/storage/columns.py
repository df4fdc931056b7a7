"""How values of the records lie in columns, alike in every database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from caseprobe_collector.access import Role
from caseprobe_collector.records import Customers

LARGEST = (1 << 63) - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(sa.types.TypeDecorator[datetime]):
    """A time point as whole microseconds since 1970 UTC: exact, sortable, the same in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds; a time without zone is a mistake and raises TypeError."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """An aware datetime in UTC."""
        return None if value is None else EPOCH + value * MICROSECOND


class Counter(sa.types.TypeDecorator[int]):
    """A number that a machine claims: up to 64 bits unsigned on the wire, where a column holds 63.

    What is over that is nobody's honest count and is kept as the largest number.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """At most what a column holds."""
        return None if value is None else min(value, LARGEST)


class Reference(sa.types.TypeDecorator[str]):
    """The id of another row, where "" (none) must be NULL for the foreign key to hold."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """NULL for the empty id."""
        return value or None

    def process_result_value(self, value: str | None, dialect: Dialect) -> str:
        """The empty id for NULL."""
        return value or ""


class _Json(sa.types.TypeDecorator[Any]):
    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Compact JSON."""
        return None if value is None else json.dumps(self.plain(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The record's own shape."""
        return None if value is None else self.shaped(json.loads(value))

    def plain(self, value: Any) -> Any:
        """What JSON can say."""
        return list(value)

    def shaped(self, value: Any) -> Any:
        """What the record holds."""
        return tuple(value)


class Names(_Json):
    """A tuple of strings."""

    cache_ok = True


class Pairs(_Json):
    """A tuple of pairs of numbers."""

    cache_ok = True

    def shaped(self, value: Any) -> tuple[tuple[int, int], ...]:
        """Pairs again; JSON knows only lists."""
        return tuple((int(first), int(second)) for first, second in value)


class CustomerIds(_Json):
    """A set of customers, NULL for every customer."""

    cache_ok = True

    def plain(self, value: frozenset[str]) -> list[str]:
        """In a fixed order, so that equal sets are equal text."""
        return sorted(value)

    def shaped(self, value: list[str]) -> Customers:
        """A set again."""
        return frozenset(value)


class RoleName(sa.types.TypeDecorator[Role]):
    """A role by its name; a name that this version does not know raises ValueError rather than opening anything."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Role | None, dialect: Dialect) -> str | None:
        """The name."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Role | None:
        """The role."""
        return None if value is None else Role(value)
