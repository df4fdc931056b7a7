"""What the way to a service takes, as a sentence and as the JSON of `path --json`."""

from __future__ import annotations

from caseprobe.texts import catalogue
from caseprobe.texts.addresses import address_text
from caseprobe.texts.template import Value, fill
from caseprobe.v1 import path_pb2
from caseprobe.v1.path_service_pb2 import (
    ServiceAttempt,
    ServiceCertificate,
    ServiceFacts,
    ServiceNameServer,
    ServicePhase,
)

Json = dict[str, object]
BEYOND = "only the proxy leaves this network"


def path_service(path: path_pb2.PathFacts, language: str = "en") -> str:
    """Which step to the service is broken or slow, or that none is; empty where no service was asked for."""
    if not path.HasField("service"):
        return ""
    facts, verdict = path.service, path.service.verdict
    values: dict[str, Value] = {
        "service": service_name(facts),
        "phase": phase_name(f"proxy_{verdict.phase}" if facts.HasField("proxy") else verdict.phase, language),
        "outcome": outcome_words(verdict.outcome, verdict.http_status, language),
        "address": address_text(verdict.address) or "?",
        "server": verdict.server,
        "span_seconds": verdict.seconds,
        "explained_seconds": verdict.explained_seconds,
        "total_seconds": verdict.total_seconds,
        "left_seconds": verdict.left_seconds,
        "status": str(verdict.http_status),
    }
    return _sentence("verdict", verdict.message_id.removeprefix("service."), values, language) + _beyond(
        facts, language
    )


def service_name(facts: ServiceFacts) -> str:
    """The service as a person writes it, without what it was asked for.

    >>> service_name(ServiceFacts(scheme="https", host="example.org", port=443))
    'https://example.org'
    >>> service_name(ServiceFacts(scheme="tcp", host="::1", port=25))
    '[::1]:25'
    """
    host = f"[{facts.host}]" if ":" in facts.host else facts.host
    usual = {"https": 443, "http": 80}.get(facts.scheme)
    place = host if facts.port == usual else f"{host}:{facts.port}"
    return place if facts.scheme == "tcp" else f"{facts.scheme}://{place}"


def phase_name(name: str, language: str = "en") -> str:
    """A step in words; proxy_… is one on the way to a proxy, which is the step itself where it is the same."""
    known = catalogue.read("service")["phase"]
    name = name if name in known else name.removeprefix("proxy_")
    return _sentence("phase", name, {}, language) if name in known else name


def outcome_words(outcome: str, http_status: int = 0, language: str = "en") -> str:
    """How a step ended, in words; an id that this version has no words for stands as it is."""
    known = catalogue.read("service")["outcome"]
    name = outcome if outcome in known else "other"
    return _sentence("outcome", name, {"id": outcome, "status": str(http_status)}, language)


def _beyond(facts: ServiceFacts, language: str) -> str:
    """That a proxy is on the way, and whose TLS it is then; empty without one."""
    if not facts.HasField("proxy"):
        return ""
    proxy = _sentence("beyond", "proxy", {"proxy": f"{facts.proxy.host}:{facts.proxy.port}"}, language)
    issuer = next((one.chain[0].issuer for one in facts.attempts if one.chain), "")
    return (_sentence("beyond", "opened", {"issuer": issuer}, language) if issuer else "") + proxy


def _sentence(table: str, name: str, values: dict[str, Value], language: str) -> str:
    known = catalogue.read("service")[table]
    return fill(catalogue.in_language(known[name if name in known else "unknown"], language), values, language)


def service_json(path: path_pb2.PathFacts) -> Json | None:
    """Every step to the service with its time; null where no service was asked for."""
    if not path.HasField("service"):
        return None
    facts = path.service
    proxied = facts.HasField("proxy")
    return {
        "text": path_service(path),
        "scheme": facts.scheme,
        "host": facts.host,
        "port": facts.port,
        "proxy": _proxy_json(facts) if proxied else None,
        "lookup": _phase_json(facts.lookup),
        "name_servers": [_name_server_json(one) for one in facts.name_servers],
        "name_servers_missing": facts.name_servers_missing or None,
        "attempts": [_attempt_json(one) for one in facts.attempts],
        "verdict": _verdict_json(facts),
        "hops_beyond": {"outcome": "not_applicable", "reason": BEYOND} if proxied else None,
    }


def _proxy_json(facts: ServiceFacts) -> Json:
    return {
        "host": facts.proxy.host,
        "port": facts.proxy.port,
        "origin": facts.proxy.origin,
        "kind": facts.proxy.kind or "http",
    }


def _phase_json(phase: ServicePhase) -> Json:
    return {"name": phase.name, "outcome": phase.outcome, "seconds": round(phase.seconds, 6)}


def _name_server_json(one: ServiceNameServer) -> Json:
    return {
        "server": one.server,
        "record": one.record,
        "rcode": one.rcode or None,
        "protocol": one.protocol or None,
        "udp_failure": one.udp_failure or None,
        "seconds": round(one.seconds, 6),
        "addresses": [address_text(address) for address in one.addresses],
    }


def _attempt_json(one: ServiceAttempt) -> Json:
    return {
        "address": address_text(one.address),
        "phases": [_phase_json(phase) for phase in one.phases],
        "round_trip_seconds": round(one.round_trip_seconds, 6) or None,
        "tls_version": one.tls_version or None,
        "chain": [_certificate_json(certificate) for certificate in one.chain],
        "http_status": one.http_status or None,
    }


def _certificate_json(one: ServiceCertificate) -> Json:
    return {
        "subject": one.subject,
        "issuer": one.issuer,
        "not_before": one.not_before.ToJsonString(),
        "not_after": one.not_after.ToJsonString(),
    }


def _verdict_json(facts: ServiceFacts) -> Json:
    verdict = facts.verdict
    return {
        "message_id": verdict.message_id,
        "phase": verdict.phase or None,
        "outcome": verdict.outcome or None,
        "address": address_text(verdict.address),
        "server": verdict.server or None,
        "seconds": round(verdict.seconds, 6),
        "explained_seconds": round(verdict.explained_seconds, 6),
        "total_seconds": round(verdict.total_seconds, 6),
    }
