"""Which machine a call is from, and whether it is one of ours still."""

from __future__ import annotations

from caseprobe.errors import NotAllowed, Revoked
from caseprobe_collector.records import Agent
from caseprobe_collector.rpc.desk import Desk


async def admitted(desk: Desk, agent_id: str) -> Agent:
    """The machine whose key opened the TLS; raises NotAllowed or Revoked."""
    agent = await desk.fleet.get_agent(agent_id, None)
    if agent is None:
        raise NotAllowed("this key is not enrolled here; enrol with a new join code")
    if agent.revoked_at is not None:
        raise Revoked("this machine's enrolment was ended by the collector's staff")
    return agent
