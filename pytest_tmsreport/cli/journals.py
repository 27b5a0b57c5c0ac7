"""`tmsreport runs` and `show`: what is on disk, and what became of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..config import load
from ..errors import JournalError
from ..journal import Head, RunFolder, folders
from ..model import to_json
from ..render import count, plain, utc
from ..sources import find_root
from ..tally import of_files
from .options import base, chosen, settings_options


@click.command("runs")
@settings_options
def list_runs(sets: Sequence[str], rootdir: Path | None) -> None:
    """Lists the runs of the project: what is delivered, kept and refused."""
    root = rootdir or find_root(Path.cwd())
    config = load(root, os.environ, sets=sets)
    found = folders(base(root, config))
    if not found:
        click.echo(f"no runs in {base(root, config)}")
    for folder in found:
        try:
            _list(folder)
        except JournalError as error:  # noqa: PERF203 - the others are listed all the same
            click.echo(plain(str(error), 1000), err=True)


@click.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@settings_options
def show(run: str, sets: Sequence[str], rootdir: Path | None, *, as_json: bool) -> None:
    """Shows the results of a run, and what became of them."""
    root = rootdir or find_root(Path.cwd())
    config = load(root, os.environ, sets=sets)
    for folder in chosen([run], root, config):
        head = folder.head()
        if as_json:
            click.echo(json.dumps(_all_of(folder, head), indent=2, default=to_json))
            continue
        click.echo(f"{plain(folder.name)}  {plain(head.run.name)}  {utc(head.run.start)} UTC{_state(folder)}")
        receipts = {name: folder.receipts(name) for name in head.destinations}
        for result in folder.results():
            where = [
                f"{name}: {'delivered' if result.id in each.sent else each.refused.get(result.id, 'kept')}"
                for name, each in receipts.items()
            ]
            again = f" (attempt {result.attempt})" if result.attempt > 1 or result.superseded else ""
            click.echo(f"  {result.outcome.value:8}{again} {plain(result.nodeid)}  {plain('; '.join(where))}")
            if result.message:
                click.echo(f"           {plain(result.message)}")
            if result.attachments:
                names = ", ".join(f"{each.name} ({each.size} bytes)" for each in result.attachments)
                click.echo(f"           {plain(names)}")


def _list(folder: RunFolder) -> None:
    head = folder.head()
    total = sum(1 for result in folder.results() if not result.superseded)
    click.echo(f"{plain(folder.name)}  {plain(head.run.name)}  {count(total, 'result')}{_state(folder)}")
    for name in head.destinations:
        receipts = folder.receipts(name)
        run = f", run {plain(receipts.run_id)}" if receipts.run_id else ""
        left_out = sum(not remote for remote in receipts.attached.values())
        files = "".join(f", {words}" for words in of_files(len(receipts.attached) - left_out, 0, left_out))
        click.echo(f"  {name}: {len(receipts.sent)} delivered, {len(receipts.refused)} refused{files}{run}")


def _state(folder: RunFolder) -> str:
    end = folder.end()
    if end is None:
        return "  (running)" if folder.is_live() else "  (was killed)"
    not_run = end.get("not_run")
    return f"  ({count(len(not_run), 'test')} never ran)" if isinstance(not_run, list) and not_run else ""


def _all_of(folder: RunFolder, head: Head) -> dict[str, Any]:
    receipts = {name: folder.receipts(name) for name in head.destinations}
    return {
        "run": head.run,
        "destinations": {
            name: {
                "vendor": kind,
                "run_id": receipts[name].run_id,
                "delivered": sorted(receipts[name].sent),
                "refused": receipts[name].refused,
                "is_completed": receipts[name].closed,
            }
            for name, kind in head.destinations.items()
        },
        "results": list(folder.results()),
        "end": folder.end(),
    }
