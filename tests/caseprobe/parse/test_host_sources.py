"""Texts of the host probes: boot records, OOM sentences, units, packages, DNS, SNTP, certificates, proxies."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse import (
    boot_records,
    buddyinfo,
    certificate_paths,
    dns_message,
    dump_name,
    kernel_releases,
    oom_kills,
    package_lists,
    portal,
    proxies,
    sntp,
    systemctl,
    time_servers,
    x509_dates,
)
from tests.fakes_host import wtmp


def test_boots_are_read_whatever_was_cut_off_before_them() -> None:
    """Logins between them do not count, nor does half a record at the beginning."""
    data = wtmp(("boot", 100), ("shutdown", 200), ("boot", 300), ("boot", 400))
    kinds = [(record.kind, record.at_seconds) for record in boot_records.parse_boot_records(data[77:])]
    assert kinds == [("shutdown", 200), ("boot", 300), ("boot", 400)]


def test_noise_is_no_record_of_boots() -> None:
    """A file that holds anything else is refused, an empty one says nothing."""
    assert boot_records.parse_boot_records(b"") == []
    with pytest.raises(ValueError, match="no record"):
        boot_records.parse_boot_records(b"\xff" * 4000)


def test_the_victim_and_its_group_are_named() -> None:
    """The scene is told before the kill; a kill of the whole machine has no group."""
    scene = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,oom_memcg=/web,task_memcg=/web/a,task=x"
    victims = oom_kills.parse_oom_victims(
        [
            (5.0, scene),
            (5.0, "Memory cgroup out of memory: Killed process 41 (a (b) c) total-vm:1036kB"),
            (9.0, "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,global_oom,task_memcg=/,task=java"),
            (9.0, "Out of memory: Killed process 42 (java) total-vm:9kB"),
            (9.5, "quoted: Out of memory: Killed process 43 (no)"),
        ],
        at_most=10,
    )
    assert [(one.pid, one.name, one.cgroup, one.at_seconds) for one in victims] == [
        (42, "java", "", 9.0),
        (41, "a (b", "/web", 5.0),
    ]


def test_small_zones_count_only_alone() -> None:
    """Free blocks in the first 16 MiB are of no use to a network card."""
    dma, normal = (f"Node 0, zone {name} 0 0 0 0 7 0 0 0 0 0 0" for name in ("DMA", "Normal"))
    assert buddyinfo.parse_large_free_blocks(f"{dma}\n{normal}") == 7
    assert buddyinfo.parse_large_free_blocks(f"{dma}\n") == 7
    with pytest.raises(ValueError, match="no zone"):
        buddyinfo.parse_large_free_blocks("garbage")


RECORDED = Path(__file__).parent / "recorded"
UNITS = """Id=a.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
NRestarts=0

Id=b.service
LoadState=loaded
ActiveState=failed
SubState=failed
Result=exit-code
NRestarts=2
ExecMainStatus=217
StateChangeTimestampMonotonic=5000000
UnitFileState=enabled

Id=gone.service
LoadState=not-found
ActiveState=inactive

Id=dev-vda.device
LoadState=loaded
ActiveState=active
"""


def test_units_in_trouble_come_first() -> None:
    """A unit that does not exist and one of another kind are left out; times count from the boot."""
    failed, well = systemctl.parse_units(UNITS, 10, booted_seconds=1000.0)
    assert (failed.name, failed.result, failed.exit_status, failed.restarts_total) == ("b.service", "exit-code", 217, 2)
    assert (failed.changed_at.seconds, failed.enabled, well.name) == (1005, "enabled", "a.service")


def test_last_lines_belong_to_their_unit() -> None:
    """The head of a block is no log, and what systemd says of the log's rotation is kept as it is."""
    text = (
        "× b.service - B, the second\n     Loaded: loaded\n     Active: failed\n   Main PID: 7 (code=exited)\n\n"
        "2026-11-22T04:00:00+0000 host b[7]: one\n2026-11-22T04:00:01+0000 host systemd[1]: b.service: Failed\n\n"
        "x c.mount - C\n     Active: failed\n\n-- No entries --\n"
    )
    assert systemctl.parse_last_lines(text) == {
        "b.service": [
            "2026-11-22T04:00:00+0000 host b[7]: one",
            "2026-11-22T04:00:01+0000 host systemd[1]: b.service: Failed",
        ]
    }


