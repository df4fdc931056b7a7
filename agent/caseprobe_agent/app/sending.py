"""Joins what sends bundles: the caller's own key, the collector that a join code names, and the link."""

from __future__ import annotations

import asyncio
import contextlib
import io
import secrets
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, BinaryIO

from caseprobe import ids
from caseprobe.errors import Corrupt
from caseprobe.v1 import enrolment_pb2, link_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.app.parts import LocalClock, credentials_of, hello_of, proxy_of
from caseprobe_agent.audit import Audit
from caseprobe_agent.config import Settings
from caseprobe_agent.identity import ONE_SHOT, Enrolled, enrol, keys
from caseprobe_agent.identity.state import load_key, save_key
from caseprobe_agent.identity.tickets import Tickets
from caseprobe_agent.oneshot.order import Person
from caseprobe_agent.oneshot.sending import Outgoing, Sending

if TYPE_CHECKING:
    from caseprobe_agent.link import Delivery, Link, Outbox
    from caseprobe_agent.oneshot.showing import Way
    from caseprobe_agent.seal import Run

# What a one-shot run is called, and the folder of its key: the machine's name is not told.
LABEL = "one-shot"
# Beside it, a folder for each machine of which an archive was imported: it is sent for under a key of its own.
IMPORTED = "imported"
FORMS = {
    link_pb2.DATA_KIND_BUNDLE: "",
    link_pb2.DATA_KIND_BUNDLE_PATCH: "_patch",
    link_pb2.DATA_KIND_BUNDLE_SEALED: "_sealed",
}
LEAST_DELIVERY_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 16 << 10


def folder_of(settings: Settings, key_id: str = "") -> Path:
    """Where the key of this id lies with its tickets, if it is that of an imported machine; else the caller's own."""
    imported = settings.state_folder / IMPORTED / key_id
    return imported if ids.is_agent_id(key_id) and imported.is_dir() else settings.state_folder / LABEL


def sending_of(
    settings: Settings, person: Person, audit: Audit, clock: LocalClock, key_id: str = "", run: Run = worker.call
) -> Sending:
    """The way to a collector under the caller's own key, or that of an imported machine."""
    folder, proxy = folder_of(settings, key_id), settings.proxy
    tickets = Tickets(folder, clock)
    return Sending(person, audit, tickets, _enroller(folder, proxy, run), _deliverer(folder, proxy), _shower(proxy))


def own_key_of(settings: Settings, key_id: str = "") -> Callable[[], Awaitable[tuple[bytes, str]]]:
    """The caller's own key and its id, made on first use; or the key of an imported machine."""
    folder = folder_of(settings, key_id)

    async def own_key() -> tuple[bytes, str]:
        # Not in a child: this process ends soon, and it loads cryptography anyway to sign what it made.
        answer = await asyncio.to_thread(keys.own, load_key(folder, ONE_SHOT))
        private, public = keys.unpack(answer)
        save_key(folder, ONE_SHOT, private)
        return private, ids.agent_id(public)

    return own_key


def _deliverer(folder: Path, proxy: str) -> Callable[[Enrolled, Outgoing], Awaitable[Delivery]]:
    """Sends a finished file: what is new of it where the collector holds this key's last bundle, else all of it."""

    async def deliver(enrolled: Enrolled, outgoing: Outgoing) -> Delivery:
        from caseprobe_agent.oneshot.file import proved
        from caseprobe_agent.oneshot.sketches import Sketches

        if outgoing.sealed:
            # Encrypted bytes have nothing in common with any others.
            with outgoing.sealed.path.open("rb") as file:
                proved(file, outgoing.sealed.sha256)
                return await _deliver(enrolled, outgoing, file, link_pb2.DATA_KIND_BUNDLE_SEALED, proxy)
        sketches = Sketches(folder)
        with outgoing.path.open("rb") as file:
            # The receiver compares with the hash of what is proved here: a file that changes later is refused there.
            proved(file, outgoing.sha256)
            patch = await asyncio.to_thread(sketches.patch, file, outgoing.sha256, enrolled.response)
            delivery = await _deliver_patch(enrolled, outgoing, patch, proxy) if patch else None
            delivery = delivery or await _deliver(enrolled, outgoing, file, link_pb2.DATA_KIND_BUNDLE, proxy)
            await asyncio.to_thread(sketches.keep, file, outgoing.sha256)
        return delivery

    return deliver


