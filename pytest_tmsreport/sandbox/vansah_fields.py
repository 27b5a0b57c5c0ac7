"""What a Vansah workspace holds and allows, and the checks of what is sent to it, field by field."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .checks import Check, both, each, number, one_of, record, text, whole

TOKEN = "sandbox-vansah-token"  # noqa: S105 - opens nothing but this stand-in
PROJECT = "DEMO"
ISSUE = "DEMO-9"
RESULTS = {0: "N/A", 1: "FAILED", 2: "PASSED", 3: "UNTESTED"}
NAME = text(shortest=2)
STEP_STATUSES = ("passed", "failed", "skipped", "pending", "undefined")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this workspace holds, and what it allows; sizes are in bytes.

    `cases` (key -> number of steps) limits the case keys; None lets any of the project pass, each with `steps` steps.
    Plans map a key to the number of their iterations. `fails_inside_200` answers what is refused with HTTP 200 and
    `success: false`; `refuses_unknown_cases` refuses a whole import for one unknown case, in place of counting it as
    failed; `makes_logs` gives every single run a log for each step; `takes_duplicates` is about two single runs of one
    case and asset.
    """

    token: str = field(default=TOKEN, repr=False)
    project: str = PROJECT
    cases: Mapping[str, int] | None = None
    steps: int = 1
    issues: tuple[str, ...] = (ISSUE,)
    folders: tuple[str, ...] = ("regression", "regression/login")
    plans: Mapping[str, int] = field(default_factory=lambda: {"DEMO-P3": 2})
    advanced_plans: Mapping[str, int] = field(default_factory=lambda: {"DEMO-P4": 2})
    sprints: tuple[str, ...] = ("Sprint 1",)
    releases: tuple[str, ...] = ("v1.2",)
    environments: tuple[str, ...] = ("UAT", "SYS")
    requests_per_minute: int = 500
    import_bytes: int = 6 * 2**20
    file_bytes: int = 2**20
    fails_inside_200: bool = False
    refuses_unknown_cases: bool = False
    makes_logs: bool = False
    takes_duplicates: bool = True


def report() -> Check:
    """A Cucumber JSON report: features, scenarios, steps and their results."""
    result = record({"status": one_of(STEP_STATUSES)}, {"duration": number, "error_message": text()})
    embedding = record({"mime_type": text(shortest=1), "data": _base64}, {"name": text()})
    step = record({"keyword": text(), "result": result}, {"name": text(), "embeddings": each(embedding)})
    tag = record({"name": text(shortest=1)})
    scenario = record({"keyword": text(), "name": text(), "steps": each(step)}, {"tags": each(tag), "type": text()})
    return each(record({"keyword": text(), "name": text(), "elements": each(scenario)}, {"uri": text(), "id": text()}))


def run_create(rules: Rules) -> Check:
    """A single run: one case against one asset."""
    kinds: dict[str, Check] = {"issue": _keyed, "folder": record({"folderPath": text()}), "plannedRun": _keyed}

    def asset(value: Any, path: str) -> Iterator[tuple[str, str]]:
        yield from both(record({"type": both(text(), one_of(kinds))}), kinds.get(_type(value), _keyed))(value, path)

    properties = record({}, dict.fromkeys(("sprint", "release", "environment"), record({"name": NAME})))
    optional = {"result": _result, "properties": properties, "attachments": each(attachment(rules))}
    return record({"case": _keyed, "project": _project(rules), "asset": asset}, optional)


def log_create(rules: Rules) -> Check:
    """What was seen in one step of a run."""
    required = {"run": record({"identifier": text()}), "step": record({"number": whole(least=1)}), "result": _result}
    return record(required, {"project": _project(rules), **_said(rules)})


def log_update(rules: Rules) -> Check:
    """A change of a log."""
    return record({"result": _result}, _said(rules))


def attachment(rules: Rules) -> Check:
    """A file inside JSON."""

    def fits(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if len(base64.b64decode(value)) > rules.file_bytes:
            yield path, f"may not be larger than {rules.file_bytes} bytes"

    return record({"name": text(shortest=1), "extension": text(shortest=1), "file": both(_base64, fits)})


def in_folder(path: str) -> str:
    """A folder's path without the slashes around it."""
    return path.strip("/")


def _said(rules: Rules) -> dict[str, Check]:
    return {"actualResult": text(), "attachments": each(attachment(rules))}


def _project(rules: Rules) -> Check:
    return record({"key": one_of((rules.project,), "is no space of this workspace")})


def _keyed(value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield from record({"key": text(shortest=1)}, {"iteration": whole(least=1)})(value, path)


def _type(value: Any) -> str:
    return str(value.get("type")) if isinstance(value, dict) else ""


def _result(value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield from record({"id": one_of(RESULTS)})(value, path)


def _base64(value: Any, path: str) -> Iterator[tuple[str, str]]:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        yield path, "must be base64"
