"""Parsers of mounts, fstab and the distribution's own description."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.fstab import parse_fstab
from caseprobe.parse.mountinfo import parse_mountinfo
from caseprobe.parse.os_release import parse_os_release

MOUNTINFO = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 ro,errors=remount-ro
40 27 0:35 / /mnt/my\040disk ro,nosuid shared:7 master:2 - cifs //server/share rw,vers=3.1.1
garbage
41 27 0:36 / /short rw
"""
FSTAB = r"""# /etc/fstab
UUID=3e6b / ext4 errors=remount-ro 0 1
/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto,ro 0 0

LABEL=data /mnt/my\040disk xfs
odd
"""


def test_a_mount_has_point_type_device_and_options() -> None:
    """Optional fields before the dash are passed over, the line counts from 1."""
    mounts = parse_mountinfo(MOUNTINFO)
    assert [(m.line, m.mount_point, m.type, m.device) for m in mounts] == [
        (1, "/proc", "proc", "proc"),
        (2, "/", "ext4", "/dev/vda1"),
        (3, "/mnt/my disk", "cifs", "//server/share"),
    ]


def test_read_only_is_of_mount_or_filesystem() -> None:
    """After an error ext4 says it in its own options while the mount still says rw."""
    assert [mount.read_only for mount in parse_mountinfo(MOUNTINFO)] == [False, True, True]


def test_fstab_says_what_should_be_writable() -> None:
    """errors=remount-ro is a wish to be writable; comments and odd lines are passed over."""
    entries = parse_fstab(FSTAB)
    assert [(entry.mount_point, entry.writable) for entry in entries] == [
        ("/", True),
        ("/media/cdrom0", False),
        ("/mnt/my disk", True),
    ]


def test_os_release_is_unquoted() -> None:
    """As a shell would read it; a quote that never ends is taken as it stands."""
    text = 'NAME=\'Arch Linux\'\nVERSION_ID=12\nBAD="open\n2X=no\n\nPRETTY_NAME="A \\"B\\""\n'
    assert parse_os_release(text) == {"NAME": "Arch Linux", "VERSION_ID": "12", "BAD": "open", "PRETTY_NAME": 'A "B"'}


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes these parsers fail."""
    parse_mountinfo(text)
    parse_fstab(text)
    parse_os_release(text)
