"""`python -m tests.bench peers [TOOL…] [--short]`: measurements, as tables of Markdown."""

from __future__ import annotations

import argparse
import sys

from . import peers
from .contests import CONTESTS
from .environments import CannotInstallError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    against = commands.add_parser("peers", help=peers.__doc__)
    against.add_argument("tools", nargs="*", metavar="TOOL", choices=[[], *(each.tool for each in CONTESTS)])
    against.add_argument("--short", action="store_true", help="small suites, one round: whether it works, not how fast")
    options = parser.parse_args()
    try:
        _tell(peers.HEAD)
        peers.measure(options.tools, peers.SHORT if options.short else peers.Sizes(), _tell)
    except CannotInstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


sys.exit(main())
