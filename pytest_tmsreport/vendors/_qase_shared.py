"""Qase's runs as several machines see them: finding one by its mark, removing one, noting who is done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import PermanentError, dig
from ..render import bears, cut
from ._qase_lists import entities

if TYPE_CHECKING:
    from ..client import Client
    from ..model import Run

_DONE = re.compile(r"\npytest-tmsreport done/(\d+):([\d.]*)")
"""The line of a description that says which of how many machines are done."""


def found(http: Client, path: str, run: Run) -> str | None:
    """The run that bears our mark, and was made first: Qase counts its runs up."""
    params = (
        {"status": "in_progress"} if run.key else {"search": cut(run.name, 255)}
    )  # other machines name it otherwise
    rows = (row for row in entities(http, path, params) if bears(str(row.get("description")), run.own_id))
    numbers = [row["id"] for row in rows if isinstance(row.get("id"), int)]
    return str(min(numbers)) if numbers else None


def discard(http: Client, path: str) -> None:
    """Removes a run without results. Raises PermanentError for one that has some."""
    statuses = http.get(path).pick("result.stats", dict).get("statuses") or {}
    if any(number for status, number in statuses.items() if status != "untested"):  # the cases of a plan
        raise PermanentError("it holds results", vendor=http.vendor.name, remedy="look at both runs")
    http.delete(path)


def noted(http: Client, path: str, shard: int, shards: int) -> set[int]:
    """Notes that a machine is done, and returns all of which that is noted."""
    description = str(dig(http.get(path).body, "result.description") or "")
    line = _DONE.search(description)
    done = {int(each) for each in line[2].split(".") if each} if line and int(line[1]) == shards else set()
    if shard not in done:
        done.add(shard)
        numbers = ".".join(map(str, sorted(done)))
        text = f"{_DONE.sub('', description)}\npytest-tmsreport done/{shards}:{numbers}"
        http.patch(path, json={"description": text})
    return done
