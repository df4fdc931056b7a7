"""A join code survives every way that people copy it, and a slip is told from a good code."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe import join_code
from caseprobe.errors import JoinCodeError
from caseprobe.v1 import enrolment_pb2

CODE = enrolment_pb2.JoinCode(
    address="collector.example:8443",
    ca_sha256=bytes(range(32)),
    purpose=enrolment_pb2.JOIN_PURPOSE_BUNDLE,
    secret=b"s" * 20,
)
TEXT = join_code.encode(CODE)

codes = st.builds(
    enrolment_pb2.JoinCode,
    address=st.builds(
        "{}:{}".format, st.text(string.ascii_lowercase + ".-", min_size=1, max_size=60), st.integers(1, 65535)
    ),
    ca_sha256=st.binary(min_size=32, max_size=32),
    purpose=st.sampled_from(sorted(join_code.PURPOSES)),
    secret=st.binary(min_size=16, max_size=64),
    recipient=st.text(string.ascii_lowercase, max_size=80),
)


@given(codes)
def test_what_was_encoded_is_decoded(code: enrolment_pb2.JoinCode) -> None:
    """Every well-formed code comes back as it was."""
    assert join_code.decode(join_code.encode(code)) == code


@given(st.text(max_size=300))
def test_any_text_is_a_code_or_a_join_code_error(text: str) -> None:
    """No text makes anything but the one error that a person can read."""
    with pytest.raises(JoinCodeError):
        join_code.decode(text)


@pytest.mark.parametrize(
    "copied",
    [
        TEXT.lower(),
        TEXT.replace("-", ""),
        TEXT.replace("-", " "),
        TEXT.replace("-", "–"),
        "\n".join(TEXT[start : start + 40] for start in range(0, len(TEXT), 40)),
        f'  "{TEXT}"\r\n',
        TEXT[:4] + TEXT[4:].replace("O", "0").replace("I", "1").replace("B", "8"),
    ],
    ids=["lower case", "no dashes", "spaces", "en dashes", "wrapped", "quoted", "lookalike digits"],
)
def test_a_code_survives_the_way_it_was_copied(copied: str) -> None:
    """Case, spaces, breaks, dashes, quotes and lookalike digits do not matter."""
    assert join_code.decode(copied) == CODE


@given(st.integers(4, len(TEXT) - 1), st.sampled_from(string.ascii_uppercase + "234567"))
def test_one_wrong_letter_is_noticed(place: int, letter: str) -> None:
    """A single letter typed wrong never gives another code."""
    typed = TEXT[:place] + letter + TEXT[place + 1 :]
    if TEXT[place] == "-" or typed == TEXT:
        return
    try:
        assert join_code.decode(typed) == CODE  # the last letter has bits that say nothing
    except JoinCodeError as error:
        assert "copy it again" in str(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("CP1-", "cut"),
        (TEXT[:-7], "copy it again"),
        ("CP9-AAAAA", "another version"),
        ("hello", "begins with CP1-"),
        ("A" * 5000, "not that long"),
    ],
)
def test_a_bad_code_says_what_to_do(text: str, says: str) -> None:
    """Each kind of bad code has its own line."""
    with pytest.raises(JoinCodeError, match=says):
        join_code.decode(text)


@pytest.mark.parametrize(
    "change",
    [{"address": "nowhere"}, {"address": "host:0"}, {"ca_sha256": b"short"}, {"secret": b"short"}, {"purpose": 99}],
)
def test_an_incomplete_code_is_refused_on_both_sides(change: dict[str, object]) -> None:
    """A collector cannot hand out a code that an agent would not take."""
    code = enrolment_pb2.JoinCode()
    code.CopyFrom(CODE)
    for name, value in change.items():
        setattr(code, name, value)
    with pytest.raises(JoinCodeError):
        join_code.encode(code)
