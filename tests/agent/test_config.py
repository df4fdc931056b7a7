"""Settings: files, environment, flags; every refusal names file, line and key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caseprobe.errors import ConfigurationError
from caseprobe.overrides import Override
from caseprobe.v1.consent_pb2 import (
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PATH_TARGET,
)
from caseprobe_agent.config import Settings, load
from caseprobe_agent.consent.policy import ALLOW, ASK, DENY, SHIPPED
from caseprobe_agent.folders import folders


def settings(folder: Path, text: str = "", environ: dict[str, str] | None = None, **flags: str) -> Settings:
    """What a folder with this agent.toml gives."""
    (folder / "agent.toml").write_text(text)
    return load({"CASEPROBE_CONFIG_FOLDER": str(folder), **(environ or {})}, flags, folder / "system")


def test_nothing_set_is_the_shipped_policy(tmp_path: Path) -> None:
    """Without any file the defaults hold and say that they are defaults."""
    found = settings(tmp_path)
    assert found.policy == SHIPPED
    assert (found.language, found.origins["language"]) == ("en", "default")
    assert found.label


def test_how_much_waits_and_how_long_is_the_owners(tmp_path: Path) -> None:
    """256 MiB and 30 days where nothing is said, and both ends of the bounds belong to them."""
    found = settings(tmp_path)
    assert (found.spool_quota_bytes, found.spool_keep_seconds) == (256 << 20, 30 * 86400)
    text = "spool_quota_bytes = 1048576\nspool_keep_seconds = 31622400\n"
    found = settings(tmp_path, text, {"CASEPROBE_SPOOL_KEEP_SECONDS": "86400"})
    assert (found.spool_quota_bytes, found.spool_keep_seconds) == (1 << 20, 86400)
    assert settings(tmp_path, text).spool_keep_seconds == 366 * 86400


def test_environment_beats_the_file_and_a_flag_beats_both(tmp_path: Path) -> None:
    """Each setting says where it came from."""
    text = '\nlanguage = "ru"\nlabel = "web-1"\nlog_level = "info"\n'
    found = settings(
        tmp_path, text, {"CASEPROBE_LANGUAGE": "zh_Hans", "CASEPROBE_LOG_LEVEL": "debug"}, log_level="error"
    )
    assert (found.label, found.language, found.log_level) == ("web-1", "zh_Hans", "error")
    assert found.origins["label"] == f"{tmp_path / 'agent.toml'}, line 3"
    assert found.origins["language"] == "CASEPROBE_LANGUAGE"
    assert found.origins["log_level"] == "flag --log_level"


def test_the_owners_policy_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    """A decision alone keeps the shipped limits; a table states its own."""
    rules = settings(
        tmp_path,
        '[policy]\nlogs = "deny"\npath_target = "allow"\n[policy.health]\ndecision = "ask"\nsessions_per_day = 4\n'
        'window = "08:00-18:00"\n',
    ).policy.rules
    assert rules[POLICY_KIND_LOGS].decision == DENY
    path = rules[POLICY_KIND_PATH_TARGET]
    assert (path.decision, path.longest_session_seconds) == (ALLOW, 3600)
    health = rules[POLICY_KIND_HEALTH]
    assert (health.decision, health.sessions_per_day, len(health.windows)) == (ASK, 4, 1)


def test_drop_ins_only_tighten(tmp_path: Path) -> None:
    """A further file cannot allow what was asked; one that states only a limit changes only that."""
    drop_ins = tmp_path / "policy.d"
    drop_ins.mkdir()
    (drop_ins / "10-loose.toml").write_text('[policy]\nlogs = "allow"\n')
    limits = "[policy.health]\nsessions_per_day = 2\n[policy.path_near]\nload_bytes_per_session = 0\n"
    (drop_ins / "20-limit.toml").write_text(limits)
    (drop_ins / "30-off.toml").write_text('network_probes = "off"\n')
    found = settings(tmp_path)
    assert found.policy.rules[POLICY_KIND_LOGS].decision == ASK
    health = found.policy.rules[POLICY_KIND_HEALTH]
    assert (health.decision, health.sessions_per_day) == (ALLOW, 2)
    assert found.policy.rules[POLICY_KIND_PATH_NEAR].load_bytes_per_session == 0
    assert not found.policy.network_probes
    assert len(found.policy_files) == 4


@pytest.mark.parametrize(
    ("text", "environ"),
    [('network_probes = "off"', {"CASEPROBE_NETWORK_PROBES": "on"}), ("", {"CASEPROBE_NETWORK_PROBES": "off"})],
)
def test_off_anywhere_is_off(tmp_path: Path, text: str, environ: dict[str, str]) -> None:
    """The switch cannot be turned on again by a later source."""
    assert not settings(tmp_path, text, environ).policy.network_probes


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('languag = "en"', 1, "languag"),
        ('\n\nlanguage = "tlh"', 3, "language"),
        ("ask_timeout_seconds = -1", 1, "ask_timeout_seconds"),
        ("ask_timeout_seconds = true", 1, "ask_timeout_seconds"),
        ("spool_quota_bytes = 1000000", 1, "spool_quota_bytes"),
        ('networks = ["own-ranges.csv"]', 1, "networks"),
        ("networks = 7", 1, "networks"),
        ("spool_quota_bytes = 1e12", 1, "spool_quota_bytes"),
        ("spool_keep_seconds = 3600", 1, "spool_keep_seconds"),
        ("spool_keep_seconds = 1e9", 1, "spool_keep_seconds"),
        ("spool_keep_seconds = nan", 1, "spool_keep_seconds"),
        ("network_probes = 7", 1, "network_probes"),
        ("policy = 3", 1, "policy"),
        ('[policy]\nlog = "deny"', 2, "policy.log"),
        ('[policy]\nlogs = "maybe"', 2, "policy.logs"),
        ("[policy]\nlogs = 1", 2, "policy.logs"),
        ('[policy.logs]\ndecision = "no"', 2, "policy.logs.decision"),
        ("[policy.logs]\nwidow = 1", 2, "policy.logs.widow"),
        ('[policy.logs]\nwindow = "late"', 2, "policy.logs.window"),
        ("[policy.path_target]\npackets_per_session = 1.5", 2, "policy.path_target.packets_per_session"),
        ("[policy.path_target]\npackets_per_session = inf", 2, "policy.path_target.packets_per_session"),
        ("[policy.path_near]\nload_bytes_per_session = -1", 2, "policy.path_near.load_bytes_per_session"),
        ('[policy.path_target]\ntargets = "all"', 2, "policy.path_target.targets"),
        ('[policy.path_target]\ntargets = ["10.0.0.300"]', 2, "policy.path_target.targets"),
    ],
)
def test_a_wrong_setting_names_file_line_and_key(tmp_path: Path, text: str, line: int, key: str) -> None:
    """The owner is told where to look and what would be right."""
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'agent.toml'}, line {line}: {key}: ")


def test_a_wrong_drop_in_is_named(tmp_path: Path) -> None:
    """An error in policy.d names that file, and nothing runs under half a policy."""
    (tmp_path / "policy.d").mkdir()
    (tmp_path / "policy.d" / "a.toml").write_text("network_probes = 7")
    with pytest.raises(ConfigurationError, match=r"policy\.d/a\.toml, line 1: network_probes"):
        settings(tmp_path)


def test_a_wrong_environment_names_the_variable(tmp_path: Path) -> None:
    """A variable is refused by its name."""
    with pytest.raises(ConfigurationError, match="CASEPROBE_LANGUAGE: must be one of en"):
        settings(tmp_path, "", {"CASEPROBE_LANGUAGE": "xx"})


@pytest.mark.parametrize("text", ["= 3", "a = ]", "\x00"])
def test_what_is_no_toml_names_the_place(tmp_path: Path, text: str) -> None:
    """A file that cannot be parsed is refused as a whole, with its line."""
    with pytest.raises(ConfigurationError, match=r"agent\.toml: not valid TOML: .*line 1"):
        settings(tmp_path, text)


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Whoever may write the policy may do everything, so it must be its owner alone."""
    (tmp_path / "agent.toml").write_text("")
    (tmp_path / "agent.toml").chmod(0o666)
    with pytest.raises(ConfigurationError, match="chmod go-w"):
        load({"CASEPROBE_CONFIG_FOLDER": str(tmp_path)}, {})


