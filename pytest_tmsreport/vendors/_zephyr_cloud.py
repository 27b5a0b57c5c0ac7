"""Zephyr Scale Cloud's executions: one result a request, read back where an answer was lost, with their cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, PermanentError, Rejected, VendorError, dig
from ..model import Outcome, Result
from ..render import mark, marked, segment, utc
from ..vendor import Case
from . import _zephyr_cycles as cycles
from ._zephyr_cycles import PAGES
from ._zephyr_words import CASE, ISO, Row, case, comment, filled, kind_of, merged, own_fields, said_of

if TYPE_CHECKING:
    from ..client import Client, File
    from .zephyr import Zephyr

_KEY = re.compile(r"/testcases/([^/?]+)")


def verify(vendor: Zephyr, http: Client) -> None:
    """Raises what is wrong with the token or the project."""
    project = http.get(f"projects/{vendor.project}")
    if not project.pick("enabled", bool):
        words = f"Zephyr is not enabled in the project {vendor.project}"
        raise PermanentError(words, vendor=vendor.name, remedy="enable it in the settings of the project")


def checks(vendor: Zephyr, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing."""
    if vendor.mode == "results":
        for outcome in Outcome:
            key = f"status.{outcome.value}"
            yield key, partial(_status, vendor, http, "TEST_EXECUTION", str(vendor.word(outcome)), key)
    if vendor.closes:
        yield "done", partial(_status, vendor, http, "TEST_CYCLE", vendor.done, "done")
    if vendor.environment:
        yield "environment", partial(_environment, vendor, http)
    if vendor.plan:
        yield "plan", partial(http.get, f"testplans/{vendor.plan}")


def _status(vendor: Zephyr, http: Client, kind: str, word: str, key: str) -> None:
    known = cycles.statuses(http, vendor.project, kind)
    if word not in known:
        words = f"the project has no status {word}; it has {', '.join(known)}"
        raise PermanentError(words, vendor=vendor.name, remedy=f"set `{key}` to one of them")


def _environment(vendor: Zephyr, http: Client) -> None:
    asked = {"projectKey": vendor.project}
    names = {str(row.get("name")) for row in http.rows("environments", PAGES, "values", params=asked)}
    if vendor.environment not in names:
        words = f"the project has no environment {vendor.environment!r}; it has {', '.join(sorted(names)) or 'none'}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `environment`, or make it in Zephyr")


