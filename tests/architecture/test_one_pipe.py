"""There is one way from what was measured to a disk or a wire, and it goes through the pipe.

Read off the syntax trees of the agent, in three steps that close the circle: every module that writes or sends anything
is known, with what that is; none of them but the few named here can even hold what is not redacted yet; and what they
are handed instead is made in one place, behind the pipe. A new writer, a new holder or a second maker fails here first.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

AGENT = Path(__file__).parents[2] / "agent" / "caseprobe_agent"
# Calls that bring bytes out of this process.
OUT = frozenset(
    {
        *("write", "write_bytes", "write_text", "writelines", "pwrite", "fdopen", "dump", "sendto", "sendall"),
        *("sendmsg", "send_bytes", "put_bulk", "execute", "executemany", "Popen", "create_subprocess_exec"),
        *(
            "open_connection",
            "create_connection",
            "stream_stream",
            "copyfileobj",
            "NamedTemporaryFile",
            "mkstemp",
            "write_guarded",
        ),
    }
)
# Names of what was measured and is not redacted yet.
RAW = frozenset({"RawArtifact", "Measured", "Taken", "Raw", "take_snapshot", "read_newest", "read_tail"})
WRITERS = {
    "app/importing.py": "a sealed bundle of what another program recorded",
    "app/control.py": "the owner's own socket: questions, states, grants; never a measurement",
    "audit.py": "who asked what and how it ended",
    "cli/diff.py": "what differs between two bundles, which are redacted, as a page",
    "cli/preview.py": "the page of the preview, made of redacted bytes and names behind stand-ins, mode 0600, removed",
    "cli/networks.py": "ranges of addresses out of its owner's own file, to them",
    "cli/redact.py": "the pipe as a filter: what it wrote; and what its owner asked `unmask` to restore",
    "cli/show.py": "a bundle, which is redacted, to the screen",
    "demo/__init__.py": "its own settings, and the public commands",
    "demo/guard.py": "numbers of its own process groups",
    "grants.py": "signed terms",
    "history/ring.py": "figures of this machine, and the names of what they are of; no line of a log",
    "identity/files.py": "keys and certificates",
    "identity/https.py": "the enrolment request: key, label, code",
    "link/channel.py": "the stream itself",
    "link/feeder.py": "records of the spool, finished files",
    "link/load_wire.py": "random bytes and counted echoes, to the collector",
    "link/loading.py": "the same, through its wire",
    "link/relay.py": "the stream itself, as gRPC wrote it, to the proxy that leads on",
    "link/stream.py": "frames that others made",
    "link/wire.py": "frames that others made",
    "machine/calls.py": "starts fixed programs with fixed arguments; reads what they say",
    "machine/log_socket.py": "a mark with the owner's own words, into this machine's own log",
    "imports/folder.py": "opens files of an unpacked archive, for reading only",
    "machine/network.py": "questions to the machine's own servers",
    "machine/with_reader.py": "the number of a read, to the machine's own reader",
    "manners.py": "the niceness of its own session, to the kernel",
    "oneshot/file.py": "a sealed bundle",
    "oneshot/flow.py": "hands a sealed bundle to its file",
    "oneshot/place.py": "makes the bundle's file",
    "oneshot/sealing.py": "a sealed bundle, encrypted",
    "path/flows.py": "echoes",
    "path/icmp.py": "echoes",
    "path/service/attempt.py": "what its owner asked a service for, to that service and the proxy before it",
    "path/service/names.py": "a service's name, to the machine's own name servers",
    "path/sized.py": "echoes of chosen sizes, all zeros",
    "path/udp.py": "echoes",
    "proxies/passage.py": "host and port that are meant, and the login, to the proxy that leads there",
    "reader/__init__.py": "what root's reads gave, to the agent of the same machine, whose pipe it goes through",
    "seal/pipe.py": "a bundle in memory, member by member behind the guard",
    "spool/file.py": "parcels",
    "spool/ledger.py": "commands as they came, outcomes",
    "spool/lock.py": "a note of counts",
    "spool/record.py": "parcels",
    "spool/rows.py": "parcels",
    "spool/store.py": "parcels",
    "spool/salvage.py": "what was in a damaged spool",
    "spool/upgrade.py": "what was in an older spool",
    "spool/values.py": "states: sequence, history as it left",
    "spool/writer.py": "parcels",
    "worker/__main__.py": "the pipe between a child and its parent",
    "worker/child.py": "the pipe between a child and its parent",
}
# Both at once: each reads the machine for what it asks it, or hands raw facts on to the pipe and nothing else.
RAW_AND_OUT = {
    "oneshot/flow.py": "takes the snapshot, seals it, and writes what was sealed",
    "seal/pipe.py": "the pipe itself",
}
# What a writer is handed, and the one module that makes it.
MAKERS = {
    "Sealed": {"seal/pipe.py"},
    "Parcel": {"seal/pipe.py", "seal/form.py"},
    "BundleWriter": {"seal/pipe.py"},
    "FileOutbox": {"app/sending.py"},
    "Draft": {"seal/draft.py"},
    "Sections": {"seal/live.py"},
    "Rounds": {"session/frames.py"},
    "Outcome": {"session/outcomes.py"},
    "RevealFacts": set[str](),
}


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the agent."""
    return tuple((str(path.relative_to(AGENT)), ast.parse(path.read_text())) for path in AGENT.rglob("*.py"))


