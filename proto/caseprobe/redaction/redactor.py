"""The one pipe: text, artifacts, snapshots and live rounds on their way out of the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TypeVar

from caseprobe.errors import RedactionError
from caseprobe.redaction import continued, structure
from caseprobe.redaction.blocks import undecided
from caseprobe.redaction.fields import Fields, TextRule
from caseprobe.redaction.finder import LONGEST_REMEMBERED, REMEMBERED
from caseprobe.redaction.identifiers import Identifiers
from caseprobe.redaction.lines import Looks
from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.restore import Restorer
from caseprobe.redaction.secrets import LOOKS, Secrets
from caseprobe.redaction.structure import HEAD_BYTES, KnownFile
from caseprobe.v1.link_pb2 import Rounds
from caseprobe.v1.section_pb2 import Section
from caseprobe.v1.snapshot_pb2 import RedactionCount, RedactionReport, Snapshot

Result = TypeVar("Result")

# Changes with every rule that is added or changed, so that a reader knows what a bundle was cleaned by.
RULESET_VERSION = "2026.11.22.12"
# A line without an end cannot be judged piece by piece: half a secret might stay at a cut.
LONGEST_LINE_BYTES = 1 << 20
LINE_WITHHELD = b"_hidden_overlong_line_"
# More of it, and it is no text of one byte a character, so the rules would be blind.
NUL_RATIO = 0.01
PIECE_BYTES = 64 << 10
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Redactor:
    """Hides secrets and replaces identifiers by pseudonyms, with one machine's key; counts what it did.

    The same key gives the same pseudonyms in every run; without the key nothing can be restored.
    """

    def __init__(self, key: bytes, asset_masked: bool, known: KnownNames | None = None) -> None:
        """key: 16 bytes or more that never leave the machine.

        asset_masked: machine label and serials are hidden too (one-shot bundles). known: names to hide in text.
        """
        if len(key) < 16:
            raise RedactionError("the redaction key is shorter than 16 bytes; nothing is sent without a sound key")
        self._known = known or KnownNames()
        self._counts: Counter[str] = Counter()
        self._secrets = Secrets(self._counts)
        self._identifiers = Identifiers(key, self._known, asset_masked, self._counts)
        host = self._identifiers.host
        self._text_fields, self._public_fields = _Repeated(self.text), _Repeated(self._secrets_of)
        self._fields = Fields(key, asset_masked, self._text_fields, self._public_fields, host, self._counts)
        self._settled = Fields(key, asset_masked, lambda _text: None, self._secrets_of, host, Counter())
        self._restorer = Restorer(key)
        self._looks: Looks | None = None

    @property
    def counts(self) -> dict[str, int]:
        """What was hidden so far, by rule or kind of identifier; never a value."""
        return dict(self._counts)

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """A copy in which every string and bytes field was treated as its privacy option says.

        What has no option, or is not known to this version, is dropped. Names and serials found in the facts are
        hidden in all text from here on, so call this before artifact().
        """
        self._known = self._known.joined(self._fields.names(snapshot))
        self._identifiers.learn(self._known)
        self._text_fields.forget()
        redacted = Snapshot()
        redacted.CopyFrom(snapshot)
        _failing_closed(lambda: self._fields.redact(redacted))
        redacted.redaction.CopyFrom(self.report(snapshot.redaction.withheld))
        return redacted

    def settled(self, section: Section) -> Section:
        """A copy with all that is redacted for good by now: what follows from this key and the value alone.

        Running text is left out of it: a name that another section tells may still have to be hidden there.
        """
        redacted = Section()
        redacted.CopyFrom(section)
        del redacted.lines[:]
        _failing_closed(lambda: self._settled.redact(redacted))
        return redacted

    def rounds(self, rounds: Rounds) -> Rounds:
        """A copy of live rounds: public routers of the path stay, private addresses are masked."""
        redacted = Rounds()
        redacted.CopyFrom(rounds)
        _failing_closed(lambda: self._fields.redact(redacted))
        return redacted

    def text(self, text: str) -> str:
        """The text without secrets and with pseudonyms; the number of lines stays.

        >>> Redactor(b"0123456789abcdef", asset_masked=True).text("token=abc123def")
        'token=_hidden_assignment_'
        """
        data = text.encode("utf-8", "surrogateescape")
        _check_plain(data)
        return self._hidden(data, None).decode("utf-8", "surrogateescape")

    def artifact(self, data: bytes, source: str = "") -> bytes:
        """Bytes that hold text in any encoding of one byte a character, treated as text() does.

        source: the path or command that they come from, by which some files are known.
        Raises RedactionError where they are no such text, or a rule fails: then the caller withholds them.
        """
        _check_plain(data)
        # In one go, what is noted of a dense log on the way takes ten times its room.
        stream, redacted = Stream(self, source, checked=True), BytesIO()
        for at in range(0, len(data), PIECE_BYTES):
            redacted.write(stream.feed(data[at : at + PIECE_BYTES]))
        redacted.write(stream.close())
        return redacted.getvalue()

    def piece(self, data: bytes, known: KnownFile) -> bytes:
        """A piece of whole lines of an artifact; known: what is known of it, the same for all its pieces."""
        known.settle(data)
        return self._hidden(data, known)

    def stream(self, source: str = "") -> Stream:
        """As artifact for data that comes in pieces; the cuts between them make no difference."""
        return Stream(self, source)

    def unmask(self, text: str) -> str:
        """The text with the true names in place of this key's pseudonyms; secrets are gone for good."""
        return self._restorer.text(text)

    def _hidden(self, data: bytes, known: KnownFile | None) -> bytes:
        return _failing_closed(lambda: self._lines(_short_lines(data, self._counts), known))

    def _secrets_of(self, text: str) -> str:
        """Public text: its secrets are hidden, its names stay."""
        data = text.encode("utf-8", "surrogateescape")
        return self._secrets.hide(data, self._all_looks()).decode("utf-8", "surrogateescape")

    def _all_looks(self) -> Looks:
        """Every rule's looks, in one automaton: a line without any is never touched."""
        if self._looks is None:
            self._looks = Looks(LOOKS)
        return self._looks

    def _lines(self, data: bytes, known: KnownFile | None) -> bytes:
        """Secrets before identifiers: a password must not look like a host name by the time its rule comes.

        The rules go first, so that a known file is never hidden less than any other text.
        """
        data = self._secrets.hide(data, self._all_looks())
        if known is not None:
            data, kinds = known.hide(data)
            self._counts.update(kinds)
        return self._identifiers.mask(data)

    def report(self, withheld: Sequence[str] = ()) -> RedactionReport:
        """What was done so far, in counts."""
        counts = [RedactionCount(rule=rule, total=total) for rule, total in sorted(self._counts.items())]
        return RedactionReport(ruleset_version=RULESET_VERSION, counts=counts, withheld=withheld)


