"""Files of tools, clusters and clouds, in which credentials stand beside settings."""

from __future__ import annotations

from caseprobe.redaction.structure.keyed import HARMLESS, KEY, keyed
from caseprobe.redaction.structure.known_file import Format

TOOLS = (
    Format(
        "dotenv",
        rb"\.env(?:\.\w+)?|\S+\.env|environment",
        (
            rb"^"
            + KEY
            + rb"(?!(?:PATH|LANG|LC_\w+|TZ|SHELL|TERM|HOME|PWD|EDITOR|PAGER)=)[A-Za-z_][\w.]*="
            + HARMLESS
            + rb"([^\r\n]+)",
        ),
    ),
    Format(
        "kube_config",
        rb"\.?kube/config\S*|kubeconfig\S*|\S+\.kubeconfig|admin\.conf|kubelet\.conf",
        (
            keyed(
                b"token",
                b"password",
                b"client-key-data",
                b"id-token",
                b"refresh-token",
                b"access-token",
                b"client-secret",
            ),
        ),
        b"clusters:",
        rb"^kind: Config\s*$",
    ),
    Format(
        "kubernetes_secret",
        b"",
        (),
        b"Secret",
        rb"^\s*kind: [\"']?Secret[\"']?\s*$",
        rb"\s*(?:data|stringData):\s*$",
        b"",
    ),
    Format(
        "docker_config",
        rb"\.?docker/config\.json|\.dockercfg|\.dockerconfigjson|containers/auth\.json",
        (rb"\"(?:auth|identitytoken|registrytoken|password|secret)\"[ \t]*:[ \t]*\"([^\"\r\n]*)\"",),
        b'"auths"',
        rb"\"auths\"[ \t]*:[ \t]*\{",
    ),
    Format(
        "terraform",
        rb"\S*\.tfstate(?:\.backup)?|\S*\.tfvars(?:\.json)?",
        (
            rb"^\s*\"?[\w-]*(?:password|passwd|secret|token|private_key|access_key|api_?key|connection_string|sas_url"
            rb"|credentials?|user_data|master_auth|key_material|client_key)[\w-]*\"?[ \t]*[:=]"
            rb"[ \t]*\"([^\r\n]*)\",?[ \t]*\r?$",
        ),
        b'"terraform_version"',
        rb"\"terraform_version\"\s*:",
    ),
    Format(
        "grub",
        rb"grub(?:2)?/\S+|grub\S*\.cfg|user\.cfg|\d\d_\w+",
        (
            rb"\bpassword_pbkdf2[ \t]+\S+[ \t]+(\S+)",
            rb"^[ \t]*password[ \t]+(?:--md5[ \t]+)?(?:\S+[ \t]+)?(\S+)",
            rb"^GRUB2_PASSWORD=(\S+)",
        ),
        b"menuentry",
        rb"^\s*menuentry\s",
    ),
    Format(
        "cloud_credentials",
        rb"\.aws/credentials|\.?boto|\.s3cfg|rclone\.conf|\.oci/config",
        (
            keyed(
                rb"aws_(?:secret_access_key|session_token|access_key_id)",
                b"secret_key",
                b"access_key",
                b"secret_access_key",
                b"access_key_id",
                b"pass(?:word2?)?",
                b"token",
                b"client_secret",
                b"pass_phrase",
                b"gs_secret_access_key",
            ),
        ),
        b"aws_",
        rb"^aws_(?:secret_)?access_key",
    ),
    Format(
        "service_account",
        b"",
        (rb"\"(?:private_key|private_key_id|client_secret|refresh_token)\"[ \t]*:[ \t]*\"([^\"\r\n]*)\"",),
        b"service_account",
        rb"\"type\"[ \t]*:[ \t]*\"service_account\"",
    ),
    Format(
        "package_registry",
        rb"\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|\.gem/credentials|\.cargo/credentials(?:\.toml)?|nuget\.config|pip\.conf",
        (
            rb"(?:_authToken|_auth|_password|npmAuthToken|password|token|rubygems_api_key)[\"']?[ \t]*[:=][ \t]*[\"']?"
            rb"([^\s\"']+)",
            rb"key=\"(?:ClearTextPassword|Password)\" value=\"([^\"\r\n]*)\"",
        ),
    ),
    Format(
        "database_client",
        rb"\.?my\.cnf|\.mylogin\.cnf|debian\.cnf|\.pg_service\.conf|odbc\.ini|tnsnames\.ora|redis\S*\.conf",
        (
            keyed(b"password", b"passwd", b"pwd"),
            rb"^[ \t]*(?:requirepass|masterauth)[ \t]+(\S+)",
            rb"^[ \t]*user[ \t]+\S+[ \t][^\r\n]*?>(\S+)",
        ),
    ),
    Format("couchdb", rb"couchdb/\S+\.ini", (), b"[admins]", rb"^\[admins\]\s*$", rb"\s*\[admins\]"),
    Format("svnserve", rb"(?:svn|svnserve|conf)/passwd|svnserve\S*passwd", section=rb"\s*\[users\]"),
    Format("ceph_keyring", rb"\S*keyring\S*|ceph\S*\.key", (keyed(b"key"),), b"caps mon", rb"^\s*caps mon = "),
    Format(
        "connection_strings",
        rb"(?:appsettings\S*|web|app)\.(?:json|config)",
        (rb"\b(?:Password|Pwd|AccountKey|SharedAccessKey|SharedAccessSignature)[ \t]*=[ \t]*([^;\"'\r\n]+)",),
    ),
    Format(
        "tomcat",
        rb"(?:tomcat-users|server|context|settings|credentials)\.xml",
        (
            rb"\b(?:password|keystorePass|truststorePass|connectionPassword)=\"([^\"\r\n]*)\"",
            rb"<(?:password|passphrase|privateKey|secret|apiToken)>([^<\r\n]*)<",
        ),
    ),
)
