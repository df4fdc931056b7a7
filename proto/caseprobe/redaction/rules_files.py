"""Secrets in files of one program each, which no name announces: fields by their place, dumps, addresses of one use."""

from __future__ import annotations

from caseprobe.redaction import sql
from caseprobe.redaction.paths import logins_at, path_tokens, user_secrets
from caseprobe.redaction.rule import Rule

QUOTE = rb"\\{0,3}[\"']"
# One word, with a digit or sign in it.
MIXED = rb"(?=[^\s\"'\\]{0,64}?[0-9!#$%^*+=~])([^\s\"'\\;,<>]{4,1024}+)"
WORD = rb"([^\s\"'\\;,]{3,1024}+)"
# The beginning of a line, or of what a logger or a string was given to say; and its end.
BEGIN, END = rb"(?m:^|(?<=\]: )|(?<=[\"']))\s{0,16}", rb"\s{0,8}(?m:(?=$|[\"'\\\r]))"
NEGOTIATED = (
    rb"(?i:\b(?:negotiate|ntlm|basic|kerberos|bearer|apikey|ssws|splunk|snyk|zoho-oauthtoken|geniekey))[, ]\s{0,2}"
    rb"(?!ip-[0-9]|[0-9.-]+[^A-Za-z])(?=[A-Za-z0-9+/_.~-]{0,200}[A-Z0-9=])"
)


def _rule(name: str, look: bytes, pattern: bytes, positive: str, negative: str, cased: bool = False) -> Rule:
    return Rule(name, (), pattern, positive, negative, cased=cased, look=look)


