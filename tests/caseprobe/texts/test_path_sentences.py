"""Every verdict on a path has its sentence in every language."""

from __future__ import annotations

import pytest

from caseprobe import texts
from caseprobe.texts.template import LANGUAGES
from caseprobe.v1 import path_pb2

VERDICTS = [
    path_pb2.PathVerdict(message_id="path.ok"),
    path_pb2.PathVerdict(
        message_id="path.loss_from",
        segment_first_ttl=6,
        segment_last_ttl=7,
        loss_ratio=0.046,
        loss_low_ratio=0.031,
        loss_high_ratio=0.065,
    ),
    path_pb2.PathVerdict(message_id="path.loss_from", segment_last_ttl=1, loss_ratio=0.2),
    path_pb2.PathVerdict(message_id="path.needs_more", loss_ratio=0.1, more_rounds=10),
    path_pb2.PathVerdict(message_id="path.target_silent", segment_first_ttl=6, segment_last_ttl=7),
    path_pb2.PathVerdict(message_id="path.target_silent", segment_last_ttl=1),
    path_pb2.PathVerdict(message_id="path.blocked", segment_first_ttl=5, segment_last_ttl=5),
    path_pb2.PathVerdict(message_id="path.nothing_sent"),
]


def facts(verdict: path_pb2.PathVerdict) -> path_pb2.PathFacts:
    """A path to example.org with this verdict."""
    return path_pb2.PathFacts(target="example.org", rounds=300, verdict=verdict)


def test_the_sentences_in_english() -> None:
    """What a person reads, for every verdict."""
    assert [texts.path_verdict(facts(verdict)) for verdict in VERDICTS] == [
        "The path to example.org is clean over 300 rounds",
        "4.6% of packets to example.org are lost between hops 6 and 7 (95% interval 3.1% to 6.5%)",
        "20% of packets to example.org are lost between this machine and hop 1 (95% interval 0% to 0%)",
        "10% of packets to example.org went unanswered, which may be chance: 10 more rounds would tell",
        "Nothing answers behind hop 6: example.org is silent, filtered or not reached",
        "Nothing on the path to example.org answers, not even the first hop",
        "Hop 5 refuses to carry packets to example.org",
        "No packet to example.org could be sent",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_is_said_in_every_language(language: str) -> None:
    """No verdict falls back to "no verdict", and no value is missing."""
    sentences = [texts.path_verdict(facts(verdict), language) for verdict in VERDICTS]
    assert len(set(sentences)) == len(VERDICTS)
    assert not [sentence for sentence in sentences if "?" in sentence or "example.org" not in sentence]
    unknown = texts.path_verdict(facts(path_pb2.PathVerdict(message_id="path.of_tomorrow")), language)
    assert unknown not in sentences
