"""The second scanner and the sentinel find what slipped past the pipe, and are silent about what did not."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest

from caseprobe.redaction import RULES, Redactor
from caseprobe.redaction.rule import Rule
from caseprobe.redaction.second import exposed, leaks
from caseprobe.sentinel import sentinel_hits, sentinel_line

PIPE = Redactor(b"a key of this test, never of a machine", asset_masked=True)
SENTINEL = "q7Zk2vXw9Lm4Tn8R"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AKIAQYLPMN5HHHFPZAM2", "aws key id"),
        ("x=ghp_16C7e42F292c6912E7710c838347Ae178B4a", "github token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x", "jwt"),
        ("anna:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o:19000", "password hash"),
        ("https://anna:hunter2@db2/", "password in a url"),
        ('{"db_password": "Tr0ub4dor&3x"}', "assigned secret"),
        ("API_TOKEN=a81bc81bdead4e5d", "assigned secret"),
        ("Authorization: Bearer mF_9.B5f-4.1JqM5z8kQx", "credentials in a header"),
        ("-----BEGIN PRIVATE KEY-----", "private key"),
        ("--to CP1-MFRGG-ZDFMZ-TWQ2L-KMFRG-GZDFM-ZTWQ2-LKMFR", "join code"),
    ],
)
def test_a_secret_is_named_by_kind_and_gone_after_the_pipe(text: str, kind: str) -> None:
    """What the scanner sees in the raw text it no longer sees in what leaves."""
    assert leaks(text.encode()) == [kind]
    assert leaks(PIPE.artifact(text.encode())) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_scanner_is_silent_about_clean_text(rule: Rule) -> None:
    """No cleaned example and no harmless one is taken for a secret, or a bundle would be withheld for nothing."""
    assert leaks(PIPE.artifact(f"{rule.positive}\n{rule.negative}\n".encode())) == []


def test_identifiers_in_clear_are_named() -> None:
    """Private addresses, hardware addresses and e-mail show before the pipe and not after it."""
    text = b"from 192.168.1.7 52:54:00:12:34:56 anna@acme.example at 12:34:56"
    assert exposed(text) == ["email", "mac address", "private address"]
    assert exposed(PIPE.artifact(text)) == []


def test_a_planted_sentinel_does_not_pass_the_pipe() -> None:
    """The line that is planted in every source loses its sentinel like any other secret."""
    planted = f"one\n{sentinel_line(SENTINEL)}\ntwo\n"
    assert sentinel_hits(planted.encode(), SENTINEL) == ["plain"]
    assert sentinel_hits(PIPE.text(planted).encode(), SENTINEL) == []


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (SENTINEL.lower().encode(), "any case"),
        (b64encode(b"--" + SENTINEL.encode() + b"--"), "base64"),
        (b64encode(b"-" + SENTINEL.encode() + b"-"), "base64"),
        (urlsafe_b64encode(SENTINEL.encode()), "base64"),
        (SENTINEL.encode().hex().upper().encode(), "hex"),
        ("".join(f"%{ord(char):02X}" for char in SENTINEL).encode(), "url"),
        ("".join(f"\\u{ord(char):04x}" for char in SENTINEL).encode(), "json"),
        ("".join(f"&#{ord(char)};" for char in SENTINEL).encode(), "html"),
        (SENTINEL.encode("utf-16-le"), "utf-16-le"),
        (SENTINEL.encode("utf-16-be"), "utf-16-be"),
        (SENTINEL[::-1].encode(), "backwards"),
    ],
)
def test_a_sentinel_is_found_in_every_encoding(data: bytes, encoding: str) -> None:
    """However a source was wrapped on its way, the sentinel shows."""
    assert encoding in sentinel_hits(b"xx " + data + b" yy", SENTINEL)


def test_a_sentinel_is_not_seen_where_there_is_none() -> None:
    """Another run's sentinel is not this run's."""
    assert sentinel_hits(b"Tn8Rq7Zk2vXw9Lm4 " * 100, SENTINEL) == []