def test_a_real_systemd_is_read() -> None:
    """What version 252 said of a failed, a looping and a running service, booted in namespaces of its own."""
    units = systemctl.parse_units((RECORDED / "systemctl-show-252.txt").read_text(), 10)
    assert [(one.name, one.sub_state, one.exit_status) for one in units] == [
        ("bad.service", "failed", 3),
        ("loop.service", "auto-restart", 1),
        ("good.service", "running", 0),
        ("slow.timer", "waiting", 0),
        ("tmp.mount", "mounted", 0),
    ]
    assert units[1].restarts_total > 100
    lines = systemctl.parse_last_lines((RECORDED / "systemctl-status-252.txt").read_text())
    assert lines == {
        "bad.service": ["2026-11-22T08:44:20+0000 vm sh[37]: cannot open /srv/data: No space left on device"]
    }


def test_removed_packages_are_none() -> None:
    """dpkg keeps the settings of what was removed; a description may hold any line."""
    text = (
        "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nDescription: x\n Package: b\n\n"
        "Package: c\nStatus: deinstall ok config-files\nVersion: 4\n"
    )
    assert [(row.name, row.version) for row in package_lists.parse_dpkg(text)] == [("a", "1:2-3")]


def test_the_newest_kernel_is_the_highest_number() -> None:
    """Not the last in the alphabet."""
    releases = ["6.1.0-9-amd64", "6.1.0-28-amd64", "6.1.0-28-rt-amd64", "extramodules"]
    assert kernel_releases.newest_release(releases) in ("6.1.0-28-amd64", "6.1.0-28-rt-amd64")
    assert kernel_releases.newest_release([]) == ""


def answer_to(query: bytes, flags: int = 0x8180, questions: bool = True) -> bytes:
    """An answer of the head and the question alone."""
    return query[:2] + flags.to_bytes(2, "big") + bytes([0, questions, 0, 1, 0, 0, 0, 0]) + query[12:] * questions


def test_an_answer_is_read_by_its_head() -> None:
    """Code, truncation and recursion; a refusal may come without the question."""
    query = dns_message.build_query(0x1234, "www.example.org", "A")
    answer = dns_message.read_answer(answer_to(query), query)
    assert (answer.rcode, answer.truncated, answer.recursion_available, answer.answers_total) == (
        "NOERROR",
        False,
        True,
        1,
    )
    assert dns_message.read_answer(answer_to(query, 0x8005, questions=False), query).rcode == "REFUSED"
    assert dns_message.read_answer(answer_to(query, 0x8380), query).truncated


def test_an_answer_to_another_question_is_none() -> None:
    """Another number, another name, or our own question sent back."""
    query, other = dns_message.build_query(1, "a.example", "A"), dns_message.build_query(1, "b.example", "A")
    for data in (answer_to(dns_message.build_query(2, "a.example", "A")), answer_to(other), query, b"x"):
        with pytest.raises(ValueError, match="answer"):
            dns_message.read_answer(data, query)


def time_answer(token: int, offset: float, first: int = 0x24, stratum: int = 2, received: float = 1.8e9) -> bytes:
    """A server whose clock is offset ahead, answering at once."""
    stamp = round((received + offset + sntp.SINCE_1900) * sntp.ERA) % (1 << 64)
    moment = stamp.to_bytes(8, "big")
    return bytes([first, stratum]) + bytes(10) + b"RATE" + bytes(8) + token.to_bytes(8, "big") + moment + moment


def test_two_clocks_are_compared() -> None:
    """Half of the exchange was on the way there; also beyond 2036, where the count begins anew."""
    for now in (1.8e9, 2.3e9):
        told = sntp.read_answer(time_answer(7, 3.0, received=now + 0.05), 7, now, now + 0.1)
        assert told.offset_seconds == pytest.approx(3.0, abs=1e-5)
        assert told.round_trip_seconds == pytest.approx(0.1, abs=1e-5)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (time_answer(8, 0), "another question"),
        (time_answer(7, 0, first=0xE4), "no time"),
        (time_answer(7, 0, stratum=0), "RATE"),
        (time_answer(7, 0, first=0x23), "another question"),
        (b"", "too short"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: bytes, why: str) -> None:
    """A forged one, a server without time, a refusal, a client's packet, nothing."""
    with pytest.raises(ValueError, match=why):
        sntp.read_answer(answer, 7, 1.8e9, 1.8e9 + 0.1)


def made_certificate(folder: Path, days: str = "30", name: str = "/CN=www.example.org/O=Example") -> Path:
    """A self-signed one, as openssl makes it."""
    path = folder / "c.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        days,
    ]
    subprocess.run(
        [*command, "-subj", name, "-keyout", str(folder / "k.pem"), "-out", str(path)], check=True, capture_output=True
    )
    return path


