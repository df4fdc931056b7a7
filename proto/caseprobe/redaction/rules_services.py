"""Tokens that services issue, known by a fixed beginning and their length, as the issuers document them."""

from __future__ import annotations

import re

from caseprobe.redaction.rule import Rule

# Letters and digits before or after mean that it is part of something longer.
START, END = rb"(?<![A-Za-z0-9_])", rb"(?![A-Za-z0-9_])"
H, L, A, U, B = rb"[a-f0-9]", rb"[a-z0-9]", rb"[A-Za-z0-9]", rb"[A-Za-z0-9_-]", rb"[A-Za-z0-9+/=_-]"
ID = H + rb"{8}-(?:" + H + rb"{4}-){3}" + H + rb"{12}"

# A beginning as it is written, and what follows it.
Form = tuple[bytes, bytes]


def least(alphabet: bytes, number: int) -> bytes:
    """At least so many of an alphabet."""
    return alphabet + b"{%d,4096}+" % number


CODE: tuple[Form, ...] = (
    *(
        (prefix, least(rb"[A-Za-z0-9_.-]", 16))
        for prefix in (b"gloas-", b"glffct-", b"GR1348941", b"glsoat-", b"glwt-")
    ),
    *((prefix, least(A, 20)) for prefix in (b"ATBB", b"ATCTT3xFfG", b"ATSTT3xFfG", b"CLOJARS_", b"NpmToken.", b"AKCp")),
    *((prefix, least(rb"[A-Za-z0-9=_-]", 40)) for prefix in (b"ATATT3x", b"ATATT3xFfGF0", b"ATCTT3x")),
    *(
        (prefix, least(H, 32))
        for prefix in (b"bkua_", b"bkct_", b"bkat_", b"bkaj_", b"rubygems_", b"sqp_", b"squ_", b"sqa_")
    ),
    *((prefix, least(A, 16) + rb"_" + H + rb"{32,}+") for prefix in (b"CCIPAT_", b"CCIPRJ_")),
    *(
        (prefix, least(U, 16))
        for prefix in (
            b"cio_",
            b"crates_io_",
            b"figd_",
            b"figu_",
            b"figo_",
            b"snyk_",
            b"sgp_",
            b"slk_",
            b"sm_aat_",
            b"sm_sat_",
            b"sm_pat_",
        )
    ),
    (b"cio", A + rb"{32}"),
    (b"cmVmd", A + rb"{59}"),
    (b"4b1d", A + rb"{38}"),
    (b"oy2", L + rb"{43}"),
    (b"cmVmdGtuO", least(A, 40)),
    (b"PMAK-", H + rb"{24}-" + H + rb"{34}"),
    (b"PMAT-", rb"[A-Z0-9]{26}"),
    (b"rdme_", L + rb"{60,80}"),
    (b"lin_oauth_", least(A, 32)),
    (b"ntn_", A + rb"{40,64}"),
    (b"secret_", A + rb"{40,64}"),
    (b"CFPAT-", least(U, 40)),
    (b"pat", A + rb"{14}\." + H + rb"{64}"),
    (b"tfp_", least(rb"[A-Za-z0-9_.=-]", 40)),
    (b"dckr_oat_", least(U, 24)),
    (b"shippo_", rb"(?:live|test)_" + H + rb"{40}"),
    (b"duffel_", rb"(?:live|test)_" + least(U, 40)),
    (b"SWMTKN-1-", least(rb"[a-z0-9-]", 50)),
    (b"SWMKEY-1-", least(B, 40)),
    (b"DockerToken.", ID),
    (b"ATTA", H + rb"{64,80}"),
    (b"pnu_", least(A, 32)),
    (b"pnb_", least(A, 32)),
    (b"cloudsmith_", least(A, 32)),
    (b"depot_", least(A, 32)),
    (b"dependabot_", least(A, 32)),
    (b"cdp_", least(A, 32)),
    (b"packagist_", rb"(?:uut|out|ut|ot|ort|oct)_" + least(H, 60)),
)
CLOUD: tuple[Form, ...] = (
    *(
        (prefix, least(rb"[A-Za-z0-9+/=]", 60))
        for prefix in (b"IQoJb3JpZ2lu", b"FwoGZXIvYXdz", b"FQoGZXIvYXdz", b"ABSK")
    ),
    *((prefix, least(A, 12)) for prefix in (b"LTAI", b"LTAI5t")),
    (b"AKID", A + rb"{13,40}"),
    (b"dapi", H + rb"{32}(?:-\d)?"),
    (b"dose", H + rb"{32}"),
    (b"tskey-", rb"(?:[a-z]{2,12}-)?" + least(rb"[A-Za-z0-9-]", 20)),
    (b"dp.", rb"(?:st|pt|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?" + least(A, 40)),
    (b"ops_eyJ", least(B, 100)),
    (b"A3-", rb"[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-?){3,5}"),
    (b"K10", H + rb"{32,64}::[a-z:]{0,32}" + least(A, 16)),
    (b"v1.0-", H + rb"{24}-" + H + rb"{100,}+"),
    *(
        (prefix, least(U, 30))
        for prefix in (b"cfat_", b"cfut_", b"cfk_", b"nfp_", b"nfc_", b"vcp_", b"vci_", b"vca_", b"vcr_", b"vck_")
    ),
    *(
        (prefix, least(U, 30))
        for prefix in (b"pscale_tkn_", b"pscale_pw_", b"pscale_oauth_", b"sb_secret_", b"rnd_", b"napi_")
    ),
    (b"sbp_", rb"(?:v0_)?" + H + rb"{40}"),
    (b"fm1", rb"[ar]_" + least(B, 60)),
    (b"fm2_", least(B, 60)),
    (b"fo1_", least(U, 40)),
    (b"HRKU-", least(U, 36)),
    (b"akab-", L + rb"{16}-" + L + rb"{16}"),
    (b"AQVN", least(U, 34)),
    (b"t1.", rb"[A-Za-z0-9_-]+=?=?\.[A-Za-z0-9_-]{80,90}=?=?"),
    (b"YCAJE", least(U, 20)),
    (b"YCM", U + rb"{36}"),
    (b"y0_", least(U, 36)),
    (b"SCW", rb"[A-Z0-9]{17}"),
    (b"amzn.mws.", ID),
    (b"amzn1.oa2-cs.v1.", least(H, 40)),
    (b"Atza|", least(U, 40)),
    (b"Atzr|", least(U, 40)),
    (b"1//0", least(U, 40)),
    (b"GOOG1E", rb"[A-Z0-9]{55}"),
    (b"GOOG", rb"[A-Z0-9]{10,20}"),
    (b"tk-us-", least(U, 40)),
    (b"tk-eu-", least(U, 40)),
    (b"dnkey-", least(rb"[a-z0-9=_-]", 40)),
    (b"ptr_", least(B, 40)),
    (b"sha256~", least(U, 40)),
    (b"hvr.", least(U, 24)),
    (b"pul-", least(H, 40)),
    (b"hcp.", least(A, 20)),
    (b"st.", H + rb"{24,40}\." + least(H, 32)),
    (b"UNSEAL-", least(A, 20)),
    (b"bedrock-api-key-", least(B, 60)),
)
MODELS: tuple[Form, ...] = (
    *(
        (prefix, least(A, 30))
        for prefix in (b"gsk_", b"xai-", b"r8_", b"pplx-", b"api_org_", b"fw_", b"jina_", b"apify_api_", b"sk-or-v1-")
    ),
    *(
        (prefix, least(U, 30))
        for prefix in (b"nvapi-", b"tgp_v1_", b"tvly-", b"pcsk_", b"voyage-", b"pa-", b"csk-", b"fal_", b"helicone-")
    ),
    *((prefix, H + rb"{30,40}_" + H + rb"{8,12}") for prefix in (b"lsv2_pt_", b"lsv2_sk_")),
    (b"ls__", H + rb"{32}"),
    (b"fc-", H + rb"{32}"),
    (b"sk_", H + rb"{48}"),
    (b"csb_", rb"(?:v1_)?" + least(A, 32)),
    (b"ctx7sk-", least(rb"[a-f0-9-]", 30)),
    (b"wandb_v1_", least(U, 40)),
    (b"rpa_", least(A, 30)),
    (b"sk-lf-", ID),
)
MONEY: tuple[Form, ...] = (
    (b"sq0", rb"(?:atp|csp|idp)-" + least(U, 20)),
    (b"EAAA", least(U, 56)),
    (b"access_token$", rb"(?:production|sandbox)\$" + L + rb"{16}\$" + H + rb"{32}"),
    (b"access_token$", least(rb"[A-Za-z0-9$_-]", 30)),
    (b"AQE", least(rb"[A-Za-z0-9+/=^_<>.,;:(){}!%-]", 60)),
    *(
        (prefix, least(A, 14))
        for prefix in (b"rzp_live_", b"rzp_test_", b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_")
    ),
    *(
        (prefix, least(rb"[A-Za-z0-9-]", 20))
        for prefix in (b"FLWSECK_TEST-", b"FLWSECK-", b"FLWPUBK-", b"FLWPUBK_TEST-")
    ),
    *((prefix, least(A, 28)) for prefix in (b"live_", b"test_", b"sandbox_", b"sk_sbox_", b"sk_prod_", b"sk_sandbox_")),
    *((prefix, ID) for prefix in (b"access-sandbox-", b"access-production-", b"access-development-", b"sk_", b"pk_")),
    *(
        (prefix, least(U, 30))
        for prefix in (b"pdl_live_", b"pdl_sdbx_", b"pdl_ntfset_", b"klarna_live_api_", b"klarna_test_api_")
    ),
    *((prefix, H + rb"{32}") for prefix in (b"shpat_", b"shpss_", b"shpca_", b"shppa_", b"shptka_", b"shpua_")),
    *((prefix, A + rb"{50,60}") for prefix in (b"EZAK", b"EZTK")),
    *((prefix, H + rb"{40}") for prefix in (b"ck_", b"cs_")),
    (b"APP_USR-", rb"\d{10,20}-\d{6}-" + H + rb"{32}-\d{6,12}"),
    (b"TEST-", rb"\d{10,20}-\d{6}-" + H + rb"{32}-\d{6,12}"),
    (b"t.", U + rb"{80,90}"),
    (b"whsec_", least(B, 24)),
    (b"oauth2_", least(A, 32)),
)
CHAT: tuple[Form, ...] = (
    *(
        (prefix, least(rb"[A-Za-z0-9-]", 20))
        for prefix in (b"xoxe.xoxp-", b"xoxe.xoxb-", b"xoxd-", b"xwfp-", b"xoxc-", b"xoxt-")
    ),
    (b"xkeysib-", H + rb"{64}-" + A + rb"{16}"),
    (b"xsmtpsib-", least(rb"[A-Za-z0-9-]", 60)),
    (b"key-", least(L, 32)),
    (b"pubkey-", H + rb"{32}"),
    (b"SK", H + rb"{32}"),
    (b"re_", rb"(?=\w{0,12}[0-9A-Z])[A-Za-z0-9]{8,10}_" + least(A, 20)),
    (b"mlsn.", H + rb"{64}"),
    (b"os_v2_", rb"(?:app|org)_" + least(L, 60)),
    (b"pat-", rb"(?:na|eu|ap)\d-" + ID),
    (b"EAACEdEose0cBA", least(A, 20)),
    (b"EAA", least(A, 80)),
    (b"IGQV", least(U, 60)),
    (b"IGAA", least(U, 60)),
    (b"AAAAAAAAAAAAAAAAAAAAA", least(rb"[A-Za-z0-9%]", 40)),
    (b"SEC", H + rb"{64}"),
    (b"syt_", least(rb"[A-Za-z0-9=_-]", 24)),
    (b"oauth:", L + rb"{30}"),
    (b"sl.", least(rb"[A-Za-z0-9_.-]", 60)),
    (b"p8e-", L + rb"{32}"),
    (b"fio-u-", least(rb"[A-Za-z0-9=_-]", 50)),
    (b"s-s4t2", rb"(?:ud|af)-" + H + rb"{64}"),
    (b"t-", rb"[a-z]?1[0-9a-z]{30,}+"),
    (b"AIzaSy", U + rb"{33}"),
    (b"lip_", least(A, 20)),
    (b"lip-", least(A, 20)),
    (b"oc_at_", least(A, 20)),
    (b"zpka_", least(rb"[a-z0-9_]", 32)),
    (b"WPL_AP1.", least(B, 16)),
    (b"00D", A + rb"{12,15}![A-Za-z0-9_.]{60,}+"),
    (b"5Aep861", least(rb"[A-Za-z0-9._=]", 40)),
    (b"_|WARNING:-DO-NOT-SHARE-THIS", least(rb"[A-Za-z0-9._|:,!-]", 60)),
)
WATCHING: tuple[Form, ...] = (
    *(
        (prefix, least(rb"[A-Za-z0-9-]", 16))
        for prefix in (b"NRAK-", b"NRAA-", b"NRII-", b"NRIQ-", b"NRJS-", b"NRSP-", b"NRRA-", b"NRBR-")
    ),
    (b"eu01xx", H + rb"{30}NRAL"),
    (b"glsa_", A + rb"{32}_" + H + rb"{8}"),
    (b"glc_", least(B, 32)),
    (b"eyJrIjoi", least(B, 40)),
    (b"sntryu_", H + rb"{64}"),
    *((prefix, least(L, 24)) for prefix in (b"hcaik_", b"hcxik_", b"hcaic_", b"hcxic_", b"hcamk_", b"hcxmk_")),
    (b"dt0", rb"[a-z]\d{2}\.[A-Z0-9]{8,24}\." + least(rb"[A-Z0-9]", 32)),
    *(
        (prefix, least(rb"[A-Za-z0-9-]", 20))
        for prefix in (b"xaat-", b"xapt-", b"cu_", b"uk1_", b"ddapp_", b"ddapi_", b"ddp_")
    ),
    *((prefix, least(A, 40)) for prefix in (b"phx_", b"phc_", b"phs_", b"pha_")),
    *((prefix, ID) for prefix in (b"sdk-", b"api-", b"mob-", b"rel-")),
    (b"pdus+", least(U, 20)),
    (b"lsk_", least(A, 24)),
    (b"secret-", least(A, 32)),
    (b"b_", rb"(?=[a-z0-9=_-]{0,20}[0-9])[a-z0-9=_-]{44}"),
    (b"dgp_", least(A, 20)),
    (b"sua_", least(A, 20)),
    (b"SUMO", least(A, 40)),
)


def _rule(name: str, forms: tuple[Form, ...], positive: str, negative: str) -> Rule:
    body = b"|".join(re.escape(prefix) + rest for prefix, rest in forms)
    # Where a word begins, and enough behind it; the pattern then decides.
    prefixes = b"|".join(re.escape(prefix) for prefix in sorted({prefix for prefix, _ in forms}))
    look = rb"(?-i:(?:^|[^A-Za-z0-9_])(?:" + prefixes + rb")[A-Za-z0-9$+/=_.:~|^<>,;(){}!%-]{8})"
    return Rule(name, (), START + rb"(?:" + body + rb")" + END, positive, negative, cased=True, look=look)


SERVICES: tuple[Rule, ...] = (
    _rule("code_service", CODE, "used ATBBURNpk16nHnVFadHf4YBv0v5moLYnWaPu", "ATBB tokens"),
    _rule("cloud_service", CLOUD, "using dapi0712a0026fdab1dbbe5612aadbd4bd1f", "dapi calls"),
    _rule("model_service", MODELS, "with gsk_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeF", "gsk_ is its prefix"),
    _rule("payment_service", MONEY, "by sq0atp-aBcDeFgHiJkLmNoPqRsTuV", "live_migration"),
    _rule("chat_service", CHAT, "mail by xkeysib-" + "0123456789abcdef" * 4 + "-aBcDeFgHiJkLmNoP", "key-value store"),
    _rule("watch_service", WATCHING, "sent with glsa_aBcDeFgHiJkLmNoPqRsTuVwXyZ012345_0123abcd", "api-server"),
)
