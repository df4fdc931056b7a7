"""Secrets that are known by what stands before them: a key, an option, a header, a directive."""

from __future__ import annotations

from caseprobe.redaction.pairs import element_secrets, pair_secrets
from caseprobe.redaction.rule import Rule

# Words that make a key's value secret. Written once, used with "=", ":", in XML and behind "--".
KEYS = (
    rb"(?:pass(?:word|wd|phrase|code)?|pw|pin|passwd|pwd|secret|token|credentials?|psk|community"
    rb"|(?:api|access|auth|account|private|preshared|pre[-_]shared|encryption|encrypt|signing|shared|master"
    rb"|license|app"
    rb"|wep|session|storage|service|deploy|hmac|consumer|write|read"
    rb"|admin|server|client|root|tunnel|ssh|tls|ssl)[-_. ]?key"
    rb"|requirepass|masterauth|auth[-_.]?key|connection[-_.]?string|secret[-_.]?hash|webhook[-_.]?url|totp"
    rb"|otp[-_.]?seed"
    rb"|chap[-_.]?pass|ha1|hashed[-_.]?pw|pw[-_.]?hash|keytab[-_]?data|session[-_]?id|sessid|bind[-_]?pw|rootpw"
    rb"|userpw|authtok)"
)
# What a name that surely or perhaps holds a secret has in it, and the sign behind it, in RE2's syntax.
# Words for passwords in scripts of their own, in UTF-8.
OTHER_SCRIPTS = (
    "лозинк|гасло|құпиясөз|პაროლ|पासवर्ड|รหัสผ่าน|عبور|секрет|秘密|暗証番号|フレーズ|비번|şifrə|lozink|fjalëkal".encode()
)
SURE_PART = (
    rb"(?:pass|pwd|pword|secret|token|cred|key|psk|communit|sess(?:ion)?[_-]?id|cookie|totp|\bpin|_pin|pincode|\bpuk"
    rb"|_puk|phrase|mnemonic"
    rb"|\botp|_otp|webhook|connectionstr|connection.str|pwhash|hashed|secrethash|\bha1|_ha1|(?:nt|lm|ntlm)[ _-]?hash"
    rb"|verifier|bearer|jwt|senha|contrasen|kennwort"
    rb"|wachtwoord|parola|saml|clientassert|client_assert|docker|\birk|\bltk|\bcsrk|\bikm|\b[pgt][mt]k|crumb"
    rb"|phash|dnpass|pragma|[cx]srf|exponent|keytab|\bcak|_cak|e?msk\b|\b[dbc]ek|\bcmk|nonce|samlart|userpin|sopin|[ao]1.hash|hash_nt|icepwd"
    rb"|\btan|dbr[wo]pw|sapwd|one.?time|passkey|preshare|ssword|(?:auth|nonce|in)_salt|s0_?legacy|s2_?(?:access|(?:un)?authent)|webvpn|svpncookie|\bdsid"
    rb"|geheimn|segreto|secreto|segredo|hemlig|hemmelig|salaisuu|tajemnic|contrasinal|pasahitz|lykilor|\bparole|\bparol\b|laluan|\bsandi\b"
    rb"|"
    + OTHER_SCRIPTS
    + rb"|passw|kennw|zugangsc|contrase|clave\b|senha|palavra|motdepass|mot.de.pass|\bmdp|wachtw|has\xc5\x82o|haslo"
    rb"|heslo|jelsz|l(?:\xc3\xb6|o)senord|adgangsk|kodeord|passord|salasana|[s\x9f]ifre|\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb"
    rb"|\xe5\xaf\x86\xe7\xa0\x81|\xe5\xaf\x86\xe7\xa2\xbc|\xe5\x8f\xa3\xe4\xbb\xa4|\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89|\xeb\xb2\x88\xed\x98\xb8"
    rb"|\xec\x95\x94\xed\x98\xb8|\xce\xba\xcf\x89\xce\xb4|geslo|lozinka|slapta|kh\xe1\xba\xa9u|sandi\b|parool"
    rb"|\xd8\xa7\xd9\x84\xd9\x85\xd8\xb1\xd9\x88\xd8\xb1|\xd7\xa1\xd7\x99\xd7\xa1\xd7\x9e\xd7\x94"
    rb"|setcred|authtok|rootpw|bindpw|userpw|_pw|\bpw|vncpw|\bkek|(?:access|verification|recovery|backup|scratch"
    rb"|unlock|lock"
    rb"|activation|registration|enrollment|auth|share)[_-]?code)"
)
MAYBE_PART = (
    rb"(?:auth\w*|(?:\b|_|-)(?:sess(?:ion)?|seed|salt|code|sig|signature|hmac|ticket|assertion|encrypt|dsn|ck"
    rb"|pat|login|response|pem|prv|tls|api|app|hook|gossip"
    rb"|otp|invite|magic|reset|confirmation|activation|pairing|unlock|licen[cs]e|serial|encoded|blob|digest"
    rb"|cipher\w*|identity|sign"
    rb"|jwk|sso|crypt|shadow|sid|wep|wpa|kg|opc|ek|mk|dk|i?k|gak|guek|ipk|sk(?:_(?:[eap][ir]|d))?|priv|prv|ki|entropy|scalar|wresult|wctx)(?:[-_]?[0-9]+)?"
    rb"|(?-i:[a-z](?:Salt|Seed|Sess|Session|Code|Sig|Signature|Hmac|Ticket|Digest|Blob|Entropy))|keyhex|_hex)"
)
CLOSE = rb"(?:\\*[\"'`]|&quot;|&#3[49];)?\]?\)?\}?\s*"
PAIR_LOOK = (
    SURE_PART
    + rb"[\w.\x80-\xff-]*(?: \[?[\w'-]+\]?){0,3}"
    + CLOSE
    + rb"(?:[=:]|->|\\+u003[ad]|&#|\xef\xbc\x9a|<<<|,\s*\\*[\"']|\(\\*[\"'])|"
    + MAYBE_PART
    + CLOSE
    + rb"(?:=>|:=|[=:])\s*\\*[\"']?[^\s\"',;()]{4}[^\s\"',;()]*[0-9]"
)
ELEMENT_LOOK = (
    rb"<[\w:.-]*"
    + SURE_PART
    + rb"|"
    + MAYBE_PART
    + rb"[\w.-]*>|(?:key|name|id|property|variable|option|field|header|attr)\\*[\"']?\s*[=:]\s*\\*[\"']?[\w.$-]*"
    + SURE_PART
    + rb"|<(?:key|name|id)>|sensitive"
)


