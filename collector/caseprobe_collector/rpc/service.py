"""Who opens a stream, and whether it is let in; no session's error leaves its task."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc

from caseprobe.errors import Busy, CaseprobeError, Cloned, Corrupt, NotAllowed
from caseprobe.v1 import link_pb2, link_pb2_grpc
from caseprobe_collector.records import Agent
from caseprobe_collector.rpc.admission import admitted
from caseprobe_collector.rpc.desk import Desk
from caseprobe_collector.rpc.links import CLONED, OpenLink, refusal_of
from caseprobe_collector.rpc.peer import peer_agent_id
from caseprobe_collector.rpc.stream import Context, Stream

HELLO_SECONDS = 15.0
# How long a machine that is turned away may take to say its first word.
FIRST_WORD_SECONDS = 1.0
# A machine that was shed asks again after this, and up to half as much more.
SHED_SECONDS = 15.0
# How long a new stream waits for what the older one of its machine gives back.
OLDER_SECONDS = 2.0
RESTARTING = "the collector is restarting: this machine comes back later"
FULL = "the collector serves {most} machines and takes no more: this machine comes back later"

log = logging.getLogger("caseprobe.collector")


class LinkService(link_pb2_grpc.LinkServiceServicer):
    """Serves every agent's stream."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def Link(  # type: ignore[override]  # read() and write() cost a fifth less than the generator form
        self, request_iterator: AsyncIterator[link_pb2.LinkRequest], context: Context
    ) -> None:
        """Run one stream to its end."""
        try:
            agent = await self._admit(context)
        except CaseprobeError as error:
            await context.write(refusal_of(error))
            # A stream that ends while its first word is being written loses what was answered.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WORD_SECONDS):
                    await context.read()
            return
        try:
            hello = await self._hello(context, agent)
            await self._single(agent, hello)
            link = await self._open(agent, hello.instance_id[:64])
        except CaseprobeError as error:
            await context.write(refusal_of(error))
            return
        try:
            await Stream(self._desk, link, hello, context).run()
        except asyncio.CancelledError:
            raise
        except CaseprobeError as error:
            log.warning("the stream of %s ended: %s", agent.agent_id, error)
        except Exception:
            log.exception("the stream of %s failed", agent.agent_id)
        finally:
            self._desk.links.leave(link)

    async def _open(self, agent: Agent, run: str) -> OpenLink:
        """The machine's one stream, once its older one gave back what it had: the rest of a large item among it.

        Raises Busy where another run of one person is sending: it is not cut off, and this one comes after it; and
        where the collector began to end since the machine was let in.
        """
        links = self._desk.links
        if links.taken(agent, run):
            await _ended(links.current(agent.agent_id))
        if links.taken(agent, run):
            raise Busy("another run with this key is sending; this one comes after it")
        if links.draining:
            raise Busy(RESTARTING, SHED_SECONDS)
        older = links.current(agent.agent_id)
        link = links.open(agent, run)
        await _ended(older)
        return link

    async def _single(self, agent: Agent, hello: link_pb2.Hello) -> None:
        """Raise Cloned where two machines hold this key; the first time, with its entry in the audit."""
        links = self._desk.links
        if agent.kind != "enrolled":
            return  # runs of one person share their key
        known = links.clones.quarantined(agent.agent_id)
        if links.clones.admit(agent.agent_id, hello.instance_id[:64], hello.stream_number):
            return
        links.cloned(agent)
        if not known:
            log.warning("two machines with the key of %s", agent.agent_id)
            await self._desk.audit_clone(agent)
        raise Cloned(CLONED)

    async def _admit(self, context: Context) -> Agent:
        """The machine whose key opened the TLS; raises NotAllowed, Revoked, or Busy where there is no place for it."""
        agent_id, links = peer_agent_id(context.auth_context()), self._desk.links
        if links.draining or links.full(agent_id):
            # Before the first query: at the cap a refusal must cost next to nothing.
            links.shed_total += not links.draining
            raise Busy(RESTARTING if links.draining else FULL.format(most=links.most), SHED_SECONDS)
        return await admitted(self._desk, agent_id)

    async def _hello(self, context: Context, agent: Agent) -> link_pb2.Hello:
        try:
            frame: Any = await asyncio.wait_for(context.read(), HELLO_SECONDS)
        except TimeoutError:
            raise Corrupt(f"no Hello within {HELLO_SECONDS:.0f} seconds") from None
        if frame is grpc.aio.EOF or frame.WhichOneof("frame") != "hello":
            raise Corrupt("the first frame of a stream must be Hello")
        if frame.hello.agent_id != agent.agent_id:
            raise NotAllowed("the agent id in Hello is not the key's")
        return frame.hello  # type: ignore[no-any-return]


async def _ended(link: OpenLink | None) -> None:
    """Wait a little for a stream's end."""
    if link is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OLDER_SECONDS):
                await link.ended()
