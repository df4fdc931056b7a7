"""Parsers of what the kernel tells about processors and processes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.command_line import parse_command_line
from caseprobe.parse.cpuinfo import parse_cpuinfo
from caseprobe.parse.passwd import parse_passwd
from caseprobe.parse.proc_stat import CpuTimes, parse_cpu_times
from caseprobe.parse.process_files import parse_open_files_limit, parse_process_stat, parse_user_id

CODE = "CP1-MFRGG-ZDFMZ-TWQ2L-KNRWW-23TPN-52GG"
X86 = """\
processor	: 0
model name	: Intel(R) Xeon(R) Gold 6130
cpu MHz		: 2100.000
physical id	: 0
core id		: 0

processor	: 1
model name	: Intel(R) Xeon(R) Gold 6130
cpu MHz		: 2300.000
physical id	: 0
core id		: 0

processor	: 2
model name	: Intel(R) Xeon(R) Gold 6130
cpu MHz		: 2200.000
physical id	: 1
core id		: 0
"""
ARM = """\
processor	: 0
BogoMIPS	: 108.00
CPU part	: 0xd08

Hardware	: BCM2835
Model		: Raspberry Pi 4 Model B Rev 1.4
"""


def test_processors_of_a_server() -> None:
    """Threads of one core are one physical core; the frequency is their mean."""
    processors = parse_cpuinfo(X86)
    assert processors.model == "Intel(R) Xeon(R) Gold 6130"
    assert (processors.logical_total, processors.physical_total) == (3, 2)
    assert processors.hertz == pytest.approx(2.2e9)


def test_processors_of_a_small_board() -> None:
    """The board's name stands in for the processor's; what is not told is not guessed."""
    processors = parse_cpuinfo(ARM)
    assert processors.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert (processors.logical_total, processors.physical_total, processors.hertz) == (1, 0, None)


def test_times_of_old_kernels_have_fewer_columns() -> None:
    """What is not there is zero; guest time is not counted twice."""
    times = parse_cpu_times("cpu  10 1 2 30\ncpu0 10 1 2 30 4 5 6 7 100 100\nintr 1 2 3\n")
    assert times["cpu"] == CpuTimes(10, 1, 2, 30, 0, 0, 0, 0)
    assert times["cpu0"].total == 65


def test_times_without_the_sum_are_an_error() -> None:
    """Nothing can be said of such a machine."""
    with pytest.raises(ValueError, match="all processors"):
        parse_cpu_times("cpu0 1 2 3 4\nctxt 5")


@given(st.lists(st.tuples(*[st.integers(0, 1 << 40)] * 8), min_size=2, max_size=2))
def test_time_never_runs_back(moments: list[tuple[int, ...]]) -> None:
    """Every share is in 0..1, whatever the counters do."""
    earlier, now = (CpuTimes(*moment) for moment in moments)
    passed = now.since(earlier)
    assert 0 <= passed.iowait <= passed.total


def test_a_process_name_may_hold_anything() -> None:
    """Blanks, parentheses and numbers in it are no fields."""
    line = "4711 (a) R 1 (b) D 812 1 1 0 -1 4194304 9 0 0 0 30 12 0 0 20 0 5 0 293378 3133440 398 1 2 3"
    stat = parse_process_stat(line)
    assert (stat.pid, stat.name, stat.state, stat.parent_pid) == (4711, "a) R 1 (b", "D", 812)
    assert (stat.cpu_ticks, stat.threads, stat.start_ticks, stat.resident_pages) == (42, 5, 293378, 398)


def test_a_user_and_a_limit_may_not_be_told() -> None:
    """None, not zero: zero is root, and no files at all."""
    assert parse_user_id("Name:\tx\n") is None
    assert parse_open_files_limit("Max open files            unlimited            unlimited            files") is None
    assert parse_open_files_limit("") is None


def test_users_have_names() -> None:
    """The first of several with one number counts; odd lines are passed over."""
    text = (
        "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n+nis\n# x\nanna:x:1000:1000:Anna:/home/anna:/bin/zsh\n"
    )
    assert parse_passwd(text) == {0: "root", 1000: "anna"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["caseprobe", "bundle", "--to", CODE, "--json"],
        ["/usr/bin/caseprobe", "bundle", f"--to={CODE}"],
        ["/usr/bin/python3", "/usr/local/bin/caseprobe", "enroll", CODE],
        ["python3", "-m", "caseprobe_agent", "enroll", CODE.lower()],
        ["sh", "-c", f"caseprobe bundle --to '{CODE}' --no-preview"],
        ["caseprobe", "bundle", "--to", CODE.replace("-", " ")],
        ["caseprobe", "bundle", "--to", *CODE.split("-")],
        ["caseprobe", "bundle", "--to", CODE.replace("-", "")],
        ["vim", f"/tmp/{CODE}.txt"],
        ["caseprobe", "enroll", "CP1-MFRGG"],
        ["caseprobe", "bundle", "--to", "MFRGGZDFMZTWQ2LKNRWW23TPN52GG"],
    ],
)
def test_a_join_code_is_never_told(arguments: list[str]) -> None:
    """Whole or mistyped, grouped or not, of ours or inside of a shell's argument."""
    told = parse_command_line("\0".join(arguments) + "\0")
    assert "[join code]" in told
    for part in ("ZDFMZ", "zdfmz", "TWQ2L", "twq2l", "NRWW", "MFRGG"):
        assert part not in told


def test_other_arguments_stay() -> None:
    """Whatever else a person may hide is redaction's work, not this parser's."""
    assert parse_command_line("nginx: worker process\0") == "nginx: worker process"
    assert parse_command_line("caseprobe\0bundle\0--json\0--to\0-\0") == "caseprobe bundle --json --to -"
    assert parse_command_line("") == ""


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a parser fail otherwise than by ValueError."""
    for parse in (parse_cpuinfo, parse_cpu_times, parse_process_stat, parse_user_id, parse_passwd, parse_command_line):
        try:
            parse(text)
        except ValueError:
            continue
    parse_open_files_limit(text)
