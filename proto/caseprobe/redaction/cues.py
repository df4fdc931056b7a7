"""Words and forms beside which a name, serial number or id stands, though nobody told the machine that it is one.

Each cue is one pattern for `re`; what RE2 looks for is the same pattern without what stands around the match. Every
group is a value. All take linear time: repeats are bounded, or cannot be split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from caseprobe.redaction.patterns import HEX, USER

AROUND = re.compile(rb"\(\?<?[=!]")
# Small bounds stay: what is repeated without one could run on to the end of a line again and again.
BOUND = re.compile(rb"\{([0-9]+),[0-9]{2,}\}")
HOST = rb"([A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?(?:\.[A-Za-z0-9_-]{1,63}){0,8})"
DIGITS_1_3 = rb"[0-9]{1,3}"
IPV4 = rb"\.".join([DIGITS_1_3] * 4)
# "ruser= rhost=x": what stands behind a sign without blanks before it belongs to it only if none follow.
GAP = rb"[\"']?(?:[ \t]{0,24}:[ \t]{0,24}|[ \t]{1,24}=[ \t]{0,24}|=)[\"'<\[]?"
# What follows a name goes into the look, so that a longer name (an e-mail's) is never cut at its middle.
TAIL = rb"[0-9A-Za-z._@%+\x80-\xff-]*(?::[0-9a-f:]+)?"


@dataclass(frozen=True)
class Cue:
    """A kind ("user", "host", "serial", "uuid", "mac", "person") and where its values stand."""

    kind: str
    regex: bytes

    def compiled(self) -> re.Pattern[bytes]:
        """What finds the values."""
        return re.compile(rb"(?im)" + self.regex)

    @property
    def look(self) -> bytes:
        """The same in RE2's syntax, where long repeats have no upper bound: each would cost it so many states."""
        return rb"(?m:" + BOUND.sub(_unbounded, without_around(self.regex)) + TAIL + rb")"


def _unbounded(bound: re.Match[bytes]) -> bytes:
    """The repeat that a bounded one is a part of."""
    least = int(bound[1])
    return (b"*", b"+")[least] if least < 2 else b"{%d,}" % least


def without_around(regex: bytes) -> bytes:
    """A pattern without its looks ahead and behind, which RE2 does not know.

    >>> without_around(rb"(?<!a)b(?=(?:c|\\)))d")
    b'bd'
    """
    pieces, at = [], 0
    while found := AROUND.search(regex, at):
        pieces.append(regex[at : found.start()])
        at = _closing(regex, found.start())
    return b"".join((*pieces, regex[at:]))


def _closing(regex: bytes, start: int) -> int:
    """Behind the bracket that closes the one at start."""
    depth, at, in_class = 0, start, False
    while True:
        char = regex[at : at + 1]
        if char == b"\\":
            at += 1
        elif in_class:
            in_class = char != b"]"
        elif char == b"[":
            in_class = True
        else:
            depth += (char == b"(") - (char == b")")
        at += 1
        if depth == 0:
            return at


