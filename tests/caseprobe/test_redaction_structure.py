"""Known files lose their values by key, keep their structure, and are never hidden less than by the rules alone."""

from __future__ import annotations

import json
import re
from configparser import ConfigParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.redaction import Redactor
from caseprobe.redaction.structure import ALL, KnownFile

PIPE = Redactor(b"a key of this test, never of a machine", asset_masked=True)
# Words without any sign of a secret: only the place where they stand says that they are one.
A, B, C = "orange harbour", "meadow", "violetlantern"
FILES = (
    (
        "shadow",
        "/etc/shadow",
        f"root:*:19000:0:99999:7:::\nkim:{C}:19000:0:99999:7:::\n",
        [C],
        ["root:*:19000", ":0:99999:7:::"],
    ),
    ("htpasswd", "/srv/www/.htpasswd", f"ops:{C}\n", [C], ["_hidden_htpasswd_"]),
    ("pgpass", "/root/.pgpass", f"db7:5432:shop:app:{C}\n", [C], [":5432:shop:app:"]),
    ("netrc", "/root/.netrc", f"machine build7 login ci password {C}\n", [C], ["machine", "login ci password "]),
    (
        "chap_secrets",
        "/etc/ppp/chap-secrets",
        f'# client server secret ip\nline7 * "{A}" *\n',
        [A],
        ["# client server secret ip", "line7 * "],
    ),
    ("sasl_passwd", "/etc/postfix/sasl_passwd", f"[relay7]:587 ops:{C}\n", [C], ["[relay7]:587 "]),
    ("git_credentials", "/root/.git-credentials", f"https://ci:{C}@git7/x\n", [C], ["https://", "/x"]),
    (
        "smb_credentials",
        "/etc/samba/.smbcredentials",
        f"username=backup\npassword={C}\ndomain=HQ\n",
        [C],
        ["username=backup", "domain=HQ"],
    ),
    (
        "totp",
        "/root/.google_authenticator",
        'ABCDEFGHIJKLMNOP\n" RATE_LIMIT 3 30\n12345678\n',
        ["ABCDEFGH", "12345678"],
        ['" RATE_LIMIT 3 30'],
    ),
    (
        "ldif",
        "/var/lib/ldap/dump.ldif",
        f"dn: uid=kim,ou=x\nuserPassword:: {C}\ncn: x\n",
        [C],
        ["dn: uid=kim,ou=x", "cn: x"],
    ),
    (
        "wpa",
        "/etc/wpa_supplicant/wpa_supplicant-wlan0.conf",
        f'network={{\n ssid="x"\n psk="{A}"\n}}\n',
        [A],
        ['ssid="x"', "network={", "}"],
    ),
    ("hostapd", "/etc/hostapd/hostapd.conf", f"ssid=x\nwpa_passphrase={A}\n", [A], ["ssid=x", "wpa_passphrase="]),
    (
        "network_manager",
        "/etc/NetworkManager/system-connections/x.nmconnection",
        f"[connection]\nid=x\n[vpn-secrets]\nanything={C}\n[ipv4]\nmethod=auto\n",
        [C],
        ["[vpn-secrets]", "anything=", "method=auto"],
    ),
    (
        "ipsec_secrets",
        "/etc/ipsec.secrets",
        f'203.0.113.1 : PSK "{A}"\n@x : XAUTH {C}\n',
        [A, C],
        ["203.0.113.1 : PSK ", " : XAUTH "],
    ),
    (
        "swanctl",
        "/etc/swanctl/swanctl.conf",
        f"secrets {{\n ike-1 {{\n  secret = {C}\n }}\n}}\n",
        [C],
        ["secret = ", "secrets {"],
    ),
    (
        "wireguard",
        "/etc/wireguard/wg0.conf",
        f"[Interface]\nPrivateKey = {C}\nListenPort = 51820\n",
        [C],
        ["[Interface]", "ListenPort = 51820"],
    ),
    (
        "openvpn",
        "/etc/openvpn/client.ovpn",
        f"client\n<tls-auth>\n{C}\n{B}\n</tls-auth>\nverb 3\n",
        [C, B],
        ["<tls-auth>", "</tls-auth>", "verb 3"],
    ),
    (
        "snmpd",
        "/etc/snmp/snmpd.conf",
        f"rocommunity {C} 127.0.0.1\ncreateUser ops SHA {B}pass AES {C}\nsysLocation x\n",
        [C, B + "pass"],
        ["rocommunity ", " 127.0.0.1", "sysLocation x"],
    ),
    (
        "rndc",
        "/etc/bind/rndc.key",
        f'key "rndc-key" {{\n algorithm hmac-sha256;\n secret "{C}";\n}};\n',
        [C],
        ["algorithm hmac-sha256;", "};"],
    ),
    ("radius", "/etc/freeradius/clients.conf", f"client x {{\n secret = {C}\n}}\n", [C], ["client x {", "secret = "]),
    (
        "iscsi",
        "/etc/iscsi/iscsid.conf",
        f"node.session.auth.username = x7\nnode.session.auth.password = {C}\n",
        [C],
        ["node.session.auth.password = "],
    ),
    ("directory", "/etc/nslcd.conf", f"uri ldap://127.0.0.1\nbindpw {C}\n", [C], ["bindpw "]),
    (
        "dotenv",
        "/srv/app/.env",
        f"PORT=8080\nDEBUG=true\nANYTHING={C}\n",
        [C],
        ["PORT=8080", "DEBUG=true", "ANYTHING="],
    ),
    (
        "kube_config",
        "/root/.kube/config",
        f"apiVersion: v1\nclusters:\n- name: x\nusers:\n- name: y\n  user:\n    token: {C}\n    client-key-data: {B}\n",
        [C],
        ["clusters:", "    token: "],
    ),
    (
        "kubernetes_secret",
        "kubectl get secret -o yaml",
        f"apiVersion: v1\nkind: Secret\ndata:\n  anything: {C}\nmetadata:\n  name: x\n",
        [C],
        ["kind: Secret", "  anything: ", "  name: x"],
    ),
    ("docker_config", "/root/.docker/config.json", json.dumps({"auths": {"x": {"auth": C}}}), [C], ['"auths"']),
    (
        "terraform",
        "terraform.tfstate",
        f'{{\n  "terraform_version": "1.9",\n  "admin_password": "{A}",\n  "size": "s"\n}}\n',
        [A],
        ['"size": "s"', '"terraform_version"'],
    ),
    (
        "grub",
        "/boot/grub/grub.cfg",
        f"menuentry x {{\n}}\npassword root {C}\n",
        [C],
        ["menuentry x {", "password root "],
    ),
    (
        "cloud_credentials",
        "/root/.aws/credentials",
        f"[default]\naws_secret_access_key = {C}\nregion = x\n",
        [C],
        ["[default]", "region = x"],
    ),
    (
        "service_account",
        "key.json",
        json.dumps({"type": "service_account", "private_key_id": C}),
        [C],
        ['"type": "service_account"'],
    ),
    ("package_registry", "/root/.npmrc", f"//r7/:_authToken={C}\nfund=false\n", [C], ["_authToken=", "fund=false"]),
    ("database_client", "/root/.my.cnf", f"[client]\nuser=x7\npassword={C}\n", [C], ["[client]", "password="]),
    ("couchdb", "/opt/couchdb/etc/local.ini", f"[admins]\nops = {C}\n[log]\nlevel = x\n", [C], ["ops = ", "level = x"]),
    ("svnserve", "/srv/svn/conf/passwd", f"[users]\nkim = {C}\n", [C], ["[users]", "kim = "]),
    (
        "ceph_keyring",
        "/etc/ceph/ceph.client.admin.keyring",
        f'[client.admin]\n\tkey = {C}\n\tcaps mon = "allow *"\n',
        [C],
        ["[client.admin]", 'caps mon = "allow *"'],
    ),
    ("connection_strings", "/srv/app/appsettings.json", f'{{"x": "Server=a;Pwd={C};Timeout=3"}}', [C], ["Timeout=3"]),
    ("tomcat", "/etc/tomcat/tomcat-users.xml", f'<user username="x7" password="{C}" roles="y"/>', [C], ['roles="y"/>']),
)