def test_folders_follow_the_xdg_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's settings lie below XDG folders, and the system's policy binds them as well."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    system = tmp_path / "etc"
    (system / "policy.d").mkdir(parents=True)
    (system / "agent.toml").write_text('[policy]\nlogs = "deny"\n')
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_STATE_HOME": str(tmp_path / "s"), "HOME": str(tmp_path)}
    found = load(environ, {}, system)
    assert found.state_folder == tmp_path / "s" / "caseprobe"
    assert found.origins["state_folder"] == "default"
    assert found.policy.rules[POLICY_KIND_LOGS].decision == DENY


def test_the_systems_folders_are_of_the_user_whom_they_belong_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's own user works there without a variable; beside it root is a person, who leaves nothing there."""
    state, system = tmp_path / "state", tmp_path / "etc"
    environ, mine = {"HOME": str(tmp_path)}, tmp_path / ".local/state/caseprobe"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert folders(environ, {}, system, state) == (system, state, "service")
    state.mkdir()
    owner = state.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner)
    assert folders(environ, {}, system, state) == (system, state, "service")
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    assert folders(environ, {}, system, state)[1:] == (mine, "user")


OVERRIDES = """
[checks."disk.space"]
warn = 0.9
[checks."disk.space".objects."/var/*"]
critical = 0.99
[checks."net.drop"]
enabled = false
[checks."hw.power".objects."BAT*".parameters.charge_ratio]
warn = 0.2
critical = 0.05
"""


