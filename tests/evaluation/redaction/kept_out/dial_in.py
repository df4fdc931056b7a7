"""VPN and dial-in, 802.1X, telephony."""

from __future__ import annotations

from tests.evaluation.redaction.family import ALNUM, Family, chars, encoded, password
from tests.evaluation.redaction.kept_out.forms import HEX, HEXES, hex_block

JUNIPER = ALNUM + "/.-"
CIPHER = ALNUM + "!#$&()*+,-./:;=?@[]_{}|~"

STATIC_KEY = "-----BEGIN OpenVPN Static key V1-----\n{secret}\n-----END OpenVPN Static key V1-----"

DIAL_IN: tuple[Family, ...] = (
    Family(
        "openvpn static key",
        hex_block(16, 32),
        (
            STATIC_KEY,
            "<tls-auth>\n" + STATIC_KEY + "\n</tls-auth>",
        ),
    ),
    Family(
        "openvpn login",
        password,
        (
            "<auth-user-pass>\n{user}\n{secret}\n</auth-user-pass>",
            'MANAGEMENT: CMD \'password "Auth" "{secret}"\'',
            'password "Private Key" {secret}',
        ),
    ),
    Family(
        "chap and pap secrets",
        password,
        (
            '{user}\tpptpd\t"{secret}"\t10.0.0.3',
            '"{user}" * "{secret}" *',
            "{user} l2tpd {secret} *",
            "pppd plugin pppoe.so eth1 user {user} password {secret}",
        ),
    ),
    Family(
        "ike user secret",
        password,
        (
            '{user} : EAP "{secret}"',
            '{user} : XAUTH "{secret}"',
            '  eap-{user} {\n    id = {user}\n    secret = "{secret}"\n  }',
            ": NTLM 0x{hex} {user} XAUTH '{secret}'",
        ),
    ),
    Family(
        "radius client secret",
        chars(ALNUM, 16),
        (
            "client nas1 {\n\tipaddr = 10.0.0.0/8\n\tsecret = {secret}\n}",
            "radtest {user} other {host} 0 {secret}",
            "{host}:1812 {secret} 3",
            "radius-server host 10.0.0.7 auth-port 1812 key {secret}",
            "auth_server_shared_secret={secret}",
        ),
    ),
    Family(
        "radius user password",
        password,
        (
            '{user} Cleartext-Password := "{secret}"',
            '(0)   User-Password = "{secret}"',
            '(0) pap: Login attempt with password "{secret}" (12)',
            "Auth: (3) Login incorrect: [{user}/{secret}] (from client nas1 port 0)",
        ),
    ),
    Family(
        "tacacs key",
        chars(ALNUM, 14),
        (
            "tacacs-server key 0 {secret}",
            "tacacs-server host 10.0.0.7 key {secret}",
            "tacplus_secret={secret}",
            "auth sufficient pam_tacplus.so server=10.0.0.7 secret={secret} service=shell",
        ),
    ),
    Family(
        "access point key",
        password,
        ("sae_password={secret}", 'wep_key0="{secret}"', "ieee8021x_shared={secret} wpa_psk_radius=1"),
    ),
    Family(
        "wi-fi master key",
        chars(HEX, 64),
        ("wpa_psk={secret}", "\tpsk={secret}", "PMK=0x{secret}", "WPA: PTK derived: PMK - hexdump(len=32): {secret}"),
    ),
    Family(
        "802.1x login",
        password,
        (
            'network={\n\tkey_mgmt=WPA-EAP\n\tidentity="{user}@{host}"\n\tpassword="{secret}"\n}',
            'private_key_passwd="{secret}"',
            "nmcli con modify eduroam 802-1x.identity {user} 802-1x.password {secret}",
            "[802-1x]\nidentity={user}\npassword={secret}\nphase2-auth=mschapv2",
            'auth:\n  key-management: eap\n  identity: "{user}"\n  password: "{secret}"',
        ),
    ),
    Family(
        "vpn cookie",
        chars(HEXES, 40),
        (
            "Set-Cookie: webvpn={secret}; path=/; secure",
            "openconnect --cookie={secret} https://{host}/",
            "COOKIE='{secret}'\nHOST='{host}'",
            "Cookie: SVPNCOOKIE={secret}",
        ),
    ),
)
TELEPHONY: tuple[Family, ...] = (
    Family(
        "sip account",
        chars(ALNUM, 16),
        (
            "[{user}]\ntype=auth\nauth_type=userpass\npassword={secret}\nusername={user}",
            "register => {user}:{secret}@{host}/100",
            '<param name="password" value="{secret}"/>',
            "Action: Login\nUsername: {user}\nSecret: {secret}",
            "account.1.password = {secret}",
        ),
    ),
    Family(
        "srtp key",
        encoded(30),
        (
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{secret}",
            "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{secret}|2^31|1:1",
        ),
    ),
    Family(
        "sip digest",
        chars(HEX, 32),
        (
            'Authorization: Digest username="{user}",realm="pbx",nonce="{hex}",uri="sip:{host}",response="{secret}"',
            "md5_cred={secret}",
        ),
    ),
    Family(
        "turn credential",
        encoded(20),
        (
            "static-auth-secret={secret}",
            '{"urls":"turn:{host}:3478","username":"1700000000:{user}","credential":"{secret}"}',
            "turnutils_uclient -u {user} -w {secret} {host}",
        ),
    ),
)
ALL: tuple[Family, ...] = (*DIAL_IN, *TELEPHONY)
