"""`tmsreport open` and `close`: a run for several machines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from .. import shared_runs
from ..shared_runs import Said, Task
from ..sources import find_root
from .options import settings_options


@click.command("open")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--env", "as_env", is_flag=True, help="Print TMSREPORT_<NAME>_RUN_ID=ID, for a CI's file of variables.")
@click.option("--deadline-s", type=float, default=120.0, show_default=True, help="Most seconds to wait for a server.")
@settings_options
def open_runs(
    names: Sequence[str], sets: Sequence[str], rootdir: Path | None, deadline_s: float, *, as_env: bool
) -> None:
    """Opens a run for several machines and prints its id, for `run_id` of the jobs that follow.

    The id alone where there is one destination, else a line NAME=ID for each. Exits with 0 only where all are open.
    """
    task = Task(rootdir or find_root(Path.cwd()), os.environ, sets, names, deadline_s)
    _say(shared_runs.open_runs(task, as_env=as_env))


@click.command("close")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--run", "ids", multiple=True, metavar="ID", help="The run; NAME=ID where there are several destinations."
)
@click.option("--deadline-s", type=float, default=120.0, show_default=True, help="Most seconds to wait for a server.")
@settings_options
def close_runs(
    names: Sequence[str], ids: Sequence[str], sets: Sequence[str], rootdir: Path | None, deadline_s: float
) -> None:
    """Completes a run that machines have shared: the one named, that of `run_id`, or every open one of the run key."""
    task = Task(rootdir or find_root(Path.cwd()), os.environ, sets, names, deadline_s)
    _say(shared_runs.close_runs(task, ids))


def _say(said: Said) -> None:
    for line in said.out:
        click.echo(line)
    for line in said.err:
        click.echo(line, err=True)
    sys.exit(said.status)