def known(http: Client, project: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that there are; what the list of the project's leaves out is asked for by itself."""
    asked = [key for key in dict.fromkeys(keys) if CASE.fullmatch(key)]
    there = existing(http, project) if asked else set()
    return {key for key in asked if key in there or _exists(http, key)}


def sent(vendor: Zephyr, http: Client, run_id: str, batch: Sequence[Result]) -> list[str]:
    """Makes an execution for each case of each result; its number, or its numbers with commas between them."""
    return [",".join(_sent(vendor, http, run_id, result, key) for key in result.case_ids) for result in batch]


def arrived(vendor: Zephyr, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
    """What is there of a batch, by the last line of the comments: result id -> its numbers."""
    there = {}
    for result in batch:
        found = [_execution(vendor, http, run_id, result, key) for key in result.case_ids]
        if all(found):
            there[result.id] = ",".join(found)
    return there


def attached(http: Client, execution: str, file: File) -> str:
    """Uploads a file to an execution, at the address that Zephyr's newer tools seem to use."""
    path = f"testexecutions/{segment(execution)}/attachments/{segment(_file_name(file.name))}"
    reply = http.post(path, raw=file, may_be_empty=True)
    return str(dig(reply.body, "id") or "attached")


def planned(vendor: Zephyr, http: Client, plan: str) -> list[Case]:
    """The cases of a plan (those of its cycles), a cycle, a folder of cases with all below it, or an issue."""
    kind, key = kind_of(plan, vendor.name)
    if kind == "cycle":
        return recorded(vendor, http, key)
    if kind == "issue":
        rows = http.get(f"issuelinks/{segment(key)}/testcases").body
        return merged(case(str(dig(row, "key"))) for row in (rows if isinstance(rows, list) else []))
    if kind == "folder":
        return merged(_in_folder(vendor, http, key))
    links = dig(http.get(f"testplans/{segment(key)}").body, "links.testCycles") or []
    numbers = [str(dig(link, "testCycleId")) for link in links]
    return merged(found for number in numbers for found in recorded(vendor, http, number))


def recorded(vendor: Zephyr, http: Client, run_id: str) -> list[Case]:
    """The cases of a cycle. Raises NotFound for an unknown one."""
    asked: dict[str, str | int] = {
        "projectKey": vendor.project,
        "testCycle": cycles.read(http, run_id).pick("key", str),
        "onlyLastExecutions": "true",
    }
    known = cycles.statuses(http, vendor.project, "TEST_EXECUTION")
    bad = {known.get(str(vendor.word(outcome))) for outcome in Outcome if outcome.is_bad} - {None}
    rows = http.rows("testexecutions", PAGES, "values", params=asked)
    return merged(
        case(key, has_failed=dig(row, "testExecutionStatus.id") in bad) for row in rows if (key := _key_of(row))
    )


@lru_cache(maxsize=8)
def existing(http: Client, project: str) -> set[str]:
    """The keys of the project's cases, read once."""
    rows = http.rows("testcases", PAGES, "values", params={"projectKey": project})
    return {str(row.get("key")) for row in rows}


def _sent(vendor: Zephyr, http: Client, run_id: str, result: Result, key: str) -> str:
    checked = _checked(http)
    if not CASE.fullmatch(key) or checked.get(key) is False:
        raise _no_case(vendor, key)
    if len(result.case_ids) > 1 and (there := _execution(vendor, http, run_id, result, key)):
        return there  # an earlier upload was stopped between two cases of the test

    def lost() -> Row | None:
        number = _execution(vendor, http, run_id, result, key)
        return {"id": int(number)} if number else None

    try:
        reply = http.post("testexecutions", json=row(vendor, run_id, result, key), recover=lost)
    except VendorError as error:
        if error.status not in (400, 404):
            raise
        if error.status == 404:
            cycles.read(http, run_id)  # says it, where the cycle is gone
        if key not in checked:
            checked[key] = _exists(http, key)
        if not checked[key]:
            raise _no_case(vendor, key, error) from error
        raise
    return str(reply.pick("id", int))


def row(vendor: Zephyr, run_id: str, result: Result, key: str) -> Row:
    """An execution as it is sent."""
    has_steps = vendor.steps == "results" and bool(result.steps)
    steps = [
        {
            "statusName": vendor.word(step.outcome),
            "actualEndDate": utc(step.start + step.duration, ISO),
            "actualResult": said_of(step),
        }
        for step in (result.steps if has_steps else ())
    ]
    return {
        "projectKey": vendor.project,
        "testCaseKey": key,
        "testCycleKey": run_id,
        "statusName": vendor.word(result.outcome),
        "actualEndDate": utc(result.end, ISO),
        "executionTime": round(1000 * result.duration),
        "comment": comment(result, vendor.max_text, with_steps=not has_steps, sent=vendor.custom_fields),
        **filled(
            {
                "environmentName": vendor.environment,
                "executedById": vendor.executed_by,
                "customFields": own_fields(result, vendor.custom_fields),
                "testScriptResults": steps,
            }
        ),
    }


def _execution(vendor: Zephyr, http: Client, run_id: str, result: Result, key: str) -> str:
    """The number of the execution that bears the mark of a result; empty where there is none."""
    asked = {"projectKey": vendor.project, "testCycle": run_id, "testCase": key}
    for found in http.rows("testexecutions", PAGES, "values", params=asked):
        if marked(str(found.get("comment"))) == mark(result.id):
            return str(found["id"])
    return ""


def _in_folder(vendor: Zephyr, http: Client, path: str) -> Iterator[Case]:
    known = cycles.folders(http, vendor.project, "TEST_CASE")
    at = 0
    for name in filter(None, path.split("/")):
        if (at, name) not in known:
            words = f"there is no folder {path!r} of test cases"
            raise NotFound(words, vendor=vendor.name, remedy="name it from the top, such as /Smoke/Cart")
        at = known[at, name]
    due = [at]
    while due:
        at = due.pop(0)
        due += [number for (outer, _), number in known.items() if outer == at]
        asked: dict[str, str | int] = {"projectKey": vendor.project, **({"folderId": at} if at else {})}
        for found in http.rows("testcases", PAGES, "values", params=asked):
            yield case(str(found.get("key")), title=str(found.get("name")))
        if path.strip("/") == "":
            return


def _exists(http: Client, key: str) -> bool:
    try:
        http.get(f"testcases/{segment(key)}")
    except (NotFound, Rejected):
        return False
    return True


@lru_cache(maxsize=8)
def _checked(http: Client) -> dict[str, bool]:  # noqa: ARG001 - one for each conversation
    """Which keys were looked at after a refusal, and whether there is such a case: asked once a key."""
    return {}


def _no_case(vendor: Zephyr, key: str, error: VendorError | None = None) -> Rejected:
    words = f"there is no case {key}" if CASE.fullmatch(key) else f"{key!r} is no case: write {vendor.project}-T7 or T7"
    about: dict[str, Any] = {"request": error.request, "status": error.status} if error else {}
    return Rejected(words, vendor=vendor.name, remedy="correct the marks, or make the cases in Zephyr", **about)


def _key_of(row: Row) -> str:
    """The case of an execution: its address names it, the answer does not."""
    found = _KEY.search(str(dig(row, "testCase.self")))
    return found[1] if found else ""


def _file_name(name: str) -> str:
    """A file's name without what Zephyr refuses in one, at most 255 characters."""
    clean = re.sub(r"[/\\\x00-\x1f]|\.\.", "_", name) or "file"
    return clean[-255:]
