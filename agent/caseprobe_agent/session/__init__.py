"""The collector's live requests: each passes the gate, runs, streams, and ends in exactly one outcome."""

from caseprobe_agent.session.asks import CAPABILITIES
from caseprobe_agent.session.delivery import Delivery
from caseprobe_agent.session.measure import Measurements
from caseprobe_agent.session.sessions import Sessions
from caseprobe_agent.session.timed import Timed

__all__ = ["CAPABILITIES", "Delivery", "Measurements", "Sessions", "Timed"]
