"""The console's small parts: facts as tables, errors as statuses, metrics."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import error_classes
from caseprobe.v1 import section_pb2
from caseprobe_collector.console import create_metrics
from caseprobe_collector.console.errors import failure_of, failure_of_status
from caseprobe_collector.console.facts import section_view
from tests.asgi import Client


@dataclass
class Links:
    """Streams of which this many are open."""

    open: int
    most: int = 5
    shed_total: int = 0

    def count(self) -> int:
        """Open streams."""
        return self.open


def test_every_error_of_the_tree_has_a_status_of_its_kind() -> None:
    """No class falls through; its code and its line are what is told."""
    for cls in error_classes().values():
        failure = failure_of(cls("what, why, what to do"))
        assert 400 <= failure.status < 600
        assert (failure.code, failure.message) == (cls.code, "what, why, what to do")
    assert failure_of_status(404).status == 404


def test_facts_are_read_off_the_message() -> None:
    """Units become people's, absent is not zero, repeated facts are a table."""
    section = section_pb2.Section(probe="disks", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.disks.disks.add(name="sda", size_bytes=2**40, busy_ratio=0.5, await_seconds=0.004)
    section.disks.disks.add(name="sdb", size_bytes=2**30)
    section.disks.sample_seconds = 0.25
    view = section_view(section)
    assert [(fact.label, fact.text) for fact in view.facts] == [("Sample", "250\N{NO-BREAK SPACE}ms")]
    [table] = view.tables
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["Size"].text == "1.0\N{NO-BREAK SPACE}TiB"
    assert (cells["Busy"].text, cells["Busy"].ratio) == ("50%", 0.5)
    assert dict(zip(table.columns, table.rows[1], strict=True))["Await"].text == ""


@given(st.binary(max_size=400))
def test_any_section_that_parses_can_be_shown(data: bytes) -> None:
    """Whatever a machine sends as a section, the console lays it out and does not fall over."""
    try:
        section = section_pb2.Section.FromString(data)
    except Exception:
        return
    section_view(section)


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(min_value=-(2**62), max_value=2**62),
    st.text(max_size=50),
)
def test_any_value_can_be_shown(number: float, seconds: int, text: str) -> None:
    """Not a number, infinity, a clock centuries off and any text."""
    section = section_pb2.Section(probe=text, outcome=section_pb2.PROBE_OUTCOME_OK, duration_seconds=number)
    section.cpu.load1 = section.cpu.user_ratio = section.cpu.sample_seconds = number
    section.system.host_name = text
    section_view(section)
    section.system.booted_at.seconds = seconds
    section.system.uptime_seconds = number
    assert section_view(section).probe == text


async def test_metrics_tell_how_many_machines_are_connected() -> None:
    """Asked at each scrape, on an application of its own; the limit and who was turned away at it beside them."""
    links = Links(3)
    client = Client(create_metrics(links))
    assert "caseprobe_open_links 3.0" in (await client.get("/metrics")).text
    links.open, links.shed_total = 4, 7
    told = (await client.get("/metrics")).text
    assert {"caseprobe_open_links 4.0", "caseprobe_open_links_limit 5.0", "caseprobe_shed_links 7.0"} <= set(
        told.splitlines()
    )
    assert (await client.get("/cases")).status == 404
