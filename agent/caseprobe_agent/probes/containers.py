"""Containers: those that run, by their control groups; names, images and those that ended, by the runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.containers import container_of, parse_crictl_ps, parse_docker_ps, parse_podman_ps
from caseprobe.parse.counters import parse_counters
from caseprobe.v1.section_items_pb2 import Container, ContainersFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.control_groups import ROOT, UNLIMITED, groups_below
from caseprobe_agent.probes.probe import Measured, Noted, Notes, number_of, output_of, value_of

GROUPS_AT_MOST, CONTAINERS_AT_MOST = 4000, 500
PROGRAM_SECONDS = 4.0
RUNNING = "running"
CRICTL = ("crictl", "ps", "--all", "--output", "json")
# A runtime is asked only where it is at work, since a question would start a sleeping one: trace, program, parser.
Parse = Callable[[str], list[Container]]
RUNTIMES: tuple[tuple[tuple[str, ...], tuple[str, ...], Parse], ...] = (
    (("/run/docker.pid", "/var/run/docker.pid"), ("docker", "ps", "--all", "--format", "{{json .}}"), parse_docker_ps),
    (("/run/containers/storage",), ("podman", "ps", "--all", "--format", "json"), parse_podman_ps),
    (("/run/containerd/containerd.sock",), CRICTL, parse_crictl_ps),
    (("/run/crio/crio.sock",), CRICTL, partial(parse_crictl_ps, runtime="cri-o")),
)


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every container that runs, and the others that a runtime tells of; absent where there is neither."""
    notes = Notes()
    told = notes.noted("containers.containers", machine)
    running = {one.id: one for one in _running(told)}
    at_work = [runtime for runtime in RUNTIMES if any(machine.exists(trace) for trace in runtime[0])]
    for _, command, parse in at_work:
        # Where docker runs, containerd does too, and crictl is often not there: nothing is missing then.
        if command[0] != "crictl" or any(one.runtime in ("containerd", "cri-o") for one in running.values()):
            _add_told(running, machine, command, parse, notes)
    if not running and not at_work:
        if notes.denied:
            raise MachineDenied(f"{ROOT} may not be read")
        raise MachineAbsent("no container runs here, and no runtime of containers is at work")
    return notes.measured(_facts(list(running.values())))


def _add_told(
    known: dict[str, Container], machine: Machine, command: tuple[str, ...], parse: Parse, notes: Notes
) -> None:
    """What a runtime's program tells, beside what the control groups told; the same container goes by one id."""
    told = notes.attempt("containers.name", lambda: parse(output_of(machine, command, PROGRAM_SECONDS)))
    for one in told or []:
        if one.id in known:
            known[one.id].MergeFrom(one)
        else:
            known[one.id] = one


def _facts(found: list[Container]) -> ContainersFacts:
    running = sum(one.state == RUNNING for one in found)
    found.sort(key=lambda one: (one.state != RUNNING, one.name, one.id))
    return ContainersFacts(
        containers=found[:CONTAINERS_AT_MOST], running_total=running, ended_total=len(found) - running
    )


def _running(machine: Noted) -> Iterator[Container]:
    tree = ROOT if not machine.machine.exists(f"{ROOT}/memory") else f"{ROOT}/memory"
    # What is in a container is its own affair.
    paths, more = groups_below(machine, tree, GROUPS_AT_MOST, lambda path: container_of(path) is not None)
    if more:
        machine.notes.lack(machine.fact, MeasurementError(f"only {GROUPS_AT_MOST} control groups were looked at"))
    for path in paths:
        if (known := container_of(path)) is not None:
            yield _measured(Container(runtime=known[0], id=known[1], state=RUNNING), machine, f"{tree}{path}")


def _measured(one: Container, machine: Noted, folder: str) -> Container:
    """Memory, tasks and kills as its control group counts them, in the words of version 2 or 1."""
    used = number_of(machine, f"{folder}/memory.current") or number_of(machine, f"{folder}/memory.usage_in_bytes")
    limit = number_of(machine, f"{folder}/memory.max") or number_of(machine, f"{folder}/memory.limit_in_bytes")
    if used is not None:
        one.memory_bytes = used
    if limit is not None and limit < UNLIMITED:
        one.memory_limit_bytes = limit
    if (tasks := number_of(machine, f"{folder}/pids.current")) is not None:
        one.tasks_total = tasks
    events = value_of(machine, f"{folder}/memory.events") or value_of(machine, f"{folder}/memory.oom_control") or ""
    if (kills := parse_counters(events).get("oom_kill")) is not None:
        one.oom_kills_total = kills
    return one
