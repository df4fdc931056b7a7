"""Draws the canaries, and writes the files of a machine that is full of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.evaluation.redaction import written
from tests.evaluation.redaction.family import ALNUM, Family

SHORTEST = 8
# No canary: an enrolled machine tells its own name on purpose.
MACHINE = "canary-machine"
IDENTIFIERS = ("ipv4", "ipv6", "mac", "host", "user", "email", "uuid")
# How an identifier stands in a line that a service writes.
LINES = {
    "ipv4": "sshd[811]: Received disconnect from {} port 51234:11: bye",
    "ipv6": "sshd[811]: Connection closed by {} port 51234 [preauth]",
    "mac": "kernel: device eth0 left, station {} forgotten",
    "host": "rsyncd[77]: connect from {} (UNKNOWN)",
    "user": "sshd[811]: Accepted publickey for {} from 192.168.7.9 port 51234 ssh2",
    "email": "postfix/smtp[9]: 4A1: to=<{}>, status=sent (250 ok)",
    "uuid": "systemd[1]: Found device /dev/disk/by-uuid/{}.",
}


@dataclass(frozen=True)
class Canary:
    """A value, what it is, and the line in which it stands on the machine."""

    kind: str
    value: str
    line: str


@dataclass(frozen=True)
class Planted:
    """The canaries of one machine and the files that hold them, by the path at which the machine sees them."""

    canaries: tuple[Canary, ...]
    files: dict[str, bytes]
    argument: str


def plant(total: int, seed: int) -> Planted:
    """So many canaries, a quarter of them identifiers, the rest secrets of as many families as there are."""
    random = Random(seed)
    names = [_identifier(IDENTIFIERS[number % len(IDENTIFIERS)], random) for number in range(total // 4)]
    secrets = list(_secrets(random, total - len(names) - 1))
    argument = "Tq7" + "".join(random.choices(ALNUM, k=17))
    hidden = Canary("argument", argument, f"--password={argument}")
    canaries = (*names, *secrets, hidden)
    return Planted(canaries, _files(canaries, random), argument)


def write(planted: Planted, folder: Path) -> Path:
    """The files in a folder, and a script that puts them in their places and runs what follows; gives the script."""
    lines = ["set -e", "mount -t tmpfs none /var/log"]
    for number, (path, data) in enumerate(planted.files.items()):
        source = folder / f"planted-{number}"
        source.write_bytes(data)
        lines.append(f"cp {source} {path}" if path.startswith("/var/log/") else f"mount --bind {source} {path}")
    script = folder / "enter.sh"
    script.write_text("\n".join([*lines, f"hostname {MACHINE}", 'exec "$@"', ""]))
    (folder / "canaries.json").write_text(json.dumps([[one.kind, one.value] for one in planted.canaries]))
    return script


def _secrets(random: Random, total: int) -> Iterator[Canary]:
    """One of each family in turn, in a context of its own."""
    for number in range(total):
        family: Family = written.ALL[number % len(written.ALL)]
        secret = family.draw(random)
        while len(secret) < SHORTEST:
            secret = family.draw(random)
        filled = {"user": "operator", "host": "mirror.example.org", "hex": f"{random.getrandbits(64):016x}"}
        context = random.choice(family.contexts)
        for name, value in filled.items():
            context = context.replace("{" + name + "}", value)
        lines = secret.split("\n")
        # Of a block the key itself is looked for: its frame is no secret.
        yield Canary(family.name, lines[len(lines) // 2], context.replace("{secret}", secret))


def _identifier(kind: str, random: Random) -> Canary:
    groups = [random.getrandbits(16) | 0x1000 for _ in range(2)]
    word = "".join(random.choices("bcdfghjklmnpqrstvwxz", k=9))
    value = {
        "ipv4": f"10.{random.randint(16, 250)}.{random.randint(16, 250)}.{random.randint(16, 250)}",
        "ipv6": f"fd{random.getrandbits(8):02x}:{groups[0]:x}:9a1::{groups[1]:x}",
        "mac": "00:16:3e:" + ":".join(f"{random.randint(16, 250):02x}" for _ in range(3)),
        "host": f"{word}.corp.example.net",
        "user": f"u{word}",
        "email": f"{word}@example.net",
        "uuid": f"{random.getrandbits(32):08x}-4a1b-4c2d-9e3f-{random.getrandbits(48):012x}",
    }[kind]
    return Canary(kind, value, LINES[kind].format(value))


def _files(canaries: Sequence[Canary], random: Random) -> dict[str, bytes]:
    """A log of the system with all of them, the kernel's with some, and what names the machine and its people."""
    begin = datetime.now(UTC) - timedelta(minutes=30)
    system, kernel = [], []
    for number, one in enumerate(canaries):
        for line in one.line.split("\n"):
            moment = begin + timedelta(seconds=number)
            said = line if line.partition(" ")[0].endswith(":") else f"app[7]: {line}"
            system.append(f"{moment:%b %d %H:%M:%S} box {said}")
        if random.random() < 0.2 and "\n" not in one.line:
            kernel.append(f"6,{number},{number * 1000},-;driver: {one.line}")
    names = [one for one in canaries if one.kind == "host"]
    addresses = [one for one in canaries if one.kind == "ipv4"]
    users = [one.value for one in canaries if one.kind == "user"]
    hosts = ["127.0.0.1 localhost", *(f"{a.value} {n.value}" for a, n in zip(addresses, names, strict=False))]
    passwd = ["root:x:0:0:root:/root:/bin/bash"]
    passwd += [f"{user}:x:{1000 + n}:{1000 + n}::/home/{user}:/bin/bash" for n, user in enumerate(users)]
    return {
        "/var/log/syslog": "\n".join([*system, ""]).encode(),
        "/dev/kmsg": "\n".join([*kernel, ""]).encode(),
        "/etc/hosts": "\n".join([*hosts, ""]).encode(),
        "/etc/passwd": "\n".join([*passwd, ""]).encode(),
        "/etc/resolv.conf": f"search corp.example.net\nnameserver {addresses[0].value}\n".encode(),
    }
