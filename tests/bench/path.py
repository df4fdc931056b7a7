"""`make bench-path`: the path probe beside mtr, traceroute, tracepath and icmplib, in one run, as a Markdown table.

Paths are a scripted internet on a TUN device, whose own log is the truth, and rows of real kernel routers, in
namespaces made for this. A peer that is not installed is told as not run. Needs root. Names of benches narrow the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.reading import Row, table
from tests.fakes_path import diamond
from tests.paths.chain import Chain, chain
from tests.paths.lab import Lab, lab

TARGET = "198.19.0.1"
NOT_RUN = "not run"
BUSY_LOOPS, ROUNDS_BESIDE_WORK = 6, 150
PATIENCE_SECONDS = 25.0  # for a peer that may not come to an end
ICMPLIB = (
    "import icmplib, json; hops = icmplib.traceroute('198.19.0.1', count={count}, interval=0.05, timeout=1);"
    "print(json.dumps([[hop.distance, hop.packets_sent, hop.packets_received] for hop in hops]))"
)
Place = Lab | Chain


def main() -> int:
    """Run all benches, or those that are named; gives the exit code."""
    wanted = set(sys.argv[1:]) or {measure.__name__ for measure in BENCHES}
    began, load = time.monotonic(), os.getloadavg()[0]
    rows: list[Row] = []
    for measure in BENCHES:
        if measure.__name__ in wanted:
            print(f"measuring {measure.__name__} …", file=sys.stderr)
            rows += measure()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, ")
    print(f"Python {platform.python_version()}; `make bench-path`, {time.monotonic() - began:.0f} s, ", end="")
    print(f"load average {load:.1f} at the start; {', '.join(versions())}.\n")
    print(table(rows))
    return 0


def versions() -> list[str]:
    """The peers that are here, with what they call themselves."""
    named = {"mtr": "--version", "traceroute": "--version", "tracepath": "-V"}
    found = [f"icmplib {__import__('icmplib').__version__}"]
    for name, switch in named.items():
        if shutil.which(name):
            done = subprocess.run([name, switch], capture_output=True, text=True, check=False)
            found.append((done.stdout or done.stderr).strip().splitlines()[0])
        else:
            found.append(f"{name}: {NOT_RUN} (not installed)")
    return found


def timed(place: Place, *words: str) -> tuple[float, str]:
    """Seconds of a peer from start to end, as root, and what it printed; (0, "") where it is not installed."""
    if shutil.which(words[0]) is None:
        return 0.0, ""
    began = time.monotonic()
    try:
        text = place.run(*words, unprivileged=False, timeout_seconds=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return PATIENCE_SECONDS, "unfinished"
    return time.monotonic() - began, text


def told(name: str, seconds: float) -> str:
    """A peer's time in a cell."""
    if not seconds:
        return f"{name}: {NOT_RUN}"
    return f"{name} {'> ' if seconds >= PATIENCE_SECONDS else ''}{seconds:.2f} s"


def command(place: Place, folder: Path, *words: str) -> tuple[float, dict[str, Any]]:
    """Seconds of `caseprobe path … --json` from start to end, without any capability, and its summary."""
    environment = ("CASEPROBE_NETWORK_PROBES=on", f"CASEPROBE_STATE_FOLDER={folder / 'state'}")
    began = time.monotonic()
    out = place.run("env", *environment, sys.executable, "-m", "caseprobe_agent", "path", "--json", *words)
    summary: dict[str, Any] = json.loads(out.splitlines()[-1])["summary"]
    return time.monotonic() - began, summary


@contextlib.contextmanager
def bed(scenario: str, realtime: bool = False) -> Iterator[tuple[Lab, Path]]:
    """A scripted path, and a folder for what a run leaves behind."""
    with tempfile.TemporaryDirectory() as folder, lab(scenario, Path(folder), realtime=realtime) as made:
        yield made, Path(folder)


