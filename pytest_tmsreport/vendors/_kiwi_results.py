"""Kiwi TCMS's results: executions of a run, updated and commented in bulk, and read back where an answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import PartlyRejected, Rejected
from ..model import Result
from ..render import as_markdown, cut, mark, marked, trim
from ..vendor import Case
from . import _kiwi_places as places
from . import _kiwi_rpc as rpc
from . import _kiwi_runs as runs
from ._kiwi_cases import clean, listed, number
from ._kiwi_rpc import Call, Row, ask, found, good, moment, rows

if TYPE_CHECKING:
    from ..client import Client
    from .kiwi import Kiwi

UPDATE, COMMENT, LINK = "TestExecution.update", "TestExecution.add_comment", "TestExecution.add_link"
PROPERTY = "TestExecution.add_property"
LONGEST_LINK, LONGEST_LINK_NAME = 200, 64


@dataclass
class _Work:
    """What is to be done for a batch: a row of calls, whose they are, and what was refused (index -> why)."""

    calls: list[Call] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    remote: dict[int, list[str]] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def sent(vendor: Kiwi, http: Client, run_id: str, batch: Sequence[Result]) -> list[str]:
    """Sends a batch; the run and execution of each result. Raises PartlyRejected where some are refused."""
    work = _Work()
    cases = {index: _cases(result, index, work) for index, result in enumerate(batch)}
    there = _executions(vendor, http, run_id, [case for some in cases.values() for case in some])
    used: set[int] = set()
    for index, result in enumerate(batch):
        wrong = next((words for case in cases[index] if isinstance(words := there[case], str)), None)
        if wrong is not None:
            work.refused.setdefault(index, wrong)
        if index in work.refused:
            continue
        executions = [row for case in cases[index] for row in there[case] if isinstance(row, dict)]
        work.remote[index] = [f"{run_id}/{row.get('id', 0)}" for row in executions]
        used |= {int(row["id"]) for row in executions if row.get("tested_by")}
        for row in executions:
            for call in _calls(vendor, http, int(row.get("id", 0)), result):
                work.calls.append(call)
                work.owners.append(index)
    _deliver(http, work, used)
    remote = [",".join(work.remote[index]) for index in range(len(batch)) if index not in work.refused]
    if work.refused:
        raise PartlyRejected(work.refused, vendor.name, remote=remote)
    return remote


def arrived(vendor: Kiwi, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
    """What is there of a batch, by the last line of the comments: result id -> its runs and executions."""
    numbers = sorted({case for result in batch for text in result.case_ids if (case := number(text))})
    query = {"run": runs.number(vendor, run_id), "case__in": numbers}
    by_case: dict[int, list[int]] = {}
    for row in found(http, ask("TestExecution.filter", query)):
        if row.get("tested_by"):
            by_case.setdefault(int(row["case"]), []).append(int(row["id"]))
    comments = _comments(http, [each for some in by_case.values() for each in some])
    told = {}
    for result in batch:
        parts = [by_case.get(number(text) or 0, []) for text in result.case_ids]
        own = [each for part in parts for each in part]
        if own and all(parts) and all(mark(result.id) in comments[each] for each in own):
            told[result.id] = ",".join(f"{run_id}/{each}" for each in own)
    return told


def recorded(vendor: Kiwi, http: Client, run_id: str) -> Iterator[Case]:
    """The cases of a run, and whether they have failed. Raises NotFound."""
    runs.read(vendor, http, run_id)
    bad = {row["id"] for row in places.known(vendor, http).statuses if row["weight"] < 0}
    rows = found(http, ask("TestExecution.filter", {"run": runs.number(vendor, run_id)}))
    failed = {int(row["case"]) for row in rows if row["status"] in bad}
    return listed(http, {int(row["case"]) for row in rows}, failed)


def _cases(result: Result, index: int, work: _Work) -> list[int]:
    """The numbers of a result's cases; none where an id of it is no number."""
    numbers = [number(text) for text in result.case_ids]
    for text, case in zip(result.case_ids, numbers, strict=True):
        if case is None:
            work.refused[index] = f"{text!r} is no case id: write TC-123 or 123"
            return []
    return [case for case in numbers if case is not None]


