"""Findings, verdicts and numbers in words, in every language that we speak; machine text (JSON) is English."""

from caseprobe.texts.addresses import address_text
from caseprobe.texts.changes import change_cells, change_json, change_sentence, taken
from caseprobe.texts.findings import advice, severity, state_name, summary, title
from caseprobe.texts.judgement import cause_name, coverage_json, finding_json, judgement_json
from caseprobe.texts.paths import hop_name, hop_network, path_round_json, path_sentences, path_summary_json
from caseprobe.texts.services import outcome_words, path_service, service_name
from caseprobe.texts.template import LANGUAGES, fill, printable, visible
from caseprobe.texts.thresholds import level_text
from caseprobe.texts.units import (
    format_bits,
    format_bytes,
    format_celsius,
    format_count,
    format_number,
    format_rate,
    format_ratio,
    format_seconds,
    format_value,
)
from caseprobe.texts.verdicts import (
    coverage_sentence,
    folded_sentence,
    need,
    overall_state,
    path_load,
    path_mtu,
    path_verdict,
    path_way_back,
    path_ways,
    reason_sentence,
    snapshot_state,
    snapshot_verdict,
    verdict_sentence,
)

__all__ = [
    "LANGUAGES",
    "address_text",
    "advice",
    "cause_name",
    "change_cells",
    "change_json",
    "change_sentence",
    "coverage_json",
    "coverage_sentence",
    "fill",
    "finding_json",
    "folded_sentence",
    "format_bits",
    "format_bytes",
    "format_celsius",
    "format_count",
    "format_number",
    "format_rate",
    "format_ratio",
    "format_seconds",
    "format_value",
    "hop_name",
    "hop_network",
    "judgement_json",
    "level_text",
    "need",
    "outcome_words",
    "overall_state",
    "path_load",
    "path_mtu",
    "path_round_json",
    "path_sentences",
    "path_service",
    "path_summary_json",
    "path_verdict",
    "path_way_back",
    "path_ways",
    "printable",
    "reason_sentence",
    "service_name",
    "severity",
    "snapshot_state",
    "snapshot_verdict",
    "state_name",
    "summary",
    "taken",
    "title",
    "verdict_sentence",
    "visible",
]