class Stream:
    """A text that comes in pieces: what is given back is always whole lines, and never part of a key."""

    def __init__(self, redactor: Redactor, source: str = "", checked: bool = False) -> None:
        """redactor: whose artifact() is applied. checked: the whole is known to be plain text, whatever a piece is."""
        self._redactor, self._known, self._checked = redactor, KnownFile(source, structure.ALL), checked
        self._pending = b""
        # What a text is shows in its beginning, so that comes in one piece.
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """Takes the next piece; gives what is decided by now, which may be nothing."""
        self._pending += data
        self._drop_overlong()
        if len(self._pending) >= HEAD_BYTES:
            self._known.settle(self._pending)
        elif not self._begun:
            return b""
        self._begun = True
        lines_end = self._pending.rfind(b"\n") + 1
        ready = self._pending[:lines_end]
        end = min(undecided(ready), continued.undecided(ready))
        ready, self._pending = self._pending[:end], self._pending[end:]
        return self._piece(ready) if ready else b""

    def close(self) -> bytes:
        """The rest, once all pieces were fed."""
        rest, self._pending = self._pending, b""
        return self._piece(rest)

    def _piece(self, data: bytes) -> bytes:
        if not self._checked:
            _check_plain(data)
        return self._redactor.piece(data, self._known)

    def _drop_overlong(self) -> None:
        """A line that is already too long is dropped as it comes, so that memory stays bounded."""
        start = self._pending.rfind(b"\n") + 1
        if len(self._pending) - start > LONGEST_LINE_BYTES:
            self._pending = self._pending[: start + LONGEST_LINE_BYTES + 1]


class _Repeated:
    """A rule for the fields of facts, of which most come again and hold nothing: such a text is read once."""

    def __init__(self, rule: TextRule) -> None:
        self._rule = rule
        self._empty: set[str] = set()

    def __call__(self, text: str) -> str | None:
        if text in self._empty:
            return text
        hidden = self._rule(text)
        if hidden == text and len(text) <= LONGEST_REMEMBERED and len(self._empty) < REMEMBERED:
            self._empty.add(text)
        return hidden

    def forget(self) -> None:
        """From now on other names are looked for."""
        self._empty.clear()


def _check_plain(data: bytes) -> None:
    """Raises RedactionError for what is no text of one byte a character."""
    if data.startswith(BYTE_ORDER_MARKS) or data.count(b"\0") > NUL_RATIO * len(data):
        raise RedactionError("withheld: not plain text, so secrets in it could not be seen")


def _short_lines(data: bytes, counts: Counter[str]) -> bytes:
    """The text with every line that is over the limit replaced by a marker."""
    if len(data) <= LONGEST_LINE_BYTES:
        return data
    lines = data.split(b"\n")
    for index, line in enumerate(lines):
        if len(line) > LONGEST_LINE_BYTES:
            lines[index] = LINE_WITHHELD
            counts["overlong_line"] += 1
    return b"\n".join(lines)


def _failing_closed(redact: Callable[[], Result]) -> Result:
    """What redact gives; any error in it becomes a RedactionError without the data, so the caller withholds."""
    try:
        return redact()
    except RedactionError:
        raise
    except Exception as error:
        raise RedactionError(f"withheld: redaction failed inside ({type(error).__name__})") from None
