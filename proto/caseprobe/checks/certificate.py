"""Certificates that this machine's servers show, before their end is the news."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1.section_host_pb2 import Certificate

DAY = 86_400.0
LEFT = Levels("left_seconds", warn=14 * DAY, critical=7 * DAY, below=True)
# One that is made for a few days is renewed in its last third; weeks are no measure for it.
WARN_SHARE, CRITICAL_SHARE = 1 / 3, 1 / 6


def judge_expiry(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How long each certificate is still valid, in files that servers are configured with and on listening ports.

    From the second of its end on clients refuse to connect. A port that shows an older certificate than its file
    holds was not told to load the new one. A port that only this machine reaches has no such clients, and what signed
    itself is trusted by those only who were told to.
    """
    now = section.certificates.measured_at.ToMicroseconds() / 1e6
    for one in section.certificates.certificates:
        begins, ends = one.not_before.ToMicroseconds() / 1e6, one.not_after.ToMicroseconds() / 1e6
        told = _reached(one, begins - now, ends - now, ends - begins, context)
        if told is not None:
            reached, message_id = _weighed(one, told[0]), told[1]
            parameters: dict[str, float | str] = {"left_seconds": abs(ends - now), "subject": one.subject or "-"}
            parameters["begins_seconds"] = max(0.0, begins - now)
            evidence = [
                stated(
                    section,
                    source=one.source,
                    subject=one.subject or "-",
                    issuer=one.issuer or "-",
                    not_before=one.not_before.ToJsonString(),
                    not_after=one.not_after.ToJsonString(),
                    named_by=one.named_by or "-",
                )
            ]
            yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, parameters, evidence, one.source, message_id)


def _reached(
    one: Certificate, until_begin: float, left: float, whole: float, context: Context
) -> tuple[Reached, str] | None:
    if left <= 0:
        return Reached(CRITICAL, "left_seconds <= 0"), "expired"
    if until_begin > 0:
        return Reached(WARN, "not_before lies ahead"), "early"
    levels = context.levels(LEFT, one.source)
    if levels.source == "" and 0 < whole * WARN_SHARE < 14 * DAY:
        levels = Levels("left_seconds", warn=whole * WARN_SHARE, critical=whole * CRITICAL_SHARE, below=True)
    reached = levels.reached(left)
    return (reached, "") if reached else None


def _weighed(one: Certificate, reached: Reached) -> Reached:
    """As bad as it is for those who meet this certificate."""
    most, why = (INFO, ", on a port of this machine alone") if one.local_only else (WARN, ", signed by itself")
    if reached.state <= most or not (one.local_only or one.self_signed):
        return reached
    return Reached(most, f"{reached.threshold}{why}", reached.source)


ALL = (
    Check(
        id="cert.expiry",
        judge=judge_expiry,
        reads="certificates",
        levels=(LEFT,),
        fields=("certificates",),
        threshold=f"critical: expired; {LEFT}; a third and a sixth of its time for one that is made for less than "
        "42 d; at most a warning where it signed itself, a remark on a port of 127.0.0.1 alone",
        threshold_source="netdata x509check.conf (14 and 7 days); own shares for short-lived ones",
    ),
)
