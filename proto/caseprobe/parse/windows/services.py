"""Win32_Service: services that Windows starts by itself, and how they ended."""

from __future__ import annotations

from caseprobe.parse.windows.cim import Record, records, whole, word
from caseprobe.v1 import section_host_pb2

AUTO = "Auto"
# System error codes that are no failure: ended, never started, stopped on a trigger (winerror.h).
ORDERLY = (0, 1077)
SERVICE_SPECIFIC = 1066


def parse_services(text: str) -> section_host_pb2.ServicesFacts:
    """Every service; one that starts by itself, is stopped and ended with an error is failed."""
    found = records(text)
    services = [one for one in found if word(one, "Name") and "StartMode" in one]
    if not services:
        raise ValueError("no service in it: this is no Win32_Service")
    facts = section_host_pb2.ServicesFacts(manager="service control manager")
    for record in services[:1000]:
        facts.units.append(_unit(record))
    failed = any(unit.state == "failed" for unit in facts.units)
    facts.state = "degraded" if failed else "running"
    return facts


def _unit(record: Record) -> section_host_pb2.Unit:
    state, code = word(record, "State"), whole(record, "ExitCode")
    if code == SERVICE_SPECIFIC:
        code = whole(record, "ServiceSpecificExitCode") or code
    failed = state == "Stopped" and word(record, "StartMode") == AUTO and code not in (None, *ORDERLY)
    return section_host_pb2.Unit(
        name=word(record, "Name"),
        state="failed" if failed else "active" if state == "Running" else "inactive",
        sub_state=state.lower(),
        result="exit-code" if failed else "success",
        exit_status=min(code or 0, (1 << 31) - 1),
        enabled=word(record, "StartMode").lower(),
    )
