"""A result as Azure takes it: its outcome, times and texts, and what it is made of as sub-results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..aggregate import name_of
from ..model import Outcome, Result, Step
from ..render import cut, mark, particulars, remarks, steps_as_text, trim, utc
from ._azure_runs import ISO

if TYPE_CHECKING:
    from .azure import Azure

Row = dict[str, Any]
WORDS = (
    *("Unspecified", "None", "Passed", "Failed", "Inconclusive", "Timeout", "Aborted", "Blocked", "NotExecuted"),
    *("Warning", "Error", "NotApplicable", "Paused", "InProgress", "NotImpacted"),
)
"""The outcomes of a result."""
COMMENT = 1000
"""Most characters of a comment (specification of TestCaseResult)."""
LEVELS, WIDTH = 3, 1000
"""So deep, and so many to a level, are the sub-results that are sent: what is taken at most is unconfirmed."""
SHORTEST_S = 0.001
"""A result has to end after it began."""


def fields_of(vendor: Azure, result: Result) -> Row:
    """What became of a test."""
    has_tree = vendor.sub_results == "always" or (vendor.sub_results == "auto" and not vendor.plan)
    kind, subs = _tree(vendor, result) if has_tree else ("", [])
    word = str(vendor.word(result.outcome))
    comment = _comment(result, in_full=not subs)
    found: Row = {
        "state": "Completed",
        "outcome": word,
        "durationInMs": round(1000 * result.duration),
        **_times(result.start, result.duration),
        "errorMessage": result.message,
        "stackTrace": trim(result.traceback, vendor.max_trace),
        "comment": f"{trim(comment, _room(result))}\n\n{mark(result.id)}",
        "failureType": "Known Issue" if result.outcome is Outcome.XFAILED and word == "Failed" else "",
        "associatedBugs": [{"id": bug} for bug in bugs(vendor, result)],
        "resultGroupType": kind,
        "subResults": subs,
    }
    return {key: value for key, value in found.items() if value not in ("", [])}


def long_texts(vendor: Azure, batch: Sequence[Result]) -> Iterator[str]:
    """What the results of a batch have to leave out, in full."""
    for result in batch:
        comment = _comment(result, in_full=True)
        if len(comment) > _room(result) or len(result.traceback) > vendor.max_trace:
            line = "=" * len(result.nodeid)
            yield "\n\n".join(part for part in (f"{result.nodeid}\n{line}", comment, result.traceback) if part)


def bugs(vendor: Azure, result: Result) -> list[str]:
    """The work items of the server that the links of a result name as its issues."""
    here = re.escape(vendor.base_url)
    item = re.compile(rf"(?:{here}/(?:[^/]+/)?_workitems/edit/|(?:AB)?#)?([1-9][0-9]{{0,9}})/?", re.IGNORECASE)
    links = [link for part in result.parts or (result,) for link in part.links if link.kind == "issue"]
    found = (item.fullmatch(text.strip()) for link in links for text in (link.url, link.name))
    return list(dict.fromkeys(each[1] for each in found if each))


def _room(result: Result) -> int:
    return COMMENT - len(mark(result.id)) - 2


def _comment(result: Result, *, in_full: bool) -> str:
    """What has no field of its own; `in_full` with what would else be sub-results."""
    lines = [result.nodeid, result.description]
    lines += [f"cases: {', '.join(result.case_ids)}"] if len(result.case_ids) > 1 else []
    lines += [f"{name}: {value}" for name, value in result.parameters.items()]
    lines += [*remarks(result), *particulars(result)]
    lines += steps_as_text(result.steps) if in_full else []
    return "\n".join(line for line in lines if line)


def _tree(vendor: Azure, result: Result) -> tuple[str, list[Row]]:
    """The kind of a result's sub-results, and those: its tests, its attempts, or its steps."""
    if len(result.parts) > 1:
        subs = [_part(vendor, place, part) for place, part in enumerate(result.parts[:WIDTH], 1)]
        return "dataDriven", subs
    if result.earlier:
        failed = [
            {"displayName": f"attempt {place}", "outcome": "Failed", "errorMessage": words, "sequenceId": place}
            for place, words in enumerate(result.earlier, 1)
        ]
        return "rerun", [*failed, _part(vendor, result.attempt, result, f"attempt {result.attempt}")][:WIDTH]
    return ("generic", _steps(vendor, result.steps, 1)) if result.steps else ("", [])


def _part(vendor: Azure, place: int, part: Result, name: str = "") -> Row:
    found: Row = {
        "displayName": cut(name or name_of(part), 255),
        "outcome": str(vendor.word(part.outcome)),
        "durationInMs": round(1000 * part.duration),
        **_times(part.start, part.duration),
        "errorMessage": part.message,
        "stackTrace": trim(part.traceback, vendor.max_trace),
        "comment": trim("" if name else _comment(part, in_full=False), COMMENT),
        "sequenceId": place,
        "resultGroupType": "generic" if part.steps else "",
        "subResults": _steps(vendor, part.steps, 2),
    }
    return {key: value for key, value in found.items() if value not in ("", [])}


def _steps(vendor: Azure, steps: Sequence[Step], level: int) -> list[Row]:
    """Steps as sub-results; those that are too deep stand in the words of the last that is not."""
    return [_step(vendor, step, place, level) for place, step in enumerate(steps[:WIDTH], 1)]


def _step(vendor: Azure, step: Step, place: int, level: int) -> Row:
    is_last = level == LEVELS
    said = [f"expected: {step.expected}" if step.expected else "", f"data: {step.data}" if step.data else ""]
    deeper: Iterable[str] = steps_as_text(step.steps) if is_last else ()
    found: Row = {
        "displayName": cut(step.title, 255),
        "outcome": str(vendor.word(step.outcome)),
        "durationInMs": round(1000 * step.duration),
        **_times(step.start, step.duration),
        "errorMessage": step.message,
        "comment": trim("\n".join(each for each in (*said, *deeper) if each), COMMENT),
        "sequenceId": place,
        "resultGroupType": "generic" if step.steps and not is_last else "",
        "subResults": [] if is_last else _steps(vendor, step.steps, level + 1),
    }
    return {key: value for key, value in found.items() if value not in ("", [])}


def _times(start: float, duration: float) -> Row:
    return {"startedDate": utc(start, ISO), "completedDate": utc(start + max(duration, SHORTEST_S), ISO)}
