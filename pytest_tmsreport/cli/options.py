"""What commands have in common: where the project is, and which of its runs are meant."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import Config
from ..errors import ConfigError
from ..gather import folders_below
from ..journal import RunFolder, folders

Function = TypeVar("Function", bound=Callable[..., Any])


def settings_options(function: Function) -> Function:
    """Adds `--set` and `--rootdir` to a command."""
    for option in (
        click.option("--set", "sets", multiple=True, metavar="NAME.KEY=VALUE", help="A setting; secrets are refused."),
        click.option("--rootdir", type=click.Path(path_type=Path, file_okay=False), help="Where the settings file is."),
    ):
        function = option(function)
    return function


def chosen(runs: Sequence[str], root: Path, config: Config) -> list[RunFolder]:
    """The runs that are named, by name or folder; all of the project where none is. Raises ConfigError."""
    place = base(root, config)
    if not runs:
        return folders(place)
    found: list[RunFolder] = []
    for run in runs:
        here = folders_below(Path(run).resolve()) or folders(place / run)
        if not here:
            known = [folder.name for folder in folders(place)]
            near = difflib.get_close_matches(run, known, 1, 0.3)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{run}: no run and no folder of runs{hint} (`tmsreport runs` lists those in {place})")
        found += here
    return found


def base(root: Path, config: Config) -> Path:
    """Where the project keeps its journals."""
    return root / config.settings.folder
