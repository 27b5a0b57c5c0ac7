"""Kiwi TCMS's runs: opening one, finding it again, completing it, and saying in it which machines are done."""

from __future__ import annotations

import re
from functools import lru_cache
from time import time
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, PermanentError, Rejected
from ..model import Run
from ..render import bears, cut, mark, trim
from . import _kiwi_places as places
from ._kiwi_cases import clean, of_plan
from ._kiwi_rpc import Row, ask, batch, found, moment, one

if TYPE_CHECKING:
    from ..client import Client
    from .kiwi import Kiwi

DONE = "pytest-tmsreport-done-{}-of-{}"


def opened(vendor: Kiwi, http: Client, run: Run) -> str:
    """Makes a run in its plan, and returns its number."""
    plan, build = places.place(vendor, http, run)
    origin = ", ".join(f"{name} {value}" for name, value in _origin(run).items())
    notes = "\n\n".join(filter(None, (trim(run.description, 9_000), run.link, origin, mark(run.own_id))))
    values: Row = {
        "summary": clean(cut(run.name, places.LONGEST)),
        "notes": clean(notes),
        "plan": plan,
        "build": build,
        "manager": vendor.user,
        "start_date": moment(run.start, vendor.time_zone),
    }
    if vendor.tester:
        values["default_tester"] = vendor.tester

    def lost() -> Any:
        there = found_again(vendor, http, run)
        return there and {"result": {"id": int(there)}}

    number = one(http, ask("TestRun.create", values), lost).pick("result.id", int)
    _describe(vendor, http, run, number)
    return str(number)


def found_again(vendor: Kiwi, http: Client, run: Run) -> str | None:
    """The number of the run without an end that bears our mark, and was made first."""
    query = {"plan__product__name": vendor.product, "stop_date__isnull": True, "notes__contains": mark(run.own_id)}
    listing = found(http, ask("TestRun.filter", query))
    numbers = [int(row["id"]) for row in listing if bears(str(row.get("notes")), run.own_id)]
    return str(min(numbers)) if numbers else None


def discard(vendor: Kiwi, http: Client, run_id: str) -> None:
    """Ends a run without results, and says so in its name: none can be removed. Raises PermanentError for others."""
    if found(http, ask("TestExecution.filter", {"run": number(vendor, run_id)})):
        raise PermanentError("it holds results", vendor=vendor.name, remedy="look at both runs")
    summary = str(read(vendor, http, run_id)["summary"])
    values = {"summary": cut(f"(empty) {summary}", places.LONGEST), "notes": "Made in the same moment as another run."}
    one(http, ask("TestRun.update", number(vendor, run_id), {**values, **_end(vendor)}))


def close(vendor: Kiwi, http: Client, run_id: str) -> None:
    """Completes a run."""
    one(http, ask("TestRun.update", number(vendor, run_id), _end(vendor)))


def finished(vendor: Kiwi, http: Client, run_id: str, shard: int, shards: int) -> set[int]:
    """Tags the run with a machine's number; returns those of all machines that have."""
    tags = found(http, ask("TestRun.add_tag", number(vendor, run_id), DONE.format(shard, shards)))
    told = (re.fullmatch(DONE.format(r"(\d{1,6})", shards), str(tag.get("name"))) for tag in tags)
    return {int(each[1]) for each in told if each}


def read(vendor: Kiwi, http: Client, run_id: str) -> Row:
    """A run. Raises NotFound where there is none."""
    there = found(http, ask("TestRun.filter", {"pk": number(vendor, run_id)}))
    if not there and not http.is_rehearsal:
        raise _no_run(vendor, run_id)
    return there[0] if there else {}


@lru_cache(maxsize=8)
def plan(http: Client, run_id: str) -> tuple[int, set[int]]:
    """The number of a run's plan, and those of its cases; whoever adds one adds it here, too."""
    vendor: Any = http.vendor
    home = int(read(vendor, http, run_id).get("plan", 0))
    return home, of_plan(http, home)


def number(vendor: Kiwi, run_id: str) -> int:
    """The number of a run, `TR-12` or `12`. Raises NotFound for what is none."""
    told = re.fullmatch(r"(?:TR-)?0*([0-9]+)", run_id.strip(), re.IGNORECASE)
    if not told:
        raise _no_run(vendor, run_id)
    return int(told[1])


def _no_run(vendor: Kiwi, run_id: str) -> NotFound:
    return NotFound(f"there is no run {run_id}", vendor=vendor.name, remedy="check `run_id`; was the run removed?")


def _describe(vendor: Kiwi, http: Client, run: Run, own: int) -> None:
    """Adds tags, and what was tested where the server has properties of runs; what it does not take is a note."""
    calls = [ask("TestRun.add_tag", own, cut(clean(tag), places.LONGEST)) for tag in run.tags]
    if places.has(vendor, http, "TestRun.add_property"):
        calls += [
            ask("TestRun.add_property", own, name, cut(value, places.LONGEST)) for name, value in _origin(run).items()
        ]
    for answer in batch(http, calls):
        if isinstance(answer, Rejected):
            http.note(f"run {own} lacks a tag or property: {answer.text}")


def _origin(run: Run) -> dict[str, str]:
    return {name: value for name in ("ci", "branch", "commit", "build") if (value := getattr(run, name))}


def _end(vendor: Kiwi) -> Row:
    return {"stop_date": moment(time(), vendor.time_zone)}
