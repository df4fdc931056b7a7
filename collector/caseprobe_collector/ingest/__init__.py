"""From frames to durable evidence, and back out again."""

from caseprobe_collector.ingest.assembly import Assembled, Assembly, Limits
from caseprobe_collector.ingest.evidence import Evidence
from caseprobe_collector.ingest.store import Ingest, Stored

__all__ = ["Assembled", "Assembly", "Evidence", "Ingest", "Limits", "Stored"]
