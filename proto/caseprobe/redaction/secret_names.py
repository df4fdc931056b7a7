"""Whether a name says that its value is a secret: of settings, headers, elements, options, in any spelling."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Speaks(IntEnum):
    """How sure a name is: MAYBE wants a value that looks drawn, LIKELY also takes one that looks like a password.

    SURE takes any that is not a plain answer.
    """

    NO = 0
    MAYBE = 1
    LIKELY = 2
    SURE = 3


# What a name ends with, its words joined, so that any value is a secret.
SURE = _words(
    "password passwd passwort passw passphrase passcode passkey pword pwd pass pw passwords motdepasse "
    "contrasena senha wachtwoord kennwort parola secret secrets psk token apitoken authtoken authtok "
    "credential credentials creds cred bearer jwt community communitystring connectionstring webhookurl totp "
    "totpseed otpseed mnemonic seedphrase recoveryphrase sessionid sessid puk pin pat pincode userpin sopin otp "
    "unlockcode recoverycode backupcode scratchcode verificationcode cookie cookies samlresponse "
    "samlassertion clientassertion verifier codeverifier unsealkeysb64 recoverykeysb64 dockerconfigjson "
    "dockercfg requirepass masterauth ha1 nthash lmhash ntlmhash setcredential keymaterial keycontent "
    "keystring keytabdata privateexponent kek pmk ptk gtk ltk csrk irk ikm crumb psksecret clientkeydata "
    "cpassword phash setcookie vncpw xsrf csrf unsealkey challengepassword plaintextpasswd sshprivate "
    "passwordhash passwdhash pwhash hashedpw secrethash encryptedpassword radiuskey ipmikey keyphrase "
    "encpassword encpwd grouppwd userpwd authpassphrase privpassphrase identitysecret privkey prvkey "
    "aprivatekey registrationcode enrollmentcode activationcode accesscode lockcode sharedkeyvalue jsessionid "
    "phpsessid connectsid secretaccess passwdmd5 md5secret mynetworkkey linkkey masterpsk ssidkey "
    "passwordsalt tokensecret sharecode authcode authsecret cak mkacak msk emsk dek bek cek cmk usercode devicecode "
    "samlart wpnonce a1hash hashnt hashlm ntpassword lmpassword icepwd keypassphrase secretkeybase pinvalue dbrwpw "
    "dbropw sapwd secretid onetimecode securitycode tan passwordd unlockpin assword ssword sword preshare pskc "
    "s0legacy 2accesscontrol 2authenticated 2unauthenticated authsalt noncesalt insalt webvpn svpncookie dsid"
)
# The same in other languages, in UTF-8 or as they are written where only ASCII may stand; the end of a name in lower
# case, its words joined.
FOREIGN = tuple(
    _words(
        "passwort kennwort zugangscode contraseña contrasena clave senha palavrapasse motdepasse mdp "
        "wachtwoord hasło haslo heslo jelszó jelszo lösenord losenord adgangskode kodeord passord "
        "salasana şifre sifre пароль 密码 密碼 口令 パスワード 비밀번호 암호 κωδικός geslo lozinka "
        "slaptažodis slaptazodis "
        "khẩu sandi parool المرور סיסמה parola parolă лозинка гасло šifra fjalëkalim contrasenya "
        "contrasinal pasahitza lykilorð parole laluan parol "
        "şifrə құпиясөз პაროლი पासवर्ड รหัสผ่าน عبور "
        "geheimnis segreto secreto segredo hemlighet hemmelighed salaisuus tajemnica секрет 秘密 暗証番号 "
        "パスフレーズ 비번"
    )
)
# Before "key": whose key it is, so that any value is a secret.
KEY_OF = _words(
    "api access auth authentication account private priv preshared pre pkcs shared encryption encrypt "
    "decryption decrypt signing sign master license licence app application secret hmac storage service "
    "services deploy consumer write read admin client server root tunnel ssh tls ssl wep wpa wifi session "
    "subscription ingest ingestion instrumentation integration routing security validation machine cookie "
    "network nwk link join unseal recovery vault personal bot send webhook product term identity resolving "
    "aes des rsa ecdsa dsa rc4 ike ipsec vpn psk rndc tsig ddns domain dnskey update gossip user password "
    "pass token symmetric data volume disk luks bitlocker backup wallet seed activation device agent "
    "provisioning enrollment registration transport cluster radius tacacs snmp community localized engine bgp "
    "ospf isis md5 sha1 sha256 static ppk base owner site team project function host functions merchant "
    "publishable live test sandbox salt peer wireguard obfs obfuscation stream rtmp publish appkey nwks apps "
    "s zigbee thread pskc fernet cipher crypt crypto wrapping jwt jwk jwe oauth hook push vapid fcm gcm apns "
    "sms mail email smtp sendgrid mailgun digest message isakmp ikev1 ikev2 failover option rotation key1 "
    "vrrp radiusserver ntp otp totp mfa setup entry wlan ap hotspot wireless ssid guest radio iot mesh zwave "
    "certificate cert seal sealing unwrap wrap kms hsm tpm rpc mqtt amqp chap ppp pap sae passwd portal vnc smb ldap "
    "sip"
)
# What a name ends with so that only a value that looks drawn is a secret.
MAYBE = _words(
    "key keys auth authorization authentication session seed salt pin code signature sig hmac ticket "
    "assertion encrypt dsn ck pat login response authenticator pem prv tls api app webhook hook gossip otp "
    "invite magic reset confirmation activation pairing unlock license licence serial encoded keydata "
    "blob digest cipher cipherstring ciphertext identity jwk sso saml crypt shadow ek mk dk sid wep wpa kg "
    "opc k ik gak guek ipk skei sker skai skar skd skpi skpr "
    "sk priv prv ki entropy keymat keyhex nodekeyhex seedhex wresult wctx scalar ck sign"
)
# In one word, written together: dbpassword, authtoken, rootpw.
SURE_END = re.compile(
    r"(?:password|passwd|passphrase|passcode|pwd|secret|token|apikey|authkey|secretkey|accesskey|privatekey|privkey"
    r"|sharedkey|masterkey|signingkey|encryptionkey|licensekey|sessionkey|serverkey|appkey|userkey|rootpw|bindpw"
    r"|credentials?|passwort|psk|community|[a-z]{2,24}p(?:ass|w)|sessid|sessionid|cookie|domainkey|zonekey|wepkey|wpakey|networkkey)s?\Z"
)
# The same, where people write passwords of their own, too.
LIKELY_END = re.compile(r"(?:keys?|pass|pw|token|secret|\Aauth)\Z")
NEVER = re.compile(
    r"(?:bypass|compass|trespass|surpass|multipass|underpass|overpass|(?:\A|_)(?:low|high|band|all|full|one|two|first|second|third"
    r"|last|next|single|double|per|out|is|has|use|skip|num|mid|post|pre)pass|(?:mon|tur|hot|don|joc|whis|hoc)key|(?:public|pub|primary|foreign"
    r"|sort|row|recv|partition|cache|object|index|host|registry|composite|natural|unique|surrogate|hash|map|group|range)_?key"
    r"|(?:error|status|exit|return|response|zip|post|country|language|hash|byte|source|op|err|res|ret|key|http|bar|area"
    r"|reason|result|currency|locale|char|scan|vendor|product|type|state|region|class|event|message|msg)_?code"
    r"|keyboard|nopasswd|bucket_?token|public_?token)s?\Z"
)
# Words behind it that only say which secret it is, or how it is written.
NEUTRAL = _words(
    "base hash hashed value val text plain plaintext cleartext clear encrypted enc raw b64 base64 hex old new "
    "current confirm confirmation confirmed again repeat repeated verify prod production dev staging live "
    "main primary secondary default root admin user db in out salt salted string str data param header ro rw "
    "local remote client server previous prev next latest sha1 sha256 sha512 md5 md4 crypt bcrypt bytes env "
    "var input field prop generated temporary temp tmp initial set content body blob pem der is was b "
    "override"
)
# Behind it: the name speaks about a secret instead of holding it.
ABOUT = _words(
    "file files filename path paths dir directory folder len length size sizes policy policies age prompt "
    "type types count counts counter total expir expire expires expired expiry expiration expirations timeout "
    "ttl url uri urls uris endpoint name names enabled enable disabled disable required require less method "
    "methods algorithm algorithms algo alg max min maximum minimum limit limits rotation version versions "
    "format store storage ref refs reference provider manager lifetime days history quality strength status "
    "changed change lastchanged last modified created updated time timestamp date issuer audience scope "
    "scopes command cmd cmds program exec helper generator getter validator checker hasher encoder decoder "
    "parser service services index idx position bucket buckets limiter usage used source class mode attempts "
    "retries retry valid invalid ok missing missed exists present empty null columns fields tables bits "
    "exchange verification verified auth authentication complexity level hint label title description cache "
    "cached groups ids uuid fingerprint thumbprint public pub map mapping locator ring rings stats metrics "
    "rate rates cost price budget error errors failed failure failures window per sec seconds minutes hours "
    "prefix suffix pattern regex template handler factory interceptor filter agent broker listener socket "
    "port host hosts address addr slot slots request requests responses event events account accounts locked "
    "plugin module script stdin fd hidden visible masked redacted removed number num no nr bit tries warn "
    "warning dialog form page dropped jti"
)
# How many of them: what a model's tokens are counted by.
MEASURED = _words("max min total prompt completion output input num used new cached reasoning limit per")
# A word of a name: what separators, or a change from lower to upper case, leave between them.
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Names longer than these are no names.
MOST_WORDS, LONGEST = 24, 200


@lru_cache(maxsize=8192)
def speaks(name: bytes) -> Speaks:
    """How sure it is that what stands behind a name is a secret.

    >>> [speaks(name).name for name in (b"DB_PASSWORD", b"clientSecret", b"key", b"code", b"password_file")]
    ['SURE', 'SURE', 'LIKELY', 'MAYBE', 'NO']
    """
    if _is_foreign(name):
        return Speaks.SURE
    text = name.decode("latin-1")
    words = [word.lower() for word in WORD.findall(text[-LONGEST:])][-MOST_WORDS:]
    if text == "PASS":
        return Speaks.MAYBE
    # What stands in a secret's place already.
    if "_hidden_" in text:
        return Speaks.NO
    if words[-1:] == ["tokens"] and not MEASURED.isdisjoint(words[:-1]):
        return Speaks.NO
    kept = _without_neutral(words)
    found = max(_end(kept), _end(words))
    if found or len(words) < 2:
        return found
    # A secret's name with more behind it: TF_TOKEN_app_example_com, password_for_db.
    for stop in range(len(kept) - 1, 0, -1):
        if kept[stop] in ABOUT:
            return Speaks.NO
        if _end(kept[:stop]) is Speaks.SURE:
            return Speaks.MAYBE
    return Speaks.NO


def _is_foreign(name: bytes) -> bool:
    """Whether a name is another language's word for a password, with others before it or not.

    >>> _is_foreign("pa\u00dfwort contrase\u00f1a".encode()), _is_foreign(b"enclave")
    (True, False)
    """
    text = name.decode("utf-8", "replace").lower()
    word = next((word for word in FOREIGN if text.replace("_", "").replace("-", "").endswith(word)), "")
    return bool(word) and (text in (word, f"{word}s") or not text[-len(word) - 1 :][:1].isalpha() or len(word) > 6)


def _without_neutral(words: list[str]) -> list[str]:
    """The words up to the last one that says more than how the value is written."""
    end = len(words)
    while end > 1 and (words[end - 1] in NEUTRAL or words[end - 1].isdigit()):
        end -= 1
    return words[:end]


def _end(words: list[str]) -> Speaks:
    """What the last words say."""
    if not words or NEVER.search("_".join(words[-2:])):
        return Speaks.NO
    last = "key" if words[-1] == "keys" and len(words) > 1 else words[-1]
    if any("".join(words[-number:]) in SURE for number in (1, 2, 3)) or SURE_END.search(last):
        return Speaks.SURE
    # A header of its own, or a key whose owner is named.
    if last == "key" and len(words) > 1 and (words[-2] in KEY_OF or words[0] == "x"):
        return Speaks.SURE
    if LIKELY_END.search(last):
        return Speaks.LIKELY
    if any("".join(words[-number:]) in MAYBE for number in (1, 2)):
        return Speaks.MAYBE
    return Speaks.NO
