"""Findings in the order of reading: roots worst first, each followed by what is folded under it, and counted.

Who follows from whom is decided where findings are linked (`folded_under`); here it is made consistent: a root that
is not there, or is itself folded, folds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from caseprobe.v1 import finding_pb2

Name = tuple[str, str, str]


def name_of(finding: finding_pb2.Finding | finding_pb2.FoldedUnder) -> Name:
    """What names a finding within its snapshot."""
    return finding.check_id, finding.object, finding.message_id


def groups(findings: Iterable[finding_pb2.Finding]) -> list[tuple[finding_pb2.Finding, list[finding_pb2.Finding]]]:
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


def folded(findings: Iterable[finding_pb2.Finding]) -> list[finding_pb2.Finding]:
    """The same findings, every root with its number of followers and directly before them."""
    ordered: list[finding_pb2.Finding] = []
    for root, under in groups(findings):
        root.ClearField("folded_under")
        root.folded_total = len(under)
        ordered += [root, *under]
    return ordered
