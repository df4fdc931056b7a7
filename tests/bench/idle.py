"""The resident agent: how soon it is ready, and what it costs while nothing happens; a bare import is the floor."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from caseprobe_agent import demo
from tests.bench.reading import Row, cpu_seconds, private_bytes, resident_bytes

SETTLE_SECONDS = 60.0
WINDOW_SECONDS = 30.0
STARTS = 5
POLL_SECONDS = 0.02
WORKED_SECONDS = 14.0
MIB = 1 << 20
BARE = "import asyncio, ssl, sqlite3, grpc.aio, psutil; print(open('/proc/self/statm').read().split()[1])"


def measure() -> list[Row]:
    """Memory and CPU after a minute of nothing, the same after it has worked, and the time from start to online."""
    with tempfile.TemporaryDirectory() as name:
        stage = demo.Demo(Path(name), lambda line: None)
        try:
            return _rows(stage)
        finally:
            stage.stop()


def _rows(stage: demo.Demo) -> list[Row]:
    stage.open_collector()
    case_id = stage.open_case()
    stage.settle_agent()
    agent_id = stage.enrol_agent(case_id)
    pid = stage.children[-1].pid
    time.sleep(SETTLE_SECONDS)
    begin_cpu, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(WINDOW_SECONDS)
    share = (cpu_seconds(pid) - begin_cpu) / (time.monotonic() - begin)
    resident, private = resident_bytes(pid), private_bytes(pid)
    stage.measure_live(case_id, agent_id)
    body = {"name": "soon", "every_seconds": 10, "profile": "quick"}
    stage.call("POST", f"/agents/{agent_id}/schedules", body)
    time.sleep(WORKED_SECONDS)
    worked = resident_bytes(pid)
    ready = statistics.median(_ready(stage) for _ in range(STARTS))
    return [
        Row("resident agent, 60 s idle: RSS", f"{resident / MIB:.1f} MiB", _bare(), "≤ 48 MiB", resident <= 48 * MIB),
        Row("the same: private memory", f"{private / MIB:.1f} MiB", "-", "-", True),
        Row("the same: RSS after a live session and a timetable's run", f"{worked / MIB:.1f} MiB", "-", "-", True),
        Row("resident agent, idle: CPU", f"{share * 100:.3f} % of a core", "-", "≤ 0.15 %", share <= 0.0015),
        Row(f"start to online, median of {STARTS}", f"{ready:.2f} s", _imports(), "≤ 0.6 s", ready <= 0.6),
    ]


def _online(stage: demo.Demo) -> bool:
    return bool(stage.call("GET", "/agents")[0]["presence"] == "online")


def _ready(stage: demo.Demo) -> float:
    """Start the agent anew and wait until the collector sees it online."""
    old = stage.children.pop()
    old.terminate()
    old.wait(10)
    if old.stdout:
        old.stdout.close()
    stage.wait_for(lambda: not _online(stage), "the agent does not leave")
    begin = time.perf_counter()
    stage.start("agent", "caseprobe_agent", "run")
    while not _online(stage):
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - begin


def _bare() -> str:
    """The floor: the interpreter with the libraries alone, nothing connected."""
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=True)
    return f"the libraries imported, nothing connected: {int(done.stdout) * 4096 / MIB:.1f} MiB"


def _imports() -> str:
    """The floor: the interpreter that imports grpc.aio and ends."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import grpc.aio"], check=True)
    return f"`python -c 'import grpc.aio'`: {time.perf_counter() - begin:.2f} s"
