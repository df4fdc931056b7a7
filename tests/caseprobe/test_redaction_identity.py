"""One value is one pseudonym, different values are different, all of it can be undone, and parsers read the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv6Address
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.parse.diskstats import parse_diskstats
from caseprobe.parse.fstab import parse_fstab
from caseprobe.parse.logs.syslog import parse_syslog_line
from caseprobe.parse.mdstat import parse_mdstat
from caseprobe.parse.meminfo import parse_meminfo
from caseprobe.parse.mountinfo import parse_mountinfo
from caseprobe.parse.net_dev import parse_net_dev
from caseprobe.parse.os_release import parse_os_release
from caseprobe.parse.passwd import parse_passwd
from caseprobe.parse.proxies import parse_environment
from caseprobe.parse.resolv_conf import parse_resolv_conf
from caseprobe.parse.time_servers import parse_time_servers
from caseprobe.redaction import KnownNames, Redactor
from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.casing import dressed, lowered, undressed
from caseprobe.redaction.numbers import card, iban, laid_back, phone
from caseprobe.redaction.permutation import Prefixes
from caseprobe.redaction.pseudonyms import Pseudonyms, is_masked_name
from caseprobe.v1 import section_pb2
from caseprobe.v1.snapshot_pb2 import Snapshot
from tests.evaluation.identifiers import network, people, untouched, values
from tests.evaluation.identifiers.kind import Kind
from tests.evaluation.identifiers.measure import score
from tests.evaluation.identifiers.measure import untouched as changed
from tests.machines import golden

KEY = b"a key of this test, never of a machine"
PIPE = Redactor(KEY, asset_masked=True, known=KnownNames(hosts=("till7.shop.example.org",), users=("marta",)))
NAMES, ADDRESSES = Pseudonyms(KEY), Addresses(KEY)
KINDS = (*network.ALL, *people.ALL)
words = st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True)
numbers = st.integers(0, 10**6)
Facts = Callable[[str], object]


def lines_of(seed: int) -> str:
    """One line of every context of every kind."""
    found = []
    for number, kind in enumerate(KINDS):
        value = kind.draw(Random(f"{seed} {number}"))
        found += [line.replace("{value}", kind.spellings[seed % len(kind.spellings)](value)) for line in kind.contexts]
    return "\n".join(found)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_hidden_under_one_pseudonym_and_comes_back(kind: Kind) -> None:
    """In its usual lines and spellings a value is gone, stays the same value, and unmask gives the text back."""
    found = score([kind], seed=3, each=2)[kind.name]
    assert found.missed == []
    assert found.hidden == found.stable == found.restored == found.planted
    assert found.one_pseudonym == found.values


def test_what_identifies_nobody_is_evidence_and_stays() -> None:
    """Versions, hashes, ids of blocks and containers, dates, special ranges, system accounts, files, classes."""
    assert changed(untouched.ALL) == []


@given(words, words)
def test_the_case_of_a_text_can_be_carried_by_another(plain: str, like: str) -> None:
    """Where there are enough letters, the case comes back exactly."""
    worn = dressed(lowered(plain), like)
    assert worn is None or undressed(lowered(like), worn) == like


@given(words, st.sampled_from([str.lower, str.upper, str.title, str.swapcase]))
def test_a_name_has_one_pseudonym_in_any_case(name: str, spell: Callable[[str], str]) -> None:
    """Upper, lower or mixed: the same but for its letters' case, and each comes back as it was."""
    one, other = NAMES.name("host", name), NAMES.name("host", spell(name))
    assert one.lower() == other.lower() or len(name) > 60
    assert NAMES.unmask_name(other) == spell(name) and is_masked_name(other)


@given(st.integers(0, 2**125 - 1), st.integers(0, 128))
def test_ipv6_subnets_stay_subnets_and_spellings_stay_spellings(value: int, shared: int) -> None:
    """Two addresses share as many leading bits after masking; short, full and zero-padded are one address."""
    one = IPv6Address(1 << 125 | value)
    other = IPv6Address(int(one) ^ (1 << (128 - shared) - 1 if 3 < shared < 128 else 0))
    masked = [IPv6Address(ADDRESSES.mask(str(address))) for address in (one, other)]
    assert (int(one) ^ int(other)).bit_length() == (int(masked[0]) ^ int(masked[1])).bit_length()
    for spell in (str, lambda address: address.exploded, lambda address: values.with_zeros(str(address))):
        written = ADDRESSES.mask(spell(one))
        assert IPv6Address(written) == masked[0] and len(written) == len(spell(one))
        assert ADDRESSES.unmask(written) == spell(one)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 64))
