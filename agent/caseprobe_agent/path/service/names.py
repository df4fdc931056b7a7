"""Every configured name server asked for a service's addresses: over UDP, and over TCP where UDP does not serve."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Sequence

from caseprobe.errors import MachineTimeout, MeasurementError
from caseprobe.parse.dns_message import build_query, read_addresses, read_answer
from caseprobe.v1 import path_service_pb2
from caseprobe_agent.machine.network import exchange
from caseprobe_agent.path.service.outcomes import outcome_of

PORT = 53
LONGEST = 65_535
ANSWER_SECONDS = 2.0
SERVERS_AT_MOST = 3  # more the C library does not ask either (MAXNS)
RECORDS = {4: ("A",), 6: ("AAAA",), 0: ("A", "AAAA")}


async def ask_servers(
    servers: Sequence[str], host: str, family: int = 0, port: int = PORT, seconds: float = ANSWER_SECONDS
) -> list[path_service_pb2.ServiceNameServer]:
    """What each server says, all asked at the same time; seconds is how long each answer is waited for."""
    questions = [(server, record) for server in servers[:SERVERS_AT_MOST] for record in RECORDS[family]]
    return await asyncio.gather(*(_ask(server, host, record, port, seconds) for server, record in questions))


async def _ask(server: str, host: str, record: str, port: int, seconds: float) -> path_service_pb2.ServiceNameServer:
    told = path_service_pb2.ServiceNameServer(server=server, record=record)
    began = time.monotonic()
    for protocol, exchanged in (("udp", _over_udp), ("tcp", _over_tcp)):
        query = build_query(secrets.randbits(16), host, record)
        failure = await _take(told, query, exchanged(server, port, query, seconds))
        if not failure:
            told.protocol = protocol
            break
        told.udp_failure = told.udp_failure or failure
    told.seconds = time.monotonic() - began
    return told


async def _take(told: path_service_pb2.ServiceNameServer, query: bytes, exchanged: Awaitable[bytes]) -> str:
    """Take in the answer to a question; gives why there is none that counts."""
    try:
        data = await exchanged
        head = read_answer(data, query)
    except MachineTimeout:
        return "timeout"
    except MeasurementError as error:
        return outcome_of(error.__cause__ or error)
    except ValueError:
        return "garbled"
    except (OSError, EOFError) as error:
        return outcome_of(error)
    if head.truncated:
        return "truncated"
    told.rcode = head.rcode
    told.addresses.extend(read_addresses(data))
    return ""


async def _over_udp(server: str, port: int, query: bytes, seconds: float) -> bytes:
    return (await asyncio.to_thread(exchange, "udp", server, port, query, seconds, LONGEST)).data


async def _over_tcp(server: str, port: int, query: bytes, seconds: float) -> bytes:
    """Over a stream the length goes before each message, and the server keeps the line open (RFC 7766)."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(server, port)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        finally:
            writer.transport.abort()
