"""Secrets that are known by their place: the word after a directive, an option of a known program, a quoted field."""

from __future__ import annotations

from caseprobe.redaction.rule import Rule
from caseprobe.redaction.statements import FORM_LOOK, statement_secrets

# A quote as it stands, or escaped by the JSON that it was put into, once or twice.
QUOTE = rb"\\{0,3}[\"']"
# One word, without the quotes around it and what ends a statement.
WORD = rb"([^\s\"'`\\;,(){}<>]{3,1024}+)"
QUOTED = QUOTE + rb"([^\"'\n\\]{3,1024}+)" + QUOTE
# Where a statement begins: a line, a quote, a separator, or behind what a logger put before it.
BEGIN = rb"(?:^|(?<=[\n;{}|>\"'])|(?<=: )|(?<=\\n)|(?<=\\t))\s{0,40}+"
# A key's first letter may follow an escaped line break or tab.
EDGE = rb"(?:(?<![a-z0-9])|(?<=\\[ntr]))"
# Keys that stand before a secret in configuration files, without "=" or ":".
SURE = (
    rb"(?:requirepass|masterauth|bind_?pw|rootbindpw|bind_pass|wpa[-_]passphrase|wep[-_]key[0-9]?|chap-secret"
    rb"|r[ow]community6?|trapcommunity|(?:plain-?text|encrypted)-password(?:-value)?"
    rb"|pre-?shared-(?:key|secret)|shared-secret|snmp-community)"
)
STATEMENT = (
    BEGIN
    + rb"(?:[\w.-]{1,40}\s{1,4}){0,3}?[\w.-]{0,40}?"
    + EDGE
    + rb"(?:"
    + SURE
    + rb"\s{1,8}(?:[0-9]\s{1,4}|(?:local|remote|ascii-text|hexadecimal|simple|cipher|plain|text|key|address\s\S{1,64})"
    + rb"\s{1,4}){0,3}(?:"
    + QUOTED
    + rb"|"
    + WORD
    + rb"))"
)


def _rule(name: str, pattern: bytes, look: bytes, positive: str, negative: str, cased: bool = False) -> Rule:
    return Rule(name, (), pattern, positive, negative, cased=cased, look=look)


# A secret's name, blanks, perhaps words that say how the value is written, and a value with a digit or sign in it.
CONFIGURED_LOOK = (
    rb"(?:pass(?:w\w*|phrase|code)?|pass|pwd|secret\w*|token|psk\w*|communit\w*|(?:[\w-]*[_-])?key(?:-\w+)?"
    rb"|credentials?|pw|totp|(?:set)?cookie|preshare"
    rb"|challenge|authcode|pin|puk)[0-9]?[ \t]+(?:" + FORM_LOOK + rb"[ \t]+){0,3}\\*[\"']?[^\s]*(?:[0-9!#$%^*+=@~?]"
    rb"|(?-i:[a-z][A-Z]))"
)

