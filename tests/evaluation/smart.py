"""`python -m tests.evaluation.smart FOLDER [--write]`: the SMART checks on labelled reports beside other tools' rules.

Without the folder it says that nothing was measured. --write puts the tables into docs/checks/evaluation-smart.md.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from caseprobe.v1 import finding_pb2
from caseprobe.v1 import section_smart_pb2 as smart
from tests.evaluation import peers
from tests.evaluation.data import EVIDENCE, Data, Pair, Report, alarm, develop, hidden, judge, load
from tests.evaluation.wilson import share

PAGE = Path(__file__).parents[2] / "docs" / "evaluation-smart.md"
INFO, WARN, CRITICAL = finding_pb2.SEVERITY_INFO, finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL
# Kind of evidence -> the check that must report it.
CHECKS = {
    "failed": "smart.status",
    "attr_now": "smart.attr_now",
    "attr_past": "smart.attr_past",
    "selftest_fail": "smart.selftest",
    "log_unc": "smart.errlog",
    "log_icrc": "smart.crc",
    "devstat_unc": "smart.devstat",
    "endurance": "smart.endurance",
    "pending": "smart.pending",
    "offline_unc": "smart.offunc",
    "reported_unc": "smart.reported",
    "realloc": "smart.realloc",
    "defects": "smart.defects",
    "nvme_critical": "nvme.critical",
    "nvme_media": "nvme.media",
    "nvme_used": "nvme.used",
    "nvme_spare": "nvme.spare",
}
# What a report may hold instead of the labelled kind: the same thing under another name, below or near the level.
NEAR = {
    "log_icrc": ("crc_count", "devstat_crc"),
    "reported_unc": ("renamed",),
    "realloc": ("renamed",),
    "pending": ("renamed",),
    "offline_unc": ("renamed",),
    "endurance": ("near_end",),
    "nvme_used": ("near_end",),
}
# The label is the critical level; the check warns earlier.
AT_CRITICAL = ("endurance", "nvme_used", "nvme_spare")
BAD = ("log_unc", "selftest_fail", "devstat_unc")
# Columns of a row: its name, then counts as (found, of how many).
Row = tuple[str, list[tuple[int, int]]]


def _proved(report: Report, kind: str) -> bool:
    """True where a finding of the kind's check quotes the labelled line, number and text."""
    number, _, text = report.label[f"{kind}_line"].partition(": ")
    return any(
        evidence.line == int(number) and evidence.text == text
        for finding in report.findings
        if finding.check_id == CHECKS[kind]
        for evidence in finding.evidence
    )


def _spurious(report: Report, kind: str) -> bool:
    """True where the kind's check blames a report in which neither the evidence nor anything near it stands."""
    near = set(NEAR.get(kind, ())) & set(report.label["unsure"].split())
    least = finding_pb2.SEVERITY_CRITICAL if kind in AT_CRITICAL else finding_pb2.SEVERITY_WARN
    said = any(one.check_id == CHECKS[kind] and one.state >= least for one in report.findings)
    return said and not report.has(kind) and not near


def evidence_rows(reports: Sequence[Report]) -> Iterator[Row]:
    """Each kind: found with its exact line, and said where it is not."""
    total_found = total_labelled = total_spurious = total_rest = 0
    for kind in EVIDENCE:
        labelled = [one for one in reports if one.has(kind)]
        rest = [one for one in reports if not one.has(kind)]
        found, spurious = sum(_proved(one, kind) for one in labelled), sum(_spurious(one, kind) for one in rest)
        yield f"{kind} ({CHECKS[kind]})", [(found, len(labelled)), (spurious, len(rest))]
        total_found, total_labelled = total_found + found, total_labelled + len(labelled)
        total_spurious, total_rest = total_spurious + spurious, total_rest + len(rest)
    yield "all kinds", [(total_found, total_labelled), (total_spurious, total_rest)]


def _ours(least: finding_pb2.Severity.ValueType) -> peers.Rule:
    return lambda disk: alarm(judge(disk), least)


ONE_REPORT: Mapping[str, peers.Rule] = {
    "**caseprobe, warn or critical**": _ours(finding_pb2.SEVERITY_WARN),
    "**caseprobe, critical**": _ours(CRITICAL),
    "**caseprobe, any remark**": _ours(finding_pb2.SEVERITY_INFO),
    **peers.ONE_REPORT,
}


