"""A probe that the machine's operator declared: a file or a command, read as lines, key=value or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from caseprobe.errors import MeasurementError
from caseprobe.parse.site_values import PARSERS, bounded
from caseprobe.v1.section_items_pb2 import SiteFacts
from caseprobe_agent.config.bundles import SiteProbe
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Probe, RawArtifact

PREFIX = "site"
# Of what it yields only the keys may leave the child.
KEYS_ONLY = "secret"
# Between the program's own limit and that of its probe.
MORE_SECONDS = 2.0


def probe_of(site: SiteProbe) -> Probe:
    """The probe of a declaration."""
    seconds = site.timeout_seconds + MORE_SECONDS
    return Probe(f"{PREFIX}.{site.name}", f"{__name__}:measure", seconds, argument=json.dumps(asdict(site)))


def measure(machine: Machine, _earlier: object | None, argument: str = "") -> Measured:
    """What the file or the command says now; its text is an artifact. Raises where it cannot be read or parsed."""
    fields = json.loads(argument)
    site = SiteProbe(**{**fields, "command": tuple(fields["command"])})
    data, truncated = _read(machine, site)
    text = data.decode("utf-8", "replace")
    if site.parser == "json" and truncated:
        raise MeasurementError(f"{_source(site)} gives more than limit_bytes = {site.limit_bytes}: cut JSON is none")
    pairs, cut = bounded(PARSERS[site.parser](text))
    facts = SiteFacts(name=site.name, why=site.why, source=_source(site), truncated=truncated or cut)
    facts.facts.extend(key if site.privacy == KEYS_ONLY else f"{key} = {value}" for key, value in pairs)
    facts.artifact = artifact_of(site)
    artifact = RawArtifact(facts.artifact, _source(site), data, truncated)
    return Notes().measured(facts, [artifact] if artifact.name else [])


def _read(machine: Machine, site: SiteProbe) -> tuple[bytes, bool]:
    """What is there, at most limit_bytes of it, and whether there is more."""
    if site.file:
        return machine.read_tail(site.file, site.limit_bytes)
    done = machine.run(site.command, site.timeout_seconds, site.limit_bytes)
    if done.exit_code and not done.truncated:
        raise MeasurementError(f"{site.command[0]} ended with {done.exit_code}: {_said(site, done.stderr)}")
    cut = done.stdout.rpartition(b"\n")[0] + b"\n" if done.truncated else done.stdout
    return cut, done.truncated


def _said(site: SiteProbe, stderr: bytes) -> str:
    """Why a command says that it failed, where that may leave."""
    if site.privacy == KEYS_ONLY:
        return "what it says is secret"
    return stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200] or "it does not say why"


def _source(site: SiteProbe) -> str:
    return site.file or " ".join(site.command)


def artifact_of(site: SiteProbe) -> str:
    """The name of what it read, in the bundle; empty where only keys leave."""
    return "" if site.privacy == KEYS_ONLY else f"artifacts/{PREFIX}-{site.name}.txt"
