"""Secrets that stand behind no name: lines by example, drawn values, passwords and codes by their form."""

from __future__ import annotations

import pytest

from caseprobe.redaction import Redactor
from caseprobe.redaction.phrases import example
from caseprobe.redaction.rules_phrases import FILES, PROTOCOLS
from caseprobe.redaction.rules_spoken import ARGUMENTS, SPOKEN

LEFT = (
    "2026-11-22 java.lang.Thread.run org.apache.FastLeaderElection@774 QuorumCnxManager$SendWorker@688",
    "sha256=kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse request_id: kBuET1BylE2D8KKSHn6o5ZiV",
    "/dev/disk/by-id/dm-uuid-LVM-vYd3TfQx9a1jFkZ8mN2pR7sW4tK6bH0cvYd3TfQx9a1jFkZ8mN2pR7sW4tK6bH0c",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0aQyFp7kX1vT2wHn9bLmZcRdSeUfGgYhJjKkLlMmNn",
    "Failed password for anna from web-server12 port 22 ssh2",
    "exit code 1001, key 2048 bits, uses HmacSHA256, PWD=/work/tools/bin",
    "INSERT INTO events VALUES ('job2024', 'is-done')",
    "mailto:anna1@192.0.2.1 nginx:1.25@sha256:0a1b",
    "/usr/share/ca-certificates/mozilla/Amazon_Root_CA_1.crt and /usr/share/man/man1/traceroute6.db.1.gz",
    "isakmp 500/udp # IPSEC key management",
    "Pin: origin deb.debian.org",
    "net.core.netdev_rss_key = 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00",
    "kpasswd 464/tcp and passwd 1:4.13+dfsg1-1 amd64, privacy guard",
    "kubectl get pod default/web-server12",
)
HIDDEN = (
    ("contrase\u00f1a: {}", "orange-violet6026"),
    ("\u043f\u0430\u0440\u043e\u043b\u044c={}", "orange-violet6026"),
    ("\u5bc6\u7801\uff1a{}", "Copper-violet4976"),
    ("db_clave={}", "harbour.Falcon3297"),
    ('<USER_PASSWORD value="{}"/>', "granite.violet5927"),
    ("INSERT INTO t (id, password) VALUES (1, '{}')", "orangeharbour"),
    ("dsn: anna:{}@tcp(db:3306)/app", "lantern-violet123"),
    ("GET /app?ticket=ST-1856339-{}", "a0974754919b8c06ca341fff8d685b39"),
    ("<auth-user-pass>\nanna\n{}\n</auth-user-pass>", "lantern-violet123"),
    ("pw &quot;password&quot;:&quot;{}&quot;", "violet.orange5708"),
    ("unlocked with {} today", "Xb7dQw92%kLm4s"),
    ("read {} from it", "kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse"),
    ("backup code {}", "8fwwe-l6lzb"),
    ("key: {}", "15:04:bc:9f:24:79:ff:27:18:c2:9c:e0:51:75:66:a1"),
    ("network_key: [{}]", "197, 245, 200, 120, 231, 197, 197, 226, 200, 172, 238, 236, 195, 250, 111, 101"),
    ("imsi\n001010000000001 {}", "465b5ce8b199b49faa5f0a2ee238a6bc"),
    (
        "-----BEGIN OpenVPN Static key V1-----\n{}\n-----END OpenVPN Static key V1-----",
        "465b5ce8b199b49faa5f0a2ee238a6bc",
    ),
    ("NEO4J_AUTH=neo4j/{}", "orange-violet6026"),
    ("wlan_key: {}", "granite-Copper7381"),
    ("\u043b\u043e\u0437\u0438\u043d\u043a\u0430: {}", "Comet-orange7913"),
    ('mysqli_connect("db", "anna", "{}", "app")', "granite.lantern154"),
    ("proxy http://anna:{}@proxy.example:3128/", "q5Wpqj9s@9G123"),
    ("anna pptpd {} 192.0.2.5", "lantern_lantern3934"),
    ("lftp -u anna,{} sftp://db", "violet_orange4903"),
    ("tool --web.auth anna:{} run", "Comet-granite4188"),
    ("define('SECURE_AUTH_SALT',  '{}');", "n+gsAR/7HKF-b,Qj9;GDkSLyis5?BoO_Tu--jrokKNkl"),
    ('form-data; name="password"\n\n{}\n', "harbour_winter4513"),
    ("default = '{}' # of the db password", "Copper_Falcon4700"),
    ("kadmin: aes256-cts-hmac-sha1-96:{}", "0d7dfa1e96d3675a3904fa26d4c69c8dfe88f1f8537ce8f383cd903f0183be31"),
    ("imported {}", "witch collapse practice feed shame open despair creek road again ice least"),
)


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    """One pipe for all lines: it keeps nothing between them but counts."""
    return Redactor(b"k" * 32, asset_masked=True)


@pytest.mark.parametrize("phrase", (*FILES, *PROTOCOLS, *SPOKEN, *ARGUMENTS))
def test_every_line_by_example_is_hidden(redactor: Redactor, phrase: str) -> None:
    """What a phrase calls a secret is gone from the line that it stands for."""
    assert "S3cretHarb12" not in redactor.text(example(phrase))


@pytest.mark.parametrize(("line", "secret"), HIDDEN)
def test_a_secret_without_a_known_name_is_hidden_whole(redactor: Redactor, line: str, secret: str) -> None:
    """No piece of six characters stays, and the number of lines does."""
    hidden = redactor.text(line.format(secret))
    assert not any(secret[at : at + 6] in hidden for at in range(len(secret) - 5))
    assert hidden.count("\n") == line.count("\n")


@pytest.mark.parametrize("line", LEFT)
def test_what_only_looks_like_a_secret_stays(redactor: Redactor, line: str) -> None:
    """Classes, sums, ids, public keys, versions and folders stay readable."""
    assert "_hidden_" not in redactor.text(line)


@pytest.mark.parametrize("line", ("token={}-Ab3dEfGh1jKlMn0p", "password={}Ab3dEfGh1jKl", "secret: Ab3dEfGh1jKl/{}"))
def test_a_secret_in_which_a_name_was_replaced_is_hidden_whole(redactor: Redactor, line: str) -> None:
    """The widest span counts: what stands around a pseudonym does not stay because that is one."""
    masked = redactor.text("anna.kuz@db1.corp.example")
    assert "Ab3dEf" not in redactor.text(line.format(masked))


def test_a_pseudonym_behind_a_secrets_name_stays(redactor: Redactor) -> None:
    """A second run changes nothing where a name or address stands alone, or with a port or an ending."""
    masked = redactor.text("user=anna.kuz session for anna.kuz@db1.corp.example:5432")
    assert redactor.text(f"session={masked.split()[-1]}") == f"session={masked.split()[-1]}"
