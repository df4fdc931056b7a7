"""What goes on: processes, logs, the clock."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.report.facts.group import Gist, listed
from caseprobe.report.markup import Markup, dotted, element, facts_list, joined
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2


def processes(section: section_pb2.Section, words: Words) -> Gist:
    """Those that are held up, the busiest and the largest."""
    facts = section.processes
    body = joined(
        _held(facts.uninterruptible, words),
        _processes("busiest", facts.top_cpu, words),
        _processes("largest", facts.top_memory, words),
    )
    busiest = next(iter(facts.top_cpu), None)
    line = words.filled("processes_total", n=facts.processes_total)
    if busiest:
        share = words.value("_ratio", busiest.cpu_ratio)
        line = dotted(line, words.filled("busiest_is", name=busiest.name, share=share))
    return Gist(line, body)


def _processes(title: str, found: Sequence[section_pb2.Process], words: Words) -> Markup:
    def row(one: section_pb2.Process) -> tuple[str, ...]:
        name = joined(element("b", one.name), " ", element("small", one.command_line))
        share, size = words.value("_ratio", one.cpu_ratio), words.value("_bytes", one.resident_bytes)
        return name, str(one.pid), one.user or NONE, share, size

    head = (words(title), words("pid"), words("user"), words("cpu_share"), words("memory"))
    return listed(head, found, row, words, numbers=(1, 3, 4))


def _held(found: Sequence[section_pb2.Process], words: Words) -> Markup:
    """Processes that nothing can end, with what they wait for."""

    def row(one: section_pb2.Process) -> tuple[str, ...]:
        waited = words.value("_seconds", one.waited_seconds) if one.HasField("waited_seconds") else NONE
        return element("b", one.name), str(one.pid), one.wait_channel or NONE, waited

    return listed((words("held_up"), words("pid"), words("waits_in"), words("waited")), found, row, words, (1, 3))


def log(section: section_pb2.Section, words: Words) -> Gist:
    """What the log covers; its lines of fault are findings, its text an artifact."""
    facts = section.kernel_log if section.WhichOneof("facts") == "kernel_log" else section.system_log
    body = facts_list(
        [
            (words("source"), facts.source),
            (words("log_lines"), words.count(facts.lines_total)),
            (words("size"), words.value("_bytes", facts.bytes_total)),
            (words("first_at"), words.moment(facts.first_at)),
            (words("last_at"), words.moment(facts.last_at)),
            (words("log_errors"), words.count(facts.errors_total)),
            (words("log_warnings"), words.count(facts.warnings_total)),
            (words("log_told"), words.count(facts.told_lines_total) if facts.told_lines_total else ""),
            (words("log_truncated"), words("yes") if facts.truncated else ""),
            (words("artifact"), facts.artifact),
        ]
    )
    lines = words.filled("lines_total", n=facts.lines_total)
    return Gist(dotted(lines, words.filled("faults_total", n=len(facts.faults)) if facts.faults else ""), body)


def tail(section: section_pb2.Section, words: Words) -> Gist:
    """How much of a log was shown while it was written; the lines are an artifact."""
    facts = section.log_tail
    body = facts_list(
        [
            (words("source"), facts.source),
            (words("log_left_out"), words.count(facts.left_out_total) if facts.left_out_total else ""),
            (words("log_truncated"), words("yes") if facts.truncated else ""),
            (words("artifact"), facts.artifact),
        ]
    )
    return Gist(words.filled("lines_total", n=facts.lines_total), body)


def clock(section: section_pb2.Section, words: Words) -> Gist:
    """The machine's clock against the collector's."""
    offset, trip = (
        words.value("_seconds", value) for value in (section.clock.offset_seconds, section.clock.round_trip_seconds)
    )
    body = facts_list([(words("clock_offset"), offset), (words("clock_round_trip"), trip)])
    return Gist(words.filled("clock_is", offset=offset), body)
