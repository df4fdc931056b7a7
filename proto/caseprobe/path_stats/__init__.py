"""Rounds of a path probe to loss, times, a classification of every hop, and a verdict: pure."""

from caseprobe.path_stats.hops import p95
from caseprobe.path_stats.load import judge_load
from caseprobe.path_stats.service import judge_service
from caseprobe.path_stats.summary import facts_of, summarize
from caseprobe.path_stats.tally import PathTally

__all__ = ["PathTally", "facts_of", "judge_load", "judge_service", "p95", "summarize"]
