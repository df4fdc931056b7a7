"""The way to a service as lines of plain text: its look-up, its name servers, and a row for each address: pure."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe import texts
from caseprobe.v1 import path_service_pb2
from caseprobe_agent.cli.path.rows import aligned_rows, milliseconds

PHASES = {"connect": "connect", "proxy": "proxy", "tls": "tls", "first_byte": "first byte"}
MISSING = {
    "not_permitted": "not asked: policy lets no configured server be asked",
    "none_configured": "none configured",
}


def service_lines(facts: path_service_pb2.ServiceFacts, language: str) -> list[str]:
    """What was measured before the path; times are milliseconds."""
    kind = f"{facts.proxy.kind.upper()} " if facts.proxy.kind else ""
    by_way = f" by way of the {kind}proxy {facts.proxy.host}:{facts.proxy.port} ({facts.proxy.origin})"
    head = f"{texts.service_name(facts)}{by_way if facts.HasField('proxy') else ''}, times in ms"
    return [texts.printable(head), *_names(facts, language), *_attempts(facts, language), *_chain(facts)]


def _names(facts: path_service_pb2.ServiceFacts, language: str) -> Iterator[str]:
    if facts.name_servers_missing == "literal":
        return
    lookup = facts.lookup
    told = "" if lookup.outcome == "ok" else f", {texts.outcome_words(lookup.outcome, language=language)}"
    yield f"  look-up by the system: {milliseconds(lookup.seconds)}{told}"
    if facts.name_servers_missing:
        yield f"  name servers: {MISSING.get(facts.name_servers_missing, facts.name_servers_missing)}"
    yield from (f"  {_name_server(one, language)}" for one in facts.name_servers)


def _name_server(one: path_service_pb2.ServiceNameServer, language: str) -> str:
    place = f"{texts.printable(one.server)} {one.record}:"
    if not one.rcode:
        return f"{place} {texts.outcome_words(one.udp_failure, language=language)}"
    found = ", ".join(filter(None, map(texts.address_text, one.addresses))) or one.rcode
    failed = f", over UDP: {texts.outcome_words(one.udp_failure, language=language)}" if one.udp_failure else ""
    return f"{place} {milliseconds(one.seconds)} over {one.protocol.upper()}, {found}{failed}"


def _attempts(facts: path_service_pb2.ServiceFacts, language: str) -> list[str]:
    """A row for each address: the time of every step, in place of one that failed how it did."""
    met = [name for name in PHASES if any(phase.name == name for one in facts.attempts for phase in one.phases)]
    rows = [("address", *(PHASES[name] for name in met), "round trip", "answer")]
    for one in facts.attempts:
        phases = {phase.name: phase for phase in one.phases}
        times = (milliseconds(phases[name].seconds) if name in phases else "-" for name in met)
        trip = milliseconds(one.round_trip_seconds) if one.round_trip_seconds else "-"
        rows.append((texts.address_text(one.address) or "?", *times, trip, _answer(one, language)))
    return [f"  {line}" for line in aligned_rows(rows, ("address", "answer"))] if facts.attempts else []


def _answer(one: path_service_pb2.ServiceAttempt, language: str) -> str:
    last = one.phases[-1]
    if last.outcome != "ok":
        return texts.outcome_words(last.outcome, one.http_status, language)
    return f"HTTP {one.http_status}" if one.http_status else "open"


def _chain(facts: path_service_pb2.ServiceFacts) -> Iterator[str]:
    """The certificates as sent, once: they are the same at every address or the rows say what differs."""
    shown = next((one for one in facts.attempts if one.chain), path_service_pb2.ServiceAttempt())
    for number, one in enumerate(shown.chain):
        ends = one.not_after.ToDatetime()
        word = shown.tls_version or "certificate" if number == 0 else "issued by"
        yield texts.printable(f"  {word}: {one.subject or '-'}, issuer {one.issuer or '-'}, until {ends:%Y-%m-%d}")
