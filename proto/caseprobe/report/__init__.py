"""Pages that a customer and a support engineer read: one snapshot, or what changed between two."""

from caseprobe.report.changes import render_changes
from caseprobe.report.page import render_report

__all__ = ["render_changes", "render_report"]
