"""Which cases TestRail's plans and runs hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ..errors import NotFound, Rejected, dig
from ..render import segment
from ..vendor import Case
from ._testrail_cases import FIELDS
from ._testrail_runs import read
from ._testrail_words import plain, rows

if TYPE_CHECKING:
    from ..client import Client
    from .testrail import TestRail


def planned(http: Client, plan: str) -> Iterator[Case]:
    """The cases of all runs of a plan. Raises NotFound where there is none: TestRail calls that an invalid field."""
    try:
        entries = http.get(f"get_plan/{segment(_number(plan))}").pick("entries", list)
    except Rejected as error:
        words, remedy = f"there is no plan {plan}: {error.text}", "check the number of the plan, and `project`"
        raise NotFound(
            words, vendor=http.vendor.name, request=error.request, status=error.status, remedy=remedy
        ) from error
    for entry in entries:
        for run in dig(entry, "runs") or []:
            yield from _cases(http, str(dig(run, "id")), ())


def recorded(vendor: TestRail, http: Client, run_id: str, bad: Collection[int]) -> Iterator[Case]:
    """The cases of a run; one whose status is in `bad` has failed."""
    read(vendor, http, _number(run_id))
    yield from _cases(http, _number(run_id), bad)


def _cases(http: Client, run_id: str, bad: Collection[int]) -> Iterator[Case]:
    for row in rows(http, f"get_tests/{segment(run_id)}", "tests"):
        names = tuple(plain(text) for text in map(row.get, FIELDS) if text)
        number = row.get("case_id")
        yield Case((f"C{number}", str(number)), str(row.get("title") or ""), names, row.get("status_id") in bad)


def _number(text: str) -> str:
    """`981`, also where it is written as TestRail shows it: `R981`."""
    return re.sub(r"\A[Rr](?=\d+\Z)", "", text)
