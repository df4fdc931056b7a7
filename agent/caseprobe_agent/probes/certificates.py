"""When certificates end: those that server configurations name, and those that listening ports show."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.certificate_paths import parse_certificate_paths
from caseprobe.parse.socket_table import parse_socket_table
from caseprobe.parse.x509_dates import CertificateDates, parse_der, parse_pem
from caseprobe.v1.section_host_pb2 import Certificate, CertificatesFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, timestamp, value_of

CONFIGURATIONS = (
    "/etc/nginx/nginx.conf",
    "/etc/haproxy/haproxy.cfg",
    "/etc/postfix/main.cf",
    "/etc/dovecot/dovecot.conf",
    "/etc/dovecot/conf.d/10-ssl.conf",
    "/etc/stunnel/stunnel.conf",
)
FOLDERS = ("/etc/nginx/conf.d", "/etc/nginx/sites-enabled", "/etc/apache2/sites-enabled", "/etc/httpd/conf.d")
ACME, ACME_FILE = "/etc/letsencrypt/live", "fullchain.pem"
# Where programs look without being told.
USUAL = ("/etc/pve/local/pve-ssl.pem", "/etc/kubernetes/pki/apiserver.crt")
# Ports on which TLS begins at once: a greeting to any other port would only puzzle the program behind it.
LOW_PORTS = (443, 465, 636, 853, 990, 992, 993, 995, 2376, 2379, 3269, 4443, 5061, 5671, 5986, 6443, 6514, 6697)
HIGH_PORTS = (7443, 8006, 8140, 8200, 8443, 8834, 8883, 9090, 9200, 9443, 10_250, 10_443)
TLS_PORTS = frozenset((*LOW_PORTS, *HIGH_PORTS))
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)
LOOPBACK = (("tcp", "127.0.0.1"), ("tcp6", "::1"))
FILES_AT_MOST, PORTS_AT_MOST, FILE_BYTES = 200, 20, 1 << 20
HANDSHAKE_SECONDS = 0.5


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """The certificates in files; no port is asked. Absent where no configuration names one."""
    facts, notes = CertificatesFacts(measured_at=timestamp(machine.wall_seconds())), Notes()
    _add_files(facts, machine, notes)
    reason = "ports were not asked: network probes are not permitted here"
    notes.lack("certificates.ports_total", MachineDenied(reason, needs="network probes"))
    return _whole(facts, notes)


def measure_with_network(machine: Machine, _earlier: object | None) -> Measured:
    """Those in files and those that this machine's own ports show over loopback."""
    facts, notes = CertificatesFacts(measured_at=timestamp(machine.wall_seconds())), Notes()
    _add_files(facts, machine, notes)
    _add_ports(facts, machine, notes)
    return _whole(facts, notes)


def _whole(facts: CertificatesFacts, notes: Notes) -> Measured:
    if not facts.files_total and not facts.ports_total and not notes.shortfalls:
        raise MachineAbsent("no configuration of this machine names a certificate, and no port shows one")
    return notes.measured(facts)


def _add_files(facts: CertificatesFacts, machine: Machine, notes: Notes) -> None:
    files = dict(list(_files(machine, notes.noted("certificates.certificates", machine)))[:FILES_AT_MOST])
    facts.files_total = len(files)
    for path, named_by in files.items():
        dates = notes.attempt("certificates.certificates", functools.partial(_read, path, machine))
        if dates is not None:
            facts.certificates.append(_certificate(path, dates, named_by=named_by))


def _read(path: str, machine: Machine) -> CertificateDates | None:
    """None for a file that is named but not there: the program that names it says so itself."""
    try:
        return parse_pem(machine.read_text(path, FILE_BYTES))
    except MachineAbsent:
        return None
    except MachineDenied as error:
        raise MachineDenied(f"certificates that only root may read are left out: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _files(machine: Machine, told: Reads) -> Iterator[tuple[str, str]]:
    """Paths of certificates, each with what names it."""
    sites = [f"{folder}/{name}" for folder in FOLDERS for name in names_in(told, folder)]
    for configuration in (*CONFIGURATIONS, *sites):
        for path in parse_certificate_paths(value_of(told, configuration) or ""):
            yield path, configuration
    for name in names_in(told, ACME):
        if machine.exists(f"{ACME}/{name}/{ACME_FILE}"):
            yield f"{ACME}/{name}/{ACME_FILE}", ACME
    yield from ((path, path) for path in USUAL if machine.exists(path))


def _add_ports(facts: CertificatesFacts, machine: Machine, notes: Notes) -> None:
    """A port that does not speak TLS shows no certificate, which is no fault."""
    tables = _listening(notes.noted("certificates.certificates", machine))
    public = {port for addresses in tables.values() for address, port in addresses if address not in tables}
    for address, port in list(_ports(tables))[:PORTS_AT_MOST]:
        try:
            dates = parse_der(machine.peer_certificate(address, port, HANDSHAKE_SECONDS))
        except (MeasurementError, ValueError):
            continue
        source = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        certificate = _certificate(source, dates)
        certificate.local_only = port not in public
        facts.certificates.append(certificate)
        facts.ports_total += 1


def _listening(machine: Reads) -> Mapping[str, list[tuple[str, int]]]:
    """By this machine's own address of each family, where something listens on a port that is known for TLS."""
    tables = {
        address: parse_socket_table(value_of(machine, f"/proc/net/{table}") or "", connected=True).listeners
        for table, address in LOOPBACK
    }
    return {
        own: [(one.address, one.port) for one in listeners if one.port in TLS_PORTS]
        for own, listeners in tables.items()
    }


def _ports(tables: Mapping[str, list[tuple[str, int]]]) -> Iterator[tuple[str, int]]:
    """Addresses and ports that can be asked over loopback, each port once."""
    seen = set()
    for own, listening in tables.items():
        for address, port in listening:
            if address in (own, *EVERYWHERE) and port not in seen:
                seen.add(port)
                yield own, port


def _certificate(source: str, dates: CertificateDates, named_by: str = "") -> Certificate:
    return Certificate(
        source=source,
        subject=dates.subject,
        issuer=dates.issuer,
        not_before=timestamp(dates.not_before.timestamp()),
        not_after=timestamp(dates.not_after.timestamp()),
        self_signed=dates.self_signed,
        named_by=named_by,
    )
