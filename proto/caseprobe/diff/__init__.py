"""What changed between two snapshots of one machine, as ranked facts; pure."""

from caseprobe.diff.change import Change, Value
from caseprobe.diff.compare import compare
from caseprobe.diff.findings import findings_between

__all__ = ["Change", "Value", "compare", "findings_between"]
