"""The gRPC side: agents' streams, who is online, and one mapping of errors."""

from caseprobe_collector.rpc.desk import Desk
from caseprobe_collector.rpc.links import OpenLinks, refusal
from caseprobe_collector.rpc.presence import LOOK_SECONDS
from caseprobe_collector.rpc.server import METHOD_ACTIONS, build_server, methods

__all__ = ["LOOK_SECONDS", "METHOD_ACTIONS", "Desk", "OpenLinks", "build_server", "methods", "refusal"]
