"""Snapshots, the files beside them, and bundles that came by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from caseprobe import texts
from caseprobe.errors import Corrupt
from caseprobe.v1 import snapshot_pb2
from caseprobe_collector.access import Action, Principal
from caseprobe_collector.analysis import judged_anew
from caseprobe_collector.console.facts import SectionView, section_view
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.console.views import (
    ArtifactView,
    SnapshotRowView,
    artifact_view,
    snapshot_row_view,
)
from caseprobe_collector.console.words import CoverageView, FindingView, coverage_of, finding_view, findings_of
from caseprobe_collector.records import SnapshotRow

Seen = tuple[SnapshotRow, snapshot_pb2.Snapshot | None]


@dataclass(frozen=True)
class SnapshotView:
    """A snapshot's row and what was found in it."""

    snapshot: SnapshotRowView
    findings: list[FindingView]


@dataclass(frozen=True)
class SnapshotDetail:
    """All of a snapshot: what was measured, judged, not judged, hidden."""

    snapshot: SnapshotRowView
    findings: list[FindingView]
    coverage: list[CoverageView]
    sections: list[SectionView]
    artifacts: list[ArtifactView]
    hidden: dict[str, int]


def snapshot_view(row: SnapshotRow, snapshot: snapshot_pb2.Snapshot | None) -> SnapshotView:
    """A snapshot with its findings as shown; of a damaged one there are none."""
    return SnapshotView(snapshot_row_view(row), findings_of(snapshot) if snapshot else [])


async def seen_snapshot(use: Services, by: Principal, row: SnapshotRow) -> Seen:
    """What a list shows of a snapshot: its content, or None and a row that says how it is damaged."""
    if row.damage:
        return row, None
    try:
        return await use.snapshots.get(by, row.snapshot_id)
    except Corrupt as error:
        return row._replace(damage=str(error)), None


def snapshot_detail(row: SnapshotRow, snapshot: snapshot_pb2.Snapshot) -> SnapshotDetail:
    """All of a snapshot as shown."""
    return SnapshotDetail(
        snapshot_row_view(row),
        findings_of(snapshot),
        coverage_of(snapshot),
        [section_view(section) for section in snapshot.sections],
        [artifact_view(artifact) for artifact in snapshot.artifacts],
        {count.rule: count.total for count in snapshot.redaction.counts},
    )


async def get_snapshot(use: Use, by: By, snapshot_id: str) -> SnapshotDetail:
    """One snapshot."""
    return snapshot_detail(*await use.snapshots.get(by, snapshot_id))


@dataclass(frozen=True)
class JudgementView:
    """A snapshot by the rules of this collector's version, and how that differs from what was said of it then.

    previous_id: the machine's snapshot that growth is measured against; empty where there is none.
    """

    snapshot: SnapshotRowView
    verdict: str
    findings: list[FindingView]
    come: list[FindingView]
    gone: list[FindingView]
    coverage: list[CoverageView]
    previous_id: str


async def judge(use: Services, by: Principal, snapshot_id: str) -> JudgementView:
    """A snapshot by today's rules; nothing of it is stored."""
    row, snapshot = await use.snapshots.get(by, snapshot_id)
    before, previous = await _before(use, by, row)
    anew = await asyncio.to_thread(judged_anew, snapshot, previous)
    return JudgementView(
        snapshot_row_view(row),
        texts.snapshot_verdict(anew.snapshot),
        findings_of(anew.snapshot),
        [finding_view(finding) for finding in anew.come],
        [finding_view(finding) for finding in anew.gone],
        coverage_of(anew.snapshot),
        before,
    )


async def _before(use: Services, by: Principal, row: SnapshotRow) -> tuple[str, snapshot_pb2.Snapshot | None]:
    """The id and the content of the machine's snapshot before this one; of a damaged one nothing is taken."""
    older = [one for one in await use.snapshots.list_by_agent(by, row.agent_id) if one.started_at < row.started_at]
    for one in older[:1]:
        _, snapshot = await seen_snapshot(use, by, one)
        if snapshot is not None:
            return one.snapshot_id, snapshot
    return "", None


async def get_judgement(use: Use, by: By, snapshot_id: str) -> JudgementView:
    """One snapshot, judged again."""
    return await judge(use, by, snapshot_id)


async def get_object(use: Use, by: By, snapshot_id: str, name: str) -> Response:
    """A file beside a snapshot, always as a download: its content is the machine's and never runs here."""
    chunks = await use.snapshots.object_chunks(by, snapshot_id, name)
    filename = quote(f"{snapshot_id}-{name.rpartition('/')[2]}", safe="")
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{filename}",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)


async def delete_snapshot(use: Use, by: By, snapshot_id: str) -> Response:
    """Remove a snapshot and its files for good; on a full disk too."""
    await use.snapshots.delete(by, snapshot_id)
    return Response(status_code=204)


async def import_bundle(request: Request, use: Use, by: By, case_id: str) -> SnapshotRowView:
    """Attach the bundle file that is the request's body."""
    return snapshot_row_view(await use.snapshots.import_bundle(by, case_id, request.stream()))


ROUTES = (
    Route("GET", "/api/v1/snapshots/{snapshot_id}", Action.SNAPSHOT_READ, get_snapshot),
    Route("GET", "/api/v1/snapshots/{snapshot_id}/judgement", Action.SNAPSHOT_READ, get_judgement),
    Route("DELETE", "/api/v1/snapshots/{snapshot_id}", Action.SNAPSHOT_DELETE, delete_snapshot, 204),
    Route("GET", "/api/v1/snapshots/{snapshot_id}/objects/{name:path}", Action.SNAPSHOT_READ, get_object),
    Route("POST", "/api/v1/cases/{case_id}/bundles", Action.BUNDLE_IMPORT, import_bundle, 201),
)