_USERS = (
    # Logins: sshd, PAM, logind, su, sudo, login, cron, databases, mail and file servers.
    rb"\b(?:accepted|failed|postponed) \S{1,40} for (?:invalid user |illegal user )?" + USER + rb"(?= from|\s|$)",
    rb"\bnew (?:user|group): name=" + USER,
    rb"\b(?:invalid|illegal|authenticating|from|of|for|by|new|as|unknown|remote) user [\"'\[<]?" + USER,
    rb"\b(?:user|role|login|account) (?:[\"\[<]" + USER + rb"[\"\]>]|'" + USER + rb"')",
    rb"\b(?:sudo|doas)(?:\[[0-9]{1,7}\])?: {1,12}" + USER + rb" : ",
    USER + rb" : (?:TTY=|user NOT|command not|[0-9] incorrect)",
    rb"\(to " + USER + rb"\) " + USER + rb" on ",
    rb"\bsu(?:\[[0-9]{1,7}\])?: (?:successful|failed) su for " + USER + rb"(?: by " + USER + rb")?",
    rb"\("
    + USER
    + rb"\) (?:CMD|LIST|REPLACE|BEGIN EDIT|END EDIT|RELOAD|INFO|MAIL|DELETE|STARTUP|CMDOUT|CMDEND|EDIT)\b(?: \("
    + USER
    + rb"\))?",
    rb"(?:\b(?:[ug]id|e[ug]id|fs[ug]id|s[ug]id|auid|groups)=|,)[0-9]{1,10}\(" + USER + rb"\)",
    rb" - " + USER + rb" \[[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4}:",
    rb"'" + USER + rb"'@'",
    rb"\] \[" + USER + rb"\] (?:OK|FAIL) ",
    rb"\bFOR '" + USER + rb"'",
    rb"\bname=" + USER + rb", (?:UID|GID)=",
    rb"\buser " + USER + rb"(?: (?:not|from|has|was|logged|authenticated|is not|does not)\b|:)",
    rb"\b(?:changed|expired|failure|locked|created|removed) for (?:user )?" + USER + rb"(?=\s|$)",
    rb"\b(?:add|delete|remove|added|removed) (?:user )?'" + USER + rb"' (?:to|from)\b",
    # Settings and fields.
    rb"^" + USER + rb"[ \t]{1,24}(?:hard|soft|-)[ \t]{1,24}[a-z]{2,16}[ \t]",
    rb"\b(?:allow|deny)(?:users|groups) +" + USER + (rb"(?: +" + USER + rb")?") * 3,
    rb"^%?" + USER + rb"[ \t]{1,24}ALL[ \t]{0,8}=",
    rb"\b[a-z]{0,16}_?user_?(?:name|login)?" + GAP + USER,
    rb"\b(?:user|login|owner|account|(?:log|sam_?account|account|owner|login)_?name|run_as|sudo_user)" + GAP + USER,
    rb"\b(?:acct|ruser|logname|uname|owner|login|sasl_username)" + GAP + USER,
    # Files and tables of accounts and processes.
    rb"^" + USER + rb":[x*!]?:[0-9]{1,10}:",
    rb"^[A-Za-z_][\w-]{0,31}:[x*!]?:[0-9]{1,10}:" + USER + (rb"(?:," + USER + rb")?") * 8 + rb"$",
    rb"^[dlbcps-][rwxst-]{9}[.+@]? {1,4}[0-9]{1,7} " + USER + rb" {1,20}" + USER + rb" ",
    rb"^" + USER + rb"\+? {1,20}[0-9]{1,8} {1,8}[0-9]{1,3}\.[0-9] {1,8}[0-9]{1,3}\.[0-9] ",
    rb"^"
    + USER
    + rb"\+? {1,20}[0-9]{1,8} {1,8}[0-9]{1,8} {1,8}[0-9]{1,3} (?:[0-9]{2}:[0-9]{2}|[A-Z][a-z]{2}[0-9]{2}) ",
    rb"^" + USER + rb"\+? {1,20}(?:pts/[0-9]{1,4}|tty[0-9A-Z]{1,4}|console|:[0-9])[ \t]",
    rb"\b[0-9]{4,10} " + USER + rb" {1,12}seat[0-9]",
    rb"^ {0,9}[0-9]{1,7} " + USER + rb"\+? {1,12}(?:-?[0-9]{1,3}|rt) {1,6}-?[0-9]{1,3} ",
    rb"\bchown(?: -R)? " + USER + rb"(?::" + USER + rb")?",
    rb"\bowner(?:ship)? (?:of \S{1,200} )?(?:to|from) " + USER + rb"(?::" + USER + rb")?",
    rb"(?<![\w/.])~" + USER + rb"/",
    # Places that are named after a person.
    rb"(?:/home/|/users/|\\{1,4}users\\{1,4}|/var/(?:spool/)?mail/|/spool/cron/(?:crontabs/)?|/run/media/)" + USER,
)
_HOSTS = (
    rb"\bLinux " + HOST + rb" [0-9]{1,2}\.[0-9]{1,3}[.-]",
    rb"\b(?:[a-z]{0,16}[_.-]?host(?:[_ ]?name)?|nodename|fqdn|computer ?name|server[_ ]?name|dns ?name|node[_ ]?name)"
    + GAP
    + HOST
    + rb"(?![:.]?[0-9a-f]{0,4}:)",
    rb"\b(?:server|host|peer|node|hostname|machine|replica|member|broker|remote) [\"'<]?"
    + HOST
    + rb"[\"'>]?:? (?:(?:is )?not responding|timed out|is (?:down|up|unreachable|alive|dead|offline|online)|unreachable"
    rb"|did not answer|port [0-9]|OK\b|lost\b)",
    rb"\bserver '" + HOST + rb"'",
    # As Java writes the address of a socket.
    rb"(?<![\w./-])" + HOST + rb"/" + IPV4 + rb":[0-9]{2,5}",
    rb"\b(?:to|from) host [\"']?" + HOST,
    rb"\b(?:translate|resolve)d? host(?:[ -]?name)?:? [\"']?" + HOST,
    rb"\bconnect(?:ed|ing|ion)? (?:to|from) " + HOST + rb":[0-9]{2,5}",
    rb"^(?:ok|changed|fatal|skipping|unreachable|failed): \[" + HOST + rb"\]",
    rb"\bnodename " + HOST,
    rb"\bping6?: " + HOST + rb": (?:Name|Temporary|unknown|No address|System error)",
    rb"\b(?:https?|wss?|ftps?|ldaps?|sftp|ssh|git|rediss?|amqps?|mysql|mariadb|postgres(?:ql)?|mongodb(?:\+srv)?|nfs|smb"
    rb"|cifs|rtsp|sips?|imaps?|smtps?|tcp|udp|tls|grpc|mqtts?|kafka|zk|hdfs|thrift|iscsi|vnc|rdp|ntp|snmp|socks[45]h?)"
    rb"://(?:[^\s/@\"'<>]{1,256}@)?" + HOST + rb"(?![:.]?[0-9a-f]{0,4}:[0-9a-f]{0,4}:)",
    rb"^" + IPV4 + rb"(?:\t[ \t]{0,30}|  {1,30})" + HOST + (rb"(?:[ \t]{1,30}" + HOST + rb")?") * 4 + rb"[ \t]{0,30}$",
    rb"\b(?:relay=|client=|from |to )" + HOST + rb"\[[0-9a-f.:]{3,45}\]",
    rb"^(?:reboot|shutdown|\S{1,32}) {1,20}(?:system boot|pts/[0-9]{1,4}) {1,4}" + HOST + rb" {1,8}[A-Z][a-z]{2} ",
)
_SERIALS = (
    rb"\b(?:[a-z-]{1,24}[ _-])?serial[ _-]?(?:number|num|no\.?|short|#)?"
    + GAP
    + rb"(?:0x)?([A-Z0-9][A-Z0-9._/-]{3,63})",
    rb"\bserial[ _-]?number[ \t]{1,12}([A-Z0-9][A-Z0-9._-]{4,63})(?=\s|$)",
    rb"\b(?:S/N|SN)(?:[:=#] {0,4}| {1,4})([A-Z0-9][A-Z0-9._-]{4,63})",
    rb"\b(?:asset|service)[ _-]?tag" + GAP + rb"([A-Z0-9][A-Z0-9._-]{3,63})",
    rb"/by-id/(?:ata|scsi|nvme|usb|mmc|virtio|dm-name)-[A-Za-z0-9.+-]{1,40}(?:_[A-Za-z0-9.+-]{1,40}){0,12}_([A-Z0-9-]{6,40})"
    rb"(?=-part[0-9]|-[0-9]:[0-9]|_[0-9]\b|[\s\"',;:]|$)",
    rb"/by-id/(?:scsi-3|wwn-0x|nvme-eui\.)([0-9a-f]{8,32})",
)
_UUIDS = (
    rb"(?:\b|_)(?:machine|boot|product|system|invocation|session|device|disk|host|node|cluster|install)[ _-]?u?u?id"
    + GAP
    + rb"((?:0x)?"
    + HEX
    + rb"{32})(?![0-9A-Za-z])",
    rb"\b(?:uuid|guid)" + GAP + rb"(" + HEX + rb"{32})(?![0-9A-Za-z])",
    rb"\bjournal/(" + HEX + rb"{32})(?![0-9A-Za-z])",
)
_MACS = (
    rb"(?:\benx|\b(?:(?:base|burned.in|bd|phys(?:ical)?|eth(?:ernet)?|hw|hardware|station|client|perm|lan|wifi|wlan|ble?)"
    rb"[ _-]?)?(?:mac|hwaddr|bssid|lladdr|address|sta)(?:[ _-]?(?:address|addr))?(?:"
    + GAP
    + rb"| )|ifPhysAddress\S{0,12}"
    rb" = (?:Hex-)?STRING: )(" + HEX + rb"{12})(?![0-9A-Za-z])",
    rb"\b01-(" + HEX + rb"{2}(?:-" + HEX + rb"{2}){5})(?![0-9A-Za-z-])",
)
_PERSONS = (
    rb"(?<![\w.@])([^\W\d_][\w'.-]{1,40}(?: [^\W\d_][\w'.-]{0,40}){1,3}) <[^<>@\s]{1,512}@[0-9A-Za-z.-]{1,512}",
    rb"^[A-Za-z_][\w.-]{0,31}:[x*!]?:[0-9]{1,10}:[0-9]{1,10}:([^:,\s][^:,\r\n]{2,80}),?",
)
CUES = tuple(
    Cue(kind, regex)
    for kind, regexes in (
        ("person", _PERSONS),
        ("uuid", _UUIDS),
        ("mac", _MACS),
        ("serial", _SERIALS),
        ("host", _HOSTS),
        ("user", _USERS),
    )
    for regex in regexes
)
_NO_USERS = """
a an and the or is was are has had not no yes on in at to of for from by with without as if then than that this who
which may can cannot could does did do be been name names id ids space mode input interface data defined agent group
groups session sessions process manager service services slice account accounts true false null none undefined unknown
default any all error errors login password key keys file files home shell level cpu request requests requested logged
connected disconnected exists already using uid gid pid env nil empty anonymous someone somebody everyone me you he
she it we they xattr extended quota namespace namespaces limit limits config configuration settings profile
preferences directory directories dir context code program programs application applications event events action
actions info information type types specified found supplied given provided
"""
_NO_HOSTS = """
a an and the or is was not no yes on in at to of for from by with true false null none undefined unknown default any
all name names key keys up down info warn warning error debug trace fatal notice critical kernel port failed success
ok message repeated last gateway dev via scope src metric proto link self this version
"""
# Words that stand where a user's name might, or a host's: "for user input", "host: true".
NO_USER, NO_HOST = frozenset(_NO_USERS.encode().split()), frozenset(_NO_HOSTS.encode().split())
