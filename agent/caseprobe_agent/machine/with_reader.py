"""This machine for a process without root's right: what the kernel denies to it is asked of the privileged reader."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.calls import Completed, OpenFile
from caseprobe_agent.machine.peers import uid_of
from caseprobe_agent.machine.reads import ADVICE, OPEN_FILES, PROGRAMS, Part, Read, decoded, read_of

# The reader's own limit is a little less: disks may take 50 s.
ANSWER_SECONDS = 58.0


@dataclass(frozen=True)
class Link:
    """An open file of another user's process: where it points, and what it is where it was deleted."""

    target: str
    file: OpenFile | None


class MachineWithReader(Machine):
    """Reads as Machine does; what is denied, and what only root's programs tell, comes from the reader, asked once."""

    def __init__(self, reader_socket: str) -> None:
        super().__init__()
        self.reader_socket = reader_socket
        self._answers: dict[Read, Mapping[str, Part] | MeasurementError] = {}
        self._folders: dict[str, dict[str, Link]] = {}
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
            return list(self._links(path, error))

    def links_in(self, path: str) -> list[str]:
        """As Machine.links_in; of another user's open files only sockets and deleted files are told."""
        try:
            return super().links_in(path)
        except MachineDenied as error:
            return [link.target for link in self._links(path, error).values()]

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
            return self._link(path, error).target

    def open_file(self, path: str) -> OpenFile:
        """As Machine.open_file."""
        try:
            return super().open_file(path)
        except MachineDenied as error:
            file = self._link(path, error).file
        if file is None:
            raise MachineAbsent(f"{path} is no regular file")
        return file

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
        self._taken.add(read)
        return part.told()

    def _links(self, path: str, denied: MachineDenied) -> dict[str, Link]:
        """What the reader tells of the links in a folder, by their names."""
        part = self._instead(path, denied)
        if path not in self._folders:
            self._folders[path] = dict(_links_in(part))
        return self._folders[path]

    def _link(self, path: str, denied: MachineDenied) -> Link:
        folder, _, name = path.rpartition("/")
        if OPEN_FILES.fullmatch(folder) is None:
            raise denied
        link = self._links(folder, denied).get(name)
        if link is None:
            raise MachineAbsent(f"{path} does not exist on this machine")
        return link

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


def _links_in(part: Part) -> Iterator[tuple[str, Link]]:
    """Rows of a name, a target and, of a deleted file, device, number and room; as the reader writes them."""
    try:
        for name, target, file in json.loads(part.data):
            yield str(name), Link(str(target), OpenFile(str(file[0]), int(file[1]), int(file[2])) if file else None)
    except (ValueError, TypeError, IndexError, RecursionError) as error:
        raise MeasurementError(f"what the reader tells of {part.name} is not of its form") from error


def machine_of(root: Path, reader_socket: str) -> Machine:
    """The machine of this root folder; with the reader's help where this process is not root's and may ask one."""
    if root == Path("/") and os.geteuid() != 0 and os.access(reader_socket, os.W_OK):
        return MachineWithReader(reader_socket)
    return Machine(root, reader_socket=reader_socket)


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
