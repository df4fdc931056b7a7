"""The report page: safe, self-contained, and it says what matters."""

from __future__ import annotations

import pytest

from caseprobe.report import render_report
from caseprobe.texts import LANGUAGES
from caseprobe.v1 import section_pb2
from tests import fakes_sections as fakes

EVIL = '"><script>alert(1)</script>&'


def full(mount_point: str = "/data") -> section_pb2.Section:
    """A filesystems section with one full disk."""
    one = section_pb2.Filesystem(
        mount_point=mount_point, type="ext4", measured=True, total_bytes=100, used_bytes=99, available_bytes=1
    )
    return fakes.section("filesystems", filesystems=section_pb2.FilesystemsFacts(filesystems=[one]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_machine_cannot_script_the_page(language: str) -> None:
    """Text from a machine is text on the page, and nothing is loaded or run."""
    page = render_report(fakes.judged(full(EVIL)), language)
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    for active in ("<script", "javascript:", "http://", "https://", "<link", "<img", "onload", "url("):
        assert active not in page


def test_the_verdict_comes_first() -> None:
    """The first heading is the verdict."""
    page = render_report(fakes.judged(full()))
    assert page.index("1 critical problem found") < page.index("<details")
