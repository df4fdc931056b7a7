"""An operator's own profiles and probes: declared in TOML on the machine, no shell, hidden like all else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader
from caseprobe.errors import ConfigurationError, MeasurementError
from caseprobe.v1 import section_items_pb2, section_pb2
from caseprobe_agent import cli
from caseprobe_agent.app import one_shot
from caseprobe_agent.config import load
from caseprobe_agent.config.bundles import Bundles, SiteProbe, load_bundles
from caseprobe_agent.machine import Machine
from caseprobe_agent.oneshot import Order, Result
from caseprobe_agent.oneshot.choice import Wanted, choose, items_of
from caseprobe_agent.oneshot.content import probe_of as probe_of_artifact
from caseprobe_agent.probes import site
from caseprobe_agent.probes.site import probe_of
from caseprobe_agent.session.asks import known_probes
from tests.fakes_oneshot import FakePerson

ROOT = Path(__file__).parents[2]
DECLARED = """
[profiles.database]
base = "quick"
include = ["smart", "site.backup"]
exclude = ["logs"]

[site_probes.backup]
file = "{folder}/backup.status"
parser = "key_value"
why = "Whether the last backup is whole."
area = "backup"

[site_probes.tokens]
file = "{folder}/tokens.json"
parser = "json"
why = "Which services have a token."
privacy = "secret"

[site_probes.uptime]
command = ["/bin/cat", "{folder}/backup.status"]
why = "A program that prints lines."
profile = "full"
timeout_seconds = 3
limit_bytes = 4096
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings folder with declarations, and what they read."""
    monkeypatch.syspath_prepend(str(ROOT))
    (tmp_path / "bundle.toml").write_text(DECLARED.format(folder=tmp_path))
    (tmp_path / "backup.status").write_text("# nightly\nLAST=ok\nfrom: 10.77.14.3\npassword=violetlantern\n")
    (tmp_path / "tokens.json").write_text(json.dumps({"mail": {"token": "violetlantern-of-mail"}, "sizes": [1, 2]}))
    return tmp_path


def declared(folder: Path) -> Bundles:
    """What stands in the folder's file."""
    return load_bundles((folder,))


def measured(probe: SiteProbe) -> section_items_pb2.SiteFacts:
    """The facts of a declared probe of this machine."""
    facts = site.measure(Machine(), None, argument=probe_of(probe).argument)
    assert isinstance(facts.facts, section_items_pb2.SiteFacts)
    return facts.facts


def test_profiles_and_probes_are_chosen_by_name(folder: Path) -> None:
    """A profile is its base with what it adds and leaves out; a site probe belongs to its profile and those above."""
    bundles = declared(folder)
    own = {probe.name for probe in choose(Wanted("database"), bundles).probes}
    assert {"smart", "site.backup", "memory"} <= own and not own & {"kernel_log", "system_log", "packages"}
    for profile, names in (
        ("quick", set()),
        ("standard", {"backup", "tokens"}),
        ("full", {"backup", "tokens", "uptime"}),
    ):
        chosen = {probe.name for probe in choose(Wanted(profile), bundles).probes}
        assert {name for name in chosen if name.startswith("site.")} == {f"site.{name}" for name in names}
    assert "site.backup" in choose(Wanted("standard", exclude=("backup",)), bundles).left_out


def test_the_list_tells_the_operators_reason(folder: Path) -> None:
    """Why, area, class and cost as declared."""
    rows = {item.name: item for item in items_of(Wanted("full"), declared(folder))}
    backup, tokens, uptime = (rows[f"site.{name}"] for name in ("backup", "tokens", "uptime"))
    assert (backup.why, backup.area, backup.privacy) == ("Whether the last backup is whole.", "backup", "internal")
    assert (tokens.privacy, tokens.artifacts, uptime.programs, uptime.cost_seconds) == ("secret", (), 1, 3.0)
    assert probe_of_artifact(backup.artifacts[0]) == "site.backup"


def test_the_command_line_knows_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--list shows them beside the product's own, with the profile that each belongs to."""
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(folder))
    assert cli.main(["bundle", "--list", "--json", "--profile", "database"]) == 0
    rows = {row["item"]: row for row in json.loads(capsys.readouterr().out)["items"]}
    assert (rows["site.backup"]["profile"], rows["smart"]["profile"]) == ("standard", "standard")
    assert cli.main(["bundle", "--list", "--profile", "databse"]) == 2
    assert "did you mean 'database'?" in capsys.readouterr().err


async def test_what_they_read_goes_through_the_pipe(folder: Path) -> None:
    """Facts and artifact without secrets and addresses; of what is declared secret the keys alone."""
    environment = {"CASEPROBE_CONFIG_FOLDER": str(folder), "CASEPROBE_STATE_FOLDER": str(folder / "s")}
    shot = await one_shot.build(load(environment, {}), FakePerson(None))
    others = tuple(name for name in ("system", "logs", "network", "disks", "packages", "services", "security"))
    order = Order("full", 30.0, folder / "out.zip", exclude=(*others, "containers", "processes"))
    result: Result = await shot.run(order)
    sections = {section.probe: section for section in result.snapshot.sections}
    last, origin, password = sections["site.backup"].site.facts
    assert last == "LAST = ok" and origin.startswith("from = ") and password.startswith("password = ")
    assert list(sections["site.tokens"].site.facts) == ["mail.token", "sizes.0", "sizes.1"]
    assert sections["site.uptime"].site.facts[1] == "line 2 = LAST=ok"
    with result.path.open("rb") as file:
        reader = BundleReader(file)
        assert {"artifacts/site-backup.txt", "artifacts/site-uptime.txt"} <= set(reader.names())
        whole = b"".join(reader.read(name) for name in reader.names())
    assert b"violetlantern" not in whole and b"10.77.14.3" not in whole


