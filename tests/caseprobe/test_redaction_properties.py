"""What must hold of pseudonyms and of the pipe for every input, not only for the ones that somebody thought of."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caseprobe.redaction import RULES, KnownNames, Redactor
from caseprobe.redaction.addresses import KEPT_IPV4, MOVED_IPV4, MOVED_IPV6, WELL_KNOWN, Addresses
from caseprobe.redaction.lines import Looks
from caseprobe.redaction.permutation import permute_bytes, permute_prefixes, restore_bytes, restore_prefixes
from caseprobe.redaction.pseudonyms import Pseudonyms, is_masked_name
from caseprobe.redaction.secrets import LOOKS

KEY = b"a key of this test, never of a machine"
ADDRESSES, NAMES = Addresses(KEY), Pseudonyms(KEY)
KNOWN = KnownNames(hosts=("db1.corp.example.com",), users=("anna", "beef"), peers=("db2", "acme.example"))
RESERVED = IPv4Network("250.0.0.0/7")

ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address).filter(lambda address: address not in RESERVED)
ipv6 = st.builds(
    lambda head, rest: IPv6Address((head << 112) | rest),
    st.sampled_from([0x2001, 0x2A02, 0x3001, 0xFD12, 0xFC00, 0xFE80, 0xFF02, 0]),
    st.integers(0, 2**112 - 1),
).filter(lambda address: address not in IPv6Network("fe80:0:0:ca5e::/63"))
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
macs = st.tuples(st.binary(min_size=6, max_size=6), st.sampled_from("-:"), st.booleans()).map(
    lambda one: one[0].hex(one[1]).upper() if one[2] else one[0].hex(one[1])
)
WORDS = """
anna ANNA beef db1 DB1.corp.example.com web7.corp.example.com db2 root 10.1.2.3 10.1.2.30 203.119.4.5:443 8.8.8.8
6.1.0.18-amd64 version from for user password=hunter2 token: abc123def456 https://u:p4ss@db2/x anna@acme.example
52:54:00:12:34:56 2001:db9::1 fd00::17 fe80::5054:ff:fe12:3456 b9000564-fe1a-409b-b8cc-1e88b294cd1d /home/boris/x
ip-10-2-3-4 Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh12345678 secret: password: , ; : = " \' x.y user=kim
host-abcdefghijkl _hidden_assignment_ community --token x=1 key: beef12 Cookie: a=b -----BEGIN psk="two words" $6$
"""
words = st.sampled_from(WORDS.split())
lines = st.lists(st.lists(words, max_size=8).map(" ".join), max_size=12).map("\n".join)


PIPE = Redactor(KEY, asset_masked=True, known=KNOWN)


def redactor() -> Redactor:
    """A pipe with a few known names, all of them hidden; one for all tests, since a run uses one for all texts."""
    return PIPE


@given(st.binary(min_size=1, max_size=16), st.integers(0, 24))
def test_a_prefix_permutation_can_be_undone(value: bytes, keep_bits: int) -> None:
    """Restoring gives what was permuted, however many leading bits are kept."""
    assert restore_prefixes(KEY, permute_prefixes(KEY, value, keep_bits), keep_bits) == value


@given(st.binary(min_size=2, max_size=300))
def test_a_byte_permutation_can_be_undone(value: bytes) -> None:
    """Restoring gives what was permuted, and the length stays."""
    masked = permute_bytes(KEY, value)
    assert restore_bytes(KEY, masked) == value and len(masked) == len(value)


def test_a_byte_permutation_never_merges_short_values() -> None:
    """All 16,384 values with one prefix of two bits go to as many different ones."""
    assert len({permute_bytes(KEY, number.to_bytes(2, "big")) for number in range(1 << 14)}) == 1 << 14


@given(ipv4)
@example(IPv4Address("10.0.0.0"))
@example(IPv4Address("172.31.255.255"))
def test_ipv4_is_masked_out_of_every_real_range_and_back(address: IPv4Address) -> None:
    """Special ranges stay; all else leaves for reserved or impossible addresses, and unmask brings it back."""
    text = str(address)
    masked = ADDRESSES.mask(text)
    kept = text in WELL_KNOWN or any(address in network for network in KEPT_IPV4)
    assert (masked == text) is kept
    assert kept or int(masked.split(".")[0]) > 255 or IPv4Address(masked) in RESERVED
    assert kept or ADDRESSES.unmask(masked) == text


@given(st.lists(st.one_of(ipv4.map(str), st.sampled_from(["192.0.2.7", "198.51.100.9", "1.2.3.400", "01.2.3.4"]))))
def test_many_addresses_at_once_get_the_pseudonyms_that_each_gets(texts: list[str]) -> None:
    """What is known of their networks changes nothing; what is no address stays."""
    addresses = Addresses(KEY)
    masked = [one.decode() for one in addresses.mask_all([text.encode() for text in texts])]
    for text, found in zip(texts, masked, strict=True):
        try:
            assert found == addresses.mask(text)
        except ValueError:
            assert found == text


AROUND = """
from to by version= rhost= src= [ ( relay=mx7.acme.com[ client= for firmware Chrome/ user@ http:// ip- , = : " ' ] )
:22 /24 port -1.el8 .5 x 10.1.2.3 203.119.4.5 8.8.8.8 6.1.0.18 1.2.3.400 192.0.2.1 host-abc sshd[7]: kim
"""


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from(AROUND.split()), st.sampled_from(["", " ", "\n", "\nNov 22 04:12:07 web7 "])))
)
def test_addresses_that_are_taken_out_at_once_are_those_that_the_finder_finds(parts: list[tuple[str, str]]) -> None:
    """With a mark of its own in a text all of it goes piece by piece, and comes out the same."""
    text = "".join(word + gap for word, gap in parts)
    assert redactor().text(f"{text}\n\x01") == f"{redactor().text(text)}\n\x01"


@given(ipv4, ipv4)
def test_different_ipv4_addresses_never_share_a_pseudonym(one: IPv4Address, other: IPv4Address) -> None:
    """Two hosts are never merged into one."""
    assert (ADDRESSES.mask(str(one)) == ADDRESSES.mask(str(other))) is (one == other)


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
def test_subnets_stay_subnets(one: int, other: int) -> None:
    """Two private addresses share exactly as many leading bits after masking as before."""
    raw = [(10 << 24) + number for number in (one, other)]
    masked = [int(IPv4Address(ADDRESSES.mask(str(IPv4Address(number))))) for number in raw]
    assert (raw[0] ^ raw[1]).bit_length() == (masked[0] ^ masked[1]).bit_length()


@given(ipv6, st.booleans(), st.booleans())
def test_ipv6_keeps_its_spelling_and_comes_back(address: IPv6Address, padded: bool, upper: bool) -> None:
    """Short or padded, upper or lower case: unmask gives the very same text; special ranges are untouched."""
    text = address.exploded if padded else str(address)
    text = text.upper() if upper else text
    masked = ADDRESSES.mask(text)
    moved = any(address in move.source for move in MOVED_IPV6)
    assert ADDRESSES.unmask(masked) == text
    assert moved or masked == text
    assert ADDRESSES.mask(masked) == masked


def test_moved_ranges_do_not_touch() -> None:
    """No two ranges are moved to one place, and no target lies in what is masked."""
    for moves in (MOVED_IPV4, MOVED_IPV6):
        targets = [move.target for move in moves]
        assert not any(a.overlaps(b) for a in targets for b in targets if a is not b)
        assert all(a.num_addresses == b.num_addresses for a, b in ((move.source, move.target) for move in moves))


@given(st.sampled_from(("host", "user", "serial")), names)
def test_names_come_back_and_are_known_again(kind: str, name: str) -> None:
    """A name's pseudonym is recognised without a key, stays under a second masking, and can be undone."""
    masked = NAMES.name(kind, name)
    assert is_masked_name(masked) and NAMES.name(kind, masked) == masked
    assert Pseudonyms(b"another key").name(kind, masked) == masked
    assert NAMES.unmask_name(masked) == name


@given(names, names)
def test_different_names_never_share_a_pseudonym(one: str, other: str) -> None:
    """Two hosts, or two people, are never merged into one."""
    assert (NAMES.name("host", one) == NAMES.name("host", other)) is (one == other)


@given(macs)
def test_hardware_addresses_keep_vendor_and_form(mac: str) -> None:
    """The vendor's half and the separators stay, the rest can be no real address, and unmask gives it back."""
    masked = NAMES.mac(mac)
    special = int(mac[:2], 16) & 1 or int(mac.replace("-", "").replace(":", ""), 16) == 0
    assert masked == mac if special else (masked[:8] == mac[:8] and NAMES.unmask_mac(masked) == mac)
    assert special or NAMES.mac(masked) == masked


@given(st.uuids(), st.booleans())
def test_uuids_come_back(value: object, upper: bool) -> None:
    """A UUID keeps its groups and can be undone."""
    text = str(value).upper() if upper else str(value)
    assert NAMES.unmask_uuid(NAMES.uuid(text)) == text


@settings(max_examples=120)
@given(lines)
@example("from user b9000564-fe1a-409b-b8cc-1e88b294cd1d")
@example("from host " + "b" * 62)
def test_masking_twice_is_masking_once(text: str) -> None:
    """What left the pipe passes it unchanged."""
    masked = redactor().text(text)
    assert redactor().text(masked) == masked
    assert masked.count("\n") == text.count("\n")


@settings(max_examples=100)
@given(lines)
def test_unmask_restores_every_identifier(text: str) -> None:
    """Apart from secrets, which are gone, unmask gives the text back byte for byte."""
    if "_hidden_" not in (masked := redactor().text(text)):
        assert redactor().unmask(masked) == text


@settings(max_examples=100)
@given(st.binary(max_size=400))
def test_bytes_that_are_no_text_are_refused_or_left_whole(data: bytes) -> None:
    """No input breaks the pipe: it gives bytes back or withholds."""
    try:
        assert redactor().artifact(data).count(b"\n") == data.count(b"\n")
    except Exception as error:
        assert type(error).__name__ == "RedactionError" and "inside" not in str(error)


OPEN_BLOCK = (
    "-----BEGIN PUBLIC KEY-----\n"
    + "MIGeMA0GCSqGSIb3DQEBAQUAA4GMADCBiAKBgE1c7xYz0aB3dEfGh1jKlMn0pQr5\n" * 2
    + "-----END PUBLIC KEY-----"
)
KEY_BLOCK = "-----BEGIN PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA1c7\n" * 3 + "-----END PRIVATE KEY-----"


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(
            lines, st.sampled_from([KEY_BLOCK, OPEN_BLOCK, OPEN_BLOCK[:120], "-----BEGIN PRIVATE KEY-----\nnot one"])
        ),
        max_size=5,
    ),
    st.data(),
)
def test_the_cuts_between_chunks_make_no_difference(parts: list[str], data: st.DataObject) -> None:
    """Fed in any pieces, the stream gives what the whole text gives."""
    text = "\n".join(parts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    stream = redactor().stream()
    pieces = [stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert b"".join((*pieces, stream.close())) == redactor().artifact(text)


def test_an_endless_line_is_withheld_by_the_stream_as_by_the_whole() -> None:
    """Memory stays bounded, and no part of the line is sent."""
    text = b"a\n" + b"x=1 " * 500_000 + b"\nb\n"
    stream = redactor().stream()
    pieces = [stream.feed(text[at : at + 65_536]) for at in range(0, len(text), 65_536)]
    assert b"".join((*pieces, stream.close())) == redactor().artifact(text) == b"a\n_hidden_overlong_line_\nb\n"


HOSTILE_BYTES = 8 << 10
HOSTILE = (
    *("a", "aA1+", "1.", "10.0.0.1", "1:", "::", "fe80:", "aa:", "a-", "-a", "0a-", "@", "a@", "a@a.", "%41", "\\n"),
    *(
        "password",
        "password=",
        "password:",
        "pass_",
        "token ",
        '"secret":"',
        "secret\\",
        "=",
        "--token",
        "--a-",
        "://",
        "://a:",
    ),
    *(
        "eyJ",
        "eyJaaaaaaaa.",
        "$6$",
        "-----BEGIN PRIVATE KEY-----",
        "<password>",
        "<a:",
        "cookie:",
        "authorization: ",
        "bearer ",
    ),
    *(
        "mysql -a ",
        "curl -H x ",
        "snmpget x ",
        "CP1-AAAAA-",
        "/home/a",
        "user=",
        " for user a",
        "ghp_",
        "host-",
        "key 7 ",
        ",a",
    ),
    *(
        *("+1 ", "John <", "John ", "/by-id/ata-a_", "tel: ", "SN:", "account=", "DE12", "DE12 ", "4111 ", "a.com-"),
        *("Nov 22 04:12:07 ", "x.", "x::", "owner of ", "\\users\\", "http://a:", "uid=1(a)", "1-", "a@b "),
        " \t",
        "'",
        "{{",
        "session_key.",
        "com2sec a b ",
        "otpauth://?",
        "sig=",
        "login a password ",
        "\n",
        "\r",
        "-2-",
        "x.y@",
        "0: 0301060A:",
        "login(a,",
        "['1,",
        "1,1,1,",
        "auth x:aaa-aaa11 ",
        "--a-auth x:",
        "user=a%",
        "MIIEIBA",
        "?aaaaaaaaaaaaaa ",
        "----- BEGIN CERTIFICATE-----",
        "\t0301060A",
        "fd000000000000000000000000000001 ",
    ),
)


def calls_for(data: bytes) -> int:
    """How many functions are called, in Python and below, to pass a text through the pipe."""
    total = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal total
        total += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        redactor().artifact(data)
    finally:
        sys.setprofile(before)
    return total


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_no_input_makes_a_pattern_try_again_and_again(piece: str) -> None:
    """Twice as many of a piece that a pattern looks for, in one line, are looked at twice as often; once more for each
    that came before would be four times. How far one look reads has a limit (test_redaction_patterns)."""
    once, twice = (calls_for((piece * (size // len(piece))).encode()) for size in (HOSTILE_BYTES, 2 * HOSTILE_BYTES))
    assert twice <= 2.2 * once


LONG_BYTES, CALLS_A_BYTE = 100_000, 12


@pytest.mark.parametrize("name", ["call", "der_form", "byte_list", "pairing", "near", "one_use", "login_option"])
def test_a_line_of_nothing_but_a_rules_own_example_takes_bounded_work(name: str) -> None:
    """A hundred thousand characters that a rule looks for: a few calls for each of them, in Python and below."""
    piece = next(rule.positive for rule in RULES if rule.name == name)
    assert calls_for((piece * (LONG_BYTES // len(piece))).encode()) <= CALLS_A_BYTE * LONG_BYTES


@given(st.lists(st.sampled_from([*HOSTILE, " ", "zip", "docker", "auth md5", "\r"]), max_size=40))
@example(["zip", "\n", "x"])
def test_a_line_that_is_found_in_a_text_is_found_by_itself(pieces: list[str]) -> None:
    """Both looks at a text see the same, so a line that is picked is never passed on unread."""
    looks, text = Looks(LOOKS), "".join(pieces).encode()
    assert all(looks.of(text[start:end]) for start, end in looks.lines(text))
