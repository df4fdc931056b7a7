"""Recorded outputs of Windows and macOS: what is read and judged of them, and of the same outputs broken."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.checks import ALL, check_snapshot
from caseprobe.checks.check import DARWIN, LINUX, WINDOWS
from caseprobe.recorded import SYSTEMS, sections_of
from caseprobe.v1 import finding_pb2, section_net_pb2, section_pb2, snapshot_pb2
from tests.machines import recordings

EVERY = pytest.mark.parametrize("name", recordings.names())
JUDGED = (finding_pb2.SEVERITY_OK, finding_pb2.SEVERITY_INFO, finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL)
OK, DENIED, FAILED = (
    section_pb2.PROBE_OUTCOME_OK,
    section_pb2.PROBE_OUTCOME_DENIED,
    section_pb2.PROBE_OUTCOME_FAILED,
)


def read(system: str, probe: str, files: dict[str, bytes]) -> section_pb2.Section:
    """One section of these outputs."""
    return next(section for section in sections_of(system, files) if section.probe == probe)


@EVERY
def test_a_recorded_machine_is_read_and_judged_as_expected(name: str) -> None:
    """Every section, every finding, and what is said to be well."""
    expected = json.loads((recordings.FOLDER / name / recordings.EXPECTED).read_text(encoding="utf-8"))
    assert json.loads(json.dumps(recordings.measured_of(name))) == expected


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_a_check_covers_what_it_says(check: object) -> None:
    """It judges a recorded machine of each system that it names, and none of any other."""
    [check] = [one for one in ALL if one is check]
    assert LINUX not in check.elsewhere
    for system in SYSTEMS:
        machines = [name for name in recordings.names() if recordings.system_of(name) == system]
        outcomes = [check_snapshot(recordings.snapshot_of(name), [check])[1][0] for name in machines]
        if system in check.elsewhere:
            assert any(one.outcome in JUDGED for one in outcomes), system
        else:
            assert {one.message_id for one in outcomes} == {"not_covered"}, system


def test_every_system_has_machines_with_and_without_faults() -> None:
    """Otherwise a parser that reads nothing would be as good as one that reads all."""
    for system in (WINDOWS, DARWIN):
        found = [bool(recordings.judged_of(n)[0]) for n in recordings.names() if recordings.system_of(n) == system]
        assert set(found) == {True, False}


def half(data: bytes) -> bytes:
    """Cut in its middle."""
    return data[: len(data) // 2]


def noise(_data: bytes) -> bytes:
    """No text at all."""
    return bytes(range(256)) * 20


def nothing(_data: bytes) -> bytes:
    """An empty file."""
    return b""


def message(_data: bytes) -> bytes:
    """What a shell says in another language instead of an output."""
    return "Die Benennung wurde nicht als Name eines Cmdlet erkannt.\r\n".encode("cp850")


def other(_data: bytes) -> bytes:
    """JSON of something else."""
    return b'{"answer": [42, null, {"a": []}], "SPHardwareDataType": [[]], "SPNVMeDataType": {}}'


def bomb(_data: bytes) -> bytes:
    """Entities that would grow."""
    return b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><plist><dict><key>&c;</key></dict></plist>'


def deep(_data: bytes) -> bytes:
    """Nested further than any reader goes."""
    return b"[" * 100_000


BREAKS: tuple[Callable[[bytes], bytes], ...] = (half, noise, nothing, message, other, bomb, deep)


@EVERY
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_a_broken_output_is_unknown_and_says_why(name: str, broken: Callable[[bytes], bytes]) -> None:
    """Each output on its own: what it told is never well afterwards; the sections of the others are as before."""
    files = recordings.files_of(name)
    system = recordings.system_of(name)
    before = {one.probe: one for one in sections_of(system, files)}
    for place in files:
        now = sections_of(system, {**files, place: broken(files[place])})
        changed = [one for one in now if one != before[one.probe]]
        for section in changed:
            told = section.outcome != OK or section.shortfalls or not _is_whole(section, before[section.probe])
            assert told, (place, section.probe)
            assert section.outcome == OK or section.reason, (place, section.probe)


def _is_whole(section: section_pb2.Section, before: section_pb2.Section) -> bool:
    """True where a broken output told as much as the good one."""
    return section.ByteSize() >= before.ByteSize()


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), system=st.sampled_from(sorted(SYSTEMS)), pick=st.integers(0, 30))
def test_any_bytes_end_in_sections(data: bytes, system: str, pick: int) -> None:
    """Whatever a file holds, every section is there, and the checks judge them without an error."""
    machine = next(name for name in reversed(recordings.names()) if recordings.system_of(name) == system)
    files = recordings.files_of(machine)
    place = sorted(files)[pick % len(files)]
    sections = sections_of(system, {**files, place: data})
    assert [one.probe for one in sections] == list(SYSTEMS[system])
    check_snapshot(snapshot_pb2.Snapshot(sections=sections))


def more(name: str) -> bytes:
    """A further recorded output."""
    return (recordings.FOLDER / "more" / name).read_bytes()


def link_of(data: bytes) -> section_net_pb2.RadioLink:
    """The one radio link of netsh's output."""
    [link] = read(WINDOWS, "wireless", {"netsh-wlan-show-interfaces.txt": data}).wireless.links
    return link


