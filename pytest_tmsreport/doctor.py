"""Finds what is wrong with a destination before a test runs: settings, network, token, project, journal."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .client import Client, Network
from .config import Config, Settings, load, trace
from .errors import AuthError, ConfigError, JournalError, NotFound, TransientError, VendorError
from .journal import folders
from .pending import survey
from .render import count, plain
from .sources import source_of
from .vendor import Vendor

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

PATIENCE_S = 20.0
"""How long a server may take: nobody waits for a doctor longer."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, and what to do where it is not good. `level` says how bad it is."""

    level: Literal["good", "warning", "broken"]
    text: str
    remedy: str = ""


def examine(
    root: Path,
    environ: Mapping[str, str],
    *,
    only: Sequence[str] = (),
    sets: Sequence[str] = (),
    transport: BaseAdapter | None = None,
) -> Iterator[Finding]:
    """Looks at everything that a session would use, and changes nothing at any tool.

    Raises ConfigError for a destination or override that cannot be meant.
    """
    config = load(root, environ, sets=sets, only=only)
    if "" in config.problems:
        yield Finding("broken", f"settings: {config.problems['']}")
        return
    source = source_of(root, environ, sets)
    yield Finding("good", f"settings: {root / source.file}" if source.file else f"settings: no file in {root} has any")
    if not config.wanted:
        yield Finding("broken", "settings: no destination", f"add a section {source.where('NAME')}, or name one")
    for name, kind in config.wanted.items():
        try:
            for key, value, where in trace(name, source):
                yield Finding("good", f"{name}: {key} = {plain(config.mask(value))} ({where})")
        except ConfigError:
            pass  # said below, as the destination's problem
        if name in config.problems:
            yield Finding("broken", f"{name}: {config.problems[name]}", f"see `tmsreport vendors {kind}`")
    for vendor in config.destinations:
        yield from _server(vendor, config.settings, transport)
    yield from _journal(root, config)


def _server(vendor: Vendor, settings: Settings, transport: BaseAdapter | None) -> Iterator[Finding]:
    ends = time.monotonic() + PATIENCE_S
    network = Network(settings.ca_bundle, settings.client_cert, settings.proxy)
    client = Client(vendor, network=network, deadline=lambda: ends, transport=transport)
    if not vendor.can("verify"):
        yield Finding("warning", f"{vendor.name}: {vendor.label} offers no way to try a token", "run one test")
        return
    try:
        vendor.verify(client)
        if vendor.run_id and vendor.can("read_run"):
            vendor.read_run(client, vendor.run_id)
    except TransientError as error:
        yield Finding("broken", f"{vendor.name}: cannot be reached: {error}", error.remedy)
    except AuthError as error:
        yield Finding("broken", f"{vendor.name}: the token or its rights: {error}", error.remedy)
    except NotFound as error:
        yield Finding("broken", f"{vendor.name}: the project: {error}", error.remedy)
    except VendorError as error:
        yield Finding("broken", f"{vendor.name}: {error}", error.remedy)
    else:
        yield Finding("good", f"{vendor.name}: {vendor.base_url} answers; token and project are right")
    finally:
        client.close()


def _journal(root: Path, config: Config) -> Iterator[Finding]:
    base = root / config.settings.folder
    place = base if base.exists() else base.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            yield Finding("good", f"journal: {base} can be written")
    except OSError as error:
        yield Finding("broken", f"journal: {base} cannot be written: {error}", "set `dir` or TMSREPORT_DIR")
    try:
        found_here = folders(base)
    except JournalError:  # as was just said
        return
    for folder in found_here:
        if folder.is_delivered:
            continue
        try:
            found = {vendor.name: survey(folder, vendor) for vendor in config.destinations}
        except JournalError as error:
            yield Finding("warning", f"journal: {error}", f"remove {folder.path} if you do not need it")
            continue
        left = {name: each.pending + each.doubtful + each.refused for name, each in found.items()}
        if any(left.values()):
            words = ", ".join(f"{count(number, 'result')} to {name}" for name, number in left.items() if number)
            yield Finding(
                "warning", f"journal: {folder.name} is not delivered: {words}", f"tmsreport send {folder.path}"
            )
