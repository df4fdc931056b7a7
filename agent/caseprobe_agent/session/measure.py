"""What sessions and timetables measure: a path or probes, round by round, or a snapshot. Results are raw until sealed.

Probes and path sockets are imported where they are first used: an agent that idles does without their memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from caseprobe.errors import MachineAbsent, MeasurementError, RedactionError, UsageError
from caseprobe.parse.resolv_conf import parse_resolv_conf
from caseprobe.path_stats import PathTally, facts_of
from caseprobe.v1 import link_pb2, path_load_pb2, path_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.session.asks import Choice, aimed
from caseprobe_agent.session.spans import Span
from caseprobe_agent.session.watching import (
    Followed,
    Sealing,
    SealRound,
    check_can_follow,
    has_news,
    keeps_children,
    rounds_of,
)

if TYPE_CHECKING:
    from caseprobe_agent.path import Permit, ResolvedTarget
    from caseprobe_agent.path.names import Places
    from caseprobe_agent.probes.probe import Probe, RawArtifact
    from caseprobe_agent.snapshot import Taken

LATE_NAMES_SECONDS = 1.0  # names that are not there by then are left out
log = logging.getLogger("caseprobe.session")

# The header where it tells anything new.
OnRound = Callable[[path_pb2.PathFacts | None, path_pb2.PathRound], None]
Opened = tuple[path_pb2.PathFacts, AsyncGenerator[path_pb2.PathRound, None]]


class OpenPath(Protocol):
    """Opens a trace: its header and its rounds; permit is shown the address before anything is sent.

    ask_servers: policy lets this machine's own name servers and proxy be asked, where a service is the target.
    """

    def __call__(
        self, action: link_pb2.PathAction, permit: Permit, ask_servers: bool
    ) -> contextlib.AbstractAsyncContextManager[Opened]: ...


@dataclass
class Raw:
    """What was measured so far: a snapshot with its artifacts, or a path that may still grow."""

    snapshot: snapshot_pb2.Snapshot = field(default_factory=snapshot_pb2.Snapshot)
    artifacts: Sequence[RawArtifact] = ()
    header: path_pb2.PathFacts | None = None
    tally: PathTally = field(default_factory=PathTally)
    # What a log that is followed has shown so far.
    followed: Followed | None = None
    # The first look of a watch as it was shown: what its last is compared with.
    first: snapshot_pb2.Snapshot | None = None
    # By probe, where the logs were left by the snapshot before this one; None: they are read whole.
    places_before: Mapping[str, str] | None = None
    # Where this one left them.
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def worth_keeping(self) -> bool:
        """True where there is anything that could be told."""
        reached = self.header is not None and self.header.HasField("service")
        return bool(self.snapshot.sections) or self.tally.rounds > 0 or reached

    def whole(self) -> snapshot_pb2.Snapshot:
        """The snapshot, with the section of the path or the log as far as it has got."""
        if self.followed is not None:
            self.artifacts = self.followed.conclude(self.snapshot.sections[0])
        if self.header is not None:
            del self.snapshot.sections[:]
            section = self.snapshot.sections.add(probe="path", outcome=section_pb2.PROBE_OUTCOME_OK)
            section.path.CopyFrom(facts_of(self.tally, self.header))
            section.duration_seconds = self.snapshot.duration_seconds = section.path.duration_seconds
        return self.snapshot


@contextlib.asynccontextmanager
async def open_path(action: link_pb2.PathAction, permit: Permit, ask_servers: bool) -> AsyncIterator[Opened]:
    """A trace over this machine's network; where a service is the target, what reaching it takes comes first."""
    from caseprobe_agent.path import describe, open_network, resolve, trace
    from caseprobe_agent.path.service.goal import service_of

    target: ResolvedTarget | None
    service, header = service_of(action.target), path_pb2.PathFacts(target=action.target)
    if service is None:
        target = await resolve(action.target, permit)
    else:
        # What reads certificates is loaded only where a service is asked for.
        from caseprobe_agent.path.service.reach import reach

        steps, target = await reach(service, ask_servers, permit)
        header = path_pb2.PathFacts(target=service.host, service=steps)
    if target is None:
        yield header, _no_rounds()
        return
    with open_network(target, action) as network:
        header.MergeFrom(describe(target, network))
        async with contextlib.aclosing(trace(target, action, network)) as rounds:
            yield header, rounds


