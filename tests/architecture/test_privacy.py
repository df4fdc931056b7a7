"""The contract says of every datum how private it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import FieldDescriptor

from caseprobe.v1 import (
    consent_pb2,
    enrolment_pb2,
    finding_pb2,
    link_pb2,
    path_pb2,
    privacy_pb2,
    section_host_pb2,
    section_items_pb2,
    section_pb2,
    section_smart_pb2,
    snapshot_pb2,
)

FILES = (
    consent_pb2,
    enrolment_pb2,
    finding_pb2,
    link_pb2,
    path_pb2,
    section_host_pb2,
    section_items_pb2,
    section_pb2,
    section_smart_pb2,
    snapshot_pb2,
)
TEXTUAL = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def textual_fields() -> Iterator[FieldDescriptor]:
    """Every string and bytes field of the contract."""
    for module in FILES:
        for message in module.DESCRIPTOR.message_types_by_name.values():
            yield from (field for field in message.fields if field.type in TEXTUAL)


@pytest.mark.parametrize("field", list(textual_fields()), ids=lambda field: field.full_name)
def test_every_text_says_how_private_it_is(field: FieldDescriptor) -> None:
    """A string without a privacy class cannot be added by accident; what is masked also says what it identifies."""
    privacy = field.GetOptions().Extensions[privacy_pb2.privacy]
    assert privacy.privacy_class != privacy_pb2.PRIVACY_CLASS_UNSPECIFIED
    if privacy.privacy_class in (privacy_pb2.PRIVACY_CLASS_ASSET, privacy_pb2.PRIVACY_CLASS_INTERNAL):
        assert privacy.kind != privacy_pb2.IDENTIFIER_KIND_UNSPECIFIED
