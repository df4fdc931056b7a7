"""/proc/PID/cmdline: a process's arguments, without our own secrets."""

from __future__ import annotations

import re

# caseprobe\0bundle\0--to\0CP1-ABCDE-FGHIJ-…\0
HIDDEN = "[join code]"
# Case, blanks and dashes do not matter in a join code, and it may stand inside of another argument.
JOIN_CODE = re.compile(r"cp1(?:[\s\0-]*[a-z2-7]){8,}", re.IGNORECASE)
OUR_NAME = re.compile(r"(?:^|/)caseprobe(?:[_.-]\w+)?(?:\.\w+)?$")
TAKES_CODE = ("--to", "--join-code", "enroll", "enrol")


def parse_command_line(data: str) -> str:
    """The arguments with a blank between them; no join code, in whatever form, is among them.

    >>> parse_command_line("caseprobe\\0bundle\\0--to\\0CP1-AAAAA-BBBBB-CCCCC\\0")
    'caseprobe bundle --to [join code]'
    >>> parse_command_line("caseprobe\\0enroll\\0mistyped secret\\0")
    'caseprobe enroll [join code]'
    """
    arguments = JOIN_CODE.sub(HIDDEN, data.removesuffix("\0")).split("\0")
    if any(OUR_NAME.search(argument) for argument in arguments[:4]):
        arguments = _ours(arguments)
    return " ".join(arguments)


def _ours(arguments: list[str]) -> list[str]:
    """Our own arguments without what stands where a join code belongs, even if it does not look like one."""
    kept: list[str] = []
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if kept and kept[-1] in TAKES_CODE and not argument.startswith("-"):
            kept.append(HIDDEN)
        elif equals and name in TAKES_CODE:
            kept.append(f"{name}={HIDDEN}")
        else:
            kept.append(argument)
    return kept
