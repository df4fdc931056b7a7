"""The collector's settings: three layers, one clear line for what is wrong."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from caseprobe.errors import ConfigurationError
from caseprobe_collector.app.core import OTHER_FILES, places
from caseprobe_collector.config import CollectorConfig, load_config

HOME = {"HOME": "/home/ada", "XDG_DATA_HOME": ""}


def settings(
    tmp_path: Path, text: str = "", environment: dict[str, str] | None = None, **flags: object
) -> CollectorConfig:
    """The settings of a file with this text."""
    file = tmp_path / "collector.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, {**HOME, **(environment or {})}, **flags)


def test_flags_beat_the_environment_beats_the_file(tmp_path: Path) -> None:
    """And each setting says where it came from."""
    text = "link_port = 1\nhttps_port = 2\n\nmetrics_port = 3\n"
    environment = {"CASEPROBE_COLLECTOR_HTTPS_PORT": "20", "CASEPROBE_COLLECTOR_METRICS_PORT": "30"}
    config = settings(tmp_path, text, environment, metrics_port=300, https_host=None)
    assert (config.link_port, config.https_port, config.metrics_port) == (1, 20, 300)
    assert config.origins["link_port"] == f"{tmp_path}/collector.toml line 1"
    assert config.origins["https_port"] == "variable CASEPROBE_COLLECTOR_HTTPS_PORT"
    assert config.origins["metrics_port"] == "flag --metrics-port"
    assert config.origins["https_host"] == "default"


def test_what_is_not_set_has_its_default(tmp_path: Path) -> None:
    """The documented ports; the demo's plain console is off."""
    config = settings(tmp_path)
    assert (config.link_port, config.https_port, config.metrics_port) == (7443, 8443, 9443)
    assert (config.console_http_port, config.console_http_loopback) == (0, False)
    assert {"localhost", "127.0.0.1"} <= set(config.public_names)
    assert settings(tmp_path, "console_http_port = 8080").console_http_loopback


def test_names_and_folders_in_all_layers(tmp_path: Path) -> None:
    """A list in TOML, commas in a variable, a tuple from a flag; folders become absolute."""
    by_file = settings(tmp_path, 'public_names = ["desk.example", "192.0.2.1"]\ndata_folder = "~/x"')
    assert by_file.public_names == ("desk.example", "192.0.2.1")
    assert by_file.data_folder.is_absolute()
    by_variable = settings(tmp_path, environment={"CASEPROBE_COLLECTOR_PUBLIC_NAMES": "a.example, b.example"})
    assert by_variable.public_names == ("a.example", "b.example")
    assert settings(tmp_path, data_folder=tmp_path, public_names=("c",)).data_folder == tmp_path


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    """CASEPROBE_COLLECTOR_CONFIG is a file, not a setting."""
    (tmp_path / "other.toml").write_text("link_port = 5")
    assert load_config(None, {**HOME, "CASEPROBE_COLLECTOR_CONFIG": str(tmp_path / "other.toml")}).link_port == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nlink_prot = 1", "line 2: 'link_prot' is no setting; there are data_folder, public_names"),
        ("link_port = 65536", "line 1: link_port: 65536 is not a port"),
        ("link_port = true", "line 1: link_port: True is not a port"),
        ("link_port = -1", "line 1: link_port: -1 is not a port"),
        ("link_port = 1.5", "line 1: link_port: 1.5 is not a port"),
        ('link_port = "٣"', "line 1: link_port: '٣' is not a port"),
        ('public_names = "a,,b"', "line 1: public_names: '' is not a text"),
        ("public_names = []", "public_names: at least one name"),
        ("public_names = 5", "line 1: public_names: 5 is not a list of names"),
        ('link_host = ""', "line 1: link_host: '' is not a text"),
        ('server_key_file = "/k"', "server_certificate_file, server_key_file: give both or neither"),
        ("link_port = ", "not TOML: Invalid value \\(at line 1, column 13\\)"),
        ("[collector]\nlink_port = 1", "line 1: 'collector' is no setting"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    """File, line, key and what would be right."""
    with pytest.raises(ConfigurationError, match=message):
        settings(tmp_path, text)


def test_a_variable_that_is_wrong_is_named() -> None:
    """As a variable."""
    with pytest.raises(ConfigurationError, match="variable CASEPROBE_COLLECTOR_LINK_PORT: link_port: 'x' is not"):
        load_config(None, {**HOME, "CASEPROBE_COLLECTOR_LINK_PORT": "x"})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Absent, a folder, or not text."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, reason in (
        (tmp_path / "absent", "No such file"),
        (tmp_path, "directory"),
        (tmp_path / "binary", "decode"),
    ):
        with pytest.raises(ConfigurationError, match=f"{path.name}.* cannot be read: .*{reason}"):
            load_config(path, HOME)


@pytest.mark.parametrize("text", ["0", "50001", "-1", "true", '"many"', "1.5"])
def test_how_many_machines_has_bounds(tmp_path: Path, text: str) -> None:
    """One to as many as one process can hear; anything else is a line that names the setting."""
    assert settings(tmp_path).most_machines == 10_000
    assert settings(tmp_path, "most_machines = 50000").most_machines == 50_000
    with pytest.raises(ConfigurationError, match=r"line 1: most_machines: .* is not a number of machines"):
        settings(tmp_path, f"most_machines = {text}")


def test_no_more_machines_than_files_can_be_open() -> None:
    """Where the system allows fewer files the limit is lower: a machine hears of it, and meets no broken line."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert places(100) == 100
    if hard != resource.RLIM_INFINITY:
        assert places(hard + 5) == hard - OTHER_FILES
