"""What package managers noted of their doings: which package came, went or changed, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from caseprobe.parse.logs.stamps import moment_of

INSTALLED, UPGRADED, DOWNGRADED, REMOVED = "installed", "upgraded", "downgraded", "removed"
# dpkg.log      2026-11-20 06:25:01 upgrade openssl:amd64 3.0.15-1 3.0.16-1
# dnf.rpm.log   2026-11-20T06:25:01+0000 SUBDEBUG Upgrade: openssl-1:3.0.7-27.el9.x86_64
# yum.log       Nov 20 06:25:01 Updated: 1:openssl-1.0.2k-19.el7.x86_64
# zypp/history  2026-11-20 06:25:01|install|openssl|3.0.8-1|x86_64|root@box|main|…
# pacman.log    [2026-11-20T06:25:01+0000] [ALPM] upgraded openssl (3.3.1-1 -> 3.3.2-1)
# A purge follows the removal that dpkg noted; dnf's "Upgraded" is the version that an "Upgrade" took away.
NAME, VERSION = r"(?P<name>[\w.+-]{1,200})", r"[\w.+~:^-]{1,100}"
RPM = rf"{NAME}-(?P<after>[\w.+~:^]{{1,100}}-[\w.+~:^]{{1,100}})"
FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"[\d-]+ [\d:]+ (?P<verb>install|upgrade|remove) {NAME}(?::\w+)?"
        rf" (?:<none>|(?P<before>{VERSION})) (?:<none>|(?P<after>{VERSION}))",
        rf"\S+ (?:SUBDEBUG|INFO) (?P<verb>Installed|Upgrade|Downgrade|Erase): {RPM}",
        rf"\w+ +\d+ [\d:]+ (?P<verb>Installed|Updated|Erased): (?:\d+:)?{RPM}",
        rf"\w+ +\d+ [\d:]+ (?P<verb>Erased): (?:\d+:)?{NAME}",
        rf"[\d-]+ [\d:]+\|(?P<verb>install|remove) *\|{NAME}\|(?P<after>{VERSION})\|.*",
        rf"\[\S+\] \[ALPM\] (?P<verb>installed|removed) {NAME} \((?P<after>{VERSION})\)",
        rf"\[\S+\] \[ALPM\] (?P<verb>upgraded|downgraded) {NAME} \((?P<before>{VERSION}) -> (?P<after>{VERSION})\)",
    )
)
ACTIONS = {
    **dict.fromkeys(("install", "installed"), INSTALLED),
    **dict.fromkeys(("upgrade", "upgraded", "updated"), UPGRADED),
    **dict.fromkeys(("downgrade", "downgraded"), DOWNGRADED),
    **dict.fromkeys(("remove", "removed", "erase", "erased"), REMOVED),
}


@dataclass(frozen=True)
class PackageChange:
    """at: seconds since 1970. before, after: versions, empty where there was none or the log does not tell it."""

    at: float
    action: str
    name: str
    before: str = ""
    after: str = ""


def parse_package_history(text: str, latest: float, utc_offset_seconds: int) -> Iterator[PackageChange]:
    """Every change in the log of a package manager, in its order; lines that tell none are passed over.

    latest and the offset complete what a stamp leaves out, as `moment_of` says.

    >>> [*parse_package_history("2026-11-20 06:25:01 remove nano:amd64 7.2-1 <none>\\n", 2e9, 0)]
    [PackageChange(at=1795155901.0, action='removed', name='nano', before='7.2-1', after='')]
    """
    for line in text.splitlines():
        told = next((match for form in FORMS if (match := form.fullmatch(line)) is not None), None)
        at = moment_of(line.encode("utf-8", "replace"), latest, utc_offset_seconds) if told else None
        if told is not None and at is not None:
            yield _change(at, told.groupdict())


def _change(at: float, told: dict[str, str | None]) -> PackageChange:
    action = ACTIONS[(told["verb"] or "").lower()]
    before, after = told.get("before") or "", told.get("after") or ""
    # What a manager of RPMs removes it tells as it tells what it installs.
    return PackageChange(
        at, action, told["name"] or "", *((before or after, "") if action == REMOVED else (before, after))
    )
