"""Secrets that are known by their place: the word after a directive, an option of a known program, a quoted field."""

from __future__ import annotations

from caseprobe.redaction.rule import Rule

# A quote as it stands, or escaped by the JSON that it was put into, once or twice.
QUOTE = rb"\\{0,3}[\"']"
# One word, without the quotes around it and what ends a statement.
WORD = rb"([^\s\"'`\\;,(){}<>]{3,1024}+)"
# A word that nobody wrote as prose: a digit or a sign in it.
MIXED = rb"((?!-)(?=[^\s\"'`\\;,(){}<>]{0,64}?[0-9!#$%^*+=@~?_-])[^\s\"'`\\;,(){}<>]{4,1024}+)"
QUOTED = QUOTE + rb"([^\"'\n\\]{3,1024}+)" + QUOTE
# Where a statement begins: a line, a quote, a separator, or behind what a logger put before it.
BEGIN = rb"(?:^|(?<=[\n;{}|>\"'])|(?<=: )|(?<=\\n)|(?<=\\t))\s{0,40}+"
# A key's first letter may follow an escaped line break or tab.
EDGE = rb"(?:(?<![a-z0-9])|(?<=\\[ntr]))"
# And where it ends.
STOP = rb"(?=\s{0,8}(?:[;#}\"']|\\|\r|\n|$))"
# Keys that stand before a secret in configuration files, without "=" or ":".
SURE = (
    rb"(?:requirepass|masterauth|bind_?pw|rootbindpw|bind_pass|wpa[-_]passphrase|wep[-_]key[0-9]?|chap-secret"
    rb"|r[ow]community6?|authcommunity|trapcommunity|(?:plaintext|encrypted)-password(?:-value)?"
    rb"|pre-?shared-(?:key|secret)|shared-secret|snmp-community)"
)
LIKELY = (
    rb"(?:passw(?:or)?d|passphrase|pass|secret|psk|token|api[-_]?key|auth[-_]?(?:key|token|secret)|private[-_]?key"
    rb"|preshared[-_]?key|access[-_]?key|secret[-_]?key|community|password-hash|credential)"
)
STATEMENT = (
    BEGIN
    + rb"(?:[\w.-]{1,40}\s{1,4}){0,3}?[\w.-]{0,40}?"
    + EDGE
    + rb"(?:"
    + SURE
    + rb"\s{1,8}(?:[0-9]\s{1,4})?(?:"
    + QUOTED
    + rb"|"
    + WORD
    + rb")|"
    + LIKELY
    + rb"\s{1,8}(?:[0-9]{1,2}\s{1,4})?(?:"
    + QUOTED
    + rb"|"
    + MIXED
    + STOP
    + rb"))"
)
# Programs and the options, in lower case, by which they take a secret.
OPTIONS: tuple[tuple[bytes, bytes], ...] = (
    (rb"ipmi(?:tool|power|console)", rb"-[pk]"),
    (rb"(?:redis|valkey)-cli", rb"-a|--pass"),
    (rb"ldap(?:search|modify|add|delete|passwd|whoami|compare)", rb"-[wsa]"),
    (rb"snmp(?:bulk)?(?:walk|get|getnext|set|table|trap|status|df|netstat|usm)", rb"-[axcyk]"),
    (rb"sshpass|docker|podman|mongo(?:sh|dump|restore|export|import)?|influx|isql|x?freerdp|rdesktop", rb"-p|/p:"),
    (rb"sqlcmd|bcp|mosquitto_(?:pub|sub)|zip|tsql|osql|winexe|cqlsh|useradd|usermod", rb"-p"),
    (rb"7za?|rar|unrar|openssl|keytool|jarsigner", rb"-p|-k|-(?:store|key)pass|-pass(?:in|out)?\s{1,4}pass:"),
    (rb"htpasswd\s{1,4}-[a-z]{0,6}b[a-z]{0,6}\s{1,4}\S{1,255}\s{1,4}\S{1,255}", rb""),
)


