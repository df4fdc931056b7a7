"""Web servers and frameworks, sessions, identity providers."""

from __future__ import annotations

from base64 import b64encode

from tests.evaluation.redaction.family import (
    ALNUM,
    DIGITS,
    LOWER,
    Family,
    chars,
    password,
    token,
)
from tests.evaluation.redaction.kept_out.forms import (
    CRYPT,
    HEX,
    URL_SAFE,
    salted,
    uuid,
)

SALT = ALNUM + "!@#$%^&*()-_[]{}<>~`+=,.;:/?|"

WEB: tuple[Family, ...] = (
    Family("htpasswd", salted(8, 22), ("{user}:$apr1${secret}", "htpasswd entry {user}:$apr1${secret} replaced")),
    Family(
        "sha digest of htpasswd",
        lambda r: b64encode(r.randbytes(20)).decode(),
        (
            "{user}:{SHA}{secret}",
            "adding {user}:{SHA}{secret} to htpasswd",
        ),
    ),
    Family(
        "htdigest",
        chars(HEX, 32),
        (
            "{user}:Private Area:{secret}",
            "{user}:WebDAV:{secret}",
        ),
    ),
    Family(
        "digest login",
        chars(HEX, 32),
        (
            'Authorization: Digest username="{user}", realm="r", nonce="{hex}", uri="/", qop=auth, response="{secret}"',
            'Proxy-Authorization: Digest username="{user}", realm="r", cnonce="{hex}", response="{secret}"',
        ),
    ),
    Family(
        "negotiate login",
        token("YII", ALNUM + "+/", 600),
        ("Authorization: Negotiate {secret}", "WWW-Authenticate: Negotiate {secret}"),
    ),
    Family(
        "ntlm login",
        lambda r: b64encode(r.randbytes(180)).decode(),
        ("Authorization: NTLM TlRMTVNTUAADAAAA{secret}", "Proxy-Authorization: NTLM TlRMTVNTUAADAAAA{secret}"),
    ),
    Family(
        "tomcat",
        password,
        (
            '<user username="{user}" password="{secret}" roles="manager-gui,admin-gui"/>',
            '<Connector port="8443" SSLEnabled="true" keystoreFile="conf/k.jks" keystorePass="{secret}"/>',
            '<Resource name="jdbc/app" type="javax.sql.DataSource" username="{user}" password="{secret}"/>',
            '<Realm className="org.apache.catalina.realm.JNDIRealm" connectionPassword="{secret}"/>',
        ),
    ),
    Family(
        "wordpress salts",
        chars(SALT, 64),
        (
            "define('AUTH_KEY',         '{secret}');",
            "define( 'LOGGED_IN_SALT', '{secret}' );",
            "define('NONCE_KEY', '{secret}');",
        ),
    ),
    Family(
        "wordpress database", password, ("define('DB_PASSWORD', '{secret}');", 'define( "DB_PASSWORD", "{secret}" );')
    ),
    Family(
        "framework secret",
        chars(ALNUM, 50),
        (
            "SECRET_KEY = 'django-insecure-{secret}'",
            "APP_KEY=base64:{secret}=",
            "APP_SECRET={secret}",
            "  secret_key_base: {secret}",
            "public $secret = '{secret}';",
            "$cfg['blowfish_secret'] = '{secret}';",
        ),
    ),
)
SESSIONS: tuple[Family, ...] = (
    Family(
        "session id in access log",
        chars(LOWER + DIGITS, 26),
        (
            '10.1.2.3 - - [22/Nov/2026:04:12:07 +0000] "GET /index.php?PHPSESSID={secret} HTTP/1.1" 200 512',
            '10.1.2.3 - - [22/Nov/2026:04:12:07 +0000] "GET /app/home;jsessionid={secret} HTTP/1.1" 200 512',
            '"POST /login.aspx HTTP/1.1" 302 "ASP.NET_SessionId={secret}"',
            "GET /forum/index.php?sid={secret} 200",
        ),
    ),
    Family(
        "reset link",
        chars(URL_SAFE, 32),
        (
            "GET /password/reset?token={secret} HTTP/1.1",
            "GET /users/confirmation?confirmation_token={secret}",
            "https://{host}/reset/MTA/{secret}/",
            "https://{host}/magic-link?token={secret}&next=/",
        ),
    ),
    Family(
        "csrf token",
        chars(ALNUM, 64),
        (
            "X-CSRF-Token: {secret}",
            "csrfmiddlewaretoken={secret}&username={user}",
            '<input type="hidden" name="authenticity_token" value="{secret}" />',
            "X-XSRF-TOKEN: {secret}",
            "Cookie: csrftoken={secret}",
        ),
    ),
    Family(
        "request signature",
        chars(HEX, 64),
        (
            "X-Hub-Signature-256: sha256={secret}",
            "X-Signature: {secret}",
            "Authorization: AWS4-HMAC-SHA256 Credential=A/2026/s3/aws4_request, SignedHeaders=host, Signature={secret}",
            "Stripe-Signature: t=1700000000,v1={secret}",
        ),
    ),
    Family(
        "okta token",
        token("00", URL_SAFE, 40),
        ("Authorization: SSWS {secret}", "OKTA_API_TOKEN={secret}", 'provider "okta" {\n  api_token = "{secret}"\n}'),
    ),
    Family(
        "saml response",
        lambda r: b64encode(r.randbytes(900)).decode(),
        (
            "SAMLResponse={secret}&RelayState=x",
            '<input type="hidden" name="SAMLResponse" value="{secret}"/>',
            "<ds:SignatureValue>{secret}</ds:SignatureValue>",
        ),
    ),
    Family(
        "oidc code",
        chars(URL_SAFE, 43),
        (
            "GET /auth/callback?state={hex}&code={secret} HTTP/1.1",
            "grant_type=authorization_code&code={secret}&redirect_uri=https://{host}",
            "code_verifier={secret}",
            "user_code=ABCD&device_code={secret}",
        ),
    ),
    Family(
        "refresh token",
        chars(URL_SAFE, 60),
        (
            '{"token_type":"Bearer","refresh_token":"{secret}"}',
            "grant_type=refresh_token&refresh_token={secret}",
            "REFRESH_TOKEN={secret}",
        ),
    ),
    Family(
        "api session",
        uuid,
        (
            "vmware-api-session-id: {secret}",
            "X-Auth-Token: {secret}",
            "X-Session-Token: {secret}",
            'Set-Cookie: vmware_soap_session="{secret}"; Path=/',
        ),
    ),
    Family(
        "directory password",
        lambda r: b64encode(r.randbytes(28)).decode(),
        (
            "userPassword: {SSHA}{secret}",
            "rootpw {SSHA}{secret}",
            "olcRootPW: {SSHA}{secret}",
            "userPassword:: {secret}",
        ),
    ),
    Family(
        "local administrator password",
        chars(ALNUM + "!#%+", 14),
        (
            "ms-Mcs-AdmPwd: {secret}",
            "ldap_sasl_bind: binddn=cn=admin passwd={secret}",
            "dsconf -D 'cn=Directory Manager' -w {secret} ldap://{host} backup create",
        ),
    ),
    Family(
        "phpass",
        chars(CRYPT, 31),
        ("INSERT INTO wp_users VALUES (1,'{user}','$P$B{secret}','{user}')", "user_pass: $P$B{secret}"),
    ),
    Family(
        "pbkdf2 of a framework",
        lambda r: f"{''.join(r.choices(ALNUM, k=22))}${b64encode(r.randbytes(32)).decode()}",
        ("pbkdf2_sha256$600000${secret}", "auth_user: {user} | pbkdf2_sha256$600000${secret} | t"),
    ),
)
ALL: tuple[Family, ...] = (*WEB, *SESSIONS)
