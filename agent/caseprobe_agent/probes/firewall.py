"""The packet filter: chains and policies as facts, the rules as an artifact. Asked of the system's own program."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent, MachineDenied
from caseprobe.parse.firewall import merged, parse_iptables_save, parse_nft
from caseprobe.v1.section_items_pb2 import FirewallFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Probe, RawArtifact, output_of, value_of

ARTIFACT = "artifacts/firewall.rules"
PROGRAM_SECONDS, RULES_BYTES = 5.0, 1 << 20
NFT = ("nft", "list", "ruleset")
SAVES = (("ip", "iptables-save", "/proc/net/ip_tables_names"), ("ip6", "ip6tables-save", "/proc/net/ip6_tables_names"))
# Where the kernel has no filter loaded, asking a program would load one.
NFT_LOADED, MODULES = "/sys/module/nf_tables", "/proc/modules"
BUILT_IN, RELEASE = "/lib/modules/{}/modules.builtin", "/proc/sys/kernel/osrelease"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every chain and rule; absent where the kernel has no packet filter loaded."""
    notes = Notes()
    saves = [
        (family, program) for family, program, names in SAVES if notes.text("firewall.rules_total", machine, names)
    ]
    if _has_nft(machine, notes):
        text = _told(machine, NFT)
        facts, source = parse_nft(text), " ".join(NFT)
    elif saves:
        texts = {family: _told(machine, (program,)) for family, program in saves}
        facts = merged(parse_iptables_save(text, family) for family, text in texts.items())
        text, source = "".join(texts.values()), ", ".join(program for _, program in saves)
    else:
        if notes.denied:
            raise MachineDenied("whether there is a packet filter may not be read", needs="root")
        raise MachineAbsent("the kernel shows no packet filter that is loaded")
    return _with_rules(facts, text, source, notes)


def _has_nft(machine: Machine, notes: Notes) -> bool:
    """Whether asking loads nothing: it is there, or part of a kernel, perhaps one that knows no modules."""
    if machine.exists(NFT_LOADED) or (machine.live and not machine.exists(MODULES)):
        return True
    built_in = notes.text("firewall.rules_total", machine, BUILT_IN.format(value_of(machine, RELEASE) or "")) or ""
    return "/nf_tables.ko" in built_in


def _told(machine: Machine, command: tuple[str, ...]) -> str:
    """What the program prints; the right that it takes is named where it refuses."""
    try:
        return output_of(machine, command, PROGRAM_SECONDS)
    except MachineDenied as error:
        raise MachineDenied(str(error), needs=error.needs or "root") from error


def _with_rules(facts: FirewallFacts, text: str, source: str, notes: Notes) -> Measured:
    facts.artifact = ARTIFACT if text.strip() else ""
    data = text.encode()
    cut = data[:RULES_BYTES].rpartition(b"\n")[0] + b"\n" if len(data) > RULES_BYTES else data
    artifacts = [RawArtifact(ARTIFACT, source, cut, len(cut) < len(data))] if text.strip() else []
    return notes.measured(facts, artifacts)


PROBE = Probe("firewall", measure, timeout_seconds=12.0, needs=("root",))