def masked(text: str, source: str) -> str:
    """What leaves of a file."""
    return PIPE.artifact(text.encode(), source).decode()


@pytest.mark.parametrize(("name", "source", "text", "secrets", "kept"), FILES, ids=[one[0] for one in FILES])
def test_a_known_file_loses_its_values_and_keeps_its_structure(
    name: str, source: str, text: str, secrets: list[str], kept: list[str]
) -> None:
    """Ordinary words are hidden where the file says that they are secrets; lines and keys stay; twice is once."""
    out = masked(text, source)
    assert not [secret for secret in secrets if secret in out]
    assert not [part for part in kept if part not in out]
    assert out.count("\n") == text.count("\n")
    assert masked(out, source) == out
    assert name in {one.name for one in ALL}


def test_every_known_file_has_an_example() -> None:
    """No format without a file that shows it at work."""
    assert {one.name for one in ALL} == {one[0] for one in FILES}


@pytest.mark.parametrize(("name", "source", "text", "secrets", "kept"), FILES, ids=[one[0] for one in FILES])
def test_a_copy_of_a_known_file_is_known_too(
    name: str, source: str, text: str, secrets: list[str], kept: list[str]
) -> None:
    """What an editor or package left beside it holds the same secrets."""
    assert masked(text, source + ".bak").replace("\n", "") == masked(text, source).replace("\n", "")
    assert secrets and kept and name


