"""Files that only the holder of one key can open, in the format of age v1: any age program opens them.

Source: https://c2sp.org/age (header, X25519 recipient stanza, payload in pieces of 64 KiB). A random file key is
wrapped for the recipient with X25519; the payload is ChaCha20-Poly1305, piece by piece, each with its number and
whether it is the last, so that nothing can be cut, swapped or added. cryptography is loaded by who encrypts alone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Protocol

from caseprobe.bundle import bech32
from caseprobe.errors import Corrupt, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


class Readable(Protocol):
    """What is read from front to back."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


MAGIC = b"age-encryption.org/v1\n"
KIND, SECRET_KIND = "age", "age-secret-key-"
WRAP = b"age-encryption.org/v1/X25519"
PIECE_BYTES, TAG_BYTES, NONCE_BYTES, FILE_KEY_BYTES = 64 << 10, 16, 16, 16
LONGEST_LINE_BYTES, MOST_LINES = 4096, 100
NOT_OPENED = "it is not encrypted to this collector's key, or was damaged on its way; ask for the file again"


def is_encrypted(file: BinaryIO) -> bool:
    """Whether a file begins as those of age do; leaves it at its start."""
    file.seek(0)
    head = file.read(len(MAGIC))
    file.seek(0)
    return head == MAGIC


def recipient_of(secret: bytes) -> str:
    """What others encrypt to, for 32 secret bytes."""
    return bech32.encode(KIND, _private(secret).public_key().public_bytes_raw())


def identity_of(secret: bytes) -> str:
    """32 secret bytes as age programs take them."""
    return bech32.encode(SECRET_KIND, secret).upper()


def check_recipient(recipient: str) -> str:
    """The same; raises UsageError where it is no age X25519 recipient."""
    _stanza(bytes(FILE_KEY_BYTES), recipient, os.urandom(32))
    return recipient


def encrypt(plain: Readable, sealed: BinaryIO, recipient: str, randomness: Callable[[int], bytes] = os.urandom) -> None:
    """Write all of a file so that only the recipient's key opens it; raises UsageError for what is no recipient."""
    file_key, nonce = randomness(FILE_KEY_BYTES), randomness(NONCE_BYTES)
    header = MAGIC + _stanza(file_key, recipient, randomness(32)) + b"---"
    sealed.write(header + b" " + _text(_mac(file_key, header)) + b"\n" + nonce)
    cipher, number = _cipher(file_key, nonce), 0
    piece = plain.read(PIECE_BYTES)
    while True:
        following = plain.read(PIECE_BYTES)
        sealed.write(cipher.encrypt(_piece_nonce(number, not following), piece, None))
        if not following:
            return
        piece, number = following, number + 1


def decrypt(sealed: BinaryIO, write: Callable[[bytes], object], secret: bytes) -> None:
    """Give the plain bytes to write, piece by piece; raises Corrupt where they are not what was encrypted to this key.

    What was written before that is worth nothing.
    """
    from cryptography.exceptions import InvalidTag

    try:
        file_key = _file_key(sealed, secret)
        nonce = sealed.read(NONCE_BYTES)
        if len(nonce) != NONCE_BYTES:
            raise ValueError("cut")
        cipher, number = _cipher(file_key, nonce), 0
        piece = sealed.read(PIECE_BYTES + TAG_BYTES)
        while True:
            following = sealed.read(PIECE_BYTES + TAG_BYTES)
            plain = cipher.decrypt(_piece_nonce(number, not following), piece, None)
            if not plain and number:
                raise ValueError("an empty last piece")
            write(plain)
            if not following:
                return
            piece, number = following, number + 1
    except (ValueError, InvalidTag):
        raise Corrupt(f"the encrypted file cannot be opened: {NOT_OPENED}") from None


def _file_key(sealed: BinaryIO, secret: bytes) -> bytes:
    """The key of the payload, which begins after the header; raises ValueError, InvalidTag."""
    if sealed.read(len(MAGIC)) != MAGIC:
        raise ValueError("no age file")
    header, file_key = MAGIC, b""
    for _ in range(MOST_LINES):
        line = sealed.readline(LONGEST_LINE_BYTES)
        if line.startswith(b"---"):
            # As it must be written, letter by letter: of what decodes to the same nothing else is taken.
            proof = b"--- " + _text(_mac(file_key, header + b"---")) + b"\n"
            if not file_key or not hmac.compare_digest(proof, line):
                raise ValueError("no stanza for this key, or another header")
            return file_key
        header += line
        if line.startswith(b"-> X25519 ") and not file_key:
            body = sealed.readline(LONGEST_LINE_BYTES)
            header += body
            file_key = _unwrapped(_bytes(line[10:-1]), _bytes(body[:-1]), secret)
    raise ValueError("no end of the header")


def _stanza(file_key: bytes, recipient: str, secret: bytes) -> bytes:
    ephemeral = _private(secret)
    public, share = _public(recipient), ephemeral.public_key().public_bytes_raw()
    try:
        shared = ephemeral.exchange(public)
    except ValueError:
        # A point of low order: what is wrapped for it opens for everybody.
        raise UsageError(f"{recipient[:80]!r} is no key to encrypt to: it hides nothing; ask for another") from None
    wrapping = _wrapping(shared, share + public.public_bytes_raw())
    return b"-> X25519 " + _text(share) + b"\n" + _text(wrapping.encrypt(bytes(12), file_key, None)) + b"\n"


def _unwrapped(share: bytes, body: bytes, secret: bytes) -> bytes:
    """The file key in a stanza; empty where it is for somebody else."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    private = _private(secret)
    shared = private.exchange(X25519PublicKey.from_public_bytes(share))
    try:
        wrapping = _wrapping(shared, share + private.public_key().public_bytes_raw())
        file_key = wrapping.decrypt(bytes(12), body, None)
    except InvalidTag:
        return b""
    return file_key if len(file_key) == FILE_KEY_BYTES else b""


def _wrapping(shared: bytes, salt: bytes) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(_derived(shared, salt, WRAP))


def _cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256, 32 bytes: one round of RFC 5869."""
    extracted = hmac.digest(salt or bytes(32), key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def _piece_nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _private(secret: bytes) -> X25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(secret)


def _public(recipient: str) -> X25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    try:
        return X25519PublicKey.from_public_bytes(bech32.decode(KIND, recipient))
    except ValueError as error:
        raise UsageError(f"{recipient[:80]!r} is no key to encrypt to ({error}): it begins with age1") from None


def _text(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    if b"=" in text:
        raise ValueError("padding")
    data = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if _text(data) != text:
        raise ValueError("bits beyond the last byte")  # the one spelling of some bytes is all that is taken
    return data