FILES: tuple[Rule, ...] = (
    _rule(
        "usm",
        rb"\.1\.3\.6\.1\.6\.3\.10\.1\.[0-9]",
        rb"\.1\.3\.6\.1\.6\.3\.10\.1\.\d\.\d{1,2}\s{1,4}(0x[0-9a-f]{8,256}|\"[^\"\n]{4,256}\")",
        'usmUser 1 3 0x80001f88 "a" "a" NULL .1.3.6.1.6.3.10.1.1.2 0x5d8ad6ab04b4b3a9bdc2e3a5a6e97f31 x',
        "oid .1.3.6.1.6.3.10.1.1.2 is MD5",
    ),
    _rule(
        "daemon_field",
        rb"authcommunity\s|\bmonitor\s+\S+@\S+\s|\bsecret,|\$user[0-9]+\$|[!\s]-c\s|(?:incoming|outgoing"
        rb"|mutual)user\s|authinfo:|phrasedialog\s|cachemgr_passwd\s"
        rb"|\bwireless\.\S+=|\boption\s+key|pass[\w-]*(?:cmd|command|eval|program)\W+(?:echo|printf)\s|\b(?:any|ip|[0-9./]+)\s+[0-9a-f]{64}|:[pgk]server:|rpcauth=|\bvrrp\s+[0-9]|ogin:|\[(?:chap|pap|eap)\s|hotp|login\s+\w+/|\buser=[\w.-]+:",
        rb"\bauthcommunity\s{1,4}\S{1,64}\s{1,4}"
        + WORD
        + rb"|\bmonitor\s{1,4}\S{1,128}@\S{1,128}\s{1,4}\d{1,2}\s{1,4}\S{1,64}\s{1,4}"
        + WORD
        + rb"|\bsecret,(?:[^\s,]{1,64},){0,4}data="
        + WORD
        + rb"|\$user\d{1,3}\$\s{0,4}=\s{0,4}(?![/$])"
        + WORD
        + rb"|\bcheck_\w{1,32}[!\s](?:\S{1,128}\s{1,4}){0,8}?-c\s{1,4}"
        + QUOTE
        + rb"?"
        + MIXED
        + rb"|\b(?:incoming|outgoing|mutual)user\s{1,4}\S{1,128}\s{1,4}"
        + WORD
        + rb"|\bauthinfo:[^\n]{0,255}?\"p[:=]([^\"\n]{3,255})\"|\w{0,8}phrasedialog\s{1,4}"
        + QUOTE
        + rb"?\|?(?:/\S{1,64}|echo)\s{1,4}"
        + MIXED
        + rb"|\bwireless\.\S{1,64}\.(?:key\d?|sae_password|auth_secret|acct_secret|wpakey)="
        + QUOTE
        + rb"?([^\s\"'\\]{5,255}+)"
        + rb"|\boption\s{1,4}key\d?\s{1,4}"
        + QUOTE
        + rb"?([^\s\"'\\]{5,255}+)"
        + rb"|ogin:\S{0,16}\s{1,4}\S{1,128}\s{1,4}\S{0,16}word:\S{0,16}\s{1,4}"
        + QUOTE
        + rb"?(\S{3,255}?)(?=[\"'\\\s]|$)"
        + rb"|\[(?:chap|pap|eap)\s[^\]\n]{0,255}?<([0-9a-f]{8,512})>"
        rb"|\bhotp(?:/\S{1,16})?\s{1,8}\S{1,128}\s{1,8}\S{1,16}\s{1,8}([0-9a-f]{16,128})"
        + rb"|\blogin\s{1,4}\w{1,64}/"
        + MIXED
        + rb"|pass[\w-]{0,16}(?:cmd|command|eval|program)\W{1,8}(?:echo|printf)\s{1,4}(?:-n\s{1,4})?"
        + QUOTE
        + rb"?"
        + WORD
        + rb"|\b\d{3,6}\s{1,4}\S{1,128}\s{1,4}(?:any|ip|[0-9./]{7,18})\s{1,4}([0-9a-f]{64})(?![0-9a-z])"
        rb"|\bvrrp\s{1,4}\d{1,3}\s{1,4}authentication\s{1,4}(?:text\s{1,4}|md5\s{1,4})?"
        + MIXED
        + rb"|:[pgk]server:[^\s:@]{1,64}:([^\s@/]{2,255}+)@|\brpcauth=[^\s:]{1,128}:([0-9a-f$]{32,256})",
        "MONITOR ups@localhost 1 upsmon S3cretHarb12 master",
        "monitor the disk",
    ),
    _rule(
        "clock_file",
        rb"\b[0-9]{1,5}\s+(?:m|md5|sha[0-9]*|aes[0-9a-z]*|crc|a|s|n|hmac\S*)\s+\S",
        BEGIN
        + rb"\d{1,5}\s{1,8}(?:m|md5|sha\d{0,3}|aes\w{0,8}|crc|a|s|n|hmac\S{0,12})\s{1,8}(?:hex:|ascii:)?"
        + MIXED
        + END,
        "10 M S3cretHarb12",
        "3 s elapsed",
    ),
    _rule(
        "tacacs",
        rb"\b(?:login|chap|pap|ms-chap|enable|opap|arap|global|key)\s*=?\s*(?:cleartext|des|crypt|clear)\s",
        rb"\b(?:login|chap|pap|ms-chap|enable|opap|arap|global|key)\s{0,4}=?\s{0,4}(?:cleartext|des|crypt"
        rb"|clear)\s{1,4}(?:" + QUOTE + rb")?([^\s\"'\\;}]{3,255}+)",
        'login = cleartext "correct-horse"',
        "login = pam",
    ),
    Rule(
        "user_field",
        (),
        b"",
        "smtp.example.net anna:S3cretHarb12",
        "nginx:1.25-alpine",
        look=rb"(?:^|\]: |[\"'])[ \t]*(?:-[ \t]+[\"']?)?(?:\[[\w.-]+\](?::[0-9]+)?\s+[\w.@+-]+:|"
        rb"(?:[a-z_/][\w.@\]/-]*|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]+)?(?:\s+[\w.@-]+)?(?::|\s+))"
        rb"[^\s|=()]*[0-9][^\s|=()]*(?:\s+[0-9]+)?\s*(?:$|[\"'\\#])",
        find=user_secrets,
    ),
    Rule(
        "login_at",
        (),
        b"",
        "dsn: anna:S3cretHarb12@tcp(db:3306)/app",
        "mailto:anna1@example.net and nginx:1.25@sha256:0a1b and sip:1001@pbx",
        look=rb"(?:^|[^\w./:@-])[a-z][\w.+-]*:[^\s:@/\"'<>,]*[0-9][^\s:@/\"'<>,]*@[\w\[(]",
        find=logins_at,
    ),
    Rule(
        "row",
        (),
        b"",
        "INSERT INTO users VALUES ('anna', 'S3cretHarb12')",
        "INSERT INTO events VALUES ('job2024', 'S3cretHarb12')",
        look=sql.LOOK,
        find=sql.row_secrets,
    ),
    _rule(
        "octet_list",
        rb"(?:key|secret|psk|seed)\w*\\*[\"']?(?:\[[0-9]*\])?\s*[=:]\s*[\[{(\"]*\s*(?:0x)?[0-9a-f]{1,3},",
        rb"(?:key|secret|psk|seed)\w{0,24}\\{0,3}[\"']?(?:\[\d{0,4}\])?\s{0,4}[=:]\s{0,4}[\[{(\"]{0,2}\s{0,4}"
        rb"((?:0x)?[0-9a-f]{1,3}(?:,\s{0,2}(?:0x)?[0-9a-f]{1,3}){11,511})(?![\w.])",
        "network_key: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]",
        "keys: 1, 2, 3, 4",
    ),
    _rule(
        "expression",
        rb"\([dpqu] #[0-9a-f]{8}",
        rb"\([dpqu]\s{1,4}#([0-9a-f]{16,8192})#\)",
        "(private-key (rsa (n #00C1#) (e #010001#) (d #0a1b2c3d4e5f60718293a4b5c6d7e8f9#)))",
        "(n #0a1b2c3d4e5f60718293a4b5c6d7e8f9#)",
    ),
    _rule(
        "subscriber",
        rb"\b[0-9]{15}[\s,;]+[0-9a-f]{12}",
        rb"(?<![0-9])[0-9]{15}[\s,;]{1,8}([0-9a-f]{32})(?:[\s,;]{1,8}([0-9a-f]{32}))?(?![0-9a-z])",
        "001010000000001 465b5ce8b199b49faa5f0a2ee238a6bc cd63cb71954a9f4e48a5994e37a02baf",
        "001010000000001 registered",
    ),
    _rule(
        "query_value",
        rb"[?&][a-z_.-]+=[0-9a-f]{12}",
        rb"[?&](?!(?:v|ver|version|rev|h|hash|cb|etag|sha\d{0,3}|md5|digest|commit|ref|state|nonce|(?!app_?id)[\w.-]{0,40}id)=)"
        rb"[\w.-]{1,40}=([0-9a-f]{32,128})(?![0-9a-z])",
        "GET /feed?u=0a1b2c3d4e5f60718293a4b5c6d7e8f9&x=1",
        "GET /app.js?v=0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    ),
    _rule(
        "eap_file",
        rb"\"\s+[a-z0-9,-]*(?:md5|peap|tls|ttls|mschapv2|pwd|sim|aka|gtc|leap|fast|pax|psk|sake"
        rb"|ikev2)[a-z0-9,-]*\s+\\*\"|(?:^|[a-z]=\S+\s+)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\s+\S{8}",
        rb"\"\s{1,8}[a-z0-9,-]{0,64}?(?:md5|peap|tls|ttls|mschapv2|pwd|sim|aka|gtc|leap|fast|pax|psk|sake"
        rb"|ikev2)[a-z0-9,-]{0,64}\s{1,8}\\{0,3}\"([^\"\n\\]{3,255})"
        rb"|" + BEGIN + rb"(?:[a-z]{1,16}=\S{1,64}\s{1,8}){0,4}(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\s{1,8}"
        rb"(?=\S{0,63}[0-9])([^\s\"'\\.]{8,64}+)" + END,
        '"anna" MSCHAPV2 "correct-horse" [2]',
        "52:54:00:12:34:56 eth0",
    ),
    _rule(
        "scheme_word",
        rb"\b(?:negotiate|ntlm|basic|kerberos|bearer|apikey|ssws|splunk|snyk|zoho-oauthtoken"
        rb"|geniekey)[, ]\s*[a-z0-9+/_.~-]{12}",
        NEGOTIATED + rb"([A-Za-z0-9+/_.~-]{12,8192}+={0,2})",
        "WWW-Authenticate: Negotiate YIIFzQYGKwYBBQUCoIIFwTCCBb2gDTALBgkq",
        "basic authentication",
        cased=True,
    ),
    Rule(
        "one_use",
        (),
        b"",
        "GET /reset-password/T3JhbmdlSGFyYm91cjEyZz12 HTTP/1.1",
        "GET /reset-password/form HTTP/1.1",
        look=rb"/(?:reset|password|verif|confirm|activat|invit|magic|unsubscri|log-?in|sign-?in|signup|auth"
        rb"|token|share|hook|webhook|recover|unlock|approve|accept|download|s|key|services?|catch|trigger|bot"
        rb"|access|join|guest|api|rest|feed|rss|ical|calendar|incoming|inbound|callback|private|notify|ingest)[\w-]*/"
        rb"|/private-[0-9a-f]{16}|\?[A-Za-z0-9_-]{14,}(?:\s|[\"']|$)",
        find=path_tokens,
    ),
    _rule(
        "login_cookie",
        rb"(?:wordpress_|\.asp|auth_?tkt|sess|remember|ltpatoken|iplanet|_sid|mellon|clearance|__cf|__secure-"
        rb"|__host-|identity|xenforo|simplesaml|shib|sso|login|user_id|kc_|jsession|phpsess|cfid|cftoken|csrf"
        rb"|xsrf|dsid|webvpn|svpn|portal-)[\w.-]*=[^\s;,\"'&]{8}",
        rb"(?<![\w.-])(?:wordpress_(?:logged_in|sec)\w{0,64}|\.asp\w{1,32}|\.aspnetcore\.[\w.-]{1,64}"
        rb"|auth_?tkt\w{0,16}|asp\.net_sessionid|[\w.-]{0,40}sess(?:ion)?(?:_?id)?[\w.-]{0,40}|remember_\w{1,64}"
        rb"|ltpatoken2?|smsession|iplanetdirectorypro|_?shibsession\w{0,80}|xenforo_\w{1,32}|\w{1,40}_sid"
        rb"|mellon-\w{1,32}|cf_clearance|__cf_bm|__secure-[\w.-]{1,64}|__host-[\w.-]{1,64}"
        rb"|simplesaml\w{0,32}|kc_\w{1,32}|keycloak_\w{1,32}|cftoken|_?[cx]srf[\w-]{0,24}|sso\w{0,24}"
        rb"|_identity[\w-]{0,24}|dsid|webvpn\w{0,8}|svpncookie|portal-\w{0,32}cookie)=(?!/)(?=[^\s;,\"'&]{0,200}?[0-9])([^\s;,\"'&\\]{12,4096}+)",
        "auth_tkt=a94a8fe5ccb19ba61c4c0873d391e987!anna",
        "session=none",
    ),
    _rule(
        "jwk",
        rb"\"(?:d|p|q|dp|dq|qi|k)\\*\"\s*:\s*\\*\"[a-z0-9_-]{12}",
        rb"\"(?:d|p|q|dp|dq|qi|k)\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"([A-Za-z0-9_-]{16,4096}+)=?\\{0,3}\"",
        '{"kty":"oct","k":"aym1syspbyfgz3umjqzkobwvmkoqxw4"}',
        '{"d": "short"}',
        cased=True,
    ),
    _rule(
        "word_list",
        rb"(?:seed|mnemonic|recovery|backup|secret)[ _-]?(?:phrase|words?"
        rb"|mnemonic)?\\*[\"']?\s*(?:is)?\s*[:=]?\s*\\*[\"']?(?:[a-z]{3,8}\s+){4}",
        rb"(?:seed|mnemonic|recovery|backup|secret)[ _-]?(?:phrase|words?"
        rb"|mnemonic)?\\{0,3}[\"']?\s{0,4}(?:is)?\s{0,4}[:=]?\s{0,4}\\{0,3}[\"']?((?:[a-z]{3,8}\s{1,4}){11,23}[a"
        rb"-z]{3,8})",
        "seed phrase: witch collapse practice feed shame open despair creek road again ice least",
        "recovery of the volume",
    ),
    _rule(
        "private_part",
        rb"private-mac:|(?:prime[12]|exponent[12]|coefficient|privateexponent|privatekey|private_value\S*"
        rb"|secret_x\S*):\s|(?:mk|volume key|master key|key) dump|\(0x[0-9a-f]{8}|scratch"
        rb"|recovery (?:key|password)|(?:aes[0-9]{3}-cts|rc4|des-cbc|arcfour)[\w-]*:[0-9a-f]{16}",
        rb"private-mac:\s{0,4}([0-9a-f]{32,128})|(?:prime[12]|exponent[12]|coefficient|privateexponent"
        rb"|privatekey|private_value\(x\)|secret_x):\s{0,8}([a-z0-9+/]{16,4096}+={0,2})"
        rb"|(?:mk|volume key|master key|key) dump:\s{0,8}((?:[0-9a-f]{2}[\s:]?){8,128})|(?:keytab|aes\d{3}-cts"
        rb"|arcfour|des3?-|rc4-hmac|camellia)[^\n]{0,128}?\(0x([0-9a-f]{16,128})\)"
        rb"|((?:\d{6}-){7}\d{6})|(?:aes\d{3}-cts|rc4|des-cbc|arcfour)[\w-]{0,24}:([0-9a-f]{16,128})(?![0-9a-z])",
        "1 anna@REALM (aes256-cts-hmac-sha1-96)  (0xa94a8fe5ccb19ba61c4c0873d391e987982fbbd3)",
        "coefficient: 0.5",
    ),
    _rule(
        "told",
        rb"\bpass(?:word|phrase|code|wd)?\b.*\b(?:changed|set|reset|generated|updated|assigned|created)\b",
        rb"\bpass(?:word|phrase|code|wd)?\b[^\n]{0,80}?\b(?:changed|set|reset|generated|updated|assigned"
        rb"|created)\b[^\n:]{0,60}?(?:\bto|:|\bas|\bis)\s{1,4}[\"']?(?=\S{0,64}[0-9!#$%^*+=~])([^\s\"'\\]{6,255}+)",
        "Your password has been changed to S3cretHarb12",
        "the password was set to expire",
    ),
)
