"""SIGKILL at any moment of a bundle and its upload: what was finished is readable, and sending goes on."""

from __future__ import annotations

from random import Random

import pytest

from tests.kills.large import large_bundle, stored, unfinished
from tests.kills.play import draw, play
from tests.stand import Customer, Stand, until

LARGE_BYTES, ENOUGH_BYTES = 12 << 20, 2 << 20
MOMENTS = Random()


def test_a_bundle_that_is_killed(stand: Stand, customer: Customer) -> None:
    """Every finished member can be read; one command without a new code, and the case has its bundle, once."""
    play(stand, customer, draw(MOMENTS))


@pytest.mark.parametrize("side", ["the collector", "the sender"])
def test_a_large_upload_goes_on_in_the_middle_of_its_file(stand: Stand, customer: Customer, side: str) -> None:
    """The file that the first try began is the file that is stored: what had come did not come again."""
    case_id = stand.another_case()
    code, path = stand.bundle_code(case_id), large_bundle(customer, LARGE_BYTES)
    with customer.start("send", str(path), "--to", "-", stdin=code) as child:
        begun = until(lambda: (found := unfinished(stand)) and found.st_size >= ENOUGH_BYTES and found, "never begun")
        if side == "the collector":
            stand.kill_collector()
            stand.start_collector()
            _, said = child.communicate(timeout=60)
            assert child.returncode == 0, said
        else:
            child.kill()
            child.communicate()
            again = customer.run("send", str(path))
            assert again.code == 0, again.stderr
            assert "going on with case" in again.stderr
    assert len(stand.snapshots(case_id)) == 1
    assert begun.st_ino in {one.st_ino for one in stored(stand)}
