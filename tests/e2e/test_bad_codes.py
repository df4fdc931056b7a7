"""A join code that is wrong in any way: one clear line, the documented exit code, and the bundle is kept."""

from __future__ import annotations

import pytest

from caseprobe import join_code
from caseprobe_agent.demo import free_ports
from tests.stand import Customer, Ended, Stand, assert_one_line


def changed(code: str, **fields: object) -> str:
    """The join code with other fields."""
    message = join_code.decode(code)
    for name, value in fields.items():
        setattr(message, name, value)
    return join_code.encode(message)


def assert_kept(customer: Customer, ended: Ended, *words: str) -> None:
    """Measured, not sent: exit 4, why, and where the whole bundle is."""
    (kept,) = customer.kept()
    assert_one_line(ended, 4, *words, "the bundle is kept", str(kept))
    assert customer.run("verify", str(kept)).code == 0


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("CP1-ABCDE", "cut")])
def test_a_malformed_code_is_told_before_anything_is_measured(customer: Customer, text: str, words: str) -> None:
    """Exit 2 and no file."""
    assert_one_line(customer.bundle(text), 2, "join code", words)
    assert customer.kept() == []


def test_a_code_for_the_other_purpose_says_which_command_it_is_for(stand: Stand, customer: Customer) -> None:
    """Both ways round; neither use costs the code."""
    bundle, machine = stand.bundle_code(stand.case_id), stand.enrol_code()
    assert_one_line(customer.run("enroll", "-", stdin=bundle), 2, "caseprobe bundle --to")
    assert_one_line(customer.bundle(machine), 2, "caseprobe enroll")
    assert customer.run("enroll", "-", stdin=machine).code == 0


def test_an_expired_code(stand: Stand, customer: Customer) -> None:
    """The line says when it ended and to ask for a new one."""
    code = stand.bundle_code(stand.case_id)
    stand.expire_codes()
    assert_kept(customer, customer.bundle(code), "expired at", "ask for a new one")


def test_a_code_that_was_used(stand: Stand, customer: Customer) -> None:
    """Reused for a machine: refused, and no identity is left behind that would count as enrolled."""
    code = stand.enrol_code()
    stand.spend_codes()
    assert_one_line(customer.run("enroll", "-", stdin=code), 4, "was used already", "ask for a new one")
    assert_one_line(customer.run("run"), 2, "not enrolled")


def test_a_code_of_another_collector(stand: Stand, customer: Customer) -> None:
    """The CA's SHA-256 does not match: nothing is sent to whoever answers there."""
    code = changed(stand.bundle_code(stand.case_id), ca_sha256=bytes(32))
    assert_kept(customer, customer.bundle(code), "not the collector of this join code", "nothing was sent")


def test_a_collector_that_cannot_be_reached(stand: Stand, customer: Customer) -> None:
    """The bundle is kept and its path told; the code would still be good."""
    (port,) = free_ports(1)
    code = changed(stand.bundle_code(stand.case_id), address=f"127.0.0.1:{port}")
    assert_kept(customer, customer.bundle(code), "cannot connect", str(port))


def test_a_case_that_was_closed_after_the_code_was_made(stand: Stand, customer: Customer) -> None:
    """The code is not used up: once the case is open again the same one is good."""
    case_id = stand.another_case()
    code = stand.bundle_code(case_id)
    stand.call("POST", f"/cases/{case_id}/close")
    assert_kept(customer, customer.bundle(code), "is closed", "reopen")
    stand.call("POST", f"/cases/{case_id}/reopen")
    assert customer.bundle(code).code == 0


def test_a_case_that_does_not_exist(stand: Stand) -> None:
    """No code, no session and no evidence for it."""
    assert_one_line(stand.staff("join-code", "create", "--case", "case_nowhere"), 2, "case_nowhere")
