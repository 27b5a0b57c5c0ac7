"""Azure's test plans: the cases below a suite, their test points, and the configurations that tell points apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ..errors import PermanentError, dig
from ..nodeids import dotted
from ..paging import Token
from ..render import segment
from ..vendor import Case

if TYPE_CHECKING:
    from ..client import Client
    from ..model import Result
    from .azure import Azure

PLACE = re.compile(r"([1-9][0-9]*)(?:/([1-9][0-9]*))?")
"""A plan, or one suite of it: `31`, `31/32`."""
TEST = "test "
"""What a case id begins with that is no case, but the name by which a test with parameters is one result."""
NAME = "Microsoft.VSTS.TCM.AutomatedTestName"
KIND, CASE = "System.WorkItemType", "Test Case"
ITEMS_AT_ONCE = 200
"""So many work items can be asked for in one request."""
PAGING = Token("continuationToken", header="x-ms-continuationtoken")


@dataclass(frozen=True)
class Planned:
    """A case of a plan: its number, title, automation name, and the numbers of its points in our configurations."""

    number: str
    title: str
    name: str
    points: tuple[int, ...]


def settings(http: Client) -> Azure:
    """The destination that a client is of: what is remembered for a client has no other key."""
    return cast("Azure", http.vendor)


def at(vendor: Azure, path: str) -> str:
    """The path of a request within the project."""
    return f"{segment(vendor.project)}/_apis/{path}?api-version={segment(vendor.api_version)}"


def number(text: str) -> str:
    """The number of a case as a mark may write it (`55`, `C55`, `TC55`, `#55`, `AB#55`); else empty."""
    found = re.fullmatch(r"(?:C|TC|#|AB#)?0*([1-9][0-9]{0,9})", text.strip(), re.IGNORECASE)
    return found[1] if found else ""


def spellings(case: str) -> tuple[str, ...]:
    """All that `number` takes for one case, its own first."""
    return tuple(f"{prefix}{case}" for prefix in ("", "C", "TC", "#", "AB#"))


def place(vendor: Azure, http: Client, plan: str) -> tuple[str, int]:
    """The numbers of a plan and of the suite that is meant. Raises VendorError, NotFound for an unknown plan."""
    found = PLACE.fullmatch(plan.strip())
    if not found:
        raise PermanentError(f"{plan!r} is no plan", vendor=vendor.name, remedy="write PLAN or PLAN/SUITE: 31, 31/32")
    if found[2]:
        return found[1], int(found[2])
    return found[1], http.get(at(vendor, f"testplan/plans/{found[1]}")).pick("rootSuite.id", int)


@lru_cache(maxsize=8)
def cases(http: Client, plan: str) -> Mapping[str, Planned]:
    """Number -> case of a plan or suite, those of suites within included, that has a point in our configurations."""
    vendor = settings(http)
    plan_id, suite = place(vendor, http, plan)
    params = {"isRecursive": "true", "expand": "false", "witFields": NAME}
    found: dict[str, Planned] = {}
    for row in http.rows(
        at(vendor, f"testplan/Plans/{plan_id}/Suites/{suite}/TestCase"), PAGING, "value", params=params
    ):
        case = str(dig(row, "workItem.id"))
        fields = dig(row, "workItem.workItemFields") or []
        name = next((str(each[NAME]) for each in fields if isinstance(each, dict) and each.get(NAME)), "")
        points = tuple(each["id"] for each in row.get("pointAssignments") or [] if _is_ours(vendor, each))
        before = found[case].points if case in found else ()  # a case may be in several suites
        if before or points:
            found[case] = Planned(case, str(dig(row, "workItem.name") or ""), name, (*before, *points))
    return found


def planned(http: Client, plan: str) -> Iterator[Case]:
    """The cases of a plan or suite, as its marks and names may name them."""
    for each in cases(http, plan).values():
        yield Case(spellings(each.number), each.title, (each.name,) if each.name else ())


def number_or_test(text: str) -> str:
    """The number of a case, or the name of a test that has none; else empty."""
    return text if text.startswith(TEST) else number(text)


def named(http: Client, plan: str, results: Sequence[Result]) -> dict[str, tuple[str, ...]]:
    """Result id -> the case of a plan that bears the test's automation name: whole, else without its parameters."""
    known = {each.name: each.number for each in cases(http, plan).values() if each.name}
    found = {}
    for each in results:
        whole = (dotted(each.nodeid), each.nodeid)
        names = (*whole, *(name.partition("[")[0] for name in whole))
        found[each.id] = tuple(known[name] for name in names if name in known)[:1]
    return {result_id: case for result_id, case in found.items() if case}


def resolved(vendor: Azure, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
    """Result id -> its case in the plan; without a plan the test that it is one of, parameters or not."""
    if vendor.plan:
        return named(http, vendor.plan, results)
    return {each.id: (f"{TEST}{dotted(each.nodeid).partition('[')[0]}",) for each in results}


@lru_cache(maxsize=8)
def configuration(http: Client) -> str:
    """The number of the configuration of a run without a plan; empty where none is set. Raises PermanentError."""
    vendor = settings(http)
    wanted = next(iter(vendor.configurations), "")
    if not wanted or wanted.isdecimal() or http.is_rehearsal:
        return wanted
    known = {str(row.get("name")): row.get("id") for row in configurations(http)}
    found = next((row_id for name, row_id in known.items() if name.casefold() == wanted.casefold()), None)
    if found is None:
        words = f"there is no configuration {wanted!r}, but {', '.join(known)}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `configurations`")
    return str(found)


def configurations(http: Client) -> Iterator[dict[str, Any]]:
    """Every configuration of the project."""
    vendor = settings(http)
    return http.rows(at(vendor, "testplan/configurations"), PAGING, "value")


def check_configurations(http: Client) -> None:
    """Raises PermanentError for a configuration that there is not."""
    vendor = settings(http)
    known = {str(row.get("name")): str(row.get("id")) for row in configurations(http)}
    there = {text.casefold() for pair in known.items() for text in pair}
    if unknown := [name for name in vendor.configurations if name.casefold() not in there]:
        words = f"there is no configuration {', '.join(unknown)}, but {', '.join(known)}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `configurations`")


def existing(http: Client, ids: Sequence[str]) -> set[str]:
    """Those of the numbers that are test cases, asked for in parts."""
    vendor, found = settings(http), set()
    numbers = list(dict.fromkeys(text for text in ids if text.isdecimal()))
    for start in range(0, len(numbers), ITEMS_AT_ONCE):
        asked = {"ids": ",".join(numbers[start : start + ITEMS_AT_ONCE]), "errorPolicy": "omit", "fields": KIND}
        rows = http.get(at(vendor, "wit/workitems"), params=asked).pick("value", list)
        found |= {str(dig(row, "id")) for row in rows if (dig(row, "fields") or {}).get(KIND) == CASE}
    return found


def _is_ours(vendor: Azure, point: dict[str, Any]) -> bool:
    names = {str(point.get("configurationId")), str(point.get("configurationName")).casefold()}
    return not vendor.configurations or bool(names & {each.casefold() for each in vendor.configurations})
