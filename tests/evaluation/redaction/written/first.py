"""Families that rules were written for, with the lines in which they usually stand."""

from __future__ import annotations

from base64 import b64encode

from tests.evaluation.redaction.family import (
    ALNUM,
    DIGITS,
    LOWER,
    UPPER,
    Family,
    basic,
    chars,
    encoded,
    jwt,
    one_of,
    password,
    pem,
    token,
)

HEX = DIGITS + "abcdef"
BASE32 = UPPER + "234567"
URL_SAFE = ALNUM + "-_"
CRYPT = ALNUM + "./"
# Tokens that are known by their own form: they may stand anywhere.
ANYWHERE = (
    "using {secret} for {host}",
    "token: {secret}",
    'curl -H "X-Token: {secret}" https://{host}/api',
    "https://{host}/hook?key={secret}&v=1",
)

TOKENS: tuple[Family, ...] = (
    Family("aws access key id", token("AKIA", BASE32, 16), ANYWHERE),
    Family("github token", one_of(*(token(f"gh{kind}_", ALNUM, 36) for kind in "pousr")), ANYWHERE),
    Family("github fine-grained token", token("github_pat_", ALNUM + "_", 82), ANYWHERE),
    Family("gitlab token", token("glpat-", URL_SAFE, 20), ANYWHERE),
    Family("slack token", lambda r: f"xoxb-{r.randint(10**11, 10**12)}-{''.join(r.choices(ALNUM, k=24))}", ANYWHERE),
    Family("stripe key", one_of(token("sk_live_", ALNUM, 24), token("rk_live_", ALNUM, 24)), ANYWHERE),
    Family("npm token", token("npm_", ALNUM, 36), (*ANYWHERE, "//registry.npmjs.org/:_authToken={secret}")),
    Family("pypi token", token("pypi-AgEIcHlwaS5vcmc", URL_SAFE, 150), (*ANYWHERE, "password = {secret}")),
    Family("google api key", token("AIza", URL_SAFE, 35), ANYWHERE),
    Family("google oauth token", token("ya29.a0", URL_SAFE, 120), ANYWHERE),
    Family(
        "sendgrid key",
        lambda r: f"SG.{''.join(r.choices(URL_SAFE, k=22))}.{''.join(r.choices(URL_SAFE, k=43))}",
        ANYWHERE,
    ),
    Family("model provider key", one_of(token("sk-proj-", ALNUM, 48), token("sk-ant-api03-", URL_SAFE, 93)), ANYWHERE),
    Family("vault token", token("hvs.", URL_SAFE, 90), ANYWHERE),
    Family("digitalocean token", token("dop_v1_", HEX, 64), ANYWHERE),
    Family("docker hub token", token("dckr_pat_", URL_SAFE, 27), ANYWHERE),
    Family("hugging face token", token("hf_", LOWER + UPPER, 34), ANYWHERE),
    Family(
        "telegram bot token", lambda r: f"{r.randint(10**8, 10**10)}:AA{''.join(r.choices(URL_SAFE, k=33))}", ANYWHERE
    ),
    Family("json web token", jwt, (*ANYWHERE, "Authorization: Bearer {secret}", "id_token={secret}")),
    Family("sentry token", token("sntrys_", ALNUM, 80), ANYWHERE),
    Family("pulumi token", token("pul-", HEX, 40), ANYWHERE),
)
HEADERS: tuple[Family, ...] = (
    Family(
        "basic login",
        basic,
        (
            "> Authorization: Basic {secret}",
            "Proxy-Authorization: Basic {secret}",
            '"headers": {"authorization": "Basic {secret}"}',
        ),
    ),
    Family(
        "bearer token",
        chars(URL_SAFE, 40),
        ("Authorization: Bearer {secret}", "-H 'Authorization: Bearer {secret}'", "sent Bearer {secret} to {host}"),
    ),
    Family(
        "cookie",
        chars(HEX, 32),
        (
            "Cookie: theme=dark; session={secret}",
            "Set-Cookie: JSESSIONID={secret}; Path=/; HttpOnly",
            "cookie: sid={secret}",
        ),
    ),
    Family(
        "webhook url",
        lambda r: (
            f"T{''.join(r.choices(BASE32, k=8))}/B{''.join(r.choices(BASE32, k=8))}/{''.join(r.choices(ALNUM, k=24))}"
        ),
        ("https://hooks.slack.com/services/{secret}", "notify=https://hooks.slack.com/services/{secret}"),
    ),
    Family(
        "presigned url",
        one_of(chars(HEX, 64), encoded(32)),
        (
            "GET https://{host}/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature={secret}",
            "https://{host}/c/f?sv=2022-11-02&se=2026-01-01&sr=b&sp=r&sig={secret}",
            "https://{host}/b/o?Expires=1700000000&Signature={secret}",
        ),
    ),
)
ASSIGNED: tuple[Family, ...] = (
    Family(
        "password setting",
        password,
        (
            "DB_PASSWORD={secret}",
            'password: "{secret}"',
            "spring.datasource.password={secret}",
            "export MYSQL_ROOT_PASSWORD='{secret}'",
            '{"user": "{user}", "password": "{secret}", "host": "{host}"}',
            "connecting as {user} with password={secret}",
            "Environment=PGPASSWORD={secret}",
        ),
    ),
    Family(
        "client secret",
        chars(ALNUM, 32),
        (
            "client_secret={secret}",
            'clientSecret: "{secret}"',
            "OAUTH_CLIENT_SECRET={secret}",
            "--client-secret {secret}",
        ),
    ),
    Family(
        "cloud secret key",
        encoded(30),
        ("aws_secret_access_key = {secret}", "AWS_SECRET_ACCESS_KEY={secret}", '"SecretAccessKey": "{secret}"'),
    ),
    Family(
        "storage account key",
        encoded(64),
        (
            "AccountName={user};AccountKey={secret};EndpointSuffix=core",
            "accountKey: {secret}",
            "SharedAccessKey={secret}",
        ),
    ),
    Family(
        "api key",
        one_of(chars(HEX, 32), chars(ALNUM, 40)),
        ("api_key={secret}", "X-Api-Key: {secret}", '"apiKey":"{secret}"', "--api-key={secret}"),
    ),
    Family(
        "url login",
        one_of(chars(ALNUM, 16), lambda r: password(r).replace("@", "!").replace("/", "!")),
        (
            "http_proxy=http://{user}:{secret}@{host}:3128",
            "postgres://{user}:{secret}@{host}/app",
            "cloning https://{user}:{secret}@{host}/r.git",
        ),
    ),
    Family(
        "command line password",
        chars(ALNUM, 14),
        (
            "mysql -h {host} -u {user} -p{secret} app",
            "sshpass -p {secret} ssh {user}@{host}",
            "curl -u {user}:{secret} https://{host}/",
            "tool --password {secret} --verbose",
            "ipmitool -I lanplus -H {host} -U {user} -P {secret} sel list",
            "smbclient //{host}/share -U {user}%{secret}",
        ),
    ),
    Family("docker login", basic, ('"auths": {"{host}": {"auth": "{secret}"}}', '  "auth": "{secret}"')),
    Family(
        "kubernetes secret",
        lambda r: b64encode(password(r).encode()).decode(),
        ("kind: Secret\ndata:\n  db-password: {secret}", '"kind":"Secret","data":{"token":"{secret}"}'),
    ),
    Family(
        "one-time password seed",
        chars(BASE32, 32),
        ("otpauth://totp/{host}:{user}?secret={secret}&issuer={host}", "TOTP_SECRET={secret}"),
    ),
    Family(
        "redis password",
        password,
        ("requirepass {secret}", "masterauth {secret}", "redis-cli -h {host} -a {secret} ping"),
    ),
)
HASHES: tuple[Family, ...] = (
    Family(
        "sha512 crypt",
        lambda r: f"$6${''.join(r.choices(CRYPT, k=16))}${''.join(r.choices(CRYPT, k=86))}",
        ("{user}:{secret}:19700:0:99999:7:::", "usermod -p '{secret}' {user}", "rootpw --iscrypted {secret}"),
    ),
    Family(
        "yescrypt",
        lambda r: f"$y$j9T${''.join(r.choices(CRYPT, k=22))}${''.join(r.choices(CRYPT, k=43))}",
        ("{user}:{secret}:19700:0:99999:7:::",),
    ),
    Family(
        "bcrypt", lambda r: f"$2y$12${''.join(r.choices(CRYPT, k=53))}", ("{user}:{secret}", "password_hash={secret}")
    ),
    Family(
        "ntlm hash",
        lambda r: f"{''.join(r.choices(HEX, k=32))}:{''.join(r.choices(HEX, k=32))}",
        ("{user}:1001:{secret}:::",),
    ),
    Family(
        "grub password",
        lambda r: f"{''.join(r.choices(HEX.upper(), k=128))}.{''.join(r.choices(HEX.upper(), k=128))}",
        ("password_pbkdf2 root grub.pbkdf2.sha512.10000.{secret}",),
    ),
)
NETWORK: tuple[Family, ...] = (
    Family(
        "wi-fi key",
        chars(ALNUM, 16),
        ('\tpsk="{secret}"', "psk={secret}", "wpa_passphrase={secret}", "wifi-sec.psk:{secret}", "wpa-psk {secret}"),
    ),
    Family(
        "wireguard key",
        encoded(32),
        (
            "PrivateKey = {secret}",
            "PresharedKey = {secret}",
            "  private key: {secret}",
            "wg set wg0 private-key {secret}",
        ),
    ),
    Family("ipsec key", password, ('10.0.0.1 10.0.0.2 : PSK "{secret}"', ': PSK "{secret}"', "    secret = {secret}")),
    Family(
        "snmp community",
        chars(ALNUM, 12),
        (
            "rocommunity {secret} 10.0.0.0/8",
            "snmp-server community {secret} RO",
            "snmpwalk -v2c -c {secret} {host}",
            "com2sec readonly default {secret}",
        ),
    ),
    Family(
        "snmp v3 key",
        chars(ALNUM, 14),
        (
            "createUser {user} SHA {secret} AES otherwise1",
            "snmpget -v3 -u {user} -l authPriv -a SHA -A {secret} {host}",
            "snmp-server user {user} grp v3 auth sha {secret}",
        ),
    ),
    Family(
        "ldap bind password",
        password,
        (
            "bindpw {secret}",
            "ldap_default_authtok = {secret}",
            "ldapsearch -x -D cn=admin -w {secret} -H ldap://{host}",
        ),
    ),
    Family(
        "iscsi chap",
        chars(ALNUM, 14),
        ("node.session.auth.password = {secret}", "discovery.sendtargets.auth.password_in = {secret}"),
    ),
    Family(
        "rndc key", encoded(32), ('\tsecret "{secret}";', 'key "rndc" { algorithm hmac-sha256; secret "{secret}"; };')
    ),
    Family(
        "router type 7",
        chars(HEX.upper(), 18),
        ("enable password 7 {secret}", " key-string 7 {secret}", "username {user} password 7 {secret}"),
    ),
    Family(
        "router type 5",
        lambda r: f"$1${''.join(r.choices(CRYPT, k=4))}${''.join(r.choices(CRYPT, k=22))}",
        ("enable secret 5 {secret}", "username {user} secret 5 {secret}"),
    ),
    Family(
        "router type 8 and 9",
        lambda r: f"${r.choice('89')}${''.join(r.choices(CRYPT, k=14))}${''.join(r.choices(CRYPT, k=43))}",
        ("enable secret 9 {secret}",),
    ),
)
BLOCKS: tuple[Family, ...] = tuple(
    Family(f"{label.lower()} block", pem(label), ("{secret}", "ssl key:\n{secret}"))
    for label in ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK")
)
ALL: tuple[Family, ...] = (*TOKENS, *HEADERS, *ASSIGNED, *HASHES, *NETWORK, *BLOCKS)
