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

_DONE = re.compile(r"\npytest-tmsreport done/([0-9]+):([0-9.]*)")
"""The line of a description that says which of how many machines are done."""
LONGEST = 6
"""Digits of a machine's number."""


def found(http: Client, path: str, run: Run) -> str | None:
    """The run that bears our mark, and was made first: Qase counts its runs up."""
    # Other machines may have given a shared run another title.
    params = {"status": "in_progress"} if run.key else {"search": cut(run.name, 255)}
    rows = (row for row in entities(http, path, params) if bears(str(row.get("description")), run.own_id))
    numbers = [row["id"] for row in rows if isinstance(row.get("id"), int)]
    return str(min(numbers)) if numbers else None


def discard(http: Client, path: str) -> None:
    """Removes a run without results. Raises PermanentError for one that has some."""
    stats = http.get(path).pick("result.stats", dict)
    untested = dig(stats, "statuses.untested") or dig(stats, "untested")  # the cases of a plan
    if stats.get("total") != (untested or 0):
        raise PermanentError("it holds results", vendor=http.vendor.name, remedy="look at both runs")
    http.delete(path)


def noted(http: Client, path: str, shard: int, shards: int) -> set[int]:
    """Notes that a machine is done, and returns all of which that is noted."""
    description = str(dig(http.get(path).body, "result.description") or "")
    line = _DONE.search(description)
    numbers = line[2].split(".") if line and line[1] == str(shards) else []
    done = {int(each) for each in numbers if 0 < len(each) <= LONGEST}
    if shard not in done:
        done.add(shard)
        told = ".".join(map(str, sorted(done)))
        text = f"{_DONE.sub('', description)}\npytest-tmsreport done/{shards}:{told}"
        http.patch(path, json={"description": text})
    return done
