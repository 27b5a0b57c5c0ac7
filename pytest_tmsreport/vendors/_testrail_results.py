"""TestRail's results: a row for each case, sent in bulk, and read back where an answer was lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import PermanentError, Rejected, TooLarge
from ..model import Outcome, Result, Step
from ..render import cut, mark, marked, segment, steps_as_text, trim
from . import _testrail_runs as runs
from ._testrail_words import Row, comment, no_case, number, rows, timespan, typed

if TYPE_CHECKING:
    from ..client import Client, Reply
    from .testrail import TestRail

UNKNOWN_CASE = re.compile(r"\bcase C(\d+)")


def sent(vendor: TestRail, http: Client, run_id: str, batch: Sequence[Result]) -> list[str]:
    """Sends a batch; each result's id, or its ids with commas between them where it has several cases."""
    due = [row(vendor, http, result, case) for result in batch for case in result.case_ids]

    def lost() -> list[Row] | None:
        there = dict(arrived(http, run_id, batch))
        if not there:
            return None
        rest = [result for result in batch if result.id not in there]
        if rest:
            there.update(zip((result.id for result in rest), sent(vendor, http, run_id, rest), strict=True))
        return [{"id": int(each)} for result in batch for each in there[result.id].split(",")]

    def post() -> Reply:
        return http.post(f"add_results_for_cases/{segment(run_id)}", json={"results": due}, recover=lost)

    try:
        reply = post()
    except TooLarge:
        raise
    except Rejected as error:
        _mend(vendor, http, run_id, due, error)
        reply = post()
    ids = map(str, reply.ids(len(due)))
    return [",".join(islice(ids, len(result.case_ids))) for result in batch]


def _mend(vendor: TestRail, http: Client, run_id: str, due: Sequence[Row], error: Rejected) -> None:
    """Gives the run the cases for whose lack it was refused. Raises what remains of the refusal."""
    run = runs.read(vendor, http, run_id)
    if run.pick("is_completed", bool):
        words, remedy = f"run {run_id} is completed: {error.text}", "report into a new run"
        raise PermanentError(words, vendor=vendor.name, request=error.request, remedy=remedy) from error
    if not UNKNOWN_CASE.search(error.text):
        raise error
    unknown = runs.extend(vendor, http, run, [entry["case_id"] for entry in due])
    if unknown is None:
        raise error
    if unknown:  # the words of TestRail name one of them only
        words = ", ".join(f"case C{each}" for each in unknown)
        raise Rejected(words, vendor=vendor.name, request=error.request, status=error.status) from error


def arrived(http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
    """What is there of a batch, by the last line of the comments: result id -> its ids."""
    wanted = {mark(result.id): result for result in batch}
    found: dict[str, list[str]] = {}
    left = sum(len(result.case_ids) for result in batch)
    for entry in rows(http, f"get_results_for_run/{segment(run_id)}", "results"):  # the newest first
        result = wanted.get(marked(str(entry.get("comment"))))
        if result:
            found.setdefault(result.id, []).insert(0, str(entry["id"]))
            left -= 1
        if not left:
            break
    return {result_id: ",".join(ids) for result_id, ids in found.items()}


def culprits(words: str, batch: Sequence[Result]) -> Mapping[int, str]:
    """The results of a batch whose case a refusal names, or whose case id is none: index -> why."""
    named = set(map(int, UNKNOWN_CASE.findall(words)))
    found = {}
    for index, result in enumerate(batch):
        for case in result.case_ids:
            if number(case) is None:
                found[index] = no_case(case)
            elif number(case) in named:
                found[index] = f"case {case} is unknown, or not part of the run"
    return found


def row(vendor: TestRail, http: Client, result: Result, case: str) -> Row:
    """A result as it is sent. Raises Rejected where the case id is none."""
    case_number = number(case)
    if case_number is None:
        raise Rejected(no_case(case), vendor=vendor.name)
    found: Row = {}
    if result.fields or vendor.result_fields:
        own = {name: value for name, value in result.fields.items() if name.startswith("custom_")}
        typed_fields = {name: typed(value) for name, value in {**vendor.result_fields, **own}.items()}
        found = {name: value for name, value in typed_fields.items() if value != ""}
    has_steps = vendor.steps == "results" and bool(result.steps)
    found["case_id"] = case_number
    found["status_id"] = status(vendor, http, result.outcome)
    words = trim(comment(result, with_steps=not has_steps), vendor.max_text)
    found["comment"] = f"{words}\n\n{mark(result.id)}"
    if elapsed := timespan(result.duration):
        found["elapsed"] = elapsed
    if vendor.version:
        found["version"] = cut(vendor.version, 250)
    if issues := [
        link.name or link.url.rstrip("/").rpartition("/")[2] for link in result.links if link.kind == "issue"
    ]:
        found["defects"] = cut(",".join(issues), 250)
    if has_steps:
        found["custom_step_results"] = [_step(vendor, http, step) for step in result.steps]
    return found


def _step(vendor: TestRail, http: Client, step: Step) -> Row:
    """A step of a case whose template has separated steps; those within it stand in its words."""
    return {
        "content": "\n".join([step.title, *steps_as_text(step.steps)]),
        "expected": step.expected,
        "actual": step.message or step.outcome.value,
        "status_id": status(vendor, http, step.outcome),
    }


def status(vendor: TestRail, http: Client, outcome: Outcome) -> int:
    """The number of the status for an outcome; a user's word is looked up. Raises PermanentError for an unknown one."""
    word = str(vendor.word(outcome))
    if word.isdecimal():
        return int(word)
    known = _statuses(http)
    if word.lower() not in known:
        text, remedy = f"there is no status {word!r}, but {', '.join(known)}", f"correct `status.{outcome.value}`"
        raise PermanentError(text, vendor=vendor.name, remedy=remedy)
    return known[word.lower()]


@lru_cache(maxsize=8)
def _statuses(http: Client) -> dict[str, int]:
    """Name or label -> number."""
    known = list(rows(http, "get_statuses", "statuses"))
    return {str(entry[word]).lower(): entry["id"] for word in ("label", "name") for entry in known if entry.get(word)}
