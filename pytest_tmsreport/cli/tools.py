"""`tmsreport vendors` and `explain`: what there is to know of a tool."""

from __future__ import annotations

import difflib
import inspect

import click

from .. import vendor as vendor_module
from ..config import manual
from ..errors import HTTP, ConfigError, Fault
from ..sources import variable_name
from ..vendor import Vendor


@click.command()
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


@click.command(context_settings={"ignore_unknown_options": True})  # a code may begin with a minus
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
