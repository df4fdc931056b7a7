"""Connections: tables and queues that run full, and segments that had to be sent again."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, quote, stated
from caseprobe.checks.growth import gained, window
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

NETFILTER = "/proc/sys/net/netfilter/"
CONNTRACK = Levels("conntrack_used_ratio", warn=0.75, critical=0.90)
OVERFLOWS = Levels("overflows_per_second", warn=1.0, critical=5.0)
RETRANSMITTED = Levels("retransmitted_ratio", warn=0.02, critical=0.05)
# The first connections of a young machine say nothing about its network.
FEW_SEGMENTS = 10_000
MEMORY_CRITICAL = 0.9
ORPHANS = Levels("orphans_ratio", warn=0.25, critical=0.50)
DROPPED, SQUEEZED = Levels("dropped_per_second", warn=10.0), Levels("squeezed_per_second", warn=10.0)
PORTS = Levels("ports_used_ratio", warn=0.80, critical=0.95)
LISTEN_SECONDS, SOFTNET_SECONDS = 30.0, 60.0


def judge_conntrack(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """The firewall's table of connections: when it is full, new ones are silently dropped.

    Everything that is connected goes on working, which makes this fault hard to see from inside.
    """
    sockets = section.sockets
    if not sockets.HasField("conntrack_entries") or not sockets.conntrack_limit:
        raise NotApplicable("this machine does not report a connection tracking table")
    ratio = sockets.conntrack_entries / sockets.conntrack_limit
    if reached := context.levels(CONNTRACK).reached(ratio):
        counts = {"entries_total": sockets.conntrack_entries, "entries_limit": sockets.conntrack_limit}
        evidence = prove(section, NETFILTER, (), **counts)
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, {"conntrack_used_ratio": ratio, **counts}, evidence)


def judge_listen(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Connections that were turned away because a program did not accept them fast enough.

    Clients see timeouts and retries while the server looks healthy; some since boot are a remark.
    """
    sockets = section.sockets
    rate = max(sockets.listen_overflows_per_second, _rate(section, context))
    reached, message_id = context.levels(OVERFLOWS).reached(rate), "now"
    if not reached and sockets.listen_overflows_total:
        reached, message_id = Reached(INFO, "overflows_total > 0 since boot"), "since_boot"
    if reached:
        counts = {
            "overflows_per_second": rate,
            "overflows_total": sockets.listen_overflows_total,
        }
        evidence = prove(section, "/proc/net/netstat", ("TcpExt",), **counts)
        full = [f"{one.process or '?'}:{one.port}" for one in sockets.listening if one.queue_length]
        if full:
            evidence.append(stated(section, queues_not_empty=", ".join(full[:5])))
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, counts, evidence, message_id=message_id)


def _rate(section: section_pb2.Section, context: Context) -> float:
    """Overflows a second since the earlier snapshot of this boot; 0 without one."""
    past = window(context, LISTEN_SECONDS)
    if past is None:
        return 0.0
    gain = gained(section.sockets.listen_overflows_total, past.section.sockets.listen_overflows_total)
    return gain / past.elapsed_seconds


