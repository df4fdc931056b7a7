"""Lists of installed packages: dpkg's status file, apk's installed file, lines that rpm was told to print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Package: bash                    C:Q1…=
# Status: install ok installed     P:busybox
# Version: 5.2.15-2+b7             V:1.36.1-r5
# rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n'
# dpkg -l: wanted, state, error; name, version, architecture …
# ii  bash   5.2.15-2+b7  amd64  GNU Bourne Again SHell
# rpm -qa, as sosreport sorts it; and as insights asks for it, an object a line
# bash-5.1.8-9.el9.x86_64     Mon 01 Jan 2024 10:00:00 AM UTC
INSTALLED = "installed"
UNPACKED = {"U": False, "F": False, "H": False, "i": True, "W": True, "t": True}
RPM_NAME = re.compile(r"(?P<name>\S{1,200})-(?P<version>[^\s-]{1,100}-[^\s-]{1,100})(?:\s|$)")


@dataclass(frozen=True)
class PackageRow:
    """One package; whole is False where it is unpacked but not set up."""

    name: str
    version: str
    whole: bool = True


def parse_dpkg(text: str) -> list[PackageRow]:
    """Packages that are installed or half so; what was removed and left its settings behind is no package.

    >>> parse_dpkg("Package: a\\nStatus: install ok half-configured\\nVersion: 1\\n")
    [PackageRow(name='a', version='1', whole=False)]
    """
    rows = []
    for block in text.split("\n\n"):
        fields = dict(_fields(block))
        state = fields.get("Status", "").rpartition(" ")[2]
        if fields.get("Package") and state not in ("", "not-installed", "config-files"):
            rows.append(
                PackageRow(fields["Package"], fields.get("Version", ""), state in (INSTALLED, "triggers-pending"))
            )
    return rows


def _fields(block: str) -> Iterator[tuple[str, str]]:
    """The three fields of interest; a block may be long, so other lines are not taken apart."""
    for line in block.split("\n"):
        if line.startswith(("Package: ", "Status: ", "Version: ")):
            name, _, value = line.partition(": ")
            yield name, value


def parse_apk(text: str) -> list[PackageRow]:
    """Packages of Alpine's installed file.

    >>> parse_apk("C:Q1x=\\nP:busybox\\nV:1.36.1-r5\\n\\n")
    [PackageRow(name='busybox', version='1.36.1-r5', whole=True)]
    """
    rows = []
    for block in text.split("\n\n"):
        fields = {line[:2]: line[2:] for line in block.split("\n") if line[1:2] == ":"}
        if "P:" in fields:
            rows.append(PackageRow(fields["P:"], fields.get("V:", "")))
    return rows


def parse_rpm(text: str) -> list[PackageRow]:
    """Packages from lines of name and version; signing keys, which rpm lists too, are no packages.

    >>> parse_rpm("bash 5.2.26-3.el9.x86_64\\nbind 32:9.16-1.el9.x86_64\\ngpg-pubkey 1-2.(none)\\n")[1].version
    '32:9.16-1.el9.x86_64'
    """
    pairs = (line.split() for line in text.splitlines())
    return [PackageRow(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] != "gpg-pubkey"]


def parse_dpkg_list(text: str) -> list[PackageRow]:
    """Packages that are installed or half so, from the lines of `dpkg -l`.

    >>> parse_dpkg_list("ii  bash  5.2  amd64  GNU\\niU  a  1  all  x\\nrc  gone  1  all  x\\n")
    [PackageRow(name='bash', version='5.2', whole=True), PackageRow(name='a', version='1', whole=False)]
    """
    rows = (line.split(None, 3) for line in text.splitlines())
    return [
        PackageRow(row[1].partition(":")[0], row[2], UNPACKED[row[0][1]])
        for row in rows
        if len(row) == 4 and len(row[0]) in (2, 3) and row[0][0] in "uirph" and row[0][1] in UNPACKED
    ]


def parse_rpm_names(text: str) -> list[PackageRow]:
    """Packages from lines that begin with name-version-release.architecture, or are JSON objects of these.

    >>> parse_rpm_names("bash-5.1.8-9.el9.x86_64   Mon\\n")
    [PackageRow(name='bash', version='5.1.8-9.el9.x86_64', whole=True)]
    """
    found = (_rpm(line) for line in text.splitlines())
    return [row for row in found if row is not None and row.name != "gpg-pubkey"]


def _rpm(line: str) -> PackageRow | None:
    if line.startswith("{"):
        try:
            told = json.loads(line)
            version = f"{told['version']}-{told['release']}.{told['arch']}"
            return PackageRow(str(told["name"])[:200], version[:200])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
    match = RPM_NAME.match(line)
    return None if match is None else PackageRow(match["name"], match["version"])