async def _deliver_patch(enrolled: Enrolled, outgoing: Outgoing, patch: bytes, proxy: str) -> Delivery | None:
    """None where the collector cannot make the bundle of it: then it goes whole."""
    try:
        return await _deliver(enrolled, outgoing, io.BytesIO(patch), link_pb2.DATA_KIND_BUNDLE_PATCH, proxy)
    except Corrupt:
        return None


async def _deliver(
    enrolled: Enrolled, outgoing: Outgoing, file: BinaryIO, kind: link_pb2.DataKind.ValueType, proxy: str
) -> Delivery:
    """Send a bundle in this form over the link.

    Raises Unreachable, NotTrusted or what the collector refuses with.
    """
    from caseprobe_agent.link import FileOutbox

    # Each form is a stream of its own, which goes on only with itself.
    stream_id = outgoing.snapshot.snapshot_id + FORMS[kind]
    sha256 = outgoing.sha256 if kind == link_pb2.DATA_KIND_BUNDLE else b""
    outbox = FileOutbox(file, kind, stream_id, sha256, outgoing.consent)
    link = _link(enrolled, _pseudonym(outgoing.snapshot), outbox, proxy)
    seconds = LEAST_DELIVERY_SECONDS + file.seek(0, 2) / SLOWEST_BYTES_PER_SECOND
    return await link.deliver_once(seconds)


@dataclass(frozen=True)
class _Way:
    """An open link for drafts."""

    link: Link
    room_bytes: int

    @property
    def is_open(self) -> bool:
        return self.link.connected.is_set()

    def send(self, draft: link_pb2.Draft) -> None:
        self.link.send(link_pb2.LinkRequest(draft=draft), link_pb2.LANE_LIVE)


def _shower(proxy: str) -> Callable[[Enrolled], AbstractAsyncContextManager[Way]]:
    """Opens a link of its own, which ends before the bundle's begins."""

    @contextlib.asynccontextmanager
    async def show(enrolled: Enrolled) -> AsyncGenerator[Way]:
        from caseprobe_agent.link import NoRecords

        # The machine's stand-in comes with its first section.
        link = _link(enrolled, "", NoRecords(), proxy)
        async with link.opened() as welcome:
            yield _Way(link, welcome.draft_bytes)

    return show


def _link(enrolled: Enrolled, label: str, outbox: Outbox, proxy: str) -> Link:
    """A link of this run; label: what the machine is called."""
    from caseprobe_agent.link import Link

    spool_id = f"spool_{secrets.token_hex(8)}"

    async def hello() -> link_pb2.Hello:
        frame = hello_of(enrolled.identity, spool_id, label, sys.platform, "")
        frame.flow = snapshot_pb2.FLOW_ONE_SHOT
        return frame

    async def ignore(_frame: link_pb2.LinkResponse) -> None:
        """A one-shot run takes no commands."""

    return Link(credentials_of(enrolled.identity, proxy), hello, outbox, ignore, SystemRandom())


def _enroller(folder: Path, proxy: str, run: Run) -> Callable[[enrolment_pb2.JoinCode], Awaitable[Enrolled]]:
    """Makes a run known to the collector of a code."""

    async def enrol_once(code: enrolment_pb2.JoinCode) -> Enrolled:
        return await enrol(code, folder, LABEL, sys.platform, run=run, proxy=proxy_of(proxy, code.address))

    return enrol_once


def _pseudonym(snapshot: snapshot_pb2.Snapshot) -> str:
    """What a redacted snapshot calls its machine, so that two bundles of a case are told apart."""
    names = (section.system.host_name for section in snapshot.sections if section.HasField("system"))
    return next((name for name in names if name), LABEL)
