"""Probes that misbehave, by name in a module, so that a worker child finds them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from caseprobe.errors import MachineAbsent, MachineDenied
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Probe, RawArtifact
from caseprobe_agent.worker import reference


def hang(_request: bytes) -> Iterator[bytes]:
    """One answer, then nothing for ever."""
    yield b"first"
    threading.Event().wait()


def hang_with_program(_request: bytes) -> Iterator[bytes]:
    """Start a program that runs for ever, tell its number, hang."""
    import subprocess

    program = subprocess.Popen(["/bin/sleep", "1000"])
    yield str(program.pid).encode()
    threading.Event().wait()


def echo(request: bytes) -> bytes:
    """The request again."""
    return request


def count(request: bytes) -> Iterator[bytes]:
    """As many answers as asked for."""
    yield from (str(number).encode() for number in range(int(request)))


class Tally:
    """Counts how often it was asked, and tells its process; does on request what ends a child."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(self, request: bytes) -> Iterator[bytes]:
        """The count and the number of the process; "hang" and "die" do so first."""
        self._asked += 1
        if request == b"hang":
            threading.Event().wait()
        if request == b"die":
            os.kill(os.getpid(), 9)
        yield json.dumps([self._asked, os.getpid()]).encode()


def refuse(_request: bytes) -> bytes:
    """A right is missing."""
    raise MachineDenied("the ring cannot be read", needs="CAP_SYSLOG")


def break_down(_request: bytes) -> bytes:
    """A mistake in our own code."""
    raise KeyError("no\nsuch key")


def die(_request: bytes) -> bytes:
    """The child is gone without a word."""
    os.kill(os.getpid(), 9)
    return b""


def devour(_request: bytes) -> bytes:
    """More memory than the limit."""
    return b"x" * len(bytearray(4 << 30))


def write_file(request: bytes) -> bytes:
    """Write to disk, which a child must not."""
    Path(request.decode()).write_bytes(b"raw")
    return b"written"


def environment(_request: bytes) -> bytes:
    """What the child sees of our environment."""
    return "\n".join(os.environ).encode()


def standing(_request: bytes) -> bytes:
    """The class of processor and disk time that this process has, and that a program of it has."""
    import subprocess

    with subprocess.Popen(["/bin/sleep", "1000"]) as program:
        told = {
            name: [os.sched_getscheduler(pid), int(psutil.Process(pid).ionice().ioclass)]
            for name, pid in (("own", os.getpid()), ("program", program.pid))
        }
        program.kill()
    return json.dumps(told).encode()


def chatter(_request: bytes) -> bytes:
    """A library that prints."""
    print("unexpected")
    return b"answer"


def measure_good(_machine: Machine, _earlier: object | None) -> Measured:
    """Facts, a line, an artifact."""
    line = section_pb2.SourceLine(source="/proc/x", line=1, text="x")
    artifact = RawArtifact("artifacts/x.log", "/dev/x", b"one\ntwo\n", truncated=True)
    return Measured(section_pb2.SystemFacts(host_name="good"), (line,), (), (artifact,))


def measure_empty(_machine: Machine, _earlier: object | None) -> Measured:
    """Facts without one value."""
    return Measured(section_pb2.FilesystemsFacts())


def measure_hung(_machine: Machine, _earlier: object | None) -> Measured:
    """Never answers."""
    threading.Event().wait()
    return Measured(section_pb2.MemoryFacts())


def measure_waiting(_machine: Machine, _earlier: object | None, argument: str = "") -> Measured:
    """Answers once somebody has written to a pipe."""
    Path(argument).read_bytes()
    return Measured(section_pb2.MemoryFacts())


def measure_waking(_machine: Machine, _earlier: object | None, argument: str = "") -> Measured:
    """Writes to a pipe for which somebody waits."""
    Path(argument).write_bytes(b"go on")
    return Measured(section_pb2.SensorsFacts())


def sample_hung(_machine: Machine) -> object:
    """Never answers."""
    return threading.Event().wait()


def measure_dead(_machine: Machine, _earlier: object | None) -> Measured:
    """Kills its process."""
    os.kill(os.getpid(), 9)
    return Measured(section_pb2.MemoryFacts())


def measure_absent(_machine: Machine, _earlier: object | None) -> Measured:
    """No such hardware."""
    raise MachineAbsent("this machine has no sensors")


def measure_denied(_machine: Machine, _earlier: object | None) -> Measured:
    """A right is missing."""
    raise MachineDenied("/dev/kmsg cannot be read", needs="CAP_SYSLOG")


def measure_broken(_machine: Machine, _earlier: object | None) -> Measured:
    """A mistake in our own code."""
    raise ZeroDivisionError("division by zero\nsecond line")


def sample_clock(machine: Machine) -> float:
    """The moment of the sample."""
    return machine.monotonic_seconds()


def sample_broken(_machine: Machine) -> object:
    """No sample can be had."""
    raise MachineAbsent("no counters here")


def measure_age(machine: Machine, earlier: object | None) -> Measured:
    """How old the sample is; no facts where there is none."""
    seconds = machine.monotonic_seconds() - earlier if isinstance(earlier, float) else 0.0
    return Measured(section_pb2.CpuFacts(sample_seconds=seconds))


def measure_moment(_machine: Machine, earlier: object | None) -> Measured:
    """When its sample was taken, by the clock of all processes."""
    return Measured(section_pb2.CpuFacts(sample_seconds=earlier if isinstance(earlier, float) else 0.0))


def fake(
    name: str,
    measure: Callable[..., Measured],
    timeout_seconds: float,
    sample: Callable[[Machine], object] | None = None,
    argument: str = "",
) -> Probe:
    """A probe by functions of this module."""
    taken = reference(sample) if sample else ""
    return Probe(name, reference(measure), timeout_seconds, sample=taken, argument=argument)


GOOD = fake("system", measure_good, 5.0)
EMPTY = fake("filesystems", measure_empty, 5.0)
HUNG = fake("memory", measure_hung, 0.3)
DEAD = fake("disks", measure_dead, 5.0)
ABSENT = fake("sensors", measure_absent, 5.0)
DENIED = fake("kernel_log", measure_denied, 5.0)
BROKEN = fake("routes", measure_broken, 5.0)
AGED = fake("cpu", measure_age, 5.0, sample_clock)
SAMPLED = fake("cpu", measure_moment, 5.0, sample_clock)
UNSAMPLED = fake("cpu", measure_age, 5.0, sample_broken)
