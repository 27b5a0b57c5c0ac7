"""Zephyr Scale's automation import: results as one file in a format of its own, which makes a cycle of its own."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import PartlyRejected, dig
from ..model import Result
from ..render import count, cut, mark, marked, segment
from ..vendor import Content
from . import _zephyr_cloud as cloud
from . import _zephyr_cycles as cycles
from . import _zephyr_dc as dc
from ._zephyr_words import CASE, NAME, Row, comment, named

if TYPE_CHECKING:
    from ..client import Client
    from .zephyr import Zephyr

WORDS = ("Passed", "Failed")
OTHER = {"Pass": "Passed", "Fail": "Failed"}


def sent(vendor: Zephyr, http: Client, name: str, batch: Sequence[Result]) -> None:
    """Imports a batch as a cycle of that name. Raises PartlyRejected for results of which an import cannot tell."""
    refused = dict(_refused(vendor, http, batch))
    rows = [(result, row(vendor, result)) for place, result in enumerate(batch) if place not in refused]
    if rows:
        first = rows[0][0]
        files = [("file", _packed([each for _, each in rows])), ("testCycle", _cycle(vendor, http, name, first))]
        http.post(_path(vendor), files=files, recover=lambda: _lost(vendor, http, first)).pick("testCycle.key", str)
    if left_out := sum(len(result.attachments) for result, _ in rows):
        http.note(f"{count(left_out, 'file')} left out: an import takes none")
    if refused:
        raise PartlyRejected(refused, vendor.name)


def arrived(vendor: Zephyr, http: Client, batch: Sequence[Result]) -> Mapping[str, str]:
    """What an earlier upload has imported of a batch: a cycle says which was the first result of its file."""
    by_mark = {mark(result.id): result for result in batch}
    keys = [str(row["key"]) for row in _cycles(vendor, http) if marked(_words(row)) in by_mark]
    there: dict[str, str] = {}
    for key in keys:
        for each in _comments(vendor, http, key):
            if (found := by_mark.get(marked(each))) is not None:
                there[found.id] = key
    return there


def row(vendor: Zephyr, result: Result) -> Row:
    """An entry of the file: there is no place for more."""
    (key,) = result.case_ids or ("",)
    case = {"key": key} if key else {"name": cut(result.title, NAME)}
    words = comment(result, vendor.max_text, with_steps=True)
    return {
        "source": result.nodeid.removesuffix(".py").replace("/", ".").replace(".py::", ".").replace("::", "."),
        "result": word(vendor, result),
        "testCase": {**case, "comment": words},
    }


def word(vendor: Zephyr, result: Result) -> str:
    """What the import calls the outcome: `Passed`, `Failed`, or another word, which it does not take."""
    said = str(vendor.word(result.outcome))
    return OTHER.get(said, said)


def _refused(vendor: Zephyr, http: Client, batch: Sequence[Result]) -> Iterable[tuple[int, str]]:
    keys = [key for result in batch for key in result.case_ids]
    known = cloud.existing(http, vendor.project) if vendor.is_cloud else dc.existing(http, keys)
    for place, result in enumerate(batch):
        said, wrong = word(vendor, result), [key for key in result.case_ids if not CASE.fullmatch(key)]
        missing = [key for key in result.case_ids if key not in known]
        if said not in WORDS:
            outcome = result.outcome.value
            yield place, f"an import knows Passed and Failed, not {said!r}: set `status.{outcome}`, or `mode = results`"
        elif wrong:
            yield place, f"{wrong[0]!r} is no case: write {vendor.project}-T7 or T7"
        elif missing and not http.is_rehearsal:
            yield place, f"there is no case {missing[0]}"


def _packed(executions: Sequence[Row]) -> Content:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps({"version": 1, "executions": executions}, allow_nan=False)
        archive.writestr(zipfile.ZipInfo("pytest.json"), text, zipfile.ZIP_DEFLATED)
    return Content("pytest.zip", "application/zip", packed.getvalue())


def _cycle(vendor: Zephyr, http: Client, name: str, first: Result) -> Content:
    """The part that says what the cycle is called, and, by its first result, which file it comes from."""
    if vendor.is_cloud:
        said = {"name": cut(name, NAME), "description": mark(first.id), **cycles.cycle(vendor, http)}
    else:
        said = {"name": named(name, first.id), **dc.cycle(vendor)}
    return Content("testCycle.json", "application/json", json.dumps(said).encode())


def _path(vendor: Zephyr) -> str:
    creates = "true" if vendor.create_cases else "false"
    if vendor.is_cloud:
        return f"automations/executions/custom?projectKey={vendor.project}&autoCreateTestCases={creates}"
    return f"{dc.ATM}/automation/execution/{segment(vendor.project)}?autoCreateTestCases={creates}"


def _lost(vendor: Zephyr, http: Client, first: Result) -> Any:
    keys = (str(row["key"]) for row in _cycles(vendor, http) if marked(_words(row)) == mark(first.id))
    key = next(keys, None)
    return {"testCycle": {"key": key}} if key else None


def _cycles(vendor: Zephyr, http: Client) -> Iterable[Row]:
    listed: Callable[[Zephyr, Client], Iterable[Row]] = cycles.listed if vendor.is_cloud else dc.listed
    return listed(vendor, http)


def _words(cycle: Row) -> str:
    return f"{cycle.get('name')} {cycle.get('description')}"


def _comments(vendor: Zephyr, http: Client, key: str) -> list[str]:
    if vendor.is_cloud:
        asked = {"projectKey": vendor.project, "testCycle": key}
        return [str(row.get("comment")) for row in http.rows("testexecutions", cycles.PAGES, "values", params=asked)]
    body = http.get(f"{dc.ATM}/testrun/{segment(key)}/testresults").body
    return [str(dig(row, "comment")) for row in (body if isinstance(body, list) else [])]
