"""One path measured for this machine's owner: permitted, written down, probed, with what was asked for beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseprobe.errors import CaseprobeError, PolicyRefused
from caseprobe.path_stats import PathTally, facts_of
from caseprobe.v1 import consent_pb2, link_pb2, path_load_pb2, path_pb2
from caseprobe_agent.app.parts import LocalClock, audit_of, user_name
from caseprobe_agent.cli.options import may_ask_servers
from caseprobe_agent.cli.path.view import View
from caseprobe_agent.config import Settings
from caseprobe_agent.consent import Ask, Origin, decide
from caseprobe_agent.consent.policy import ALLOW, kind_name
from caseprobe_agent.path import ResolvedTarget, describe, find_mtu, find_ways, open_network, plan_of, resolve, trace
from caseprobe_agent.path.names import Places
from caseprobe_agent.path.service.goal import Service
from caseprobe_agent.path.target import Address

LATE_NAMES_SECONDS = 1.0  # names that are not there by then are left out
KIND = consent_pb2.POLICY_KIND_PATH_TARGET
ADMITTED = f"admitted:{kind_name(KIND)}"  # as the gate writes it for what others ask for


class Guard:
    """What this machine's policy lets its owner probe, and the machine's own record of it."""

    def __init__(self, settings: Settings) -> None:
        self.policy = settings.policy
        self._audit = audit_of(settings, LocalClock())

    async def admit(self, target: str, how: str = "") -> None:
        """Write down that a target is probed and how, or why not, before anything is sent. Raises PolicyRefused."""
        refusals: dict[str, CaseprobeError] = {}
        if not await self.admit_all([target], refusals, how):
            raise refusals[target]

    async def admit_all(self, targets: Sequence[str], refusals: dict[str, CaseprobeError], how: str = "") -> list[str]:
        """Those of many targets that are permitted, written down in one entry; refusals takes the others with why."""
        for target in targets:
            try:
                self.check(target, None)
            except PolicyRefused as refused:
                refusals[target] = refused
        permitted = [target for target in dict.fromkeys(targets) if target not in refusals]
        if refusals:
            await self._audit.record("refused", "", user_name(), "; ".join(map(str, refusals.values())))
        if permitted:
            what = " ".join((kind_name(KIND), *permitted, *([how] if how else [])))
            await self._audit.record(ADMITTED, "", user_name(), what)
        return permitted

    def check(self, target: str, address: Address | None) -> None:
        """Let a target through, or one address of it. Raises PolicyRefused with the reason."""
        ask = Ask(KIND, Origin.OWNER, target=target, address=address)
        decision = decide(self.policy, [], ask, datetime.now().astimezone())
        if decision.decision != ALLOW:
            raise PolicyRefused(f"{target} is not probed: {decision.reason}")

    def permit(self, target: str) -> Callable[[Address], None]:
        """The check of each address of a target."""
        return lambda address: self.check(target, address)


@dataclass
class Measurement:
    """What was asked for, and what is known of it when it ends, also when it is interrupted.

    action names the host; service is what is reached there, None where only the path is asked for.
    """

    action: link_pb2.PathAction
    service: Service | None
    family: int = 0
    mtu: bool = False
    ways: bool = False
    places: Places = field(default_factory=Places)
    load: Callable[[], Awaitable[path_load_pb2.LoadFacts]] | None = None
    header: path_pb2.PathFacts = field(default_factory=path_pb2.PathFacts)
    tally: PathTally = field(default_factory=PathTally)

    async def run(self, guard: Guard, view: View) -> None:
        """Measure. Raises CaseprobeError; what is known by then stays."""
        self.header.target = self.action.target
        await guard.admit(self.action.target, "under load" if self.load else "")
        async with leaving(view):
            target = await self._target(guard)
            if target is not None:
                await self._trace(target, view)
                await self._beside(target)
                await asyncio.to_thread(self.places.settle, LATE_NAMES_SECONDS)

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.tally.rounds) or self.header.HasField("service")

    def facts(self) -> path_pb2.PathFacts:
        """What is known, judged."""
        self.places.tell(self.header)
        return facts_of(self.tally, self.header)

    async def _target(self, guard: Guard) -> ResolvedTarget | None:
        """Where the path leads: to the host, or where a service is asked for, to the address that serves it."""
        if self.service is None:
            return await resolve(self.action.target, guard.permit(self.action.target), self.family)
        # What reads certificates takes a while to load: who asks for a mere path does not wait for it.
        from caseprobe_agent.path.service.reach import reach
        from caseprobe_agent.proxies import proxy_for

        proxy = proxy_for(self.service.scheme, self.service.host, os.environ)
        permit = guard.permit(proxy.host if proxy else self.service.host)
        service, target = await reach(self.service, may_ask_servers(guard.policy), permit, self.family)
        self.header.service.CopyFrom(service)
        return target

    async def _beside(self, target: ResolvedTarget) -> None:
        """What was asked for beside the rounds."""
        if self.mtu:
            self.header.mtu.CopyFrom(await find_mtu(target))
        if self.ways:
            self.header.ways.CopyFrom(await find_ways(target, self.action.port))
        if self.load is not None:
            self.header.loaded.CopyFrom(await self.load())

    async def _trace(self, target: ResolvedTarget, view: View) -> None:
        with open_network(target, self.action) as network:
            plan = plan_of(self.action, target, network)
            self.header.MergeFrom(describe(target, network))
            view.begin(self.header)
            async with contextlib.aclosing(trace(target, self.action, network, plan)) as rounds:
                async for round_ in rounds:
                    self.tally.add(round_)
                    self.places.see(round_)
                    view.add(round_, self.facts)


@contextlib.asynccontextmanager
async def leaving(view: View) -> AsyncIterator[None]:
    """Ends what is inside where the person in front of the view leaves it, which cancels this task."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not view.left or task is None:
            raise
        task.uncancel()
