"""The packet filter's rules as `nft list ruleset` and `iptables-save` print them: chains with their policy and size."""

from __future__ import annotations

import re
from collections.abc import Iterable

from caseprobe.v1.section_items_pb2 import FirewallChain, FirewallFacts

CHAINS_AT_MOST = 200
TABLE = re.compile(r"table (\w+) (\S+) \{")
BLOCK = re.compile(r"(chain|set|map|flowtable|ct \w+|counter|quota|limit|secmark|synproxy) (\S+) \{")
HOOK = re.compile(r"type \w+ hook (\w+)")
POLICY = re.compile(r"policy (\w+);")
# What stands in a chain and is no rule.
NO_RULES = ("type ", "policy ", "comment ", "#")
SAVED_CHAIN = re.compile(r":(\S+) (\S+)")
HOOKS = frozenset(("INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"))


def parse_nft(text: str) -> FirewallFacts:
    """Tables, chains and how many rules each holds; lines of another form are passed over.

    >>> text = "table ip f {\\n chain c {\\n type filter hook input priority 0; policy drop;\\n accept\\n }\\n}"
    >>> parse_nft(text).chains[0].policy
    'drop'
    """
    facts = FirewallFacts(program="nft")
    chains: list[FirewallChain] = []
    family, table, depth, chain = "", "", 0, None
    for line in (line.strip() for line in text.splitlines()):
        if found := TABLE.fullmatch(line):
            family, table, depth, chain = found[1], found[2], 1, None
            facts.tables_total += 1
        elif depth == 1 and (block := BLOCK.fullmatch(line)):
            depth = 2
            if block[1] == "chain":
                chain = FirewallChain(family=family, table=table, name=block[2])
                chains.append(chain)
        elif line == "}":
            depth, chain = max(0, depth - 1), None
        elif chain is not None:
            _take(chain, line)
    return _complete(facts, chains)


def _take(chain: FirewallChain, line: str) -> None:
    """One line of a chain: what it hangs on, or a rule."""
    if hook := HOOK.match(line):
        chain.hook = hook[1]
        chain.policy = "".join(POLICY.findall(line)[:1])
    elif line and not line.startswith(NO_RULES):
        chain.rules_total += 1


def _complete(facts: FirewallFacts, chains: Iterable[FirewallChain]) -> FirewallFacts:
    for chain in chains:
        facts.rules_total += chain.rules_total
        if len(facts.chains) < CHAINS_AT_MOST:
            facts.chains.append(chain)
    return facts


def parse_iptables_save(text: str, family: str) -> FirewallFacts:
    """The same of iptables-save ("ip") or ip6tables-save ("ip6").

    >>> parse_iptables_save("*filter\\n:INPUT DROP [0:0]\\n-A INPUT -j ACCEPT\\nCOMMIT\\n", "ip").chains[0].policy
    'drop'
    """
    facts = FirewallFacts(program="iptables-save")
    table, chains = "", dict[tuple[str, str], FirewallChain]()
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
            facts.tables_total += 1
        elif found := SAVED_CHAIN.match(line):
            chains[table, found[1]] = _saved(family, table, found[1], found[2])
        elif line.startswith("-A ") and (words := line.split(maxsplit=2))[1:]:
            chains.setdefault((table, words[1]), _saved(family, table, words[1], "")).rules_total += 1
    return _complete(facts, chains.values())


def _saved(family: str, table: str, name: str, policy: str) -> FirewallChain:
    chain = FirewallChain(family=family, table=table, name=name)
    if name in HOOKS:
        chain.hook, chain.policy = name.lower(), policy.lower()
    return chain


def merged(parts: Iterable[FirewallFacts]) -> FirewallFacts:
    """The facts of several families and programs as one."""
    facts, programs = FirewallFacts(), dict[str, None]()
    for part in parts:
        programs[part.program] = None
        facts.tables_total += part.tables_total
        facts.rules_total += part.rules_total
        facts.chains.extend(part.chains[: CHAINS_AT_MOST - len(facts.chains)])
    facts.program = ", ".join(programs)
    return facts
