"""Radio links: strength, rate, and frames that had to be sent again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context, NoPast, NotApplicable, Past, Unknown
from caseprobe.checks.evidence import prove
from caseprobe.checks.growth import gained, same
from caseprobe.checks.levels import INFO, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_net_pb2, section_pb2

LINK = finding_pb2.CAUSE_LINK
SIGNAL = Levels("signal_dbm", warn=-75.0, critical=-85.0, below=True, clear_warn=-72.0, clear_critical=-82.0)
RATE = Levels("sent_bits_per_second", warn=13e6, below=True)
RETRIES = Levels("retried_ratio", warn=0.30, critical=0.60)
FEW_FRAMES = 500
ROAMS = Levels("joins_total", warn=6.0)
FEW_ROAMS, ROAM_SECONDS, SNAPSHOTS, SAME_SECONDS = 3, 3600.0, 3, 30.0
SOURCE = "/proc/net/wireless"


def _connected(section: section_pb2.Section) -> list[section_net_pb2.RadioLink]:
    found = [link for link in section.wireless.links if link.connected]
    if not found:
        raise NotApplicable("no wireless interface of this machine is connected")
    return found


def judge_signal(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How strong the access point is received, in decibels over one milliwatt.

    At -67 everything works; below -75 frames are lost and sent again, below -85 the link comes and goes.
    """
    links = _connected(section)
    for link in links:
        if link.HasField("signal_dbm") and (reached := context.levels(SIGNAL, link.name).reached(link.signal_dbm)):
            signal = {"signal_dbm": link.signal_dbm}
            evidence = prove(section, SOURCE, (link.name,), interface=link.name, **signal)
            yield fault(reached, LINK, signal, evidence, link.name)
    if not any(link.HasField("signal_dbm") for link in links):
        raise Unknown("no driver tells how strong its link is")


def judge_rate(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """The rate at which frames are sent over the radio.

    A link that fell to its lowest rates is far away or disturbed, and every frame on it takes air time from all
    others. At rest drivers use low rates too, which is why this is never more than a warning.
    """
    links = [link for link in _connected(section) if link.HasField("sent_bits_per_second")]
    if not links:
        raise Unknown("no driver tells the rate of its link")
    for link in links:
        if reached := context.levels(RATE, link.name).reached(link.sent_bits_per_second):
            weak = link.HasField("signal_dbm") and link.signal_dbm < (SIGNAL.clear_warn or 0)
            rates: dict[str, float | str] = {"sent_bits_per_second": link.sent_bits_per_second}
            evidence = prove(section, f"iw dev {link.name} station dump", (), interface=link.name, **rates)
            reached = reached if weak else Reached(INFO, reached.threshold, reached.source)
            yield fault(reached, LINK, rates, evidence, link.name)


def judge_retries(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Frames that had to be sent again for each frame sent, since the link came up or the earlier snapshot.

    Other networks on the channel, a microwave oven or distance: users feel it as delay that comes and goes.
    """
    links = [link for link in _connected(section) if link.HasField("retries_total")]
    if not links:
        raise Unknown("no driver tells how often it sent again")
    for link in links:
        sent, again = _counts(link, context)
        if sent >= FEW_FRAMES and (reached := context.levels(RETRIES, link.name).reached(again / sent)):
            counts = {"retried_ratio": again / sent, "retries_total": again, "sent_total": sent}
            evidence = prove(section, f"iw dev {link.name} station dump", ("retries", "packets"), **counts)
            yield fault(reached, LINK, counts, evidence, link.name)


def _counts(link: section_net_pb2.RadioLink, context: Context) -> tuple[float, float]:
    """Frames sent and retries: since the earlier snapshot where enough was sent since, else in all."""
    before = same(context.previous.wireless.links, link.name) if context.previous and context.same_boot else None
    if before is not None:
        sent = gained(link.sent_packets_total, before.sent_packets_total)
        if sent >= FEW_FRAMES:
            return sent, gained(link.retries_total, before.retries_total)
    return link.sent_packets_total, link.retries_total


def judge_roams(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How often the link was made anew within the last hour: roams between access points, and losses.

    Each one stops everything for a moment, calls first of all. Drivers do not count them, so each snapshot's age of the
    link is compared: at least so many there were. Who carries the machine about roams rightly.
    """
    links = [link for link in _connected(section) if link.HasField("joined_seconds")]
    if not links:
        raise Unknown("no driver tells how old its link is")
    recent = [past for past in context.history if past.same_boot and 0 < past.elapsed_seconds <= ROAM_SECONDS]
    # A link of that age was made by nobody since, and needs no snapshot from before.
    young = [link for link in links if link.joined_seconds < ROAM_SECONDS]
    if young and len(recent) < SNAPSHOTS:
        raise NoPast(f"roams are seen with {SNAPSHOTS} snapshots or more within an hour")
    for link in young:
        joins = _joins(link, recent)
        few = Reached(INFO, f"{ROAMS.parameter} >= {FEW_ROAMS}") if joins >= FEW_ROAMS else None
        if reached := context.levels(ROAMS, link.name).reached(joins) or few:
            told = {"joins_total": joins, "joined_seconds": link.joined_seconds}
            evidence = prove(section, f"iw dev {link.name} station dump", ("connected time",), **told)
            yield fault(reached, LINK, told, evidence, link.name)


def _joins(link: section_net_pb2.RadioLink, recent: Sequence[Past]) -> int:
    """Different moments at which the link was made since the oldest of these snapshots."""
    ages = [link.joined_seconds]
    for past in recent:
        then = same(past.section.wireless.links, link.name)
        if then is not None and then.HasField("joined_seconds"):
            ages.append(past.elapsed_seconds + then.joined_seconds)
    within = sorted(age for age in ages if age < max(past.elapsed_seconds for past in recent))
    return sum(1 for number, age in enumerate(within) if number == 0 or age - within[number - 1] > SAME_SECONDS)


ALL = (
    Check(
        id="wifi.signal",
        judge=judge_signal,
        reads="wireless",
        elsewhere=(WINDOWS, DARWIN),
        fields=("signal_dbm",),
        levels=(SIGNAL,),
        threshold=str(SIGNAL),
        threshold_source="own levels",
    ),
    Check(
        id="wifi.rate",
        judge=judge_rate,
        reads="wireless",
        elsewhere=(WINDOWS, DARWIN),
        fields=("retries_total",),
        levels=(RATE,),
        threshold=f"{RATE}, as a remark where the signal is good",
        threshold_source="own level: below the second rate of IEEE 802.11n (MCS 1, 20 MHz)",
    ),
    Check(
        id="wifi.retry",
        judge=judge_retries,
        reads="wireless",
        fields=("retries_total",),
        levels=(RETRIES,),
        threshold=f"{RETRIES}, from {FEW_FRAMES} frames on",
        threshold_source="own levels",
    ),
    Check(
        id="wifi.roam",
        judge=judge_roams,
        reads="wireless",
        fields=("retries_total",),
        levels=(ROAMS,),
        threshold=f"{ROAMS} within an hour; info: {ROAMS.parameter} >= {FEW_ROAMS}",
        threshold_source="own levels; nl80211 station information (connected time) for the signal",
    ),
)
