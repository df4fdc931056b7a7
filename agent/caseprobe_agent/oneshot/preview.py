"""A bundle that waits for its owner's yes: everything in it can be looked at, and taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from caseprobe.bundle import BundleReader, LeftOut
from caseprobe.errors import UsageError
from caseprobe.overrides import Overrides
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import ConsentStatement
from caseprobe_agent.oneshot.compare import Change, section_changes, stand_ins, text_changes
from caseprobe_agent.oneshot.content import Item, items_of, source_of
from caseprobe_agent.seal.pipe import Sealed, without
from caseprobe_agent.seal.plant import bare, sentinels_in
from caseprobe_agent.snapshot import Taken

BY_OWNER = "left out by the owner of this machine"


@dataclass(frozen=True)
class Addressee:
    """Who would get the bundle, for which case, and the text that is agreed to."""

    name: str
    case_id: str
    case_title: str
    consent_text: str


@dataclass
class Preview:
    """What is about to leave: exactly the file at path, whose SHA-256 is given.

    raw: as it was measured, in memory only. rewrite: makes the file anew without what was left out; gives its SHA-256.
    """

    path: Path
    sha256: bytes
    sealed: Sealed
    raw: Taken = field(repr=False)
    addressee: Addressee
    overrides: Overrides
    rewrite: Callable[[Sealed, Sequence[LeftOut]], bytes]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def snapshot(self) -> snapshot_pb2.Snapshot:
        """The snapshot in the bundle."""
        return self.sealed.snapshot

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        return self.path.stat().st_size

    def restore(self, text: str) -> str:
        """The text with the machine's true names, for its own screen only."""
        return self.sealed.redactor.unmask(text)

    def items(self) -> list[Item]:
        """Every file and every measured area, numbered."""
        return items_of(self.sealed, self.members())

    def members(self) -> Mapping[str, int]:
        """The files in the bundle, name and size."""
        with self.path.open("rb") as file:
            reader = BundleReader(file)
            return {name: reader.size_bytes(name) for name in reader.names()}

    def find(self, wanted: str) -> Item:
        """An item by its number or name; raises UsageError."""
        for item in self.items():
            if wanted in (str(item.number), item.name):
                return item
        raise UsageError(f"there is no item {wanted!r}; the list above has the numbers")

    def content(self, item: Item) -> str:
        """An item exactly as it would leave."""
        if item.area:
            return str(self._section(self.snapshot, item.name))
        with self.path.open("rb") as file:
            return BundleReader(file).read(item.name).decode("utf-8", "replace")

    def changes(self, item: Item) -> Iterator[Change]:
        """Every place of an item that is not as it was measured."""
        if item.area:
            yield from self._area_changes(item.name)
            return
        known = sentinels_in(self.raw.snapshot.sections)
        for artifact in self.raw.artifacts:
            if artifact.name == item.name:
                yield from text_changes(item.name, bare(artifact, known), self.sealed.artifacts[item.name])
        if item.name == "snapshot.json":
            for section in self.snapshot.sections:
                yield from self._area_changes(section.probe)

    def stand_ins(self) -> dict[str, str]:
        """Every stand-in in the bundle with the true name behind it."""
        texts = [self.content(item) for item in self.items() if not item.area]
        return stand_ins("\n".join(texts), self.restore)

    def statement(self, now: datetime) -> ConsentStatement:
        """What is agreed to by sending the file as it is now; now: aware, in UTC. The person's name is a stand-in."""
        consent = self.snapshot.consent
        statement = ConsentStatement(
            snapshot_id=self.snapshot.snapshot_id,
            case_id=self.snapshot.case_id,
            mode=consent.mode,
            granted_by=consent.granted_by,
            text_shown=self.addressee.consent_text,
            language=consent.language,
            bundle_sha256=self.sha256,
            bundle_bytes=self.size_bytes,
            left_out=[one.name for one in self.left_out],
            receiver=self.addressee.name,
        )
        statement.granted_at.FromDatetime(now)
        return statement

    def drop(self, wanted: Sequence[str]) -> list[str]:
        """Take items out, with what comes from the same source; the file is written anew, once. Gives their names.

        Raises UsageError for what is not there or cannot be left out; then nothing is changed.
        """
        chosen = [self.find(one) for one in wanted]
        for item in chosen:
            if item.needed:
                raise UsageError(
                    f"{item.name} cannot be left out: without it there is nothing to send; answer n instead"
                )
        gone = {name for item in chosen for name in source_of(item.name, self.sealed)}
        names = [item.name for item in self.items() if item.name in gone]
        left_out = (*self.left_out, *(LeftOut(name, "owner", BY_OWNER) for name in names))
        sealed = without(self.sealed, gone, self.overrides, BY_OWNER)
        self.sha256 = self.rewrite(sealed, left_out)
        self.sealed, self.left_out = sealed, left_out
        return names

    def _area_changes(self, probe: str) -> Iterator[Change]:
        before, after = self._section(self.raw.snapshot, probe), self._section(self.snapshot, probe)
        for change in section_changes(before, after):
            if "caseprobe_sentinel" not in change.before and change.before != "caseprobe sentinel":
                yield change

    @staticmethod
    def _section(snapshot: snapshot_pb2.Snapshot, probe: str) -> section_pb2.Section:
        return next((one for one in snapshot.sections if one.probe == probe), section_pb2.Section(probe=probe))