def test_an_operator_states_levels_otherwise(tmp_path: Path) -> None:
    """For a check, for some of its objects, for one of its parameters; or switches it off."""
    file = str(tmp_path / "agent.toml")
    assert settings(tmp_path, OVERRIDES).overrides == (
        Override("disk.space", file, "*", "used_ratio", warn=0.9),
        Override("disk.space", file, "/var/*", "used_ratio", critical=0.99),
        Override("net.drop", file, enabled=False),
        Override("hw.power", file, "BAT*", "charge_ratio", warn=0.2, critical=0.05),
    )


def test_what_the_system_states_holds_unless_a_user_states_otherwise(tmp_path: Path) -> None:
    """A monitoring user judges by the administrator's levels."""
    system = tmp_path / "system"
    system.mkdir()
    (system / "agent.toml").write_text('[checks."disk.space"]\nwarn = 0.7\n')
    own = tmp_path / "config" / "caseprobe"
    own.mkdir(parents=True)
    (own / "agent.toml").write_text('[checks."disk.space"]\nwarn = 0.6\n')
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    found = load({**environ, "CASEPROBE_CONFIG_FOLDER": str(own)}, {}, system).overrides
    assert [one.warn for one in found] == [0.6]
    if os.geteuid() != 0:
        assert [one.warn for one in load(environ, {}, system).overrides] == [0.7, 0.6]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[checks."disk.sapce"]\nwarn = 0.9', 1, "checks.disk.sapce: no such check"),
        ("[checks.disk.space]\nwarn = 0.9", 1, "checks.disk: no such check; an id is written in quotes"),
        ('[checks."disk.space"]\nwran = 0.9', 2, "checks.disk.space.wran: unknown"),
        ('[checks."disk.space"]\nwarn = "90 %"', 2, "checks.disk.space.warn: must be a number"),
        ('[checks."disk.space"]\nwarn = nan', 2, "must be a number"),
        ('[checks."disk.space"]\nenabled = 0', 2, "must be true or false"),
        ('[checks."disk.space"]\nwarn = 0.9\ncritical = 0.8', 3, "clear_warn <= warn <= critical"),
        ('[checks."mem.avail"]\nwarn = 0.1\nclear_warn = 0.05', 3, "clear_warn >= warn >= critical"),
        ('[checks."hw.power"]\nwarn = 0.1', 1, "has levels of charge_ratio, health_ratio; name one"),
        ('[checks."raid.md"]\nwarn = 1', 1, "raid.md has no levels"),
        ('[checks."hw.power".parameters.volts]\nwarn = 1', 1, "hw.power has no such level"),
        ('[checks."hw.power".parameters.charge_ratio]\nwran = 1', 2, "unknown; known are"),
        ('[checks."disk.space".objects."/a"]\nobjects = {}', 2, "checks.disk.space.objects./a.objects: unknown"),
        ('[checks."disk.space".objects]\n"/a" = 1', 2, "must be a table"),
        ("checks = 1", 1, "checks: must be a table"),
    ],
)
def test_a_misspelt_override_is_refused_with_its_place(tmp_path: Path, text: str, line: int, said: str) -> None:
    """Nobody believes in a level that does not hold."""
    with pytest.raises(ConfigurationError) as refused:
        settings(tmp_path, text)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path / 'agent.toml'}" + (f", line {line}:" if line else ":"))
