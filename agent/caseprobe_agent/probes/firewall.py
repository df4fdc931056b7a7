"""The packet filter: chains and policies as facts, the rules as an artifact. Asked of the system's own program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.firewall import merged, parse_iptables_save, parse_nft
from caseprobe.v1.section_items_pb2 import FirewallFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, RawArtifact, output_of, program_of, value_of

ARTIFACT = "artifacts/firewall.rules"
# What a program may print, and what is kept of all of it.
PROGRAM_SECONDS, TOLD_BYTES, RULES_BYTES = 5.0, 8 << 20, 1 << 20
RULES = "firewall.rules_total"
NFT = ("nft", "list", "ruleset")
SAVES = (("ip", "iptables-save", "/proc/net/ip_tables_names"), ("ip6", "ip6tables-save", "/proc/net/ip6_tables_names"))
# Where the kernel has no filter loaded, asking a program would load one.
NFT_LOADED, MODULES = "/sys/module/nf_tables", "/proc/modules"
BUILT_IN, RELEASE = "/lib/modules/{}/modules.builtin", "/proc/sys/kernel/osrelease"

Parse = Callable[[str], FirewallFacts]


class _Told(NamedTuple):
    """What one program told: which, its text, the facts in it."""

    source: str
    text: str
    facts: FirewallFacts


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every chain and rule of each filter that is loaded; absent where the kernel has none."""
    notes, found, failures = Notes(), list[_Told](), list[MeasurementError]()
    for command, parse in _questions(machine, notes):
        try:
            text = _told(machine, command)
            found.append(_Told(" ".join(command), text, parse(text)))
        except MeasurementError as error:
            failures.append(error)
            notes.lack(RULES, error)
    if failures and not any(told.text.strip() for told in found):
        raise failures[0]
    if not found:
        if notes.denied:
            raise MachineDenied("whether there is a packet filter may not be read", needs="root")
        raise MachineAbsent("the kernel shows no packet filter that is loaded")
    return _with_rules(found, notes)


def _questions(machine: Machine, notes: Notes) -> Iterator[tuple[tuple[str, ...], Parse]]:
    """Whom to ask, and how to read the answer: of tables of both kinds, where both are loaded."""
    nft = _has_nft(machine, notes)
    if nft:
        yield NFT, parse_nft
    # Without the program of nft, that of iptables tells what was set by it.
    alone = nft and program_of(machine, NFT[0]) is None
    for family, program, names in SAVES:
        loaded = bool(notes.text(RULES, machine, names))
        if loaded or alone:
            # Where iptables-save speaks of nft's tables, the older ones have a program of their own.
            older = program.replace("-", "-legacy-")
            named = older if loaded and program_of(machine, older) else program
            yield (named,), partial(parse_iptables_save, family=family)


def _has_nft(machine: Machine, notes: Notes) -> bool:
    """Whether asking loads nothing: it is there, or part of a kernel, perhaps one that knows no modules."""
    if machine.exists(NFT_LOADED) or (machine.live and not machine.exists(MODULES)):
        return True
    built_in = notes.text(RULES, machine, BUILT_IN.format(value_of(machine, RELEASE) or "")) or ""
    return "/nf_tables.ko" in built_in


def _told(machine: Machine, command: tuple[str, ...]) -> str:
    """What the program prints; the right that it takes is named where it refuses."""
    try:
        return output_of(machine, command, PROGRAM_SECONDS, TOLD_BYTES)
    except MachineDenied as error:
        raise MachineDenied(str(error), needs=error.needs or "root") from error


def _with_rules(found: Sequence[_Told], notes: Notes) -> Measured:
    facts, text = merged(told.facts for told in found), "".join(told.text for told in found)
    facts.artifact = ARTIFACT if text.strip() else ""
    data = text.encode()
    cut = data[:RULES_BYTES].rpartition(b"\n")[0] + b"\n" if len(data) > RULES_BYTES else data
    source = ", ".join(told.source for told in found)
    artifacts = [RawArtifact(ARTIFACT, source, cut, len(cut) < len(data))] if text.strip() else []
    return notes.measured(facts, artifacts)
