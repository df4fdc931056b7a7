"""`python -m tests.kills --runs N`: kill a bundle at so many random moments, up to the first that is wrong."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.kills.play import Killed, draw, play
from tests.stand import Customer, Stand


def main(arguments: Sequence[str]) -> int:
    """Run them; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="replays the same moments")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", file=sys.stderr)
    random, done = Random(options.seed), []
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(Path(folder))
        try:
            stand.open()
            for number in range(options.runs):
                done.append(_one(stand, Path(folder) / f"customer-{number}", random))
        finally:
            stand.stop()
            stand.disk.close()
    print(_report(done))
    return 0


def _one(stand: Stand, folder: Path, random: Random) -> Killed:
    folder.mkdir()
    return play(stand, Customer(folder), draw(random))


def _report(done: Sequence[Killed]) -> str:
    left = Counter(one.members for one in done if one.alive)
    commands = Counter(one.went_on_by or "nothing: it had arrived" for one in done)
    return (
        f"{len(done)} runs, {sum(one.alive for one in done)} killed, nothing lost, nothing twice; "
        f"members left: {dict(sorted(left.items()))}; went on by: {dict(commands)}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
