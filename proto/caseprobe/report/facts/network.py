"""The network as this machine sees it: interfaces, radio, routes, resolvers, connections."""

from __future__ import annotations

from caseprobe.report.facts.group import Gist, listed
from caseprobe.report.markup import dotted, element, facts_list, joined
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2
from caseprobe.v1.section_net_pb2 import RadioLink


def interfaces(section: section_pb2.Section, words: Words) -> Gist:
    """State, addresses, traffic and faults of each interface."""

    def row(one: section_pb2.Interface) -> tuple[str, ...]:
        speed = words.value("_bits_per_second", one.speed_bits_per_second) if one.speed_bits_per_second else ""
        return (
            joined(element("b", one.name), " ", element("small", one.kind)),
            dotted(one.state, speed, f"MTU {one.mtu_bytes}" if one.mtu_bytes else ""),
            ", ".join(one.addresses) or NONE,
            words.value("_bytes", one.received_bytes_total),
            words.value("_bytes", one.sent_bytes_total),
            words.count(one.receive_errors_total + one.send_errors_total),
            words.count(one.receive_drops_total + one.send_drops_total),
        )

    found = section.interfaces.interfaces
    head = (words("interface"), words("state"), words("addresses"), words("received"), words("sent"))
    body = listed((*head, words("errors"), words("drops")), found, row, words, numbers=(3, 4, 5, 6))
    up = [one.name for one in found if one.state == "up"]
    return Gist(
        dotted(words.filled("interfaces_total", n=len(found)), words.filled("up", names=", ".join(up[:4]))), body
    )


def routes(section: section_pb2.Section, words: Words) -> Gist:
    """Where packets are sent."""

    def row(one: section_pb2.Route) -> tuple[str, ...]:
        return one.destination, one.gateway or NONE, one.interface, words.count(one.metric)

    found = section.routes.routes
    head = (words("destination"), words("gateway"), words("interface"), words("metric"))
    default = next((one for one in found if one.destination in ("default", "0.0.0.0/0", "::/0")), None)
    line = words("no_default_route")
    if default:
        line = words.filled("default_route", gateway=default.gateway or NONE, interface=default.interface)
    return Gist(line, listed(head, found, row, words, numbers=(3,)))


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

    def count(one: section_pb2.SocketCount) -> tuple[str, ...]:
        return dotted(one.protocol, one.state), words.count(one.total)

    def listener(one: section_pb2.ListeningSocket) -> tuple[str, ...]:
        return one.protocol, f"{one.address}:{one.port}", one.process or NONE, words.count(one.queue_length)

    facts = section.sockets
    head = (words("listening"), words("addresses"), words("process"), words("queue"))

    def program(one: section_pb2.ProgramSockets) -> tuple[str, ...]:
        counts = (one.listening_total, one.established_total, one.close_wait_total, one.others_total)
        return element("b", one.program), *(words.count(count) for count in counts)

    owners = [words(name) for name in ("program", "listening", "established", "left_open", "others")]
    body = joined(
        listed(owners, facts.programs, program, words, numbers=(1, 2, 3, 4)),
        listed((words("connections"), words("number")), facts.counts, count, words, numbers=(1,)),
        listed(head, facts.listening, listener, words, numbers=(3,)),
    )
    established = sum(one.total for one in facts.counts if one.state == "ESTABLISHED")
    return Gist(
        dotted(
            words.filled("established_total", n=established), words.filled("listening_total", n=len(facts.listening))
        ),
        body,
    )


def wireless(section: section_pb2.Section, words: Words) -> Gist:
    """Each radio link with its signal and rate."""

    def row(one: RadioLink) -> tuple[str, ...]:
        signal = f"{words.count(one.signal_dbm)} dBm" if one.HasField("signal_dbm") else NONE
        rate = words.value("_bits_per_second", one.sent_bits_per_second) if one.sent_bits_per_second else NONE
        return element("b", one.name), one.network or NONE, signal, rate, words.count(one.retries_total)

    links = section.wireless.links
    head = [words(name) for name in ("interface", "radio_network", "signal", "rate", "sent_again")]
    return Gist(", ".join(one.name for one in links[:3]), listed(head, links, row, words, numbers=(2, 3, 4)))
