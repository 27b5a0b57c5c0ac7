"""Azure's results: added to a run without a plan, or written over those that a plan's run begins with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..aggregate import name_of
from ..errors import Rejected, VendorError, dig
from ..model import Result
from ..nodeids import dotted
from ..paging import Offset
from ..render import cut, mark, marked, segment
from ..vendor import Case
from ._azure_plans import at, cases, configuration, number, number_or_test, settings, spellings
from ._azure_rows import fields_of, long_texts
from ._azure_runs import attach_text, attachment, path_of

if TYPE_CHECKING:
    from ..client import Client, File
    from .azure import Azure

Row = dict[str, Any]
CULPRITS = "culprits"
FAILED = ("failed", "error", "timeout", "aborted")
UNKNOWN_CASE = re.compile(r"\b[Tt]est case (\d+)")


def sent(vendor: Azure, http: Client, run_id: str, batch: Sequence[Result]) -> list[str]:
    """Sends a batch; the places of each result's files: `run/result`, with commas where a case has several points."""
    wrong = _wrong(vendor, http, run_id, batch)
    if wrong:
        body = {CULPRITS: {str(index): words for index, words in wrong.items()}}
        raise Rejected("; ".join(wrong.values()), vendor=vendor.name, body=body)
    path = path_of(vendor, run_id, "/results")
    if vendor.plan:
        due = [
            {"id": each, **fields_of(vendor, result)}
            for result in batch
            for each in _slots(vendor, http, run_id, result)
        ]
        reply = http.patch(path, json=due)
        shares = [len(_slots(vendor, http, run_id, result)) for result in batch]
    else:
        due = [{**_described(http, result), **fields_of(vendor, result)} for result in batch]
        reply = http.post(path, json=due, recover=lambda: _lost(vendor, http, run_id, batch))
        shares = [1] * len(batch)
    ids = iter([str(reply.pick(f"value.{index}.id", int)) for index in range(len(due))])
    text = "\n\n".join(long_texts(vendor, batch))
    if text and vendor.long_texts == "attach":
        _keep(vendor, http, run_id, f"pytest-{batch[0].id[:8]}.txt", text)
    return [",".join(f"{run_id}/{each}" for each in islice(ids, share)) for share in shares]