def hidden_rows(reports: Sequence[Report], kind: str) -> Iterator[Row]:
    """With all logs hidden: drives with log evidence found, and calm ones (clean or unsure) alarmed."""
    chosen = [one for one in reports if one.label["kind"] == kind]
    bad = [hidden(one.disk) for one in chosen if one.has(*BAD)]
    unreadable = [hidden(one.disk) for one in chosen if one.has("log_unc")]
    clean = [hidden(one.disk) for one in chosen if one.label["clean"] == "1"]
    unsure = [hidden(one.disk) for one in chosen if one.calm and one.label["clean"] != "1"]
    for name, rule in ONE_REPORT.items():
        counts = [(sum(map(rule, group)), len(group)) for group in (bad, unreadable, clean, unsure)]
        yield name, [*counts, (counts[2][0] + counts[3][0], counts[2][1] + counts[3][1])]


TWO_REPORTS: Mapping[str, peers.GrowthRule] = {
    "**caseprobe, growth or critical**": lambda first, second: _grown(first, second),
    "**caseprobe, critical growth**": lambda first, second: _grown(first, second, CRITICAL),
    **peers.TWO_REPORTS,
}
GROWTH = ("smart.growth", "smart.status", "smart.attr_now")


# Ways of reading what we say, from the strictest on; each can be had: a check is switched off in agent.toml.
Told = Callable[[finding_pb2.Finding], bool]
POINTS: Mapping[str, Told] = {
    "critical": lambda one: one.state >= CRITICAL,
    "warnings, smart.readerr switched off": lambda one: one.state >= WARN and one.check_id != "smart.readerr",
    "warnings": lambda one: one.state >= WARN,
    "warnings and the remarks of smart.timeout": lambda one: one.state >= WARN or one.check_id == "smart.timeout",
    "any remark": lambda one: True,
}
# Timeouts that cable or power explains are no alarm about the disk, but they are told.
EXPLAINED = "any remark, and timeouts that cable or power explains"


def _counted(rule: peers.Rule, bad: Sequence[smart.SmartDisk], calm: Sequence[smart.SmartDisk]) -> tuple[int, int]:
    return sum(map(rule, bad)), sum(map(rule, calm))


def _at(told: Told) -> peers.Rule:
    return lambda disk: alarm([one for one in judge(disk) if told(one)], INFO)


def _with_explained(disk: smart.SmartDisk) -> bool:
    findings = judge(disk)
    return alarm(findings, INFO) or any(one.check_id == "smart.timeout" for one in findings)


def point_rows(reports: Sequence[Report], kind: str) -> Iterator[tuple[str, ...]]:
    """Each peer's rule beside the way of reading ours that finds most at no more alarms than it has."""
    chosen = [one for one in reports if one.label["kind"] == kind]
    bad = [hidden(one.disk) for one in chosen if one.has(*BAD)]
    calm = [hidden(one.disk) for one in chosen if one.calm]
    rules = {**{name: _at(told) for name, told in POINTS.items()}, EXPLAINED: _with_explained}
    ours = {name: _counted(rule, bad, calm) for name, rule in rules.items()}
    for name, rule in peers.ONE_REPORT.items():
        found, alarms = _counted(rule, bad, calm)
        best = max((one for one in ours if ours[one][1] <= alarms), key=lambda one: ours[one][0], default="")
        counts = [(found, len(bad)), (alarms, len(calm)), *zip(ours[best], (len(bad), len(calm)), strict=True)]
        shown = [f"{share(*count)}: {count[0]} of {count[1]}" for count in counts]
        more = "more" if ours[best][0] > found else "as many" if ours[best][0] == found else "fewer"
        yield name, *shown[:2], best, *shown[2:], more


def _grown(
    first: smart.SmartDisk, second: smart.SmartDisk, least: finding_pb2.Severity.ValueType = finding_pb2.SEVERITY_WARN
) -> bool:
    """Only what two bare reports tell: growth, and what the drive says of itself."""
    told = judge(hidden(second), hidden(first))
    return alarm((one for one in told if one.check_id in GROWTH), least)


def growth_rows(pairs: Sequence[Pair]) -> Iterator[Row]:
    """Drives that turned bad or grew found by their second report, and those that stayed as they were alarmed."""
    groups = ("turned_bad_hdd", "turned_bad_ssd", "grew_only", "stays_clean", "stays_with_old_count", "crc_grew")
    for name, rule in TWO_REPORTS.items():
        counts = []
        for group in groups:
            members = [pair for pair in pairs if pair.label["group"] == group]
            counts.append((sum(rule(pair.first, pair.second) for pair in members), len(members)))
        yield name, counts


def _blames(report: Report, cause: finding_pb2.Cause.ValueType) -> bool:
    return any(one.cause == cause and one.state >= finding_pb2.SEVERITY_INFO for one in report.findings)


