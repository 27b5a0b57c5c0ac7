"""ReportPortal's launches, which are our runs: their ids, opening, finding, noting who is done, finishing, reading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, Rejected
from ..model import Run
from ..paging import Pages
from ..render import cut, segment, trim
from ..vendor import Case
from ._reportportal_errors import DONE
from ._reportportal_items import Row, attributes, derived, keyed, millis, node_ids
from ._reportportal_sending import Way, end_suites, remember, sound, there, told

if TYPE_CHECKING:
    from ..client import Client
    from .reportportal import ReportPortal

PAGING = Pages(page="page.page", limit="page.size", size=300, last="page.totalPages")
LONGEST_NAME, LONGEST_TEXT = 256, 2048
IN_PROGRESS = "IN_PROGRESS"
MOST_RUNS = 1000
"""So many launches of one key are looked through."""


def opened(vendor: ReportPortal, http: Client, run: Run) -> str:
    """Starts a launch and returns its id, which is ours, but where it continues another."""
    own = run_id_of(vendor, http, run)[0] if run.key else first_id(vendor, run)
    pairs = [keyed(tag) for tag in run.tags]
    pairs += [(name, str(getattr(run, name))) for name in ("branch", "commit", "build")]
    ours = {"key": "pytest-tmsreport", "value": cut(run.own_id, vendor.max_attribute), "system": True}
    body: Row = {
        "name": cut(run.name, LONGEST_NAME),
        "startTime": str(millis(run.start)),
        "uuid": own,
        "description": trim("\n\n".join(filter(None, (run.description, run.link))), LONGEST_TEXT),
        "mode": vendor.mode.upper(),
        "attributes": [*attributes(vendor, pairs), ours],
    }
    if vendor.continues:
        del body["uuid"]
        body |= {"rerun": True, "rerunOf": vendor.rerun_of}
    body = {key: value for key, value in body.items() if value}

    def lost() -> Row | None:
        return None if vendor.continues else there(http, f"{vendor.reads}/launch/uuid/{own}", own)

    try:
        found = sound(http.post(f"{vendor.writes}/launch", json=body, recover=lost), "id")
    except Rejected as error:
        if error.status != 409 or lost() is None:
            raise
        found = own
    if not vendor.continues:  # a launch that is continued has begun before
        remember(http, found or own, millis(run.start), is_own=not run.key)
    return found


def found(vendor: ReportPortal, http: Client, run: Run) -> str | None:
    """The id of the launch that this run, or another machine's with its key, has started and nobody finished."""
    own, row = run_id_of(vendor, http, run)
    return own if row else None


def run_id_of(vendor: ReportPortal, http: Client, run: Run) -> tuple[str, Row | None]:
    """The id for a run, and its launch if it is there: of those with its key the first that is not finished."""
    own = first_id(vendor, run)
    for number in range(2, MOST_RUNS):
        row = there(http, f"{vendor.reads}/launch/uuid/{own}", own)
        if row is None or row.get("status") == IN_PROGRESS or not run.key:
            break
        own = derived("run", vendor.project, run.own_id, str(number))
    return own, row


def first_id(vendor: ReportPortal, run: Run) -> str:
    """The id that every machine gives to the run."""
    return derived("run", vendor.project, run.own_id, "1")


def noted(vendor: ReportPortal, http: Client, run_id: str, shard: int, shards: int) -> set[int]:
    """Writes a log entry of the launch that says that a machine is done; returns all for which there is one.

    It comes behind all that this machine has sent, and nobody's entry takes another's away.
    """

    entries = {number: derived(run_id, "done", str(number), str(shards)) for number in range(1, shards + 1)}
    own = entries[shard]

    def read(entry: str) -> Row | None:
        return there(http, f"{vendor.reads}/log/uuid/{entry}", entry)

    if not read(own):
        body = {
            "launchUuid": run_id,
            "uuid": own,
            "time": str(millis(time.time())),
            "level": "info",
            "message": f"pytest-tmsreport: machine {shard} of {shards} is done",
        }
        sound(http.post(f"{vendor.writes}/log/entry", json=body, recover=lambda: read(own)), "id")
    return {number for number, entry in entries.items() if read(entry)}


def closed(vendor: ReportPortal, http: Client, run_id: str) -> None:
    """Finishes the suites and the launch. What others have left in progress is read, unless nobody else took part."""
    known = told(vendor, http, run_id)
    now = max([millis(time.time()), known.start, *known.ends.values()])
    others = [] if known.is_own else _in_progress(vendor, http, run_id)
    end_suites(Way(vendor, http, run_id, known), others, now)
    try:
        reply = http.put(f"{vendor.writes}/launch/{segment(run_id)}/finish", json={"endTime": str(now)})
    except Rejected as error:
        if error.code not in DONE or launch(vendor, http, run_id).get("status") == IN_PROGRESS:
            raise
    else:
        sound(reply, "id")


def launch(vendor: ReportPortal, http: Client, run_id: str) -> dict[str, Any]:
    """A launch by its UUID, or by the number in its address. Raises VendorError."""
    kind = "" if run_id.isdecimal() else "uuid/"
    reply = http.get(f"{vendor.reads}/launch/{kind}{segment(run_id)}")
    reply.pick("id", int)
    row: dict[str, Any] = reply.body
    return row


def recorded(vendor: ReportPortal, http: Client, run_id: str) -> Iterator[Case]:
    """The tests of a launch: by test case id, and by the node id to which place and name come."""
    for row in _items(vendor, http, launch(vendor, http, run_id)["id"], {"filter.eq.hasStats": "true"}):
        if row.get("hasChildren") or str(row.get("type")).upper() == "SUITE":
            continue
        case, name = str(row.get("testCaseId") or ""), str(row.get("name") or "")
        yield Case(
            ids=(case,) if case else (),
            title=name,
            names=node_ids(str(row.get("codeRef") or ""), name),
            has_failed=str(row.get("status")).upper() in ("FAILED", "INTERRUPTED"),
        )


def _in_progress(vendor: ReportPortal, http: Client, run_id: str) -> list[tuple[int, str]]:
    """Depth and id of suites that are not finished. An asynchronous server may know nothing of the launch yet."""
    try:
        number = launch(vendor, http, run_id)["id"]
    except NotFound:
        return []
    rows = _items(vendor, http, number, {"filter.in.status": IN_PROGRESS, "filter.eq.hasStats": "true"})
    suites = [row for row in rows if str(row.get("type")).upper() == "SUITE" and isinstance(row.get("uuid"), str)]
    return [(str(row.get("path")).count(".") + 1, row["uuid"]) for row in suites]


def _items(vendor: ReportPortal, http: Client, number: int, wanted: dict[str, str | int]) -> Iterator[Row]:
    params = {"filter.eq.launchId": number, "page.sort": "startTime,asc", **wanted}
    return http.rows(f"{vendor.reads}/item", PAGING, "content", params=params)