def arrived(vendor: Azure, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
    """What is there of a batch, by the last line of the comments: result id -> the places of its files."""
    wanted = {mark(result.id): result.id for result in batch}
    found: dict[str, list[str]] = {}
    for row in rows(vendor, http, run_id):
        result_id = wanted.get(marked(str(row.get("comment"))))
        if result_id:
            found.setdefault(result_id, []).append(f"{run_id}/{row['id']}")
    return {result_id: ",".join(places) for result_id, places in found.items()}


def rows(vendor: Azure, http: Client, run_id: str, details: str = "none") -> list[Row]:
    """Every result of a run. Raises VendorError."""
    size = 1000 if details == "none" else 200  # the most that the specification allows
    paging = Offset("$skip", "$top", size)
    return list(http.rows(path_of(vendor, run_id, "/results"), paging, "value", params={"detailsToInclude": details}))


def recorded(vendor: Azure, http: Client, run_id: str) -> list[Case]:
    """The cases of a run, and those of its tests that have none, by their names."""
    found: dict[tuple[str, tuple[str, ...]], tuple[str, bool]] = {}
    for row in rows(vendor, http, run_id):
        case = str(dig(row, "testCase.id") or "")
        case = case if number(case) else ""
        names = _names(str(row.get("automatedTestName") or ""), str(row.get("automatedTestStorage") or ""))
        title, has_failed = found.get((case, names), (str(row.get("testCaseTitle") or ""), False))
        found[case, names] = title, has_failed or str(row.get("outcome")).lower() in FAILED
    return [
        Case(spellings(case) if case else (), title, names, has_failed)
        for (case, names), (title, has_failed) in found.items()
    ]


def attached(vendor: Azure, http: Client, place: str, file: File) -> str:
    """Uploads a file to a result (`run/result`) and returns its id; a file that is there already is not doubled."""
    run_id, _, result_id = place.partition("/")
    path = at(vendor, f"test/Runs/{segment(run_id)}/Results/{segment(result_id)}/attachments")
    with file.open() as opened:
        content = opened.read()
    body = attachment(file.name, content, comment=f"{file.mime}, {uuid.uuid5(uuid.NAMESPACE_OID, content.hex())}")

    def lost() -> Row | None:
        there = http.get(path).pick("value", list)
        same = (row for row in there if {**body, **row}["comment"] == body["comment"])
        return next((row for row in same if row.get("fileName") == body["fileName"]), None)

    return str(http.post(path, json=body, recover=lost).pick("id", int))


def culprits(error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
    """The results of a batch that a refusal names: index -> why."""
    told = dig(error.body, CULPRITS)
    if isinstance(told, dict):
        return {int(index): words for index, words in told.items()}
    named = set(UNKNOWN_CASE.findall(error.text))
    return {index: error.text for index, each in enumerate(batch) if named & set(map(number, each.case_ids))}


def _wrong(vendor: Azure, http: Client, run_id: str, batch: Sequence[Result]) -> dict[int, str]:
    """What cannot be sent, found before it is: index -> why."""
    found = {}
    for index, result in enumerate(batch):
        for case in result.case_ids:
            if not number_or_test(case):
                found[index] = f"{case!r} is no id of a test case: write 55, C55 or #55"
            elif vendor.plan and not _slots(vendor, http, run_id, result):
                has_point = number(case) in cases(http, vendor.plan)
                where = f"run {run_id} holds no result of it" if has_point else f"plan {vendor.plan} has no point of it"
                found[index] = f"case {case} cannot be reported: {where}"
    return found


def _slots(vendor: Azure, http: Client, run_id: str, result: Result) -> list[int]:
    """The results of a plan's run that a result is written over: one for each point of its case."""
    if http.is_rehearsal:
        return [0]
    known, there = cases(http, vendor.plan), _by_point(http, run_id)
    planned = (known[case] for case in map(number, result.case_ids) if case in known)
    return [there[point] for case in planned for point in case.points if point in there]


@lru_cache(maxsize=8)
def _by_point(http: Client, run_id: str) -> Mapping[int, int]:
    """Test point -> the result that a plan's run has made for it."""
    vendor = settings(http)
    found = rows(vendor, http, run_id)
    if not all(dig(row, "testPoint.id") for row in found):  # a server that tells it among the details only
        found = rows(vendor, http, run_id, "point")
    return {int(point): row["id"] for row in found if (point := str(dig(row, "testPoint.id"))).isdecimal()}


def _described(http: Client, result: Result) -> Row:
    """What a result without a plan says of its test."""
    name = dotted(result.nodeid)
    one = configuration(http)
    has_values = "[" in result.title or len(result.parts) > 1  # or they are the sub-results'
    found: Row = {
        "testCaseTitle": cut(result.title if has_values else name_of(result), 255),
        "testCase": {"id": number(result.case_ids[0])} if result.case_ids and number(result.case_ids[0]) else {},
        "automatedTestName": name if len(result.parts) < 2 else name.partition("[")[0],
        "automatedTestStorage": result.nodeid.partition("::")[0],
        "automatedTestType": "pytest",
        "automatedTestId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "configuration": {"id": one} if one else {},
    }
    return {key: value for key, value in found.items() if value not in ("", {})}


def _lost(vendor: Azure, http: Client, run_id: str, batch: Sequence[Result]) -> Row | None:
    """The answer to a batch that did not come: what has arrived of it, and the rest, which is sent then."""
    there = dict(arrived(vendor, http, run_id, batch))
    if not there:
        return None
    rest = [result for result in batch if result.id not in there]
    if rest:
        there.update(zip((result.id for result in rest), sent(vendor, http, run_id, rest), strict=True))
    return {"value": [{"id": int(there[result.id].partition("/")[2])} for result in batch]}


def _keep(vendor: Azure, http: Client, run_id: str, name: str, text: str) -> None:
    try:
        attach_text(vendor, http, run_id, name, text)
    except VendorError as error:  # the results are there
        http.note(f"the whole texts of long results are not attached to the run: {error}")


def _names(name: str, storage: str) -> tuple[str, ...]:
    """The names of a test: the tool's, and the node id of which ours was made."""
    inner, bracket, values = name.partition("[")
    prefix = f"{dotted(storage)}."
    if not (storage and inner.startswith(prefix)):
        return (name,) if name else ()
    return name, f"{storage}::{inner.removeprefix(prefix).replace('.', '::')}{bracket}{values}"