def test_no_collector_can_ask_for_them() -> None:
    """What a command may name is compiled in."""
    assert not [name for name in known_probes() if name.startswith("site")]


@pytest.mark.parametrize(
    ("table", "line", "told"),
    [
        ('[site_probes.x]\nwhy = "a"\n', 1, "either file"),
        ('[site_probes.x]\nfile = "/a"\ncommand = ["/b"]\nwhy = "a"\n', 1, "either file"),
        ('[site_probes.x]\nfile = "a"\nwhy = "a"\n', 2, "absolute path"),
        ('[site_probes.x]\nfile = "/a/../b"\nwhy = "a"\n', 2, "absolute path"),
        ('[site_probes.x]\ncommand = "/bin/ls -l"\nwhy = "a"\n', 2, "list of texts"),
        ('[site_probes.x]\ncommand = []\nwhy = "a"\n', 2, "a program and its arguments"),
        ('[site_probes.x]\ncommand = ["ls"]\nwhy = "a"\n', 2, "absolute path"),
        ('[site_probes.x]\ncommand = ["/bin/sh", "-c", "rm"]\nwhy = "a"\n', 2, "name the program itself"),
        ('[site_probes.x]\ncommand = ["/bin/ls"]\nwhy = "a"\nprofile = "quick"\n', 4, "starts no program"),
        ('[site_probes.x]\nfile = "/a"\n', 1, "why: is missing"),
        ('[site_probes.x]\nfile = "/a"\nwhy = "a"\nparser = "xml"\n', 4, "lines, key_value, json"),
        ('[site_probes.x]\nfile = "/a"\nwhy = "a"\nprivacy = "none"\n', 4, "public, asset"),
        ('[site_probes.x]\nfile = "/a"\nwhy = "a"\ntimeout_seconds = 900\n', 4, "0.1 to 60"),
        ('[site_probes.x]\nfile = "/a"\nwhy = "a"\nlimit_bytes = true\n', 4, "1 to 1.04858e+06"),
        ('[site_probes.x]\nfile = "/a"\nwhy = "a"\nshell = true\n', 4, "unknown; known are"),
        ('[site_probes.X]\nfile = "/a"\nwhy = "a"\n', 1, "a name of its own"),
        ("[profiles.quick]\n", 1, "a name of its own"),
        ('[profiles.x]\nbase = "all"\n', 2, "quick, standard, full"),
        ('[profiles.x]\ninclude = "smart"\n', 2, "list of texts"),
        ("[profile.x]\n", 1, "unknown; known are: profiles, site_probes"),
        ("profiles = 7\n", 1, "must be a table"),
    ],
)
def test_a_mistake_names_its_key_and_line(tmp_path: Path, table: str, line: int, told: str) -> None:
    """One line: the file, where in it, what is wrong."""
    (tmp_path / "bundle.toml").write_text(table)
    with pytest.raises(ConfigurationError) as caught:
        declared(tmp_path)
    assert f"bundle.toml, line {line}: " in str(caught.value) and told in str(caught.value)


def test_an_item_that_nobody_knows_is_found_when_the_profile_is_used(tmp_path: Path) -> None:
    """With the profile's own line and the nearest name."""
    (tmp_path / "bundle.toml").write_text('\n[profiles.x]\ninclude = ["smrt"]\n')
    with pytest.raises(ConfigurationError, match=r"line 2: profiles.x: no item or area 'smrt' \(did you mean 'smart'"):
        choose(Wanted("x"), declared(tmp_path))


def test_others_may_not_write_the_declarations(folder: Path) -> None:
    """Whoever could would run programs as whoever makes a bundle."""
    (folder / "bundle.toml").chmod(0o666)
    with pytest.raises(ConfigurationError, match="others may write it"):
        declared(folder)


def test_limits_and_failures_are_told(tmp_path: Path) -> None:
    """The newest part is kept and marked; cut JSON, a failed and a slow program give a reason and nothing else."""
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    newest = measured(SiteProbe("x", "why", "lines", file=str(log), limit_bytes=100))
    assert newest.truncated and newest.facts[-1].endswith(" = line 999")
    for probe, told in (
        (SiteProbe("x", "why", "json", file=str(log), limit_bytes=100), "cut JSON"),
        (SiteProbe("x", "why", "lines", command=("/bin/ls", "/nowhere/at/all")), "ended with 2: /bin/ls"),
        (SiteProbe("x", "why", "lines", command=("/bin/sleep", "1000"), timeout_seconds=0.1), "did not end within"),
        (SiteProbe("x", "why", "lines", command=("/nowhere/program",)), "does not exist"),
    ):
        with pytest.raises(MeasurementError, match=told):
            measured(probe)


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    """What a shell would expand is one word as it stands."""
    odd = "$(touch owned); `touch owned` *"
    (tmp_path / odd).write_text("read\n")
    facts = measured(SiteProbe("x", "why", "lines", command=("/bin/cat", str(tmp_path / odd))))
    assert list(facts.facts) == ["line 1 = read"]
    assert section_pb2.Section(site=facts).WhichOneof("facts") == "site"


def test_what_a_secret_command_says_stays() -> None:
    """Its exit code is told, its words are not: they may hold what its output holds."""
    with pytest.raises(MeasurementError) as caught:
        measured(SiteProbe("x", "why", "lines", command=("/bin/ls", "/violetlantern"), privacy="secret"))
    assert str(caught.value) == "/bin/ls ended with 2: what it says is secret"
