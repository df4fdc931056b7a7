"""The pipe hides secrets, gives pseudonyms that can be undone on the machine, and fails closed."""

from __future__ import annotations

import json

import pytest

from caseprobe.errors import RedactionError
from caseprobe.redaction import RULES, KnownNames, Redactor, known_names
from caseprobe.redaction.rule import HIDDEN, Rule
from caseprobe.v1 import link_pb2, path_pb2, section_pb2
from caseprobe.v1.snapshot_pb2 import Snapshot

KEY = b"a key of this test, never of a machine"
PASSWD = "root:x:0:0::/root:/bin/sh\nanna:x:1000:1000:Anna:/home/anna:/bin/sh\n"


def redactor(asset_masked: bool = True) -> Redactor:
    """A pipe that knows one host, one person and one neighbour."""
    return Redactor(KEY, asset_masked, known_names("db1.corp.example.com", PASSWD, "10.0.0.2 db2\n"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_hides_its_example_and_leaves_the_other(rule: Rule) -> None:
    """Every family of secrets has an example that is hidden by its own rule and one that stays as it is."""
    hidden = redactor().text(rule.positive)
    assert rule.marker().decode() in hidden
    assert redactor().text(hidden) == hidden
    assert HIDDEN.search(redactor().text(rule.negative).encode()) is None


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("Failed password for anna from 10.1.2.3 port 22", "Failed password for user-", "anna"),
        ("kernel: 192.168.1.1 sent an invalid ICMP", "sent an invalid ICMP", "192.168"),
        ("ping from 203.119.4.5:443", ":443", "203.119.4.5"),
        ("write to Boris.K@corp.example.com", "@", "boris.k"),
        ("cd /home/boris/x", "/home/user-", "boris"),
        ("DB1 is down, so is web7.corp.example.com", "is down, so is", "db1"),
        ("DB1 is down, so is web7.corp.example.com", "is down, so is", "web7"),
        ("ip-10-77-14-201 booted", "ip-250-", "10-77-14"),
        ("MAC=52:54:00:12:34:56:52:54:00:aa:bb:cc:08:00", "MAC=52:54:00:", "12:34:56"),
        ("port aabb.ccdd.eeff", "port aabb.cc", "dd.eeff"),
        ("SRC=2001:0db9:0000:0000:0000:0000:0000:0001 DST", "SRC=", "0db9"),
        ("see the version\n10.1.2.3", "see the version\n250.", "10.1"),
        ("b9000564-fe1a-409b-b8cc-1e88b294cd1d", "-", "b9000564"),
    ],
)
def test_identifiers_are_replaced_and_can_be_restored(text: str, kept: str, gone: str) -> None:
    """What identifies goes, what explains stays, a second run changes nothing, and unmask gives the text back."""
    masked = redactor().text(text)
    assert kept in masked
    assert gone not in masked.lower()
    assert redactor().text(masked) == masked
    assert redactor().unmask(masked) == text


