"""This machine for a process without root's right: what the kernel denies to it is asked of the privileged reader."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.calls import Completed, OpenFile
from caseprobe_agent.machine.files import FileFacts
from caseprobe_agent.machine.parts import Entry, Part, decoded, entries_of
from caseprobe_agent.machine.peers import uid_of
from caseprobe_agent.machine.reads import ADVICE, PROGRAMS, SOCKET, Read, read_of

# The reader's own limit is a little less: disks may take 50 s.
ANSWER_SECONDS = 58.0


class MachineWithReader(Machine):
    """Reads as Machine does; what is denied, and what only root's programs tell, comes from the reader, asked once."""

    def __init__(self, reader_socket: str) -> None:
        super().__init__()
        self.reader_socket = reader_socket
        self._answers: dict[Read, Mapping[str, Part] | MeasurementError] = {}
        self._folders: dict[str, dict[str, Entry]] = {}
        self._taken: set[Read] = set()

    def may(self, read: Read) -> bool:
        """True: the reader is asked."""
        return True

    def taken(self) -> list[str]:
        """Words of the reads of which something was used since this was asked last."""
        words = [read.word for read in sorted(self._taken)]
        self._taken.clear()
        return words

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """As Machine.read_bytes."""
        try:
            return super().read_bytes(path, limit_bytes)
        except MachineDenied as error:
            return self._instead(path, error).data[:limit_bytes]

    def read_tail(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """As Machine.read_tail."""
        try:
            return super().read_tail(path, limit_bytes)
        except MachineDenied as error:
            part = self._instead(path, error)
        if len(part.data) <= limit_bytes:
            return part.data, part.cut
        return part.data[-limit_bytes - 1 :].partition(b"\n")[2], True

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir; of another user's open files only sockets and deleted files are told."""
        try:
            return super().list_dir(path)
        except MachineDenied as error:
            return list(self._entries(path, error))

    def links_in(self, path: str) -> list[str]:
        """As Machine.links_in; of another user's open files only sockets and deleted files are told."""
        try:
            return super().links_in(path)
        except MachineDenied as error:
            return [entry.target for entry in self._entries(path, error).values()]

    def entries_total(self, path: str) -> int:
        """As Machine.entries_total: all of them, whatever they are."""
        try:
            return super().entries_total(path)
        except MachineDenied as error:
            return self._instead(path, error).number

    def read_link(self, path: str) -> str:
        """As Machine.read_link."""
        try:
            return super().read_link(path)
        except MachineDenied as error:
            return self._entry(path, error).target

    def open_file(self, path: str) -> OpenFile:
        """As Machine.open_file."""
        try:
            return super().open_file(path)
        except MachineDenied as error:
            entry = self._entry(path, error)
        if not entry.device_number:
            raise MachineAbsent(f"{path} is no regular file")
        return OpenFile(entry.device_number, entry.inode, entry.size_bytes)

    def file_facts(self, path: str) -> FileFacts:
        """As Machine.file_facts."""
        try:
            return super().file_facts(path)
        except MachineDenied as error:
            entry = self._entry(path, error)
        return FileFacts(entry.size_bytes, entry.modified_seconds)

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """As Machine.run; a program that tells only root is not started, the reader has run it."""
        read = PROGRAMS.get(Path(command[0]).name)
        if read is None:
            return super().run(command, timeout_seconds, limit_bytes)
        part = self._part(read, " ".join(command))
        return Completed(
            part.number, part.data[:limit_bytes], part.why.encode(), part.cut or len(part.data) > limit_bytes
        )

    def _instead(self, path: str, denied: MachineDenied) -> Part:
        """What the reader tells of a path; raises what denied it where no read gives it, or the reader's own reason."""
        read = read_of(path)
        if read is None:
            raise denied
        return self._part(read, path)

    def _part(self, read: Read, name: str) -> Part:
        part = self._answer(read).get(name)
        if part is None:
            raise MachineAbsent(f"{name} was not there when the reader looked")
        part.told()
        self._taken.add(read)
        return part

    def _entries(self, path: str, denied: MachineDenied) -> dict[str, Entry]:
        """What the reader tells of the names in a folder."""
        part = self._instead(path, denied)
        if path not in self._folders:
            self._folders[path] = entries_of(part)
        return self._folders[path]

    def _entry(self, path: str, denied: MachineDenied) -> Entry:
        folder, _, name = path.rpartition("/")
        entry = self._entries(folder, denied).get(name)
        if entry is None:
            raise MachineAbsent(f"{path} does not exist on this machine")
        return entry

    def _answer(self, read: Read) -> Mapping[str, Part]:
        """Everything that one read gives, by name; asked for when it is first needed. Raises as ask does."""
        if read not in self._answers:
            try:
                self._answers[read] = ask(self.reader_socket, read)
            except MeasurementError as error:
                self._answers[read] = error
        answer = self._answers[read]
        if isinstance(answer, MeasurementError):
            raise answer
        return answer


def reader_state(reader_socket: str = SOCKET) -> str:
    """How the privileged reader is for this process, in words."""
    if os.geteuid() == 0:
        return "not needed by root"
    if not Path(reader_socket).exists():
        return "not set up (`caseprobe service`)"
    return "set up" if os.access(reader_socket, os.W_OK) else "set up, for another user"


def machine_of(root: Path, reader_socket: str) -> Machine:
    """The machine of this root folder; with the reader's help where this process is not root's and may ask one."""
    place = reader_socket or SOCKET
    return MachineWithReader(place) if root == Path("/") and _may_ask(place) else Machine(root)


def _may_ask(reader_socket: str) -> bool:
    """Whether there is a reader that answers this process; root needs none."""
    return os.geteuid() != 0 and os.access(reader_socket, os.W_OK)


def ask(reader_socket: str, read: Read, timeout_seconds: float = ANSWER_SECONDS) -> dict[str, Part]:
    """What the reader answers, by name.

    Raises MachineDenied where it is not reached or is not root's, MachineTimeout, MeasurementError.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        try:
            connection.connect(reader_socket)
            # Whoever else might listen there could tell us anything.
            if uid_of(connection) != 0:
                raise MeasurementError(f"what listens at {reader_socket} is not root's reader, and was not asked")
            connection.sendall(bytes([read]))
            with connection.makefile("rb") as answer:
                parts = {part.name: part for part in decoded(answer.read)}
        except TimeoutError:
            raise MachineTimeout(f"the reader did not answer within {timeout_seconds:g} s") from None
        except OSError as error:
            raise MachineDenied(f"the reader was not reached ({error.strerror}); {ADVICE} it") from error
    # A part without a name speaks of the whole.
    if "" in parts:
        parts[""].told()
    return parts
