"""Names of machines and people, and numbers that stand for them, in the lines in which machines write them down."""

from __future__ import annotations

from tests.evaluation.identifiers import values
from tests.evaluation.identifiers.kind import Kind, as_drawn

OWN_HOST_LINES = (
    "Nov 22 04:12:07 {value} systemd[1]: Reached target Timers.",
    "Linux {value} 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 x86_64 GNU/Linux",
    "   Static hostname: {value}",
    "127.0.1.1\t{value}",
    "postfix/smtpd[9]: NOQUEUE: helo=<{value}>",
    '{{"hostname":"{value}","pid":1}}',
    "raft: {value} became leader at term 4",
)
SIBLING_LINES = (
    "mount.nfs: {value}:/export/home timed out",
    "connect to {value} port 5432 failed: Connection refused",
    "ntp: server {value} unreachable, stratum 16",
    "haproxy: Server be/{value} is DOWN",
    "replica {value} lags 31 s",
)
FQDN_LINES = (
    "curl: (6) Could not resolve host: {value}",
    "https://{value}:8443/api/v1/status returned 503",
    "relay={value}[198.51.100.7]:25, delay=0.3, status=sent",
    "server {value} iburst",
    "search {value}",
    'kubelet: failed to pull image "{value}/team/app:1.4": unauthorized',
    "Subject: CN = {value}",
    "dns: query A {value} took 812 ms",
    "ldap_uri = ldaps://{value}",
    "    server_name {value};",
    "Certificate for {value} expires in 3 days",
    "rhost={value}",
)
SHORT_LINES = (
    "Nov 22 04:12:07 {value} sshd[311]: Server listening on 0.0.0.0 port 22.",
    "2026-11-22T04:12:07.120934+00:00 {value} kernel: usb 1-1: reset high-speed USB device",
    "<34>1 2026-11-22T04:12:07Z {value} app 412 ID47 - started",
    "Linux {value} 5.15.0-91-generic #101-Ubuntu SMP x86_64 GNU/Linux",
    "Host: {value}",
    "hostname={value}",
    "198.51.100.20\t{value}",
    "kernel: nfs: server {value} not responding, still trying",
    "http://{value}:9200/_cluster/health is yellow",
    "ssh: connect to host {value} port 22: No route to host",
    "root@{value}:/var/log# tail -f syslog",
    "mount.nfs: mount to NFS server '{value}' failed: timed out",
    '{{"host":"{value}","level":"error"}}',
    "ping: {value}: Name or service not known",
    "   Static hostname: {value}",
    'could not translate host name "{value}" to address',
)
CUT_HOST_LINES = (
    "tcp 0 0 {value}:ssh 198.51.100.3:51514 ESTABLISHED",
    "reboot   system boot  {value} Sat Nov 22 04:12   still running",
    "pts/0 {value} 04:12 1:03 -bash",
)
KNOWN_USER_LINES = (
    "su: pam_unix(su-l:auth): authentication failure; ruser={value} rhost=",
    "backup of {value} finished in 12 s",
    "drwx------ 5 {value} {value} 4096 Nov 22 04:12 .cache",
    "quota: {value} is over the limit",
    "Cmnd_Alias X: {value} may run all",
)
CUT_USER_LINES = (
    "{value}  2213  0.0  0.1  12344  5120 pts/0 Ss 04:12 0:00 -bash",
    "{value} pts/1 198.51.100.8 Sat Nov 22 04:12 still logged in",
)
USER_LINES = (
    "sshd[99]: Accepted publickey for {value} from 198.51.100.2 port 50122 ssh2: ED25519 SHA256:x",
    "sshd[99]: Failed password for invalid user {value} from 198.51.100.2 port 50122 ssh2",
    "sshd[99]: Invalid user {value} from 198.51.100.2",
    "sshd[99]: Connection closed by authenticating user {value} 198.51.100.2 port 50122 [preauth]",
    "sshd[99]: Disconnected from user {value} 198.51.100.2 port 50122",
    "sshd[99]: pam_unix(sshd:session): session opened for user {value}(uid=1004) by (uid=0)",
    "sudo:   {value} : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/id",
    "su[71]: (to root) {value} on pts/2",
    "CRON[440]: ({value}) CMD (/usr/local/bin/sync)",
    "systemd-logind[600]: New session 12 of user {value}.",
    "systemd[1]: Started Session 12 of User {value}.",
    "uid=1004({value}) gid=1004({value}) groups=1004({value}),27(sudo)",
    '198.51.100.9 - {value} [22/Nov/2026:04:12:07 +0000] "GET / HTTP/1.1" 401 0',
    'FATAL:  password authentication failed for user "{value}"',
    'FATAL:  role "{value}" does not exist',
    "Access denied for user '{value}'@'localhost' (using password: YES)",
    "dovecot: imap-login: Login: user=<{value}>, method=PLAIN, rip=198.51.100.4",
    "smtpd[12]: client=unknown, sasl_method=LOGIN, sasl_username={value}",
    'vsftpd: [pid 3] [{value}] OK LOGIN: Client "198.51.100.4"',
    "AllowUsers {value}",
    "{value} ALL=(ALL) NOPASSWD: ALL",
    "User={value}",
    '{{"username":"{value}","action":"login"}}',
    "smbd: check_ntlm_password: authentication for user [{value}] failed",
    "user: {value}",
    "{value}:x:1004:1004::/srv/x:/bin/bash",
    "login[3]: FAILED LOGIN (1) on '/dev/tty1' FOR '{value}', Authentication failure",
    "-rw-r--r-- 1 {value} users 812 Nov 22 04:12 notes.txt",
    "ssh -i key {value}@bastion -p 22",
    "chown: changing owner to {value}:{value}",
    "useradd[4]: new user: name={value}, UID=1004, GID=1004, home=/srv/x, shell=/bin/bash",
)
HOME_LINES = (
    "bash: /home/{value}/bin/run.sh: Permission denied",
    'rsync: change_dir "/Users/{value}/Documents" failed',
    "C:\\Users\\{value}\\AppData\\Local\\Temp\\x.log",
    "HOME=/home/{value}",
    "file:///home/{value}/report.pdf",
    "/export/home/{value} 10G 9G 1G 90%",
    "cwd: /var/home/{value}/src",
    '{{"path":"C:\\\\Users\\\\{value}\\\\x"}}',
    "/mnt/c/Users/{value}/x",
    "mail delivered to /var/mail/{value}",
    "(/var/spool/cron/crontabs/{value}) RELOAD",
)
PERSON_LINES = (
    "Author: {value} <x@198.51.100.1>",
    "loaded profile of {value} in 3 ms",
    "x:x:1004:1004:{value},,,:/srv/x:/bin/sh",
)
EMAIL_LINES = (
    "postfix/qmgr[3]: 4F2A: from=<{value}>, size=512, nrcpt=1 (queue active)",
    "Reply-To: Support <{value}>",
    "certbot: account for {value} registered",
    '{{"contact":"{value}"}}',
    "mailto:{value}?subject=x",
    "MAILTO={value}",
    "git config user.email {value}",
    "delivered to {value}; relay=local",
    'gpg: key 0xDEADBEEF: "{value}" not changed',
)
SERIAL_LINES = (
    "Serial Number:    {value}",
    "\tSerial Number: {value}",
    "ID_SERIAL_SHORT={value}",
    "usb 1-1: SerialNumber: {value}",
    "/dev/disk/by-id/ata-Samsung_SSD_860_EVO_500GB_{value}",
    '{{"model":"X","serial":"{value}"}}',
    "E: ID_SERIAL={value}",
    "Unit serial number: {value}",
    "system-serial-number: {value}",
    "smartd: Device: /dev/sda, S/N:{value}, WWN:5-002538-e40000001",
    "Asset Tag: {value}",
    '   "serial_number": "{value}",',
    "Service Tag: {value}",
)
UUID_LINES = (
    "UUID={value} /boot ext4 defaults 0 2",
    '/dev/sda1: UUID="{value}" TYPE="ext4"',
    "   Machine uuid {value}",
    "domain {value} started",
    "request_id={value} status=200",
    "/dev/disk/by-uuid/{value}",
    "system-uuid: {value}",
    "{{{value}}}",
)
BARE_UUID_LINES = (
    "   Machine ID: {value}",
    "      Boot ID: {value}",
    "_MACHINE_ID={value}",
    "_BOOT_ID={value}",
    '{{"machine_id":"{value}"}}',
    "/var/log/journal/{value}/system.journal",
)
CARD_LINES = (
    "payment declined for card {value} (insufficient funds)",
    '{{"pan":"{value}","cvv":"x"}}',
    "POS-7: card={value} amount=12.50 EUR",
    "DEBUG checkout - number={value}&exp=12/29",
    "{value} charged",
)
IBAN_LINES = (
    "SEPA transfer to {value} accepted",
    '{{"iban":"{value}"}}',
    "IBAN: {value}",
    "account={value};currency=EUR",
)
PHONE_LINES = (
    "sms: to={value} status=queued",
    "tel:{value}",
    "Phone: {value}",
    "call from {value} dropped",
    '{{"mobile":"{value}"}}',
    "asterisk: Dialing SIP/{value} via trunk",
    "contact {value} for access",
)