@contextlib.contextmanager
def routers(hops: int, limited: bool = False) -> Iterator[tuple[Chain, Path]]:
    """Kernel routers in a row, and a folder for what a run leaves behind."""
    with tempfile.TemporaryDirectory() as folder, chain(hops, limited) as made:
        yield made, Path(folder)


def mtr_hops(text: str) -> dict[int, dict[str, Any]]:
    """TTL -> figures of a report of mtr; times are milliseconds, loss is percent."""
    return {int(hub["count"]): hub for hub in json.loads(text)["report"]["hubs"]} if text else {}


# --- the first path


def first_path() -> list[Row]:
    """Sixteen hops at 100 ms: when the whole path is known, and when the first echo leaves."""
    with bed("plain", realtime=True) as (place, folder):
        ours = min((place.probe(TARGET, "icmp", 1, 1.0) for _ in range(3)), key=lambda one: one["given_seconds"][0])
        whole = min(command(place, folder, TARGET, "--rounds", "1")[0] for _ in range(2))
        peers = {
            "traceroute -I -q1 -N32": ("traceroute", "-n", "-I", "-q1", "-N32", TARGET),
            "mtr -c1": ("mtr", "-n", "-c1", "--json", TARGET),
            "tracepath": ("tracepath", "-n", TARGET),
            "icmplib count=1": (sys.executable, "-c", ICMPLIB.format(count=1)),
        }
        beside = [told(name, timed(place, *words)[0]) for name, words in peers.items()]
    seconds, aim = ours["given_seconds"][0], 1.3 * 0.1 + 0.05
    echo = ours["first_echo_seconds"]
    return [
        Row(
            "first full path, 16 hops, 100 ms",
            f"{seconds:.3f} s in process; the command {whole:.2f} s",
            "; ".join(beside),
            f"≤ {aim:.2f} s",
            seconds <= aim,
        ),
        Row("first echo on the wire", f"{echo * 1e3:.1f} ms", "", "≤ 20 ms", echo <= 0.02),
    ]


# --- loss that is none, loss that is


def default_limits() -> list[Row]:
    """Eight default Linux routers, the target asked ten times a second for forty rounds."""
    with routers(8, limited=True) as (place, folder):
        _, summary = command(place, folder, TARGET, "--rounds", "40", "--interval", "0.1")
    worst = max(hop["loss_ratio"] for hop in summary["hops"])
    with routers(8, limited=True) as (place, _):
        _, text = timed(place, "mtr", "-n", "-c40", "-i0.1", "-G1", "--json", TARGET)
    theirs = max((float(hub["Loss%"]) for hub in mtr_hops(text).values()), default=-1.0)
    beside = f"mtr -i0.1: {theirs:.0f} % at the worst hop" if text else f"mtr: {NOT_RUN}"
    return [Row("false loss at default Linux routers, target at 10/s", f"{worst:.1%}", beside, "0 %", worst == 0)]


def loss_counts() -> list[Row]:
    """What each tool says that a lossy path lost, beside what it lost while that tool was asking."""
    with bed("lossy-link") as (place, _):
        facts = place.probe(TARGET, "icmp", 60, 0.2)["facts"]
        truth = lost_by_ttl(place)
    ours = points({hop["ttl"]: (hop["sent"], hop.get("received", 0)) for hop in facts["hops"]}, truth)
    with bed("lossy-link") as (place, _):
        _, text = timed(place, "mtr", "-n", "-c60", "-i0.2", "-G2", "--json", TARGET)
        truth = lost_by_ttl(place)
    hubs = mtr_hops(text)
    theirs = max((abs(float(hub["Loss%"]) - 100 * truth[ttl]) for ttl, hub in hubs.items()), default=-1.0)
    with bed("lossy-link") as (place, _):
        _, text = timed(place, sys.executable, "-c", ICMPLIB.format(count=20))
        truth = lost_by_ttl(place)
    rows = json.loads(text) if text not in ("", "unfinished") else []
    library = points({ttl: (sent, received) for ttl, sent, received in rows}, truth) if rows else -1.0
    beside = [f"mtr {theirs:.2f} points" if hubs else f"mtr: {NOT_RUN}"]
    beside.append(f"icmplib {library:.2f} points" if rows else f"icmplib: {text or NOT_RUN}")
    if rows:
        beside[-1] += f" of the {min(sent for _, sent, _ in rows)} to {max(sent for _, sent, _ in rows)} of 20 it sent"
    return [Row("loss accounting error, worst hop", f"{ours:.2f} points", "; ".join(beside), "0.00", ours == 0)]


