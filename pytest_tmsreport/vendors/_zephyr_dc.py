"""Zephyr Scale Server and Data Center: cycles with all their cases, results in bulk, files, Jira's own addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import AuthError, NotFound, PermanentError, Rejected, TooLarge, VendorError, dig
from ..model import Outcome, Result, Run
from ..paging import Offset
from ..render import bears, mark, marked, segment, utc
from ..vendor import Case
from ._zephyr_words import CASE, ISO, Row, case, comment, filled, kind_of, merged, named, number, own_fields, said_of

if TYPE_CHECKING:
    from ..client import Client, File
    from .zephyr import Zephyr

ATM = "atm/1.0"
PAGES = Offset("startAt", "maxResults", 200)
MARKS = "correct the marks, or make the cases in Zephyr"
KEYS_AT_ONCE = 100
"""So many keys stand in one query: it is part of an address."""
_NAMED = re.compile(r"\b[A-Z][A-Z0-9_]+-[A-Z]?[0-9]+\b")


def verify(vendor: Zephyr, http: Client) -> None:
    """Raises what is wrong with the login or the project."""
    http.get(f"api/2/project/{segment(vendor.project)}")
    http.get(f"{ATM}/environments", params={"projectKey": vendor.project})


def checks(vendor: Zephyr, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing."""
    if vendor.environment:
        yield "environment", partial(_environment, vendor, http)
    if vendor.plan:
        yield "plan", partial(http.get, f"{ATM}/testplan/{vendor.plan}", params={"fields": "key"})


def _environment(vendor: Zephyr, http: Client) -> None:
    reply = http.get(f"{ATM}/environments", params={"projectKey": vendor.project})
    names = [str(dig(row, "name")) for row in (reply.body if isinstance(reply.body, list) else [])]
    if vendor.environment not in names:
        words = f"the project has no environment {vendor.environment!r}; it has {', '.join(names) or 'none'}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `environment`, or make it in Zephyr")


def opened(vendor: Zephyr, http: Client, run: Run) -> str:
    """Makes a cycle with the cases that are about to be reported, and returns its key."""
    keys = [key for key in run.case_ids if CASE.fullmatch(key)]
    known = existing(http, keys)
    item = {"environment": vendor.environment} if vendor.environment else {}
    body = {
        **cycle(vendor),
        "projectKey": vendor.project,
        "name": named(run.name, run.own_id),
        "plannedStartDate": utc(run.start, ISO),
        "items": [{"testCaseKey": key, **item} for key in keys if key in known],
    }

    def lost() -> Row | None:
        key = found(vendor, http, run)
        return {"key": key} if key else None

    try:
        return http.post(f"{ATM}/testrun", json=body, recover=lost).pick("key", str)
    except Rejected as error:
        if not (vendor.path and "folder" in error.text):
            raise
    _make_folder(vendor, http)
    return http.post(f"{ATM}/testrun", json=body, recover=lost).pick("key", str)


def cycle(vendor: Zephyr) -> Row:
    """What settings say of a new cycle."""
    return filled(
        {
            "folder": _folder(vendor),
            "testPlanKey": vendor.plan,
            "version": vendor.version,
            "iteration": vendor.iteration,
            "owner": vendor.executed_by,
            "customFields": dict(vendor.cycle_fields),
        }
    )


def found(vendor: Zephyr, http: Client, run: Run) -> str | None:
    """The key of the cycle whose name bears our mark, and that was made first: Zephyr counts its cycles up."""
    keys = [str(row["key"]) for row in listed(vendor, http) if bears(str(row.get("name")), run.own_id)]
    return min(keys, key=number, default=None)


def listed(vendor: Zephyr, http: Client) -> Iterator[Row]:
    """All cycles of the project, or of the folder."""
    folder = f" AND folder = {json.dumps(_folder(vendor))}" if vendor.path else ""
    params = {"query": f'projectKey = "{vendor.project}"{folder}', "fields": "key,name"}
    try:
        yield from http.rows(f"{ATM}/testrun/search", PAGES, params=params)
    except Rejected as error:
        if "folder" not in error.text:  # one that is still to be made
            raise


