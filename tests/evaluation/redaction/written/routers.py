"""Routing protocols, routers and firewalls of several vendors."""

from __future__ import annotations

from tests.evaluation.redaction.family import ALNUM, Family, chars, encoded, password, token
from tests.evaluation.redaction.kept_out.forms import CRYPT, HEX, salted

JUNIPER = ALNUM + "/.-"
CIPHER = ALNUM + "!#$&()*+,-./:;=?@[]_{}|~"

ROUTING: tuple[Family, ...] = (
    Family(
        "routing protocol key",
        chars(ALNUM, 12),
        (
            " neighbor 10.0.0.2 password {secret}",
            " ip ospf message-digest-key 1 md5 {secret}",
            "    auth_type PASS\n    auth_pass {secret}",
            'protocol bgp up1 {\n  neighbor 10.0.0.2 as 65001;\n  password "{secret}";\n}',
            " standby 1 authentication md5 key-string {secret}",
            " ip ospf authentication-key {secret}",
        ),
    ),
    Family(
        "asa hash",
        chars(CRYPT, 16),
        (
            "enable password {secret} encrypted",
            "username {user} password {secret} encrypted privilege 15",
            "passwd {secret} encrypted",
        ),
    ),
    Family(
        "cisco pre-shared key",
        chars(ALNUM, 16),
        (
            "crypto isakmp key {secret} address 192.0.2.9",
            " ikev1 pre-shared-key {secret}",
            " ikev2 remote-authentication pre-shared-key {secret}",
            "failover key {secret}",
            " ppp chap password 0 {secret}",
            " wpa-psk ascii 0 {secret}",
        ),
    ),
)
VENDORS: tuple[Family, ...] = (
    Family(
        "juniper type 9",
        chars(JUNIPER, 30),
        (
            '    secret "$9${secret}"; ## SECRET-DATA',
            'set security ike policy p1 pre-shared-key ascii-text "$9${secret}"',
            "set system radius-server 10.0.0.7 secret $9${secret}",
            'authentication-key "$9${secret}";',
        ),
    ),
    Family(
        "mikrotik",
        password,
        (
            "/ppp secret add name={user} password={secret} service=l2tp profile=default",
            "add authentication-types=wpa2-psk mode=dynamic-keys name=p1 wpa2-pre-shared-key={secret}",
            "/user add name={user} group=full password={secret}",
            "/ip ipsec identity add peer=peer1 secret={secret}",
            "/snmp community set [ find default=yes ] authentication-password={secret}",
        ),
    ),
    Family(
        "fortigate",
        encoded(84),
        (
            "        set password ENC {secret}",
            "        set psksecret ENC {secret}",
            "        set passwd ENC {secret}",
            "        set passphrase ENC {secret}",
        ),
    ),
    Family(
        "fortigate administrator",
        lambda r: "SH2" + "".join(r.choices(ALNUM + "+/", k=60)),
        (
            '    edit "{user}"\n        set accprofile "super_admin"\n        set password ENC {secret}',
            "config system admin\n    edit {user}\n        set old-password ENC {secret}",
        ),
    ),
    Family(
        "huawei cipher",
        chars(CIPHER, 40),
        (
            " local-user {user} password irreversible-cipher $1a${secret}$",
            " pre-shared-key cipher %^%#{secret}%^%#",
            " snmp-agent community read cipher %^%#{secret}%^%#",
            " radius-server shared-key cipher %^%#{secret}%^%#",
        ),
    ),
    Family(
        "comware cipher",
        encoded(30),
        (
            " password hash $h$6${secret}",
            " key authentication cipher $c$3${secret}",
            " super password cipher $c$3${secret}",
        ),
    ),
    Family(
        "pfsense",
        chars(ALNUM, 20),
        (
            "<pre-shared-key>{secret}</pre-shared-key>",
            "<radius_secret>{secret}</radius_secret>",
            "<ldap_bindpw><![CDATA[{secret}]]></ldap_bindpw>",
            "<rocommunity>{secret}</rocommunity>",
            "<ddnsdomainkey>{secret}</ddnsdomainkey>",
        ),
    ),
    Family(
        "pfsense private key",
        encoded(1200),
        ("<cert>\n  <refid>5f1</refid>\n  <prv>{secret}</prv>\n</cert>", "<tls>{secret}</tls>"),
    ),
    Family(
        "palo alto phash",
        salted(8, 43),
        (
            "<phash>$5${secret}</phash>",
            "set mgt-config users {user} phash $5${secret}",
            "{user}:$5${secret}:19700:0:99999:7:::",
        ),
    ),
    Family(
        "palo alto encrypted value",
        lambda r: f"{encoded(20)(r)}={encoded(32)(r)}",
        (
            "<bind-password>-AQ=={secret}</bind-password>",
            "<pre-shared-key><key>-AQ=={secret}</key></pre-shared-key>",
            "<secret>-AQ=={secret}</secret>",
        ),
    ),
    Family(
        "palo alto api key",
        token("LUFRPT1", ALNUM + "+/", 90),
        (
            "GET /api/?type=op&cmd=show&key={secret}",
            "X-PAN-KEY: {secret}",
            '<response status="success"><result><key>{secret}</key></result></response>',
        ),
    ),
    Family(
        "procurve and aruba",
        chars(HEX, 40),
        (
            'password manager user-name "{user}" sha1 "{secret}"',
            "mgmt-user {user} root {secret}",
            " wpa-passphrase {secret}",
            "aaa authentication-server radius r1\n   key {secret}",
        ),
    ),
    Family(
        "openwrt and unifi",
        chars(ALNUM, 16),
        (
            "\toption key '{secret}'",
            "\toption password '{secret}'",
            "wireless.default_radio0.key='{secret}'",
            '"x_passphrase" : "{secret}"',
            "aaa.1.wpa.psk={secret}",
            "set system login user {user} authentication plaintext-password {secret}",
        ),
    ),
)
ALL: tuple[Family, ...] = (*ROUTING, *VENDORS)