PLACES: tuple[Rule, ...] = (
    _rule(
        "statement",
        STATEMENT,
        rb"(?m)(?:\b|\\[ntr])(?:" + SURE + rb"\s)",
        "requirepass foobared",
        "password expired",
    ),
    Rule(
        "configured",
        (),
        b"",
        "enable password 7 0822455D0A16544541",
        "password 7 is weak, Failed password for root",
        look=CONFIGURED_LOOK,
        find=statement_secrets,
    ),
    _rule(
        "user_percent",
        rb"(?:\s-[ua]\s{0,4}|--(?:user|authenticate|username)[=\s]|\buser(?:name)?=(?![^\s%]{1,128}%[0-9a-f]{2}))(?:"
        + QUOTE
        + rb")?[^\s%\"']{1,128}%([^\s\"']{2,255}+)",
        rb"(?:\s-[ua]|--(?:user|authenticate|username)|\buser(?:name)?=)[=\s]*[^\s%]+%[^\s]",
        "smbclient //srv/share -U anna%hunter2",
        "-U 50%",
    ),
    _rule(
        "shared_line",
        rb":\s{0,4}(?:psk|xauth|eap|ntlm|ms|(?:rsa|ecdsa|p12|pkcs8|pin|ed25519|bliss)\s\S{1,255})\s{1,4}(?:"
        + QUOTED
        + rb"|(0[sx][a-z0-9+/=]{8,512}))",
        rb":\s*(?:psk|xauth|eap|ntlm|rsa|ecdsa|p12|pkcs8|pin|ms|ed25519)\s",
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
    _rule(
        "identified",
        rb"(?:identified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4}|values\s{1,4})?"
        rb"|\bauth\(\s{0,4}" + QUOTE + rb"[^\"'\n\\]{1,128}" + QUOTE + rb",\s{0,4})" + QUOTED,
        rb"identified\s|\.?auth\(",
        "GRANT ALL ON app.* TO 'anna'@'%' IDENTIFIED BY 'correct horse'",
        "identified by its name",
    ),
    _rule(
        "pass_file",
        rb"(?m)(?:^|(?<=: )|(?<=[\"']))[\w.*/-]{1,255}:(?:\*|[1-9][0-9]{3,4}):[\w.*-]{1,64}:[\w.*@+-]{1,64}:([^"
        rb"\s:\"'\\](?:[^\s:\"'\\]|\\.){3,255}+)(?=\s{0,4}(?:$|[\"'\\]))",
        rb":(?:\*|[1-9][0-9]{3,4}):[\w.*-]+:[\w.*@+-]+:[^\s:]",
        "db.example:5432:app:anna:correct-horse",
        "main.c:1200:20: error: x",
    ),
    _rule(
        "oracle_login",
        rb"jdbc:\w{2,16}:\w{2,16}:[\w$#]{1,64}/([^\s@\"'/]{2,255}+)@",
        rb"jdbc:\w+:\w+:[\w$#]+/",
        "jdbc:oracle:thin:anna/correct1@//db:1521/ORCL",
        "jdbc:oracle:thin:@db:1521",
    ),
    _rule(
        "dial_file",
        rb"(?m)(?:^|(?<=: )|(?<=[\"']))\s{0,8}(?:[\"']?[\w.@\\*-]{1,128}[\"']?\s{1,16}\*\s{1,16}(?:\\{0,3}[\"']("
        rb"[^\"'\n\\]{3,255})|([^\s\"'*#\\]{4,255}+(?<![0-9.:,;])|"
        rb"(?=\S{0,64}[a-z])[^\s\"'*#\\/:=]{6,255}+(?<=[0-9]))(?=\s|$|[\"'\\]))"
        rb"|[\"']?[\w.@\\-]{1,128}[\"']?\s{1,16}[\w.-]{1,128}\s{1,16}\\{0,3}[\"']([^\"'\n\\]{3,255})\\{0,3}[\"']"
        rb"\s{1,16}\*(?=\s|$|[\"'\\])"
        rb"|[\"']?[\w.@\\-]{1,128}[\"']?\s{1,16}[\w.-]{1,128}\s{1,16}([^\s\"'*#\\]{6,255}+)\s{1,16}\*\s{0,8}(?=$"
        rb"|[\"'\\])|[\w.@\\-]{1,128}\s{1,16}[\w.*-]{1,128}\s{1,16}([a-z]{3,16}[-_.!*+~^@#$%&][a-z]{3,16}[0-9]{2,6}"
        rb"|(?=[^!*+~^@#$%&\s]{3,24}[!*+~^@#$%&][a-z0-9])[a-z0-9!*+~^@#$%&]{8,42})"
        rb"\s{1,16}[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?\s{0,8}(?=$|[\"'\\]))",
        rb"\s\*(?:\s|\\|$)|[-_.!*+~^@#$%&][a-z0-9]+\s+(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]+)?\s*(?:$|[\"'\\])",
        'anna l2tpd "correct horse" *',
        "*/5 * * * * root run",
    ),
    _rule(
        "peer_identity",
        rb"\b[0-9a-f]{10}:0:[0-9a-f]{128}:([0-9a-f]{128})",
        rb"\b[0-9a-f]{10}:0:[0-9a-f]{5}",
        "8056c2e21c:0:" + "0a" * 64 + ":" + "1b" * 64,
        "8056c2e21c:0:" + "0a" * 64,
    ),
    _rule(
        "link_signature",
        rb"[?&](?:md5|hash|sign|signature|sig|h|s|st|secure|hmac|auth|expires_sign|verify|mac"
        rb"|x-\w{2,8}-signature|hdnts|hdnea|hdntl|\w{0,16}token\w{0,8}|q-signature"
        rb"|upsig)=([a-z0-9~*/=%_.+-]{16,2048}+)"
        rb"|~hmac=([0-9a-f]{16,256})",
        rb"[?&](?:md5|hash|sign|signature|sig|h|s|st|secure|hmac|auth|expires_sign|verify|mac|x-\w+-signature"
        rb"|hdnts|hdnea|hdntl|\w*token\w*|q-signature|upsig)=[a-z0-9]|~hmac=",
        "https://cdn.example/a.iso?md5=6ed053977b2e855e3b16d2a85b83744d&expires=1700000000",
        "https://cdn.example/a?s=short",
    ),
    _rule(
        "new_value",
        rb"\b(?:new|generated|initial|temporary|your)\s{1,4}(?:value|secret|passw\w{2,4}|token|api key"
        rb"|pin)(?:\s{1,4}(?:is|for \S{1,64}(?: is)?))?\s{0,4}[:=]\s{0,8}"
        rb"(?:" + QUOTE + rb")?([^\s\"'\\]{6,255}+)",
        rb"\b(?:new|generated|initial|temporary|your)\s+(?:value|secret|pass\w+|token|api key|pin)\b",
        "New value: iBmJ1UAIrh2BHWyfNk0T",
        "new value of it",
    ),
    _rule(
        "random_resource",
        rb"random_(?:password|string|id)\\{0,3}\".{0,400}?\\{0,3}\"(?:result|hex"
        rb"|b64_std)\\{0,3}\"\s{0,4}:\s{0,4}" + QUOTED,
        rb"random_(?:password|string|id)\\*\"",
        '"type": "random_password", "instances": [{"attributes": {"length": 20, "result": "violet.lantern4699"}}]',
        '"type": "random_password"',
    ),
)
