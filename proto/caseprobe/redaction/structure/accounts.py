"""Files of accounts: systems, databases, mail, people's own logins.

Sources: shadow(5), netrc(5), pppd(8), and the manuals of PostgreSQL, Apache, Postfix, Git and OpenLDAP.
"""

from __future__ import annotations

from caseprobe.redaction.structure.keyed import keyed
from caseprobe.redaction.structure.known_file import Format

ACCOUNTS = (
    Format(
        "shadow",
        rb"g?shadow-?",
        (rb"^[^:\s]{1,64}:([^:\r\n]*):",),
        b"$",
        rb"^[a-z_][\w.-]*:[!*]{0,2}\$[0-9a-z]+\$[^:]*:[0-9]*:",
    ),
    Format(
        "htpasswd",
        rb"\.?ht(?:passwd|digest)\w*|mosquitto[._-]?passwd",
        (rb"^[^:\s]{1,128}:(?:[^:\r\n]*:)?([^:\r\n]+)\r?$",),
    ),
    Format("pgpass", rb"\.?pgpass(?:\.conf)?", (rb"^(?:[^:\\\r\n]|\\.)*(?::(?:[^:\\\r\n]|\\.)*){3}:([^\r\n]+)",)),
    Format(
        "netrc",
        rb"[._]netrc(?:\.gpg)?|authinfo|auth\.conf(?:\.d/\S+)?",
        (rb"\b(?:password|account)[ \t]+(\S+)",),
        b"machine ",
        rb"^[ \t]*machine\s+\S+\s+login\s",
    ),
    Format(
        "chap_secrets",
        rb"(?:chap|pap)-secrets|srp-secrets",
        (rb"^[ \t]*(?:\"[^\"\r\n]*\"|[^\s#]+)[ \t]+(?:\"[^\"\r\n]*\"|\S+)[ \t]+(\"[^\"\r\n]*\"|\S+)",),
    ),
    Format("sasl_passwd", rb"sasl_passwd|smtp_auth", (rb"^[^#\s]\S*[ \t]+(\S+)",)),
    Format("git_credentials", rb"\.git-credentials", (rb"://[^:@/\s]*:([^@\s]+)@",)),
    Format("smb_credentials", rb"\S*\.?(?:smb|cifs)?credentials", (keyed(b"password", b"pass", b"domain_password"),)),
    Format("totp", rb"\.google_authenticator", (rb"^([A-Z2-7]{16,}|[0-9]{8})\r?$",)),
    Format(
        "ldif",
        rb"\S+\.ldif",
        (rb"^(?:userPassword|krbPrincipalKey|sambaNTPassword|olcRootPW|unicodePwd)::? (.+)",),
        b"dn: ",
        rb"^dn: \w+=",
    ),
)
