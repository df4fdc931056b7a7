"""The parts that every flow is built from."""

from __future__ import annotations

import logging
import os
import platform
import pwd
import secrets
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe import VERSION
from caseprobe.errors import UsageError
from caseprobe.ids import new_id
from caseprobe.join_code import split_address
from caseprobe.v1 import link_pb2
from caseprobe_agent import grants, worker
from caseprobe_agent.audit import Audit
from caseprobe_agent.config import DEFAULT, Settings
from caseprobe_agent.grants import Grants
from caseprobe_agent.identity import Identity, sign
from caseprobe_agent.proxies import Proxy, proxy_for, read_proxy

if TYPE_CHECKING:
    from caseprobe_agent.link import Credentials
    from caseprobe_agent.seal import Run

SIGNATURE_SECONDS = 20.0
log = logging.getLogger("caseprobe.link")


class LocalClock:
    """Now, aware, in the machine's own time zone."""

    def __call__(self) -> datetime:
        """The wall clock, with the offset to UTC that holds now."""
        return datetime.now().astimezone()

    def zoned(self) -> datetime:
        """The same, with the zone's rules for other days as well: what a cron line needs, for a MiB of memory."""
        from tzlocal import get_localzone

        return datetime.now(get_localzone())


def fresh_id(prefix: str) -> str:
    """A new id with this prefix."""
    return new_id(prefix, time.time(), secrets.token_bytes(10))


def user_name(uid: int | None = None) -> str:
    """The name of a local user, or the number where the machine knows no name."""
    number = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def audit_of(settings: Settings, clock: LocalClock) -> Audit:
    """The machine's own chain, shared by all flows of one state folder."""
    return Audit(audit_path(settings), clock)


def audit_path(settings: Settings) -> Path:
    """Where the chain is kept."""
    return settings.state_folder / "audit.jsonl"


def grants_of(settings: Settings, identity: Identity | None, run: Run = worker.call) -> Grants:
    """The grants that the enrolled machine's key signed; without one there are none."""

    async def sign_terms(data: bytes) -> tuple[str, bytes]:
        assert identity is not None, "nothing asks for a grant before the machine is enrolled"
        return await sign(identity, data, run=run)

    async def verify_terms(key_id: str, data: bytes, signature: bytes) -> bool:
        if identity is None or key_id != identity.agent_id:
            return False
        request = grants.signature_request(identity.private_key_pem, data, signature)
        return bool(await run(grants.signature_fits, request, SIGNATURE_SECONDS))

    return Grants(settings.state_folder / "grants", sign_terms, verify_terms)


def credentials_of(identity: Identity, proxy: str) -> Credentials:
    """What the link connects with; proxy: as the settings say."""
    from caseprobe_agent.link import Credentials  # gRPC is loaded by what connects, not by what measures

    address, way = identity.link_address, proxy_of(proxy, identity.link_address)
    return Credentials(address, identity.ca_pem, identity.certificate_pem, identity.private_key_pem, way)


def proxy_of(stated: str, address: str) -> Proxy | None:
    """The proxy that the settings name for a collector's host:port, else the environment; "none": there is none.

    To this machine itself no proxy leads that is not named for it. One of the environment that cannot be used is named
    and passed over: it was not set for the agent, whose direct way is as good as before.
    """
    if stated:
        return None if stated == "none" else read_proxy(stated, "proxy")
    host = split_address(address)[0]
    if host == "localhost" or host.startswith(("127.", "::1")):
        return None
    try:
        return proxy_for("https", host, os.environ)
    except UsageError as error:
        log.warning("%s: the collector is tried directly, and only so", error)
        return None


def hello_of(identity: Identity, spool_id: str, label: str, system: str, boot_id: str) -> link_pb2.Hello:
    """The first frame, without what only a resident agent has."""
    hello = link_pb2.Hello(
        agent_version=VERSION,
        agent_id=identity.agent_id,
        boot_id=boot_id,
        spool_id=spool_id,
        machine_label=label,
        system=system,
    )
    hello.sent_at.GetCurrentTime()
    return hello


def label_of(settings: Settings, identity: Identity) -> str:
    """What this machine is called: as the settings say, else as it was enrolled, else its host name."""
    named_by_settings = settings.origins.get("label", DEFAULT) != DEFAULT
    return settings.label if named_by_settings else identity.label or settings.label


def system_name() -> str:
    """The operating system as its maker names it."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "") or sys.platform
    except OSError:
        return sys.platform
