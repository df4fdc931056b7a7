"""Make a bundle of what another program recorded of a machine, so that it can be judged, shown, compared and carried.

FILE is an archive of sosreport (.tar.xz, .tar.gz, or its folder) or of insights-client, or a report of `mtr --json` or
of `smartctl --json` (several for the disks of one machine). What the input does not tell is named as not measured.
Nothing is unpacked to disk; names in the bundle are stand-ins under your own key, as in every bundle.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from caseprobe_agent.cli import options

SUMMARY = "make a bundle of a sosreport, an insights archive, or reports of mtr and smartctl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `import`."""
    parser.add_argument("file", type=Path, nargs="+", metavar="FILE", help="an archive, its folder, or reports in JSON")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="where the bundle goes (default: the working folder)"
    )
    options.add_json(parser)
    options.add_fail_on(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle and print what was found; gives the exit code."""
    from caseprobe_agent.app.importing import import_bundle

    settings = options.settings_of()
    result = asyncio.run(import_bundle(settings, arguments.file, arguments.output))
    from caseprobe_agent.cli import judgement
    from caseprobe_agent.cli.one_shot import document, show_result

    if arguments.json:
        print(json.dumps(document(result, ", ".join(map(str, arguments.file))), ensure_ascii=False))
    else:
        show_result(result, settings.language, reviewed=False)
    return int(judgement.fails(result.snapshot.findings, arguments.fail_on))
