"""What the report says in one language: labels, values, moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from caseprobe import texts
from caseprobe.report.markup import NOTHING, Markup, element
from caseprobe.texts import catalogue

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from caseprobe.v1 import section_pb2, snapshot_pb2

NONE = "–"


@dataclass(frozen=True)
class Words:
    """Labels by name, and values by the unit that their name ends in."""

    language: str

    def __call__(self, name: str) -> str:
        """The label of this name; the name itself where there is none, so that a newer thing still shows."""
        return catalogue.label(name, self.language)

    def value(self, name: str, value: float) -> str:
        """A value with the unit that the name ends in."""
        return texts.format_value(name, value, self.language)

    def count(self, value: float) -> str:
        """A number of things."""
        return texts.format_count(value, self.language)

    def filled(self, name: str, /, **values: float | str) -> str:
        """The label of this name with its values."""
        return texts.fill(self(name), values, self.language)

    def kind(self, rule: str) -> str:
        """What a rule hides, in words; the many that hide secrets go by their own names."""
        label = f"hidden_{rule}"
        return self(label) if self(label) != label else self.filled("hidden_secret", rule=rule)

    def section(self, section: section_pb2.Section) -> str:
        """What a section is called; those of an operator's own probes share one word and have their own names."""
        kind, _, own = section.probe.partition(".")
        return f"{self(f'section_{kind}')} {own}".strip()

    def by_reader(self, section: section_pb2.Section) -> str:
        """What the privileged reader read of a section (by its name where a read has no word); empty: nothing."""
        reads = ", ".join(self(f"read_{name}").removeprefix("read_") for name in section.reads_by_reader)
        return self.filled("by_reader", reads=reads) if reads else ""

    def need(self, right: str) -> str:
        """A right or tool that is missing, in words where it has some: most are names, such as CAP_SYSLOG."""
        return texts.need(right, self.language)

    def moment(self, at: Timestamp) -> str:
        """A point in time in UTC, to the second; a dash where it was never set or cannot be a date."""
        return self.instant(at.seconds) if at.seconds else NONE

    def instant(self, seconds: float) -> str:
        """Seconds since 1970 as a point in time in UTC, to the second; a dash where that cannot be a date."""
        try:
            return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
        except (ValueError, OverflowError, OSError):
            return NONE

    def clock(self, seconds: float) -> str:
        """Seconds since 1970 as day and time in UTC, to the minute; a dash where that cannot be a date."""
        try:
            return f"{datetime.fromtimestamp(seconds, UTC):%m-%d %H:%M}"
        except (ValueError, OverflowError, OSError):
            return NONE

    def share(self, part: float, whole: float) -> str:
        """Part of whole, as percent; a dash where there is no whole."""
        return texts.format_ratio(part / whole, self.language) if whole else NONE


def left_out(total: int, words: Words) -> Markup:
    """How many more there are than a page shows; nothing where it shows all."""
    return element("p", words.filled("left_out", n=total), class_="lack") if total > 0 else NOTHING


def host_of(snapshot: snapshot_pb2.Snapshot) -> str:
    """What a page calls the machine: its host name as the snapshot has it; empty where it has none."""
    return next((one.system.host_name for one in snapshot.sections if one.WhichOneof("facts") == "system"), "")
