"""A result as Qase wants it, and what its refusals say about results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Rejected, VendorError, dig
from ..model import Outcome
from ..render import cut, said

if TYPE_CHECKING:
    from ..model import Result, Step
    from .qase import Qase


STEP_STATUSES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.XFAILED: "skipped",
    Outcome.XPASSED: "passed",
}
"""Qase takes five words for a step; a workspace cannot add to them."""


def row(vendor: Qase, index: int, result: Result) -> dict[str, Any]:
    """The `ResultCreate` of a result: what it has, as Qase takes what is left out for empty.

    Raises Rejected, naming `index`, for what is no case id.
    """
    signature = result.nodeid.partition("[")[0]
    found: dict[str, Any] = {"id": result.id, "title": cut(result.title, 255)}
    if result.case_ids:
        found["testops_ids"] = [_case_id(vendor, index, text) for text in result.case_ids]
    found["execution"] = _execution(vendor, result)
    if result.fields or result.description or result.tags:
        fields = {**result.fields, "description": result.description, "tags": ",".join(result.tags)}
        found["fields"] = {key: value for key, value in fields.items() if value}
    files = {each.sha256: each.remote_id for each in result.attachments}
    if result.steps:
        found |= {"steps_type": "classic", "steps": [_step(step, files) for step in result.steps]}
    if files:
        within = set(_files_within(result.steps))
        found["attachments"] = [remote for sha256, remote in files.items() if sha256 not in within]
    if result.parameters:
        found["params"] = {name: value or "empty" for name, value in result.parameters.items()}
        signature = "::".join([signature, *(f"{{{k}:{v}}}" for k, v in result.parameters.items())])
    found["signature"] = signature.lower().replace(" ", "_")
    if result.suite:
        found["relations"] = {"suite": {"data": [{"title": title} for title in result.suite]}}
    if message := said(result):
        found["message"] = message
    if vendor.defect and result.outcome.is_bad:
        found["defect"] = True
    return found


def _execution(vendor: Qase, result: Result) -> dict[str, Any]:
    found = {"status": vendor.word(result.outcome), **_times(result.start, result.duration)}
    if result.traceback:
        found["stacktrace"] = result.traceback
    if result.worker:
        found["thread"] = result.worker
    return found


def _times(start: float, duration: float) -> dict[str, Any]:
    """Seconds with three digits, and whole milliseconds; to round to digits would take twice as long."""
    return {
        "start_time": round(1000 * start) / 1000,
        "end_time": round(1000 * (start + duration)) / 1000,
        "duration": round(1000 * duration),
    }


def _files_within(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield from step.files
        yield from _files_within(step.steps)


def _step(step: Step, files: Mapping[str, str]) -> dict[str, Any]:
    attachments = [files[each] for each in step.files if each in files]
    data = {"action": step.title, "expected_result": step.expected, "input_data": step.data}
    return {
        "data": {key: value for key, value in data.items() if value},
        "execution": {
            "status": STEP_STATUSES[step.outcome],
            **_times(step.start, step.duration),
            **({"comment": step.message} if step.message else {}),
            **({"attachments": attachments} if attachments else {}),
        },
        "steps": [_step(inner, files) for inner in step.steps],
    }


def uploaded(rows: Sequence[Any], names: Sequence[str]) -> list[str]:
    """The hashes of files in the answer to their upload, by their order or their names; empty where it is not told."""
    found = [(str(dig(row, "filename")), str(dig(row, "hash") or "")) for row in rows]
    if [name for name, _ in found] == list(names):
        return [remote for _, remote in found]
    named = {name: remote for name, remote in found if [each for each, _ in found].count(name) == 1}
    return [named.get(name, "") for name in names]


def culprits(error: VendorError) -> dict[int, str]:
    """The rows that a refusal names, with its words."""
    found: dict[int, str] = {}
    for entry in _error_fields(error):
        index = _row_of(entry)
        if index is not None:
            words = f"{entry.get('field')}: {entry.get('error')}"
            found[index] = f"{found[index]}; {words}" if index in found else words
    return found


def late_rows(error: VendorError) -> set[int]:
    """The rows whose times are refused."""
    names = ("start_time", "end_time")
    late = [entry for entry in _error_fields(error) if str(entry.get("field")).rpartition(".")[2] in names]
    return {index for entry in late if (index := _row_of(entry)) is not None}


def _case_id(vendor: Qase, index: int, text: str) -> int:
    found = re.fullmatch(rf"(?:{vendor.project}-|C)?0*([1-9][0-9]*)", text.strip(), re.IGNORECASE)
    if not found:
        words = f"{text!r} is no case id of project {vendor.project}: write 7, C7 or {vendor.project}-7"
        field = {"field": f"results.{index}.testops_ids", "error": words}
        raise Rejected(words, vendor=vendor.name, body={"errorFields": [field]})
    return int(found[1])


def _error_fields(error: VendorError) -> list[dict[str, Any]]:
    found = dig(error.body, "errorFields")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _row_of(entry: dict[str, Any]) -> int | None:
    found = re.match(r"results[.\[](\d+)", str(entry.get("field")))
    return int(found[1]) if found else None
