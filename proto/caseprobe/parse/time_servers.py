"""Configured time servers: chrony.conf, ntp.conf, timesyncd.conf."""

from __future__ import annotations

# pool 2.debian.pool.ntp.org iburst          (chrony, ntpd)
# server 192.0.2.1 prefer                    (chrony, ntpd)
# servers 0.pool.example.org weight 5        (openntpd)
# NTP=ntp.example.org 192.0.2.7              (timesyncd, below [Time])
DIRECTIVES = ("server", "pool", "peer", "servers")
SETTINGS = ("NTP", "FallbackNTP")
COMMENTS = ("#", ";", "!", "%")


def parse_time_servers(text: str) -> list[str]:
    """Names and addresses in their order, each once; the reference clocks of ntpd (127.127.x.y) are no servers.

    Fallback servers of timesyncd count only where no other is named, as timesyncd itself does it.

    >>> parse_time_servers("pool ntp.example.org iburst\\nserver 127.127.1.0\\n")
    ['ntp.example.org']
    >>> parse_time_servers("[Time]\\nNTP=a.example b.example\\nFallbackNTP=c.example\\n")
    ['a.example', 'b.example']
    """
    named: dict[str, list[str]] = {"": [], **{name: [] for name in SETTINGS}}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith(COMMENTS):
            continue
        setting, equals, value = line.strip().partition("=")
        if words[0] in DIRECTIVES and len(words) > 1:
            named[""].append(words[1])
        elif equals and setting.strip() in SETTINGS:
            named[setting.strip()] += value.split()
    chosen = (named[""] + named["NTP"]) or named["FallbackNTP"]
    return [name for name in dict.fromkeys(chosen) if not name.startswith("127.127.")]
