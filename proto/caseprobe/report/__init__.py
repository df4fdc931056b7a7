"""The report that a customer and a support engineer read: one HTML page from a snapshot."""

from caseprobe.report.page import render_report

__all__ = ["render_report"]
