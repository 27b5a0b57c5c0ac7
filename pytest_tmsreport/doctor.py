"""Finds what is wrong before a test runs: in settings, at each destination, in the journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .checkup import checkup
from .collecting import collected
from .config import Config, load, trace
from .errors import ConfigError, JournalError, SelectionError
from .findings import Finding
from .journal import folders
from .model import Result
from .pending import survey
from .reaching import Means
from .render import count, plain
from .sources import source_of

MEANS = Means()


def examine(  # noqa: PLR0913 - what a command line says
    root: Path,
    environ: Mapping[str, str],
    *,
    only: Sequence[str] = (),
    sets: Sequence[str] = (),
    collect: bool = False,
    means: Means = MEANS,
) -> Iterator[Finding]:
    """Looks at everything that a session would use, and changes nothing at any tool.

    With `collect` pytest is asked which cases the tests name. Raises ConfigError for a destination or override that
    cannot be meant.
    """
    config = load(root, environ, sets=sets, only=only)
    if "" in config.problems:
        yield Finding("broken", "settings", "settings", str(config.problems[""]), "correct the settings file")
        return
    yield from _settings(root, environ, config)
    tests: Sequence[Result] | None = None
    if collect:
        try:
            tests = collected(root, environ, config)
            yield Finding("good", "collection", "collection", f"{count(len(tests), 'test')} in {root}")
        except SelectionError as error:
            yield Finding("broken", "collection", "collection", str(error), "run `pytest --collect-only` there")
    for vendor in config.destinations:
        for finding in checkup(vendor, config.settings, tests, means):
            yield replace(finding, what=config.mask(finding.what))
    yield from _journal(root, config)


def _settings(root: Path, environ: Mapping[str, str], config: Config) -> Iterator[Finding]:
    source = source_of(root, environ, config.sets)
    words = str(root / source.file) if source.file else f"no file in {root} has any"
    yield Finding("good", "settings", "settings", words)
    if not config.wanted:
        remedy = f"add a section {source.where('NAME')}, or name one"
        yield Finding("broken", "settings", "settings", "no destination", remedy)
    for name, kind in config.wanted.items():
        try:
            for key, value, where in trace(name, source):
                yield Finding("good", name, "settings", f"{key} = {plain(config.mask(value))} ({where})")
        except ConfigError:
            pass  # said below, as the destination's problem
        if name in config.problems:
            yield Finding("broken", name, "settings", str(config.problems[name]), f"see `tmsreport vendors {kind}`")


def _journal(root: Path, config: Config) -> Iterator[Finding]:
    base = root / config.settings.folder
    place = base if base.exists() else base.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            yield Finding("good", "journal", "journal", f"{base} can be written")
    except OSError as error:
        words = f"{base} cannot be written: {error}"
        yield Finding("broken", "journal", "journal", words, "set `dir` or TMSREPORT_DIR")
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
            remedy = f"remove {folder.path} if you do not need it"
            yield Finding("warning", "journal", "undelivered", str(error), remedy)
            continue
        left = {name: each.pending + each.doubtful + each.refused for name, each in found.items()}
        if any(left.values()):
            words = ", ".join(f"{count(number, 'result')} to {name}" for name, number in left.items() if number)
            what = f"{folder.name} is not delivered: {words}"
            yield Finding("warning", "journal", "undelivered", what, f"tmsreport send {folder.path}")
