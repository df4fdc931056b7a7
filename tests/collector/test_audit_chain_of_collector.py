"""The audit's chain: any change to any entry is found, wherever it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe_collector.audit import GENESIS, entry_sha256, verify
from caseprobe_collector.records import AuditRow, Checkpoint
from tests.fakes_storage import NOW

TEXT = st.text(max_size=12)


def chain_of(entries: Sequence[tuple[str, str, str, str, str]]) -> list[AuditRow]:
    """A whole chain of entries (actor, action, customer, object, detail)."""
    rows: list[AuditRow] = []
    previous = GENESIS
    for number, (actor, action, customer_id, thing, detail) in enumerate(entries, 1):
        fields = (number, NOW + timedelta(seconds=number), actor, action, customer_id, thing, detail, previous)
        rows.append(AuditRow(*fields, entry_sha256(*fields)))
        previous = rows[-1].sha256
    return rows


CHAINS = st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT), min_size=2, max_size=6).map(chain_of)


@given(CHAINS)
def test_a_whole_chain_is_whole(rows: list[AuditRow]) -> None:
    """From its start, from its middle, and with what was seen before."""
    assert verify(rows) is None
    assert verify(rows[1:], rows[0].sha256, 2) is None
    assert all(verify(rows, checkpoint=Checkpoint(row.number, row.sha256)) is None for row in rows)


@given(CHAINS, st.data())
def test_every_edit_is_found(rows: list[AuditRow], data: st.DataObject) -> None:
    """Any field of any entry, by anything else than what it was."""
    index = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(["number", "at", "actor", "action", "customer_id", "object", "detail", "sha256"]))
    row = rows[index]
    other: dict[str, Any] = {"number": row.number + 1, "at": row.at + timedelta(microseconds=1), "sha256": bytes(32)}
    edited = replace(row, **{name: other[name] if name in other else getattr(row, name) + "x"})
    assert verify([*rows[:index], edited, *rows[index + 1 :]]) is not None


@given(CHAINS, st.data())
def test_every_removal_and_swap_is_found(rows: list[AuditRow], data: st.DataObject) -> None:
    """An entry less, twice, or two in the other's place; a cut at the end needs a checkpoint."""
    index = data.draw(st.integers(0, len(rows) - 2))
    checkpoint = Checkpoint(rows[-1].number, rows[-1].sha256)
    assert verify([*rows[:index], *rows[index + 1 :]]) is not None
    assert verify([*rows[: index + 1], *rows[index:]]) is not None
    assert verify([*rows[:index], rows[index + 1], rows[index], *rows[index + 2 :]]) is not None
    assert verify(rows[:-1]) is None
    assert verify(rows[:-1], checkpoint=checkpoint) is not None


@pytest.mark.parametrize("damaged", [{"actor": b"user:u"}, {"at": 7}, {"detail": None}, {"previous_sha256": "x"}])
def test_a_value_of_another_kind_is_an_alteration(damaged: dict[str, Any]) -> None:
    """A bit that flips in the database may make bytes of a text."""
    row = chain_of([("user:u", "case.create", "cust_a", "case_1", "")])[0]
    assert verify([replace(row, **damaged)]) is not None


@given(CHAINS)
def test_a_log_written_anew_is_found_by_who_remembers(rows: list[AuditRow]) -> None:
    """Every hash of the new log fits, but not what was seen."""
    anew = chain_of([(row.actor, row.action, row.customer_id, row.object, row.detail + "!") for row in rows])
    assert verify(anew) is None
    assert verify(anew, checkpoint=Checkpoint(rows[-1].number, rows[-1].sha256)) is not None


@pytest.mark.parametrize(("first", "second"), [(("ab", "c"), ("a", "bc")), (("", "abc"), ("abc", ""))])
def test_no_two_entries_read_alike(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Letters that move from one field to the next change the hash."""
    digests = {entry_sha256(1, NOW, *pair, "cust_a", "case_1", "", GENESIS) for pair in (first, second)}
    assert len(digests) == 2