def test_dates_and_names_are_those_that_openssl_wrote(tmp_path: Path) -> None:
    """To the second, also far beyond 2050, where the form of a date changes."""
    for days in ("30", "20000"):
        text = made_certificate(tmp_path, days).read_text()
        told = x509_dates.parse_pem("leading text\n" + text)
        assert told is not None
        assert (told.subject, told.issuer, told.self_signed) == ("www.example.org", "www.example.org", True)
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-enddate"], input=text, check=True, capture_output=True, text=True
        ).stdout
        end = datetime.strptime(shown.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        assert told.not_after == end


def test_a_cut_certificate_is_refused(tmp_path: Path) -> None:
    """At every byte: an error of one kind, never a date."""
    import ssl

    data = ssl.PEM_cert_to_DER_cert(made_certificate(tmp_path).read_text())
    for length in range(0, len(data), 7):
        with pytest.raises(ValueError, match="certificate"):
            x509_dates.parse_der(data[:length])


def test_configured_certificates_are_found() -> None:
    """Each server in its own words; keys and comments are none."""
    text = (
        "SSLCertificateFile /etc/a.pem\nSSLCertificateKeyFile /etc/a.key\nsmtpd_tls_cert_file = /etc/b.pem\n"
        "ssl_cert = </etc/c.pem\nssl_key = </etc/c.key\n    ssl_certificate_key /etc/d.key;\n; cert /etc/e.pem\n"
    )
    assert certificate_paths.parse_certificate_paths(text) == ["/etc/a.pem", "/etc/b.pem", "/etc/c.pem"]


def test_a_proxys_password_is_left_out() -> None:
    """In every form that holds one; no proxy and nonsense are none."""
    found = proxies.parse_environment("HTTPS_PROXY=http://u:p%40ss@192.0.2.1:8080\nno_proxy=a,b\nhttp_proxy=\n")
    assert found == [proxies.ProxyAddress("192.0.2.1", 8080)]
    assert proxies.parse_proxy("socks5://[2001:db8::1]:1080") == proxies.ProxyAddress("2001:db8::1", 1080)
    assert proxies.parse_proxy("http://x:99999") is None


def test_the_portal_question_is_the_configured_one() -> None:
    """A later file wins, and switched off is off; https cannot be answered by somebody else."""
    base = "[main]\nuri=http://no.example/\n[connectivity]\nuri=http://a.example/x\nresponse=hello\n"
    question = portal.parse_connectivity([base, "[connectivity]\nuri=http://b.example:8080/y\n"])
    assert question is not None
    assert (question.host, question.port, question.path, question.response) == ("b.example", 8080, "/y", "hello")
    assert portal.parse_connectivity([base, "[connectivity]\nenabled=false\n"]) is None
    assert portal.parse_connectivity(["[connectivity]\nuri=https://a.example/\n"]) is None
    assert portal.is_expected(question, portal.parse_http_head(b"HTTP/1.1 200 OK\r\n\r\nhello"))
    assert not portal.is_expected(question, portal.parse_http_head(b"HTTP/1.1 200 OK\r\n\r\n<html>log in</html>"))


TEXT_PARSERS: tuple[Callable[[str], object], ...] = (
    buddyinfo.parse_large_free_blocks,
    certificate_paths.parse_certificate_paths,
    dump_name.parse_dump_name,
    lambda text: kernel_releases.newest_release([text]),
    lambda text: oom_kills.parse_oom_victims([(0.0, text)], 3),
    package_lists.parse_apk,
    package_lists.parse_dpkg,
    package_lists.parse_rpm,
    lambda text: portal.parse_connectivity([text]),
    proxies.parse_apt,
    proxies.parse_environment,
    systemctl.parse_last_lines,
    lambda text: systemctl.parse_units(text, 9),
    time_servers.parse_time_servers,
    x509_dates.parse_pem,
)
BYTE_PARSERS: tuple[Callable[[bytes], object], ...] = (
    boot_records.parse_boot_records,
    lambda data: dns_message.read_answer(data, dns_message.build_query(1, "a", "A")),
    portal.parse_http_head,
    lambda data: sntp.read_answer(data, 0, 0.0, 1.0),
    x509_dates.parse_der,
)
WORDS = st.text() | st.lists(
    st.sampled_from(
        ["Id=", "Package: ", "\n", "\n\n", "P:", "Node 0, zone", "server", "=", "http_proxy", " ", "x", "9" * 40]
    )
).map("".join)


@given(WORDS)
def test_no_text_breaks_a_parser(text: str) -> None:
    """Facts or ValueError, nothing else."""
    for parse in TEXT_PARSERS:
        try:
            parse(text)
        except ValueError:
            continue


@given(st.binary(max_size=900))
def test_no_bytes_break_a_parser(data: bytes) -> None:
    """Facts or ValueError, nothing else."""
    for parse in BYTE_PARSERS:
        try:
            parse(data)
        except ValueError:
            continue
