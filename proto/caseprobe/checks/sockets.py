"""Connections: tables and queues that run full, and segments that had to be sent again."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, quote, stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

NETFILTER = "/proc/sys/net/netfilter/"
CONNTRACK = Levels("conntrack_used_ratio", warn=0.75, critical=0.90)
OVERFLOWS = Levels("overflows_per_second", warn=1.0, critical=5.0)
RETRANSMITTED = Levels("retransmitted_ratio", warn=0.02, critical=0.05)
# The first connections of a young machine say nothing about its network.
FEW_SEGMENTS = 10_000
MEMORY_CRITICAL = 0.9


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
    reached, message_id = context.levels(OVERFLOWS).reached(sockets.listen_overflows_per_second), "now"
    if not reached and sockets.listen_overflows_total:
        reached, message_id = Reached(INFO, "overflows_total > 0 since boot"), "since_boot"
    if reached:
        counts = {
            "overflows_per_second": sockets.listen_overflows_per_second,
            "overflows_total": sockets.listen_overflows_total,
        }
        evidence = prove(section, "/proc/net/netstat", ("TcpExt",), **counts)
        full = [f"{one.process or '?'}:{one.port}" for one in sockets.listening if one.queue_length]
        if full:
            evidence.append(stated(section, queues_not_empty=", ".join(full[:5])))
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, counts, evidence, message_id=message_id)


def judge_retransmissions(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """TCP segments that had to be sent again, of all that were sent since boot.

    Some path from this machine loses packets; a path measurement to the usual destinations shows where.
    """
    sockets = section.sockets
    if sockets.segments_sent_total < FEW_SEGMENTS:
        return
    ratio = sockets.segments_retransmitted_total / sockets.segments_sent_total
    if reached := context.levels(RETRANSMITTED).reached(ratio):
        counts = {
            "retransmitted_total": sockets.segments_retransmitted_total,
            "sent_total": sockets.segments_sent_total,
        }
        evidence = prove(section, "/proc/net/snmp", ("Tcp",), **counts)
        yield fault(reached, finding_pb2.CAUSE_LINK, {"retransmitted_ratio": ratio, **counts}, evidence)


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
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, {"tcp_memory_ratio": used / limit, **pages}, evidence)


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
        threshold=f"{RETRANSMITTED}, from {FEW_SEGMENTS} segments on",
        threshold_source="own levels",
    ),
    Check(
        id="net.tcpmem",
        judge=judge_memory,
        reads="sockets",
        fields=("tcp_memory_pages", "tcp_memory_limit_pages"),
        threshold=f"warn: used_pages >= pressure_pages; critical: used_pages >= {MEMORY_CRITICAL:g} * limit_pages",
        threshold_source="netdata tcp_mem.conf tcp_memory (pressure, 90 % of the limit)",
    ),
)
