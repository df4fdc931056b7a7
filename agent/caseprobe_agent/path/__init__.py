"""Path probes: the pure trace state machine and the sockets of each tier.

`resolve` a target, `open_network` for it, `describe` it, `trace` it round by round, and give the rounds to
`caseprobe.path_stats.summarize`.
"""

from caseprobe_agent.path.flows import find_ways
from caseprobe_agent.path.rounds import Plan
from caseprobe_agent.path.sized import find_mtu
from caseprobe_agent.path.target import Permit, ResolvedTarget, resolve
from caseprobe_agent.path.trace import TierNetwork, describe, open_network, plan_of, trace

__all__ = [
    "Permit",
    "Plan",
    "ResolvedTarget",
    "TierNetwork",
    "describe",
    "find_mtu",
    "find_ways",
    "open_network",
    "plan_of",
    "resolve",
    "trace",
]
