"""Reports of smartctl (text, JSON) and nvme-cli (text, JSON) -> SmartDisk, every fact with the line it came from."""

from __future__ import annotations

from caseprobe.parse.smart.report import LONGEST_REPORT, parse_report

__all__ = ["LONGEST_REPORT", "parse_report"]
