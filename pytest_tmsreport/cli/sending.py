"""`tmsreport send`: what is not delivered yet."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from ..client import Network, Request
from ..config import Config, load
from ..errors import ConfigError, JournalError
from ..gather import gather, without_copies
from ..journal import RunFolder, is_held
from ..masking import masker
from ..pending import survey
from ..render import plain
from ..sender import LOG
from ..sources import find_root
from ..tally import lines
from ..upload import Conditions, upload
from ..vendor import Vendor
from .options import base, chosen, settings_options


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN|DIR]...")
@click.option("--to", "only", multiple=True, metavar="NAME", help="Only to this destination.")
@click.option("--refused", "again", is_flag=True, help="Send what was refused before as well.")
@click.option("--even-if-doubled", is_flag=True, help="Send what may have arrived already as well.")
@click.option("--one-run", is_flag=True, help="Gather the journals, and send them as one run, which is completed.")
@click.option("--dry-run", is_flag=True, help="Print every request that would be sent, and send none.")
@click.option("--deadline-s", type=float, default=600.0, show_default=True, help="Most seconds to wait for a server.")
@settings_options
def send(  # noqa: PLR0913 - the options of a command
    runs: Sequence[str],
    only: Sequence[str],
    sets: Sequence[str],
    rootdir: Path | None,
    deadline_s: float,
    *,
    again: bool,
    even_if_doubled: bool,
    one_run: bool,
    dry_run: bool,
) -> None:
    """Sends what is not delivered yet: of a RUN, of the runs anywhere in a DIR, or of every run of the project.

    Journals that were written with one run key join its run, others have runs of their own. --one-run puts all that is
    not delivered into a new journal of the project, and sends that as one run, which is then completed. Settings come
    from the project's file and the environment, never from the journal. Exits with 0 only when nothing is left, with 1
    when something is, with 2 when a setting is wrong.
    """
    root = rootdir or find_root(Path.cwd())
    config = load(root, os.environ, sets=sets)
    options = _SendOptions(sets, deadline_s, again, even_if_doubled, dry_run)
    wanted, copies = without_copies(chosen(runs, root, config))
    for copy, original in copies:
        click.echo(f"{plain(str(copy.path))}: a copy of {plain(str(original.path))}, which is sent in its place")
    due = [folder for folder in wanted if ((runs or again) and not one_run) or not folder.is_delivered]
    if not due:
        click.echo(f"nothing to send in {base(root, config)}")
    elif one_run:
        due = [gather(due, base(root, config))]
    sys.exit(max((_send_one(folder, root, only, options) for folder in due), default=0))


class _SendOptions(NamedTuple):
    sets: Sequence[str]
    deadline_s: float
    again: bool
    even_if_doubled: bool
    dry_run: bool


def _send_one(folder: RunFolder, root: Path, only: Sequence[str], options: _SendOptions) -> int:
    """Sends one run; returns 0 where nothing of it is left, 1 where something is, 2 where a setting is wrong."""
    try:
        return _send_run(folder, root, only, options)
    except JournalError as error:
        click.echo(plain(str(error), 1000), err=True)
        return 1


def _send_run(folder: RunFolder, root: Path, only: Sequence[str], options: _SendOptions) -> int:
    head = folder.head()
    click.echo(f"{plain(folder.name)}  {plain(head.run.name)}")
    if folder.end() is None and folder.is_live():
        click.echo("  its session is still running: send it when that has ended")
        return 1
    if is_held(folder.path / LOG):
        click.echo("  its sender is still at work in the background: waiting for that to end")
        _wait_while(lambda: is_held(folder.path / LOG), options.deadline_s)
    names = only or list(head.destinations)
    if not names:
        click.echo("  it was made for no destination: name one with --to")
        return 1
    status = 0
    wanted: list[Vendor] = []
    for name in names:
        try:
            wanted += _destinations(root, options.sets, name)
        except ConfigError as error:  # noqa: PERF203 - the others are sent all the same
            click.echo(f"{name}: {plain(str(error), 1000)}", err=True)
            status = 2
    if wanted and not _upload(folder, wanted, load(root, os.environ, sets=options.sets), options):
        status = status or 1
    return status


def _wait_while(is_so: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while is_so() and time.monotonic() < ends:
        time.sleep(0.1)


def _destinations(root: Path, sets: Sequence[str], name: str) -> Sequence[Vendor]:
    """The destination of that name as it is configured here, and nowhere else."""
    config = load(root, os.environ, sets=sets, only=[name])
    if config.problems:
        raise next(iter(config.problems.values()))
    return config.destinations


def _upload(folder: RunFolder, wanted: Sequence[Vendor], config: Config, options: _SendOptions) -> bool:
    """True where nothing is left."""
    settings = config.settings
    total = sum(survey(folder, vendor).pending for vendor in wanted)
    ends = time.monotonic() + options.deadline_s
    writing = threading.Lock()
    mask = masker([*config.secrets, *(secret for vendor in wanted for secret in vendor.secrets())], settings.mask)

    def command(*more: str) -> str:
        sets = [part for each in options.sets for part in ("--set", each)]
        path = os.path.relpath(folder.path)
        return shlex.join(["tmsreport", "send", *sets, *more, path if path.isprintable() else plain(path)])

    def rehearse(name: str, request: Request) -> None:
        with writing:
            first, *rest = request.shown(mask)
            click.echo("\n".join([f"{name}: {first}", *rest]))

    with click.progressbar(length=total, label="sending", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(_name: str, done: int) -> None:
            with writing:
                bar.update(done)

        conditions = Conditions(
            network=Network(settings.ca_bundle, settings.client_cert, settings.proxy),
            deadline=lambda: ends,
            mask=mask,
            again=options.again,
            even_if_doubled=options.even_if_doubled,
            rehearse=rehearse if options.dry_run else None,
            progress=progress,
        )
        tallies = upload(folder, wanted, conditions)
    for tally in tallies:
        if options.dry_run and not tally.reason:
            click.echo(f"{tally.name}: dry run: nothing is sent")
            continue
        for line in lines(tally, command):
            click.echo(line.masked(mask))
    return not (options.dry_run and total) and all(tally.is_complete for tally in tallies)
