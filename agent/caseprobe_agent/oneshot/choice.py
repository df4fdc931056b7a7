"""Which items a bundle has: those of its profile, what is included beside them, without what is excluded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from caseprobe.errors import UsageError
from caseprobe_agent.probes import PROFILES, QUICK, with_network
from caseprobe_agent.probes.items import ALL, Item
from caseprobe_agent.probes.probe import Probe

DEFAULT_PROFILE = "standard"
LEFT_OUT = "left out as asked for (--exclude)"


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: a profile by its name, and items, artifacts or areas to add and to leave out."""

    profile: str = DEFAULT_PROFILE
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """The probes to run, in the order of the report, and the names of those that were left out of the profile.

    silent: those that ask no server in any case, so that the quick profile stays quick.
    """

    probes: tuple[Probe, ...]
    left_out: tuple[str, ...] = ()
    silent: tuple[Probe, ...] = ()

    def networked(self) -> tuple[Probe, ...]:
        """The probes, those that may ask servers as they do so."""
        return with_network(self.probes, but=self.silent)


def choose(wanted: Wanted) -> Chosen:
    """The probes of what is wanted. Raises UsageError for a name that nothing has."""
    base = PROFILES[known_profile(wanted.profile)]
    added, gone = _named(wanted.include), _named(wanted.exclude)
    probes = {probe.name: probe for probes in (*PROFILES.values(), base) for probe in probes}
    names = {probe.name for probe in base} | added
    return Chosen(
        tuple(probe for name, probe in probes.items() if name in names - gone),
        tuple(name for name in probes if name in names & gone),
        QUICK if base is QUICK else (),
    )


def items_of(wanted: Wanted) -> list[Item]:
    """The items of what is wanted, as choose would run them; raises as it does."""
    probes = {probe.name: probe for probe in choose(wanted).probes}
    # What quick runs starts no program.
    return [replace(item, programs=0) if probes[item.name] in QUICK else item for item in ALL if item.name in probes]


def known_profile(name: str) -> str:
    """The name of a profile that there is; raises UsageError."""
    if name not in PROFILES:
        raise UsageError(f"no profile {name!r}{_nearest(name, PROFILES)}; profiles are: {', '.join(PROFILES)}")
    return name


def profile_of(item: Item) -> str:
    """The smallest profile that an item belongs to."""
    return next(name for name, probes in PROFILES.items() if item.name in {probe.name for probe in probes})


def _named(words: Iterable[str]) -> set[str]:
    """Names of the items that words stand for."""
    return {name for word in words for name in _matches(word, ALL)}


def _matches(word: str, items: Sequence[Item]) -> list[str]:
    found = [item.name for item in items if word in (item.name, item.area, *item.artifacts)]
    if not found:
        words = [known for item in items for known in (item.name, item.area, *item.artifacts)]
        near = _nearest(word, words)
        raise UsageError(f"no item or area {word!r}{near}; `caseprobe bundle --list` shows all")
    return found


def _nearest(word: str, words: Iterable[str]) -> str:
    """A question after the word that somebody may have meant; empty where none is near."""
    near = get_close_matches(word, list(words), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
