"""`tmsreport sandbox`: serves stand-ins around a command, or until Ctrl-C, and says what arrived."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConfigError
from . import catalog

if TYPE_CHECKING:
    from .server import Served

NOT_STARTED = 127


def run(
    vendors: Sequence[str], *, port: int, troubles: Sequence[str], json_file: Path | None, command: Sequence[str]
) -> int:
    """Serves the vendors (none: all that have a sandbox), runs the command, and returns its status.

    A command that a signal ended counts as 128 and the signal's number, one that cannot be started as 127. Raises
    ConfigError for what was typed wrong.
    """
    sandboxes = [catalog.create(name) for name in dict.fromkeys(vendors or catalog.names())]
    if json_file and not json_file.resolve().parent.is_dir():
        raise ConfigError(f"--json {json_file}: there is no such folder")
    from .server import serve  # noqa: PLC0415 - needs Flask's own server, whose absence `create` explains

    with serve(sandboxes, port=port, troubles=troubles) as served:
        status = _run_command(command, served) if command else _wait(served)
    for box in served.boxes.values():
        for line in box.summary():
            click.echo(line)
    written = _write(json_file, served)
    return status or written


def _run_command(command: Sequence[str], served: Served) -> int:
    environ = {**os.environ, **_direct(), **served.environment}
    try:
        with _leaving_ctrl_c_to_the_command():
            status = subprocess.run(command, env=environ, check=False).returncode  # noqa: S603 - it is asked for
    except (OSError, ValueError) as error:
        click.echo(f"tmsreport sandbox: cannot start {command[0]!r}: {error}", err=True)
        return NOT_STARTED
    return status if status >= 0 else 128 - status


@contextmanager
def _leaving_ctrl_c_to_the_command() -> Iterator[None]:
    """Ctrl-C reaches the command as well, which decides what it means; a handler is not inherited, `SIG_IGN` would be.

    Catching KeyboardInterrupt would not do: raised while the command is being waited for, it can lose its status.
    """
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wait(served: Served) -> int:
    for key, value in served.environment.items():
        click.echo(f"export {key}={shlex.quote(value)}")
    click.echo(f"# what arrives is shown at {served.url}/ ; Ctrl-C ends")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


def _direct() -> Mapping[str, str]:
    """Variables that keep a proxy of the environment away from loopback."""
    hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    direct = ",".join(part for part in (hosts, "127.0.0.1") if part)
    return {"NO_PROXY": direct, "no_proxy": direct}


def _write(json_file: Path | None, served: Served) -> int:
    if json_file is None:
        return 0
    found = {name: box.to_json() for name, box in served.boxes.items()}
    try:
        json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        click.echo(f"tmsreport sandbox: cannot write {json_file}: {error}", err=True)
        return 1
    return 0