def test_masked_files_are_still_what_they_were() -> None:
    """A parser of the format reads the masked file: JSON and INI keep their syntax."""
    files = {one[0]: masked(one[2], one[1]) for one in FILES}
    assert json.loads(files["docker_config"])["auths"]["x"]["auth"].startswith("_hidden_")
    assert json.loads(files["terraform"])["size"] == "s"
    parser = ConfigParser(strict=False)
    parser.read_string(files["network_manager"])
    assert parser["ipv4"]["method"] == "auto"


@settings(max_examples=60)
@given(st.sampled_from(FILES), st.sampled_from(FILES), st.lists(st.integers(0, 400), max_size=5))
def test_a_file_is_never_hidden_less_than_without_its_name(
    file: tuple[str, str, str, list[str], list[str]],
    other: tuple[str, str, str, list[str], list[str]],
    cuts: list[int],
) -> None:
    """Under any name, and cut anywhere, what the rules alone hide is hidden too."""
    text = "".join(file[2][a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=False))
    left = set(re.findall(r"\w{6,}", masked(text, other[1]))) - set(re.findall(r"\w{6,}", PIPE.text(text)))
    assert not {word for word in left if not word.startswith(("_hidden_", "host", "user"))} & set(
        re.findall(r"\w{6,}", " ".join(file[3]))
    )


@settings(max_examples=60)
@given(st.sampled_from(FILES), st.lists(st.integers(0, 9000), max_size=6), st.integers(0, 2))
def test_a_known_file_may_come_in_pieces(
    file: tuple[str, str, str, list[str], list[str]], places: list[int], times: int
) -> None:
    """The cuts between pieces make no difference, in the beginning that says what it is nor in a section."""
    data = (file[2] + "\n# x\n" * 900 * times + file[2] * times).encode()
    cuts = sorted(min(place, len(data)) for place in places)
    stream = PIPE.stream(file[1])
    pieces = [stream.feed(data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert b"".join((*pieces, stream.close())) == masked(data.decode(), file[1]).encode()


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([one[1] for one in FILES]))
def test_no_bytes_under_any_name_break_it(data: bytes, source: str) -> None:
    """Whatever stands in a file of a known name, its lines keep their number."""
    hidden, kinds = KnownFile(source, ALL).hide(data)
    assert hidden.count(b"\n") == data.count(b"\n") and all(isinstance(kind, str) for kind in kinds)
