"""Lists of installed packages: dpkg's status file, apk's installed file, lines that rpm was told to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Package: bash                    C:Q1…=
# Status: install ok installed     P:busybox
# Version: 5.2.15-2+b7             V:1.36.1-r5
# rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n'
INSTALLED = "installed"


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
