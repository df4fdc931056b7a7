"""A bundle is sent in terms of the last one where the collector can make it of that; else whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from caseprobe.bundle import packer, read_patch, write_bundle
from caseprobe.v1 import enrolment_pb2, link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_agent.app.sending import own_key_of
from caseprobe_agent.oneshot.sketches import Sketches
from caseprobe_agent.seal.pipe import signer_of
from tests.fakes_collector import FakeStream
from tests.fakes_oneshot import Desk, FakePerson, open_desk

PAGE = "<p>the same as ever</p>\n" * 400


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that takes everything."""
    async with open_desk(tmp_path) as desk:
        yield desk


async def bundle(desk: Desk, number: int) -> Path:
    """A small bundle of this user's key, unlike the others of its kind in a few bytes."""
    private, agent_id = await own_key_of(desk.settings)()
    snapshot = snapshot_pb2.Snapshot(snapshot_id=f"snap_{number:032x}", agent_id=agent_id, profile="quick")
    snapshot.consent.mode = CONSENT_MODE_STREAMING
    path = desk.folder / f"{number}.zip"
    noise = "".join(f"{sha256(str(line).encode()).hexdigest()}\n" for line in range(200))
    with path.open("wb") as file:
        artifacts = {"artifacts/kernel.log": noise.encode()}
        write_bundle(file, snapshot, artifacts, PAGE, signer_of(private, "one-shot"))
    return path


def holds(desk: Desk, path: Path, how: bytes | None = None) -> None:
    """From now on the collector says that this is the last bundle it has of this key."""
    desk.answers_also(base_sha256=sha256(path.read_bytes()).digest(), packer=how or packer())


async def test_what_the_collector_has_is_not_sent_again(desk: Desk) -> None:
    """A patch that names both files, with the consent to the new one."""
    first, second = await bundle(desk, 1), await bundle(desk, 2)
    await desk.send(FakePerson(None), first, desk.code())
    holds(desk, first)
    await desk.send(FakePerson(None), second, desk.code())
    whole, part = desk.collector.stored
    assert (whole.kind, part.kind) == (link_pb2.DATA_KIND_BUNDLE, link_pb2.DATA_KIND_BUNDLE_PATCH)
    patch = read_patch(part.body)
    assert [patch.base_sha256, patch.sha256] == [sha256(path.read_bytes()).digest() for path in (first, second)]
    assert len(part.body) < 0.2 * second.stat().st_size
    assert desk.collector.got("data")[-1].data.stream_id.endswith("_patch")


@pytest.mark.parametrize("why", ["another bundle", "another packer", "nothing is remembered"])
async def test_where_the_two_do_not_fit_it_goes_whole(desk: Desk, why: str) -> None:
    """No patch is even tried."""
    first, second = await bundle(desk, 1), await bundle(desk, 2)
    await desk.send(FakePerson(None), first, desk.code())
    holds(desk, second if why == "another bundle" else first, bytes(8) if why == "another packer" else None)
    if why == "nothing is remembered":
        (desk.folder / "s" / "one-shot" / "last-bundle.sketch").write_bytes(b"nonsense")
    await desk.send(FakePerson(None), second, desk.code())
    assert desk.collector.stored[-1].body == second.read_bytes()


async def test_a_bundle_that_no_patch_can_be_made_of_goes_whole(desk: Desk) -> None:
    """What keeps the short form from being made only saves nothing."""
    first = await bundle(desk, 1)
    await desk.send(FakePerson(None), first, desk.code())
    response = enrolment_pb2.EnrolResponse(base_sha256=sha256(first.read_bytes()).digest(), packer=packer())
    assert Sketches(desk.folder / "s" / "one-shot").patch(BytesIO(b"no bundle"), bytes(32), response) is None


async def test_a_patch_that_is_refused_is_followed_by_the_whole(desk: Desk) -> None:
    """A collector that lost the earlier bundle, or packs otherwise after all, costs the patch and nothing else."""

    async def refuse(stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
        if frame.data.kind != link_pb2.DATA_KIND_BUNDLE_PATCH:
            return False
        refusal = link_pb2.Refusal(code="corrupt", message="must be sent whole", sequence=frame.data.sequence)
        await stream.send(link_pb2.LinkResponse(refusal=refusal))
        return True

    first, second = await bundle(desk, 1), await bundle(desk, 2)
    await desk.send(FakePerson(None), first, desk.code())
    holds(desk, first)
    desk.collector.behave = refuse
    await desk.send(FakePerson(None), second, desk.code())
    assert desk.collector.stored[-1].body == second.read_bytes()
