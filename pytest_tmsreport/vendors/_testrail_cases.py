"""TestRail's cases: listing them, finding them by automation id, and making those that are missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import NotFound, PermanentError, Rejected, dig
from ..model import Result
from ..render import cut
from ._testrail_words import Row, automation_id, plain, rows, title, typed

if TYPE_CHECKING:
    from ..client import Client
    from .testrail import TestRail

BASELINES, SEVERAL = 2, 3  # `suite_mode` of a project; 1 has a single suite
FIELDS = ("custom_automation_id", "custom_case_automation_id")


def suite_of(vendor: TestRail, http: Client) -> int:
    """The suite that the cases belong to; 0 where the project has a single one and nobody asks for its number."""
    return vendor.suite or _only_suite(http, vendor.project, needs_number=bool(vendor.plan))


@lru_cache(maxsize=8)
def existing(http: Client, project: int, suite: int) -> frozenset[int]:
    """The numbers of the cases of a suite, read once: a refusal names but one that is missing."""
    return frozenset(row["id"] for row in rows(http, f"get_cases/{project}{_within(suite)}", "cases"))


def automated(vendor: TestRail, http: Client) -> dict[str, str]:
    """Automation id -> case id."""
    found: dict[str, str] = {}
    for case in rows(http, f"get_cases/{vendor.project}{_within(suite_of(vendor, http))}", "cases"):
        for text in filter(None, map(case.get, FIELDS)):
            found.setdefault(plain(text), str(case["id"]))
    return found


def automation_field(vendor: TestRail, http: Client) -> str:
    """The name of the field that holds the automation id. Raises PermanentError where the project has none."""
    for field in rows(http, "get_case_fields", "fields"):
        contexts = [dig(each, "context") or {} for each in field.get("configs") or []]
        is_here = not contexts or any(
            each.get("is_global") or vendor.project in (each.get("project_ids") or ()) for each in contexts
        )
        if field.get("system_name") in FIELDS and field.get("is_active") and is_here:
            return str(field["system_name"])
    if http.is_rehearsal:
        return FIELDS[0]
    remedy = f"add a case field {FIELDS[0]!r} of the type string to the project, or leave `create_cases` out"
    raise PermanentError("cases cannot be made: they have no automation id", vendor=vendor.name, remedy=remedy)


def create(vendor: TestRail, http: Client, results: Sequence[Result]) -> dict[str, str]:
    """Makes a case for each test, in sections named as its suite; automation id -> case id."""
    field = automation_field(vendor, http)
    constant = {name: typed(value) for name, value in vendor.case_fields.items()}
    sections = _Sections(vendor, http)
    due: dict[int, dict[str, Row]] = {}
    for result in results:
        case = {**constant, "title": title(result), field: automation_id(result)}
        due.setdefault(sections.of(result), {}).setdefault(case[field], case)
    made: dict[str, str] = {}
    for section, wanted in due.items():
        rest = iter(wanted.values())
        while part := list(islice(rest, vendor.batch_size)):
            added = _add(vendor, http, section, part, field)
            made.update((plain(row[field]), str(row["id"])) for row in added if row.get(field))
    return made


class _Sections:
    """The tree of sections, which grows as it is asked for what is not there."""

    def __init__(self, vendor: TestRail, http: Client) -> None:
        self._vendor = vendor
        self._http = http
        self._suite = suite_of(vendor, http)
        self._known = self._read()

    def of(self, result: Result) -> int:
        """The section named as a result's suite."""
        parent = self._vendor.section
        for name in result.suite or ("pytest",):
            key = (parent, cut(name, 250))
            if key not in self._known:
                self._known[key] = self._made(key)
            parent = self._known[key]
        return parent

    def _made(self, key: tuple[int, str]) -> int:
        parent, name = key
        fields = {"name": name, "parent_id": parent, "suite_id": 0 if parent else self._suite}
        body = {field: value for field, value in fields.items() if value}

        def lost() -> Row | None:
            found = self._read().get(key)
            return {"id": found} if found else None

        return self._http.post(f"add_section/{self._vendor.project}", json=body, recover=lost).pick("id", int)

    def _read(self) -> dict[tuple[int, str], int]:
        listing = rows(self._http, f"get_sections/{self._vendor.project}{_within(self._suite)}", "sections")
        return {(row.get("parent_id") or 0, str(row.get("name"))): int(row["id"]) for row in listing}


def _add(vendor: TestRail, http: Client, section: int, part: Sequence[Row], field: str) -> Sequence[Row]:
    def there(wanted: Sequence[Row]) -> list[Row]:
        known = automated(vendor, http)
        return [{"id": known[case[field]], field: case[field]} for case in wanted if case[field] in known]

    def lost() -> Mapping[str, list[Row]] | None:
        found = there(part)
        return {"cases": found} if found else None

    try:
        return http.post(f"add_cases/{section}", json={"cases": part}, recover=lost).pick("cases", list)
    except (Rejected, NotFound) as error:  # before 7.5 there was no such method
        if error.status != 404 and not re.search("invalid uri|no route", error.text, re.IGNORECASE):
            raise

    def one(case: Row) -> Row:
        reply = http.post(f"add_case/{section}", json=case, recover=lambda: next(iter(there([case])), None))
        return {"id": reply.pick("id", object), field: case[field]}

    return [one(case) for case in part]


def _within(suite: int) -> str:
    return f"&suite_id={suite}" if suite else ""


@lru_cache(maxsize=8)
def _only_suite(http: Client, project: int, *, needs_number: bool) -> int:
    mode = http.get(f"get_project/{project}").pick("suite_mode", int)
    if http.is_rehearsal or (mode not in (BASELINES, SEVERAL) and not needs_number):
        return 0
    suites = list(rows(http, f"get_suites/{project}", "suites"))
    if mode == BASELINES:
        suites = [row for row in suites if row.get("is_master")] or suites
    if mode == SEVERAL or len(suites) != 1:
        words = ", ".join(f"{row['id']} ({row.get('name')})" for row in suites)
        text, remedy = f"project {project} has several suites: {words}", "name one of them with `suite`"
        raise PermanentError(text, vendor=http.vendor.name, remedy=remedy)
    return int(suites[0]["id"])
