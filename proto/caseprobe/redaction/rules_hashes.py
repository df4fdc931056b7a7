"""Hashes of passwords, and keys and seeds that are known by their form."""

from __future__ import annotations

from caseprobe.redaction.drawn import LOOK, SMALL_LOOK, SPOKEN_LOOK, prefixed_tokens
from caseprobe.redaction.rule import Rule

EDGE, END = rb"(?<![A-Za-z0-9])", rb"(?![A-Za-z0-9])"
HEX = rb"[0-9A-Fa-f]"
BASE58 = rb"[1-9A-HJ-NP-Za-km-z]"


def _rule(name: str, look: bytes, pattern: bytes, positive: str, negative: str) -> Rule:
    return Rule(name, (), pattern, positive, negative, cased=True, look=look)


HASHES: tuple[Rule, ...] = (
    _rule(
        "crypt_hash",
        rb"\$(?:[0-9]{1,2}[a-z]?|[a-z]{1,2}|2[abxy]|argon2i?d?|s0|scrypt|sha1|md5|pbkdf2[a-z0-9-]*|apr1"
        rb"|bcrypt-sha256|ml|dcc2?|zip2|"
        rb"(?:net)?ntlmv?2?|luks|keepass|office|rar5|pdf|7z)\$[^\s\"'<>]{4}",
        rb"(?<![A-Za-z0-9_}])\$1a\$[^\s\"']{12,512}+|(?<![A-Za-z0-9_}])\$(?:[0-9]{1,2}[a-z]?|[A-Za-z]{1,2}"
        rb"|2[abxy]|argon2i?d?|s(?:crypt|0)|sha1|md5"
        rb"|pbkdf2[a-z0-9-]{0,12}|apr1|bcrypt-sha256|ml|DCC2?|zip2"
        rb"|(?:NET)?NTLM(?:v2)?|luks|keepass|office|rar5|pdf|7z)\$[^\s\"'<>;,]{12,1024}+(?:[,;][A-Za-z0-9][^\s\""
        rb"'<>]{0,512}+)?",
        "anna:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:19000:0:99999:7:::",
        "costs $1$ or $5, app.Main$A$Handler is a class",
    ),
    _rule(
        "scheme_hash",
        rb"\{(?:[xs]?-?(?:is)?s?sha[0-9]*|s?md5|crypt|pbkdf2|blf-|cleartext|plain|xor|aes|3des|des|argon2|bcrypt"
        rb"|nthash|lanman|cram|scram|ntlm|ssha|enc|cipher|noop)",
        rb"(?i)\{(?:[xs]?-?(?:is)?s?sha[0-9]*|s?md5|crypt|pbkdf2|blf|cleartext|plain|xor|aes|3des|des|argon2"
        rb"|bcrypt|nthash|lanman|cram|scram|ntlm|enc|cipher|noop)[a-z0-9, .-]{0,24}\}"
        rb"[^\s\"'<>,]{4,1024}+",
        "userPassword: {SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9gTxH5u",
        "set {plain} or {md5 sum}",
    ),
    _rule(
        "stored_hash",
        rb"scram-sha-|pbkdf2[_:]sha|bcrypt(?:_sha256)?\$|argon2\$|scrypt:[0-9]|\bmd5[0-9a-f]{5}|\*[0-9a-f]{5}"
        rb"|0x0[12]00[0-9a-f]{5}|\bs:[0-9a-f]{5}"
        rb"|\b16:[0-9a-f]{5}|(?:sha1|sha256|md5|crypt)\$[^\s]|mask-[0-9a-z./]|:b:[0-9a-f]{5}",
        rb"SCRAM-SHA-\d{1,3}(?:-PLUS)?\$[0-9]{3,6}:[^\s\"';<>]{20,512}+|(?<![\w])(?:pbkdf2_sha\d{1,3}"
        rb"|bcrypt(?:_sha256)?|argon2|scrypt|md5|sha1|sha256|crypt)\$[^\s\"'<>]{20,512}+"
        rb"|(?:pbkdf2:sha\d{1,3}(?::\d{1,8})?|scrypt:\d{1,8}:\d{1,3}:\d{1,3})\$[^\s\"'<>]{16,512}+"
        rb"|(?<![A-Za-z0-9])md5[0-9a-f]{32}(?![0-9A-Za-z])"
        rb"|(?<![A-Za-z0-9*])\*[0-9A-F]{40}(?![0-9A-Za-z])|(?<![A-Za-z0-9])0x0[12]00[0-9A-Fa-f]{40,400}+"
        rb"|(?<![A-Za-z0-9])S:[0-9A-F]{60}(?:;T:[0-9A-F]{160})?"
        rb"|(?<![A-Za-z0-9:])16:[0-9A-F]{58}(?![0-9A-Za-z])|MASK-[0-9A-Za-z./]{10,64}+|:B:[0-9a-f]{8}:[0-9a-f]{32}",
        "IDENTIFIED WITH 'mysql_native_password' AS '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'",
        "md5 of it is 9f86d081884c7d659a2feaa0c55ad015",
    ),
    _rule(
        "scrambled",
        rb"%\^%#|%[$@]%[$@]|\$[ch]\$",
        rb"(%\^%#.{4,512}?%\^%#|%[$@]%[$@].{4,512}?%[$@]%[$@]|\$[ch]\$[0-9]\$[A-Za-z0-9+/=]{8,512})",
        " pre-shared-key cipher %^%#dVB-(}N[LBVlOyNWD#=*Q7vq~V[d3o$RM{eAj92K%^%#",
        "100 %^ of it",
    ),
    _rule(
        "grub_pbkdf2",
        rb"grub\.pbkdf2\.",
        rb"grub\.pbkdf2\.sha512\.[0-9]{1,8}\.([A-Fa-f0-9.]{32,600})",
        "password_pbkdf2 root grub.pbkdf2.sha512.10000.9CA4611006FE96BC77A16ABAFEB1A3BE.3F9A",
        "grub.pbkdf2.sha512",
    ),
    _rule(
        "ntlm",
        rb":[0-9a-f]{32}|\$ntlm|\$krb5",
        rb"(?i)((?:aad3b435b51404eeaad3b435b51404ee|[0-9a-fx]{32}|no password[* ]{0,24}|):[0-9a-f]{32}(?=:::|:\["
        rb"|:\s|$)|\$(?:ntlm|krb5)[^\s]{8,4096}"
        rb"|(?<=:)[0-9a-f]{16}:[0-9a-f]{32}:[0-9a-f]{16,2048})",
        "anna:1001:aad3b435b51404eeaad3b435b51404ee:8846f7eaee8fb117ad06bdd830b7586c:::",
        "aad3b435b51404ee",
    ),
    _rule(
        "account_line",
        rb":[0-9]{4,6}:[0-9]*:[0-9]*:|:[0-9a-f]{32}",
        rb"(?m)(?:^|: |\")[A-Za-z_][\w.@-]{0,63}:(?!\$|[*!]{1,2}:)([^:\s\"]{8,512}):[0-9]{4,6}:[0-9]{0,6}:[0-9]{"
        rb"0,6}:|^[\w.@-]{1,64}:[^:\n/]{1,64}:([0-9a-f]{32})\s{0,8}$",
        "anna:Xb7dQw92kLm4s:19000:0:99999:7:::",
        "anna:x:1000:1000::/home/anna:/bin/sh",
    ),
    _rule(
        "wallet",
        rb"(?-i:SECRET-KEY-1|[xyzt]prv[1-9A-Za-z]{5}|nsec1[a-z0-9]{5}|AGE-PLUGIN-|RWRTY0Iy|edsk[1-9A-Za-z]{5}"
        rb"|DHHC-1:|suiprivkey1"
        rb"|\bS[A-Z2-7]{12}|\b[5KL][1-9A-HJ-NP-Za-km-z]*[1-9][A-HJ-NP-Z]+[1-9A-HJ-NP-Za-km-z]*[a-km-z][1-9])",
        EDGE + rb"(?:(?:AGE-SECRET-KEY-1|AGE-PLUGIN-[A-Z0-9-]{1,32}-1|[A-Z0-9-]{0,32}SECRET-KEY-1)[A-Z0-9]{20,512}"
        rb"|[xyzt]prv"
        + BASE58
        + rb"{50,128}|nsec1[a-z0-9]{50,80}|suiprivkey1[a-z0-9]{40,80}|RWRTY0Iy[A-Za-z0-9+/=]{40,512}|edsk"
        + BASE58
        + rb"{40,128}|DHHC-1:\d\d:([A-Za-z0-9+/=]{20,128}):?|S[A-Z2-7]{55}|[5KL]"
        + BASE58
        + rb"{50,51})"
        + END,
        "key AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQS3290GQ",
        "AGE-SECRET-KEY-1 begins it",
    ),
    _rule(
        "traffic",
        rb"client_random |_traffic_secret|exporter_secret|(?:auth|auth-trunc|enc|aead) [^\s]+ 0x|hexdump"
        rb"|dump-master-key|\bcrypt [a-z0-9:-]+ [0-9a-f]{5}|-[ae] [a-z0-9-]+ (?:0x|\")|\bkey [0-9a-f]{2} [0-9a-f]{5}",
        rb"(?:CLIENT_RANDOM|RSA|[A-Z_]{3,40}_SECRET(?:_\d)?)\s[0-9a-fA-F]{16,64}\s([0-9a-fA-F]{32,128})"
        rb"|\b(?:auth|auth-trunc|enc|aead|comp)\s\S{1,64}\s(0x[0-9a-fA-F]{16,256})"
        rb"|(?i:(?:psk|pmk|ptk|gtk|kck|kek|\btk\b|passphrase|password|secret"
        rb"|key)[^\n]{0,60}hexdump(?:_ascii)?\(len=\d{1,5}\):\s{0,4}([0-9a-f][^\n]{3,4096}))"
        rb"|\bcrypt\s[a-z0-9:()-]{3,64}\s([0-9a-f]{32,256})\s\d"
        rb"|\s-[AE]\s[a-z0-9-]{3,32}\s(0x[0-9a-fA-F]{16,256}|\"[^\"\n]{4,256}\")"
        rb"|\bkey\s[0-9a-fA-F]{2}\s([0-9a-fA-F]{32,64})(?![0-9A-Za-z])",
        "CLIENT_RANDOM 52362c10a2665e323a2adb4b9da0c10d 9f9a0f19a02bdddbe1a05926597d622ccb",
        "RSA key of 2048 bits",
    ),
    Rule(
        "prefixed",
        (),
        b"",
        "by acme_tGx4Kq9ZpL2mWc7RvB1nYd5s",
        "kube-proxy-configuration-of-the-cluster-x7z2k and docker-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b.scope",
        look=LOOK + rb"|" + SPOKEN_LOOK + rb"|" + SMALL_LOOK,
        find=prefixed_tokens,
    ),
)
