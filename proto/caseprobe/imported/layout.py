"""Where an archive's members lie on the machine, and which of them tell something that is read here."""

from __future__ import annotations

import re

# Folders of a machine, and those into which sosreport and insights put what commands printed. What is over sosreport's
# own limit has its newest part among "strings", and a link in its place.
SOS, STRINGS, INSIGHTS, META = "sos_commands", "sos_strings", "insights_commands", "meta_data"
MACHINE = ("proc", "sys", "etc", "var", "run", "usr", "lib", "boot", "dev")
TOPS = frozenset((*MACHINE, "installed-rpms", "version.txt", "version_info", SOS, STRINGS, INSIGHTS, META))
# insights-HOST-DATE/data/insights_commands/…
DEEPEST_ROOT = 3
LONGEST_NAME = 1024
PACKAGE_LOGS = r"/var/log/(?:dpkg\.log(?:\.1)?|dnf\.rpm\.log(?:\.1)?|yum\.log|zypp/history|pacman\.log)"
FILES = re.compile(
    r"/proc/(?:(?:meminfo|stat|cpuinfo|loadavg|uptime|vmstat|buddyinfo|diskstats|partitions|mdstat|mounts)"
    r"|pressure/[a-z]+|1/(?:comm|mountinfo|environ)"
    r"|(?:\d+|self)/(?:mountinfo|mounts|net/(?:dev|route|ipv6_route|tcp6?|udp6?|snmp|netstat|sockstat|softnet_stat|wireless))"
    r"|net/(?:dev|route|ipv6_route|tcp6?|udp6?|snmp|netstat|sockstat|softnet_stat|wireless)"
    r"|sys/(?:fs|kernel|vm|net/(?:core|ipv4|netfilter))/[^/]+|sys/kernel/random/boot_id)"
    r"|/sys/class/(?:net|dmi|hwmon|thermal|power_supply)/.+|/sys/(?:block|fs/btrfs|bus/pci/devices|hypervisor)/.+"
    r"|/sys/devices/.+/(?:(?:net|block|hwmon|power_supply)/.+|dmi/id/[^/]+)"
    r"|/sys/devices/system/(?:cpu/(?:vulnerabilities/.+|cpufreq/.+|cpu\d+/(?:thermal_throttle|topology)/.+)|edac/.+)"
    r"|/etc/(?:os-release|fstab|hosts|hostname|resolv\.conf|nsswitch\.conf|passwd|timezone|localtime|machine-id)"
    r"|/sys/fs/cgroup/(?:.+/)?(?:cgroup\.controllers|(?:memory|pids)\.(?:max|current|events)|cpu\.(?:max|stat)|memory\.stat"
    r"|memory\.(?:limit|usage)_in_bytes|memory\.oom_control|cpu\.cfs_(?:quota|period)_us)"
    r"|/usr/lib/os-release|/var/log/(?:messages|syslog|kern\.log|dmesg|wtmp)|/var/lib/dpkg/status|/run/systemd/container"
    rf"|{PACKAGE_LOGS}|/installed-rpms|/version(?:\.txt|_info)|/meta_data/insights\.specs\.Specs\.[a-z_]{1, 60}\.json"
)
# Command lines as both programs write them into a file's name: blanks become "_", "/" a dot.
COMMANDS = re.compile(
    r"df_-al.*|df_-li.*|ip_(?:-d_|-o_)?addr(?:ess)?|ip_addr_show|ip_route_show_table_all|ip_-6_route_show_table_all"
    r"|ip_-s_(?:-d_)?link|getconf_PAGE_SIZE|uname_-a|hostname(?:_-f)?|uptime|date(?:_--utc)?|dmesg(?:_.*)?|dmidecode|sysctl_-a"
    r"|journalctl_--no-pager(?:_--catalog)?(?:_--boot|_--since_.*)?|ps_aux\w*|ps_alxwww|dpkg_-l|package-data|rpm_-qa.*|installed_rpms|smartctl_--?(?:a|x|all|xall)_\.dev\..*"
    r"|systemctl_show_(?:service_--all|\.service|all)|systemctl_list-units(?:_--failed|_--all)?|systemctl_status_--all"
    r"|lsblk"
)
LOGS = re.compile(
    rf"/var/log/(?:messages|syslog|kern\.log|wtmp)|{PACKAGE_LOGS}|/.*/(?:journalctl_--no-pager|dmesg).*|.*\.tailed"
)
TAILED = re.compile(rf"/{STRINGS}/[^/]+/(?P<name>[^/]+)\.tailed")
TAILED_LOGS = ("var.log.messages", "var.log.syslog", "var.log.kern.log", "var.log.dmesg")
KEPT_LINKS = ("/proc/", "/sys/", "/etc/", "/var/log/", "/usr/lib/os-release", f"/{SOS}/", f"/{INSIGHTS}/")


def place_of(name: str) -> str:
    """Where a member lies below the archive's own folder, as an absolute path; empty where that is no place of ours.

    >>> place_of("sosreport-a-2026-11-22-x/proc/meminfo"), place_of("insights-a/data/etc/hosts"), place_of("a/b/c/d")
    ('/proc/meminfo', '/etc/hosts', '')
    """
    parts = name.split("/")
    if "" in parts or "." in parts:
        parts = [part for part in parts if part not in ("", ".")]
    for number, part in enumerate(parts[:DEEPEST_ROOT]):
        if part in TOPS:
            return "/" + "/".join(parts[number:])
    return ""


def name_fault(name: str) -> str:
    """Why a member is not taken for its name alone; empty where that is no reason.

    >>> name_fault("a/../../etc/shadow"), name_fault("/etc/shadow"), name_fault("a/etc/hosts")
    ('its name leads out of the archive', 'its name is absolute', '')
    """
    if len(name) > LONGEST_NAME:
        return "its name is longer than any path"
    if name.startswith("/"):
        return "its name is absolute"
    if ".." in name.split("/"):
        return "its name leads out of the archive"
    return "" if name.isprintable() else "its name holds characters that no path needs"


def wanted(path: str) -> bool:
    """Whether a file at this path tells something that is read here."""
    if path.startswith(f"/{STRINGS}/"):
        tailed = TAILED.fullmatch(path)
        return tailed is not None and (tailed["name"] in TAILED_LOGS or COMMANDS.fullmatch(tailed["name"]) is not None)
    return FILES.fullmatch(path) is not None or command_of(path) != ""


def command_of(path: str) -> str:
    """The command that a path's file is the output of, as it stands in the file's name; empty where it is of none.

    >>> command_of("/sos_commands/filesys/df_-al_-x_autofs"), command_of("/etc/hosts")
    ('df_-al_-x_autofs', '')
    """
    if not path.startswith((f"/{SOS}/", f"/{INSIGHTS}/")):
        return ""
    name = path.rpartition("/")[2]
    return name if COMMANDS.fullmatch(name) else ""


def is_log(path: str) -> bool:
    """Whether the newest part of a file tells most."""
    return LOGS.fullmatch(path) is not None


def is_tail(path: str) -> bool:
    """Whether whoever made the archive left out the beginning of a file."""
    return TAILED.fullmatch(path) is not None


def wants_link(path: str) -> bool:
    """Whether a link may lie on the way to something that is read here."""
    return path.startswith(KEPT_LINKS)
