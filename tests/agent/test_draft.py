"""What is seen of a bundle before its file: final by construction, looked at as every member is, and short."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from caseprobe.errors import RedactionError
from caseprobe.redaction import Redactor
from caseprobe.v1 import finding_pb2, link_pb2, privacy_pb2, section_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_agent.seal.draft import Drafts
from caseprobe_agent.seal.form import Hiding
from caseprobe_agent.seal.guard import Guard
from caseprobe_agent.seal.pipe import seal
from caseprobe_agent.seal.shown import LARGEST_SECTION_BYTES

KEY, SENTINEL, JOIN_CODE = b"k" * 32, "5e0ffee1beef5e0ffee1beef", "CP1-AAAAA-BBBBB"
KINDS = [field.name for field in section_pb2.Section.DESCRIPTOR.oneofs_by_name["facts"].fields]


class Broken(Redactor):
    """Every section fails."""

    def settled(self, section: section_pb2.Section) -> section_pb2.Section:
        """Raises as a rule that fails does; the first is not one of a machine's."""
        if section.HasField("system"):
            raise RedactionError("withheld: redaction failed inside (KeyError)")
        return section


def drafts(redactor: Redactor | None = None) -> Drafts:
    """The maker of one bundle's drafts, with three items."""
    return Drafts("snap_1", 3, redactor or Redactor(KEY, True), Guard((JOIN_CODE,), (SENTINEL,)))


def told(*sections: section_pb2.Section) -> link_pb2.Draft:
    """One draft of these sections."""
    return drafts().of(sections, measured=False)


def system(**facts: Any) -> section_pb2.Section:
    """A system section."""
    section = section_pb2.Section(probe="system", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.system.CopyFrom(section_pb2.SystemFacts(system="linux", **facts))
    return section


def filled(message: Message, depth: int = 0) -> None:
    """Put a word into every text of a message and of all in it."""
    for field in message.DESCRIPTOR.fields:
        many = field.is_repeated
        if field.type == FieldDescriptor.TYPE_MESSAGE and depth < 4:
            filled(getattr(message, field.name).add() if many else getattr(message, field.name), depth + 1)
        elif field.type == FieldDescriptor.TYPE_STRING:
            word = word_for(field.GetOptions().Extensions[privacy_pb2.privacy])
            getattr(message, field.name).append(word) if many else setattr(message, field.name, word)


def word_for(privacy: privacy_pb2.Privacy) -> str:
    """A name wherever a name may stand."""
    if privacy.privacy_class == privacy_pb2.PRIVACY_CLASS_PUBLIC:
        return "public"
    return "02:00:00:00:00:01" if privacy.kind == privacy_pb2.IDENTIFIER_KIND_MAC_ADDRESS else "quimby"


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_that_a_later_name_may_change_is_in_a_draft(kind: str) -> None:
    """Every text field of every kind of facts holds a name that only a later section tells: it is nowhere."""
    section = section_pb2.Section(probe=kind, outcome=section_pb2.PROBE_OUTCOME_FAILED, reason="quimby", needs="root")
    section.lines.add(source="/home/quimby/x", text="quimby was here")
    section.shortfalls.add(field="a", reason="quimby")
    getattr(section, kind).SetInParent()
    filled(getattr(section, kind))
    (shown,) = told(section).sections
    assert shown.WhichOneof("facts") == kind
    assert b"quimby" not in shown.SerializeToString()
    assert (shown.probe, shown.needs) == (kind, "root")


def test_what_a_draft_shows_is_what_the_bundle_says() -> None:
    """The same stand-ins for the same host, address, user and serial, whatever names come to be known."""
    section = system(host_name="db1.example.com", os_name="Debian")
    disks = section_pb2.Section(probe="disks", outcome=section_pb2.PROBE_OUTCOME_OK)
    disks.disks.disks.add(name="sda", serial="WD-1234567", model="x")
    routes = section_pb2.Section(probe="routes", outcome=section_pb2.PROBE_OUTCOME_OK)
    routes.routes.routes.add(destination="default", gateway="10.1.2.3")
    shown = told(section, disks, routes)
    snapshot = snapshot_pb2.Snapshot(sections=[section, disks, routes])
    sealed = seal(snapshot, (), Hiding(KEY, True, "db1.example.com"))
    assert list(shown.sections) == list(sealed.snapshot.sections)
    assert shown.sections[0].system.host_name.startswith("host-")
    assert (shown.snapshot_id, shown.consent_mode, shown.items_total) == ("snap_1", CONSENT_MODE_STREAMING, 3)


@pytest.mark.parametrize("value", [SENTINEL, JOIN_CODE])
def test_what_must_stay_withholds_its_section_and_what_follows_from_it(value: str) -> None:
    """A sentinel or this run's join code where text is public: the section says so, and its source gives no more."""
    maker = drafts()
    (shown,) = maker.of([system(os_name=value)], measured=False).sections
    assert shown.WhichOneof("facts") is None
    assert (shown.probe, shown.outcome) == ("system", section_pb2.PROBE_OUTCOME_FAILED)
    assert "withheld" in shown.reason and value not in shown.reason
    (again,) = maker.of([system(os_name="Debian")], measured=True).sections
    assert again.WhichOneof("facts") is None


def test_a_redaction_that_fails_withholds_the_section() -> None:
    """The reason stands in its place, and nothing of it."""
    draft = drafts(Broken(KEY, True)).of([system(os_name="Debian")], measured=False)
    (shown,) = draft.sections
    assert (shown.outcome, shown.WhichOneof("facts")) == (section_pb2.PROBE_OUTCOME_FAILED, None)
    assert "Debian" not in str(draft)


def test_warnings_are_counted_as_the_checks_see_them_and_no_word_of_them_leaves() -> None:
    """A filesystem without room: a finding so far; the draft has its number alone."""
    section = section_pb2.Section(probe="filesystems", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.filesystems.filesystems.add(
        mount_point="/srv/quimby",
        type="ext4",
        total_bytes=10**11,
        used_bytes=10**11 - 10**6,
        available_bytes=10**6,
        measured=True,
    )
    maker = drafts()
    draft = maker.of([section], measured=False)
    assert draft.warnings_total + draft.criticals_total == 1
    assert b"quimby" not in draft.SerializeToString()
    later = maker.of([system()], measured=True)
    assert (later.warnings_total + later.criticals_total, later.measured) == (1, True)
    assert finding_pb2.Finding.DESCRIPTOR not in {field.message_type for field in link_pb2.Draft.DESCRIPTOR.fields}


def test_a_long_section_is_told_by_its_single_facts() -> None:
    """Ten thousand packages: their number, not the list, and never more than a section may have."""
    section = section_pb2.Section(probe="packages", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.packages.packages_total = 10_000
    for number in range(10_000):
        section.packages.packages.add(name=f"p{number}")
    (shown,) = told(section).sections
    assert (shown.packages.packages_total, len(shown.packages.packages)) == (10_000, 0)
    huge = system(os_name="x" * (2 * LARGEST_SECTION_BYTES))
    (shown,) = told(huge).sections
    assert shown.WhichOneof("facts") is None and shown.outcome == section_pb2.PROBE_OUTCOME_OK
