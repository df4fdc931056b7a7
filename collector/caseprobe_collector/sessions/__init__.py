"""Live requests, each a session that ends exactly once."""

from caseprobe_collector.sessions.request import target_of
from caseprobe_collector.sessions.use_case import OUTCOMES, Sessions

__all__ = ["OUTCOMES", "Sessions", "target_of"]
