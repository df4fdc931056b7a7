"""The way out of this network: proxies and captive portals."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2


def judge_proxies(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether each proxy that programs are told to use takes a connection.

    Programs that honour the setting reach nothing while it does not, and say that the far end is down.
    """
    proxies = section.reachability.proxies
    if not proxies:
        raise NotApplicable("this machine is configured with no proxy")
    none = not any(proxy.answered for proxy in proxies)
    for proxy in proxies:
        if not proxy.answered:
            reached = Reached(CRITICAL if none else WARN, "no connection" + ("; no proxy takes one" if none else ""))
            evidence = [stated(section, proxy=f"{proxy.host}:{proxy.port}", origin=proxy.origin, reason=proxy.reason)]
            parameters: dict[str, float | str] = {"origin": proxy.origin, "reason": proxy.reason}
            yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, f"{proxy.host}:{proxy.port}")


def judge_portal(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether somebody else answers in place of the address that this machine is configured to test its way out with.

    Hotel and office networks send every page to their login page until somebody has signed in. Only the address
    that NetworkManager itself is configured to ask is asked, never one of ours.
    """
    if not section.reachability.HasField("portal"):
        raise NotApplicable("this machine is configured with no address to look for a portal")
    portal = section.reachability.portal
    if portal.open:
        return
    parameters: dict[str, float | str] = {
        "location": portal.location or "-",
        "status": portal.status,
        "reason": portal.reason or f"HTTP {portal.status}",
    }
    evidence = [stated(section, url=portal.url, **parameters)]
    if portal.intercepted:
        reached, message_id = Reached(WARN, "another answer than the expected one"), "portal"
    else:
        reached, message_id = Reached(INFO, "no answer"), "silent"
    yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, portal.url, message_id)


ALL = (
    Check(
        id="net.proxy",
        judge=judge_proxies,
        reads="reachability",
        fields=("proxies",),
        threshold="critical: no proxy takes a connection; warn: one of several does not",
        threshold_source="own levels",
    ),
    Check(
        id="net.portal",
        judge=judge_portal,
        reads="reachability",
        fields=("portal",),
        threshold="warn: another answer than the expected one; info: no answer",
        threshold_source="RFC 8952 for the signal; own levels",
    ),
)
