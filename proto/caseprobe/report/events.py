"""What happened when: every dated fact of a snapshot as an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe import texts
from caseprobe.checks.levels import WARN
from caseprobe.checks.log import CLASSES
from caseprobe.report.facts.host import troubled
from caseprobe.report.ways import changes
from caseprobe.report.words import Words
from caseprobe.v1 import finding_pb2, section_history_pb2, section_host_pb2, section_pb2, snapshot_pb2

# Lines of one fault that are not further apart are one event.
BURST_SECONDS = 600.0
# A log without a clock tells times since the machine's start: no wall clock shows a moment of 2001 or before.
SINCE_BOOT_SECONDS = 1e9
DAY_SECONDS = 86_400.0
# So many packages of one go are named.
NAMES_AT_MOST = 5
SOON_SECONDS, PAST_SECONDS = 30 * DAY_SECONDS, 366 * DAY_SECONDS

# The logs in the order in which they are believed, and the check whose sentences speak of their lines.
LOGS = {"kernel_log": "log.kernel", "system_log": "log.system"}
# How the resident agent calls the faults of the kernel that it counted, before their class.
FAULT = "kernel.fault."
Sections = Mapping[str, section_pb2.Section]
Series = section_history_pb2.Series


@dataclass(frozen=True, order=True)
class Event:
    """at, until: seconds since 1970, the same for a single moment; tone: a state's name; origin: a label's name."""

    at: float
    until: float
    sentence: str
    tone: str
    origin: str


def events(snapshot: snapshot_pb2.Snapshot, words: Words) -> list[Event]:
    """All that has a date, the oldest first; the last is mostly the measuring itself."""
    # What was not measured is empty, and so tells no event.
    sections = defaultdict(section_pb2.Section, {str(one.WhichOneof("facts")): one for one in snapshot.sections})
    found = [event for gather in GATHERERS for event in gather(sections, words)]
    taken = _seconds(snapshot.started_at)
    found += [Event(taken, taken, words("event_measured"), "ok", "snapshot"), *_asked(snapshot.window, words)]
    found += _rerouted(snapshot, words)
    return sorted(event for event in found if event.at > 0)


def _seconds(at: Timestamp) -> float:
    return at.seconds + at.nanos / 1e9


def _booted(sections: Sections) -> float:
    return _seconds(sections["system"].system.booted_at)


def _asked(window: snapshot_pb2.TimeWindow, words: Words) -> Iterator[Event]:
    """Both ends of the time that was asked for, with what the owner wrote there."""
    for name, at, text in (("from", window.from_at, window.from_text), ("to", window.to_at, window.to_text)):
        label = words(f"event_{'mark' if window.origin == 'marks' else 'window'}_{name}")
        yield Event(_seconds(at), _seconds(at), f"{label}: {text}" if text else label, "info", "snapshot")


def _rerouted(snapshot: snapshot_pb2.Snapshot, words: Words) -> Iterator[Event]:
    """When a path that was measured for a while took another way."""
    began = _seconds(snapshot.started_at)
    for section in snapshot.sections:
        for change in changes(section.path):
            at = began + change.after_seconds
            sentence = words.filled("event_route", target=section.path.target, hop=change.ttl)
            yield Event(at, at, sentence, "info", "section_path")


def _starts(sections: Sections, words: Words) -> Iterator[Event]:
    booted, system = _booted(sections), sections["system"].system
    cut = system.HasField("clean_shutdown") and not system.clean_shutdown
    label, tone = ("event_start_unclean", "warn") if cut else ("event_start", "info")
    yield Event(booted, booted, words(label), tone, "section_system")


def _faults(sections: Sections, words: Words) -> Iterator[Event]:
    """Bursts of each fault; the system log repeats the kernel's lines, so it counts where the ring does not reach."""
    booted, reaches = _booted(sections), float("inf")
    for name in LOGS:
        log = getattr(sections[name], name)
        alike: dict[tuple[str, str], list[float]] = {}
        for line in log.faults:
            at = _wall(_seconds(line.at), booted)
            if 0 < at < reaches:
                alike.setdefault((line.fault_class, line.object), []).append(at)
        for (fault_class, subject), moments in alike.items():
            yield from _bursts(name, fault_class, subject, moments, words)
        reaches = _wall(_seconds(log.first_at), booted) or reaches
    yield from _recorded(sections["history"].history.series, reaches, words)


def _recorded(told: Iterable[Series], reaches: float, words: Words) -> Iterator[Event]:
    """Faults that the resident agent counted before any log reaches, as after a restart; it keeps no number of lines.

    It tells the day in long steps first, then its last hour again in short ones: the long ones hold all of it.
    """
    known = set()
    for one in told:
        fault_class, key = one.name.removeprefix(FAULT), (one.name, one.object)
        if fault_class == one.name or key in known:
            continue
        known.add(key)
        state, _ = CLASSES.get(fault_class, (WARN, None))
        sentence = words.filled("event_fault", kind=fault_class, name=one.object)
        moments = [one.start_at.seconds + one.step_seconds * at for at, value in enumerate(one.avg) if value > 0]
        for burst in bursts([at for at in moments if at < reaches]):
            end = burst[-1] + one.step_seconds
            yield Event(burst[0], end, sentence, texts.state_name(state), "section_history")


