"""Messages of one kind become one template, whatever varies in them; a log becomes its templates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.groups import grouped
from caseprobe.parse.logs.summary import KEPT, Template, summary
from caseprobe.parse.logs.templates import templates_of
from caseprobe.parse.logs.text import LogText, lines_with, read_log, syslog_parser

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("messages", "template"),
    [
        (["took 5 ms", "took 1.75 s", "took 12 KB"], "took *"),
        (["open /var/lib/a failed", "open /srv/b.c failed"], "open * failed"),
        (["name=anna uid=0", "name=ben uid=17"], "name=*"),
        (['tag "one" set', 'tag "two words" set'], 'tag "*" set'),
        (
            ["Accepted key for anna from 192.0.2.7 port 50122", "Accepted key for u5 from 192.0.2.8 port 1"],
            "Accepted key for * from * port *",
        ),
        (["I/O error, dev sda1", "I/O error, dev sdb7"], "I/O error, dev *"),
        (["got deadbeefcafe now", "got 00000000 now"], "got * now"),
        ([f"hello {name} there" for name in ("anna", "ben", "cara", "dora", "emil")], "hello * there"),
    ],
)
def test_what_varies_is_cut(messages: list[str], template: str) -> None:
    """All of these messages are of one kind."""
    (found,) = set(templates_of(messages))
    assert found.startswith(template)


def test_kinds_stay_apart() -> None:
    """Few words that differ are words; so is the first one."""
    assert len(set(templates_of(["start of x", "end of x", "job started", "job stopped"]))) == 4


@given(st.lists(st.text(), max_size=30))
def test_every_message_has_a_template(messages: list[str]) -> None:
    """In their order, the same for the same message, in whatever company it comes twice."""
    found = templates_of(messages)
    assert len(found) == len(messages)
    assert found == templates_of(messages)


def log_of(lines: list[str]) -> LogText:
    """Lines as syslog writes them."""
    return LogText("".join(f"{line}\n" for line in lines), syslog_parser(NOW, 0))


def summed(lines: list[str]) -> tuple[list[Template], int]:
    """What summary says of them."""
    log = log_of(lines)
    return summary(log, grouped(log))


def test_a_log_is_summed_up() -> None:
    """Errors first; each kind with its lines, its worst level and how often it came in its busiest minute."""
    ticks = [f"<14>2026-11-22T01:0{n // 25}:{n % 60:02}Z db7 app[7]: tick {n}" for n in range(50)]
    error = "<11>2026-11-22T01:09:00Z db7 db[9]: lost table t1"
    kinds, total = summed([*ticks, error])
    assert [(one.program, one.template, one.level, len(one.lines)) for one in kinds] == [
        ("db", "lost table *", 3, 1),
        ("app", "tick *", 6, 50),
    ]
    assert (total, kinds[0].lines, kinds[1].busiest_minute_total) == (2, [51], 25)


def test_rare_errors_are_not_lost_among_many_kinds() -> None:
    """What is kept is bounded, and how many kinds there are is told."""
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300)]
    lines = [f"<14>2026-11-22T01:00:00Z db7 {word}: {word} {word} done" for word in words]
    kinds, total = summed([*lines, "<10>2026-11-22T01:00:00Z db7 raid: gone"])
    assert (len(kinds), total, kinds[0].template) == (KEPT, 301, "gone")


@given(st.text(max_size=400))
def test_any_text_is_a_log_or_none(text: str) -> None:
    """Facts are bounded by what was read, and every quoted line stands in it."""
    log = LogText(text, syslog_parser(NOW, 0))
    facts = facts_of(log)
    assert facts.lines_total == len(text.removesuffix("\n").split("\n")) * bool(text)
    assert all(one.text in text for one in facts.templates)
    read_log(text.encode("utf-8", "surrogatepass"), NOW, 0)


@given(
    st.lists(st.text(alphabet="ab \n", max_size=9), max_size=9),
    st.lists(st.sampled_from(["a", "bb", "ab"]), max_size=3),
)
def test_lines_with_words_are_found_as_one_would(parts: list[str], words: list[str]) -> None:
    """Each once, with its number and place."""
    text = "\n".join(parts)
    wanted = [number for number, line in enumerate(text.split("\n"), start=1) if any(word in line for word in words)]
    found = list(lines_with(text, words))
    assert [number for number, _, _, _ in found] == wanted
    assert [text[begin:end] for _, begin, end, _ in found] == [text.split("\n")[number - 1] for number in wanted]
