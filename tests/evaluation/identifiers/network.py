"""Addresses of networks and of hardware, in the lines in which machines write them down."""

from __future__ import annotations

from tests.evaluation.identifiers import values
from tests.evaluation.identifiers.kind import Kind, as_drawn

IPV4_LINES = (
    "Nov 22 04:12:07 fw1 kernel: [UFW BLOCK] IN=eth0 OUT= SRC={value} DST=224.0.0.1 LEN=36 TOS=0x00 TTL=1 PROTO=2",
    "    inet {value}/24 brd 255.255.255.255 scope global dynamic noprefixroute eth0",
    "default via {value} dev eth0 proto dhcp metric 100",
    '{value} - - [22/Nov/2026:04:12:07 +0000] "GET /healthz HTTP/1.1" 200 2 "-" "curl/7.88.1"',
    "tcp        0      0 {value}:22          0.0.0.0:*               LISTEN      712/sshd",
    "nameserver {value}",
    'listen_addresses = "localhost,{value}"',
    '2026/11/22 04:12:07 [error] 31#31: *4 connect() failed, client: {value}, upstream: "http://{value}:8080/x"',
    "ERROR cluster.Node: lost contact with /{value}:9300 (attempt 3)",
    '{{"level":"warn","peer":"{value}","port":6443,"msg":"dial tcp {value}:6443: i/o timeout"}}',
    "arp who-has {value} tell {value}, length 28",
    "http_proxy=http://{value}:3128",
    "      - targets: ['{value}:9100']",
    'rpc error: desc = "transport: Error while dialing dial tcp {value}:443: connect: connection refused"',
    "{value}\tgateway-old",
    "PING {value} ({value}) 56(84) bytes of data.",
)
IPV6_LINES = (
    "    inet6 {value}/64 scope global dynamic mngtmpaddr noprefixroute",
    "Nov 22 04:12:07 fw1 kernel: IN=eth0 OUT= SRC={value} DST=ff02:0000:0000:0000:0000:0000:0000:0001 LEN=72 TC=0",
    "upstream backend {{ server [{value}]:8080 max_fails=3; }}",
    "nameserver {value}",
    "neighbour {value} lladdr router REACHABLE",
    '{{"remote":"{value}","bytes":512}}',
    "sshd[812]: Connection closed by {value} port 51123 [preauth]",
    "{value} via ff02::2 dev eth0 metric 1024 pref medium",
    "route add -A inet6 {value}/128 dev wg0",
    "dig AAAA answer={value}; ttl=300",
)
LINK_LOCAL_LINES = (
    "    inet6 {value}/64 scope link",
    "default via {value} dev eth0 proto ra metric 1024 expires 1764sec",
    "icmp6: RA from {value}%eth0: hop limit 64",
    "udp6 0 0 {value}:546 :::* 660/dhclient",
    "ntpd: Listen normally on 5 eth0 [{value}%2]:123",
)
MAC_LINES = (
    "    link/ether {value} brd ff:ff:ff:ff:ff:ff permaddr",
    "wlan0: associated with {value} (capab=0x1431 status=0 aid=2)",
    "dnsmasq-dhcp[700]: DHCPACK(br0) 198.51.100.9 {value}",
    "eth0: address {value} changed by driver",
    '{{"ifname":"eth0","address":"{value}","broadcast":"ff:ff:ff:ff:ff:ff"}}',
    "hardware ethernet {value};",
    "? (198.51.100.4) at {value} [ether] on eth0",
    'SUBSYSTEM=="net", ATTR{{address}}=="{value}", NAME="lan0"',
    "bond0: (slave ens1f0): link status up, perm hwaddr={value}",
)
DASH_MAC_LINES = (
    "   Physical Address. . . . . . . . . : {value}",
    'Calling-Station-Id = "{value}"',
    "pxe: trying pxelinux.cfg/01-{value}",
    "radiusd: reject station {value} on port 3",
)
DOTTED_MAC_LINES = (
    "%SW_MATM-4-MACFLAP_NOTIF: Host {value} in vlan 12 is flapping between port Gi1/0/1 and Gi1/0/2",
    "  12    {value}    DYNAMIC     Gi1/0/24",
    "Internet  198.51.100.1   12   {value}  ARPA   Vlan12",
    "%DOT1X-5-FAIL: Authentication failed for client ({value}) on Interface Fa0/3",
)
BARE_MAC_LINES = (
    "networkd: enx{value}: Link UP",
    "hostapd: wlan0: STA mac={value} IEEE 802.11: authenticated",
    '{{"device":"sensor","mac":"{value}","rssi":-61}}',
    "Base MAC Address: {value}",
    "bluetoothd: BD address {value} disconnected",
    "snmp: ifPhysAddress.2 = Hex-STRING: {value}",
    "wifi hwaddr {value} joined",
    "HWADDR={value}",
)
DASHED_LINES = (
    "Nov 22 04:12:07 ip-{value} systemd[1]: Started Daily apt download activities.",
    "Hostname: ip-{value}.ec2.internal",
    "ssh: connect to ip-{value}.eu-west-1.compute.internal port 22: timed out",
    "node ip-{value} NotReady 3d",
    "host-{value}.pool.ovalpine.net did not answer",
    "dhcp-{value}.lan leased",
    "static-{value}.dyn.quellen.de:443",
)


def dashed_address(value: str) -> str:
    """An IPv4 address as names of cloud machines hold it."""
    return value.replace(".", "-")


ALL = (
    Kind("IPv4, private", values.private_ipv4, IPV4_LINES),
    Kind("IPv4, public", values.public_ipv4, IPV4_LINES),
    Kind("IPv6, short", values.global_ipv6, IPV6_LINES, (as_drawn, values.upper)),
    Kind("IPv6, full", values.global_ipv6, IPV6_LINES, (values.exploded, values.with_zeros)),
    Kind("IPv6, link-local", values.link_local, LINK_LOCAL_LINES, (as_drawn, values.upper, values.exploded)),
    Kind("MAC, colons", values.mac_address, MAC_LINES, (as_drawn, values.upper)),
    Kind("MAC, dashes", values.mac_address, DASH_MAC_LINES, (values.dashes, lambda v: values.dashes(v).upper())),
    Kind("MAC, dots", values.mac_address, DOTTED_MAC_LINES, (values.dotted, lambda v: values.dotted(v).upper())),
    Kind("MAC, bare", values.mac_address, BARE_MAC_LINES, (values.bare, lambda v: values.bare(v).upper())),
    Kind("host, dashed IP", values.private_ipv4, DASHED_LINES, (dashed_address,)),
)
