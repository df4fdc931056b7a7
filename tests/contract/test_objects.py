"""What every adapter of the object store must do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from caseprobe.errors import NotFound
from caseprobe_collector.ports import Objects


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """These parts, one by one."""
    for part in parts:
        yield part


async def whole(objects: Objects, name: str) -> bytes:
    """All bytes of an object."""
    return b"".join([chunk async for chunk in objects.get(name)])


async def test_an_object_comes_back(objects: Objects) -> None:
    """Size and hash are of what was stored; an empty object is an object."""
    data = bytes(range(256)) * 3000
    assert await objects.put("agent_1/snap_1/bundle.zip", chunks(data[:10], b"", data[10:])) == (
        len(data),
        hashlib.sha256(data).digest(),
    )
    assert await whole(objects, "agent_1/snap_1/bundle.zip") == data
    assert await objects.size("agent_1/snap_1/bundle.zip") == len(data)
    await objects.put("empty", chunks())
    assert (await whole(objects, "empty"), await objects.size("empty")) == (b"", 0)


async def test_an_object_that_is_not_there(objects: Objects) -> None:
    """Reading is NotFound before the first byte, size None, deleting nothing."""
    with pytest.raises(NotFound):
        await whole(objects, "nothing")
    assert await objects.size("nothing") is None
    await objects.delete("nothing")


async def test_a_put_that_fails_leaves_what_was_there(objects: Objects) -> None:
    """A sender that breaks off replaces nothing and leaves nothing."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    await objects.put("one", chunks(b"first"))
    for name in ("one", "two"):
        with pytest.raises(ConnectionResetError):
            await objects.put(name, broken())
    assert await whole(objects, "one") == b"first"
    assert await objects.size("two") is None


async def test_a_reader_keeps_what_it_began(objects: Objects) -> None:
    """An object that is replaced or deleted meanwhile is read to its end as it was."""
    await objects.put("one", chunks(b"a" * 600_000))
    reading = objects.get("one")
    first = await anext(reading)
    await objects.put("one", chunks(b"b"))
    await objects.delete("one")
    assert first + b"".join([chunk async for chunk in reading]) == b"a" * 600_000
    assert await objects.size("one") is None


async def test_many_puts_of_one_name_leave_one_whole_object(objects: Objects) -> None:
    """Whoever is last, it is one of them and not a mixture."""
    bodies = [bytes([number]) * 10_000 for number in range(8)]
    await asyncio.gather(*(objects.put("one", chunks(body[:5000], body[5000:])) for body in bodies))
    assert await whole(objects, "one") in bodies


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../../b",
        "a//b",
        ".hidden",
        "a/.tmp-1",
        "A",
        "a\0b",
        "a\n",
        "a/b/c/d/e/f",
        "a" * 101,
    ],
)
async def test_a_name_that_is_not_ours_is_a_mistake(objects: Objects, name: str) -> None:
    """Names are made by this program alone; anything else raises ValueError and touches nothing."""
    with pytest.raises(ValueError, match="not a name"):
        await objects.put(name, chunks(b""))
    with pytest.raises(ValueError, match="not a name"):
        await whole(objects, name)
