"""Ctrl-C at random moments: exit 130 or a clean end, no traceback, nothing goes on, no half file."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import pytest

from caseprobe.bundle import BundleReader
from tests.stand import Customer, Ended, Stand, assert_one_line, until

MOMENTS = Random()
# Python dies of the signal itself where it came in the middle of an import; a shell says 130 to both.
STOPPED = (130, -signal.SIGINT)


def assert_quiet_end(customer: Customer, ended: Ended, moment_seconds: float) -> None:
    """What holds for every command, whenever it was interrupted."""
    told = f"interrupted after {moment_seconds:.4f} s of CPU time: {ended}"
    assert ended.code in (0, *STOPPED), told
    assert "Traceback" not in ended.stderr + ended.stdout, told
    assert "Exception ignored" not in ended.stderr, told
    # A child may finish what it measures, and is gone then.
    until(lambda: not customer.left_running(), f"still there: {customer.left_running()}; {told}")


def unfinished(folder: Path) -> list[str]:
    """Temporary files, and bundles that are not whole."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.name.startswith(".") or path.name.endswith((".new", ".tmp")) or (path.suffix == ".zip" and cut(path))
    ]


def cut(path: Path) -> bool:
    """True for a bundle without its end."""
    with path.open("rb") as file:
        return not BundleReader(file).complete


@pytest.mark.parametrize("latest_seconds", [0.1, 0.4, 0.8])
def test_a_bundle_that_is_interrupted(stand: Stand, customer: Customer, latest_seconds: float) -> None:
    """Either there is a whole file or none, and the case has a snapshot or none; the next run is good."""
    case_id = stand.another_case()
    code, moment = stand.bundle_code(case_id), MOMENTS.uniform(0.06, latest_seconds)
    output = str(customer.folder / "out.zip")
    arguments = ("bundle", "--profile", "quick", "--to", "-", "--no-preview", "--output", output)
    ended = customer.interrupt(moment, *arguments, stdin=code)
    assert_quiet_end(customer, ended, moment)
    assert unfinished(customer.folder) == [], ended
    assert len(stand.snapshots(case_id)) <= len(customer.kept())


@pytest.mark.parametrize("latest_seconds", [0.15, 0.4])
def test_an_enrolment_that_is_interrupted(stand: Stand, customer: Customer, latest_seconds: float) -> None:
    """The machine is enrolled or it is not; a further code makes it so, with the same key."""
    moment = MOMENTS.uniform(0.06, latest_seconds)
    ended = customer.interrupt(moment, "enroll", "-", stdin=stand.enrol_code())
    assert_quiet_end(customer, ended, moment)
    assert unfinished(customer.folder) == [], ended
    assert customer.run("enroll", "-", "--again", stdin=stand.enrol_code()).code == 0


def test_a_resident_agent_that_is_interrupted(stand: Stand, customer: Customer) -> None:
    """While it starts, connects or waits; it starts again every time, and leaves no socket behind."""
    assert customer.run("enroll", "-", stdin=stand.enrol_code()).code == 0
    for moment in (MOMENTS.uniform(0.06, 0.1), MOMENTS.uniform(0.1, 0.3), 60.0):
        ended = customer.interrupt(moment, "run")
        assert_quiet_end(customer, ended, moment)
        assert ended.code in STOPPED
        assert not (customer.folder / "state" / "agent.sock").exists()


@pytest.mark.parametrize(("scene", "number"), [("starting", signal.SIGTERM), ("", signal.SIGINT)])
def test_a_demo_that_is_interrupted(customer: Customer, scene: str, number: signal.Signals) -> None:
    """Collector and agent end with it, and its folder is gone."""
    customer.environment["TMPDIR"] = str(customer.folder)
    with customer.start("demo") as child:
        assert child.stderr is not None
        assert child.stdout is not None
        # Without a scene: once it told the address, and waits.
        assert any(scene in line for line in child.stderr) if scene else any("Ctrl-C" in line for line in child.stdout)
        child.send_signal(number)
        stdout, stderr = child.communicate(timeout=60)
    assert_quiet_end(customer, Ended(child.returncode, stdout, stderr), 0)
    assert list(customer.folder.glob("caseprobe-demo-*")) == [], stderr


def test_a_demo_that_is_killed(customer: Customer) -> None:
    """It can say nothing any more: collector, the bundle that it was sending and its folder are gone all the same."""
    customer.environment["TMPDIR"] = str(customer.folder)
    with customer.start("demo") as child:
        assert child.stderr is not None
        assert any("sending a bundle" in line for line in child.stderr)
        assert len(customer.left_running()) > 1
        child.kill()
    until(lambda: not customer.left_running(), f"still there: {customer.left_running()}")
    until(lambda: not list(customer.folder.glob("caseprobe-demo-*")), "its folder is still there")


def test_a_staff_command_that_is_interrupted_while_it_loads(stand: Stand, customer: Customer) -> None:
    """The collector's command line keeps to the same."""
    ended = customer.interrupt(0.05, "case", "list", package="caseprobe_collector")
    assert_quiet_end(customer, ended, 0.05)
    assert_one_line(stand.staff("case", "list"), 0)
