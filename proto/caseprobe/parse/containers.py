"""Containers: which control group is one, and what `docker ps`, `podman ps` and `crictl ps` print as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from caseprobe.v1.section_items_pb2 import Container

ID_CHARACTERS = 12
# Names of groups: systemd's (docker-ID.scope) and those that a runtime makes itself (/docker/ID).
SCOPE = re.compile(r"(docker|libpod|cri-containerd|crio|containerd|nerdctl)-([0-9a-f]{12,64})\.scope")
PLAIN = re.compile(r"/(docker|libpod_parent|containerd|default|actions_job)/(?:libpod-)?([0-9a-f]{64})")
POD = re.compile(r"/kubepods[^/]*/.*/([0-9a-f]{64})")
LXC = re.compile(r"/(?:lxc\.payload|lxc/payload|lxc)[./]([^/]+)")
# libvirt's machines have scopes of the same kind and are none.
MACHINE = re.compile(r"/machine\.slice/(?:machine-(?!qemu|lxc)([^/]+)\.scope|systemd-nspawn@([^/]+)\.service)")
RUNTIMES = {
    "libpod": "podman",
    "libpod_parent": "podman",
    "cri-containerd": "containerd",
    "crio": "cri-o",
    "nerdctl": "containerd",
    "default": "containerd",
    "actions_job": "docker",
}


def container_of(path: str) -> tuple[str, str] | None:
    """Runtime and id of the container whose control group this is; None for any other group, also one inside.

    >>> container_of("/system.slice/docker-" + "0a" * 32 + ".scope")
    ('docker', '0a0a0a0a0a0a')
    """
    if found := SCOPE.fullmatch(path.rpartition("/")[2]):
        return RUNTIMES.get(found[1], found[1]), found[2][:ID_CHARACTERS]
    if found := PLAIN.fullmatch(path):
        return RUNTIMES.get(found[1], found[1]), found[2][:ID_CHARACTERS]
    if found := POD.fullmatch(path):
        return "containerd", found[1][:ID_CHARACTERS]
    if found := LXC.fullmatch(path):
        return "lxc", found[1]
    if found := MACHINE.fullmatch(path):
        return "systemd-nspawn", (found[1] or found[2]).replace("\\x2d", "-")
    return None


def parse_docker_ps(text: str) -> list[Container]:
    """Of `docker ps --all --format '{{json .}}'`: one object a line. Raises ValueError."""
    return [
        _container("docker", one, "ID", one.get("Names"), "Image", str(one.get("State", "")))
        for one in _objects(json.loads(line) for line in text.splitlines() if line.strip())
    ]


def parse_podman_ps(text: str) -> list[Container]:
    """Of `podman ps --all --format json`: a list. Raises ValueError."""
    found = json.loads(text or "[]")
    return [
        _container("podman", one, "Id", one.get("Names"), "Image", str(one.get("State", "")))
        for one in _objects(found if isinstance(found, list) else [])
    ]


def parse_crictl_ps(text: str, runtime: str = "containerd") -> list[Container]:
    """Of `crictl ps --all --output json`, which does not say whose runtime it asked. Raises ValueError."""
    found = json.loads(text or "{}")
    listed = found.get("containers") if isinstance(found, dict) else None
    return [
        _container(runtime, one, "id", _inner(one, "metadata").get("name"), "", _cri_state(one))
        for one in _objects(listed if isinstance(listed, list) else [])
    ]


def _objects(values: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    return (value for value in values if isinstance(value, dict))


def _container(runtime: str, one: Mapping[str, Any], key: str, names: object, image: str, state: str) -> Container:
    name = names[0] if isinstance(names, list) and names else names
    shown = one.get(image) if image else _inner(one, "image").get("image")
    return Container(
        runtime=runtime,
        id=str(one.get(key, ""))[:ID_CHARACTERS],
        name=name if isinstance(name, str) else "",
        image=shown if isinstance(shown, str) else "",
        state=state.lower(),
        status=str(one.get("Status", "")),
    )


def _inner(one: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = one.get(key)
    return found if isinstance(found, dict) else {}


def _cri_state(one: Mapping[str, Any]) -> str:
    return str(one.get("state", "")).removeprefix("CONTAINER_")
