"""What was judged and is well."""

from __future__ import annotations

from caseprobe import texts
from caseprobe.report.markup import NOTHING, Markup, element, unfold
from caseprobe.report.words import Words
from caseprobe.v1 import finding_pb2, snapshot_pb2


def render_coverage(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """The checks that found nothing to tell."""
    well = [one for one in snapshot.coverage if one.outcome == finding_pb2.SEVERITY_OK]
    if not well:
        return NOTHING
    items = (element("li", texts.title(one.check_id, words.language)) for one in well)
    return unfold(words.filled("checks_ok", n=len(well)), element("ul", *items, class_="columns"), class_="row")
