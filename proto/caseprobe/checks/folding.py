"""Findings in the order of reading: roots worst first, each followed by what is folded under it, and counted.

Who follows from whom is decided where findings are linked (`folded_under`); here it is made consistent: a root that
is not there, or is itself folded, folds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from caseprobe.v1 import finding_pb2

Name = tuple[str, str, str]
Group = tuple[finding_pb2.Finding, list[finding_pb2.Finding]]


def name_of(finding: finding_pb2.Finding | finding_pb2.FoldedUnder) -> Name:
    """What names a finding within its snapshot."""
    return finding.check_id, finding.object, finding.message_id


def groups(findings: Iterable[finding_pb2.Finding]) -> list[Group]:
    """Each root with what is folded under it, in the order in which they come; none is left out."""
    listed = list(findings)
    roots = {name_of(one) for one in listed if not one.HasField("folded_under")}
    alone: list[finding_pb2.Finding] = []
    followers: dict[Name, list[finding_pb2.Finding]] = {}
    for one in listed:
        if one.HasField("folded_under") and name_of(one.folded_under) in roots:
            followers.setdefault(name_of(one.folded_under), []).append(one)
        else:
            alone.append(one)
    # Two findings of one name are one root: the first takes all.
    return [(root, followers.pop(name_of(root), [])) for root in alone]


def shown_state(group: Group) -> finding_pb2.Severity.ValueType:
    """How bad a root is with all that follows from it: a link that resets is a warning, the data lost by it is not."""
    root, under = group
    return max(one.state for one in (root, *under) if one is root or one.state <= finding_pb2.SEVERITY_CRITICAL)


def folded(findings: Iterable[finding_pb2.Finding]) -> list[finding_pb2.Finding]:
    """The same findings, every root with its number of followers and directly before them; the worst group first."""
    ordered: list[finding_pb2.Finding] = []
    for root, under in sorted(groups(findings), key=lambda group: -shown_state(group)):
        root.ClearField("folded_under")
        root.folded_total = len(under)
        ordered += [root, *under]
    return ordered
