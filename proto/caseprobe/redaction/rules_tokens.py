"""Secrets that are known by their own form, wherever they stand."""

from __future__ import annotations

from caseprobe.redaction.rule import Rule

# Letters and digits before or after mean that it is part of something longer.
START, END = rb"(?<![A-Za-z0-9_])", rb"(?![A-Za-z0-9_])"


def _token(name: str, needles: tuple[bytes, ...], body: bytes, positive: str, negative: str) -> Rule:
    """A rule for a token that is hidden whole."""
    return Rule(name, needles, START + body + END, positive, negative, cased=True)


TOKENS: tuple[Rule, ...] = (
    _token(
        "aws_id",
        (b"akia", b"asia", b"abia", b"acca"),
        rb"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}",
        "key AKIAQYLPMN5HHHFPZAM2 used",
        "the AKIA prefix",
    ),
    _token(
        "github",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        rb"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}+)",
        "clone with ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "ghp_short",
    ),
    _token(
        "gitlab",
        (b"glpat-", b"gldt-", b"glft-", b"glrt-", b"glptt-", b"glcbt-", b"glsoat-", b"glagent-", b"glimt-"),
        rb"gl(?:pat|dt|ft|rt|ptt|cbt|soat|agent|imt)-[A-Za-z0-9_.-]{20,255}",
        "token glpat-Ab1Cd2Ef3Gh4Ij5Kl6Mn",
        "glpat-x",
    ),
    _token(
        "slack",
        (b"xoxa-", b"xoxb-", b"xoxe-", b"xoxo-", b"xoxp-", b"xoxr-", b"xoxs-", b"xapp-"),
        rb"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}",
        "posting with xoxb-123456789012-abcdefABCDEF12",
        "xoxb-1",
    ),
    Rule(
        "slack_webhook",
        (b"hooks.slack.com/",),
        rb"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{10,255})",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://hooks.slack.com/",
        cased=True,
    ),
    Rule(
        "chat_webhook",
        (
            *(
                b"/api/webhooks/",
                b"webhook.office.com/",
                b"/robot/send?access_token=",
                b"hooks.zapier.com/",
                b"maker.ifttt.com/",
            ),
            *(
                b"hc-ping.com/",
                b"/open-apis/bot/",
                b"webhook/send?key=",
                b"victorops.com/",
                b"make.com/",
                b"api.telegram.org/",
            ),
            *(b"chat.googleapis.com/", b"outlook.office", b"events.pagerduty.com/", b"sentry.io/", b"/hooks/"),
        ),
        (
            rb"(?:discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/webhookb2/|/robot/send\?access_token=)"
            rb"([A-Za-z0-9@/_-]{10,512})"
            rb"|(?:hooks\.zapier\.com/hooks/catch/|maker\.ifttt\.com/trigger/[\w-]{1,64}/(?:json/)?with/key/"
            rb"|hc-ping\.com/(?:[\w-]{22}/)?|/open-apis/bot/v2/hook/"
            rb"|webhook/send\?key=|victorops\.com/integrations/generic/\d{1,12}/alert/|hook\.\w{2,8}\.make\.com/"
            rb"|api\.telegram\.org/(?:file/)?bot"
            rb"|chat\.googleapis\.com/v1/spaces/[\w-]{1,32}/messages\?(?:key=[\w-]{1,64}&)?token="
            rb"|outlook\.office(?:365)?\.com/webhook/|events\.pagerduty\.com/(?:integration|x-ere)/"
            rb"|/hooks/)([A-Za-z0-9@:/_%-]{10,512})|(?<=://)([0-9a-f]{32})(?::[0-9a-f]{32})?@[\w.-]{1,255}sentry"
        ),
        "https://discord.com/api/webhooks/110123456789/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "https://discord.com/api/",
        cased=True,
    ),
    _token(
        "stripe",
        (b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_", b"whsec_"),
        rb"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/=]{16,255})",
        "charge by sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "sk_live_",
    ),
    _token("npm", (b"npm_",), rb"npm_[A-Za-z0-9]{36}", "npm_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789", "npm_config_cache"),
    _token(
        "pypi",
        (b"pypi-ageichlwas",),
        rb"pypi-AgEIcHlwaS[A-Za-z0-9_-]{50,1000}",
        "pypi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3LTg5YWItY2RlZi0wMTIzLTQ1Njc4OWFiY2RlZgACKlszLCJ",
        "pypi-server",
    ),
    Rule(
        "jwt",
        (b"eyj", b"ewog"),
        (START + rb"(?:eyJ|ewog)[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{4,8192}(?:\.[A-Za-z0-9_-]{0,4096}){0,3}"),
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "eyJ alone",
        cased=True,
    ),
    _token("google_api", (b"aiza",), rb"AIza[A-Za-z0-9_-]{35}", "AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIza"),
    _token(
        "google_oauth",
        (b"ya29.", b"gocspx-"),
        rb"(?:ya29\.[A-Za-z0-9_-]{20,2048}|GOCSPX-[A-Za-z0-9_-]{20,64})",
        "access ya29.a0AfH6SMBx1234567890abcdefghij",
        "ya29.x",
    ),
    _token(
        "sendgrid",
        (b"sg.",),
        rb"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",
        "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",
        "SG.x.y",
    ),
    _token(
        "openai",
        (b"sk-",),
        rb"sk-(?:proj-|svcacct-|ant-[a-z0-9]{1,8}-)?[A-Za-z0-9_-]{32,255}",
        "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
        "task-1",
    ),
    _token(
        "cloud",
        (b"dop_v1_", b"doo_v1_", b"hvs.", b"hvb.", b"hf_", b"dckr_pat_", b"shpat_", b"lin_api_", b"sntrys_", b"pul-"),
        rb"(?:do[opr]_v1_[a-f0-9]{64}|hv[bs]\.[A-Za-z0-9_-]{24,512}|hf_[A-Za-z]{34}|dckr_pat_[A-Za-z0-9_-]{24,64}"
        rb"|shpat_[a-fA-F0-9]{32}|lin_api_[A-Za-z0-9]{40}|sntrys_[A-Za-z0-9_+/=]{40,512}|pul-[a-f0-9]{40})",
        "vault hvs.CAESIJRM-T1q5lEjIWux1Tjx-VGqAYJdd4FZtbp1wpD5Ym9pGh4KHGh2cy5",
        "hvs.x",
    ),
    _token(
        "telegram",
        (b":aa",),
        rb"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
        "bot 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "12:AA",
    ),
    Rule(
        "formed",
        (),
        START + rb"(?:[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}|[0-9a-f]{32}-us[0-9]{1,2}"
        rb"|[0-9a-f]{36}NRAL" + rb"|[0-9a-f]{24}:[0-9a-f]{64}|[0-2]/[0-9]{16}(?:/[0-9]{16})?:[0-9a-f]{32}"
        rb"|[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"
        + rb"|[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}|AAAA[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{100,200}"
        + rb"|[A-Za-z0-9_-]{44}Az[A-Z][a-z][A-Za-z0-9_-]{8}==|00[A-Za-z0-9_-]{40})"
        + END,
        "mail by 9f86d081884c7d659a2feaa0c55ad015-us12",
        "9f86d081884c7d659a2feaa0c55ad015-use it",
        cased=True,
        look=rb"[0-9a-f]{8}-us[0-9]|[0-9a-f]nral|[0-9a-f]{12}:[0-9a-f]{12}|[0-2]/[0-9]{16}|_mmk|[0-9]q~"
        rb"|(?-i:\bAAAA[A-Za-z0-9_-]{7}:|[A-Za-z0-9]Az[A-Z][a-z]|\b00[A-Za-z0-9_-]{20}"
        rb"|\b[MNO][A-Za-z0-9_-]+\.[A-Za-z0-9_-]{6}\.)",
    ),
    Rule(
        "atlas",
        (b".atlasv1.",),
        START + rb"[A-Za-z0-9]{10,20}\.atlasv1\.[A-Za-z0-9_-]{40,128}" + END,
        "remote backend: 7rp4bzvLQY0iDe.atlasv1.u9BrHjLofE58PnUC1n71RQE09CwMzagUvLBkbHgyPBmnHTE8XzjJodpMDYY6m44cB3h",
        "x.atlasv1.y",
        cased=True,
    ),
    Rule(
        "cas_ticket",
        (),
        START + rb"(?:ST|PT|TGT|PGT|PGTIOU|OC|AT|RT)-[0-9]{1,12}-[A-Za-z0-9][A-Za-z0-9_.-]{7,255}",
        "GET /app?ticket=ST-1856339-aA5Yuvrxzpv8Tau1cYQ7-cas01",
        "ST-1-x",
        cased=True,
        look=rb"(?-i:\b(?:ST|PT|TGT|PGT|PGTIOU|OC|AT|RT)-[0-9]+-[A-Za-z0-9])",
    ),
    Rule(
        "join_code",
        (b"cp1",),
        rb"(?i)" + START + rb"CP1[- ]?((?:[A-Z2-7]{5}[- ]?){4,400}[A-Z2-7]{0,5})",
        "caseprobe bundle --to CP1-MFRGG-ZDFMZ-TWQ2L-KMFRG-GZDFM-ZTWQ2-LKMFR-GGZDF-MZTW",
        "CP1-MFRGG",
        cased=True,
    ),
    Rule(
        "otpauth",
        (b"otpauth://",),
        rb"otpauth://[^\s\"'?]{0,200}+\?[^\s\"'?]{0,100}?secret=([A-Za-z2-7=]{8,256})",
        "otpauth://totp/Acme:anna?secret=JBSWY3DPEHPK3PXP&issuer=Acme",
        "otpauth://totp/",
        cased=True,
    ),
    Rule(
        "signed_url",
        (b"signature=", b"sig=", b"accountkey=", b"sharedaccesskey=", b"x-amz-security-token=", b"x-amz-credential="),
        (
            rb"(?i)(?:X-Amz-Signature|X-Amz-Security-Token|X-Amz-Credential|X-Goog-Signature|Signature|sig|AccountKey"
            rb"|SharedAccessKey)=([A-Za-z0-9%+/=_.~-]{16,4096})"
        ),
        "https://store.example/x?sv=2022&sig=tW0Vfc1ZqLhQeGxkD7a0mYJb9sKpNuR2vXw4%3D&se=2026",
        "sig=short",
        cased=True,
    ),
)
