"""Secrets that are known by what stands before them: a key, an option, a header, a directive."""

from __future__ import annotations

import re

from caseprobe.redaction.rule import Rule

# Words that make a key's value secret. Written once, used with "=", ":", in XML and behind "--".
KEYS = (
    rb"(?:pass(?:word|wd|phrase|code)|passwd|pwd|secret|token|credentials?|psk|community"
    rb"|(?:api|access|auth|account|private|preshared|pre[-_]shared|encryption|encrypt|signing|shared|master|license|app"
    rb"|wep|session|storage|service|deploy|hmac|consumer|write|read"
    rb"|admin|server|client|root|tunnel|ssh|tls|ssl)[-_. ]?key"
    rb"|requirepass|masterauth|auth[-_.]?key|connection[-_.]?string|secret[-_.]?hash|webhook[-_.]?url|totp|otp[-_.]?seed"
    rb"|chap[-_.]?pass|ha1|hashed[-_.]?pw|pw[-_.]?hash|keytab[-_]?data|session[-_]?id|sessid|bind[-_]?pw|rootpw|userpw|authtok)"
)
KEY_NEEDLES = (
    *(b"passw", b"passphrase", b"passcode", b"pwd", b"secret", b"token", b"credential", b"psk", b"community", b"key"),
    *(b"requirepass", b"masterauth", b"session", b"sessid", b"bindpw", b"bind_pw", b"bind-pw", b"rootpw", b"userpw"),
    *(
        b"authtok",
        b"pre-shared",
        b"pre_shared",
        b"connection",
        b"webhook_url",
        b"webhook-url",
        b"webhookurl",
        b"totp",
        b"otp_seed",
        b"otp-seed",
        b"chap",
        b"ha1",
        b"pw",
    ),
)
# A key that ends so speaks about a secret instead of holding it; and values that are none.
ABOUT_KEY = (
    rb"(?:file|path|dir|len|length|size|policy|age|prompt|auth|authentication|type|count|expir\w{0,8}|timeout|ttl|url|uri"
    rb"|name|enabled|required|less|method|algorithm|max\w{0,8}|min\w{0,8}|rotation|version|format|store|ref)"
)
NO_SECRET = (
    rb"(?:true|false|yes|no|on|off|null|nil|none|undefined|required|optional|requisite|sufficient|default|\(null\)"
    rb"|\*{1,64}|<[a-z_ -]{1,32}>|0x[0-9a-f]{1,16}|[0-9]{1,3}"
    # A package's architecture; an object that a program printed with its class and address.
    rb"|(?:amd64|arm64|armhf|armel|i386|i686|x86_64|aarch64|noarch)\.?|(?:[a-z_$][\w$]{0,64}+\.){1,12}+[\w$]{1,64}+@[0-9a-f]{1,16})"
)
REFERENCE = (
    rb"(?:%[sd(]|\$[{(]|\$[a-z_]{0,32}?(?:pass|pwd|token|secret|key|home)[a-z_]{0,32}(?![^\s\"'])|\{\{"
    rb"|/(?:etc|var|usr|run|proc|home)/)"
)
ASSIGN = rb"\s{0,4}(?:=>|:=|=|:)"
# Anchored at the key: what a value holds in its middle says nothing.
ABOUT = (
    rb"[^=:]{0,200}?"
    + ABOUT_KEY
    + rb"s?[\"'\]]{0,2}"
    + ASSIGN
    + rb"|[^=:]{0,200}+"
    + ASSIGN
    + rb"\s{0,4}[\"']?(?:"
    + NO_SECRET
    + rb"(?:[\"',;\s)}\]*]|$)|"
    + REFERENCE
    + rb")"
)
# "password: changed" in running text is prose; a mixed value, or a key at the start of its line, is not.
SUFFIX = rb"[\w.-]{0,32}+\\{0,3}[\"']?\]?\s{0,8}+"
QUOTED = rb"(?:\"((?:[^\"\\\n]|\\.){1,4096}+)\"|'([^'\n]{1,4096}+)'|\\{1,3}[\"']([^\"'\\\n]{1,4096}+)\\{1,3}[\"'])"
# A bare value that goes on with "{", "(" or "[" is an object or a call that was printed.
BARE = rb"([^\s\"'`,;&|(){}<>\[\]][^\s\"'`,;&|){}<>\]]{0,4095}+)(?![({\[])"
MIXED = rb"((?=[^\s\"',;]{0,64}?[0-9!#$%^*+=@~?])[^\s\"'`,;&|(){}<>\[\]][^\s\"'`,;&|){}<>\]]{5,4095}+)(?![({\[])"


