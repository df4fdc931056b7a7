"""What is encrypted opens with its key, in any age program, and with no other key, nor changed by a bit."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.bundle import bech32
from caseprobe.bundle.age import PIECE_BYTES, check_recipient, decrypt, encrypt, identity_of, is_encrypted, recipient_of
from caseprobe.errors import Corrupt, UsageError

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
SIZES = (0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES)


def sealed(plain: bytes, secret: bytes = SECRET) -> bytes:
    """A file that only this key opens."""
    out = io.BytesIO()
    encrypt(io.BytesIO(plain), out, recipient_of(secret))
    return out.getvalue()


def opened(content: bytes, secret: bytes = SECRET) -> bytes:
    """What is in it."""
    out = io.BytesIO()
    decrypt(io.BytesIO(content), out.write, secret)
    return out.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_encrypted_comes_back(size: int) -> None:
    """At and around the ends of pieces, and never the same bytes twice."""
    plain = bytes(index % 251 for index in range(size))
    content = sealed(plain)
    assert is_encrypted(io.BytesIO(content)) and not is_encrypted(io.BytesIO(plain))
    assert opened(content) == plain
    assert content != sealed(plain)


def test_no_other_key_opens_it() -> None:
    """A stanza for somebody else is none for us."""
    with pytest.raises(Corrupt, match="not encrypted to this collector's key"):
        opened(sealed(b"evidence"), OTHER)


def test_one_wrong_bit_anywhere_is_refused() -> None:
    """In header, stanza, proof, nonce, payload or tag: each bit of each byte."""
    content = sealed(b"evidence" * 2)
    for at, bit in itertools.product(range(len(content)), range(8)):
        broken = bytearray(content)
        broken[at] ^= 1 << bit
        with pytest.raises(Corrupt):
            opened(bytes(broken))


def test_bits_beyond_the_last_byte_are_refused() -> None:
    """The header's proof has 43 letters for 256 bits; the two over it must be zero, so a file has one spelling."""
    content = sealed(b"evidence")
    last = content.index(b"\n", content.index(b"\n--- ") + 1) - 1
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = letters[letters.index(content[last]) ^ 1]
    with pytest.raises(Corrupt):
        opened(content[:last] + bytes((other,)) + content[last + 1 :])


@pytest.mark.parametrize("end", [0, 10, 60, 120, 150, 170, 200, PIECE_BYTES + 216, 2 * PIECE_BYTES])
def test_a_file_that_was_cut_is_refused(end: int) -> None:
    """Wherever, also exactly between two pieces."""
    with pytest.raises(Corrupt):
        opened(sealed(bytes(3 * PIECE_BYTES))[:end])


@given(content=st.binary(max_size=300))
def test_garbage_is_refused(content: bytes) -> None:
    """With and without the right first line."""
    for one in (content, b"age-encryption.org/v1\n" + content, b"age-encryption.org/v1\n-> X25519 " + content + b"\n"):
        with pytest.raises(Corrupt):
            opened(one)


@pytest.mark.parametrize(
    "text", ["", "age1", "age1qqqq", "AGE1QQQ", recipient_of(SECRET)[:-1] + "q", "ssh-ed25519 AAAA"]
)
def test_what_is_no_recipient_is_said_before_anything_is_written(text: str) -> None:
    """A slip in a key must not encrypt to nobody."""
    out = io.BytesIO()
    with pytest.raises(UsageError, match="no key to encrypt to"):
        encrypt(io.BytesIO(b"evidence"), out, text)
    with pytest.raises(UsageError):
        check_recipient(text)
    assert out.getvalue() == b""


@given(data=st.binary(max_size=64))
def test_bech32_gives_back_what_it_was_given(data: bytes) -> None:
    """And a single wrong letter is always noticed."""
    text = bech32.encode("age", data)
    assert bech32.decode("age", text) == data
    wrong = text[:-1] + ("q" if text[-1] != "q" else "p")
    with pytest.raises(ValueError, match="checksum"):
        bech32.decode("age", wrong)


def test_age_itself_opens_it_and_we_open_what_age_made(tmp_path: Path) -> None:
    """Both ways with the program of the format's makers."""
    if shutil.which("age") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("age is not installed; .ci/run installs Debian's package")
        pytest.skip("NOT RUN: needs age (Debian: apt install age)")
    plain = bytes(range(256)) * 600
    (tmp_path / "key").write_text(identity_of(SECRET) + "\n")
    there = subprocess.run(
        ["age", "--decrypt", "-i", str(tmp_path / "key")], input=sealed(plain), capture_output=True, check=True
    )
    back = subprocess.run(["age", "-r", recipient_of(SECRET)], input=plain, capture_output=True, check=True)
    assert there.stdout == plain
    assert opened(back.stdout) == plain
