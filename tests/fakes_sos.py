"""A machine as sosreport and insights-client write it down: small, and whole enough for every section."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping

HOST, SERIAL = "db-primary-01", "VMware-56 4d 12"
MOUNTINFO = """22 1 253:0 / / rw,relatime shared:1 - xfs /dev/mapper/rhel-root rw,attr2
30 22 8:1 / /boot rw,relatime shared:2 - xfs /dev/sda1 rw
"""
ADDRESS = """1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
2: ens192: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc mq state UP group default qlen 1000
    link/ether 00:50:56:8a:12:34 brd ff:ff:ff:ff:ff:ff
    inet 10.20.30.31/24 brd 10.20.30.255 scope global noprefixroute ens192
"""
NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo:  100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0
ens192: 9000000 9000 0 0 0 0 0 0 7000000 8000 0 0 0 0 0 0
"""
LINK = """1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0 minmtu 0
    RX:  bytes packets errors dropped  missed   mcast
           100       1      0       0       0       0
    TX:  bytes packets errors dropped carrier collsns
           100       1      0       0       0       0
2: ens192: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc mq state UP mode DEFAULT group default qlen 1000
    link/ether 00:50:56:8a:12:34 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 60
    RX:  bytes packets errors dropped  missed   mcast
       9000000    9000      0       0       0       0
    TX:  bytes packets errors dropped carrier collsns
       7000000    8000      0       0       0       0
"""
ROUTES = """default via 10.20.30.1 dev ens192 proto static metric 100
10.20.30.0/24 dev ens192 proto kernel scope link src 10.20.30.31 metric 100
local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1
fe80::/64 dev ens192 proto kernel metric 1024 pref medium
"""
DF = """Filesystem            1K-blocks     Used Available Use% Mounted on
proc                          0        0         0    - /proc
/dev/mapper/rhel-root  10000000  9900000    100000  99% /
/dev/sda1               1000000   200000    800000  20% /boot
"""
DF_INODES = """Filesystem            Inodes IUsed   IFree IUse% Mounted on
/dev/mapper/rhel-root 100000  5000   95000    5% /
/dev/sda1              50000   300   49700    1% /boot
"""
PS = """USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root           1  0.0  0.1 171000  9000 ?        Ss   Nov20   0:05 /usr/lib/systemd/systemd --system
postgres    1200  3.0 40.0 900000 800000 ?       Sl   Nov20  90:05 /usr/bin/postgres --password=hunter2
root        1300  0.0  0.0      0     0 ?        Z    Nov20   0:00 [worker] <defunct>
"""
DMI = """# dmidecode 3.3
Handle 0x0001, DMI type 1, 27 bytes
System Information
\tManufacturer: VMware, Inc.
\tProduct Name: VMware7,1
\tSerial Number: VMware-56 4d 12
\tUUID: 12344d56-aaaa-bbbb-cccc-0123456789ab
"""
UNITS = """Id=sshd.service
LoadState=loaded
ActiveState=active
SubState=running

Id=backup.service
LoadState=loaded
ActiveState=failed
SubState=failed
Result=exit-code
ExecMainStatus=2
"""
DMESG = """[    0.000000] Linux version 5.14.0-503.el9.x86_64
[ 9000.100000] EXT4-fs error (device sdb1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0
[ 9000.200000] blk_update_request: I/O error, dev sdb, sector 12345 op 0x0:(READ) flags 0x3000 phys_seg 1 prio class 0
"""
FILES: Mapping[str, str] = {
    "proc/meminfo": "MemTotal:        2000000 kB\nMemFree:  100000 kB\nMemAvailable:     60000 kB\n"
    "SwapTotal: 0 kB\nSwapFree: 0 kB\n",
    "proc/stat": "cpu  100 0 100 9000 50 0 0 0 0 0\ncpu0 100 0 100 9000 50 0 0 0 0 0\nbtime 1795137336\nprocesses 9\n",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Gold 6248\nflags\t\t: fpu hypervisor\n",
    "proc/vmstat": "nr_free_pages 25000\noom_kill 0\n",
    "proc/diskstats": "   8       0 sda 100 0 8000 50 200 0 16000 90 0 100 140 0 0 0 0 0 0\n",
    "proc/partitions": "major minor  #blocks  name\n\n   8        0   20971520 sda\n   8        1    1048576 sda1\n",
    "proc/4321/mountinfo": MOUNTINFO,
    "proc/4321/net/dev": NET_DEV,
    "proc/4321/net/route": "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "ens192 00000000 011E140A 0003 0 0 100 00000000 0 0 0\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n",
    "sys/fs/cgroup/system.slice/app.service/memory.max": "100000000\n",
    "sys/fs/cgroup/system.slice/app.service/memory.current": "99000000\n",
    "etc/os-release": 'NAME="Red Hat Enterprise Linux"\nVERSION_ID="9.5"\n',
    "etc/fstab": "/dev/mapper/rhel-root / xfs defaults 0 0\nUUID=abcd /data xfs defaults 0 0\n",
    "etc/hosts": f"127.0.0.1 localhost\n10.20.30.31 {HOST}.corp.example {HOST}\n",
    "etc/resolv.conf": "search corp.example\nnameserver 10.20.30.53\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nmiriam:x:1000:1000:Miriam Adler:/home/miriam:/bin/bash\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "var/log/messages": f"Nov 22 10:00:00 {HOST} sshd[100]: Accepted password for miriam from 10.20.30.77 port 5\n"
    f"Nov 22 10:00:01 {HOST} app[7]: token=ghp_abcdefghijklmnopqrstuvwxyz0123456789\n",
}
LINKS: Mapping[str, str] = {
    "proc/self": "4321",
    "proc/net": "self/net",
    "sys/block/sda": "../devices/pci0000:00/0000:00:10.0/host0/target0:0:0/0:0:0:0/block/sda",
    "sys/class/net/ens192": "../../devices/pci0000:00/0000:0b:00.0/net/ens192",
    "sys/class/net/lo": "../../devices/virtual/net/lo",
}
OUTPUTS: Mapping[str, str] = {
    "host/hostname": f"{HOST}\n",
    "host/uptime": " 11:17:50 up 2 days, 10:02,  2 users,  load average: 0.50, 0.60, 0.70\n",
    "date/date_--utc": "Sun Nov 22 11:17:49 AM UTC 2026\n",
    "kernel/uname_-a": f"Linux {HOST} 5.14.0-503.el9.x86_64 #1 SMP Tue Nov 1 x86_64 x86_64 x86_64 GNU/Linux\n",
    "kernel/sysctl_-a": "kernel.tainted = 0\nvm.overcommit_memory = 0\nvm.swappiness = 10\nnet.ipv4.tcp_mem = 1 2 3\n",
    "kernel/dmesg": DMESG,
    "filesys/df_-al_-x_autofs": DF,
    "filesys/df_-ali_-x_autofs": DF_INODES,
    "networking/ip_-d_address": ADDRESS,
    "process/ps_auxwww": PS,
    "hardware/dmidecode": DMI,
    "systemd/systemctl_show_service_--all": UNITS,
    "systemd/systemctl_status_--all": f"● {HOST}\n    State: degraded\n",
    "rpm/package-data": "bash-5.1.8-9.el9.x86_64\tMon 01 Jan 2024\nkernel-5.14.0-503.el9.x86_64\tMon\n",
}


