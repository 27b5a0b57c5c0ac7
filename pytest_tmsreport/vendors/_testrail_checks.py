"""What TestRail can tell before a run is made: whether there is what settings and marks name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..errors import NotFound, PermanentError
from . import _testrail_cases as cases
from ._testrail_results import status
from ._testrail_words import number, rows

if TYPE_CHECKING:
    from ..client import Client
    from .testrail import TestRail


def settings(vendor: TestRail, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing."""
    if vendor.plan:
        yield "plan", partial(http.get, f"get_plan/{vendor.plan}")
    if vendor.milestone:
        yield "milestone", partial(_milestone, vendor, http)
    if vendor.section:
        yield "section", partial(_section, vendor, http)
    for outcome in vendor.statuses:
        yield f"status.{outcome.value}", partial(status, vendor, http, outcome)
    if vendor.result_fields:
        yield "result_fields", partial(_fields, vendor, http)
    if vendor.create_cases:
        yield "create_cases", partial(cases.automation_field, vendor, http)


def known(vendor: TestRail, http: Client, ids: Sequence[str]) -> set[str]:
    """The ids of cases that the suite has, however they are written."""
    there = cases.existing(http, vendor.project, cases.suite_of(vendor, http))
    return {text for text in ids if number(text) in there}


def _milestone(vendor: TestRail, http: Client) -> None:
    there = {row.get("id") for row in rows(http, f"get_milestones/{vendor.project}", "milestones")}
    if vendor.milestone not in there:
        words = f"the project has no milestone {vendor.milestone}"
        raise NotFound(words, vendor=vendor.name, remedy="correct `milestone`: the number after M")


def _section(vendor: TestRail, http: Client) -> None:
    suite = cases.suite_of(vendor, http)
    path = f"get_sections/{vendor.project}" + (f"&suite_id={suite}" if suite else "")
    if vendor.section not in {row.get("id") for row in rows(http, path, "sections")}:
        raise NotFound(f"the suite has no section {vendor.section}", vendor=vendor.name, remedy="correct `section`")


def _fields(vendor: TestRail, http: Client) -> None:
    there = {str(row.get("system_name")) for row in rows(http, "get_result_fields", "fields")}
    unknown = sorted(name for name in vendor.result_fields if name.startswith("custom_") and name not in there)
    if unknown:
        words = f"there is no result field {', '.join(unknown)}, but {', '.join(sorted(there)) or 'none'}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `result_fields`, or add the field in TestRail")
