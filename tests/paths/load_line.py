"""The two ends of a test under load, each in a network namespace of its own.

`python -m tests.paths.load_line serve HOST` is a collector, which prints what an agent needs; `… ask` is that agent,
reads it and prints what it measured as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from caseprobe_agent.link import Credentials
from caseprobe_agent.link.load_wire import measure_load
from caseprobe_collector.storage import create_storage, open_storage
from tests.desk import running_desk


async def serve(host: str) -> None:
    """A collector until its input ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        create_storage(folder)
        async with open_storage(folder) as storage, running_desk(storage, host=host) as rig:
            machine = await rig.enrol()
            pem = (storage.authority.ca_pem(), machine.certificate_pem, machine.key_pem)
            print(json.dumps([f"{host}:{rig.port}", *(one.decode() for one in pem)]), flush=True)
            await asyncio.to_thread(sys.stdin.read)


async def ask(said: str) -> None:
    """One test."""
    address, *pem = json.loads(said)
    ca, certificate, key = (one.encode() for one in pem)
    print(MessageToJson(await measure_load(Credentials(address, ca, certificate, key)), indent=None))


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[2]) if sys.argv[1] == "serve" else ask(sys.stdin.readline()))
