"""`tmsreport sandbox`: stand-ins for tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click


class _WithCommand(click.Command):
    """Keeps what stands behind `--` apart: it is another program's command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        place = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = args[place + 1 :]
        return super().parse_args(ctx, args[:place])


@click.command(cls=_WithCommand, options_metavar="[OPTIONS] [VENDOR]... [-- COMMAND...]")
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
    from ..sandbox.command import run  # noqa: PLC0415 - flask is an extra

    ctx.exit(run(names, port=port, troubles=troubles, json_file=json_file, command=ctx.meta["command"]))
