"""`backup` and `restore`: everything into a new folder while the collector runs, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caseprobe_collector.cli.printing import tell, warn
from caseprobe_collector.config import load_config

if TYPE_CHECKING:
    from caseprobe_collector.storage.backup import BackupReport

Config = Annotated[Path | None, typer.Option(help="settings file")]
DataFolder = Annotated[Path | None, typer.Option(help="where everything is kept")]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON")]


def backup(
    target: Annotated[Path, typer.Argument(help="a new folder")],
    config: Config = None,
    data_folder: DataFolder = None,
    json_output: AsJson = False,
) -> int:
    """Copy database, objects and the authority's key into a new folder; the collector may run meanwhile."""
    from caseprobe_collector.storage.backup import back_up

    settings = load_config(config, data_folder=data_folder)
    report = back_up(settings.data_folder, target, datetime.now(UTC))
    _tell(report, f"backed up to {target}", json_output)
    return 0


def restore(
    source: Annotated[Path, typer.Argument(help="the folder of a backup")],
    config: Config = None,
    data_folder: DataFolder = None,
    json_output: AsJson = False,
) -> int:
    """Make an empty data folder what it was; refuses a backup of which one byte is wrong."""
    from caseprobe_collector.storage.backup import restore as restore_backup

    settings = load_config(config, data_folder=data_folder)
    report = restore_backup(source, settings.data_folder)
    _tell(report, f"restored to {settings.data_folder}", json_output)
    warn(f"what machines delivered after {report.created_at} is not in it; they do not send it again")
    return 0


def _tell(report: BackupReport, what: str, as_json: bool) -> None:
    size = report.size_bytes / (1 << 20)
    tell(
        {**vars(report), "damaged": list(report.damaged)},
        as_json,
        [f"{what}: {report.files_total} files, {size:.1f} MiB, as of {report.created_at}"],
    )
    for name in report.damaged:
        warn(f"damaged when the backup was taken: {name}")
