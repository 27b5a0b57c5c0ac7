"""Azure's test runs: opening one, finding it again, noting who is done, and completing it."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import AuthError, PermanentError, dig
from ..model import Run
from ..paging import Token
from ..render import bears, cut, mark, segment, trim, utc
from ._azure_plans import at, cases, configuration, number

if TYPE_CHECKING:
    from ..client import Client, Reply
    from .azure import Azure

ISO = "%Y-%m-%dT%H:%M:%S.%fZ"
DAY = 86_400.0
SPAN = 7 * DAY
"""The longest time that one question for runs may span (specification of Runs_Query)."""
TAGS, TAG = 5, 29
"""Most tags of a run, and most characters of one (specification of RunCreateModel and TestTag)."""


def path_of(vendor: Azure, run_id: str, rest: str = "") -> str:
    """The path of a run, or of something in it. Its parts are written as in the specification."""
    return at(vendor, f"test/{'Runs' if rest else 'runs'}/{segment(run_id)}{rest}")


def opened(vendor: Azure, http: Client, run: Run) -> str:
    """Makes a run in progress and returns its id; with a plan it holds the points of the cases to be reported."""
    origin = ", ".join(f"{name} {value}" for name in ("branch", "commit", "build") if (value := getattr(run, name)))
    one = configuration(http) if not vendor.plan else ""
    fields: dict[str, Any] = {
        "name": cut(run.name, 255),
        "automated": True,
        "state": "InProgress",
        "startDate": utc(run.start, ISO),
        "comment": "\n\n".join(filter(None, (trim(run.description, 600), cut(origin, 200), mark(run.own_id)))),
        "tags": [{"name": tag} for tag in _tags(run)],
        "build": {"id": str(vendor.build)} if vendor.build else {},
        "pipelineReference": _pipeline(vendor, run),
        "configurationIds": [int(one)] if one else [],
    }
    if vendor.plan:
        plan_id, _, _ = vendor.plan.partition("/")
        fields |= {"plan": {"id": plan_id}, "pointIds": _points(vendor, http, run)}

    def lost() -> dict[str, Any] | None:
        there = found(vendor, http, run)
        return {"id": int(there)} if there else None

    body = {name: value for name, value in fields.items() if value not in ("", [], {})}
    return str(http.post(at(vendor, "test/runs"), json=body, recover=lost).pick("id", int))


def found(vendor: Azure, http: Client, run: Run) -> str | None:
    """The id of the run in progress that bears our mark, and was made first: Azure counts its runs up."""
    ids = []
    for first, last in _windows(run.start, time.time()):
        params: dict[str, str | int] = {
            "minLastUpdatedDate": utc(first, ISO),
            "maxLastUpdatedDate": utc(last, ISO),
            "state": "inProgress",
            "isAutomated": "true",
            "$top": 100,
        }
        if vendor.plan:
            params["planIds"] = vendor.plan.partition("/")[0]
        paging = Token("continuationToken", header="x-ms-continuationtoken")
        for row in http.rows(at(vendor, "test/runs"), paging, "value", params=params):
            comment = row.get("comment")
            if comment is None:  # a server whose lists leave it out
                comment = dig(read(vendor, http, str(row["id"])).body, "comment")
            if bears(str(comment), run.own_id):
                ids.append(row["id"])
    return str(min(ids)) if ids else None


def read(vendor: Azure, http: Client, run_id: str) -> Reply:
    """A run. Raises NotFound where there is none."""
    return http.get(path_of(vendor, run_id))


def discard(vendor: Azure, http: Client, run_id: str) -> None:
    """Removes a run without results, or ends it as aborted where that is forbidden. Raises VendorError."""
    run = read(vendor, http, run_id)
    if dig(run.body, "totalTests") != dig(run.body, "incompleteTests"):  # those of a plan's points are incomplete
        raise PermanentError("it holds results", vendor=vendor.name, remedy="look at both runs")
    try:
        http.delete(path_of(vendor, run_id))
    except AuthError:
        http.patch(path_of(vendor, run_id), json={"state": "Aborted", "comment": "another machine's run came first"})


def finished(vendor: Azure, http: Client, run_id: str, shard: int, shards: int) -> set[int]:
    """Attaches a file to the run that says that a machine is done; returns all that have one.

    Nobody's file takes another's away, and who lists them after the last was put there sees them all.
    """

    def there() -> set[int]:
        names = (str(row.get("fileName")) for row in http.get(listing).pick("value", list) if isinstance(row, dict))
        ours = (re.fullmatch(rf"pytest-tmsreport-done-(\d{{1,6}})-of-{shards}\.txt", name) for name in names)
        return {int(each[1]) for each in ours if each}

    listing = path_of(vendor, run_id, "/attachments")
    done = there()
    if shard not in done:
        text = f"Machine {shard} of {shards} has reported all of its results.\n"
        attach_text(vendor, http, run_id, f"pytest-tmsreport-done-{shard}-of-{shards}.txt", text)
        done = there()
    return done


def attach_text(vendor: Azure, http: Client, run_id: str, name: str, text: str) -> None:
    """Attaches a text to a run."""
    body = attachment(name, text.encode("utf-8", "replace"))
    http.post(path_of(vendor, run_id, "/attachments"), json=body).pick("id", int)


def attachment(name: str, content: bytes, comment: str = "") -> dict[str, str]:
    """A file as Azure takes it: in base64, its name without a path and signs that Windows forbids."""
    clean = re.sub(r'[\x00-\x1f\x7f\\/:*?"<>|]', "_", name).strip(" .") or "file"
    stream = base64.b64encode(content).decode("ascii")
    return {"stream": stream, "fileName": clean, "comment": comment, "attachmentType": "GeneralAttachment"}


def closed(vendor: Azure, http: Client, run_id: str) -> None:
    """Completes a run; doing it again changes nothing but its end."""
    http.patch(path_of(vendor, run_id), json={"state": "Completed", "completedDate": utc(time.time(), ISO)})


def _points(vendor: Azure, http: Client, run: Run) -> list[int]:
    """The points of the cases to be reported; of all cases where others, of other machines, may follow."""
    known = cases(http, vendor.plan)
    wanted = list(known) if run.key or not run.case_ids else [number(text) for text in run.case_ids]
    points = [point for case in dict.fromkeys(wanted) if case in known for point in known[case].points]
    if not points and not http.is_rehearsal:
        words = f"none of the cases has a test point in plan {vendor.plan}"
        raise PermanentError(words, vendor=vendor.name, remedy="check `plan`, `configurations` and the case ids")
    return points


def _pipeline(vendor: Azure, run: Run) -> dict[str, Any]:
    """The place in a pipeline that a run belongs to; a shared run belongs to no job alone."""
    if not vendor.build:
        return {}
    names = {"stage": vendor.stage, "phase": vendor.phase, "job": "" if run.key else vendor.job}
    parts = {f"{kind}Reference": {f"{kind}Name": cut(name, 256)} for kind, name in names.items() if name}
    return {"pipelineId": vendor.build, **parts} if parts else {}


def _tags(run: Run) -> list[str]:
    """Letters and digits are all that a tag may hold."""
    clean = (re.sub("[^A-Za-z0-9]", "", tag)[:TAG] for tag in run.tags)
    return list(dict.fromkeys(tag for tag in clean if tag))[:TAGS]


def _windows(start: float, now: float) -> Iterator[tuple[float, float]]:
    """The times in which an open run was last changed: around its start, and lately."""
    if now - DAY <= start + 3 * DAY:
        yield start - 3 * DAY, start + 4 * DAY
        return
    yield start - 3 * DAY, start + 4 * DAY
    yield now - SPAN + DAY, now + DAY
