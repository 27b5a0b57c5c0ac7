"""What a Jira with Xray holds and allows, and the checks of an import, field by field."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from .checks import Check, both, each, one_of, record, text

CLIENT_ID, CLIENT_SECRET = "sandbox-xray-client", "sandbox-xray-client-secret"
TOKEN = "sandbox-xray-bearer"  # noqa: S105 - opens nothing but this stand-in
ACCESS_TOKEN = "sandbox-xray-personal-access-token"  # noqa: S105
USER, PASSWORD = "ci", "sandbox-xray-password"
PROJECT = "SHOP"
EXECUTION, PLAN = "Test Execution", "Test Plan"
KEY = re.compile(r"[A-Z][A-Z0-9_]+-[1-9]\d*")

Product = Literal["cloud", "dc"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this Jira holds, and what it allows; sizes are in bytes.

    `tests` (key -> definition) are the Tests there are; None lets any key of a project pass. `plans` are the Test Plans
    there are from the start, with their Tests. `statuses` adds own words.
    `required` are the Jira fields that an execution must have beside project, type and summary. `job_polls` is how
    often a job is asked for before it is done. `search_lag` is how many searches pass a new execution over: the index
    of Jira may be behind. `per_5_minutes` limits the requests of Cloud, `page_rows` what Data Center shows of
    a list at once.
    """

    client_secret: str = field(default=CLIENT_SECRET, repr=False)
    access_token: str = field(default=ACCESS_TOKEN, repr=False)
    password: str = field(default=PASSWORD, repr=False)
    projects: tuple[str, ...] = (PROJECT,)
    tests: Mapping[str, str] | None = None
    defects: tuple[str, ...] | None = None
    plans: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"SHOP-90070": ("SHOP-1", "SHOP-2", "SHOP-3")})
    versions: tuple[str, ...] = ("2.4",)
    statuses: tuple[str, ...] = ()
    custom_fields: Mapping[str, str] = field(default_factory=lambda: {"12": "severity"})
    required: tuple[str, ...] = ()
    transitions: tuple[str, ...] = ("31",)
    token_lifetime_s: float = 24 * 3600.0
    job_polls: int = 2
    search_lag: int = 0
    per_5_minutes: int = 300
    page_rows: int = 200
    max_bytes: int = 25_000_000


def statuses(rules: Rules, product: Product) -> tuple[str, ...]:
    """The names of the statuses, as the product lists them."""
    if product == "cloud":
        return ("PASSED", "FAILED", "EXECUTING", "TODO", *rules.statuses)
    return ("PASS", "FAIL", "EXECUTING", "TODO", "ABORTED", *rules.statuses)


def execution_import(rules: Rules, product: Product, plans: Collection[str]) -> Check:
    """The body of `import/execution`, but for what only the issues can tell; `plans` are the keys of Test Plans."""
    names = (*statuses(rules, product), *(("PASS", "FAIL") if product == "cloud" else ()))
    status = one_of(names, "is no status of this Jira")
    files = each(record({"data": both(text(), _base64), "filename": text(shortest=1), "contentType": text()}))
    evidence = {"evidence": files, **({} if product == "cloud" else {"evidences": files})}
    custom = record({"value": _anything}, {"id": _anything, "name": text()})
    step = record({"status": status}, {"comment": text(), "actualResult": text(), **evidence})
    iteration = record(
        {"status": status},
        {
            "name": text(),
            "log": text(),
            "parameters": each(record({"name": text(), "value": text()})),
            "steps": each(step),
            **({"duration": text()} if product == "cloud" else {}),
        },
    )
    test_info = record(
        {
            "projectKey": both(text(), one_of(rules.projects, "is no project of this Jira")),
            "summary": both(text(shortest=1, longest=255), _one_line),
            "type" if product == "cloud" else "testType": one_of(("Generic", "Manual", "Cucumber")),
        },
        {"definition": text(), "labels": each(both(text(), _one_word)), "requirementKeys": each(text())},
    )
    test = record(
        {"status": status},
        {
            "testKey": text(),
            "testInfo": test_info,
            "start": both(text(), _moment),
            "finish": both(text(), _moment),
            "comment": text(),
            "defects": each(both(text(), _defect(rules))),
            "steps": each(step),
            "iterations": each(iteration),
            "customFields": each(both(custom, _custom_field(rules, product))),
            **evidence,
        },
    )
    info = record(
        {},
        {
            "project": one_of(rules.projects, "is no project of this Jira"),
            "summary": both(text(shortest=1, longest=255), _one_line),
            "description": text(),
            "version": one_of(rules.versions, "is no version of this project"),
            "revision": text(),
            "startDate": both(text(), _moment),
            "finishDate": both(text(), _moment),
            "testPlanKey": both(text(), _plan(plans)),
            "testEnvironments": each(both(text(shortest=1), _one_word)),
        },
    )
    return record({"tests": each(test)}, {"testExecutionKey": text(), "info": info})


def issue_create(rules: Rules) -> Check:
    """The fields of a new execution or plan, as Jira wants them."""
    known = ("project", "issuetype", "summary", "description", "labels", "fixVersions", *rules.required)

    def nothing_else(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ARG001 - a Check
        for key in value:
            if key not in known:
                yield key, "cannot be set: it is not on the appropriate screen, or unknown"
        for key in rules.required:
            if not value.get(key):
                yield key, "is required"

    project = record({"key": both(text(), one_of(rules.projects, "is no valid project"))})
    version = record({"name": one_of(rules.versions, "is no valid version")})
    return both(
        record(
            {"project": project, "summary": both(text(shortest=1, longest=255), _one_line)},
            {
                "issuetype": record({"name": one_of((EXECUTION, PLAN), "is no valid issue type")}),
                "description": text(longest=32_767),
                "labels": each(both(text(), _one_word)),
                "fixVersions": each(version),
            },
        ),
        nothing_else,
    )


def bulk_test() -> Check:
    """One element of `import/test/bulk`."""
    fields = record({"summary": both(text(shortest=1, longest=255), _one_line), "project": record({"key": text()})})
    return record(
        {"testtype": one_of(("Generic", "Manual", "Cucumber")), "fields": fields},
        {"unstructured_def": text(), "xray_test_repository_folder": text(shortest=1)},
    )


def _anything(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ARG001 - a Check
    yield from ()


def _moment(value: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        is_clear = datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        is_clear = bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", value))
    if not is_clear:
        yield path, "must be a time in ISO 8601 with its offset"


def _base64(value: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        yield path, "must be base64"


def _one_line(value: str, path: str) -> Iterator[tuple[str, str]]:
    if "\n" in value or "\r" in value:
        yield path, "must not contain newline characters"


def _one_word(value: str, path: str) -> Iterator[tuple[str, str]]:
    if re.search(r"\s", value):
        yield path, "must not contain spaces"


def _plan(plans: Collection[str]) -> Check:
    def check(value: str, path: str) -> Iterator[tuple[str, str]]:
        if value not in plans:
            yield path, f"Issue with key {value} not found"

    return check


def _defect(rules: Rules) -> Check:
    def check(value: str, path: str) -> Iterator[tuple[str, str]]:
        if not KEY.fullmatch(value) or (rules.defects is not None and value not in rules.defects):
            yield path, f"Issue with key {value} not found"

    return check


def _custom_field(rules: Rules, product: Product) -> Check:
    def check(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
        by_name = product == "cloud" and value.get("name") in rules.custom_fields.values()
        if str(value.get("id")) not in rules.custom_fields and not by_name:
            yield path, "is no custom field of Test Runs"

    return check
