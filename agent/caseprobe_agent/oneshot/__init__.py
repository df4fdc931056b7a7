"""The customer's flow: measure once, hide, judge, show, and send exactly what was shown, or keep it as a file."""

from caseprobe_agent.oneshot.flow import OneShot
from caseprobe_agent.oneshot.order import Order, Person, Result

__all__ = ["OneShot", "Order", "Person", "Result"]
