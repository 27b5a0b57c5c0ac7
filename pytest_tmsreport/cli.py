"""`tmsreport`: what is to be done when no test runs."""

from __future__ import annotations

import difflib
import inspect
import io
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from . import migrations, shared_runs, translation
from . import vendor as vendor_module
from .client import Network, Request
from .config import Config, load, manual
from .doctor import examine
from .errors import HTTP, ConfigError, Fault, JournalError, TmsError
from .gather import folders_below, gather, without_copies
from .journal import Head, RunFolder, folders, is_held
from .masking import masker
from .model import to_json
from .pending import survey
from .render import count, plain, utc
from .sender import LOG
from .settings_text import INI, TOML
from .shared_runs import Said, Task
from .sources import find_root, variable_name
from .tally import lines, of_files
from .upload import Conditions, upload
from .vendor import Vendor

Function = TypeVar("Function", bound=Callable[..., Any])


class _Group(click.Group):
    """Ends a command that raises one of our errors with its text and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a name that it cannot show must stop nothing
        try:
            return super().invoke(ctx)
        except TmsError as error:
            click.echo(f"tmsreport: {plain(str(error), 2000)}", err=True)
            ctx.exit(2)


def _settings_options(function: Function) -> Function:
    for option in (
        click.option("--set", "sets", multiple=True, metavar="NAME.KEY=VALUE", help="A setting; secrets are refused."),
        click.option("--rootdir", type=click.Path(path_type=Path, file_okay=False), help="Where the settings file is."),
    ):
        function = option(function)
    return function


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-tmsreport")
def main() -> None:
    """Reports pytest results to test-management tools."""


@main.command()
@click.argument("runs", nargs=-1, metavar="[RUN|DIR]...")
@click.option("--to", "only", multiple=True, metavar="NAME", help="Only to this destination.")
@click.option("--refused", "again", is_flag=True, help="Send what was refused before as well.")
@click.option("--even-if-doubled", is_flag=True, help="Send what may have arrived already as well.")
@click.option("--one-run", is_flag=True, help="Gather the journals, and send them as one run, which is completed.")
@click.option("--dry-run", is_flag=True, help="Print every request that would be sent, and send none.")
@click.option("--deadline-s", type=float, default=600.0, show_default=True, help="Most seconds to wait for a server.")
@_settings_options
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
    chosen, copies = without_copies(_chosen(runs, root, config))
    for copy, original in copies:
        click.echo(f"{plain(str(copy.path))}: a copy of {plain(str(original.path))}, which is sent in its place")
    due = [folder for folder in chosen if ((runs or again) and not one_run) or not folder.is_delivered]
    if not due:
        click.echo(f"nothing to send in {_base(root, config)}")
    elif one_run:
        due = [gather(due, _base(root, config))]
    sys.exit(max((_send_one(folder, root, only, options) for folder in due), default=0))


class _SendOptions(NamedTuple):
    sets: Sequence[str]
    deadline_s: float
    again: bool
    even_if_doubled: bool
    dry_run: bool


@main.command("open")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--env", "as_env", is_flag=True, help="Print TMSREPORT_<NAME>_RUN_ID=ID, for a CI's file of variables.")
@click.option("--deadline-s", type=float, default=120.0, show_default=True, help="Most seconds to wait for a server.")
@_settings_options
def open_runs(
    names: Sequence[str], sets: Sequence[str], rootdir: Path | None, deadline_s: float, *, as_env: bool
) -> None:
    """Opens a run for several machines and prints its id, for `run_id` of the jobs that follow.

    The id alone where there is one destination, else a line NAME=ID for each. Exits with 0 only where all are open.
    """
    task = Task(rootdir or find_root(Path.cwd()), os.environ, sets, names, deadline_s)
    _say(shared_runs.open_runs(task, as_env=as_env))


@main.command("close")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--run", "ids", multiple=True, metavar="ID", help="The run; NAME=ID where there are several destinations."
)
@click.option("--deadline-s", type=float, default=120.0, show_default=True, help="Most seconds to wait for a server.")
@_settings_options
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


@main.command("runs")
@_settings_options
def list_runs(sets: Sequence[str], rootdir: Path | None) -> None:
    """Lists the runs of the project: what is delivered, kept and refused."""
    root = rootdir or find_root(Path.cwd())
    config = load(root, os.environ, sets=sets)
    found = folders(_base(root, config))
    if not found:
        click.echo(f"no runs in {_base(root, config)}")
    for folder in found:
        try:
            _list(folder)
        except JournalError as error:  # noqa: PERF203 - the others are listed all the same
            click.echo(plain(str(error), 1000), err=True)


@main.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@_settings_options
def show(run: str, sets: Sequence[str], rootdir: Path | None, *, as_json: bool) -> None:
    """Shows the results of a run, and what became of them."""
    root = rootdir or find_root(Path.cwd())
    config = load(root, os.environ, sets=sets)
    for folder in _chosen([run], root, config):
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


@main.command()
@click.argument("name", required=False)
def vendors(name: str | None) -> None:
    """Lists the tools that can be reported to, or prints the manual page of one."""
    if name:
        _manual_page(name, vendor_module.find(_known(name)))
        return
    rows = [(each, vendor_module.find(each)) for each in vendor_module.names()]
    table = [
        ("name", "tool", "results at once", "requests a minute", "files", "held against"),
        *((key, kind.label, *_limits(kind), kind.proof) for key, kind in rows),
    ]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@main.command(context_settings={"ignore_unknown_options": True})  # a code may begin with a minus
@click.argument("vendor")
@click.argument("code")
def explain(vendor: str, code: str) -> None:
    """Says what a tool's error CODE means, whether it is retried, and what to do."""
    kind = vendor_module.find(_known(vendor))
    number: int | str = int(code) if code.removeprefix("-").isdecimal() else code
    fault = kind.errors.explain(number)
    if fault is None:
        listed = sorted({*map(str, kind.errors.codes), *map(str, HTTP)})
        if isinstance(number, str) or not 300 <= number < 600:
            raise ConfigError(f"{kind.label} has no code {code!r}; known are: {', '.join(listed)}")
        fault = kind.errors.family(number)
        click.echo(f"{kind.label} does not document {code}; the nearest family says:")
    _explain(f"{kind.label} {code}", fault)


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--collect", is_flag=True, help="Ask pytest which cases the tests name, and the tools whether they know them."
)
@click.option("--json", "as_json", is_flag=True, help="All findings, as JSON.")
@click.option("--strict", is_flag=True, help="Exit with 1 where something is worth a warning.")
@_settings_options
def doctor(  # noqa: PLR0913 - the options of a command
    names: Sequence[str], sets: Sequence[str], rootdir: Path | None, *, collect: bool, as_json: bool, strict: bool
) -> None:
    """Looks for what is wrong before a test runs: settings, network, token, project, plans, cases, journal.

    Sends no result, and changes nothing at any tool. Exits with 0 where all is good or only worth a warning, with 2
    where something is broken.
    """
    marks = {"good": "ok     ", "warning": "warning", "broken": "BROKEN "}
    root = rootdir or find_root(Path.cwd())
    findings = list(examine(root, os.environ, only=names, sets=sets, collect=collect))
    if as_json:
        click.echo(json.dumps([finding.to_json() for finding in findings], indent=2))
    for finding in () if as_json else findings:
        click.echo(f"{marks[finding.level]} {plain(finding.text, 1000)}")
        for label, words in (("why", finding.why), ("what to do", finding.remedy)):
            if words:
                click.echo(f"        {label}: {plain(words, 500)}")
    levels = {finding.level for finding in findings}
    sys.exit(2 if "broken" in levels else int(strict and "warning" in levels))


