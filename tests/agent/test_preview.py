"""What an owner is shown before a bundle leaves, and what they take out of it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe import ids
from caseprobe.bundle import BundleReader, Verification
from caseprobe.errors import RedactionError, UsageError
from caseprobe.redaction import KnownNames, Redactor
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.v1 import section_pb2
from caseprobe_agent import cli, oneshot
from caseprobe_agent.app.own_names import restore_of
from caseprobe_agent.cli.preview import PAGE_NAME, Dialogue
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.identity import keys
from caseprobe_agent.identity.state import save_key
from caseprobe_agent.oneshot.compare import Change
from caseprobe_agent.oneshot.file import proved
from caseprobe_agent.oneshot.page import render_page
from caseprobe_agent.oneshot.preview import Preview
from caseprobe_agent.seal import load_key
from tests.fakes_preview import LOG, SECRET, Typed, waiting


@pytest.fixture
def preview(tmp_path: Path) -> Preview:
    """A bundle that waits."""
    return waiting(tmp_path)


def reader(preview: Preview) -> BundleReader:
    """The bundle as it stands on the disk."""
    return BundleReader(io.BytesIO(preview.path.read_bytes()))


def answered(preview: Preview, *lines: str) -> tuple[bool, str]:
    """What a dialogue comes to when these lines are typed, and everything that it showed."""
    display = io.StringIO()
    typed = Typed("".join(f"{line}\n" for line in lines))
    dialogue = Dialogue(preview, typed, Screen(display), "en", preview.path.parent / "page")
    return dialogue.run(), display.getvalue()


def test_every_file_is_listed_with_size_reason_privacy_and_what_was_hidden(preview: Preview) -> None:
    """The list is the file's own, and counts belong to the file in which something was hidden."""
    files = {item.name: item for item in preview.items() if not item.area}
    assert list(files) == list(reader(preview).names())
    assert all(item.size_bytes == reader(preview).size_bytes(name) for name, item in files.items())
    assert all(catalogue.label(item.why) != item.why for item in files.values())
    log = files["artifacts/kernel.log"]
    assert (log.privacy, log.hidden["assignment"], files["manifest.json"].privacy) == ("secret", 1, "public")
    assert files["snapshot.json"].hidden["host"] >= 1
    assert [item.name for item in preview.items() if item.area] == ["system", "memory", "kernel_log"]


def test_what_is_left_out_is_nowhere_in_the_file_and_the_manifest_says_so(preview: Preview) -> None:
    """A log goes with the area that quotes it; the file is whole, its hash is told, no second file stays behind.

    Nor does one that an earlier run left half written.
    """
    before = preview.sha256
    preview.path.with_name(preview.path.name + ".new").write_bytes(b"PK")
    assert preview.drop(["artifacts/kernel.log"]) == ["artifacts/kernel.log", "kernel_log"]
    found = reader(preview)
    verdict = found.verify()
    assert (verdict.complete, verdict.hashes_ok) == (True, True)
    assert [(one.name, one.by) for one in found.manifest().left_out] == [
        ("artifacts/kernel.log", "owner"),
        ("kernel_log", "owner"),
    ]
    assert all(b"came" not in found.read(name) for name in found.names())
    kernel = next(one for one in found.snapshot().sections if one.probe == "kernel_log")
    assert (kernel.outcome, kernel.WhichOneof("facts")) == (section_pb2.PROBE_OUTCOME_SKIPPED, None)
    assert found.snapshot().artifacts[0].withheld_reason == "left out by the owner of this machine"
    assert sha256(preview.path.read_bytes()).digest() == preview.sha256 != before
    assert list(preview.path.parent.iterdir()) == [preview.path]


def test_a_second_drop_keeps_the_first(preview: Preview) -> None:
    """Numbers are those of the list as it is now; what was left out stays so."""
    preview.drop(["memory"])
    preview.drop(["report.html"])
    assert [one.name for one in preview.left_out] == ["memory", "report.html"]
    assert "report.html" not in reader(preview).names()


@pytest.mark.parametrize("wanted", ["1", "manifest.json", "99", "nothing"])
def test_what_cannot_be_left_out_changes_nothing(preview: Preview, wanted: str) -> None:
    """The snapshot, the hashes, and what is not there."""
    with pytest.raises(UsageError):
        preview.drop(["memory", wanted])
    assert sha256(preview.path.read_bytes()).digest() == preview.sha256
    assert preview.left_out == ()


def test_an_answer_that_is_none_is_said_to_be_none(preview: Preview) -> None:
    """A letter that needs a number, and one that means nothing, are named above the help."""
    _, shown = answered(preview, "d", "x", "?", "n")
    assert shown.count("is no answer here:") == 2
    assert "d alone is no answer here:" in shown and "x alone is no answer here:" in shown


def test_before_and_after_is_shown_and_is_in_no_file(preview: Preview, tmp_path: Path) -> None:
    """The terminal shows the secret that was hidden; neither bundle nor page holds it."""
    yes, shown = answered(preview, "b 5", "q", "y")
    assert yes
    assert f"- login password={SECRET}" in shown
    assert "+ login password=_hidden_assignment_" in shown
    assert SECRET not in render_page(preview, "en")
    assert all(SECRET.encode() not in reader(preview).read(name) for name in reader(preview).names())