def _rule(name: str, needles: tuple[bytes, ...], pattern: bytes, positive: str, negative: str) -> Rule:
    """A rule whose pattern is for lower case."""
    return Rule(name, needles, pattern, positive, negative)


ASSIGNED: tuple[Rule, ...] = (
    _rule(
        "authorization",
        (b"authorization", b"x-auth", b"x-api-key", b"private-token"),
        rb"(?:proxy-)?(?:authorization|x-auth-token|x-api-key|x-vault-token|private-token)\\{0,3}[\"']?\s{0,4}[:=]\s{0,4}\\{0,3}[\"']?"
        rb"(?:(?:basic|bearer|digest|token|negotiate|ntlm|apikey|aws4-hmac-sha256)\s{1,4})?([^\s\"'\\][^\r\n\"'\\]{3,8191}+)",
        "> Authorization: Basic YW5uYTpodW50ZXIy",
        "authorization is needed",
    ),
    _rule(
        "bearer",
        (b"bearer ",),
        rb"\bbearer\s{1,4}((?=[^\s]{0,64}?[0-9])[a-z0-9._~+/=-]{16,8192}+)",
        "sent 'Bearer mF_9.B5f-4.1JqM5z8kQx' to it",
        "the bearer of bad news",
    ),
    _rule(
        "cookie",
        (b"cookie",),
        rb"(?:set-)?cookie2?[\"']?\s{0,4}:\s{0,4}[\"']?([^\s\"'][^\r\n\"']{0,8191}+)",
        "Cookie: session=38afes7a8; theme=dark",
        "cookies are off",
    ),
    _rule(
        "url_login",
        (b"://",),
        rb"(?<=://)[^\s:/@\"'<>]{0,255}+:([^\s/@\"'<>]{1,255}+)@",
        "proxy http://anna:hunter2@proxy.example:3128/",
        "http://proxy.example:3128/a@b",
    ),
    _rule(
        "url_user",
        (b"://",),
        rb"(?<=://)((?=[a-z_.-]{0,255}+[0-9])[a-z0-9_.-]{20,255}+)@(?=[a-z0-9])",
        "https://0123456789abcdef0123456789@git.example/x.git",
        "https://git@git.example/x.git",
    ),
    _rule(
        "command_option",
        (b"--", *KEY_NEEDLES, b"sshpass", b"mysql", b"curl", b"wget", b"http "),
        rb"(?<![\w-])(?:--?[a-z0-9-]{0,40}?" + KEYS + rb"[=\s]\s{0,4}(?![-&|<>])[\"']?([^\s\"']{2,4096}+)"
        rb"|sshpass\s{1,4}-p\s{0,4}[\"']?([^\s\"']{1,255}+)"
        rb"|mysql(?:dump|admin)?\s(?:[^\s-]\S{0,255}+\s{1,4}|-(?!p)\S{1,255}+\s{1,4}){0,20}+-p([^\s\"']{1,255}+)"
        rb"|(?:curl|wget|http)\s(?:\S{1,2048}+\s{1,4}){0,40}?(?:-u|--user|--proxy-user)[=\s]\s{0,4}[\"']?[^\s:\"']{1,255}+:([^\s\"']{1,255}+))",
        "tool --db-password hunter2 run",
        "tool --no-password --verbose",
    ),
    Rule(
        "assignment",
        KEY_NEEDLES,
        (
            rb"(?:(?:^|[\n{,;&?]|\\n|\s-\s)[\s\"']{0,40}+(?:export\s|set\s|-\s|env\s)?[\w.\[-]{0,64}?"
            + KEYS
            + SUFFIX
            + rb"(?:=>|:=|=|:)\s{0,8}(?:"
            + QUOTED
            + rb"|"
            + BARE
            + rb")"
            + rb"|"
            + KEYS
            + SUFFIX
            + rb"(?:(?:=>|:=|=)\s{0,8}(?:"
            + QUOTED
            + rb"|"
            + BARE
            + rb")"
            + rb"|:\s{0,8}(?:"
            + QUOTED
            + rb"|"
            + MIXED
            + rb")))"
        ),
        "DB_PASSWORD=correct-horse",
        "password_file=/etc/app/pw and tokens: 12",
        ABOUT,
        look=b"(?:" + b"|".join(map(re.escape, KEY_NEEDLES)) + rb")[\w.-]*\\*[\"']?\]?\s*[=:]",
    ),
    _rule(
        "xml_value",
        (b"pass", b"secret", b"token", b"key"),
        rb"<(?:[\w:.-]{0,64}?" + KEYS + rb"[\w.-]{0,32})[^>\n]{0,512}+>(?:\s{0,8})([^<\n]{1,4096}+)</",
        "<password>hunter2</password>",
        "<password/>",
    ),
    _rule(
        "directive",
        (
            b"rocommunity",
            b"rwcommunity",
            b"com2sec",
            b"snmp-server",
            b"createuser",
            b"requirepass",
            b"ifconfig wlan",
            b" psk ",
            b"rootpw",
            b"auth-pass",
            b"auth_pass",
            b"authentication-key",
            b"key-string",
            b"md5 ",
            b"wpa_passphrase",
            b"snmpwalk",
            b"snmpget",
            b"trapcommunity",
            b"trapsink",
            b"ppp chap",
            b"username ",
        ),
        rb"(?:\br[ow]community6?\s{1,8}([^\s#]{1,255}+)"
        rb"|\bcom2sec6?\s{1,8}(?:-cn\s{1,8}\S{1,255}+\s{1,8})?\S{1,255}+\s{1,8}\S{1,255}+\s{1,8}([^\s#]{1,255}+)"
        rb"|\bsnmp-server\s{1,8}(?:community|host\s{1,8}\S{1,255}+(?:\s{1,8}version\s{1,8}\S{1,8}+)?)\s{1,8}([^\s#]{1,255}+)"
        rb"|\bcreateuser\s{1,8}(?:-e\s{1,8}\S{1,255}+\s{1,8})?\S{1,255}+\s{1,8}(?:md5|sha\S{0,8}+)\s{1,8}[\"']?([^\s\"']{1,255}+)[\"']?"
        rb"(?:\s{1,8}(?:des|aes\S{0,8}+)\s{1,8}[\"']?([^\s\"']{1,255}+))?"
        rb"|\b(?:trapcommunity|trap2?sink\s{1,8}\S{1,255}+)\s{1,8}([^\s#]{1,255}+)"
        rb"|\bsnmp(?:bulk)?(?:walk|get|getnext|set|table)\s(?:\S{1,255}+\s{1,8}){0,20}?-c\s{0,8}[\"']?([^\s\"']{1,255}+)"
        rb"|\bwpa_passphrase\s{1,8}\S{1,255}+\s{1,8}[\"']?([^\s\"']{8,63}+)"
        rb"|(?:^|\s):?\s{0,8}psk\s{1,8}\"([^\"\n]{1,512}+)\""
        rb"|\b(?:key-string|authentication-key|auth[-_]pass|ppp\s{1,8}chap\s{1,8}password|rootpw)\s{1,8}(?:[0-9]\s{1,8}|--\w{1,16}\s{1,8}){0,3}([^\s\"']{2,512}+))",
        "rocommunity s3cr3t 10.0.0.0/8",
        "the community of users",
    ),
    _rule(
        "router",
        (b"secret ", b"password ", b"key "),
        rb"\b(?:secret|password|key(?:-string)?)\s{1,4}(?:level\s{1,4}[0-9]{1,2}\s{1,4})?[0-9]\s{1,4}([a-z0-9./$]{4,255}+)(?=\s|$|\")",
        "enable password 7 0822455D0A16544541",
        "password 7 is weak",
    ),
    _rule(
        "netrc",
        (b"login ",),
        rb"\blogin\s{1,8}[^\s,;:]{1,255}+\s{1,8}password\s{1,8}(\S{1,255}+)",
        "machine ftp.example login anna password hunter2",
        "login failed, password wrong",
    ),
    _rule(
        "wifi",
        (b"psk=", b"wpa-psk", b"wpa_psk", b"wpa-passphrase"),
        rb"(?:\bpsk=|wpa[-_](?:psk|passphrase)[\s=:]{1,8})[\"']?([^\s\"']{8,255}+)",
        "wpa-psk correcthorse",
        "key_mgmt=WPA-PSK",
    ),
)
