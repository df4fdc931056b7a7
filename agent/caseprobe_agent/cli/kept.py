"""The question before a bundle that was made earlier leaves."""

from __future__ import annotations

from typing import TextIO

from caseprobe import texts
from caseprobe.report.words import Words
from caseprobe.v1.consent_pb2 import ConsentStatement
from caseprobe_agent.cli import judgement
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.oneshot.again import Kept


def agreed(
    kept: Kept, statement: ConsentStatement, case_title: str, keyboard: TextIO, screen: Screen, language: str
) -> bool:
    """Whether the owner says yes to exactly this file; an end of input is a no."""
    words = Words(language if language in texts.LANGUAGES else "en")
    screen.line()
    screen.line(f"{words('preview_title')} – {words('preview_unsent')}", "bold")
    screen.rows(
        [
            (words("preview_to"), texts.printable(statement.receiver)),
            (words("preview_case"), texts.printable(f"{statement.case_id} {case_title}".strip())),
            (words("preview_file"), f"{kept.path} ({texts.format_bytes(kept.size_bytes, words.language)})"),
            (words("preview_sha256"), kept.sha256.hex()),
            *((words("preview_left_out"), name) for name in kept.left_out),
            *((words("preview_withheld"), name) for name in kept.snapshot.redaction.withheld),
            (words("preview_files"), ", ".join(kept.manifest.members)),
            (words("kept_hidden"), judgement.hidden(kept.snapshot, words.language)),
            (words("kept_look"), f"caseprobe show {kept.path}"),
        ]
    )
    screen.line()
    screen.line(f"{words('preview_agreed')} (y):", "bold")
    screen.line(statement.text_shown, indent=2)
    print(words("kept_question"), end="", file=screen.stream, flush=True)
    return keyboard.readline().strip().lower() in ("y", "yes")
