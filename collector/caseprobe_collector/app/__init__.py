"""Builds the collector and runs it: the only place that joins stores, use cases and servers."""

from caseprobe_collector.app.build import fresh_id, running_collector

__all__ = ["fresh_id", "running_collector"]
