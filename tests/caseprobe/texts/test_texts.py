"""Findings in words, and the JSON that others rely on."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe import texts
from caseprobe.texts.template import PLURALS, fill
from caseprobe.v1 import finding_pb2

FULL = finding_pb2.Finding(
    check_id="disk.space",
    state=finding_pb2.SEVERITY_CRITICAL,
    object="/data",
    cause=finding_pb2.CAUSE_HOST,
    parameters=[
        finding_pb2.Parameter(name="used_ratio", number=0.95),
        finding_pb2.Parameter(name="available_bytes", number=1 << 30),
        finding_pb2.Parameter(name="total_bytes", number=20 << 30),
    ],
    evidence=[finding_pb2.Evidence(source="filesystems section", line=0, text="used_bytes=5")],
    threshold="used_ratio >= 0.9",
    threshold_source="Checkmk",
)
OK, WARN, UNKNOWN = finding_pb2.SEVERITY_OK, finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_UNKNOWN


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "/data is 95% full, 1.0 GiB of 20 GiB left"),
        ("zh_Hans", "/data 已用 95%，剩余 1.0 GiB（共 20 GiB）"),
        ("ru", "/data: занято 95 %, осталось 1,0 ГиБ из 20 ГиБ"),
        ("fr", "/data is 95% full, 1.0 GiB of 20 GiB left"),
    ],
)
def test_a_summary_in_each_language(language: str, expected: str) -> None:
    """Numbers and units are the language's own; a language that we do not speak reads English."""
    assert texts.summary(FULL, language).replace("\u00a0", " ") == expected


def test_the_json_of_a_finding_is_as_promised() -> None:
    """Names, order and values of the contract; whole numbers have no fraction."""
    assert list(texts.finding_json(FULL).items()) == [
        ("check_id", "disk.space"),
        ("state", "critical"),
        ("object", "/data"),
        ("cause", "host"),
        ("summary", "/data is 95% full, 1.0\u00a0GiB of 20\u00a0GiB left"),
        ("parameters", {"used_ratio": 0.95, "available_bytes": 1 << 30, "total_bytes": 20 << 30}),
        ("evidence", [{"source": "filesystems section", "line": 0, "text": "used_bytes=5"}]),
        (
            "advice",
            "Find the largest directories (du -xh --max-depth=2 /data), then remove or move what is not needed, "
            "or enlarge the filesystem.",
        ),
        ("threshold", "used_ratio >= 0.9"),
        ("threshold_source", "Checkmk"),
        ("kind", "condition"),
        ("folded_under", None),
        ("folded_total", 0),
    ]


def test_a_finding_of_a_newer_version_still_reads() -> None:
    """Unknown check, cause, state and numbers that JSON cannot say: words and null, no error."""
    newer = finding_pb2.Finding(
        check_id="moon.phase",
        state=99,  # type: ignore[arg-type]
        object="moon",
        parameters=[finding_pb2.Parameter(name="a", number=float("nan")), finding_pb2.Parameter(name="b")],
    )
    made = texts.finding_json(newer)
    assert (made["summary"], made["advice"], made["state"], made["cause"]) == (
        "moon.phase: moon",
        "",
        "unknown",
        "unknown",
    )
    assert json.dumps(made["parameters"], allow_nan=False) == '{"a": null, "b": 0}'


@given(st.text(max_size=300))
def test_a_command_in_an_advice_takes_a_machines_name_as_one_word(name: str) -> None:
    """Whoever makes a mount point called "x; reboot" runs nothing on the machine of whoever copies the advice."""
    finding = finding_pb2.Finding(
        check_id="disk.space", state=WARN, object="/mnt/" + name, message_id="disk.space.default"
    )
    command = texts.advice(finding).partition("(")[2].rpartition("), then")[0]
    assert shlex.split(command) == ["du", "-xh", "--max-depth=2", texts.printable("/mnt/" + name)]


