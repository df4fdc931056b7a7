"""Builds the collector and runs it: the only place that joins stores, use cases and servers."""

from caseprobe_collector.app.build import build_users, running_collector

__all__ = ["build_users", "running_collector"]
