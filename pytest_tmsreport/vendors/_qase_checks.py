"""What Qase can tell before a run is made: whether there are its plan, milestone, environment, statuses and cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..errors import Doubtful, NotFound
from ._qase_lists import entities

if TYPE_CHECKING:
    from ..client import Client
    from .qase import Qase

STATUSES = ("passed", "failed", "blocked", "skipped", "invalid")
"""Those of every workspace; no API lists its own."""


def checks(vendor: Qase, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing."""
    if vendor.plan:
        yield "plan", partial(http.get, f"v1/plan/{vendor.project}/{vendor.plan}")
    if vendor.milestone:
        yield "milestone", partial(http.get, f"v1/milestone/{vendor.project}/{vendor.milestone}")
    if vendor.environment:
        yield "environment", partial(_environment, vendor, http)
    for outcome, word in vendor.status.items():
        if word not in STATUSES:
            yield f"status.{outcome}", partial(_own_status, vendor, word)


def known(http: Client, project: str, ids: Sequence[str]) -> set[str]:
    """The ids of cases that are there, however they are written; what the list leaves out is asked for by itself."""
    numbers = {text: int(found[1]) for text in ids if (found := _number(project, text))}
    listed = {row.get("id") for row in entities(http, f"v1/case/{project}", {})} if numbers else set()
    there = {number for number in {*numbers.values()} if number in listed or _exists(http, project, number)}
    return {text for text, number in numbers.items() if number in there}


def _number(project: str, text: str) -> re.Match[str] | None:
    return re.fullmatch(rf"(?:C|{project}-)?0*([1-9][0-9]*)", text.strip(), re.IGNORECASE)


def _exists(http: Client, project: str, number: int) -> bool:
    try:
        http.get(f"v1/case/{project}/{number}")
    except NotFound:
        return False
    return True


def _environment(vendor: Qase, http: Client) -> None:
    rows = list(entities(http, f"v1/environment/{vendor.project}", {}))
    if vendor.environment not in {str(row.get(key)) for row in rows for key in ("slug", "id")}:
        there = ", ".join(str(row.get("slug")) for row in rows) or "none"
        words = f"the project has no environment {vendor.environment!r}, but {there}"
        raise NotFound(words, vendor=vendor.name, remedy="correct `environment`: its slug or id")


def _own_status(vendor: Qase, word: str) -> None:
    remedy = f"make sure that the workspace has it; every one has {', '.join(STATUSES)}"
    raise Doubtful(f"{word!r} is a status of your own, and Qase lists none", vendor=vendor.name, remedy=remedy)
