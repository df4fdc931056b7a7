"""Rounds of a path probe to loss, times, a classification of every hop, and a verdict: pure."""

from caseprobe.path_stats.hops import p95
from caseprobe.path_stats.summary import summarize

__all__ = ["p95", "summarize"]
