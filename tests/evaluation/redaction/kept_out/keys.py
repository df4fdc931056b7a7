"""Keys and their passphrases, wallets, backup."""

from __future__ import annotations

from tests.evaluation.redaction.family import (
    ALNUM,
    Family,
    chars,
    encoded,
    one_of,
    password,
    pem,
    token,
)
from tests.evaluation.redaction.kept_out.forms import (
    HEX,
    URL_SAFE,
    behind,
    block,
    checked58,
    octets,
    seed_words,
)

KEYS: tuple[Family, ...] = (
    Family(
        "putty key",
        block(320),
        (
            "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: {user}\n"
            "Public-Lines: 1\nAAAAB3NzaC1yc2E=\nPrivate-Lines: 7\n{secret}\n"
            "Private-MAC: {hex}{hex}{hex}{hex}",
            "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPrivate-Lines: 7\n{secret}\nPrivate-MAC: {hex}{hex}",
        ),
    ),
    Family(
        "age key",
        chars("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
        behind(
            "AGE-SECRET-KEY-1",
            "{secret}",
            "SOPS_AGE_KEY={secret}",
            "# public key: age1abc\n{secret}",
            "age: identity {secret} unusable",
        ),
    ),
    Family(
        "dnssec key",
        encoded(128),
        (
            "Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\nPrivateExponent: {secret}",
            "Prime1: {secret}",
            "nsupdate -y hmac-sha256:{user}:{secret}",
        ),
    ),
    Family(
        "json web key",
        chars(URL_SAFE, 342),
        ('{"kty":"RSA","e":"AQAB","n":"x1","d":"{secret}"}', '{"kty":"oct","k":"{secret}"}', '"qi":"{secret}"'),
    ),
    Family(
        "key as text",
        octets(64, ":", 15, "    "),
        (
            "Private-Key: (512 bit, 2 primes)\nprivateExponent:\n    {secret}\nprime1:",
            "Private-Key: (256 bit)\npriv:\n    {secret}\npub:",
        ),
    ),
    Family(
        "tls key log",
        chars(HEX, 96),
        (
            "CLIENT_RANDOM {hex}{hex}{hex}{hex} {secret}",
            "CLIENT_TRAFFIC_SECRET_0 {hex}{hex}{hex}{hex} {secret}",
            "    Master-Key: {secret}",
        ),
    ),
    Family("encrypted key block", pem("ENCRYPTED PRIVATE KEY"), ("{secret}", "tls.key: |\n{secret}")),
    Family(
        "dsa key block",
        pem("DSA PRIVATE KEY"),
        (
            "{secret}",
            "HostKey:\n{secret}",
        ),
    ),
    Family(
        "passphrase of a key",
        password,
        (
            "openssl pkcs12 -in a.p12 -passin pass:{secret} -nodes",
            "keytool -list -keystore k.jks -storepass {secret}",
            "gpg --batch --passphrase {secret} -d a.gpg",
            "ssh-keygen -t ed25519 -N '{secret}' -f id",
            "openssl enc -aes-256-cbc -k {secret} -in a",
        ),
    ),
    Family(
        "archive password",
        chars(ALNUM, 12),
        ("zip -r -P {secret} a.zip d", "7z a -p{secret} a.7z d", "unrar x -p{secret} a.rar", "unzip -P {secret} a.zip"),
    ),
    Family(
        "wallet seed words",
        seed_words,
        ("mnemonic: {secret}", 'HDWalletProvider("{secret}", url)', "seed phrase = '{secret}'", 'MNEMONIC="{secret}"'),
    ),
    Family(
        "wallet key",
        checked58(b"\x80", 32, b"\x01"),
        ("importprivkey {secret} label false", "WIF: {secret}", "dumpprivkey -> {secret}"),
    ),
    Family(
        "wallet master key",
        checked58(bytes.fromhex("0488ade4"), 74),
        ("masterkey {secret}", '"xprv": "{secret}"', "derived from {secret}"),
    ),
    Family(
        "ethereum key",
        chars(HEX, 64),
        ("PRIVATE_KEY=0x{secret}", "cast send --private-key 0x{secret} {host}", 'accounts: ["0x{secret}"]'),
    ),
    Family(
        "node rpc login",
        chars(URL_SAFE, 43),
        ("rpcuser={user}\nrpcpassword={secret}", "bitcoin-cli -rpcuser={user} -rpcpassword={secret} getinfo"),
    ),
)
BACKUP: tuple[Family, ...] = (
    Family(
        "backup passphrase",
        password,
        (
            "RESTIC_PASSWORD={secret}",
            "export BORG_PASSPHRASE='{secret}'",
            'encryption_passphrase: "{secret}"',
            "PASSPHRASE={secret} duplicity /home file:///b",
            "GPG_PW='{secret}'",
            'Director {\n  Name = d1\n  Password = "{secret}"\n}',
        ),
    ),
    Family(
        "borg key",
        block(360, 80),
        (
            "BORG_KEY {hex}{hex}{hex}{hex}\n{secret}",
            "borg key export /backup/{host} -\nBORG_KEY {hex}{hex}{hex}{hex}\n{secret}",
        ),
    ),
    Family(
        "rclone",
        chars(URL_SAFE, 38),
        (
            "[nas]\ntype = sftp\nhost = {host}\nuser = {user}\npass = {secret}",
            "password2 = {secret}",
            "rclone obscure -> {secret}",
        ),
    ),
    Family(
        "object store key",
        one_of(token("K00", ALNUM + "/", 28), encoded(30)),
        (
            "B2_ACCOUNT_KEY={secret}",
            "secret_key = {secret}",
            "mc alias set s3 https://{host} {user} {secret}",
            "MINIO_ROOT_PASSWORD={secret}",
        ),
    ),
)
ALL: tuple[Family, ...] = (*KEYS, *BACKUP)