def sosreport(mode: str = "xz", root: str = "sosreport-db-primary-01-2026-11-22-abcdefg") -> bytes:
    """The archive, packed so ("xz", "gz", "bz2", or "" for none)."""
    files = {**FILES, "version.txt": "sosreport: 4.8.2\nhost: 1\n"}
    files |= {f"sos_commands/{name}": text for name, text in OUTPUTS.items()}
    return packed(((f"{root}/{name}", text) for name, text in files.items()), mode, f"{root}/")


def insights(mode: str = "gz") -> bytes:
    """The same machine as insights-client packs it."""
    root = "insights-db-primary-01-20261122111749"
    files = {f"{root}/data/{name.replace('4321', 'self')}": text for name, text in FILES.items() if "/net/" not in name}
    files |= {
        f"{root}/data/insights_commands/{name.rpartition('/')[2]}": text
        for name, text in OUTPUTS.items()
        if not name.startswith(("networking/", "rpm/"))
    }
    rows = '{"name":"bash","epoch":"(none)","version":"5.1.8","release":"9.el9","arch":"x86_64"}\n'
    files[f"{root}/data/insights_commands/rpm_-qa_--qf_name_NAME_epoch"] = rows
    for name, text in (("ip_addr", ADDRESS), ("ip_-s_-d_link", LINK), ("ip_route_show_table_all", ROUTES)):
        files[f"{root}/data/insights_commands/{name}"] = text
    files[f"{root}/data/version_info"] = '{"core_version": "3.8.4-1", "client_version": null}'
    files[f"{root}/meta_data/insights.specs.Specs.meminfo.json"] = '{"name": "insights.specs.Specs.meminfo"}'
    return packed(files.items(), mode)


def packed(files: Iterable[tuple[str, str]], mode: str, links: str = "") -> bytes:
    """A tar archive of these files, and of the machine's links below a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, target in LINKS.items() if links else ():
            info = tarfile.TarInfo(links + name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for name, text in files:
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1795346200
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()
