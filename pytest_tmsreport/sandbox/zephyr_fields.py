"""What a Jira with Zephyr Scale holds and allows, and the checks of what is sent to it, field by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .checks import Check, both, each, mapping, nullable, one_of, record, text, whole

TOKEN = "sandbox-zephyr-token"  # noqa: S105 - opens nothing but this stand-in
USER, PASSWORD = "ci", "sandbox-zephyr-password"
PROJECT, PROJECT_ID = "SHOP", 10_005
CASE = re.compile(r"[A-Z][A-Z0-9_]+-T[1-9]\d*")
EXECUTED = ("Not Executed", "In Progress", "Pass", "Fail", "Blocked")
CYCLES = ("Not Executed", "In Progress", "Done")
LAST_CASE = 90_000
"""A case with a higher number is one that was made here."""
FILE_BYTES = 10 * 10**6
AN_ID = whole(least=1)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this Jira holds, and what it allows; sizes are in bytes.

    `cases` (key -> name) are the cases there are; None lets any key of the project pass. `plans` maps a plan's key to
    those of its cycles. `steps` (key -> number) says how many steps a case has. `adds_cases` tells a build of DC
    that gives a cycle the cases it lacks from one that refuses them; `names_culprits` whether it says which key is
    unknown. `refuses_when_done` is a Cloud whose done cycles take nothing. `has_files` is a Cloud that takes files.
    `fewer` is how many rows the Cloud gives at once, whatever was asked for.
    """

    token: str = field(default=TOKEN, repr=False)
    password: str = field(default=PASSWORD, repr=False)
    cases: Mapping[str, str] | None = None
    statuses: tuple[str, ...] = ()
    environments: tuple[str, ...] = ("Chrome", "Firefox")
    plans: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"SHOP-P3": ()})
    issues: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"SHOP-70": ("SHOP-T1", "SHOP-T2")})
    custom_fields: tuple[str, ...] = ("Severity",)
    cycle_fields: tuple[str, ...] = ("Team",)
    steps: Mapping[str, int] = field(default_factory=dict)
    is_enabled: bool = True
    adds_cases: bool = True
    names_culprits: bool = True
    refuses_when_done: bool = False
    has_files: bool = True
    fewer: int = 1000
    requests_per_minute: int = 0
    file_bytes: int = FILE_BYTES


def cycle(rules: Rules, folders: Collection[int]) -> Check:
    """The body of Cloud's `POST testcycles`."""
    return record(
        {"projectKey": _project, "name": both(text(longest=255), _some)},
        {
            "description": nullable(text()),
            "plannedStartDate": both(text(), moment),
            "plannedEndDate": both(text(), moment),
            "jiraProjectVersion": AN_ID,
            "statusName": one_of(CYCLES),
            "folderId": both(AN_ID, one_of(folders, "is no folder of this project")),
            "ownerId": nullable(text()),
            "customFields": _custom(rules.cycle_fields),
        },
    )


def changed_cycle(rules: Rules) -> Check:
    """The body of Cloud's `PUT testcycles/{key}`: all of a cycle."""
    reference = record({"id": AN_ID})
    return record(
        {"id": AN_ID, "key": text(shortest=1), "name": both(text(), _some), "project": reference, "status": reference},
        {
            "description": nullable(text()),
            "folder": nullable(reference),
            "jiraProjectVersion": nullable(reference),
            "customFields": both(_custom(rules.cycle_fields), _all_of(rules.cycle_fields)),
        },
    )


def execution(rules: Rules) -> Check:
    """The body of Cloud's `POST testexecutions`, but for what only cases and cycles can tell."""
    step = record({"statusName": text(shortest=1)}, {"actualEndDate": both(text(), moment), "actualResult": text()})
    return record(
        {"projectKey": _project, "testCaseKey": _key("T"), "testCycleKey": _key("R"), "statusName": text(shortest=1)},
        {
            "testScriptResults": each(step),
            "environmentName": text(),
            "actualEndDate": both(text(), moment),
            "executionTime": whole(least=0),
            "executedById": nullable(text()),
            "assignedToId": nullable(text()),
            "comment": nullable(text()),
            "customFields": _custom(rules.custom_fields),
        },
    )


def test_result(rules: Rules) -> Check:
    """One result of DC, in a cycle or as an item of a new one."""
    step = record({"index": whole(least=0), "status": text(shortest=1)}, {"comment": text()})
    return record(
        {"testCaseKey": text(shortest=1)},
        {
            "status": text(shortest=1),
            "environment": text(),
            "comment": text(),
            "executionTime": whole(least=0),
            "actualStartDate": both(text(), moment),
            "actualEndDate": both(text(), moment),
            "executedBy": text(),
            "assignedTo": text(),
            "customFields": _custom(rules.custom_fields),
            "issueLinks": each(text()),
            "scriptResults": each(step),
        },
    )


def test_run(rules: Rules) -> Check:
    """The body of DC's `POST testrun`, but for what only cases and folders can tell."""
    return record(
        {"projectKey": _project, "name": both(text(longest=255), _some)},
        {
            **{name: text(shortest=1) for name in ("testPlanKey", "issueKey", "version", "iteration", "owner")},
            "folder": text(shortest=2),
            "plannedStartDate": both(text(), moment),
            "plannedEndDate": both(text(), moment),
            "customFields": _custom(rules.cycle_fields),
            "items": each(test_result(rules)),
        },
    )


def imported() -> Check:
    """The file of an automation import; a key that nobody knows makes it another format."""
    case = both(record({}, {"key": text(), "name": text(), "comment": text()}), _only("key", "name", "comment"))
    entry = both(
        record({"source": text(shortest=1), "result": one_of(("Passed", "Failed"))}, {"testCase": case}),
        _only("source", "result", "testCase"),
    )
    whole_file = record({"version": one_of((1,)), "executions": each(entry)})
    return both(whole_file, _only("version", "executions"))


def words(faults: list[tuple[str, str]]) -> str:
    """Every wrong field in a sentence."""
    return "; ".join(" ".join(fault).strip() for fault in faults)


def moment(value: str, path: str) -> Iterator[tuple[str, str]]:
    """A time in ISO 8601."""
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        yield path, "must be a time such as 2026-11-20T02:01:09Z"


def _project(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value != PROJECT:
        yield path, f"should be a key of a project, and there is none {value!r}"


def _some(value: str, path: str) -> Iterator[tuple[str, str]]:
    if not value.strip():
        yield path, "must not be blank"


def _key(letter: str) -> Check:
    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if not (isinstance(value, str) and re.fullmatch(rf"[A-Z][A-Z0-9_]+-{letter}\d+", value)):
            yield path, f"should match ABC-{letter}1"

    return check


def _custom(names: Collection[str]) -> Check:
    def known(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
        for name in value:
            if name not in names:
                yield path, f"there is no custom field {name!r}"

    def anything(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ARG001 - a Check
        yield from ()

    return both(mapping(anything), known)


def _all_of(names: Collection[str]) -> Check:
    def check(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
        for name in names:
            if name not in value:
                yield path, f"lacks the custom field {name!r}"

    return check


def _only(*names: str) -> Check:
    def check(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
        for name in value:
            if name not in names:
                yield path, f"Unrecognized field {name!r}"

    return check