def judge_retransmissions(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """TCP segments that had to be sent again, of all that were sent: since the earlier snapshot, else since boot.

    Some path from this machine loses packets; a path measurement to the usual destinations shows where.
    """
    sent, again, seconds = _segments(section, context)
    if sent < FEW_SEGMENTS:
        return
    if reached := context.levels(RETRANSMITTED).reached(again / sent):
        counts = {"retransmitted_total": again, "sent_total": sent}
        evidence = prove(section, "/proc/net/snmp", ("Tcp",), **counts)
        found = fault(reached, finding_pb2.CAUSE_LINK, {"retransmitted_ratio": again / sent, **counts}, evidence)
        if seconds:
            found.kind, found.message_id = finding_pb2.FINDING_KIND_TREND, "recent"
            found.parameters.add(name="over_seconds", number=seconds)
        yield found


def _segments(section: section_pb2.Section, context: Context) -> tuple[float, float, float]:
    """Segments sent, sent again, and over which time; since boot (time 0) where too few were sent since then."""
    now = section.sockets
    for past in context.history:
        before = past.section.sockets
        sent = gained(now.segments_sent_total, before.segments_sent_total)
        if past.same_boot and past.elapsed_seconds and sent >= FEW_SEGMENTS:
            again = gained(now.segments_retransmitted_total, before.segments_retransmitted_total)
            return sent, again, past.elapsed_seconds
    return now.segments_sent_total, now.segments_retransmitted_total, 0.0


def judge_softnet(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Packets that processors dropped unseen, and times that one ran out of its share before it had taken all.

    The network card delivers faster than the kernel takes: the queue of a processor is full, or its share of time too
    short. What is dropped here is in no interface's counters.
    """
    sockets = section.sockets
    if not sockets.HasField("softnet_dropped_total"):
        raise NotApplicable("this machine does not tell what its processors did with packets")
    past = window(context, SOFTNET_SECONDS)
    for levels, total, name, message_id in (
        (DROPPED, sockets.softnet_dropped_total, "softnet_dropped", "dropped"),
        (SQUEEZED, sockets.softnet_squeezed_total, "softnet_squeezed", "squeezed"),
    ):
        if past is not None:
            rate = gained(total, getattr(past.section.sockets, f"{name}_total")) / past.elapsed_seconds
            reached = context.levels(levels).reached(rate)
        else:
            rate = getattr(sockets, f"{name}_per_second")
            moment = context.levels(levels).reached(rate)
            reached = Reached(INFO, f"{moment.threshold} for a moment", moment.source) if moment else None
        if reached:
            counts = {levels.parameter: rate, f"{message_id}_total": total}
            evidence = prove(section, "/proc/net/softnet_stat", (), **counts)
            yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, counts, evidence, message_id=message_id)


def judge_ports(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Ports left for connections to the one destination that has most of them.

    Each connection to the same address and port needs a local port of its own, and a closed one keeps it for a
    minute. When they run out, connecting fails although the other side is well.
    """
    sockets = section.sockets
    if not sockets.ephemeral_ports_total or not sockets.HasField("busiest_destination_connections_total"):
        raise NotApplicable("this machine does not tell which ports its connections leave from")
    used = sockets.busiest_destination_connections_total
    if reached := context.levels(PORTS).reached(used / sockets.ephemeral_ports_total):
        counts = {"connections_total": used, "ports_total": sockets.ephemeral_ports_total}
        ratio = {PORTS.parameter: used / sockets.ephemeral_ports_total}
        line = stated(section, time_wait_total=sockets.tcp_time_wait, **counts)
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, {**ratio, **counts}, [line])


def judge_memory(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory of all TCP connections against the kernel's own limits.

    Above the pressure mark the kernel shrinks every window, at the limit it drops connections.
    """
    sockets = section.sockets
    if not sockets.tcp_memory_limit_pages:
        raise NotApplicable("this machine does not report limits of TCP memory")
    used, limit = sockets.tcp_memory_pages, sockets.tcp_memory_limit_pages
    reached = None
    if used >= limit * MEMORY_CRITICAL:
        reached = Reached(CRITICAL, f"used_pages >= {MEMORY_CRITICAL:g} * limit_pages")
    elif 0 < sockets.tcp_memory_pressure_pages <= used:
        reached = Reached(WARN, "used_pages >= pressure_pages")
    if reached:
        pages = {"used_pages": used, "limit_pages": limit, "pressure_pages": sockets.tcp_memory_pressure_pages}
        evidence = quote(section, "/proc/net/sockstat", "TCP") or [stated(section, **pages)]
        ratio = {"tcp_memory_ratio": used / limit}
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, {**ratio, **pages}, evidence, message_id="memory")
    if sockets.tcp_orphans_limit:
        share = sockets.tcp_orphans / sockets.tcp_orphans_limit
        if many := context.levels(ORPHANS).reached(share):
            counts = {"orphans_total": sockets.tcp_orphans, "orphans_limit": sockets.tcp_orphans_limit}
            evidence = prove(section, "/proc/net/sockstat", ("orphan",), **counts)
            parameters = {"orphans_ratio": share, **counts}
            yield fault(many, finding_pb2.CAUSE_SOFTWARE, parameters, evidence, message_id="orphans")


ALL = (
    Check(
        id="net.conntrack",
        judge=judge_conntrack,
        reads="sockets",
        levels=(CONNTRACK,),
        fields=("conntrack_entries",),
        threshold=str(CONNTRACK),
        threshold_source="node-mixin NodeHighNumberConntrackEntriesUsed (75 %); netdata netfilter.conf (warns at 90 %)",
    ),
    Check(
        id="net.listen",
        judge=judge_listen,
        reads="sockets",
        levels=(OVERFLOWS,),
        fields=("segments_sent_total", "listen_overflows_total"),
        threshold=f"{OVERFLOWS}; info: overflows_total > 0 since boot",
        threshold_source="netdata tcp_listen.conf 1m_tcp_accept_queue_overflows (1 and 5)",
    ),
    Check(
        id="net.retrans",
        judge=judge_retransmissions,
        reads="sockets",
        levels=(RETRANSMITTED,),
        fields=("segments_sent_total",),
        threshold=f"{RETRANSMITTED}, from {FEW_SEGMENTS} segments on, since the earlier snapshot, else since boot",
        threshold_source="own levels",
    ),
    Check(
        id="net.tcpmem",
        judge=judge_memory,
        reads="sockets",
        fields=("tcp_memory_pages", "tcp_memory_limit_pages"),
        levels=(ORPHANS,),
        threshold=(
            f"warn: used_pages >= pressure_pages; critical: used_pages >= {MEMORY_CRITICAL:g} * limit_pages; {ORPHANS}"
        ),
        threshold_source="netdata tcp_mem.conf tcp_memory (pressure, 90 % of the limit), tcp_orphans.conf (25, 50 %)",
    ),
    Check(
        id="net.softnet",
        judge=judge_softnet,
        reads="sockets",
        fields=("softnet_dropped_total",),
        levels=(DROPPED, SQUEEZED),
        threshold=f"{DROPPED}; {SQUEEZED}; as a remark where only the moment of measuring is known",
        threshold_source="netdata softnet.conf (netdev_backlog_exceeded, netdev_budget_ran_outs: 10 a second)",
    ),
    Check(
        id="net.ports",
        judge=judge_ports,
        reads="sockets",
        fields=("ephemeral_ports_total",),
        levels=(PORTS,),
        threshold=str(PORTS),
        threshold_source="own levels; netdata tcp_conn.conf (80 and 90 % of all connections)",
    ),
)
