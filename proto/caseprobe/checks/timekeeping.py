"""Whether the clock is kept right, by the kernel's account and by the machine's own time servers."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1.section_host_pb2 import TimeServer

UNKEPT = Levels("maximum_error_seconds", warn=16.0)
# A daemon needs some minutes after the start to settle.
SETTLED_SECONDS = 1020.0
OFFSET = Levels("offset_seconds", warn=0.050, critical=0.500)


def judge_discipline(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether anything keeps this machine's clock right, as the kernel itself says.

    The kernel lets its bound of the error grow while nobody corrects the clock; at 16 s it calls it unsynchronised.
    Then the clock drifts by seconds a week: logs of several machines stop fitting together, later logins and
    certificates fail. Some keep a clock right and do not tell the kernel: where a time server agrees with it, it is a
    remark.
    """
    facts = section.time_sync
    if not facts.HasField("synchronized"):
        raise Unknown("the kernel's account of its clock could not be read")
    reached = context.levels(UNKEPT).reached(facts.maximum_error_seconds)
    if facts.synchronized or not reached or 0 < facts.uptime_seconds < SETTLED_SECONDS:
        return
    errors: dict[str, float | str] = {
        "maximum_error_seconds": facts.maximum_error_seconds,
        "daemon": facts.daemon or "-",
    }
    evidence = [stated(section, call="adjtimex", status_bits=hex(facts.status_bits), **errors)]
    message_id = "daemon" if facts.daemon else "nobody"
    reached = Reached(reached.state, f"{reached.threshold} and not synchronised", reached.source)
    if agreeing := next((one for one in facts.servers if one.answered and not OFFSET.reached(_certain(one))), None):
        reached, message_id = Reached(INFO, f"{reached.threshold}, but a time server agrees", reached.source), "agrees"
        errors["server"] = agreeing.name
        evidence.append(stated(section, server=agreeing.name, offset_seconds=agreeing.offset_seconds))
    yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, errors, evidence, message_id=message_id)


def judge_servers(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """The clock against each time server that this machine is configured to use, each asked on its own.

    The offset is certain to half the time of the exchange only, which is taken off. One server that is silent is a
    remark, all of them a warning: nothing keeps the clock then.
    """
    servers = section.time_sync.servers
    if not servers:
        raise NotApplicable("this machine is configured with no time server")
    asked = [server for server in servers if server.asked]
    if not asked:
        raise Unknown("the time servers were not asked: network probes are not permitted", needs="network probes")
    silent = [server for server in asked if not server.answered]
    for server in asked:
        if server.answered:
            yield from _judge_offset(section, context, server)
    for server in silent:
        state, what = (WARN, "all servers") if len(silent) == len(asked) else (INFO, "one of several")
        evidence = [stated(section, server=server.name, address=server.address or "-", reason=server.reason)]
        reached = Reached(state, f"no answer of {what}")
        parameters: dict[str, float | str] = {"reason": server.reason}
        yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, server.name, "silent")


def _judge_offset(section: section_pb2.Section, context: Context, server: TimeServer) -> Iterator[finding_pb2.Finding]:
    if reached := context.levels(OFFSET, server.name).reached(_certain(server)):
        times = {"offset_seconds": abs(server.offset_seconds), "round_trip_seconds": server.round_trip_seconds}
        evidence = [stated(section, server=server.name, stratum=server.stratum, **times)]
        # The server's time is ahead of ours where the offset is positive.
        message_id = "behind" if server.offset_seconds > 0 else "ahead"
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, times, evidence, server.name, message_id)


def _certain(server: TimeServer) -> float:
    """By how much the clock is off for certain: beyond what the time of the exchange leaves open."""
    return max(abs(server.offset_seconds) - server.round_trip_seconds / 2, 0.0)


ALL = (
    Check(
        id="time.sync",
        judge=judge_discipline,
        reads="time_sync",
        levels=(UNKEPT,),
        fields=("synchronized",),
        threshold=f"{UNKEPT} and not synchronised, from {SETTLED_SECONDS:g} s after the start on; info where a time "
        "server agrees with the clock",
        threshold_source="node-mixin NodeClockNotSynchronising (16 s); netdata timex.conf (17 min after the start)",
    ),
    Check(
        id="time.server",
        judge=judge_servers,
        reads="time_sync",
        levels=(OFFSET,),
        fields=("servers",),
        threshold=f"{OFFSET}, less half of round_trip_seconds; warn: no server answers; info: one does not",
        threshold_source="node-mixin NodeClockSkewDetected (0.05 s); Checkmk chrony (500 ms)",
    ),
)