async def _no_rounds() -> AsyncGenerator[path_pb2.PathRound, None]:
    """Of a service whose name does not resolve, or to which this machine has no route."""
    none: tuple[path_pb2.PathRound, ...] = ()
    for round_ in none:
        yield round_


async def nothing_revealed(token: str) -> str:
    """No stand-in has a true value here."""
    raise MachineAbsent(f"{token} is no stand-in of this machine")


@contextlib.asynccontextmanager
async def nothing_sealed(_kept: bool) -> AsyncIterator[SealRound]:
    """Nothing is shown round by round here."""
    raise RedactionError("nothing seals the rounds of a session here")
    yield


async def not_loaded() -> path_load_pb2.LoadFacts:
    """There is no collector here to load the line to."""
    raise MeasurementError("a test under load needs the collector that this machine is enrolled with")


@dataclass(frozen=True)
class Measurements:
    """The ways in which this machine measures, handed to the flows."""

    machine: Machine
    open_path: OpenPath = open_path
    # What a stand-in of this machine stands for; raises UsageError, MachineAbsent.
    true_name: Callable[[str], Awaitable[str]] = nothing_revealed
    # The host of the machine's collector, and what load does to the line there.
    collector: str = ""
    load: Callable[[], Awaitable[path_load_pb2.LoadFacts]] = not_loaded
    # Files of networks, in which hops are looked up.
    networks: Sequence[Path] = ()
    # The operator's own probes, each with the smallest profile that has it; raises ConfigurationError.
    own_probes: Callable[[], Mapping[Probe, str]] = dict
    # The rounds of a watch, or of a log that is followed, as they may leave.
    sealing: Sealing = nothing_sealed

    async def path(
        self,
        action: link_pb2.PathAction,
        permit: Permit,
        raw: Raw,
        on_round: OnRound,
        ask_servers: bool = False,
    ) -> None:
        """Trace to the end, or until cancelled; raw always holds what there is. on_round gets each round at once."""
        raw.snapshot.CopyFrom(self.header("path"))
        async with (
            self._places(action.names and ask_servers) as places,
            self.open_path(aimed(action, self.collector), permit, ask_servers) as (header, rounds),
        ):
            raw.header = header
            async for round_ in rounds:
                raw.tally.add(round_)
                places.see(round_)
                news = places.tell(header) or raw.tally.rounds <= 1
                on_round(header if news else None, round_)
            await asyncio.to_thread(places.settle, LATE_NAMES_SECONDS)
            places.tell(header)
        if action.loaded:
            header.loaded.CopyFrom(await self.load())

    @contextlib.asynccontextmanager
    async def _places(self, names: bool) -> AsyncIterator[Places]:
        """Where names and networks of hops come from; a file that cannot be read is named in the log."""
        from caseprobe_agent.path.names import HostNames, Networks, Places

        networks = None
        try:
            networks = Networks(self.networks) if self.networks else None
        except UsageError as error:
            log.warning("networks: %s", error)
        places = Places(HostNames() if names else None, networks, self._own_domains() if names else ())
        try:
            yield places
        finally:
            places.close()

    def _own_domains(self) -> tuple[str, ...]:
        """Those in which this machine looks names up, and its own."""
        resolvers, own = "", ""
        with contextlib.suppress(MeasurementError):
            resolvers = self.machine.read_text("/etc/resolv.conf")
        with contextlib.suppress(MeasurementError):
            own = self.machine.read_text("/proc/sys/kernel/hostname").strip().partition(".")[2]
        return (*parse_resolv_conf(resolvers).search_domains, own)

    async def snapshot(self, choice: Choice, profile: str, deadline_seconds: float, raw: Raw) -> None:
        """Take a snapshot with the chosen probes; the others are SKIPPED with their reason."""
        from caseprobe_agent.snapshot import new_sentinel, take_snapshot

        probes: Sequence[Probe] = choice.probes
        taken = await take_snapshot(
            probes, self.machine, deadline_seconds, profile, sentinel=new_sentinel(), places=raw.places_before
        )
        raw.snapshot.CopyFrom(taken.snapshot)
        raw.artifacts = taken.artifacts
        raw.places = taken.places
        for name, reason in choice.left_out:
            raw.snapshot.sections.add(probe=name, outcome=section_pb2.PROBE_OUTCOME_SKIPPED, reason=reason)

    async def watch(self, span: Span, raw: Raw, show: Callable[[link_pb2.Sections], None]) -> None:
        """Measure until the span is over, or until cancelled; raw always holds what there is. show gets each round.

        Raises MeasurementError where a log cannot be read (any more).
        """
        raw.followed = Followed() if span.follows else None
        async with (
            self.sealing(keeps_children(span)) as seal_round,
            contextlib.aclosing(rounds_of(span, self.machine)) as rounds,
        ):
            number = 0
            async for taken in rounds:
                number += 1
                await self._show(number, taken, raw, seal_round, show)

    async def _show(
        self, number: int, taken: Taken, raw: Raw, seal_round: SealRound, show: Callable[[link_pb2.Sections], None]
    ) -> None:
        """One round: kept in raw, and shown where it tells anything new."""
        if number == 1 or raw.followed is None:
            raw.snapshot.CopyFrom(taken.snapshot)
            raw.artifacts = taken.artifacts
        if number == 1 or any(has_news(section) for section in taken.snapshot.sections):
            sealed = await seal_round(taken.snapshot, taken.artifacts)
            sealed.number = number
            if raw.followed is not None:
                raw.followed.show(sealed.sections[0], taken.snapshot.sections[0])
            elif number == 1:
                raw.first = _as_shown(taken.snapshot, sealed)
            show(sealed)
        if raw.followed is not None:
            check_can_follow(taken.snapshot.sections[0])

    def reveal(self, token: str, value: str, raw: Raw) -> None:
        """One stand-in with its true value as a snapshot of its own."""
        raw.snapshot.CopyFrom(self.header("reveal"))
        section = raw.snapshot.sections.add(probe="reveal", outcome=section_pb2.PROBE_OUTCOME_OK)
        section.reveal.stand_in, section.reveal.value = token, value

    def header(self, profile: str) -> snapshot_pb2.Snapshot:
        """A snapshot without sections: when, by which clocks, in which boot."""
        snapshot = snapshot_pb2.Snapshot(profile=profile, boottime_seconds=self.machine.boottime_seconds())
        snapshot.started_at.FromMicroseconds(round(self.machine.wall_seconds() * 1e6))
        snapshot.boot_id = boot_id(self.machine)
        return snapshot


def _as_shown(snapshot: snapshot_pb2.Snapshot, sealed: link_pb2.Sections) -> snapshot_pb2.Snapshot:
    """A look as an earlier snapshot of this machine: its moment, and its sections as they left."""
    shown = snapshot_pb2.Snapshot(
        profile=snapshot.profile, boot_id=snapshot.boot_id, boottime_seconds=snapshot.boottime_seconds
    )
    shown.started_at.CopyFrom(snapshot.started_at)
    shown.sections.extend(sealed.sections)
    return shown


def boot_id(machine: Machine) -> str:
    """Names this boot; empty where the machine does not tell."""
    with contextlib.suppress(MeasurementError):
        return machine.read_text("/proc/sys/kernel/random/boot_id", 64).strip()
    return ""