def first_label(value: str) -> tuple[str, ...]:
    """The part of a full name that is one machine's, and the part that is its owner's."""
    labels = value.split(".")
    return (labels[0], labels[-2]) if len(labels) > 2 else (labels[0],)


def cut_host(value: str) -> str:
    """As netstat cuts a full name."""
    return value[:19]


def cut_user(value: str) -> str:
    """As ps cuts a name."""
    return value[:7] + "+"


ALL = (
    Kind(
        "host, own full name",
        values.own_host,
        OWN_HOST_LINES,
        (as_drawn, values.upper, values.capital),
        "host",
        first_label,
    ),
    Kind("host, sibling", values.own_host, SIBLING_LINES, (as_drawn, values.upper), "peer", first_label),
    Kind("host, other full name", values.full_host, FQDN_LINES, (as_drawn, values.upper), pieces=first_label),
    Kind("host, short, unknown", values.short_host, SHORT_LINES, (as_drawn, values.upper)),
    Kind("host, cut off", values.own_host, CUT_HOST_LINES, (cut_host,), "host", lambda v: tuple(v.split(".")[:2])),
    Kind("user, known", values.user, KNOWN_USER_LINES, (as_drawn, values.upper, values.capital), "user"),
    Kind("user, cut off", values.long_user, CUT_USER_LINES, (cut_user,), "user", lambda v: (v[:7],)),
    Kind("user, unknown", values.user, USER_LINES),
    Kind("home path", values.user, HOME_LINES),
    Kind("real name", values.person, PERSON_LINES, told="person"),
    Kind("e-mail", values.email, EMAIL_LINES, (as_drawn, values.upper), pieces=lambda v: tuple(v.split("@"))),
    Kind("serial number", values.serial, SERIAL_LINES),
    Kind("UUID", values.uuid, UUID_LINES, (as_drawn, values.upper)),
    Kind("UUID, bare", values.uuid, BARE_UUID_LINES, (values.hex32,)),
    Kind("card", values.card, CARD_LINES, (as_drawn, values.grouped, values.dashed_card)),
    Kind("IBAN", values.iban, IBAN_LINES, (as_drawn, values.grouped_iban)),
    Kind("phone", values.phone, PHONE_LINES, (as_drawn, values.spaced_phone, values.dashed_phone)),
)