@pytest.mark.parametrize(
    "text",
    [
        "Linux version 6.1.0.18-amd64",
        "kernel 6.1.0.18 booted",
        "nginx 1.18.0.4-2ubuntu1",
        "Mozilla/5.0 Chrome/120.0.0.0",
        "oid .1.3.6.1.4.1.2021",
        "netmask 255.255.255.0 on lo 127.0.0.1",
        "resolver 8.8.8.8 and ff02::1 and ::1 and fe80::1",
        "std::string at 12:34:56",
        "user@1000.service started",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "for user root at localhost",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    """Versions, hashes, units, special ranges and system accounts are evidence."""
    assert redactor().text(text) == text


def test_a_private_key_is_hidden_over_its_lines_and_the_lines_keep_their_numbers() -> None:
    """A key between BEGIN and END is gone, also behind a log's prefix or without its END."""
    body = "MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aumWVOpVBAdKqkLBOkXZbpV0PY\n"
    whole = f"before\n-----BEGIN RSA PRIVATE KEY-----\n{body}{body}-----END RSA PRIVATE KEY-----\nafter\n"
    cut = f"x: -----BEGIN PRIVATE KEY-----\nNov 1 app: {body}Nov 1 app: {body}Nov 1 app: all went well\n"
    for text, last in ((whole, "after"), (cut, "Nov 1 app: all went well")):
        masked = redactor().text(text)
        assert "MII" not in masked
        assert masked.count("\n") == text.count("\n")
        assert masked.splitlines()[-1] == last


CERTIFICATE = (
    "-----BEGIN CERTIFICATE-----\n"
    + "MIIDXTCCAkWgAwIBAgIJAKl2DLO9L0hdMA0GCSqGSIb3DQEBCwUAMEUxCzAJBgNV\nBAYTAkFVkBuET1BylE2D8KKSHn6o5ZiVTkXZBIse1g==\n"
    + "-----END CERTIFICATE-----\n"
)


def test_what_a_certificate_says_is_for_everybody() -> None:
    """It stays byte for byte, as a file and in JSON; the key behind it goes, and so does a body without END."""
    key = CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")
    assert redactor().text(CERTIFICATE) == CERTIFICATE
    assert redactor().text(json.dumps({"crt": CERTIFICATE})) == json.dumps({"crt": CERTIFICATE})
    assert redactor().text(CERTIFICATE + key).startswith(CERTIFICATE)
    for text in (CERTIFICATE + key, CERTIFICATE.partition("-----END")[0], CERTIFICATE.partition("\n")[2]):
        assert "MIIDXTCC" not in redactor().text(text).removeprefix(CERTIFICATE)
    with_secret = CERTIFICATE.replace("MIID", "password=hunter2x\nMIID")
    assert "hunter2x" not in redactor().text(with_secret)


@pytest.mark.parametrize("data", [b"\xff\xfep\0a\0s\0s\0", b"ELF" + b"\0" * 100])
def test_what_is_no_text_is_withheld(data: bytes) -> None:
    """Bytes in which the rules would be blind raise instead of passing."""
    with pytest.raises(RedactionError):
        redactor().artifact(data)


def test_a_line_without_an_end_is_replaced_whole() -> None:
    """More than a megabyte in one line cannot be judged at its cuts, so none of it is sent."""
    masked = redactor().artifact(b"a\n" + b"x" * (1 << 20) + b"password=hunter2\nb\n")
    assert masked == b"a\n_hidden_overlong_line_\nb\n"


@pytest.mark.parametrize("word", ["a.zip", "docker", "user.rar", ": rsa", "priv aes", "rocommunity"])
def test_a_line_may_end_where_a_rule_would_begin(word: str) -> None:
    """What follows in the next line does not make it one, and nothing is withheld for it."""
    assert redactor().text(f"see {word}\nnext\n") == f"see {word}\nnext\n"


def test_no_marker_is_taken_for_a_key_with_a_secret_behind_it() -> None:
    """However the two are joined."""
    text = "".join(f"{rule.marker().decode()}{sign}hunter2\n" for rule in RULES for sign in ("=", ": ", " "))
    assert redactor().text(text) == text


def test_a_short_key_is_refused() -> None:
    """Without a sound key there are no pseudonyms, so nothing is sent at all."""
    with pytest.raises(RedactionError, match="16 bytes"):
        Redactor(b"short", asset_masked=True)


def full_snapshot() -> Snapshot:
    """A snapshot with a datum of every privacy class."""
    system = section_pb2.SystemFacts(host_name="db1.corp.example.com", os_name="Debian GNU/Linux")
    interface = section_pb2.Interface(name="eth0", mac="52:54:00:12:34:56", addresses=["10.1.2.3/24", "127.0.0.1/8"])
    hardware = section_pb2.HardwareFacts(serial="S3X9NX0J", vendor="QEMU")
    hop = path_pb2.PathHop(ttl=1, addresses=[bytes([10, 1, 2, 1]), bytes([203, 119, 4, 5])])
    lines = [section_pb2.SourceLine(source="dmesg", line=1, text="db1: serial S3X9NX0J token=abcd1234efgh")]
    return Snapshot(
        snapshot_id="snap_1",
        boot_id="b9000564-fe1a-409b-b8cc-1e88b294cd1d",
        sections=[
            section_pb2.Section(probe="system", system=system, lines=lines),
            section_pb2.Section(interfaces=section_pb2.InterfacesFacts(interfaces=[interface])),
            section_pb2.Section(hardware=hardware),
            section_pb2.Section(path=path_pb2.PathFacts(target="db.example", hops=[hop])),
        ],
    )


def test_a_snapshot_is_treated_field_by_field() -> None:
    """Public stays, internal and asset are masked, and the report counts without a value."""
    masked = redactor().snapshot(full_snapshot())
    system, interfaces, hardware, path = masked.sections
    assert (masked.snapshot_id, system.system.os_name, hardware.hardware.vendor) == (
        "snap_1",
        "Debian GNU/Linux",
        "QEMU",
    )
    assert system.system.host_name.startswith("host-")
    assert interfaces.interfaces.interfaces[0].mac.startswith("52:54:00:")
    first, second = interfaces.interfaces.interfaces[0].addresses
    assert first.startswith("250.") and first.endswith("/24") and second == "127.0.0.1/8"
    assert path.path.hops[0].addresses[0][0] == 250 and path.path.hops[0].addresses[1] == bytes([203, 119, 4, 5])
    assert system.lines[0].text.startswith("host-") and "S3X9" not in str(masked) and "abcd1234" not in str(masked)
    assert {count.rule for count in masked.redaction.counts} >= {"host", "mac", "serial", "uuid", "assignment"}


def test_an_enrolled_machine_keeps_its_label_and_serial() -> None:
    """Where assets are sent, the machine's own name and serial stay in facts and text; neighbours do not."""
    masked = redactor(asset_masked=False).snapshot(full_snapshot())
    assert masked.sections[0].system.host_name == "db1.corp.example.com"
    assert masked.sections[2].hardware.serial == "S3X9NX0J"
    assert masked.sections[0].lines[0].text.startswith("db1: serial S3X9NX0J token=_hidden")
    assert "db2" not in redactor(asset_masked=False).text("asked db2")


def test_fields_that_this_version_does_not_know_are_dropped() -> None:
    """A newer probe's field cannot slip through an older pipe."""
    raw = full_snapshot()
    raw.sections[0].MergeFromString(bytes([0xFA, 0x3F, 0x06]) + b"secret")
    assert b"secret" in raw.SerializeToString()
    assert b"secret" not in redactor().snapshot(raw).SerializeToString()


def test_live_rounds_keep_public_routers_and_hide_private_ones() -> None:
    """A hop inside the customer's network is masked, a public router is what a path is about."""
    replies = [
        path_pb2.HopReply(ttl=1, address=bytes([192, 168, 1, 1])),
        path_pb2.HopReply(ttl=2, address=bytes([203, 119, 4, 5])),
    ]
    rounds = link_pb2.Rounds(session_id="sess_1", rounds=[path_pb2.PathRound(number=1, replies=replies)])
    first, second = redactor().rounds(rounds).rounds[0].replies
    assert first.address[:2] == bytes([251, 168]) and second.address == bytes([203, 119, 4, 5])


def test_names_come_from_the_machines_own_files() -> None:
    """People, their homes, the host's own names and its neighbours are known; system accounts are not hidden."""
    known = known_names("db1", PASSWD, "127.0.0.1 localhost\n10.0.0.1 db1.corp.example.com db1 # me\n10.0.0.2 db2\n")
    assert known == KnownNames(
        ("db1", "db1.corp.example.com"), ("anna",), ("/home/anna",), ("localhost", "db2"), persons=("Anna",)
    )
