"""Services: those that failed, and those that start again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from caseprobe.checks.check import WINDOWS, Check, Context
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import CRITICAL, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1.section_host_pb2 import Unit

# In five minutes, where an earlier snapshot tells how often it was before.
LOOPING = Levels("restarts_per_5_minutes", critical=2.0)
RESTARTS_SEEN = 3


def judge_services(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Units that failed, and services that systemd starts anew again and again.

    A failed one stays down until somebody starts it. One in a loop looks alive whenever somebody looks, and fails its
    users in between.
    """
    old = {} if context.previous is None else {unit.name: unit for unit in context.previous.services.units}
    for unit in section.services.units:
        looping = _looping(unit, old if context.same_boot else {}, context)
        if not looping and unit.state != "failed":
            continue
        reached = looping or Reached(WARN, "ActiveState is failed")
        parameters: dict[str, float | str] = {
            "result": unit.result or "-",
            "exit_status": unit.exit_status,
            "restarts_total": unit.restarts_total,
        }
        message_id = "looping" if looping else "timeout" if unit.result == "timeout" else "failed"
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, parameters, _evidence(section, unit), unit.name, message_id)


def _looping(unit: Unit, old: Mapping[str, Unit], context: Context) -> Reached | None:
    """By how its restarts grew; without an earlier snapshot, because it waits for the next one after several."""
    if unit.name in old and context.elapsed_seconds > 0:
        grown = unit.restarts_total - old[unit.name].restarts_total
        often = context.levels(LOOPING, unit.name).reached(grown * 300 / max(context.elapsed_seconds, 300.0))
        if often and grown >= RESTARTS_SEEN:
            return often
    if unit.sub_state == "auto-restart" and unit.restarts_total >= RESTARTS_SEEN:
        return Reached(CRITICAL, f"restarts_total >= {RESTARTS_SEEN} and SubState is auto-restart")
    if unit.result == "start-limit-hit":
        return Reached(CRITICAL, "Result is start-limit-hit")
    return None


def _evidence(section: section_pb2.Section, unit: Unit) -> list[finding_pb2.Evidence]:
    """Its state, then its last lines, the newest first."""
    state = stated(
        section,
        Id=unit.name,
        ActiveState=unit.state,
        SubState=unit.sub_state,
        Result=unit.result,
        NRestarts=unit.restarts_total,
        ExecMainStatus=unit.exit_status,
    )
    lines = [finding_pb2.Evidence(source=f"journal of {unit.name}", text=line) for line in reversed(unit.last_lines)]
    return [state, *(line for line in lines if line.text)][:10]


ALL = (
    Check(
        id="svc.failed",
        judge=judge_services,
        reads="services",
        elsewhere=(WINDOWS,),
        levels=(LOOPING,),
        fields=("units",),
        threshold=f"warn: ActiveState is failed; {LOOPING}, or {RESTARTS_SEEN} restarts and waiting for the next",
        threshold_source="node-mixin NodeSystemdServiceFailed and NodeSystemdServiceCrashlooping (2 in 5 min)",
    ),
)
