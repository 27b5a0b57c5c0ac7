"""What a TestRail instance holds and allows, and the checks of what is sent to it, field by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .checks import Check, both, each, flag, nullable, one_of, record, text, whole

USER = "sandbox@testrail.test"
TOKEN = "sandbox-testrail-token"  # noqa: S105 - opens nothing but this stand-in
PROJECT = 7
SINGLE, BASELINES, SEVERAL = 1, 2, 3
UNTESTED = 3
STATUSES: Mapping[int, str] = {1: "passed", 2: "blocked", UNTESTED: "untested", 4: "retest", 5: "failed"}
AN_ID = whole(least=1)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this instance holds, and what it allows; sizes are in bytes.

    The cases 1 to `cases` lie in the first suite; `automation` (case id -> text) fills the automation id of some of
    them. `statuses` adds the instance's own. `unknown_in_run` says what becomes of a run that is to hold a case that
    does not exist. `planned` gives plans a run of such cases. `is_old` is a server before 6.7: bare lists, and no
    `add_cases`.
    """

    token: str = field(default=TOKEN, repr=False)
    user: str = USER
    suite_mode: int = SINGLE
    suites: Mapping[int, str] = field(default_factory=lambda: {1: "Master"})
    cases: int = 1000
    automation: Mapping[int, str] = field(default_factory=dict)
    automation_field: str = "custom_automation_id"
    required_case_fields: tuple[str, ...] = ()
    result_fields: Mapping[int, str] = field(default_factory=lambda: {11: "custom_browser"})
    statuses: Mapping[int, str] = field(default_factory=lambda: {6: "custom_status1"})
    milestones: Mapping[int, str] = field(default_factory=lambda: {5: "Release"})
    plans: Mapping[int, str] = field(default_factory=lambda: {3: "Acceptance", 8: "Smoke"})
    planned: Mapping[int, tuple[int, ...]] = field(default_factory=lambda: {8: (1, 2, 3)})
    configs: Mapping[int, str] = field(default_factory=lambda: {1: "Firefox", 2: "Chrome"})
    unknown_in_run: Literal["refused", "ignored"] = "refused"
    is_old: bool = False
    has_text_ids: bool = False
    requests_per_minute: int = 180
    max_bytes: int = 32 * 2**20
    file_bytes: int = 256 * 2**20


def run_fields(rules: Rules) -> dict[str, Check]:
    """What `add_run`, `update_run` and a plan's entries take, all of it optional there."""
    return {
        "name": text(shortest=1, longest=250),
        "description": nullable(text()),
        "suite_id": nullable(_number_of(rules.suites, "is not a valid test suite")),
        "milestone_id": nullable(_number_of(rules.milestones, "is not a valid milestone")),
        "assignedto_id": nullable(AN_ID),
        "include_all": flag,
        "case_ids": nullable(each(AN_ID)),
        "config_ids": each(both(AN_ID, one_of(rules.configs, "is not a valid configuration"))),
        "refs": nullable(text(longest=250)),
        "start_on": nullable(whole()),
        "due_on": nullable(whole()),
    }


def result_fields(statuses: Collection[int]) -> dict[str, Check]:
    """What a result takes beside its case or test."""
    step = record({"content": text()}, {"expected": text(), "actual": text(), "status_id": one_of(statuses)})
    return {
        "status_id": both(AN_ID, both(one_of(statuses, "is not a valid status"), _tested)),
        "comment": nullable(text()),
        "version": nullable(text(longest=250)),
        "elapsed": nullable(both(text(), _timespan)),
        "defects": nullable(text(longest=250)),
        "assignedto_id": nullable(AN_ID),
        "custom_step_results": each(step),
    }


def case_fields(rules: Rules) -> Check:
    """What `add_case` takes."""
    required = {"title": text(shortest=1, longest=250), **dict.fromkeys(rules.required_case_fields, text())}
    own = {rules.automation_field: nullable(text())} if rules.automation_field else {}
    ids = dict.fromkeys(("template_id", "type_id", "priority_id", "milestone_id"), nullable(AN_ID))
    return record(required, {**ids, **own, "refs": nullable(text(longest=2000)), "estimate": nullable(text())})


def section_fields(suites: Collection[int], sections: Collection[int]) -> Check:
    """What `add_section` takes."""
    return record(
        {"name": text(shortest=1, longest=250)},
        {
            "suite_id": nullable(both(AN_ID, one_of(suites, "is not a valid test suite"))),
            "parent_id": nullable(both(AN_ID, one_of(sections, "is not a valid section"))),
            "description": nullable(text()),
        },
    )


def _number_of(known: Collection[int], fault: str) -> Check:
    """One of these numbers, also as text: other people's clients send what stands in a settings file."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        yield from both(AN_ID, one_of(known, fault))(number, path)

    return check


def _tested(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value == UNTESTED:
        yield path, "is not allowed: a result cannot be untested"


def _timespan(value: Any, path: str) -> Iterator[tuple[str, str]]:
    parts = re.fullmatch(r"(\d+w ?)?(\d+d ?)?(\d+h ?)?(\d+m ?)?(\d+s)?", value)
    if not parts or not re.search("[1-9]", value):
        yield path, "is not in a valid time span format"
