"""A second set of lines, first measured before any pattern was written for them.

Then every kind that is known by its form or checksum was hidden in all of them; of users 60 %, of short host names 70 %
and of serial numbers 83 %, which only the words beside them tell: so much must be expected of lines that nobody saw.
"""

from __future__ import annotations

from tests.evaluation.identifiers import values
from tests.evaluation.identifiers.kind import Kind, as_drawn
from tests.evaluation.identifiers.people import first_label

IPV4_LINES = (
    "conntrack: ESTABLISHED src={value} dst={value} sport=51514 dport=443",
    "keepalived[3]: VRRP_Instance(VI_1) setting VIPs {value}/32",
    "BGP neighbor is {value}, remote AS 65001, external link",
    "<address>{value}</address>",
    "X-Forwarded-For: {value}, 198.51.100.7",
    "iptables -A INPUT -s {value}/32 -j DROP",
    "redis://{value}:6379/0",
    "Peer: {value}:500[4500]",
    "ip.src=={value}&&tcp",
)
IPV6_LINES = (
    "ip6tables -A INPUT -s {value}/64 -j DROP",
    "radvd: prefix {value}/64 advertised",
    "AAAA {value}",
    "client=[{value}]:5514",
    "endpoint: '[{value}]:51820'",
    "Neighbor {value} is stale",
)
MAC_LINES = (
    "lladdr {value} STALE",
    "DHCPDISCOVER from {value} via br0",
    "<mac address='{value}'/>",
    "IN=br0 MAC={value}:ff:ff:ff:ff:ff:ff:08:00 SRC=192.0.2.1",
    "Station {value} (on wlan0)",
    "BSSID: {value}",
)
FQDN_LINES = (
    "TLS handshake with {value}:443 failed: certificate has expired",
    "MX preference = 10, mail exchanger = {value}",
    "Reverse lookup gave {value}.",
    "pulling from {value}:5000/base",
    "upstream {value} resolved",
    "CNAME {value}",
    "DNS:{value}, DNS:www.example.net",
    "[{value}]",
    "dn: cn=admin,host={value}",
)
SHORT_LINES = (
    "Nov 22 04:12:07 {value} CRON[12]: (root) CMD (true)",
    "Nov  2 04:12:07 {value} kernel: [12.4] usb 1-1: reset",
    "nodename {value}, release 6.1",
    "hostname: {value}",
    "ssh://{value}/srv",
    "node {value} is down",
    "redis://{value}:6379",
    "ok: [{value}]",
    '"hostname": "{value}"',
    "rsyslogd: cannot connect to {value}:514: Connection refused",
)
USER_LINES = (
    "sshd[4]: Accepted password for {value} from 198.51.100.9 port 2222 ssh2",
    "sshd[4]: User {value} not allowed because not listed in AllowUsers",
    "su: FAILED SU (to root) {value} on pts/3",
    "polkitd: Operator of unix-session:3 successfully authenticated as unix-user:{value} to gain authorization",
    "gdm-password]: pam_unix(gdm-password:session): session closed for user {value}",
    "passwd[8]: pam_unix(passwd:chauthtok): password changed for {value}",
    "usermod[8]: add '{value}' to group 'docker'",
    "crontab[9]: ({value}) BEGIN EDIT ({value})",
    "nfs: uid mapping for {value}@nfs failed",
    "smbd: connect to service home initially as user {value} (uid=1004)",
    "mysql: Access denied for user '{value}'@'db.internal'",
    "logname={value} uid=1004 euid=0",
    "USERNAME={value}",
    "proftpd: USER {value}: Login successful.",
    "drwxr-x---  3 {value} {value} 4096 Nov 22 04:12 work",
    "  4111 {value}   20   0   12.1g   1.2g   9.1m S   3.0   1.2   0:04.11 java",
    "git: pushed by {value} <x@198.51.100.1>",
    "{value} hard nofile 65536",
    "%{value} ALL=(ALL:ALL) ALL",
)
SERIAL_LINES = (
    "Disk Serial#: {value}",
    "  SN {value}",
    "Product Serial        : {value}",
    "scsi 0:0:0:0: Direct-Access ATA X sn={value}",
    'ID_SERIAL_SHORT="{value}"',
    "serial no: {value}",
)
PHONE_LINES = ("from: {value}", "SMS from {value} received", "Tel. {value}", 'callerid="{value}"')
EMAIL_LINES = (
    "<{value}>: host mx said: 550",
    "Signed-off-by: X <{value}>",
    "user={value} logged in",
    "acme: mailto:{value}",
)
UUID_LINES = ("PARTUUID={value}", "uuid: {value} is up", "/sys/fs/btrfs/{value}", "volume {value} detached")
CARD_LINES = ("PAN {value} approved", "cc: {value}", "<card>{value}</card>")
IBAN_LINES = ("payout {value} done", "<IBAN>{value}</IBAN>", "iban {value}")
ALL = (
    Kind("IPv4, private", values.private_ipv4, IPV4_LINES),
    Kind("IPv4, public", values.public_ipv4, IPV4_LINES),
    Kind("IPv6", values.global_ipv6, IPV6_LINES, (as_drawn, values.exploded)),
    Kind("MAC", values.mac_address, MAC_LINES, (as_drawn, values.upper)),
    Kind("host, other full name", values.full_host, FQDN_LINES, pieces=first_label),
    Kind("host, short, unknown", values.short_host, SHORT_LINES),
    Kind("user, unknown", values.user, USER_LINES),
    Kind("e-mail", values.email, EMAIL_LINES, pieces=lambda v: tuple(v.split("@"))),
    Kind("serial number", values.serial, SERIAL_LINES),
    Kind("UUID", values.uuid, UUID_LINES),
    Kind("card", values.card, CARD_LINES, (as_drawn, values.grouped)),
    Kind("IBAN", values.iban, IBAN_LINES, (as_drawn, values.grouped_iban)),
    Kind("phone", values.phone, PHONE_LINES, (as_drawn, values.spaced_phone)),
)
