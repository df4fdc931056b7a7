"""Between rows and records; every read that a person causes is narrowed here, in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from caseprobe_collector.records import Customers

R = TypeVar("R")


def records(kind: type[R], rows: Iterable[sa.Row[Any]]) -> list[R]:
    """Rows whose columns are named like the record's fields, as records."""
    return [kind(**row._asdict()) for row in rows]


def first(kind: type[R], rows: Iterable[sa.Row[Any]]) -> R | None:
    """The first row as a record, None where there is none."""
    return next((kind(**row._asdict()) for row in rows), None)


def values(record: object, *left_out: str) -> dict[str, Any]:
    """A record's fields by name, as an insert takes them."""
    return {name: value for name, value in vars(record).items() if name not in left_out}


def seen_by(column: sa.ColumnElement[Any], customers: Customers) -> sa.ColumnElement[bool]:
    """The condition that a row belongs to one of these customers; None is every customer, an empty set none."""
    return sa.true() if customers is None else column.in_(sorted(customers))