def lost_by_ttl(place: Lab) -> dict[int, float]:
    """The share of unanswered echoes by TTL, from the scenario's own log; it ends the scenario."""
    answered: dict[int, list[bool]] = defaultdict(list)
    for record in place.truth():
        answered[record["ttl"]].append(record["verdict"] == "answered")
    return {ttl: 1 - sum(all_) / len(all_) for ttl, all_ in answered.items()}


def points(counts: dict[int, tuple[int, int]], truth: dict[int, float]) -> float:
    """The largest difference to the truth in percentage points."""
    return max(abs(1 - received / sent - truth[ttl]) * 100 for ttl, (sent, received) in counts.items() if sent)


# --- times beside work


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """Six loops that do nothing but compute."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def times_beside_work() -> list[Row]:
    """Error of each hop's average round trip beside six busy loops; the truth includes the bed's own lateness."""
    with bed("plain", realtime=True) as (place, _), busy():
        facts = place.probe(TARGET, "icmp", ROUNDS_BESIDE_WORK, 0.1)["facts"]
        records = place.truth()
    ours = time_errors({hop["ttl"]: hop["avg_seconds"] for hop in facts["hops"]}, records)
    tails = time_errors({hop["ttl"]: hop["p95_seconds"] for hop in facts["hops"]}, records, 0.95)
    with bed("plain", realtime=True) as (place, _), busy():
        _, text = timed(place, "mtr", "-n", f"-c{ROUNDS_BESIDE_WORK}", "-i0.1", "-G1", "--json", TARGET)
        records = place.truth()
    theirs = time_errors({ttl: float(hub["Avg"]) / 1e3 for ttl, hub in mtr_hops(text).items()}, records)
    half = [ttl for ttl in theirs if ours.get(ttl, 1.0) > theirs[ttl] / 2]
    worst, tail = max(ours.values()), max(tails.values())
    beside = f"mtr {max(theirs.values()) * 1e3:.3f} ms at the worst hop" if theirs else f"mtr: {NOT_RUN}"
    beside += f"; ours over half of mtr's at {len(half)} of {len(theirs)} hops" if theirs else ""
    return [
        Row(
            "average round trip beside six busy loops, worst hop off by",
            f"{worst * 1e3:.3f} ms",
            beside,
            "≤ 0.1 ms, at every hop ≤ half of mtr's",
            worst <= 1e-4 and not half,
        ),
        Row("p95 beside six busy loops, worst hop off by", f"{tail * 1e3:.3f} ms", "", "≤ 0.3 ms", tail <= 3e-4),
    ]


def time_errors(said: dict[int, float], records: Sequence[dict[str, Any]], share: float = 0.0) -> dict[int, float]:
    """How far what was said of each hop is from the mean, or the percentile, of what truly happened."""
    true: dict[int, list[float]] = defaultdict(list)
    for record in records:
        if record["rtt"] is not None and "late_us" in record:
            true[record["ttl"]].append(record["rtt"] + record["late_us"] / 1e6)
    figures = {
        ttl: sorted(all_)[min(len(all_) - 1, int(share * len(all_)))] if share else sum(all_) / len(all_)
        for ttl, all_ in true.items()
    }
    return {ttl: abs(value - figures[ttl]) for ttl, value in said.items() if ttl in figures}


# --- much at once


def many_targets() -> list[Row]:
    """Five hundred targets over sixteen kernel routers in one process; what the bed's own forwarding costs."""
    with routers(16) as (place, _):
        runs = [json.loads(place.run(sys.executable, "-m", "tests.paths.many", "500")) for _ in range(3)]
        ours = min(runs, key=lambda one: one["seconds"])
        spent, _ = timed(place, "sh", "-c", "for n in $(seq 20); do traceroute -n -I -q1 -N32 198.19.1.$n; done")
    cpu = ours["cpu_seconds"]
    own = cpu - ours["floor_cpu_seconds"]
    beside = f"traceroute, one process each: {spent / 20 * 500:.0f} s (from 20)" if spent else f"traceroute: {NOT_RUN}"
    return [
        Row(
            "500 targets × 16 hops in one process",
            f"{ours['seconds']:.2f} s, {ours['complete']} of 500 complete, {ours['echoes']} echoes;"
            f" {own:.2f} s CPU of its own, {cpu:.2f} s"
            f" with the bed's forwarding over 16 routers inside its sends; {ours['mib']:.0f} MiB",
            beside,
            "≤ 2 s, ≤ 1 s CPU, ≤ 60 MiB",
            ours["seconds"] <= 2 and own <= 1 and ours["mib"] <= 60 and ours["complete"] == 500,
        )
    ]