# What such an option may also name: how a key is used, not the key.
METHOD = rb"(?:(?:hmac)?-?(?:md5|sha)[-0-9]{0,8}|des|3des|aes[-0-9a-z]{0,8}|ask|prompt|stdin|none)(?![\w.-])"


def _options() -> bytes:
    """A pattern for all of them; one command may take two secrets."""
    return b"|".join(_option(programs, letters) for programs, letters in OPTIONS)


def _option(programs: bytes, letters: bytes) -> bytes:
    flag = rb"(?:" + letters + rb")[=\s]?\s{0,4}" if letters else b""
    value = rb"(?:\s{1,4}[^\s|;&]{1,1024}+){0,30}?\s{1,4}" + flag + rb"(?:" + QUOTE + rb")?(?!" + METHOD + rb")" + WORD
    return rb"\b(?:" + programs + rb")" + value + (rb"(?:" + value + rb")?" if letters else b"")


def _rule(name: str, pattern: bytes, look: bytes, positive: str, negative: str, cased: bool = False) -> Rule:
    return Rule(name, (), pattern, positive, negative, cased=cased, look=look)


PLACES: tuple[Rule, ...] = (
    _rule(
        "statement",
        STATEMENT,
        rb"(?m)(?:\b|\\[ntr])(?:"
        + SURE
        + rb"\s|"
        + LIKELY
        + rb"\s+(?:[0-9]+\s+)?(?:\\*[\"']|[^\s\"'`\\;,(){}<>]+\s*(?:[;#}\"'\\]|$)))",
        "requirepass foobared",
        "password expired",
    ),
    _rule(
        "option",
        _options(),
        rb"\b(?:" + b"|".join(programs for programs, _ in OPTIONS) + rb")\s",
        "ipmitool -I lanplus -H 10.0.0.9 -U admin -P calvin sel list",
        "zip archive is broken",
    ),
    _rule(
        "user_percent",
        rb"(?:\s-u\s{0,4}|--user[=\s])(?:" + QUOTE + rb")?[^\s%\"']{1,128}%([^\s\"']{2,255}+)",
        rb"(?:\s-u|--user)[=\s]*[^\s%]+%[^\s]",
        "smbclient //srv/share -U anna%hunter2",
        "-U 50%",
    ),
    _rule(
        "shared_line",
        rb":\s{0,4}(?:psk|xauth|eap|ntlm|rsa\s\S{1,255})\s{1,4}(?:" + QUOTED + rb"|(0[sx][a-z0-9+/=]{8,512}))",
        rb":\s*(?:psk|xauth|eap|ntlm|rsa)\s",
        '10.0.0.1 : EAP "correct horse"',
        "key_mgmt: psk only",
    ),
    _rule(
        "login_field",
        rb"_?auth"
        + QUOTE
        + rb"\s{0,4}:\s{0,4}"
        + QUOTE
        + rb"([A-Za-z0-9+/=_-]{8,4096}+)"
        + QUOTE
        + rb"|\b_auth\s{0,4}=\s{0,4}(?:"
        + QUOTE
        + rb")?([A-Za-z0-9+/=]{8,4096}+)",
        rb"auth\\*[\"']?\s*[:=]",
        '{"auths": {"registry.example": {"auth": "YW5uYTpodW50ZXIy"}}}',
        '"auth": "none"',
        cased=True,
    ),
    _rule(
        "snmp_user",
        rb"\b(?:auth|priv)\s{1,4}(?:md5|sha\S{0,8}+|3?des|aes\S{0,8}+)\s{1,4}(?:[0-9]{3}(?:\s{1,4}|$))?+" + WORD,
        rb"\b(?:auth|priv)\s+(?:md5|sha|3?des|aes)",
        "snmp-server user anna ops v3 auth sha correct-horse",
        "priv aes 128",
    ),
)