def discard(http: Client, key: str) -> None:
    """Removes a cycle without results. Raises PermanentError for one that has some."""
    if _results(http, key):
        raise PermanentError("it holds results", vendor=http.vendor.name, remedy="look at both cycles")
    http.delete(f"{ATM}/testrun/{segment(key)}")


def read(http: Client, key: str) -> None:
    """Reads a cycle. Raises NotFound where there is none."""
    http.get(f"{ATM}/testrun/{segment(key)}", params={"fields": "key"})


def sent(vendor: Zephyr, http: Client, run_id: str, batch: Sequence[Result]) -> list[str]:
    """Sends a batch; each result's number, or its numbers with commas between them where it has several cases."""
    wrong = [key for result in batch for key in result.case_ids if not CASE.fullmatch(key)]
    if wrong:
        words = f"{wrong[0]!r} is no case: write {vendor.project}-T7 or T7"
        raise Rejected(words, vendor=vendor.name, code=wrong[0], remedy=MARKS)
    rows = [row(vendor, result, key) for result in batch for key in result.case_ids]

    def lost() -> list[Row] | None:
        there = dict(arrived(http, run_id, batch))
        if not there:
            return None
        rest = [result for result in batch if result.id not in there]
        if rest:
            there.update(zip((result.id for result in rest), sent(vendor, http, run_id, rest), strict=True))
        return [{"id": int(each)} for result in batch for each in there[result.id].split(",")]

    try:
        reply = http.post(f"{ATM}/testrun/{segment(run_id)}/testresults", json=rows, recover=lost)
    except TooLarge:
        raise
    except (AuthError, NotFound, Rejected) as error:
        if error.status not in (400, 404):
            raise
        if error.status == 404:
            read(http, run_id)  # says it, where the cycle is gone
        keys = [key for result in batch for key in result.case_ids]
        missing = [key for key in dict.fromkeys(keys) if key not in existing(http, keys)]
        if not missing:
            raise
        words = ", ".join(f"there is no case {key}" for key in missing)
        about: dict[str, Any] = {"request": error.request, "status": error.status, "remedy": MARKS}
        raise Rejected(words, vendor=vendor.name, **about) from error
    ids = (str(reply.pick(f"{index}.id", int)) for index in range(len(rows)))
    return [",".join(islice(ids, len(result.case_ids))) for result in batch]


