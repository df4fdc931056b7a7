"""Full host names in running text: which dotted words are one, and which belong to everybody."""

from __future__ import annotations

import re

# Endings under which machines have names. Two-letter ones that are also words or endings of files are left to longer
# names. Source: the IANA root zone of November 2026, cut to what machines of companies and providers are found under.
_GENERIC = "com net org edu gov mil int info biz name pro coop museum aero arpa xyz online site cloud tech space"
_PRIVATE = "internal local lan corp intra intranet home localdomain private domain test example invalid consul"
_LANDS = """
ac ad ae af ag al ao aq ar at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cd cf cg ch ci ck
cl cm cn cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm
gn gp gq gr gt gu gw gy hk hn hr ht hu ie il iq ir it jm jo jp ke kg kh ki km kn kp kr kw ky kz lb lc li lk lr ls lt
lu lv ma mc mg mh mk mm mn mo mp mq mr mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk
pn pr pt pw py qa re ro ru rw sa sb sc sd se sg si sk sl sm sn sr st su sv sx sy sz tc td tf tg th tj tk tl tm tn tr
tt tv tw tz ua ug uk us uy uz va vc ve vg vn vu wf ws ye yt za zm zw
"""
_AMBIGUOUS = "ai am app cc co dev id im in io is la me md ml mov ms pl ps rs sh so to vi zip run host"
# These are also endings of files, of methods, and the last words of settings (user.home, os.name).
_WORDS = (
    "py pm st re do ac as ad cl cr hr kg lt mk mo mp na no pe pr pt sc sd tc tf vc ws"
    " name info home int pro test domain private space site online cloud tech arpa mil"
)
LANDS_OF_LONGER = frozenset((*_AMBIGUOUS.split(), *_WORDS.split()))
ENDINGS = tuple(dict.fromkeys((*_GENERIC.split(), *_PRIVATE.split(), *_LANDS.split(), *_AMBIGUOUS.split())))
_ENDS = "|".join(sorted(ENDINGS, key=len, reverse=True)).encode()
LABEL = rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
FULL = re.compile(
    rb"(?i)(?<![\w.-])((?:" + LABEL + rb"\.){1,8}(?:" + _ENDS + rb"))\.?(?![\w-]|\.[\w-]|\()",
)
LOOK = rb"[\w.\x80-\xff-]*\.(?:" + _ENDS + rb")\b[\w.\x80-\xff(-]*"
# Names that are written from the end to the beginning: classes and packages, not machines.
_BACKWARDS = "com org net io java javax sun edu de androidx android kotlin scala jdk gov uk cn ru me dev"
BACKWARDS = frozenset(_BACKWARDS.split())
# Sites of software and of the internet itself: they identify nobody, and which one fails is what support must see.
_SITES = """
kernel.org debian.org ubuntu.com canonical.com launchpad.net centos.org almalinux.org rockylinux.org redhat.com
fedoraproject.org opensuse.org suse.com archlinux.org alpinelinux.org gentoo.org openwrt.org freebsd.org gnu.org
freedesktop.org gnome.org kde.org apache.org python.org pypi.org pythonhosted.org npmjs.org npmjs.com nodejs.org
golang.org rust-lang.org crates.io docker.com docker.io k8s.io kubernetes.io quay.io github.com githubusercontent.com
gitlab.com bitbucket.org ntp.org iana.org ietf.org rfc-editor.org w3.org internic.net root-servers.net icann.org
letsencrypt.org mozilla.org wikipedia.org stackoverflow.com oracle.com java.com intel.com amd.com nvidia.com
microsoft.com windowsupdate.com google.com googleapis.com gstatic.com cloudflare.com cloudflare-dns.com quad9.net
opendns.com apple.com icloud.com amazon.com snapcraft.io flathub.org sourceforge.net isc.org openssl.org openssh.com
nginx.org nginx.com postgresql.org mysql.com mariadb.org redis.io elastic.co grafana.com prometheus.io systemd.io
schema.org xmlsoap.org json-schema.org openxmlformats.org
"""
EVERYBODYS = tuple(_SITES.split())
# Deeper names below them are machines of those who run them.
_OF_EVERYBODY = re.compile(r"(?i)(?:[^.]+\.){0,2}(?:" + "|".join(map(re.escape, EVERYBODYS)) + r")\.?")
# What stands before such an ending where it is a land's, not a word's.
SECOND = frozenset(("co", "com", "net", "org", "or", "ac", "go", "gov", "edu", "ne", "web", "sch"))
_NUMBERED = re.compile(r"(?i)^www\.|[a-z]-?[0-9]|[a-z]-[a-z]")


def is_machines(name: str) -> bool:
    """Whether a dotted word that ends as names do is a machine's or an owner's name, not a class, file or known site.

    >>> [is_machines(name) for name in ("db1.acme.com", "org.apache.net", "run.sh", "www.kernel.org", "1.2.com")]
    [True, False, False, False, True]
    """
    labels = name.rstrip(".").lower().split(".")
    if labels[-1] in LANDS_OF_LONGER and not (len(labels) > 2 and (labels[-2] in SECOND or _NUMBERED.search(name))):
        return False
    if labels[-2:] in (["in-addr", "arpa"], ["ip6", "arpa"]):
        return False
    if labels[0] in BACKWARDS and (len(labels) > 2 or labels[0] in ("java", "javax", "sun")):
        return False
    return bool(labels[-2].strip("_-")) and not is_everybodys(name)


def is_everybodys(name: str) -> bool:
    """Whether a name belongs to the internet's common sites.

    >>> is_everybodys("deb.debian.org"), is_everybodys("notdebian.org")
    (True, False)
    """
    return _OF_EVERYBODY.fullmatch(name) is not None
