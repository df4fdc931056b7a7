"""What an archive has only as commands' outputs, put where the machine's own files would tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from caseprobe.imported.tree import File, Tree
from caseprobe.parse.counters import parse_counters
from caseprobe.parse.df_output import parse_df_output
from caseprobe.parse.dmidecode import parse_dmidecode
from caseprobe.parse.ip_address import parse_ip_address
from caseprobe.parse.ip_link import parse_ip_link
from caseprobe.parse.uptime_output import parse_uptime_output

DF, DF_INODES = ("df_-al_-x_autofs", "df_-alP_-x_autofs", "df_-al"), ("df_-ali_-x_autofs", "df_-li_-x_autofs")
ADDRESSES = ("ip_-d_address", "ip_addr", "ip_address", "ip_addr_show")
LINKS = ("ip_-s_-d_link", "ip_-s_link")
DATES, UPTIME = ("date_--utc", "date"), "/proc/uptime"
# Sun Nov 22 11:17:49 UTC 2026, with AM or PM behind the time where the locale wants it.
DATE = re.compile(
    r"\w{3} (?P<month>\w{3}) +(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)(?: (?P<half>[AP]M))? UTC (?P<year>\d{4})"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SETTING = re.compile(r"(?P<name>(?:fs|kernel|vm|net\.core|net\.ipv4|net\.netfilter)\.[\w.-]{1,100}) = (?P<value>.*)")
PARTITION = re.compile(r"\s*(?P<major>\d{1,5})\s+(?P<minor>\d{1,7})\s+(?P<blocks>\d{1,15})\s+(?P<name>[\w!-]{1,64})\s*")
PART_OF = re.compile(r"(?P<disk>(?:nvme\d+n\d+|mmcblk\d+|loop\d+|md\d+)(?=p\d)|(?:[shv]|xv)d[a-z]+(?=\d))p?\d+")


def complete(tree: Tree) -> None:
    """Fill the gaps of a tree that its own outputs can fill, and tell when and by what it was made."""
    tree.tool_version = _version(tree)
    tree.collected_seconds = _collected(tree)
    for supply in (_settings, _names, _uptime, _board, _block_devices, _interfaces):
        supply(tree)


def replay(tree: Tree) -> Mapping[str, Any]:
    """What no file of a machine tells: room on mounts, addresses, clocks; as a copied tree keeps them."""
    words = tree.text(UPTIME).split()
    uptime = float(words[0]) if words and words[0].replace(".", "", 1).isdecimal() else 0.0
    links = parse_ip_address(tree.output(*ADDRESSES)[0])
    return {
        "statvfs": _spaces(tree),
        "addresses": [[link.name, address, length] for link in links for address, length in link.addresses],
        "architecture": _architecture(tree),
        "wall_seconds": tree.collected_seconds,
        "monotonic_seconds": uptime,
        "boottime_seconds": uptime,
        **({"page_bytes": page} if (page := _page_bytes(tree)) else {}),
        # Both programs are run by root, and take less where they are not.
        "privileged": True,
    }


def _version(tree: Tree) -> str:
    """sosreport: 4.0; {"core_version": "3.8.4-1", "client_version": null}."""
    for path, mark in (("/version.txt", "sosreport: "), ("/version_info", '"core_version": "')):
        if version := re.match(r"[\w.~+-]{1,40}", tree.text(path).partition(mark)[2]):
            return version[0]
    return ""


def _collected(tree: Tree) -> float:
    """By what `date` said, else by when the archive's newest file was written."""
    text, _ = tree.output(*DATES)
    match = DATE.search(text[:200])
    if match is not None and match["month"] in MONTHS:
        hours, minutes, seconds = (int(part) for part in match["clock"].split(":"))
        if match["half"]:
            hours = hours % 12 + 12 * (match["half"] == "PM")
        month = MONTHS.index(match["month"]) + 1
        try:
            return datetime(
                int(match["year"]), month, int(match["day"]), hours, minutes, seconds, tzinfo=UTC
            ).timestamp()
        except (ValueError, OverflowError):
            pass
    return max((file.modified_seconds for file in tree.files.values()), default=0.0)


def _settings(tree: Tree) -> None:
    text, source = tree.output("sysctl_-a")
    for line in text.splitlines()[:5000]:
        if (match := SETTING.fullmatch(line)) is not None:
            folder, _, name = match["name"].rpartition(".")
            tree.supply(f"/proc/sys/{folder.replace('.', '/')}/{name}", match["value"] + "\n", source)


