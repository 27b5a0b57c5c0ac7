"""Vansah's way for many results at a time: an import of a Cucumber JSON report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import cucumber
from ..errors import Doubtful, PermanentError, dig
from ..model import Result
from ..vendor import Content
from ._vansah_errors import LOOK, holds, turned

if TYPE_CHECKING:
    from ..client import Client
    from .vansah import Vansah

STEP_WORDS = ("passed", "failed", "skipped", "pending", "undefined")


def send(vendor: Vansah, http: Client, rows: Sequence[tuple[int, str, Result]]) -> Mapping[int, str]:
    """Imports results, each with its place and the key of its case; returns place -> words for those not taken."""
    report = cucumber.report((key, str(vendor.word(result.outcome)), result) for _, key, result in rows)
    file = Content("pytest.json", "application/json", json.dumps(report, allow_nan=False).encode())
    reply = http.post("cucumber/import", files=[("Testpath", file)], form=_form(vendor), repeat=False)
    try:
        imported = reply.pick("imported", int)
    except PermanentError as error:
        raise turned(error, Doubtful, LOOK) from error
    if imported == len(rows) or not reply.body:  # that is a dry run
        return {}
    runs = dig(reply.body, "testRuns")
    if imported and not isinstance(runs, list):
        text = f"{imported} of {len(rows)} results were taken, and the answer does not say which"
        raise Doubtful(text, vendor=vendor.name, request="POST cucumber/import", remedy=LOOK)
    left = Counter(str(dig(run, "testCaseKey")) for run in runs or ())
    return {place: f"Vansah has made no run of {key}{_about(key, reply.body)}" for place, key in _missing(rows, left)}


def _form(vendor: Vansah) -> dict[str, str]:
    fields = {
        "Testformat": "Cucumber_json",
        "projectKey": vendor.project,
        "testFolderPath" if "/" in vendor.asset else "jiraIssueKey": vendor.asset,
        "standardTestPlanKey": vendor.plan,
        "advancedTestPlanKey": vendor.advanced_plan,
        "iterationNumber": str(vendor.iteration) if vendor.plan or vendor.advanced_plan else "",
        **{f"{kind}Name": name for kind, name in vendor.labels().items()},
    }
    return {field: value for field, value in fields.items() if value}


def _missing(rows: Sequence[tuple[int, str, Result]], left: Counter[str]) -> Iterable[tuple[int, str]]:
    for place, key, _ in rows:
        left[key] -= 1
        if left[key] < 0:
            yield place, key


def _about(key: str, body: Any) -> str:
    """What an answer says about a case, to be put behind our own words."""
    entries = [each for path in ("errors", "warnings", "data.errors") for each in _list(dig(body, path))]
    said = [str(dig(entry, "msg") or entry) for entry in entries]
    return next((f": {words}" for words in said if holds(words, key)), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
