"""Files of radios, tunnels and the daemons of networks.

Sources: wpa_supplicant.conf(5), nm-settings-keyfile(5), ipsec.secrets(5), wg(8), snmpd.conf(5), rndc.conf(5),
iscsid.conf(5), nslcd.conf(5), and the manuals of hostapd, OpenVPN, strongSwan and FreeRADIUS.
"""

from __future__ import annotations

from caseprobe.redaction.structure.keyed import keyed
from caseprobe.redaction.structure.known_file import Format

NETWORKS = (
    Format(
        "wpa",
        rb"wpa_supplicant\S*\.conf|iwd/\S+\.psk|\S+\.8021x",
        (
            keyed(
                b"psk",
                b"password",
                b"sae_password",
                rb"wep_key[0-9]",
                b"private_key2?_passwd",
                b"pin",
                b"eappsk",
                b"passphrase",
                b"presharedkey",
            ),
        ),
        b"network={",
        rb"^\s*network=\{",
    ),
    Format(
        "hostapd",
        rb"hostapd\S*\.conf",
        (
            keyed(
                b"wpa_passphrase",
                b"wpa_psk",
                rb"wep_key[0-9]",
                rb"(?:auth|acct)_server_shared_secret",
                b"sae_password",
                b"eap_server_erp_domain_key",
            ),
        ),
        b"wpa",
        rb"^wpa_(?:passphrase|psk|key_mgmt)=",
    ),
    Format(
        "network_manager",
        rb"\S+\.nmconnection|system-connections/\S+",
        (
            keyed(
                b"psk",
                b"password",
                b"password-raw",
                rb"wep-key[0-9]",
                b"leap-password",
                b"private-key-password",
                b"phase2-private-key-password",
                b"pin",
                b"private-key",
                b"preshared-key",
                b"mka-cak",
            ),
        ),
        b"[connection]",
        rb"^\[connection\]\s*$",
        rb"\s*\[(?:vpn-secrets|[\w-]*secrets)\]",
    ),
    Format(
        "ipsec_secrets",
        rb"ipsec(?:\.\w+)?\.secrets|ipsec\.d/\S+\.secrets",
        (
            rb":[ \t]*(?:PSK|XAUTH|EAP|NTLM|PIN|RSA|ECDSA|PKCS8|PKCS12|P12|BLISS)[ \t]+([^\r\n]+)",
            rb"^[ \t]*(?:PrivateExponent|Prime[12]|Exponent[12]|Coefficient):[ \t]*(\S+)",
        ),
        b": ",
        rb"^[^#\n]*:[ \t]*(?:PSK|XAUTH|EAP)[ \t]+[\"0]",
    ),
    Format(
        "swanctl",
        rb"swanctl\S*\.conf|swanctl/conf\.d/\S+",
        (keyed(rb"secret\w*", b"pin"),),
        b"secrets {",
        rb"^\s*secrets \{",
    ),
    Format(
        "wireguard",
        rb"wireguard/\S+\.conf|wg[0-9]+\.conf|wg-\S+\.conf|\S+\.netdev",
        (keyed(b"PrivateKey", b"PresharedKey"),),
        b"[Interface]",
        rb"^\[Interface\]\s*$",
    ),
    Format(
        "openvpn",
        rb"\S+\.ovpn|openvpn/\S+\.conf",
        (),
        b"<key>",
        rb"^<key>\s*$",
        rb"\s*<(?:key|tls-auth|tls-crypt|tls-crypt-v2|secret|pkcs12|auth-user-pass)>",
        rb"\s*</",
        True,
    ),
    Format(
        "snmpd",
        rb"snmpd?(?:trapd)?\S*\.conf",
        (
            rb"^[ \t]*(?:ro|rw)(?:community|user)6?[ \t]+(\S+)",
            rb"^[ \t]*com2sec6?[ \t]+(?:-Cn \S+ )?\S+[ \t]+\S+[ \t]+(\S+)",
            rb"^[ \t]*(?:trap|inform|trap2)(?:community|sink)[ \t]+(?:\S+[ \t]+)?(\S+)",
            rb"^[ \t]*createUser[ \t]+(?:-e \S+ )?\S+[ \t]+\S+[ \t]+(\"[^\"\r\n]*\"|\S+)"
            rb"(?:[ \t]+\S+[ \t]+(\"[^\"\r\n]*\"|\S+))?",
            rb"^[ \t]*usmUser[ \t]+([^\r\n]+)",
            rb"^[ \t]*def(?:Auth|Priv)?Passphrase[ \t]+(\S+)",
        ),
        b"com",
        rb"^[ \t]*(?:rocommunity|rwcommunity|com2sec)6?[ \t]",
    ),
    Format(
        "rndc",
        rb"(?:rndc|named|ddns|bind|tsig)\S*\.(?:key|conf)|dhcpd\S*\.conf",
        (rb"\bsecret[ \t]+(\"[^\"\r\n]*\"|[^\s;]+)[ \t]*;",),
        b"secret",
        rb"^\s*key\s+\S+\s*\{",
    ),
    Format(
        "radius",
        rb"(?:clients|radiusd|proxy)\.conf|raddb/\S+|freeradius/\S+|users",
        (
            keyed(b"secret", b"shared_secret", b"password"),
            rb"\b(?:Cleartext|NT|LM|Crypt|SSHA?2?|MD5|User)-Password[ \t]*:?=+[ \t]*(\"[^\"\r\n]*\"|\S+)",
        ),
        b"-Password",
        rb"^\S+\s+(?:Cleartext|NT|Crypt)-Password",
    ),
    Format(
        "iscsi",
        rb"iscsid?\.conf|iscsi/\S+",
        (rb"^[ \t]*\S*(?:password|password_in)[ \t]*=[ \t]*(\S+)",),
        b"node.session",
        rb"^\s*node\.session\.auth",
    ),
    Format(
        "directory",
        rb"(?:nslcd|ldap|slapd|sssd|pam_ldap|nss_ldap|ldap\S*)\.(?:conf|secret)",
        (rb"^[ \t]*(?:bindpw|rootpw|tls_keypw|ldap_default_authtok|bind_?password)(?:[ \t]*=[ \t]*|[ \t]+)(\S+)",),
    ),
)
