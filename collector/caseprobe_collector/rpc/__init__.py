"""The gRPC side: agents' streams, who is online, and one mapping of errors."""

from caseprobe_collector.rpc.links import OpenLinks, refusal
from caseprobe_collector.rpc.presence import LOOK_SECONDS
from caseprobe_collector.rpc.server import METHOD_ACTIONS, build_server, methods
from caseprobe_collector.rpc.service import Desk

__all__ = ["LOOK_SECONDS", "METHOD_ACTIONS", "Desk", "OpenLinks", "build_server", "methods", "refusal"]
