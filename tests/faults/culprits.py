"""Programs that misbehave on purpose; each prints "ready" when it does, and goes on until it is killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

PAGE = 4096
SINCE_1900 = 2_208_988_800


def _stand() -> None:
    """Say so, and wait to be killed."""
    print("ready", flush=True)
    signal.pause()


def zombies(count: str) -> None:
    """A parent that collects none of its children."""
    for _ in range(int(count)):
        if os.fork() == 0:
            os._exit(0)
    _stand()


def descriptors(count: str, limit: str) -> None:
    """Opens and never closes."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), int(limit)))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(int(count))]
    assert held
    _stand()


def memory(mebibytes: str) -> None:
    """Takes memory page by page and keeps it."""
    size = int(mebibytes) << 20
    held = bytearray(size)
    for place in range(0, size, PAGE):
        held[place] = 1
    _stand()


def glutton(mebibytes: str) -> None:
    """A child that takes more than its limit; its parent tells when it is gone."""
    child = os.fork()
    if child == 0:
        held = bytearray(int(mebibytes) << 20)
        for place in range(0, len(held), PAGE):
            held[place] = 1
        os._exit(0)
    os.waitpid(child, 0)
    _stand()


def spin(processes: str) -> None:
    """Works without end, long enough to be stopped a few times before it says so."""
    for _ in range(int(processes) - 1):
        if os.fork() == 0:
            while True:
                pass
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        pass
    print("ready", flush=True)
    while True:
        pass


def tasks(count: str) -> None:
    """Threads until there may be no more."""
    for _ in range(int(count)):
        try:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        except RuntimeError:
            break
    _stand()


def deleted(path: str, mebibytes: str) -> None:
    """A file that is gone and still takes its room."""
    with Path(path).open("wb") as file:
        for _ in range(int(mebibytes)):
            file.write(b"x" * (1 << 20))
        file.flush()
        os.fsync(file.fileno())
        Path(path).unlink()
        _stand()


def write(path: str) -> None:
    """Writes to a file, and says so before it hangs there."""
    print("ready", flush=True)
    with Path(path).open("ab", buffering=0) as file:
        file.write(b"x")
    signal.pause()


def crash(times: str) -> None:
    """Reads address zero."""
    for _ in range(int(times)):
        if os.fork() == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            ctypes.string_at(0)
        os.wait()
    _stand()


def listener(port: str) -> None:
    """A server that never accepts, and more clients than its queue holds."""
    server = socket.socket()
    server.bind(("127.0.0.1", int(port)))
    server.listen(1)
    clients = []
    for _ in range(12):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", int(port)))
        clients.append(client)
    _stand()


def connections(port: str, count: str) -> None:
    """Connections to one server, all kept."""
    server = socket.create_server(("127.0.0.1", int(port)), backlog=1024)
    held = []
    for _ in range(int(count)):
        held += [socket.create_connection(("127.0.0.1", int(port))), server.accept()[0]]
    _stand()


def datagrams(address: str, count: str) -> None:
    """One datagram from each of many ports."""
    for port in range(20_000, 20_000 + int(count)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("", port))
            with contextlib.suppress(PermissionError):  # the kernel has no room for one more
                sender.sendto(b"x", (address, 9))
    _stand()


def stream(address: str, port: str, mebibytes: str) -> None:
    """Sends to itself over a line that loses packets."""
    server = socket.create_server((address, int(port)))
    client = socket.create_connection((address, int(port)))
    far, _ = server.accept()
    threading.Thread(target=lambda: [None for _ in iter(lambda: far.recv(1 << 16), b"")], daemon=True).start()
    client.settimeout(15)
    sent, size = 0, int(mebibytes) << 20
    end = time.monotonic() + 3
    while sent < size and time.monotonic() < end:
        sent += client.send(b"x" * (1 << 16))
    _stand()


def resolver(address: str, rcode: str, delay_seconds: str) -> None:
    """Answers every question with one code, late if wanted."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("ready", flush=True)
    while True:
        query, client = server.recvfrom(4096)
        time.sleep(float(delay_seconds))
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | int(rcode), 1, 0, 0, 0)
        server.sendto(head + query[12:], client)


def clock(address: str, ahead_seconds: str) -> None:
    """A time server that is ahead."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 123))
    print("ready", flush=True)
    while True:
        question, client = server.recvfrom(4096)
        stamp = struct.pack("!II", int(time.time() + float(ahead_seconds)) + SINCE_1900, 0)
        server.sendto(b"\x24\x02" + bytes(22) + question[40:48] + stamp + stamp, client)


def secured(port: str, certificate: str, key: str) -> None:
    """A TLS port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", int(port)))
    print("ready", flush=True)
    while True:
        plain, _ = server.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as shown:
                shown.recv(1)
        except OSError:
            continue


def portal(address: str, port: str) -> None:
    """Sends everybody to its login page."""
    server = socket.create_server((address, int(port)))
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n")


ALL: Mapping[str, Callable[..., None]] = {
    one.__name__: one
    for one in (
        zombies,
        descriptors,
        memory,
        glutton,
        spin,
        tasks,
        deleted,
        write,
        crash,
        listener,
        connections,
        datagrams,
        stream,
        resolver,
        clock,
        secured,
        portal,
    )
}

if __name__ == "__main__":
    ALL[sys.argv[1]](*sys.argv[2:])
