"""Secrets by their form, name or place, in one line or in several, are hidden; what only looks like them stays."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.redaction import RULES, Redactor
from caseprobe.redaction.drawn import prefixed_tokens
from caseprobe.redaction.rules_services import CHAT, CLOUD, CODE, MODELS, MONEY, WATCHING, Form
from caseprobe.redaction.secret_names import Speaks, speaks
from caseprobe.redaction.secret_values import can_be_secret, looks_drawn

PIPE = Redactor(b"a key of this test, never of a machine", asset_masked=True)
FORMS = (*CODE, *CLOUD, *MODELS, *MONEY, *CHAT, *WATCHING)
PREFIX = "Nov 22 04:12:07 host1 app[731]: "
# A piece of a secret of this length is a leak.
PIECE = 6


def left_of(secret: str, text: str) -> list[str]:
    """The pieces of a secret that are still in what leaves."""
    masked = PIPE.text(text)
    pieces = [secret[at : at + PIECE] for at in range(max(1, len(secret) - PIECE + 1))]
    return [piece for piece in pieces if piece in masked]


@settings(max_examples=100)
@given(st.sampled_from(FORMS), st.data())
def test_a_token_of_any_issuer_is_hidden_wherever_it_stands(form: Form, data: st.DataObject) -> None:
    """A token drawn from its issuer's form leaves no trace in running text."""
    prefix, rest = form
    tail = data.draw(
        st.from_regex(re.compile(rest.replace(b",4096}+", b",}")), fullmatch=True).filter(lambda one: b"%" not in one)
    )
    token = (prefix + tail).decode()
    assert f" {token} " not in PIPE.text(f"used {token} for it")


LINES = (
    ("mount -o user=anna,pass=S3cretHarb12 //nas/x /mnt", "S3cretHarb12"),
    ('$db["default"]["password"] = "S3cretHarb12";', "S3cretHarb12"),
    ('{"name": "DB_PASSWORD", "value": "S3cretHarb12"}', "S3cretHarb12"),
    ("<Password><Value>S3cretHarb12</Value></Password>", "S3cretHarb12"),
    ("BORG_PASSPHRASE=orange harbour copper", "harbour copper"),
    ("Unseal Key 1: E6UlVPgyESChkAlmQPDFhWRmhezsSO6JaLYe5yMmTabH", "ESChkAlmQPDFhWRmhezsSO6JaL"),
    ("AppKey: 2B 7E 15 16 28 AE D2 A6 AB F7 15 88 09 CF 4F 3C", "2B 7E 15 16 28 AE"),
    ("crypto isakmp key S3cretHarb12 address 192.0.2.9", "S3cretHarb12"),
    ("rabbitmqctl change_password anna S3cretHarb12", "S3cretHarb12"),
    ("echo S3cretHarb12 | kinit anna", "S3cretHarb12"),
    ("db.example:5432:app:anna:S3cretHarb12", "S3cretHarb12"),
    ("anna l2tpd S3cretHarb12 *", "S3cretHarb12"),
    ("GET /reset/T3JhbmdlSGFyYm91cjEyZz12 HTTP/1.1", "T3JhbmdlSGFyYm91cjEyZz12"),
    ("A recovery key: 123456-234567-345678-456789-567890-678901-789012-890123", "456789-567890"),
    ("password=anna@db1.example.org/10.1.2.3!", "10.1.2.3!"),
)


@pytest.mark.parametrize(("line", "secret"), LINES)
def test_a_line_loses_its_secret_in_every_wrap(line: str, secret: str) -> None:
    """As it stands, behind a logger's prefix, inside JSON, and inside JSON in JSON."""
    once = json.dumps({"message": line})
    for text in (line, PREFIX + line, once, json.dumps({"log": once})):
        assert left_of(secret, text) == []


BLOCKS = (
    ("vault_pass: |\n  S3cretHarb12\nnext: 1", "S3cretHarb12"),
    ("unseal_keys_b64:\n- E6UlVPgyESChkAlmQPDF\n- F6UlVPgyESChkAlmQPDG\nnext: 1", "ESChkAlmQPD"),
    ("- name: DB_PASSWORD\n  value: S3cretHarb12\n- name: X", "S3cretHarb12"),
    ("<AdministratorPassword>\n <Value>S3cretHarb12</Value>\n</AdministratorPassword>", "S3cretHarb12"),
    ("x: $ANSIBLE_VAULT;1.1;AES256\n  3263313035376532353031316164363966376436\nend", "3263313035376532353031"),
    ("tokens {\n  agent = 224d3cf2-200a-4b73-a42c-176896c53bca\n}\nnext", "a42c-176896c53bca"),
)


