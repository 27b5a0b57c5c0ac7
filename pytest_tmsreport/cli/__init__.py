"""`tmsreport`: what is to be done when no test runs."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from ..errors import TmsError
from ..render import plain
from .journals import list_runs, show
from .sending import send
from .settings import doctor, migrate
from .sharing import close_runs, open_runs
from .standing_in import sandbox
from .tools import explain, vendors


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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-tmsreport")
def main() -> None:
    """Reports pytest results to test-management tools."""


for command in (send, open_runs, close_runs, list_runs, show, vendors, explain, doctor, migrate, sandbox):
    main.add_command(command)
