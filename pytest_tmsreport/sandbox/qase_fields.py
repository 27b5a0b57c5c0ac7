"""What a Qase workspace holds and allows, and the checks of what is sent to it, field by field."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .checks import Check, both, each, flag, mapping, nullable, number, one_of, record, text, whole

TOKEN = "sandbox-qase-token"  # noqa: S105 - opens nothing but this stand-in
PROJECT = "SHOP"
STATUSES = ("passed", "failed", "blocked", "skipped", "invalid")
STEP_STATUSES = ("passed", "failed", "blocked", "skipped", "in_progress")
TITLE = text(shortest=1, longest=255)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this workspace holds, and what it allows; sizes are in bytes.

    `cases` (id -> title) limits the case ids that results may name; None lets any pass. `statuses` adds the workspace's
    own words. A result may end `earliest_s` seconds before its run starts, and no earlier. `storage` is what all
    attachments together may take.
    """

    token: str = field(default=TOKEN, repr=False)
    projects: tuple[str, ...] = (PROJECT,)
    cases: Mapping[int, str] | None = None
    plans: Mapping[int, tuple[int, ...]] = field(default_factory=lambda: {7: (1, 2, 3)})
    environments: Mapping[str, int] = field(default_factory=lambda: {"staging": 1, "production": 2})
    milestones: Mapping[int, str] = field(default_factory=lambda: {3: "Release"})
    configurations: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"Browser": ("Chrome", "Firefox")})
    statuses: tuple[str, ...] = ()
    requests_per_minute: int = 600
    batch_size: int = 200
    max_bytes: int = 8 * 2**20
    files_per_request: int = 20
    file_bytes: int = 32 * 2**20
    files_bytes: int = 128 * 2**20
    storage: float = math.inf
    earliest_s: float = 86_400.0
    takes_results_when_completed: bool = True


def run_create(rules: Rules, configurations: Collection[int], plans: Collection[int]) -> Check:
    """RunCreate of API v1; the plans that there are may grow."""
    plan = both(whole(least=1), one_of(plans, "is unknown"))
    return record({"title": TITLE}, {**_run_fields(rules, configurations), "plan_id": plan})


def run_update(rules: Rules, configurations: Collection[int]) -> Check:
    """Run.update of API v1: what is there already, any part of it, and null for what stays."""
    own = ("description", "environment_id", "environment_slug", "milestone_id", "tags", "configurations")
    fields = _run_fields(rules, configurations)
    return record({}, {"title": TITLE, **{name: nullable(fields[name]) for name in own}})


def result_create(rules: Rules, attachments: Collection[str]) -> Check:
    """ResultCreate of API v2; `attachments` are the hashes of the files that are there, and may grow."""
    hashes = each(both(text(), one_of(attachments, "is no attachment of this workspace")))
    times = {"start_time": nullable(number), "end_time": nullable(number), "duration": nullable(whole(least=0))}
    texts = dict.fromkeys(("stacktrace", "thread", "error_context"), nullable(text()))
    execution = record({"status": one_of((*STATUSES, *rules.statuses))}, {**times, **texts})
    suite = record({"data": each(record({"title": text()}, {"public_id": nullable(whole())}))})
    step_data = record({"action": text()}, {"expected_result": text(), "input_data": text(), "attachments": hashes})
    step_execution = record({"status": one_of(STEP_STATUSES)}, {**times, "comment": text(), "attachments": hashes})

    def step(value: Any, path: str) -> Iterator[tuple[str, str]]:
        yield from record({"data": step_data, "execution": step_execution}, {"steps": each(step)})(value, path)

    fields: dict[str, Check] = {
        "id": text(),
        "signature": text(),
        "testops_id": nullable(_case_id(rules)),
        "testops_ids": nullable(each(_case_id(rules))),
        "fields": mapping(text()),
        "attachments": hashes,
        "steps": each(step),
        "steps_type": nullable(one_of(("classic", "gherkin"))),
        "params": mapping(text()),
        "param_groups": nullable(each(each(text()))),
        "relations": nullable(record({}, {"suite": nullable(suite)})),
        "message": nullable(text()),
        "defect": flag,
    }
    return both(record({"title": text(shortest=1), "execution": execution}, fields), _one_way_of_ids)


def moment(value: str) -> float | None:
    """Epoch seconds of a time in UTC; None for what is no time."""
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


def _run_fields(rules: Rules, configurations: Collection[int]) -> dict[str, Check]:
    an_id = whole(least=1)
    return {
        "description": text(longest=10_000),
        "include_all_cases": flag,
        "cases": each(_case_id(rules)),
        "is_autotest": flag,
        "environment_id": both(an_id, one_of(rules.environments.values(), "is unknown")),
        "environment_slug": both(text(longest=255), one_of(rules.environments, "is unknown")),
        "milestone_id": both(an_id, one_of(rules.milestones, "is unknown")),
        "author_id": an_id,
        "tags": each(text()),
        "configurations": each(both(whole(), one_of(configurations, "is unknown"))),
        "custom_field": both(mapping(text()), _numbered),
        "start_time": both(text(), _time),
        "end_time": both(text(), _time),
        "is_cloud": flag,
        "cloud_run_config": record({}, {"browser": one_of(("chromium", "firefox", "webkit"))}),
    }


def _case_id(rules: Rules) -> Check:
    positive = whole(least=1)
    return positive if rules.cases is None else both(positive, one_of(rules.cases, "is no case of this project"))


def _one_way_of_ids(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value.get("testops_id") is not None and value.get("testops_ids") is not None:
        yield f"{path}.testops_ids".lstrip("."), "cannot be specified together with testops_id"


def _numbered(value: Any, path: str) -> Iterator[tuple[str, str]]:
    for key in value:
        if not key.isdecimal():
            yield f"{path}.{key}", "is no id of a custom field"


def _time(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if moment(value) is None:
        yield path, "must be a time, YYYY-MM-DD HH:MM:SS in UTC"
