"""`tmsreport doctor` and `migrate`: whether the settings are good, and where they come from."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from .. import migrations, translation
from ..doctor import examine
from ..errors import ConfigError
from ..render import plain
from ..settings_text import INI, TOML
from ..sources import find_root
from .options import settings_options


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--collect", is_flag=True, help="Ask pytest which cases the tests name, and the tools whether they know them."
)
@click.option("--json", "as_json", is_flag=True, help="All findings, as JSON.")
@click.option("--strict", is_flag=True, help="Exit with 1 where something is worth a warning.")
@settings_options
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


@click.command()
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
