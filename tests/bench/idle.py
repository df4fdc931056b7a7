"""The resident agent: how soon it is ready, and what it costs while nothing happens; a bare stream is the floor."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from caseprobe_agent import demo
from tests.bench.reading import Row, cpu_seconds, private_bytes, resident_bytes

SETTLE_SECONDS = 60.0
WINDOW_SECONDS = 30.0
MIB = 1 << 20


def measure() -> list[Row]:
    """Memory and CPU after a minute of nothing, and the time from start to online."""
    with demo.staged(lambda line: None) as (stage, _):
        agent = stage.children[-1]
        time.sleep(SETTLE_SECONDS)
        begin_cpu, begin = cpu_seconds(agent.pid), time.monotonic()
        time.sleep(WINDOW_SECONDS)
        share = (cpu_seconds(agent.pid) - begin_cpu) / (time.monotonic() - begin)
        resident, private = resident_bytes(agent.pid), private_bytes(agent.pid)
        ready = _ready(stage)
    floor = "fleet reference: a bare grpc.aio stream 39.4-43.5 MiB"
    return [
        Row("resident agent, 60 s idle: RSS", f"{resident / MIB:.1f} MiB", floor, "≤ 48 MiB", resident <= 48 * MIB),
        Row("resident agent: private memory", f"{private / MIB:.1f} MiB", "-", "-", True),
        Row("resident agent, idle: CPU", f"{share * 100:.3f} % of a core", "-", "≤ 0.15 %", share <= 0.0015),
        Row("resident agent: start to stream open", f"{ready:.2f} s", _python(), "≤ 0.6 s", ready <= 0.6),
    ]


def _ready(stage: demo.Demo) -> float:
    """Start the agent anew and wait until the collector sees it online."""
    old = stage.children.pop()
    old.terminate()
    old.wait(10)
    if old.stdout:
        old.stdout.close()
    stage.wait_for(lambda: stage.call("GET", "/agents")[0]["presence"] != "online", "the agent does not leave")
    begin = time.perf_counter()
    stage.start("agent", "caseprobe_agent", "run")
    while stage.call("GET", "/agents")[0]["presence"] != "online":
        os.sched_yield()
    return time.perf_counter() - begin


def _python() -> str:
    """The floor: the interpreter that imports grpc.aio and ends."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import grpc.aio"], check=True)
    return f"`python -c 'import grpc.aio'`: {time.perf_counter() - begin:.2f} s"
