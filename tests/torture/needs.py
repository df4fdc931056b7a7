"""What a fault needs of the machine: the reason why it cannot be played here, or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

Need = Callable[[], str]
# By program: the Debian package that .ci/run installs.
PACKAGES = {
    "strace": "strace",
    "faketime": "faketime",
    "nft": "nftables",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "losetup": "mount",
    "nsenter": "util-linux",
}


def nothing() -> str:
    """A fault that can be played everywhere."""
    return ""


def root() -> str:
    """Mounts and namespaces of our own."""
    return "" if os.geteuid() == 0 else "needs root"


def _programs(*names: str) -> str:
    missing = [PACKAGES[name] for name in names if shutil.which(name) is None]
    return f"needs {', '.join(missing)} (Debian packages)" if missing else ""


@cache
def tracing() -> str:
    """strace that may attach to our own children and inject faults."""
    if reason := _programs("strace"):
        return reason
    command = ["strace", "-qq", "-o", os.devnull, "-e", "inject=getppid:retval=1", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace cannot inject here: {done.stderr.strip()[:80]}"


@cache
def loop_images() -> str:
    """A loop device for an ext4 image."""
    if reason := root() or _programs("mkfs.ext4", "losetup"):
        return reason
    done = subprocess.run(["losetup", "--find"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and Path(done.stdout.strip()).exists() else "needs a free loop device"


@cache
def mounts() -> str:
    """A tmpfs in a mount namespace of our own."""
    if reason := root() or _programs("nsenter"):
        return reason
    command = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else "may not mount a tmpfs"


@cache
def networks() -> str:
    """Network namespaces with veth pairs and packet filters in them."""
    if reason := root() or _programs("ip", "nft", "nsenter"):
        return reason
    script = "ip link add one type veth peer name two && nft add table inet torture"
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else "the kernel has no veth or nftables for us"


@cache
def false_clocks() -> str:
    """libfaketime, which moves one process's wall clock."""
    return _programs("faketime")


def installable(reason: str) -> bool:
    """True where .ci/run could have helped: then it is an error under CI, not a reason."""
    return "Debian package" in reason