def _names(tree: Tree) -> None:
    host, source = tree.output("hostname", "hostname_-f")
    tree.supply("/proc/sys/kernel/hostname", host.split()[0] if host.split() else "", source)
    tree.supply("/proc/sys/kernel/hostname", tree.text("/etc/hostname").strip(), "/etc/hostname")
    words, source = _uname(tree)
    tree.supply("/proc/sys/kernel/osrelease", words[2] if len(words) > 3 else "", source)


def _uname(tree: Tree) -> tuple[list[str], str]:
    """Linux host 6.1.0-18-amd64 #1 SMP … x86_64 GNU/Linux."""
    text, source = tree.output("uname_-a")
    words = text.split()
    return (words, source) if words[:1] == ["Linux"] else ([], "")


def _architecture(tree: Tree) -> str:
    words, _ = _uname(tree)
    return words[-2][:20] if len(words) > 4 and words[-1] == "GNU/Linux" else ""


def _page_bytes(tree: Tree) -> int:
    text = tree.output("getconf_PAGE_SIZE")[0].strip()
    return int(text) if text.isdecimal() and len(text) < 8 else 0


def _uptime(tree: Tree) -> None:
    text, source = tree.output("uptime")
    try:
        told = parse_uptime_output(text)
    except ValueError:
        return
    tree.supply("/proc/loadavg", " ".join(told.loads), source)
    booted = parse_counters(tree.text("/proc/stat")).get("btime", 0)
    # To the second, where the kernel tells when it started.
    exact = tree.collected_seconds - booted if booted else told.seconds
    tree.supply(UPTIME, f"{exact if abs(exact - told.seconds) < 120 else told.seconds:.2f}", source)


def _board(tree: Tree) -> None:
    text, source = tree.output("dmidecode")
    for name, value in parse_dmidecode(text).items():
        tree.supply(f"/sys/class/dmi/id/{name}", value, source)


def _block_devices(tree: Tree) -> None:
    """Sizes and numbers of disks and partitions; sysfs links say which are disks of their own."""
    text = tree.text("/proc/partitions")
    for line in text.splitlines()[:2000]:
        if (match := PARTITION.fullmatch(line)) is None:
            continue
        name, part = match["name"], PART_OF.fullmatch(match["name"])
        folder = f"/sys/block/{part['disk']}/{name}" if part else f"/sys/block/{name}"
        tree.supply(f"{folder}/size", f"{int(match['blocks']) * 2}\n", "/proc/partitions")
        tree.supply(f"{folder}/dev", f"{match['major']}:{match['minor']}\n", "/proc/partitions")


def _interfaces(tree: Tree) -> None:
    text, source = tree.output(*ADDRESSES)
    for link in parse_ip_address(text):
        folder = f"/sys/class/net/{link.name}"
        tree.supply(f"{folder}/mtu", f"{link.mtu_bytes}\n", source)
        tree.supply(f"{folder}/operstate", f"{link.state}\n", source)
        tree.supply(f"{folder}/address", f"{link.mac}\n" if link.mac else "", source)
        tree.supply(f"{folder}/type", "772\n" if link.kind == "loopback" else "", source)
    text, source = tree.output(*LINKS)
    rows = (f"{name}: {_counters(*told)}" for name, told in parse_ip_link(text).items())
    tree.supply("/proc/net/dev", "".join(f"{row}\n" for row in rows), source)
    for name in sorted(tree.names("/sys/class/net") or ()):
        place = tree.resolve(f"/sys/class/net/{name}") or ""
        if place.startswith("/sys/devices/") and "/virtual/" not in place:
            tree.add(f"{place}/device/uevent", File(b"", source=f"/sys/class/net/{name}"))


def _counters(received: Sequence[int], sent: Sequence[int]) -> str:
    """As a row of /proc/net/dev, in which four further columns follow on either side."""
    return " ".join([*map(str, received), "0 0 0 0", *map(str, sent), "0 0 0 0"])


def _spaces(tree: Tree) -> Mapping[str, Mapping[str, int]]:
    """By mount point, as statvfs gives it: what df calls used is total without free."""
    try:
        room = parse_df_output(tree.output(*DF)[0])
    except ValueError:
        return {}
    try:
        inodes = parse_df_output(tree.output(*DF_INODES)[0])
    except ValueError:
        inodes = {}
    return {
        point: {
            "total_bytes": amounts.total,
            "free_bytes": max(0, amounts.total - amounts.used),
            "available_bytes": amounts.left,
            "inodes_total": inodes[point].total if point in inodes else 0,
            "inodes_available": inodes[point].left if point in inodes else 0,
        }
        for point, amounts in room.items()
    }
