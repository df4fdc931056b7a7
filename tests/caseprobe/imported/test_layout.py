"""Where members lie on the machine, and which of them are read."""

from __future__ import annotations

import io
import tarfile

import pytest

from caseprobe.imported import read_archive
from caseprobe.imported.layout import is_log, is_tail, wanted
from tests.fakes_hostile import entry


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/sos_commands/logs/journalctl_--no-pager", True),
        ("/sos_commands/logs/journalctl_--no-pager_--catalog_--boot", True),
        ("/sos_commands/logs/journalctl_--no-pager_--catalog_--boot_-1", False),
        ("/sos_commands/cloud_init/journalctl_--no-pager_--unit_cloud-init", False),
        ("/sos_commands/ata/smartctl_-a_.dev.sda_-j", True),
        ("/sos_commands/nvme/smartctl_--all_.dev.nvme0n1", True),
        ("/sos_commands/ata/smartctl_-l_scterc_.dev.sda", False),
        ("/sos_strings/logs/var.log.messages.tailed", True),
        ("/sos_strings/kernel/dmesg.tailed", True),
        ("/sos_strings/apache/var.log.apache2.error.log.tailed", False),
        ("/sys/fs/cgroup/system.slice/a.service/memory.max", True),
        ("/sys/fs/cgroup/system.slice/a.service/cgroup.procs", False),
        ("/etc/shadow", False),
        ("/etc/ssl/private/key.pem", False),
        ("/root/.ssh/id_rsa", False),
    ],
)
def test_what_is_read_and_what_is_not(path: str, told: bool) -> None:
    """The log of one unit is no system log, a setting no report of a disk, and no key is ever looked at."""
    assert wanted(path) is told


def test_what_was_over_sosreports_own_limit_is_read_through_its_link_and_known_to_be_cut() -> None:
    """The newest part lies among the strings; the link stands where the file was, before or behind it."""
    parts = [
        entry("s/var/log/messages", b"", tarfile.SYMTYPE, "../../sos_strings/logs/var.log.messages.tailed"),
        entry("s/sos_commands/kernel/dmesg", b"", tarfile.SYMTYPE, "../../sos_strings/kernel/dmesg.tailed"),
        entry("s/sos_strings/kernel/dmesg.tailed", b"[    1.0] a\n"),
        entry("s/sos_strings/logs/var.log.messages.tailed", b"Nov 22 10:00:00 a b: c\n"),
    ]
    tree = read_archive(io.BytesIO(b"".join(parts) + bytes(1024)))
    assert tree.output("dmesg") == ("[    1.0] a\n", "/sos_commands/kernel/dmesg")
    log = tree.file("/var/log/messages")
    assert log is not None and log.cut and log.data.startswith(b"Nov 22")
    assert is_tail("/sos_strings/kernel/dmesg.tailed") and is_log("/sos_strings/kernel/dmesg.tailed")
