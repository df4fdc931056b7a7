"""Clouds, links they sign, and what manages machines in them."""

from __future__ import annotations

from tests.evaluation.redaction.family import (
    ALNUM,
    DIGITS,
    LOWER,
    UPPER,
    Family,
    chars,
    encoded,
    one_of,
    password,
    pem,
)
from tests.evaluation.redaction.kept_out.forms import HEX, base64_of, behind, groups, hex_block, uuid

CLOUDS: tuple[Family, ...] = (
    Family(
        "cloud session token",
        lambda r: "IQoJb3JpZ2luX2Vj" + "".join(r.choices(ALNUM + "+/", k=400)),
        (
            "AWS_SESSION_TOKEN={secret}",
            "aws_session_token = {secret}",
            "x-amz-security-token: {secret}",
            '"Token" : "{secret}",\n  "Expiration" : "2026-11-22T12:00:00Z"',
        ),
    ),
    Family(
        "alibaba secret",
        chars(ALNUM, 30),
        ("accessKeySecret: {secret}", "aliyun configure set --access-key-id LTAI5t{hex} --access-key-secret {secret}"),
    ),
    Family(
        "cloudflare key",
        chars(HEX, 37),
        ("X-Auth-Email: {user}@{host}\nX-Auth-Key: {secret}", "dns_cloudflare_api_key = {secret}", "CF_Key={secret}"),
    ),
    Family(
        "dns provider secret",
        chars(ALNUM, 32),
        (
            "dns_ovh_application_secret = {secret}",
            "SAVED_OVH_CK='{secret}'",
            "HETZNER_Token='{secret}'",
            "LINODE_TOKEN={secret}",
        ),
    ),
    Family(
        "login of a netrc",
        one_of(uuid, password),
        (
            "machine api.heroku.com login {user} password {secret}",
            "machine {host}\n  login {user}\n  password {secret}",
        ),
    ),
    Family(
        "databricks token",
        chars(HEX, 32),
        behind(
            "dapi",
            "[DEFAULT]\nhost = https://{host}\ntoken = {secret}",
            "DATABRICKS={secret}",
            "using {secret} on {host}",
        ),
    ),
    Family(
        "tailscale key",
        lambda r: f"k{''.join(r.choices(ALNUM, k=11))}CNTRL-{''.join(r.choices(ALNUM, k=32))}",
        behind(
            "tskey-auth-",
            "tailscale up --authkey={secret} --hostname={host}",
            "TS_AUTHKEY={secret}",
            "login with {secret}",
        ),
    ),
    Family(
        "ngrok token",
        lambda r: f"2{''.join(r.choices(ALNUM, k=26))}_{''.join(r.choices(ALNUM, k=21))}",
        ('version: "2"\nauthtoken: {secret}', "ngrok config add-authtoken {secret}"),
    ),
    Family(
        "zerotier identity",
        chars(HEX, 128),
        (
            "identity.secret: 8056c2e21c:0:{hex}{hex}{hex}{hex}:{secret}",
            "8056c2e21c:0:{hex}{hex}{hex}{hex}{hex}{hex}{hex}{hex}:{secret}",
        ),
    ),
    Family(
        "signed link of another provider",
        chars(HEX, 64),
        (
            "https://storage.{host}/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=900&X-Goog-Signature={secret}",
            "GET /vod/a.m3u8?hdnts=exp=1700000000~acl=/*~hmac={secret} HTTP/1.1",
            "https://{host}/o?q-sign-algorithm=sha1&q-ak={hex}&q-signature={secret}",
            "https://{host}/dl/a.iso?md5={secret}&expires=1700000000",
            "https://{host}/d?Policy=eyJTdGF0&Signature={secret}&Key-Pair-Id=K2JCJMDEHXQW5F",
        ),
    ),
)
MANAGED: tuple[Family, ...] = (
    Family(
        "terraform cloud token",
        lambda r: f"{''.join(r.choices(ALNUM, k=14))}.atlasv1.{''.join(r.choices(ALNUM, k=67))}",
        (
            'credentials "app.terraform.io" {\n  token = "{secret}"\n}',
            "TF_TOKEN_app_terraform_io={secret}",
            "remote backend: {secret}",
        ),
    ),
    Family(
        "terraform state value",
        password,
        (
            '"db_admin": {"value": "{secret}", "type": "string", "sensitive": true}',
            '"type": "random_password", "instances": [{"attributes": {"length": 20, "result": "{secret}"}}]',
            '      + admin_password = "{secret}"',
            "terraform apply -var 'db_password={secret}' -auto-approve",
        ),
    ),
    Family(
        "doppler token",
        chars(ALNUM, 43),
        behind(
            "dp.st.prd.", "DOPPLER_TOKEN={secret}", "doppler run --token={secret} -- ./app", "doppler: {secret} expired"
        ),
    ),
    Family(
        "password manager key",
        groups(UPPER + DIGITS, 6, 5),
        (
            "op account add --address {host} --email {user}@{host} --secret-key A3-{secret}",
            "OP_SECRET_KEY=A3-{secret}",
            "Secret Key: A3-{secret}",
        ),
    ),
    Family(
        "consul and nomad token",
        uuid,
        (
            "X-Consul-Token: {secret}",
            "CONSUL_HTTP_TOKEN={secret}",
            "AccessorID:   {hex}\nSecretID:     {secret}",
            "X-Nomad-Token: {secret}",
            'acl {\n  tokens {\n    agent = "{secret}"\n  }\n}',
        ),
    ),
    Family(
        "gossip key",
        encoded(32),
        ('encrypt = "{secret}"', '{"datacenter":"dc1","encrypt":"{secret}"}', "consul agent -encrypt={secret}"),
    ),
    Family(
        "unseal key",
        encoded(33),
        ("Unseal Key 1: {secret}", "vault operator unseal {secret}", 'unseal_keys_b64:\n- "{secret}"'),
    ),
    Family(
        "ansible variable",
        password,
        (
            "{host} ansible_user={user} ansible_become_pass={secret}",
            "{host} ansible_host=10.0.0.9 ansible_ssh_pass='{secret}'",
            'ansible-playbook site.yml -e "ansible_sudo_pass={secret}"',
            "ansible_winrm_password: {secret}",
        ),
    ),
    Family(
        "ansible vault",
        hex_block(6, 80, "          "),
        (
            "smtp_pass: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          {secret}",
            "$ANSIBLE_VAULT;1.2;AES256;prod\n          {secret}",
        ),
    ),
    Family(
        "compose environment",
        password,
        (
            "    environment:\n      - POSTGRES_PASSWORD={secret}",
            "      MARIADB_ROOT_PASSWORD: {secret}",
            "docker run -d -e MONGO_INITDB_ROOT_PASSWORD={secret} mongo:7",
            '"Env": ["PATH=/usr/bin", "RABBITMQ_DEFAULT_PASS={secret}"]',
        ),
    ),
    Family(
        "cluster join token",
        lambda r: f"{''.join(r.choices(LOWER + DIGITS, k=6))}.{''.join(r.choices(LOWER + DIGITS, k=16))}",
        (
            "kubeadm join 10.0.0.1:6443 --token {secret} --discovery-token-ca-cert-hash sha256:{hex}{hex}{hex}{hex}",
            "bootstrapTokens:\n- token: {secret}\n  ttl: 24h0m0s",
            "kubeadm init --token={secret} --pod-network-cidr=10.244.0.0/16",
        ),
    ),
    Family(
        "swarm token",
        lambda r: f"{''.join(r.choices(LOWER + DIGITS, k=50))}-{''.join(r.choices(LOWER + DIGITS, k=25))}",
        behind("SWMTKN-1-", "docker swarm join --token {secret} 10.0.0.1:2377", "Worker: {secret}"),
    ),
    Family(
        "kubeconfig key",
        base64_of(pem("RSA PRIVATE KEY")),
        ("- name: admin\n  user:\n    client-key-data: {secret}", '"client-key-data":"{secret}"'),
    ),
    Family(
        "systemd credential",
        password,
        (
            "SetCredential=db.pass:{secret}",
            "systemd-run -p SetCredential=token:{secret} ./app",
            "printf %s {secret} | systemd-creds encrypt --name=db - db.cred",
        ),
    ),
)
ALL: tuple[Family, ...] = (*CLOUDS, *MANAGED)