def _wall(seconds: float, booted: float) -> float:
    """A moment of a log on the wall's clock; 0 where that is not known."""
    if seconds >= SINCE_BOOT_SECONDS:
        return seconds
    return booted + seconds if booted and seconds else 0.0


def _bursts(log: str, fault_class: str, subject: str, moments: Iterable[float], words: Words) -> Iterator[Event]:
    state, _ = CLASSES.get(fault_class, (WARN, None))
    for burst in bursts(sorted(moments)):
        told = finding_pb2.Finding(check_id=LOGS[log], object=subject)
        told.message_id = fault_class if fault_class in CLASSES else ""
        told.parameters.add(name="lines_total", number=len(burst))
        sentence = texts.summary(told, words.language)
        yield Event(burst[0], burst[-1], sentence, texts.state_name(state), f"section_{log}")


def bursts(moments: Sequence[float]) -> list[list[float]]:
    """Ascending moments, cut where nothing happened for longer than BURST_SECONDS.

    >>> bursts([0.0, 60.0, 5000.0])
    [[0.0, 60.0], [5000.0]]
    """
    found: list[list[float]] = []
    for at in moments:
        if found and at - found[-1][-1] <= BURST_SECONDS:
            found[-1].append(at)
        else:
            found.append([at])
    return found


def _kills(sections: Sections, words: Words) -> Iterator[Event]:
    """Killed for lack of memory, where the kernel's log does not tell it itself."""
    booted, told = _booted(sections), sections["kernel_log"].kernel_log.faults
    if not booted or any(one.fault_class in ("oom_kill", "cgroup_oom") for one in told):
        return
    for victim in sections["memory"].memory.oom_victims:
        at = booted + victim.at_seconds
        yield Event(at, at, words.filled("event_kill", name=victim.name), "warn", "section_memory")


def _services(sections: Sections, words: Words) -> Iterator[Event]:
    for unit in troubled(sections["services"].services.units):
        at = _seconds(unit.changed_at)
        sentence = words.filled("event_service", name=unit.name, result=unit.result or unit.sub_state)
        yield Event(at, at, sentence, "warn", "section_services")


def _crashes(sections: Sections, words: Words) -> Iterator[Event]:
    for dump in sections["crashes"].crashes.dumps:
        at, kernel = _seconds(dump.at), dump.kind == "kernel"
        name = words("event_crash_kernel") if kernel else words.filled("event_crash", name=dump.program or dump.path)
        yield Event(at, at, name, "critical" if kernel else "warn", "section_crashes")


def _certificates(sections: Sections, words: Words) -> Iterator[Event]:
    """Those that ended lately or end soon."""
    facts = sections["certificates"].certificates
    now = _seconds(facts.measured_at)
    for one in facts.certificates:
        at = _seconds(one.not_after)
        if now - PAST_SECONDS < at < now + SOON_SECONDS:
            tone = "critical" if at <= now else "warn"
            yield Event(at, at, words.filled("event_certificate", name=one.source), tone, "section_certificates")


def _packages(sections: Sections, words: Words) -> Iterator[Event]:
    """One event for what was installed, upgraded and removed in one go."""
    changes = sorted(sections["packages"].packages.changes, key=lambda one: _seconds(one.at))
    rest = iter(changes)
    for burst in bursts([_seconds(one.at) for one in changes]):
        alike = [*islice(rest, len(burst))]
        # What an upgrade touches twice, as dpkg does with what it had half installed, counts once.
        told = dict.fromkeys(_changed(one) for one in alike)
        names = ", ".join([*told][:NAMES_AT_MOST]) + (", …" if len(told) > NAMES_AT_MOST else "")
        sentence = words.filled("event_packages", n=len(told), names=names)
        yield Event(burst[0], burst[-1], sentence, "info", "section_packages")


def _changed(one: section_host_pb2.PackageChange) -> str:
    """A package with its versions, in signs: +nano 7.2, −nano 7.2, nano 7.2 → 7.3."""
    if one.action in ("installed", "removed"):
        sign, version = ("+", one.version_after) if one.action == "installed" else ("−", one.version_before)
        return f"{sign}{one.name} {version}".rstrip()
    return f"{one.name} {one.version_before} → {one.version_after}".replace("  ", " ")


GATHERERS: tuple[Callable[[Sections, Words], Iterator[Event]], ...] = (
    _starts,
    _faults,
    _kills,
    _services,
    _crashes,
    _certificates,
    _packages,
)
