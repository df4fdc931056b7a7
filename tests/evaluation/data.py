"""The labelled reports: read once, parsed and timed, and split by model."""

from __future__ import annotations

import csv
import random
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from caseprobe.checks import check_snapshot
from caseprobe.checks.smart import ALL
from caseprobe.parse.smart import parse_report
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe.v1 import section_smart_pb2 as smart

SEED = 20261122
# What a drive that is sure to be bad has, in a part that can be hidden or in its attributes.
EVIDENCE = (
    "failed",
    "attr_now",
    "attr_past",
    "selftest_fail",
    "log_unc",
    "log_icrc",
    "devstat_unc",
    "endurance",
    "pending",
    "offline_unc",
    "reported_unc",
    "realloc",
    "defects",
    "nvme_critical",
    "nvme_media",
    "nvme_used",
    "nvme_spare",
)
WARN = finding_pb2.SEVERITY_WARN
Hidden = Literal[
    "errors",
    "errors_total",
    "errors_line",
    "selftests",
    "last_selftest_code",
    "last_selftest_line",
    "statistics",
    "defects",
    "defects_total",
    "phy_events",
]
# What a rule over attributes does not see.
HIDDEN: tuple[Hidden, ...] = get_args(Hidden)


@dataclass
class Report:
    """One labelled report and its drive."""

    label: dict[str, str]
    disk: smart.SmartDisk
    findings: list[finding_pb2.Finding] = field(default_factory=list)

    def has(self, *kinds: str) -> bool:
        """True where one of these kinds of evidence is in it."""
        return any(self.label[kind] == "1" for kind in kinds)

    @property
    def calm(self) -> bool:
        """Clean or unsure: no evidence of any kind."""
        return not self.has(*EVIDENCE)


@dataclass
class Pair:
    """Two reports of one drive."""

    label: dict[str, str]
    first: smart.SmartDisk
    second: smart.SmartDisk


@dataclass
class Data:
    """Everything in the folder; the processor's time for parsing and for judging one report."""

    reports: list[Report]
    pairs: list[Pair]
    parse_milliseconds: float
    judge_milliseconds: float


def load(folder: Path) -> Data:
    """The labelled reports and pairs of a folder."""
    texts = _texts(folder / "reports.tar.xz")
    labels, pairs = _rows(folder / "labels.csv"), _rows(folder / "pairs.csv")
    started = time.process_time()
    reports = [_report(label, texts[f"reports/{label['path']}"]) for label in labels]
    parsed = time.process_time()
    for report in reports:
        report.findings = judge(report.disk)
    spent = (parsed - started, time.process_time() - parsed)
    parse_milliseconds, judge_milliseconds = (1000 * seconds / len(reports) for seconds in spent)
    return Data(reports, [_pair(label, texts) for label in pairs], parse_milliseconds, judge_milliseconds)


def _texts(archive: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(archive) as members:
        for member in members:
            if (held := members.extractfile(member)) is not None:
                found[member.name] = held.read().decode("utf-8", "replace")
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _report(label: dict[str, str], text: str) -> Report:
    return Report(label, parse_report(text, label["path"].rpartition("/")[2], label["path"]))


def _pair(label: dict[str, str], texts: dict[str, str]) -> Pair:
    first, second = (texts[f"pairs/{label['pair']}/{name}.txt"] for name in ("first", "second"))
    return Pair(label, parse_report(first, "first", "first.txt"), parse_report(second, "second", "second.txt"))


def _snapshot(disk: smart.SmartDisk) -> snapshot_pb2.Snapshot:
    section = section_pb2.Section(probe="smart", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.smart.disks.append(disk)
    return snapshot_pb2.Snapshot(sections=[section])


def judge(disk: smart.SmartDisk, before: smart.SmartDisk | None = None) -> list[finding_pb2.Finding]:
    """What the checks say of a drive, and of its growth where there is a report from before."""
    previous = _snapshot(before) if before is not None else None
    return check_snapshot(_snapshot(disk), ALL, previous=previous)[0]


def hidden(disk: smart.SmartDisk) -> smart.SmartDisk:
    """The drive as it looks where only its attributes and its status were read."""
    bare = smart.SmartDisk()
    bare.CopyFrom(disk)
    for name in HIDDEN:
        bare.ClearField(name)
    kept = [part for part in bare.parts if part.name in ("status", "attributes", "health", "temperature")]
    del bare.parts[:]
    bare.parts.extend(kept)
    return bare


def alarm(findings: Iterable[finding_pb2.Finding], least: finding_pb2.Severity.ValueType = WARN) -> bool:
    """True where a finding blames the disk: its surface, its electronics or its wear, not the cable or the heat."""
    blamed = (finding_pb2.CAUSE_DISK, finding_pb2.CAUSE_WEAR)
    return any(one.state >= least and one.cause in blamed for one in findings)


def develop(reports: Iterable[Report]) -> set[str]:
    """The models on which the rules were found: one half of all, chosen by chance with a fixed seed."""
    models = sorted({report.disk.model for report in reports})
    random.Random(SEED).shuffle(models)
    return set(models[: len(models) // 2])
