"""`recipient`: the key that bundles may be encrypted to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caseprobe_collector.config import load_config


def recipient(
    config: Annotated[Path | None, typer.Option(help="settings file")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
) -> int:
    """Print the key (age1…) for customers who carry a bundle: `caseprobe bundle --encrypt KEY`."""
    from caseprobe.bundle.age import recipient_of
    from caseprobe_collector.storage import authority_of

    print(recipient_of(authority_of(load_config(config, data_folder=data_folder).data_folder).bundle_secret()))
    return 0
