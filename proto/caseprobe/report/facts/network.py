"""The network as this machine sees it: interfaces, routes, resolvers, connections, measured paths."""

from __future__ import annotations

from caseprobe import texts
from caseprobe.report.facts.group import MOST_ROWS, Gist, dotted
from caseprobe.report.markup import element, facts_list, joined, table
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import path_pb2, section_pb2


def interfaces(section: section_pb2.Section, words: Words) -> Gist:
    """State, addresses, traffic and faults of each interface."""
    found = section.interfaces.interfaces
    rows = [
        (
            joined(element("b", one.name), " ", element("small", one.kind)),
            dotted(one.state, words.value("_bits_per_second", speed) if (speed := one.speed_bits_per_second) else ""),
            ", ".join(one.addresses) or NONE,
            words.value("_bytes", one.received_bytes_total),
            words.value("_bytes", one.sent_bytes_total),
            words.count(one.receive_errors_total + one.send_errors_total),
            words.count(one.receive_drops_total + one.send_drops_total),
        )
        for one in found[:MOST_ROWS]
    ]
    head = (words("interface"), words("state"), words("addresses"), words("received"), words("sent"))
    body = table((*head, words("errors"), words("drops")), rows, numbers=(3, 4, 5, 6))
    up = [one.name for one in found if one.state == "up"]
    return Gist(
        dotted(words.filled("interfaces_total", n=len(found)), words.filled("up", names=", ".join(up[:4]))), body
    )


def routes(section: section_pb2.Section, words: Words) -> Gist:
    """Where packets are sent."""
    found = section.routes.routes
    rows = [(one.destination, one.gateway or NONE, one.interface, words.count(one.metric)) for one in found[:MOST_ROWS]]
    head = (words("destination"), words("gateway"), words("interface"), words("metric"))
    default = next((one for one in found if one.destination in ("default", "0.0.0.0/0", "::/0")), None)
    line = words("no_default_route")
    if default:
        line = words.filled("default_route", gateway=default.gateway or NONE, interface=default.interface)
    return Gist(line, table(head, rows, numbers=(3,)))


def resolvers(section: section_pb2.Section, words: Words) -> Gist:
    """Who translates names."""
    facts = section.resolvers
    body = facts_list(
        [
            (words("name_servers"), ", ".join(facts.name_servers)),
            (words("search_domains"), ", ".join(facts.search_domains)),
            (words("options"), " ".join(facts.options)),
            (words("host_sources"), " ".join(facts.host_sources)),
        ]
    )
    return Gist(", ".join(facts.name_servers[:3]) or words("no_name_server"), body)


def sockets(section: section_pb2.Section, words: Words) -> Gist:
    """Connections by state, and what listens."""
    facts = section.sockets
    counts = [(dotted(one.protocol, one.state), words.count(one.total)) for one in facts.counts[:MOST_ROWS]]
    listening = [
        (one.protocol, f"{one.address}:{one.port}", one.process or NONE, words.count(one.queue_length))
        for one in facts.listening[:MOST_ROWS]
    ]
    body = joined(
        table((words("connections"), words("number")), counts, numbers=(1,)),
        table((words("listening"), words("addresses"), words("process"), words("queue")), listening, numbers=(3,)),
    )
    established = sum(one.total for one in facts.counts if one.state == "ESTABLISHED")
    return Gist(
        dotted(
            words.filled("established_total", n=established), words.filled("listening_total", n=len(facts.listening))
        ),
        body,
    )


def path(section: section_pb2.Section, words: Words) -> Gist:
    """Hops of a measured path with loss and times."""
    facts = section.path
    rows = [
        (
            words.count(hop.ttl),
            ", ".join(texts.address_text(one) or NONE for one in hop.addresses) or NONE,
            words.value("_ratio", hop.loss_ratio),
            *(_time(hop, name, words) for name in ("best_seconds", "avg_seconds", "p95_seconds", "jitter_seconds")),
            words(f"hop_{hop.classification}"),
        )
        for hop in facts.hops[:64]
    ]
    head = [words(name) for name in ("hop", "addresses", "loss", "best", "mean", "p95", "jitter", "verdict")]
    return Gist(texts.path_verdict(facts, words.language), table(head, rows, numbers=(0, 2, 3, 4, 5, 6)))


def _time(hop: path_pb2.PathHop, name: str, words: Words) -> str:
    return words.value(name, getattr(hop, name)) if hop.HasField(name) else NONE  # type: ignore[arg-type]