@main.command()
@click.argument("name", required=False, metavar="[FROM]")
@click.option("--toml", "as_toml", is_flag=True, help="As tables of pyproject.toml.")
@click.option(
    "--rootdir", type=click.Path(path_type=Path, exists=True, file_okay=False), help="In place of this folder."
)
def migrate(name: str | None, rootdir: Path | None, *, as_toml: bool) -> None:
    """Prints our settings, made from those of another plugin in this folder and the environment.

    Secrets are named, and never printed. Without FROM, says which plugins' settings are found.
    """
    root = rootdir or Path.cwd()
    if name is None:
        for line in translation.detect(root, os.environ):
            click.echo(plain(line, 1000))
        click.echo("`tmsreport migrate NAME` prints what they become")
        return
    if name not in migrations.names():
        near = difflib.get_close_matches(name, migrations.names(), 1, 0.4)
        hint = f"; did you mean {near[0]}?" if near else ";"
        raise ConfigError(f"no settings of {name!r} can be migrated{hint} known are: {', '.join(migrations.names())}")
    click.echo(translation.text(translation.translate(name, root, os.environ), TOML if as_toml else INI), nl=False)


class _WithCommand(click.Command):
    """Keeps what stands behind `--` apart: it is another program's command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        place = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = args[place + 1 :]
        return super().parse_args(ctx, args[:place])


@main.command(cls=_WithCommand, options_metavar="[OPTIONS] [VENDOR]... [-- COMMAND...]")
@click.argument("names", nargs=-1, metavar="")
@click.option("--port", type=int, default=0, help="Port on 127.0.0.1; a free one by default.")
@click.option(
    "--trouble",
    "troubles",
    multiple=True,
    metavar="SPEC",
    help="429*3, 503, reset, lost-answer, hang, html or slow=0.2; each may end with @PATH (repeatable).",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write all that arrived.")
@click.pass_context
def sandbox(
    ctx: click.Context, names: Sequence[str], port: int, troubles: Sequence[str], json_file: Path | None
) -> None:
    """Stands in for tools on this machine, and runs COMMAND with the variables that lead to them.

    Prints what arrived and exits with the command's status; without a command, serves until Ctrl-C.
    """
    from .sandbox.command import run  # noqa: PLC0415 - flask is an extra

    ctx.exit(run(names, port=port, troubles=troubles, json_file=json_file, command=ctx.meta["command"]))


def _chosen(runs: Sequence[str], root: Path, config: Config) -> list[RunFolder]:
    base = _base(root, config)
    if not runs:
        return folders(base)
    found: list[RunFolder] = []
    for run in runs:
        here = folders_below(Path(run).resolve()) or folders(base / run)
        if not here:
            known = [folder.name for folder in folders(base)]
            near = difflib.get_close_matches(run, known, 1, 0.3)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{run}: no run and no folder of runs{hint} (`tmsreport runs` lists those in {base})")
        found += here
    return found


def _base(root: Path, config: Config) -> Path:
    return root / config.settings.folder


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


def _known(name: str) -> str:
    if name not in vendor_module.names():
        near = difflib.get_close_matches(name, vendor_module.names(), 1, 0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"there is no vendor {name!r}{hint} (`tmsreport vendors` lists them)")
    return name


def _manual_page(name: str, kind: type[Vendor]) -> None:
    click.echo(f"{name}: {kind.label}\n")
    click.echo(inspect.cleandoc(kind.__doc__ or ""))
    click.echo(f"\nHeld against: {kind.proof}.\n\nStatuses")
    for outcome, word in kind.statuses.items():
        click.echo(f"  {outcome.value:8} {word}")
    click.echo("\nSettings (in the file; or in the environment, <NAME> being the destination in capitals)")
    for key, help_text, default, variables in manual(kind):
        click.echo(f"  {key}{f' = {default}' if default else ''}")
        click.echo(f"      {help_text}")
        click.echo(f"      {', '.join(variables)}")
    click.echo("  status.<outcome>\n      the tool's word for an outcome, in place of the one above")
    click.echo(f"      {variable_name('<NAME>', 'status.<OUTCOME>')}")
    click.echo("\nErrors (`tmsreport explain " + name + " CODE` says more)")
    for code, fault in kind.errors.codes.items():
        click.echo(f"  {code!s:8} {fault.meaning}")


def _explain(title: str, fault: Fault) -> None:
    click.echo(f"{title}: {fault.meaning}")
    click.echo(f"  what the plugin does: {fault.in_words()}")
    click.echo(f"  what to do: {fault.remedy or 'nothing, unless it goes on'}")


def _limits(kind: type[Vendor]) -> tuple[str, str, str]:
    defaults = {key: default for key, _, default, _ in manual(kind)}
    files = "-"
    if kind.attach is not Vendor.attach or kind.files == "inline":
        number = f", {kind.files_per_request} at once" if kind.files_per_request > 1 else ""
        files = f"{kind.file_bytes // 2**20} MiB{number}"
    limit = defaults["requests_per_minute"]
    return defaults["batch_size"], "no limit" if limit in ("", "0") else limit, files
