"""Makes this machine an enrolled agent, and ends that."""

from __future__ import annotations

from caseprobe.v1 import enrolment_pb2
from caseprobe_agent.app.parts import LocalClock, audit_of, proxy_of, system_name, user_name
from caseprobe_agent.config import Settings
from caseprobe_agent.identity import Enrolled, enrol


async def enrol_machine(settings: Settings, code: enrolment_pb2.JoinCode) -> Enrolled:
    """The new identity, kept in the state folder and written down in the machine's own audit."""
    enrolled = await enrol(
        code, settings.state_folder, settings.label, system_name(), proxy=proxy_of(settings.proxy, code.address)
    )
    audit = audit_of(settings, LocalClock())
    await audit.record("enrolled", enrolled.identity.agent_id, user_name(), enrolled.identity.link_address)
    return enrolled