def wide_diamond() -> list[Row]:
    """Sixteen routers side by side at 20 ms, each found with 95 % confidence."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wide.json"
        file.write_text(json.dumps(diamond(16, hop_ms=5.0)))
        with bed(str(file)) as (place, state):
            _, summary = command(place, state, TARGET, "--multipath")
            mtr_seconds, text = timed(place, "mtr", "-n", "-c16", "-i0.1", "-G1", "--json", TARGET)
    ways = summary["ways"]
    widest = max(len(hop["routers"]) for hop in ways["hops"])
    done = all(hop["complete"] for hop in ways["hops"])
    beside = f"mtr follows one flow: {len(mtr_hops(text))} hops, one router each" if mtr_seconds else f"mtr: {NOT_RUN}"
    return [
        Row(
            "16-wide diamond",
            f"{widest} routers{'' if done else ', not complete'} in {ways['duration_seconds']:.2f} s",
            beside,
            "complete at 95 % in ≤ 3 s",
            done and widest >= 15 and ways["duration_seconds"] <= 3,
        )
    ]


def black_hole() -> list[Row]:
    """Packets over 1400 bytes vanish between hops 5 and 6, and nobody says so."""
    with bed("mtu-blackhole") as (place, folder):
        _, summary = command(place, folder, TARGET, "--mtu")
        path_seconds, path_text = timed(place, "tracepath", "-n", TARGET)
        route_seconds, _ = timed(place, "traceroute", "-n", "--mtu", TARGET)
    mtu = summary["mtu"]
    said = path_text.rsplit("pmtu ", 1)[-1].split()[0] if "pmtu" in path_text else "nothing"
    beside = f"{told('tracepath', path_seconds)}{f', says {said}' if path_seconds else ''}; "
    beside += told("traceroute --mtu", route_seconds)
    right = mtu["size_bytes"] == 1400 and mtu["segment"] == [5, 6]
    return [
        Row(
            "black hole of 1400 bytes between hops 5 and 6",
            f"{mtu['size_bytes']} bytes, hops {mtu['segment'][0]} to {mtu['segment'][1]},"
            f" {mtu['duration_seconds']:.1f} s, {mtu['echoes']} echoes",
            beside,
            "exact size, link ± 1, ≤ 5 s",
            right and mtu["duration_seconds"] <= 5,
        )
    ]


BENCHES: tuple[Callable[[], list[Row]], ...] = (
    first_path,
    default_limits,
    loss_counts,
    times_beside_work,
    many_targets,
    wide_diamond,
    black_hole,
)

if __name__ == "__main__":
    sys.exit(main())