@pytest.mark.parametrize(("text", "secret"), BLOCKS)
def test_a_secret_in_the_next_line_is_hidden_and_the_lines_keep_their_numbers(text: str, secret: str) -> None:
    """Also behind a logger's prefix, and where the lines are one string of JSON."""
    logged = "\n".join(PREFIX + line for line in text.split("\n"))
    for wrapped in (text, logged, json.dumps({"message": text})):
        assert left_of(secret, wrapped) == []
        assert PIPE.text(wrapped).count("\n") == wrapped.count("\n")
    assert PIPE.text(text).splitlines()[-1] == text.splitlines()[-1]


@settings(max_examples=40)
@given(st.lists(st.sampled_from([*(text for text, _ in BLOCKS), *(line for line, _ in LINES), "plain"])), st.data())
def test_the_cuts_make_no_difference_to_secrets_of_several_lines(parts: list[str], data: st.DataObject) -> None:
    """Fed in any pieces, the stream gives what the whole text gives."""
    text = "\n".join(parts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    stream = PIPE.stream()
    pieces = [stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert b"".join((*pieces, stream.close())) == PIPE.artifact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Failed password for root from 127.0.0.1 port 22 ssh2",
        "passwd: files systemd",
        "gdm-password]: pam_unix(gdm-password:session): session closed",
        "passwd[8]: pam_unix(passwd:chauthtok): password changed",
        "password required pam_unix.so nullok",
        "max_tokens=4096 token_type=bearer tokens: 12",
        "PWD=/usr/lib/app OLDPWD=/usr/lib",
        "password_file=/etc/app/pw",
        "db_password = ${DB_PASSWORD}",
        "docker-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.scope: Deactivated",
        "image nginx:1.25-alpine",
        "com.example.Main$Inner$Handler.run",
        "keyboard: us, bypass=true",
        "Bounds=Rect(0, 0 - 720, 1280) mSystemUiVisibility=8",
    ],
)
def test_what_only_speaks_of_secrets_stays(text: str) -> None:
    """Prose, policies, references and hashes of images are evidence."""
    assert PIPE.text(text) == text


def test_a_filesystem_goes_by_its_uuid_in_the_kernels_tree() -> None:
    """It has its own stand-in there as everywhere: it is no token of a link that is opened once."""
    filesystem = "f13acddc-6f78-451c-99cf-035edacb9c51"
    assert PIPE.text(f"/sys/fs/btrfs/{filesystem}") == f"/sys/fs/btrfs/{PIPE.text(filesystem)}"
    assert PIPE.text("GET /s/T3JhbmdlSGFyYm91cjEyZz12") == "GET /s/_hidden_one_use_"


def test_names_are_judged_by_their_words() -> None:
    """Every spelling of a name counts, and one that is about a secret does not."""
    sure = (b"DB_PASSWORD", b"clientSecret", b"ssl.key.password", b"rootpw", b"X-Vault-Token", b"x-clickhouse-key")
    no = (b"password_file", b"tokenType", b"publicKey", b"bypass", b"secret_name", b"session_timeout", b"monkey")
    assert {speaks(name) for name in sure} == {Speaks.SURE}
    assert {speaks(name) for name in no} == {Speaks.NO}
    assert (speaks(b"key"), speaks(b"code")) == (Speaks.LIKELY, Speaks.MAYBE)


@given(st.binary(max_size=200))
def test_judging_takes_any_bytes(data: bytes) -> None:
    """No name, value or line breaks a judge."""
    assert speaks(data) in Speaks
    assert can_be_secret(data) in (True, False) and looks_drawn(data) in (True, False)
    assert all(0 <= start < end <= len(data) for start, end in prefixed_tokens(data))


def test_every_rule_has_a_name_of_its_own() -> None:
    """Counts in reports are by name."""
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
