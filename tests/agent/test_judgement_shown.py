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
    assert "No problems" in shown(finding_pb2.SEVERITY_OK)