def test_the_area_of_a_name_shows_it_before_and_after(preview: Preview) -> None:
    """Facts are compared field by field, and the run's own sentinel is no part of it."""
    changes = list(preview.changes(preview.find("system")))
    assert [(one.place, one.before) for one in changes] == [("system.system.host_name", "db1")]
    assert changes[0].after.startswith("host-")


@pytest.mark.parametrize(("lines", "yes"), [(["y"], True), (["n"], False), ([], False), (["", "?", "x", "yes"], True)])
def test_only_a_yes_is_a_yes(preview: Preview, lines: list[str], yes: bool) -> None:
    """A no, an end of input and anything else send nothing; the page is gone when the answer is there."""
    said, shown = answered(preview, *lines)
    assert said is yes
    assert not (preview.path.parent / "page" / PAGE_NAME).exists()
    assert preview.sha256.hex() in shown


def test_the_dialogue_says_who_gets_it_what_leaves_and_what_stays(preview: Preview) -> None:
    """In plain words, within 80 columns as far as our own words go, without a control character."""
    _, shown = answered(preview, "v 5", "d 5", "d 1", "n")
    assert "to            Example support" in shown
    assert "Leaves: exactly the 6 files listed here, once, to Example support." in shown
    assert "Stays here: passwords, keys and other secrets" in shown
    assert "Left out: artifacts/kernel.log, kernel_log." in shown
    assert "snapshot.json cannot be left out" in shown
    assert "\x1b" not in shown


def test_the_page_needs_no_script_loads_nothing_and_shows_true_names(preview: Preview) -> None:
    """Only style is allowed by its policy; the map on it turns stand-ins back on this machine."""
    page = render_page(preview, "en")
    assert "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;" in page
    assert not re.search(r"<script|<link|<img|src=|href=(?!&quot;#)|url\(|@import", page)
    assert "<td>db1</td>" in page
    assert preview.sha256.hex() in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_preview_exists_in_every_language(language: str) -> None:
    """Words that the code names are in a catalogue."""
    paths = (Path(oneshot.__file__).parent / "page.py", Path(cli.__file__).parent / "preview.py")
    code = "".join(path.read_text() for path in paths)
    named = set(re.findall(r"""words(?:\.filled)?\(\s*["']([a-z0-9_]+)["']""", code))
    known = {**catalogue.read("report"), **catalogue.read("preview")}
    assert named - set(known) == set()
    assert all(table[language] for table in catalogue.read("preview").values())


def test_a_file_that_was_changed_after_it_was_shown_is_not_sent(preview: Preview) -> None:
    """The bytes that go are the bytes that were shown, or none."""
    with preview.path.open("rb") as file:
        proved(file, preview.sha256)
    preview.path.write_bytes(preview.path.read_bytes() + b"x")
    with preview.path.open("rb") as file, pytest.raises(RedactionError, match="changed after you saw it"):
        proved(file, preview.sha256)


def test_a_line_that_obeys_the_terminal_is_only_shown(tmp_path: Path) -> None:
    """A log cannot clear the screen on which it is looked at."""
    _, shown = answered(waiting(tmp_path, LOG + b"\x1b[2J\x07 bell\n"), "v 5", "q", "b 5", "q", "n")
    assert not {"\x1b", "\x07"} & set(shown)


async def test_a_bundle_of_ones_own_key_shows_true_names_and_no_other(tmp_path: Path) -> None:
    """The key that turns stand-ins back is used where the key that signed is ours, too."""
    state = tmp_path / "state"
    private, public = keys.unpack(keys.own(b""))
    save_key(state / "one-shot", "one_shot", private)
    masked = Redactor(load_key(state), asset_masked=True, known=KnownNames(hosts=("db7",))).text("db7")
    proof = Verification(True, True, "one-shot", ids.agent_id(public), "")
    restore = restore_of(proof, state)
    assert restore is not None
    assert restore(masked) == "db7"
    for other in (
        replace(proof, key_id="agent_other"),
        replace(proof, hashes_ok=False),
        replace(proof, signed_by="none"),
    ):
        assert restore_of(other, state) is None


def test_a_long_line_is_shown_whole_and_what_changed_in_it_is_seen(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner reads every byte that leaves; before and after are shown from where they begin to differ."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "60")
    line = "x" * 900 + " at 10.1.2.3 " + "y" * 900
    display = io.StringIO()
    dialogue = Dialogue(preview, Typed(""), Screen(display), "en", preview.path.parent / "page")
    assert dialogue._paged(iter([line])) >= 1
    assert display.getvalue().replace("\n", "") == line
    before, after = Change("log:1", line, line.replace("10.1.2.3", "10.9.9.3")).told()
    assert before == "…" + "x" * 33 + " at 10.1.2.3 " + "y" * 37 + "…" and "10.9.9.3" in after and len(after) < 120


@given(st.text(max_size=300), st.text(max_size=300))
def test_what_is_told_of_a_change_still_differs_where_the_texts_do(before: str, after: str) -> None:
    """Nothing but what is alike is left out, at either end."""
    told = Change("", before, after).told()
    assert (told[0] == told[1]) == (before == after)
    assert all(one.strip("…") in whole for one, whole in zip(told, (before, after), strict=True))
