"""Mail, messages, payment, shops, monitoring, incidents and chat: secrets of services one subscribes to."""

from __future__ import annotations

from tests.evaluation.redaction.family import ALNUM, DIGITS, LOWER, UPPER, Family, chars, encoded, password, token
from tests.evaluation.redaction.kept_out.forms import HEX, HEXES, URL_SAFE, behind, url_password, uuid

MAIL: tuple[Family, ...] = (
    Family(
        "mailgun key",
        chars(HEX, 32),
        behind(
            "key-",
            "MAILGUN_KEY={secret}",
            "curl -s --user 'api:{secret}' https://api.mailgun.net/v3/{host}/messages -F to={user}@{host}",
            "mailgun:\n  domain: {host}\n  key: {secret}",
        ),
    ),
    Family(
        "mailchimp key",
        lambda r: f"{r.getrandbits(128):032x}-us{r.randint(1, 21)}",
        (
            "MAILCHIMP_API_KEY={secret}",
            "ERROR mailchimp: API Key Invalid: {secret}",
            "https://us6.api.mailchimp.com/2.0/lists/list.json?apikey={secret}",
        ),
    ),
    Family(
        "brevo key",
        lambda r: f"{r.getrandbits(256):064x}-{''.join(r.choices(ALNUM, k=16))}",
        behind("xkeysib-", "api-key: {secret}", "SENDINBLUE_KEY={secret}", "mailer started, key {secret}, from {user}"),
    ),
    Family(
        "postmark token",
        uuid,
        (
            "X-Postmark-Server-Token: {secret}",
            "POSTMARK_API_TOKEN={secret}",
            "config.action_mailer.postmark_settings = { api_token: '{secret}' }",
        ),
    ),
    Family(
        "mail relay login",
        password,
        (
            "[smtp.{host}]:587 {user}:{secret}",
            "AuthPass={secret}",
            "client_send = : {user} : {secret}",
            "account default\nhost {host}\nuser {user}\npassword {secret}",
            "poll {host} proto imap user '{user}' pass '{secret}' ssl",
            "set smtp_pass={secret}",
        ),
    ),
    Family(
        "twilio token",
        chars(HEX, 32),
        (
            "TWILIO_AUTH_TOKEN={secret}",
            "curl -X POST https://api.twilio.com/2010-04-01/Accounts -u AC{hex}{hex}:{secret}",
            "twilio:\n  account_sid: AC{hex}{hex}\n  auth_token: {secret}",
            "client = Client('AC{hex}{hex}', '{secret}')",
        ),
    ),
    Family(
        "vonage secret",
        chars(ALNUM, 16),
        (
            "https://rest.nexmo.com/sms/json?api_key=f1a2b3c4&api_secret={secret}&to=447700900000&text=alert",
            "NEXMO_API_SECRET={secret}",
        ),
    ),
    Family(
        "sms gateway login",
        url_password,
        (
            "GET /cgi-bin/sendsms?username={user}&password={secret}&to=%2B4917612345&text=disk+full HTTP/1.1",
            "group = smsc\nsmsc = smpp\nsmsc-username = {user}\nsmsc-password = {secret}",
            "bind_transceiver system_id={user} password={secret} system_type=VMA",
        ),
    ),
)
TRADE: tuple[Family, ...] = (
    Family(
        "braintree token",
        lambda r: f"{''.join(r.choices(LOWER + DIGITS, k=16))}${r.getrandbits(128):032x}",
        behind("access_token$production$", "PAYPAL_TOKEN={secret}", "gateway: using {secret}"),
    ),
    Family(
        "square secret",
        chars(URL_SAFE, 43),
        behind("sq0csp-", "SQUARE_APP_SECRET={secret}", '"application_secret": "{secret}"', "square oauth {secret} ok"),
    ),
    Family(
        "stripe webhook secret",
        chars(ALNUM, 32),
        behind("whsec_", "STRIPE_WEBHOOK={secret}", "endpoint_secret = '{secret}'", "signing secret is {secret}"),
    ),
    Family(
        "razorpay secret",
        chars(ALNUM, 24),
        (
            "RAZORPAY_KEY_SECRET={secret}",
            "curl -u rzp_live_{hex}:{secret} https://api.razorpay.com/v1/payments",
            '{"key_id":"rzp_live_{hex}","key_secret":"{secret}"}',
        ),
    ),
    Family(
        "adyen key",
        chars(HEXES, 64),
        ("adyen.hmacKey={secret}", "ADYEN_HMAC_KEY={secret}", '"additionalData":{"hmacSignature":"{secret}"}'),
    ),
    Family(
        "shopify token",
        chars(HEX, 32),
        behind("shpat_", "X-Shopify-Access-Token: {secret}", "SHOPIFY={secret}", "shop {host} installed with {secret}"),
    ),
    Family(
        "woocommerce secret",
        chars(HEX, 40),
        behind(
            "cs_",
            "GET /wp-json/wc/v3/orders?consumer_key=ck_{hex}&consumer_secret={secret} HTTP/1.1",
            "consumerSecret: '{secret}'",
        ),
    ),
    Family(
        "magento crypt key",
        chars(HEX, 32),
        ("    'crypt' => [\n        'key' => '{secret}'\n    ],", "<crypt><key><![CDATA[{secret}]]></key></crypt>"),
    ),
)
WATCHING: tuple[Family, ...] = (
    Family(
        "datadog key",
        chars(HEX, 32),
        (
            "DD_API_KEY={secret}",
            "DD-API-KEY: {secret}",
            "POST https://app.datadoghq.com/intake/?api_key={secret} 202",
            "dd_app_key: {secret}",
        ),
    ),
    Family(
        "new relic licence",
        lambda r: f"{''.join(r.choices(HEX, k=36))}NRAL",
        (
            "license_key: {secret}",
            'newrelic.license="{secret}"',
            "-Dnewrelic.config.license_key={secret}",
            "NEW_RELIC_LICENSE_KEY={secret}",
        ),
    ),
    Family(
        "new relic user key",
        token("NRAK-", UPPER + DIGITS, 27),
        ("API-Key: {secret}", "NEW_RELIC_API_KEY={secret}", "newrelic profile add --apiKey {secret} --region EU"),
    ),
    Family(
        "grafana service account",
        lambda r: f"glsa_{''.join(r.choices(ALNUM, k=32))}_{r.getrandbits(32):08x}",
        ("GRAFANA_TOKEN={secret}", 'auth = "{secret}"', "provisioning dashboards at {host} with {secret}"),
    ),
    Family(
        "dynatrace token",
        lambda r: f"{''.join(r.choices(UPPER + DIGITS, k=24))}.{''.join(r.choices(UPPER + DIGITS, k=64))}",
        behind(
            "dt0c01.",
            "Authorization: Api-Token {secret}",
            "--set-tenant-token={secret}",
            "https://{host}/api/v2/logs?api-token={secret}",
        ),
    ),
    Family(
        "splunk collector token",
        uuid,
        (
            "Authorization: Splunk {secret}",
            "[http://syslog]\ndisabled = 0\ntoken = {secret}",
            "docker run --log-opt splunk-token={secret} --log-opt splunk-url=https://{host}:8088",
        ),
    ),
    Family(
        "loggly token",
        uuid,
        ("https://logs-01.loggly.com/inputs/{secret}/tag/http/", '*.* @@logs.{host}:514;[{secret}@41058 tag="app"]'),
    ),
    Family(
        "pagerduty key",
        chars(HEX, 32),
        (
            "routing_key: {secret}",
            "pagerduty_configs:\n- service_key: {secret}",
            '{"routing_key":"{secret}","event_action":"trigger"}',
            "pager {secret}",
        ),
    ),
    Family("pagerduty token", chars(URL_SAFE, 20), ("Authorization: Token token={secret}", "PAGERDUTY_TOKEN={secret}")),
    Family(
        "opsgenie key",
        uuid,
        (
            "Authorization: GenieKey {secret}",
            "opsgenie_api_key: {secret}",
            "https://api.opsgenie.com/v1?apiKey={secret}",
        ),
    ),
    Family(
        "zabbix pre-shared key",
        chars(HEX, 64),
        (
            "zabbix_sender -z {host} --tls-psk {secret}",
            "tls_psk: {secret}",
            '"tls_psk_identity":"p1","tls_psk":"{secret}"',
        ),
    ),
    Family(
        "monitoring automation secret",
        chars(ALNUM, 24),
        (
            "GET /site/check_mk/view.py?_username=automation&_secret={secret}&output_format=json",
            "check_mysql -H {host} -u {user} -p {secret}",
            "_SSHPASS  {secret}",
        ),
    ),
)
CHAT: tuple[Family, ...] = (
    Family(
        "discord webhook",
        chars(URL_SAFE, 68),
        (
            "https://discord.com/api/webhooks/104218846021234567/{secret}",
            "POST https://discordapp.com/api/webhooks/104218846021234567/{secret}?wait=true",
        ),
    ),
    Family(
        "discord bot token",
        lambda r: "MT" + ".".join("".join(r.choices(ALNUM, k=length)) for length in (22, 6, 38)),
        ("Authorization: Bot {secret}", "DISCORD_TOKEN={secret}", 'bot.run("{secret}")'),
    ),
    Family(
        "teams webhook",
        chars(HEX, 32),
        (
            "https://{host}.webhook.office.com/webhookb2/{hex}@{hex}/IncomingWebhook/{secret}/{hex}",
            "webhook_url: https://outlook.office.com/webhook/{hex}@{hex}/IncomingWebhook/{secret}/{hex}",
        ),
    ),
    Family(
        "mattermost hook",
        chars(LOWER + DIGITS, 26),
        ("https://{host}/hooks/{secret}", "MATTERMOST_WEBHOOK=https://chat.{host}/hooks/{secret}"),
    ),
    Family(
        "rocket chat token",
        chars(URL_SAFE, 43),
        ("X-Auth-Token: {secret}\nX-User-Id: aobEdbYhXfu5hkeqG", '{"userId":"{user}","authToken":"{secret}"}'),
    ),
    Family(
        "matrix secret",
        chars(ALNUM, 50),
        (
            'registration_shared_secret: "{secret}"',
            'macaroon_secret_key: "{secret}"',
            "GET /_matrix/client/r0/sync?access_token=syt_{secret}&timeout=30000",
            "turn_shared_secret: {secret}",
        ),
    ),
    Family(
        "pushover token",
        chars(LOWER + DIGITS, 30),
        (
            'curl -s --form-string "token={secret}" --form-string "message=down" https://api.pushover.net/1/messages.json',
            "pushover_configs:\n- user_key: {secret}",
        ),
    ),
    Family(
        "social network token",
        chars(ALNUM, 160),
        behind("EAAC", "https://graph.facebook.com/me?access_token={secret}", "FB_PAGE_TOKEN={secret}"),
    ),
    Family(
        "oauth 1 signature",
        encoded(20),
        (
            'Authorization: OAuth oauth_consumer_key="{hex}", oauth_nonce="{hex}", oauth_signature="{secret}"',
            "TWITTER_ACCESS_TOKEN_SECRET={secret}",
            "oauth_token=4711-{hex}&oauth_token_secret={secret}",
        ),
    ),
)
ALL: tuple[Family, ...] = (*MAIL, *TRADE, *WATCHING, *CHAT)
