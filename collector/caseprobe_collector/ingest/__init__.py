"""From frames to durable evidence, and back out again."""

from caseprobe_collector.ingest.assembly import Assembled, Assembly, Limits, Offload, Partial
from caseprobe_collector.ingest.budget import Budget
from caseprobe_collector.ingest.evidence import Evidence
from caseprobe_collector.ingest.forms import weight_of
from caseprobe_collector.ingest.store import Ingest, Stored

__all__ = [
    "Assembled",
    "Assembly",
    "Budget",
    "Evidence",
    "Ingest",
    "Limits",
    "Offload",
    "Partial",
    "Stored",
    "weight_of",
]