def test_a_permutation_in_groups_can_be_undone_and_keeps_their_width(value: bytes, keep: int) -> None:
    """A group of n hexadecimal digits stays one of n."""
    prefixes = Prefixes(KEY, in_groups=True)
    masked = prefixes.permute(value, keep)
    assert prefixes.restore(masked, keep) == value
    widths = [
        [int.from_bytes(one[at : at + 2], "big").bit_length() for at in range(0, 16, 2)] for one in (value, masked)
    ]
    assert widths[0] == widths[1]


@given(numbers, st.sampled_from(["card", "iban", "phone"]), st.integers(0, 2))
def test_numbers_have_one_pseudonym_in_any_grouping(seed: int, kind: str, spelling: int) -> None:
    """Cards, accounts and telephones: the grouping stands behind the pseudonym, and the text comes back."""
    found = next(one for one in KINDS if one.name.lower() == kind)
    value = found.draw(Random(seed))
    mask = {"card": card, "iban": iban, "phone": phone}[kind]
    spelled = found.spellings[spelling % len(found.spellings)](value)
    masked = mask(NAMES, spelled)
    assert masked.partition(".")[0] == mask(NAMES, value)
    assert laid_back(NAMES, masked) == spelled


@settings(max_examples=15)
@given(numbers, st.lists(st.integers(0, 20_000), max_size=8))
def test_real_lines_in_any_pieces_are_masked_once_and_come_back(seed: int, places: list[int]) -> None:
    """All kinds in one text: cut anywhere, masked twice, unmasked: nothing is lost or changed."""
    text = lines_of(seed)
    data, masked = text.encode(), PIPE.text(text)
    cuts = sorted(min(place, len(data)) for place in places)
    stream = PIPE.stream()
    pieces = [stream.feed(data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert b"".join((*pieces, stream.close())) == PIPE.artifact(data)
    assert PIPE.text(masked) == masked
    for line, hidden in zip(text.split("\n"), masked.split("\n"), strict=True):
        assert "_hidden_" in hidden or PIPE.unmask(hidden) == line


@pytest.mark.parametrize(
    ("text", "same"),
    [
        # Each of these was broken by a well-known cleaner: hosts merged, prefixes added, networks split, syntax lost.
        ("10.1.1.10 10.1.1.1 10.1.1.100", lambda raw, out: len(set(out.split())) == 3),
        ("http://10.77.14.3:3128", lambda raw, out: out.startswith("http://250.") and out.endswith(":3128")),
        ("10.20.0.3\thost2", lambda raw, out: "/" not in out and "\t" in out),
        ("10.20.0.1 10.20.0.99", lambda raw, out: len({one.rpartition(".")[0] for one in out.split()}) == 1),
        ("172.17.0.1 from 10.9.9.9", lambda raw, out: "172.17." not in out and "100.0.0." not in out),
        ("4.12.0.3-2~bpo12 is the version", lambda raw, out: out == raw),
        ("kernel 6.1.0.18", lambda raw, out: out == raw),
        ("ff02::1 33:33:00:00:00:01 01:00:5e:00:00:fb", lambda raw, out: out == raw),
        ("2001:4ca0:0:101::1", lambda raw, out: IPv6Address(out) and out.count(":") == raw.count(":")),
        ("kernel.hostname = till7", lambda raw, out: out.startswith("kernel.hostname = host-")),
        ("TILL7 Till7 till7", lambda raw, out: len({one.lower() for one in out.split()}) == 1),
        (
            "4.3.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.2.0.a.2.0.2.a.2.ip6.arpa".replace(
                "0.2.a.2.ip6", "2.0.a.2.ip6"
            ),
            lambda raw, out: out.endswith(".ip6.arpa") and out[:9] != raw[:9] and len(out) == len(raw),
        ),
        ("7.14.77.10.in-addr.arpa", lambda raw, out: out.endswith(".250.in-addr.arpa")),
    ],
)
def test_damage_that_others_do_is_not_done(text: str, same: Callable[[str, str], bool]) -> None:
    """Hosts stay apart, networks together, syntax whole, versions and special addresses what they are."""
    masked = PIPE.text(text)
    assert same(text, masked), masked
    assert PIPE.unmask(masked) == text


def files() -> list[tuple[str, Path, Facts]]:
    """Files of the golden machines, and what reads them."""
    readers: dict[str, Facts] = {
        "proc/mdstat": parse_mdstat,
        "proc/meminfo": parse_meminfo,
        "proc/net/dev": parse_net_dev,
        "proc/diskstats": parse_diskstats,
        "proc/self/mountinfo": parse_mountinfo,
        "proc/1/mountinfo": parse_mountinfo,
        "etc/fstab": parse_fstab,
        "etc/os-release": parse_os_release,
        "etc/resolv.conf": parse_resolv_conf,
        "etc/passwd": parse_passwd,
    }
    found = [
        (f"{name} {path}", golden.root_of(name) / path, read)
        for name in golden.names()
        for path, read in readers.items()
    ]
    return [one for one in found if one[1].is_file()]


@pytest.mark.parametrize(("path", "read"), [one[1:] for one in files()], ids=[one[0] for one in files()])
def test_a_parser_reads_the_same_facts_of_a_masked_file(path: Path, read: Facts) -> None:
    """Parsed after masking and turned back, the facts are those of the raw file."""
    raw = path.read_text(encoding="utf-8")
    assert PIPE.unmask(repr(read(PIPE.text(raw)))) == repr(read(raw))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("nameserver 10.3.4.5\nnameserver fd00::53\nsearch corp.kestrel.com lan.quellen.de\n", parse_resolv_conf),
        ("UUID=8e1f9e2a-6c2e-4a8e-9f6c-0d6d1b2c3d4e /boot ext4 defaults 0 2\n", parse_fstab),
        ("nas1.kestrel.com:/export/home /home nfs rw,addr=10.3.4.5 0 0\n//nas2/x /mnt cifs ro 0 0\n", parse_fstab),
        ("root:x:0:0:root:/root:/bin/sh\njdoe:x:1000:1000:J Doe,,,:/home/jdoe:/bin/sh\n", parse_passwd),
        ("http_proxy=http://proxy7.kestrel.com:3128\nno_proxy=localhost,10.0.0.0/8\n", parse_environment),
        ("server ntp1.kestrel.com iburst\npool 10.3.4.6\n", parse_time_servers),
    ],
)
def test_a_parser_reads_the_same_facts_of_masked_settings(text: str, read: Facts) -> None:
    """Resolvers, mounts, accounts, proxies and time servers: the same facts up to the mapping."""
    masked = PIPE.text(text)
    assert masked != text
    assert PIPE.unmask(repr(read(masked))) == repr(read(text))


def test_a_log_line_is_read_the_same_masked() -> None:
    """Time, program and message of syslog lines are where they were."""
    now = datetime(2026, 11, 22, 5, tzinfo=UTC)
    for line in lines_of(5).split("\n"):
        raw, masked = (parse_syslog_line(one, now, 0) for one in (line, PIPE.text(line)))
        assert (raw is None) is (masked is None)
        if raw is not None and masked is not None and "_hidden_" not in repr(masked):
            assert PIPE.unmask(repr(masked)) == repr(raw)


def test_a_fact_and_a_text_have_one_pseudonym_for_one_host() -> None:
    """A name that holds an address, and everybody's sites, are treated in facts as in lines."""
    for name in ("ip-10-1-2-3", "ip-10-1-2-3.ec2.internal", "WEB7.corp.example.com", "deb.debian.org", "till7"):
        section = section_pb2.Section(resolvers=section_pb2.ResolversFacts(search_domains=[name]))
        masked = PIPE.snapshot(Snapshot(sections=[section])).sections[0].resolvers.search_domains[0]
        assert PIPE.text(f"Host: {name}") == f"Host: {masked}"
