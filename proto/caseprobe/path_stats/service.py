"""Which step on the way to a service is broken or slow, and what explains the time that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caseprobe.v1.path_service_pb2 import ServiceAttempt, ServiceFacts, ServicePhase, ServiceVerdict

DAY = 86_400.0
# People lose their thread after a second (Nielsen 1993): a step that spends half of it on nothing is the news.
SLOW_SECONDS = 0.5
FAR_SECONDS = 1.0
# As the check of this machine's own certificates; one made for weeks is renewed in its last third.
EXPIRES_SECONDS, EXPIRES_SHARE = 14 * DAY, 1 / 3
# A handshake takes one (RFC 9293), TLS one or two (RFC 8446, RFC 5246), a request and its answer one.
ROUND_TRIPS = {"connect": 1, "proxy": 1, "tls": 2, "first_byte": 1}
SERVER_ERROR, PROXY_LOGIN = 500, 407
# Answers that tell nothing of the name: the server itself is in trouble, or will not serve this machine.
FAULTY_RCODES = ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP")

Rule = Callable[[ServiceFacts, float], Iterator[ServiceVerdict]]


def judge_service(facts: ServiceFacts, path_seconds: float = 0.0) -> ServiceVerdict:
    """What the steps say together: what is broken comes before what is slow.

    path_seconds: the least round trip that the path's own echoes to the target took, 0 where there is none.
    """
    verdict = next(one for rule in RULES for one in rule(facts, path_seconds))
    verdict.total_seconds = _total(facts)
    return verdict


def _works(attempt: ServiceAttempt) -> bool:
    return all(phase.outcome == "ok" for phase in attempt.phases)


def _possible(facts: ServiceFacts) -> list[ServiceAttempt]:
    """Attempts but those of a family that this machine has no way for: that is no fault of the service."""
    return [one for one in facts.attempts if one.phases[-1].outcome != "no_route"] or list(facts.attempts)


def _broken(facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    """No address leads to an answer: the attempt that got farthest names the step."""
    if facts.lookup.outcome != "ok":
        for cause in _name_servers(facts, 0.0):
            yield ServiceVerdict(
                message_id="service.broken_names", phase="names", server=cause.server, outcome=cause.outcome
            )
        yield _failed("service.broken", ServiceAttempt(), facts.lookup)
    elif not any(map(_works, facts.attempts)):
        farthest = max(_possible(facts), key=lambda one: len(one.phases))
        yield _failed("service.broken", farthest, farthest.phases[-1])


def _partly(facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    """Some addresses do not lead to an answer: whoever is given one of them waits or fails."""
    for attempt in _possible(facts):
        if not _works(attempt):
            yield _failed("service.partly", attempt, attempt.phases[-1])


def _failed(message_id: str, attempt: ServiceAttempt, phase: ServicePhase) -> ServiceVerdict:
    return ServiceVerdict(
        message_id=message_id,
        phase=phase.name,
        outcome=phase.outcome,
        seconds=phase.seconds,
        address=attempt.address,
        http_status=attempt.http_status,
    )


def _http_error(facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    """An error that the server itself owns to; what it says of the request (4xx) is an answer.

    A proxy that is asked for the whole address answers for servers that it does not reach (502 to 504), and for itself.
    """
    by_proxy = facts.HasField("proxy") and not facts.proxy.kind and facts.scheme == "http"
    for attempt in facts.attempts:
        if attempt.http_status >= SERVER_ERROR or (by_proxy and attempt.http_status == PROXY_LOGIN):
            yield ServiceVerdict(
                message_id="service.http_error_proxied" if by_proxy else "service.http_error",
                phase="first_byte",
                address=attempt.address,
                http_status=attempt.http_status,
            )


def _expires(facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    """The certificate of the chain that ends first, where that is soon."""
    now = facts.measured_at.ToMicroseconds() / 1e6
    for attempt in facts.attempts:
        for one in attempt.chain:
            ends, begins = one.not_after.ToMicroseconds() / 1e6, one.not_before.ToMicroseconds() / 1e6
            if ends - now < min(EXPIRES_SECONDS, (ends - begins) * EXPIRES_SHARE):
                yield ServiceVerdict(message_id="service.expires", phase="tls", left_seconds=max(0.0, ends - now))


def _slow(facts: ServiceFacts, path_seconds: float) -> Iterator[ServiceVerdict]:
    """The step that takes longest beyond what its round trips explain."""
    worst = max(_steps(facts, path_seconds), key=lambda one: one.seconds - one.explained_seconds)
    if worst.seconds - worst.explained_seconds >= SLOW_SECONDS:
        yield worst


def _steps(facts: ServiceFacts, path_seconds: float) -> Iterator[ServiceVerdict]:
    yield _step(facts.lookup, b"", 0.0)
    for attempt in facts.attempts:
        known = [seconds for seconds in (attempt.round_trip_seconds, path_seconds) if seconds]
        for phase in attempt.phases:
            if phase.outcome == "ok":
                yield _step(phase, attempt.address, min(known, default=0.0))


def _step(phase: ServicePhase, address: bytes, round_trip: float) -> ServiceVerdict:
    explained = min(phase.seconds, round_trip * ROUND_TRIPS.get(phase.name, 0))
    return ServiceVerdict(
        message_id="service.slow",
        phase=phase.name,
        address=address,
        seconds=phase.seconds,
        explained_seconds=explained,
    )


def _slow_but_names(facts: ServiceFacts, path_seconds: float) -> Iterator[ServiceVerdict]:
    """As _slow, but slow names are first looked for with the name servers."""
    yield from (one for one in _slow(facts, path_seconds) if one.phase != "names")


def _name_servers(facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    """A name server that does not serve, or over TCP only: every look-up that begins with it waits."""
    for one in facts.name_servers:
        if not one.rcode or one.rcode in FAULTY_RCODES:
            name, outcome = "service.name_server", one.rcode or one.udp_failure
        elif one.protocol == "tcp" and one.udp_failure != "truncated":
            name, outcome = "service.name_server_tcp", one.udp_failure
        else:
            continue
        yield ServiceVerdict(message_id=name, phase="names", server=one.server, outcome=outcome)


def _far(facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    """Slow as a whole, though no step is: the way is long."""
    if _total(facts) >= FAR_SECONDS:
        yield ServiceVerdict(message_id="service.far", seconds=next(filter(_works, facts.attempts)).round_trip_seconds)


def _ok(_facts: ServiceFacts, _path: float) -> Iterator[ServiceVerdict]:
    yield ServiceVerdict(message_id="service.ok")


def _total(facts: ServiceFacts) -> float:
    """What a program waits that takes the first address that works."""
    first = next(filter(_works, facts.attempts), ServiceAttempt())
    return facts.lookup.seconds + sum(phase.seconds for phase in first.phases)


RULES: tuple[Rule, ...] = (_broken, _partly, _http_error, _expires, _slow_but_names, _name_servers, _slow, _far, _ok)
