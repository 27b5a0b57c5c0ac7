"""`python -m tests.bench WHAT [NAME…] [--short]`: measurements, as tables of Markdown."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from . import linear, memory, overhead, peers, reporters, startup, upload
from .contests import CONTESTS
from .environments import CannotInstallError
from .sessions import CannotMeasureError

REPORTERS = [reporters.short(each) for each in (reporters.OURS, *reporters.PEERS)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    for module in (overhead, startup):
        _add(commands, module, "REPORTER", REPORTERS)
    for module in (upload, memory, linear):
        _add(commands, module, "", [])
    _add(commands, peers, "TOOL", [each.tool for each in CONTESTS])
    options = parser.parse_args()
    module = options.module
    try:
        module.measure(options.names, module.SHORT if options.short else module.Sizes(), _tell)
    except (CannotInstallError, CannotMeasureError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _add(commands: Any, module: Any, word: str, names: list[str]) -> None:
    name = module.__name__.rpartition(".")[2]
    command = commands.add_parser(name, help=module.__doc__.splitlines()[0], description=module.__doc__)
    command.set_defaults(module=module, names=[])
    if names:
        command.add_argument("names", nargs="*", metavar=word, choices=[[], *names])
    command.add_argument("--short", action="store_true", help="small and once: whether it works, not what it costs")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


sys.exit(main())
