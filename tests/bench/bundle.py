"""`make bench-bundle`: the one-shot bundle beside Debian's sosreport, on the same planted machine in the same run.

Every run has a network of its own without a link, so no packet leaves; its output lies in memory, and both tools get
the same files to read. Figures are printed, none is judged: exits 1 where a run of ours failed.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from caseprobe.bundle import BundleReader
from tests.bench import second, showing, window
from tests.bench.neighbour import MOST_RATIO, again, felt
from tests.bench.reading import Row, table
from tests.bench.tools import QUICK, SOS_DEFAULT, SOS_SMALL, STANDARD, Stage, Tool, ours
from tests.canary.planting import IDENTIFIERS, Planted
from tests.canary.search import Search, layers
from tests.stuck_mount import DEVICE

RUNS, HUNG_SECONDS, DEADLINE_SECONDS = 3, 60, 5
STAGE_BYTES = 1 << 30
# Programs that tools of this kind ask; those that a machine has hang, and so do these two files.
SLEEPERS = ("/usr/bin/lsblk", "/usr/sbin/smartctl", "/usr/sbin/nft", "/usr/bin/systemctl", "/usr/bin/dpkg-query")
PIPES = ("/var/log/syslog", "/etc/fstab")
# Its server takes every question and answers none (FUSE).
MOUNT = "/var/cache"
INSIDE = "--inside"


def _archive(output: Path, tool: Tool) -> Path | None:
    return next(iter(sorted(output.glob(tool.output))), None)


def _members(archive: Path) -> Iterator[bytes]:
    """Every file in an archive, read without unpacking it to a disk."""
    if archive.suffix == ".zip":
        yield from layers(archive.read_bytes())
        return
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile() and (stream := packed.extractfile(member)):
                yield stream.read()


def _left(planted: Planted, archive: Path) -> str:
    """How many planted secrets and identifiers stand in what would leave the machine."""
    search = Search(planted.canaries)
    found = {(kind, value) for data in _members(archive) for kind, value, _ in search.hits(data)}
    secrets = sum(kind not in IDENTIFIERS for kind, _ in found)
    return f"{secrets} secrets, {len(found) - secrets} identifiers"


def measure(stage: Stage, tool: Tool, runs: int) -> tuple[list[str], float]:
    """One line of the table of tools, and the median wall time."""
    costs, archive = [], None
    for _ in range(runs):
        cost, output = stage.run(tool)
        archive = _archive(output, tool)
        costs.append(cost)
    size = archive.stat().st_size if archive else 0
    wall, cpu = (
        statistics.median(values) for values in zip(*((c.wall_seconds, c.cpu_seconds) for c in costs), strict=True)
    )
    peak, disk = max(cost.peak_bytes for cost in costs), max(cost.disk_bytes for cost in costs)
    left = _left(stage.planted, archive) if archive else "no archive"
    code = ",".join(sorted({str(cost.code) for cost in costs}))
    sizes = (f"{value / 2**20:.1f} MiB" for value in (peak, max(0, disk - size), size))
    return [tool.name, f"{wall:.2f} s", f"{cpu:.2f} s", stage.programs(tool), *sizes, left, code], wall


def tools(stage: Stage) -> tuple[str, bool]:
    """The table of tools with their ratios, and whether ours did their work."""
    have = shutil.which("sos") is not None
    found = [(QUICK, RUNS), (STANDARD, RUNS), *([(SOS_SMALL, 1), (SOS_DEFAULT, 1)] if have else [])]
    rows, walls = zip(*(measure(stage, tool, runs) for tool, runs in found), strict=True)
    head = ["tool", "wall", "CPU", "programs", "peak memory", "disk beside it", "output", "planted left", "exit"]
    lines = [head, ["---"] * len(head), *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if have:
        quick, standard, small, default = walls
        text += (
            f"\n\nsos small / quick = {small / quick:.1f}, sos default / standard = {default / standard:.1f} (wall)."
        )
    else:
        text += "\n\nsos: not run (apt install sosreport)."
    return text, all(row[-1] == "0" for row in rows[:2])


def hung(stage: Stage) -> Row:
    """Programs that sleep for ever, pipes that nobody writes to, a mount that never answers: who is done, and when."""
    tool = ours("standard", "--deadline", str(DEADLINE_SECONDS))
    cost, output = stage.run(tool, wrap=_hanging(stage))
    archive = _archive(output, tool)
    whole = archive is not None and _verified(stage, archive)
    beside = "not run (apt install sosreport)"
    if shutil.which("sos"):
        peer, folder = stage.run(SOS_SMALL, HUNG_SECONDS, wrap=_hanging(stage))
        ended = f"ended after {peer.wall_seconds:.0f} s" if peer.code is not None else f"killed after {HUNG_SECONDS} s"
        beside = f"sos small: {ended}, {'an archive' if _archive(folder, SOS_SMALL) else 'no archive'}"
    return Row(
        f"hung: {', '.join((*_sleepers(), *PIPES, MOUNT))}; deadline {DEADLINE_SECONDS} s",
        f"{cost.wall_seconds:.1f} s, {'verified' if whole else 'NOT VALID'}",
        beside,
        f"valid at ≤ {DEADLINE_SECONDS + 1} s",
        whole and cost.wall_seconds <= DEADLINE_SECONDS + 1,
    )


def _sleepers() -> list[str]:
    return [program for program in SLEEPERS if Path(program).exists()]


def _hanging(stage: Stage) -> list[str]:
    """What makes programs and files hang in the room, before the tool starts."""
    sleeper, pipe = stage.folder / "sleeper", stage.folder / "pipe"
    sleeper.write_text("#!/bin/sh\nexec sleep 100000\n")
    sleeper.chmod(0o755)
    if not pipe.exists():
        os.mkfifo(pipe)
    lines = [f"mount --bind {sleeper} {program}" for program in _sleepers()]
    lines += [f"mount --bind {pipe} {path}" for path in PIPES if Path(path).exists() or path.startswith("/var/log")]
    script = stage.folder / "hang.sh"
    script.write_text("\n".join(["set -e", *lines, 'exec "$@"', ""]))
    stuck = [sys.executable, "-m", "tests.stuck_mount", MOUNT, "--"] if DEVICE.exists() else []
    return ["sh", str(script), *stuck]


def _verified(stage: Stage, archive: Path) -> bool:
    command = [sys.executable, "-m", "caseprobe_agent", "verify", str(archive)]
    return subprocess.run(command, env=stage.environment, capture_output=True, check=False).returncode == 0


def beside(stage: Stage) -> Row:
    """What a busy neighbour feels of bundle after bundle."""
    ours = felt(lambda: again(lambda: stage.play(STANDARD)))
    peer = "not run (apt install sosreport)"
    if shutil.which("sos"):
        peer = f"sos small: {felt(lambda: stage.play(SOS_SMALL), rounds=1)}"
    what = f"a busy neighbour's p99, alone {ours.alone * 1e3:.2f} ms"
    return Row(what, str(ours), peer, "≤ +2 %", ours.more <= MOST_RATIO)


def diff(stage: Stage) -> Row:
    """Two bundles of this machine compared, as a page."""
    bundles = [stage.run(STANDARD)[1] / "bundle.zip" for _ in range(2)]
    command = [
        sys.executable,
        "-m",
        "caseprobe_agent",
        "diff",
        *map(str, bundles),
        "--html",
        str(stage.folder / "d.html"),
    ]
    walls = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, env=stage.environment, capture_output=True, check=True)
        walls.append(time.perf_counter() - begun)
    wall = statistics.median(walls)
    return Row("diff of two bundles as a page", f"{wall:.2f} s", "sos has none", "≤ 0.5 s", wall <= 0.5)


def report(stage: Stage) -> Row:
    """The report page in a bundle: how large it is and how long it took to write."""
    from caseprobe.report import render_report

    with (stage.run(STANDARD)[1] / "bundle.zip").open("rb") as file:
        snapshot = BundleReader(file).snapshot()
    render_report(snapshot)
    begun = time.perf_counter()
    size = len(render_report(snapshot).encode())
    wall = time.perf_counter() - begun
    return Row(
        "report page",
        f"{size / 1024:.0f} KiB, {wall * 1e3:.0f} ms",
        "-",
        "≤ 300 KiB, ≤ 100 ms",
        size <= 300 << 10 and wall <= 0.1,
    )


def inside() -> int:
    """In a mount namespace of our own: print everything."""
    begun, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="caseprobe-bench-") as name:
        folder = Path(name)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STAGE_BYTES}", "none", name], check=True)
        try:
            stage = Stage(folder)
            text, did = tools(stage)
            rows = [make(stage) for make in (hung, beside, diff, report)]
            rows += [*showing.measure(), *second.measure(), *window.measure()]
        finally:
            subprocess.run(["umount", "-l", name], check=True)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, ",
        end="",
    )
    print(f"Python {platform.python_version()}; `make bench-bundle`, {time.monotonic() - begun:.0f} s, ", end="")
    print(f"load average {load:.1f} at the start.\n\n{text}\n\n{table(rows)}")
    return 0 if did else 1


def main() -> int:
    """Start again where mounts are our own; gives the exit code."""
    if INSIDE in sys.argv:
        return inside()
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.bench.bundle", INSIDE]
    if os.geteuid() != 0:
        print("not run: it needs root for namespaces of its own", file=sys.stderr)
        return 2
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