def cable_rows(reports: Sequence[Report]) -> Iterator[Row]:
    """Drives whose only evidence is ICRC are called cable, and the disk is not; bad disks are never called cable."""
    others = [kind for kind in EVIDENCE if kind not in ("log_icrc", "attr_past")]
    cable = [one for one in reports if one.has("log_icrc") and not one.has(*others)]
    bad = [one for one in reports if one.has("log_unc")]
    right = sum(_blames(one, finding_pb2.CAUSE_LINK) and not _blames(one, finding_pb2.CAUSE_DISK) for one in cable)
    yield "only ICRC: called cable, the disk not blamed", [(right, len(cable))]
    wrong = sum(_blames(one, finding_pb2.CAUSE_LINK) or not _blames(one, finding_pb2.CAUSE_DISK) for one in bad)
    yield "UNC, IDNF or AMNF in the log: called cable, or the disk not blamed", [(wrong, len(bad))]


def table(heads: Sequence[str], rows: Iterator[Row]) -> list[str]:
    """Markdown."""
    shares = ((name, *(f"{share(*count)}: {count[0]} of {count[1]}" for count in counts)) for name, counts in rows)
    return cells(heads, shares)


def cells(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


POINT_HEADS = ("peer", "finds", "alarms on both", "ours, read as", "finds", "alarms on both", "ours finds")


def page(data: Data) -> str:
    """All tables."""
    develop_models = develop(data.reports)
    held_out = [one for one in data.reports if one.disk.model not in develop_models]
    on = [one for one in data.reports if one.disk.model in develop_models]
    lines = [*_head(data, len(develop_models))]
    lines += [
        "## Evidence: the exact line",
        "",
        *table(("kind (check)", "found", "spurious"), evidence_rows(data.reports)),
    ]
    heads = ("rule", "bad found", "of these UNC found", "alarms on clean", "alarms on unsure", "alarms on both")
    for kind in ("hdd", "ssd"):
        for name, part in (("all models", data.reports), ("held-out models", held_out), ("develop models", on)):
            lines += [f"## Logs hidden: {kind}, {name}", "", *table(heads, hidden_rows(part, kind))]
            lines += [
                f"### At no more alarms than each peer: {kind}, {name}",
                "",
                *cells(POINT_HEADS, point_rows(part, kind)),
            ]
    columns = (
        "turned bad hdd",
        "turned bad ssd",
        "grew only",
        "stays clean",
        "stays with an old count",
        "only 199 grew",
    )
    lines += [(Path(__file__).parent / "smart_alarms.md").read_text("utf-8")]
    lines += ["## Growth between two reports", "", *table(("rule", *columns), growth_rows(data.pairs))]
    lines += ["## Cable or disk", "", *table(("drives", "share"), cable_rows(data.reports))]
    return "\n".join(lines)


def _head(data: Data, models: int) -> list[str]:
    today = datetime.now(UTC).date().isoformat()
    return [
        "# SMART checks on labelled reports",
        "",
        f"{len(data.reports)} reports and {len(data.pairs)} pairs, measured on {today} by `make eval-smart DATA=…` "
        f"(Python {platform.python_version()}, 2 cores, Debian 12). Processor time for one report: "
        f"{data.parse_milliseconds:.2f} ms to parse, {data.judge_milliseconds:.2f} ms to judge. No crash.",
        "",
        "The reports are of drives in hosting servers (linuxhw/EnterpriseDrive, CC-BY-4.0) and were chosen for their "
        "faults: shares here say nothing about a population of drives, they compare rules with each other. Shares are "
        "with 95 % Wilson intervals.",
        "",
        f"Rules were found on {models} models chosen by chance (seed in `tests/evaluation/data.py`); the others are "
        "held out. An alarm is a warning or worse that blames the disk or its wear. *Logs hidden*: only attributes and "
        "overall status are left of each report, so that rules over attributes can be compared. *Bad*: UNC, IDNF or "
        "AMNF in the error log, a failed self-test, or uncorrectable errors in the device statistics. *Unsure*: weaker "
        "signs. The peers' rules are written anew from their published thresholds (`tests/evaluation/peers.py`).",
        "A rule is worth as much as its share of bad drives exceeds its share of alarms: flagging by chance makes both "
        "equal. Rates over a population of drives are not measured here; they need reports that were not chosen.",
        "",
    ]


def main(arguments: Sequence[str]) -> int:
    """Print the tables; 0 also where there is no data, which is said."""
    folders = [one for one in arguments if not one.startswith("-")]
    if not folders or not (Path(folders[0]) / "labels.csv").is_file():
        print("not run: give the folder with reports.tar.xz, labels.csv and pairs.csv (make eval-smart DATA=…)")
        return 0
    text = page(load(Path(folders[0])))
    print(text)
    if "--write" in arguments:
        PAGE.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
