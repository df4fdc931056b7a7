"""What a person is told first: never that all is well where nothing was judged."""

from __future__ import annotations

import io

from caseprobe.v1 import finding_pb2
from caseprobe_agent.cli.judgement import show_judgement
from caseprobe_agent.cli.screen import Screen


def shown(outcome: finding_pb2.Severity.ValueType) -> str:
    """What the screen says of a snapshot whose one check ended so, without findings."""
    display = io.StringIO()
    show_judgement(Screen(display), [], [finding_pb2.Coverage(check_id="mem.avail", outcome=outcome)], "en")
    return display.getvalue()


def test_where_no_check_ran_nothing_is_called_ok() -> None:
    """Silence is not health: a measurement that failed as a whole is unknown."""
    assert "UNKNOWN" in shown(finding_pb2.SEVERITY_UNKNOWN)
    assert "No problems" not in shown(finding_pb2.SEVERITY_UNKNOWN)


def test_where_checks_ran_and_found_nothing_it_is_ok() -> None:
    """And only there."""
    assert "No problem in the 1 of 1 checks" in shown(finding_pb2.SEVERITY_OK)


def test_what_follows_from_a_finding_is_shown_under_it() -> None:
    """The root with its count, the others as one line each below it, each once."""
    root = finding_pb2.Finding(check_id="log.kernel", object="sda", state=finding_pb2.SEVERITY_CRITICAL)
    under = finding_pb2.Finding(check_id="disk.ro", object="/srv", state=finding_pb2.SEVERITY_WARN)
    under.folded_under.check_id, under.folded_under.object = "log.kernel", "sda"
    display = io.StringIO()
    show_judgement(Screen(display), [under, root], [], "en")
    lines = [line.strip() for line in display.getvalue().splitlines()]
    first = next(place for place, line in enumerate(lines) if line.startswith("CRITICAL") and "sda" in line)
    assert lines[first + 2] == "1 further finding follows from this one:"
    assert lines[first + 3].startswith("warn: ")
    assert display.getvalue().count("/srv") == 1
