"""Name servers, each judged on its own."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import quote, stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1.section_host_pb2 import Resolver

SLOW = Levels("round_trip_seconds", warn=0.200)
GOOD = ("NOERROR", "NXDOMAIN")


def judge_resolvers(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether each configured name server answers, with what, and how fast.

    Programs ask the first one and wait for seconds before they try the next: one dead server of two makes everything
    slow and nothing fail, which is why each is asked on its own. The question is for the root's servers, which every
    resolver knows.
    """
    servers = [server for server in section.dns.resolvers if server.queries_total]
    if not section.dns.resolvers:
        raise NotApplicable("this machine is configured with no name server")
    none_well = not any(_well(server) for server in servers)
    for server in servers:
        evidence = _evidence(section, server)
        parameters: dict[str, float | str] = {
            "rcode": server.rcode or "-",
            "reason": server.reason or "-",
            "queries_total": server.queries_total,
            "answers_total": server.answers_total,
            "round_trip_seconds": server.round_trip_seconds,
        }
        told = _reached(server, none_well, context)
        if told is not None:
            reached, message_id = told
            yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, server.address, message_id)


def _well(server: Resolver) -> bool:
    return server.rcode in GOOD


def _reached(server: Resolver, none_well: bool, context: Context) -> tuple[Reached, str] | None:
    """What is wrong with a server, the worst first; None where it is well."""
    state, which = (CRITICAL, "no server is well") if none_well else (WARN, "another server is well")
    if not server.answers_total:
        return Reached(state, f"no answer to {server.queries_total} queries; {which}"), "silent"
    if not _well(server):
        return Reached(state, f"rcode is {server.rcode}; {which}"), "refused"
    slow = context.levels(SLOW, server.address).reached(server.round_trip_seconds)
    if slow:
        return slow, "slow"
    if server.answers_total < server.queries_total:
        return Reached(INFO, "a query went unanswered"), "lossy"
    if server.HasField("tcp_answered") and not server.tcp_answered:
        return Reached(INFO, "no answer over TCP"), "udp_only"
    return None


def _evidence(section: section_pb2.Section, server: Resolver) -> list[finding_pb2.Evidence]:
    """The line that names the server, and what it answered."""
    told = stated(
        section,
        server=server.address,
        rcode=server.rcode or "-",
        queries_total=server.queries_total,
        answers_total=server.answers_total,
        round_trip_seconds=server.round_trip_seconds,
    )
    return [*quote(section, "/etc/resolv.conf", server.address), told]


ALL = (
    Check(
        id="dns.resolver",
        judge=judge_resolvers,
        reads="dns",
        levels=(SLOW,),
        fields=("resolvers",),
        threshold=(
            f"critical: no server gives a good answer; warn: one does not; {SLOW}; "
            "info: a query went unanswered, or no answer over TCP"
        ),
        threshold_source="netdata dns_query.conf (status is not ok); own time; RFC 7766 for TCP",
    ),
)