def arrived(http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
    """What is there of a batch, by the last line of the comments: result id -> its numbers."""
    by_mark: dict[tuple[str, str], str] = {}
    for each in _results(http, run_id):
        by_mark[marked(str(each.get("comment"))), str(each.get("testCaseKey"))] = str(each.get("id"))
    there = {}
    for result in batch:
        found = [by_mark.get((mark(result.id), key), "") for key in result.case_ids]
        if all(found):
            there[result.id] = ",".join(found)
    return there


def attached(http: Client, result: str, file: File) -> str:
    """Uploads a file to a result; an empty answer says that it is there."""
    reply = http.post(f"{ATM}/testresult/{segment(result)}/attachments", files=[("file", file)], may_be_empty=True)
    return str(dig(reply.body, "id") or dig(reply.body, "0.id") or "attached")


def planned(vendor: Zephyr, http: Client, plan: str) -> list[Case]:
    """The cases of a plan (those of its cycles), a cycle, a folder of cases, or an issue."""
    kind, key = kind_of(plan, vendor.name)
    if kind == "cycle":
        return recorded(vendor, http, key)
    if kind == "plan":
        rows = http.get(f"{ATM}/testplan/{segment(key)}").pick("testRuns", list)
        keys = [str(dig(row, "key") or row) for row in rows]
        return merged(found for key in keys for found in recorded(vendor, http, key))
    if kind == "issue":
        rows = http.get(f"{ATM}/issuelink/{segment(key)}/testcases").body
        return merged(case(str(dig(row, "key"))) for row in (rows if isinstance(rows, list) else []))
    query = f'projectKey = "{vendor.project}" AND folder = {json.dumps(key)}'
    found = http.rows(f"{ATM}/testcase/search", PAGES, params={"query": query, "fields": "key,name"})
    return merged(case(str(row.get("key")), title=str(row.get("name"))) for row in found)


def recorded(vendor: Zephyr, http: Client, run_id: str) -> list[Case]:
    """The cases of a cycle. Raises NotFound for an unknown one."""
    bad = {str(vendor.word(outcome)) for outcome in Outcome if outcome.is_bad}
    items = http.get(f"{ATM}/testrun/{segment(run_id)}").pick("items", list)
    return merged(case(str(dig(item, "testCaseKey")), has_failed=dig(item, "status") in bad) for item in items)


def existing(http: Client, keys: Sequence[str]) -> set[str]:
    """Those of the keys that there are: each is looked up once."""
    known = _checked(http)
    due = iter(dict.fromkeys(key for key in keys if key not in known and CASE.fullmatch(key)))
    while part := list(islice(due, KEYS_AT_ONCE)):
        there = _looked_up(http, part)
        known.update((key, key in there) for key in part)
    return {key for key in keys if known.get(key) or http.is_rehearsal}


def issues(result: Result) -> list[str]:
    """The keys of the issues that the links of a result name."""
    links = [link for part in result.parts or (result,) for link in part.links if link.kind == "issue"]
    keys = [link.name or link.url.rstrip("/").rpartition("/")[2] for link in links]
    return list(dict.fromkeys(key for key in keys if _NAMED.fullmatch(key)))


def named_in(error: VendorError) -> set[str]:
    """The keys of which a refusal speaks."""
    return set(_NAMED.findall(error.text))


def row(vendor: Zephyr, result: Result, key: str) -> Row:
    """A result as it is sent."""
    has_steps = vendor.steps == "results" and bool(result.steps)
    steps = [
        {"index": place, "status": vendor.word(step.outcome), "comment": said_of(step)}
        for place, step in enumerate(result.steps if has_steps else ())
    ]
    return {
        "testCaseKey": key,
        "status": vendor.word(result.outcome),
        "comment": comment(result, vendor.max_text, with_steps=not has_steps, sent=vendor.custom_fields),
        "executionTime": round(1000 * result.duration),
        "actualStartDate": utc(result.start, ISO),
        "actualEndDate": utc(result.end, ISO),
        **filled(
            {
                "environment": vendor.environment,
                "executedBy": vendor.executed_by,
                "customFields": own_fields(result, vendor.custom_fields),
                "issueLinks": issues(result),
                "scriptResults": steps,
            }
        ),
    }


def _results(http: Client, key: str) -> list[Row]:
    """The results of a cycle; an item that nobody has run is none."""
    body: Any = http.get(f"{ATM}/testrun/{segment(key)}/testresults").body
    rows = body if isinstance(body, list) else []
    return [row for row in rows if isinstance(row, dict) and row.get("comment")]


def _looked_up(http: Client, keys: Sequence[str]) -> set[str]:
    """Those of the keys that the search finds; where it refuses them all for one, each is read."""
    query = f"key IN ({', '.join(json.dumps(key) for key in keys)})"
    params = {"query": query, "fields": "key"}
    try:
        return {str(row.get("key")) for row in http.rows(f"{ATM}/testcase/search", PAGES, params=params)}
    except Rejected:
        return {key for key in keys if _exists(http, key)}


def _exists(http: Client, key: str) -> bool:
    try:
        http.get(f"{ATM}/testcase/{segment(key)}", params={"fields": "key"})
    except (NotFound, Rejected):
        return False
    return True


@lru_cache(maxsize=8)
def _checked(http: Client) -> dict[str, bool]:  # noqa: ARG001 - one for each conversation
    """Which keys were looked up, and whether there is such a case."""
    return {}


def _folder(vendor: Zephyr) -> str:
    return f"/{'/'.join(vendor.path)}" if vendor.path else ""


def _make_folder(vendor: Zephyr, http: Client) -> None:
    """Makes the folder of the cycle; what there is already of its path is refused, and stays."""
    for depth in range(1, len(vendor.path) + 1):
        body = {"projectKey": vendor.project, "name": f"/{'/'.join(vendor.path[:depth])}", "type": "TEST_RUN"}
        try:
            http.post(f"{ATM}/folder", json=body)
        except Rejected:
            if depth == len(vendor.path):
                raise