@pytest.mark.parametrize(
    ("name", "signal", "sent", "received"),
    [("netsh-en.txt", -79.0, 103e6, 103e6), ("netsh-es.txt", -59.5, 206e6, 69e6)],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp850", "cp1252"])
def test_a_radio_link_is_read_in_any_language(
    name: str, signal: float, sent: float, received: float, encoding: str
) -> None:
    """English and Spanish, in UTF-8, UTF-16 and code pages: labels do not decide."""
    link = link_of(more(name).decode().encode(encoding))
    told = (link.network, link.signal_dbm, link.sent_bits_per_second, link.received_bits_per_second)
    assert told == ("SSID-1", signal, sent, received)


def test_a_cyrillic_radio_link_with_its_own_strength_is_read() -> None:
    """A unit in Cyrillic, a decimal comma, and the strength that newer systems print."""
    text = more("netsh-en.txt").decode().replace("(Mbps)", "(Мбит/с)").replace(": 103", ": 866,7")
    link = link_of(text.replace("Signal               : 42%", "Сигнал : 42%\n    Rssi : -61").encode())
    assert (link.signal_dbm, link.sent_bits_per_second) == (-61.0, 866.7e6)


def test_a_card_without_an_access_point_is_not_connected() -> None:
    """netsh leaves the lines of the link out."""
    kept = [line for line in more("netsh-en.txt").decode().splitlines() if "SSID" not in line and "%" not in line]
    assert not link_of("\n".join(kept).encode()).connected


def test_what_windows_does_not_show_for_lack_of_a_right_is_denied() -> None:
    """Radio links without the right to see the location; classes without an administrator."""
    section = read(WINDOWS, "wireless", {"netsh-wlan-show-interfaces.txt": more("netsh-location-denied-en.txt")})
    assert (section.outcome, section.needs) == (DENIED, "location services")
    refused = "Get-PhysicalDisk : Zugriff verweigert\r\n    + CategoryInfo : PermissionDenied: (MSFT_PhysicalDisk)"
    section = read(WINDOWS, "smart", {"MSFT_PhysicalDisk.json": refused.encode("utf-16")})
    assert (section.outcome, section.needs) == (DENIED, "administrator")


def test_events_before_a_cut_count_and_the_rest_is_unknown() -> None:
    """A log that ends within an event keeps its findings; what it lacks keeps it from being well."""
    data = recordings.files_of("windows-11-laptop")["System.xml"]
    section = read(WINDOWS, "system_log", {"System.xml": data[: len(data) * 2 // 3]})
    assert [one.fault_class for one in section.system_log.faults]
    assert [one.field for one in section.shortfalls] == ["faults"]
    assert "ends early" in section.shortfalls[0].reason


def test_an_export_of_event_viewer_is_read_like_wevtutil() -> None:
    """One root around all events, and a declaration before it."""
    text = recordings.files_of("windows-11-laptop")["System.xml"].decode("utf-16")
    wrapped = f'<?xml version="1.0" encoding="utf-8" standalone="yes"?><Events>{text}</Events>'
    before = read(WINDOWS, "system_log", {"System.xml": text.encode()})
    assert read(WINDOWS, "system_log", {"System.xml": wrapped.encode()}) == before


def test_a_program_that_quotes_a_fault_is_none() -> None:
    """On macOS only what the kernel itself says counts; on Windows only the provider that owns the number."""
    files = recordings.files_of("macbook-pro-15")
    lines = [fault.line for fault in read(DARWIN, "system_log", files).system_log.faults if "disk4s1" in fault.object]
    assert len(lines) == 2
    text = recordings.files_of("windows-11-laptop")["System.xml"].decode("utf-16").replace('"disk"', '"Backup"')
    classes = [one.fault_class for one in read(WINDOWS, "system_log", {"System.xml": text.encode()}).system_log.faults]
    assert "blk_medium_error" not in classes


def test_an_unknown_health_is_not_well() -> None:
    """A word that is neither good nor bad, in another language or of a newer system, is unknown with that word."""
    drives = json.dumps([{"DeviceId": "0", "HealthStatus": "Fehlerfrei", "BusType": 17}])
    section = read(WINDOWS, "smart", {"MSFT_PhysicalDisk.json": drives.encode()})
    [disk] = section.smart.disks
    assert not disk.HasField("passed")
    assert "Fehlerfrei" in disk.parts[0].reason


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""])
def test_a_traced_route_has_its_losses(mark: bytes) -> None:
    """Three echoes a hop, a silent hop, and a target that answers."""
    data = mark + recordings.files_of("windows-server-2022")["tracert.txt"]
    path = read(WINDOWS, "path", {"tracert.txt": data}).path
    assert [hop.received for hop in path.hops] == [3, 0, 3, 3]
    assert (path.target, path.verdict.message_id) == ("192.0.2.80", "path.ok")
    assert read(WINDOWS, "path", {"tracert.txt": b"no route at all"}).outcome == FAILED