def test_the_whole_judgement() -> None:
    """One object for an input: its worst state, findings and what became of each check."""
    coverage = [
        finding_pb2.Coverage(check_id="disk.space", outcome=finding_pb2.SEVERITY_CRITICAL),
        finding_pb2.Coverage(check_id="mem.avail", outcome=OK),
        finding_pb2.Coverage(check_id="net.err", outcome=UNKNOWN, reason="may not", needs="root", message_id="denied"),
    ]
    made = texts.judgement_json("this machine", [FULL], coverage)
    assert (made["input"], made["worst"]) == ("this machine", "critical")
    assert made["coverage"] == [
        {"check_id": "disk.space", "outcome": "finding", "reason": ""},
        {"check_id": "mem.avail", "outcome": "ok", "reason": ""},
        {"check_id": "net.err", "outcome": "unknown", "reason": "may not"},
    ]


def test_coverage_in_one_sentence() -> None:
    """How many ran, and each reason with its number."""
    coverage = [finding_pb2.Coverage(outcome=state) for state in (OK, WARN)]
    coverage += [finding_pb2.Coverage(outcome=UNKNOWN, needs="root", message_id="denied")] * 2
    coverage += [finding_pb2.Coverage(outcome=finding_pb2.SEVERITY_NOT_APPLICABLE, message_id="absent")]
    assert texts.coverage_sentence(coverage) == ("2 of 5 ran; 2 need root; 1 has no such hardware or feature here")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "No problem in the 2 of 5 checks that could run here"),
        ([finding_pb2.SEVERITY_INFO], "No problem in the 2 of 5 checks that could run here; 1 remark"),
        ([WARN, WARN], "2 warnings, nothing critical; first of all: x: y"),
        ([WARN, finding_pb2.SEVERITY_CRITICAL], "1 critical problem found: x: y"),
    ],
)
def test_the_verdict_in_one_sentence(states: list[finding_pb2.Severity.ValueType], expected: str) -> None:
    """The worst severity leads; where there is no problem, how much was looked at."""
    findings = [finding_pb2.Finding(check_id="x", object="y", state=state) for state in states]
    coverage = [finding_pb2.Coverage(outcome=state) for state in (OK, WARN, UNKNOWN, UNKNOWN, UNKNOWN)]
    assert texts.verdict_sentence(findings, coverage) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("zh_Hans", "在此可运行的 1 项检查（共 3 项）中未发现问题"),
        ("ru", "Проблем нет в 1 из 3 проверок, которые здесь удалось выполнить"),
    ],
)
def test_no_problem_is_said_of_what_was_looked_at(language: str, expected: str) -> None:
    """In every language."""
    coverage = [finding_pb2.Coverage(outcome=state) for state in (OK, UNKNOWN, UNKNOWN)]
    assert texts.verdict_sentence([], coverage, language) == expected


def test_a_critical_follower_makes_its_root_critical() -> None:
    """What is folded under a warning is not "nothing critical"."""
    root = finding_pb2.Finding(check_id="x", object="y", state=WARN)
    under = finding_pb2.Finding(check_id="z", state=finding_pb2.SEVERITY_CRITICAL)
    under.folded_under.check_id, under.folded_under.object = "x", "y"
    assert texts.verdict_sentence([root, under], []) == "1 critical problem found: x: y"


@pytest.mark.parametrize(
    ("number", "word"),
    [(0, "дней"), (1, "день"), (2, "дня"), (5, "дней"), (11, "дней"), (21, "день"), (22, "дня"), (112, "дней")],
)
def test_russian_counts_by_the_last_digits(number: int, word: str) -> None:
    """CLDR's one, few and many."""
    assert fill("{n|день|дня|дней}", {"n": number}, "ru") == word


@given(st.text(), st.one_of(st.floats(), st.text()), st.sampled_from([*PLURALS, "xx"]))
def test_filling_never_fails_and_stays_one_line(template: str, value: float | str, language: str) -> None:
    """Whatever a machine sends as a value, and whatever the text, a sentence comes out."""
    filled = fill(
        "{n_seconds} {n_bytes} {n} {n|a|b|c} {n_ratio}" + template,
        dict.fromkeys(("n", "n_seconds", "n_bytes", "n_ratio"), value),
        language,
    )
    assert "\n" not in filled.removesuffix(template) or "\n" in template
