"""Which items a bundle has: those of its profile, what is included beside them, without what is excluded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from caseprobe.errors import ConfigurationError, UsageError
from caseprobe_agent.config.bundles import NONE, Bundles, OwnProfile, SiteProbe
from caseprobe_agent.config.bundles import PROFILES as PROFILE_NAMES
from caseprobe_agent.probes import PACKAGES_WITH_HISTORY, PROFILES, QUICK, with_log_lines, with_network
from caseprobe_agent.probes.items import ALL, Item
from caseprobe_agent.probes.probe import Probe
from caseprobe_agent.probes.site import artifact_of, probe_of

DEFAULT_PROFILE, FASTEST, FULLEST = "standard", "quick", "full"
LEFT_OUT = "as asked for (--exclude)"
NO_LOGS = "the policy of this machine lets no logs leave"


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: a profile by its name, and items, artifacts or areas to add and to leave out."""

    profile: str = DEFAULT_PROFILE
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """The probes to run, in the order of the report, and the names of those that were left out of the profile.

    base: the product's profile that it all began with. full: logs that only the full profile has come too.
    """

    probes: tuple[Probe, ...]
    left_out: tuple[str, ...] = ()
    base: str = DEFAULT_PROFILE
    full: bool = False

    def networked(self) -> tuple[Probe, ...]:
        """The probes, those that may ask servers as they do so; not those of the quick profile, which stays quick."""
        return with_network(self.probes, but=QUICK if self.base == FASTEST else ())

    def gaps(self, run: Iterable[Probe]) -> Iterator[tuple[str, str]]:
        """What was chosen and is not run, and what was left out of the profile, each with the reason."""
        names = {probe.name for probe in run}
        yield from ((probe.name, NO_LOGS) for probe in self.probes if probe.name not in names)
        yield from ((name, LEFT_OUT) for name in self.left_out)


def choose(wanted: Wanted, bundles: Bundles = NONE) -> Chosen:
    """The probes of what is wanted, the operator's own among them. Raises UsageError for a name that nothing has."""
    own = bundles.profiles.get(wanted.profile)
    name = own.base if own else known_profile(wanted.profile, bundles)
    base = _profiles(bundles)[name]
    items = all_items(bundles)
    added, gone = _named(wanted.include, items), _named(wanted.exclude, items)
    names = {probe.name for probe in base}
    if own:
        names = (names | _stated(own, own.include, items)) - _stated(own, own.exclude, items)
    probes = {probe.name: probe for probes in (*_profiles(bundles).values(), base) for probe in probes}
    only_full = {artifact for item in items for artifact in item.more}
    return Chosen(
        tuple(probe for name, probe in probes.items() if name in (names | added) - gone),
        tuple(name for name in probes if name in (names | added) & gone),
        name,
        name == FULLEST or not only_full.isdisjoint((*wanted.include, *(own.include if own else ()))),
    )


def items_of(wanted: Wanted, bundles: Bundles = NONE) -> list[Item]:
    """The items of what is wanted, as choose would run them where logs may leave; raises as it does."""
    chosen = choose(wanted, bundles)
    probes = {probe.name: probe for probe in with_log_lines(chosen.probes, chosen.full)}
    return [_as_run(item, probes[item.name]) for item in all_items(bundles) if item.name in probes]


def _as_run(item: Item, probe: Probe) -> Item:
    """The item as this probe measures it: what quick runs starts no program, packages with their log yield more."""
    if probe in QUICK:
        return replace(item, programs=0)
    return replace(item, artifacts=(*item.artifacts, *item.more)) if probe == PACKAGES_WITH_HISTORY else item


def all_items(bundles: Bundles = NONE) -> tuple[Item, ...]:
    """Every item, the operator's own last."""
    return (*ALL, *(_item(site) for site in bundles.site_probes.values()))


def _item(site: SiteProbe) -> Item:
    """An operator's probe in their own words; what it may cost at most stands for what it costs."""
    artifacts = tuple(filter(None, [artifact_of(site)]))
    programs = 1 if site.command else 0
    return Item(probe_of(site).name, site.area, site.timeout_seconds, programs, artifacts, site.why, site.privacy)


def known_profile(name: str, bundles: Bundles = NONE) -> str:
    """The name of a profile that there is; raises UsageError."""
    known = (*PROFILES, *bundles.profiles)
    if name not in known:
        raise UsageError(f"no profile {name!r}{_nearest(name, known)}; profiles are: {', '.join(known)}")
    return name


def profile_of(item: Item, bundles: Bundles = NONE) -> str:
    """The smallest of the product's profiles that an item belongs to."""
    profiles = _profiles(bundles).items()
    return next(name for name, probes in profiles if item.name in {probe.name for probe in probes})


def _profiles(bundles: Bundles) -> dict[str, tuple[Probe, ...]]:
    """The product's profiles, each with the site probes that it and those before it have."""
    site = [(PROFILE_NAMES.index(one.profile), probe_of(one)) for one in bundles.site_probes.values()]
    return {
        name: (*PROFILES[name], *(probe for least, probe in site if least <= place))
        for place, name in enumerate(PROFILE_NAMES)
    }


def _stated(own: OwnProfile, words: Iterable[str], items: Sequence[Item]) -> set[str]:
    """As _named, for what stands in an operator's profile."""
    try:
        return _named(words, items)
    except UsageError as error:
        raise ConfigurationError(f"{own.where}: {error}") from None


def _named(words: Iterable[str], items: Sequence[Item]) -> set[str]:
    """Names of the items that words stand for."""
    return {name for word in words for name in _matches(word, items)}


def _matches(word: str, items: Sequence[Item]) -> list[str]:
    found = [item.name for item in items if word in item.words]
    if not found:
        words = [known for item in items for known in item.words]
        near = _nearest(word, words)
        raise UsageError(f"no item or area {word!r}{near}; `caseprobe bundle --list` shows all")
    return found


def _nearest(word: str, words: Iterable[str]) -> str:
    """A question after the word that somebody may have meant; empty where none is near."""
    from difflib import get_close_matches  # which takes longer to load than a right call may be kept waiting

    near = get_close_matches(word, list(words), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