def _rule(name: str, needles: tuple[bytes, ...], pattern: bytes, positive: str, negative: str) -> Rule:
    """A rule whose pattern is for lower case."""
    return Rule(name, needles, pattern, positive, negative)


ASSIGNED: tuple[Rule, ...] = (
    _rule(
        "authorization",
        (b"authorization", b"x-auth", b"x-api-key", b"private-token"),
        rb"(?:proxy-)?(?:authorization|x-auth-token|x-api-key|x-vault-token"
        rb"|private-token)\\{0,3}[\"']?\s{0,4}[:=]\s{0,4}\\{0,3}[\"']?"
        rb"(?:(?:basic|bearer|digest|token|negotiate|ntlm|apikey"
        rb"|aws4-hmac-sha256)\s{1,4})?([^\s\"'\\][^\r\n\"'\\]{3,8191}+)",
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
        rb"(?<=://)[^\s:/@\"'<>]{0,255}+:([^\s/?#&\"'<>]{1,255})@(?=[\w\[(])",
        "proxy http://anna:hunter2@proxy.example:3128/",
        "http://proxy.example:3128/a@b",
    ),
    _rule(
        "url_user",
        (b"://",),
        rb"(?<=://)((?=[a-z_.-]{0,255}+[0-9])[a-z0-9_.-]{20,255}+)(?=(?::[^\s/?#\"'<>]{1,255})?@[a-z0-9])",
        "https://0123456789abcdef0123456789@git.example/x.git",
        "https://git@git.example/x.git",
    ),
    Rule(
        "command_option",
        (),
        rb"(?<![\w-])(?:--?[a-z0-9-]{0,40}?" + KEYS + rb"[=\s]\s{0,4}(?![-&|<>])[\"']?([^\s\"']{2,4096}+)"
        rb"|[\"']-p((?=[^\"']{0,64}[0-9!%*^~+#])(?=[^\"']{0,64}[a-z])[^\s\"'\\/=:]{6,64})\\{0,3}[\"']"
        rb"|[\"']-p\\{0,3}[\"'],?\s{0,2}(?:a\d{1,2}=)?\\{0,3}[\"']((?=[^\"']{0,64}[0-9])(?=[^\"']{0,64}[a-z])[^\s\"'\\/=:]{6,64})"
        rb"|[\"']-u\\{0,3}[\"'],?\s{0,2}(?:a\d{1,2}=)?\\{0,3}[\"'][^\s\"':]{1,128}:([^\s\"'\\/]{3,128})"
        rb"|sshpass\s{1,4}-p\s{0,4}[\"']?([^\s\"']{1,255}+)"
        rb"|mysql(?:dump|admin)?\s(?:[^\s-]\S{0,255}+\s{1,4}|-(?!p)\S{1,255}+\s{1,4}){0,20}+-p[\"']?([^\s\"']{1,255}+)"
        rb"|(?:curl|wget|http)\s(?:\S{1,2048}+\s{1,4}){0,20}?(?:-u|--user"
        rb"|--proxy-user)[=\s]\s{0,4}[\"']?[^\s:\"']{1,255}+:([^\s\"']{1,255}+))",
        "tool --db-password hunter2 run",
        "tool --no-password --verbose",
        look=rb"(?:^|[^\w-])--?[a-z0-9-]*(?:pass|pwd|pin|secret|token|cred|key|psk|communit|auth|sess|totp|pw)|sshpass|[\"']-[pu]"
        rb"|mysql|curl\s|wget\s|http\s",
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
        rb"|\bsnmp-server\s{1,8}(?:community|host\s{1,8}\S{1,255}+(?:\s{1,8}(?:traps|informs))?(?:\s{1,8}version"
        rb"\s{1,8}\S{1,8}+(?:\s{1,8}(?:auth|noauth|priv)\b)?)?)\s{1,8}([^"
        rb"\s#]{1,255}+)"
        rb"|\bcreateuser\s{1,8}(?:-e\s{1,8}\S{1,255}+\s{1,8})?\S{1,255}+\s{1,8}(?:md5"
        rb"|sha\S{0,8}+)\s{1,8}[\"']?([^\s\"']{1,255}+)[\"']?"
        rb"(?:\s{1,8}(?:des|aes\S{0,8}+)\s{1,8}[\"']?([^\s\"']{1,255}+))?"
        rb"|\b(?:trapcommunity|trap2?sink\s{1,8}\S{1,255}+)\s{1,8}([^\s#]{1,255}+)"
        rb"|\bsnmp(?:bulk)?(?:walk|get|getnext|set|table)\s(?:\S{1,255}+\s{1,8}){0,20}?-c\s{0,8}[\"']?([^\s\"']{"
        rb"1,255}+)"
        rb"|\bwpa_passphrase\s{1,8}\S{1,255}+\s{1,8}[\"']?([^\s\"']{8,63}+)"
        rb"|(?:^|\s):?\s{0,8}psk\s{1,8}\"([^\"\n]{1,512}+)\""
        rb"|\b(?:key-string|authentication-key|auth[-_]pass|ppp\s{1,8}chap\s{1,8}password"
        rb"|rootpw)\s{1,8}(?:[0-9]\s{1,8}|(?:md5|hmac|text|ascii|sha\S{0,8}+)\s{1,8}|--\w{1,16}\s{1,8}){0,4}"
        rb"([^\s\"']{2,512}+))",
        "rocommunity s3cr3t 10.0.0.0/8",
        "the community of users",
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
PAIRS: tuple[Rule, ...] = (
    Rule(
        "assignment",
        (),
        b"",
        "DB_PASSWORD=correct-horse",
        "password_file=/etc/app/pw and tokens: 12",
        look=PAIR_LOOK,
        find=pair_secrets,
    ),
    Rule(
        "element",
        (),
        b"",
        "<db:password>hunter2</db:password>",
        "<password/>",
        look=ELEMENT_LOOK,
        find=element_secrets,
    ),
)
