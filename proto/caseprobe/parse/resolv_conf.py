"""/etc/resolv.conf and the hosts line of /etc/nsswitch.conf: how names are looked up."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.v1 import section_pb2

# nameserver 192.0.2.53
# search example.org corp.example.org
# options edns0 timeout:2
COMMENTS = (";", "#")


def parse_resolv_conf(text: str) -> section_pb2.ResolversFacts:
    """Name servers, search domains and options; the last "search" or "domain" line counts, as in the C library.

    >>> list(parse_resolv_conf("nameserver 192.0.2.53 # first").name_servers)
    ['192.0.2.53']
    """
    facts = section_pb2.ResolversFacts()
    for keyword, words in _directives(text):
        if keyword == "nameserver":
            facts.name_servers.extend(words[:1])
        elif keyword in ("search", "domain"):
            del facts.search_domains[:]
            facts.search_domains.extend(words)
        elif keyword == "options":
            facts.options.extend(words)
    return facts


def _directives(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        words = line.split()
        comment = next((place for place, word in enumerate(words) if word.startswith(COMMENTS)), len(words))
        if words[:comment]:
            yield words[0], words[1:comment]


# hosts:          files mdns4_minimal [NOTFOUND=return] dns myhostname


def parse_host_sources(text: str) -> list[str]:
    """Where host names are looked up, in order; empty where nsswitch.conf does not tell.

    >>> parse_host_sources("hosts: files dns # as shipped")
    ['files', 'dns']
    """
    for line in text.splitlines():
        name, colon, rest = line.partition("#")[0].partition(":")
        if colon and name.strip() == "hosts":
            return rest.split()
    return []