@cache
def called(tree: ast.Module) -> set[str]:
    """The last part of the name of everything that is called."""
    functions = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in functions}


def named(tree: ast.Module) -> set[str]:
    """Every name that is imported or called."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return called(tree) | {alias.name for node in imports for alias in node.names}


def test_every_module_that_writes_or_sends_is_known() -> None:
    """A new way out stands in this table, with what goes there, or it does not land."""
    writers = {name for name, tree in trees() if called(tree) & OUT}
    assert writers - set(WRITERS) == set(), "say in WRITERS what goes there, and that it passed the pipe"


def test_what_writes_cannot_hold_what_is_not_redacted() -> None:
    """Raw facts are named in the modules that take, carry and seal them; of these only the pipe's own write."""
    raw = {name for name, tree in trees() if named(tree) & RAW}
    apart = ("probes/", "machine/", "cli/")
    assert {name for name in raw & set(WRITERS) if not name.startswith(apart)} == set(RAW_AND_OUT) & raw
    assert {name for name in set(RAW_AND_OUT) if name not in WRITERS} == set()


def test_what_leaves_is_made_in_one_place() -> None:
    """Sealed snapshots, parcels, bundles, live rounds and outcomes each have one maker, which redacts."""
    for what, makers in MAKERS.items():
        assert {name for name, tree in trees() if what in called(tree)} == makers, what


def test_the_makers_call_the_pipe() -> None:
    """The seal redacts and looks again, live rounds are masked, an error's text goes through the pipe."""
    found = dict(trees())
    assert {"snapshot", "artifact", "objection", "sees"} <= called(found["seal/pipe.py"])
    assert "mask" in called(found["session/frames.py"])
    assert {"settled", "objection"} <= called(found["seal/draft.py"])
    assert {"seal", "objection"} <= called(found["seal/live.py"])
    assert "words" in called(found["session/outcomes.py"])


def test_the_agents_messages_keep_the_words_of_foreign_errors_out() -> None:
    """One place sets logging up, with the formatter that leaves them out; no traceback is printed elsewhere."""
    setting_up = {name for name, tree in trees() if {"basicConfig", "StreamHandler", "FileHandler"} & called(tree)}
    assert setting_up == {"app/messages.py"}
    assert not [name for name, tree in trees() if {"print_exc", "format_exc", "print_exception"} & called(tree)]
