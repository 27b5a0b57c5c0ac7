"""What `tmsreport open` and `tmsreport close` do: a run there before the first machine, completed after the last."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from .client import Client, Network
from .config import Config, load
from .errors import ConfigError, PermanentError, VendorError
from .journal import new_id
from .machines import join
from .model import Run
from .naming import new_run
from .render import plain
from .sources import variable_name
from .vendor import Vendor

_ID = re.compile(r"[\w.:@/-]{1,200}", re.ASCII)
"""What may stand in a script and in a file of variables: a server names the run."""


@dataclass
class Said:
    """What a command has to say: lines for another program, lines for a person, and its exit status."""

    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    status: int = 0

    def fail(self, status: int, *lines: str) -> None:
        """Says what went wrong."""
        self.err += lines
        self.status = max(self.status, status)


@dataclass(frozen=True)
class Task:
    """Where settings are looked up, which destinations are meant (none: all), and how many seconds a server has."""

    root: Path
    environ: Mapping[str, str]
    sets: Sequence[str]
    names: Sequence[str]
    deadline_s: float


def open_runs(task: Task, *, as_env: bool = False) -> Said:
    """Opens a run at each destination and says its id: bare where there is one destination, else as `NAME=ID`.

    `as_env` says it as the variable that the next jobs need. Where the settings have a run key, one of that key that is
    open already is taken. Raises ConfigError for a destination that cannot be meant.
    """
    said, config, run = _begun(task)
    shared = run if run.key else replace(run, key=run.id)  # which nobody else has
    for vendor in config.destinations:
        if not vendor.has_runs:
            said.err.append(f"{vendor.name}: {vendor.label} has no runs: any number of machines may report to it")
        elif vendor.run_id:
            said.fail(2, f"{vendor.name}: `run_id` is {plain(vendor.run_id)} already: take it out to open another")
        else:
            with _talking(vendor, config, task, said) as http:
                if run.key:
                    run_id = join(vendor, http, shared, opening=None, pause=time.sleep)
                else:
                    run_id = vendor.open_run(http, shared)
                if not _ID.fullmatch(run_id):
                    raise PermanentError(f"the id of the run is {plain(run_id)!r}", vendor=vendor.name)
                name = f"{variable_name(vendor.name, 'run_id')}=" if as_env else f"{vendor.name}="
                said.out.append(f"{name if as_env or len(config.wanted) > 1 else ''}{run_id}")
    return said


def close_runs(task: Task, ids: Sequence[str]) -> Said:
    """Completes a run at each destination: the one named by `ids` (`ID`, or `NAME=ID`), by the settings, or by its key.

    Raises ConfigError for a destination or an id that cannot be meant.
    """
    said, config, run = _begun(task)
    named = _named(ids, list(config.wanted))
    for vendor in config.destinations:
        run_id = named.get(vendor.name) or vendor.run_id
        if not (vendor.has_runs and vendor.closes):
            said.out.append(f"{vendor.name}: {vendor.label} completes no run with these settings")
        elif not (run_id or run.key):
            said.fail(
                2, f"{vendor.name}: which run? Name it with --run ID, or with {variable_name(vendor.name, 'run_id')}"
            )
        else:
            with _talking(vendor, config, task, said) as http:
                for each in [run_id] if run_id else _of_key(vendor, http, run, said):
                    vendor.close_run(http, each)
                    said.out.append(f"{vendor.name}: run {plain(each)} is completed")
    return said


def _begun(task: Task) -> tuple[Said, Config, Run]:
    config = load(task.root, task.environ, sets=task.sets, only=task.names)
    if not config.wanted and not config.problems:
        raise ConfigError("no settings name a destination: add a section, or name one")
    said = Said()
    for name, problem in config.problems.items():
        said.fail(2, f"{name or 'settings'}: {plain(config.mask(str(problem)), 1000)}")
    start, mask = time.time(), config.mask
    run = new_run(new_id(start), start, config.settings, task.environ, task.root, mask=mask)
    tags = tuple(mask(tag) for tag in run.tags)
    return said, config, replace(run, name=mask(run.name), description=mask(run.description), tags=tags)


def _of_key(vendor: Vendor, http: Client, run: Run, said: Said) -> Iterator[str]:
    """Every open run of the key: of two that were made in the same moment, one may have stayed."""
    seen: set[str] = set()
    while (found := vendor.find_run(http, run)) is not None and found not in seen:
        seen.add(found)
        yield found
    if not seen:
        said.out.append(f"{vendor.name}: there is no open run of the key {plain(run.key)!r}: nothing to complete")


def _named(ids: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in ids:
        name, equals, run_id = text.partition("=")
        if equals and name in wanted:
            found[name] = run_id
        elif len(wanted) == 1:
            found[wanted[0]] = text
        else:
            raise ConfigError(f"--run {text}: of which destination? Write --run NAME={text}, of {', '.join(wanted)}")
    return found


@contextmanager
def _talking(vendor: Vendor, config: Config, task: Task, said: Said) -> Iterator[Client]:
    settings, mask = config.settings, config.mask
    ends = time.monotonic() + task.deadline_s
    http = Client(
        vendor,
        network=Network(settings.ca_bundle, settings.client_cert, settings.proxy),
        deadline=lambda: ends,
        note=lambda text: said.err.append(f"{vendor.name}: {plain(mask(text), 500)}"),
    )
    try:
        yield http
    except VendorError as error:
        remedy = [f"  what to do: {plain(error.remedy, 500)}"] if error.remedy else []
        said.fail(1, f"{vendor.name}: {plain(mask(str(error)), 500)}", *remedy)
    finally:
        http.close()
