"""The corpus of kernel messages: what it must give, and texts in which nothing may be found."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.evaluation import kernel_faults

CASES = list(kernel_faults.cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault_class}: {case.lines[0][:60]}")
def test_each_event_has_its_class_and_object(case: kernel_faults.Case) -> None:
    """Every line of the corpus, held out or not, as dmesg prints it."""
    scored = kernel_faults.scored(case)
    assert (scored.found, scored.class_right, scored.object_right) == (True, True, True)


@pytest.mark.parametrize("name", kernel_faults.PUBLISHED)
def test_what_others_published_is_found(name: str) -> None:
    """Lines of others' bug reports, in the form they had there; all but two of each are found."""
    results = [kernel_faults.scored_published(case) for case in kernel_faults.published(name)]
    assert sum(not (one.class_right and one.object_right) for one in results) <= 2


def test_the_corpus_covers_every_class() -> None:
    """Ten forms of each class, fewer only where the kernel has no more."""
    total = Counter(case.fault_class for case in CASES)
    assert {name for name, count in total.items() if count < 10} <= {"conntrack_full"}
    assert len({kernel_faults.family(name) for name in total}) == 24


@pytest.mark.parametrize("folder", ["healthy", "quoting"])
def test_nothing_is_found_where_nothing_is(folder: str) -> None:
    """Boots of healthy machines; source code, chat, documentation and applications that quote messages."""
    assert {name: lines for name, lines in kernel_faults.false_findings(folder).items() if lines} == {}