def _executions(vendor: Kiwi, http: Client, run_id: str, cases: Sequence[int]) -> dict[int, list[Row] | str]:
    """Puts cases into the plan and the run; their executions, or why there are none.

    A run with a matrix of properties has several executions of a case: what is told of a test holds for each of them.
    """
    wanted = list(dict.fromkeys(cases))
    if not wanted:
        return {}
    home, of_plan = runs.plan(http, run_id)
    new = [case for case in wanted if case not in of_plan]
    run = runs.number(vendor, run_id)
    calls = [
        *(ask("TestRun.add_case", run, case) for case in wanted),
        *(ask("TestPlan.add_case", home, case) for case in new),
    ]
    answers = rpc.batch(http, calls)
    for case, answer in zip(new, answers[len(wanted) :], strict=True):
        if not isinstance(answer, Rejected):
            of_plan.add(case)
    there: dict[int, list[Row] | str] = {}
    for case, answer in zip(wanted, answers, strict=False):
        there[case] = _refusal(case, answer) if isinstance(answer, Rejected) else rows(answer)
    return there


def _refusal(case: int, error: Rejected) -> str:
    if "TestRun matching" in error.text:
        raise error
    if "matching query does not exist" in error.text:
        return f"there is no case TC-{case}"
    return f"{error.text}; confirm the case, or leave it out" if "not confirmed" in error.text else error.text


def _calls(vendor: Kiwi, http: Client, execution: int, result: Result) -> Iterator[Call]:
    """What tells a result; its comment comes last, so that where it stands everything does."""
    zone = vendor.time_zone
    values: Row = {
        "status": places.status(vendor, http, result.outcome),
        "start_date": moment(result.start, zone),
        "stop_date": moment(result.end, zone),
    }
    if vendor.tester:
        values["tested_by"] = vendor.tester
    yield ask(UPDATE, execution, values)
    if places.has(vendor, http, PROPERTY):
        told = {**(result.parameters if len(result.parts) < 2 else {}), **result.fields}
        for name, value in told.items():
            yield ask(PROPERTY, execution, cut(clean(name), places.LONGEST), cut(clean(value), places.LONGEST))
    for link in result.links:
        if urlsplit(link.url).scheme in ("http", "https") and len(link.url) <= LONGEST_LINK:
            name = cut(clean(link.name), LONGEST_LINK_NAME)
            yield ask(LINK, {"execution": execution, "url": link.url, "name": name, "is_defect": link.kind == "issue"})
    yield ask(COMMENT, execution, comment(vendor, result))


def comment(vendor: Kiwi, result: Result) -> str:
    """What stands with an execution, as Markdown; its last line is an id of ours."""
    return clean(f"{trim(as_markdown(result), vendor.max_text)}\n\n{mark(result.id)}")


def _deliver(http: Client, work: _Work, used: set[int]) -> None:
    """Makes the calls; whatever an execution has already from us is not told it again."""
    touched = {_execution(call) for call in work.calls}
    if used:
        is_due = _still_due(http, used)
        kept = [(call, owner) for call, owner in zip(work.calls, work.owners, strict=True) if is_due(call)]
        work.calls, work.owners = [call for call, _ in kept], [owner for _, owner in kept]
    answers = rpc.batch(http, work.calls, lambda: _still_due(http, touched))
    for call, owner, answer in zip(work.calls, work.owners, answers, strict=True):
        if not isinstance(answer, Rejected):
            continue
        if call.method in (UPDATE, COMMENT):
            work.refused.setdefault(owner, answer.text)
        else:
            http.note(f"a link or property is left out: {answer.text}")


def _still_due(http: Client, executions: set[int]) -> Callable[[Call], bool]:
    """What tells of a call whether it has not yet done its work, by what stands at the executions now."""
    numbers = sorted(executions)
    comments = _comments(http, numbers)
    links = {
        (row["execution"], row["url"])
        for row in found(http, ask("TestExecution.get_links", {"execution__in": numbers}))
    }

    def is_due(call: Call) -> bool:
        if call.method == COMMENT:
            return marked(call.params[1]) not in comments.get(call.params[0], ())
        if call.method == LINK:
            return (call.params[0]["execution"], call.params[0]["url"]) not in links
        return True

    return is_due


def _execution(call: Call) -> int:
    first = call.params[0]
    return int(first["execution"] if isinstance(first, dict) else first)


def _comments(http: Client, executions: Sequence[int]) -> dict[int, set[str]]:
    """Execution -> our marks in its comments."""
    answers = rpc.batch(http, [ask("TestExecution.get_comments", each) for each in executions])
    return {
        execution: {marked(str(row.get("comment"))) for row in rows(good(answer))}
        for execution, answer in zip(executions, answers, strict=True)
    }
