"""TestRail's runs, alone or in a plan: opening one, finding it again, and giving it the cases it lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, PermanentError, Rejected, dig
from ..model import Run
from ..render import bears, cut, mark, segment, trim
from ..vendor import Content
from ._testrail_cases import existing, suite_of
from ._testrail_words import Row, number, rows

if TYPE_CHECKING:
    from ..client import Client, Reply
    from .testrail import TestRail


def opened(vendor: TestRail, http: Client, run: Run) -> str:
    """Makes a run, or an entry of the plan, and returns the id of the run."""
    origin = ", ".join(f"{name} {value}" for name in ("branch", "commit", "build") if (value := getattr(run, name)))
    fields = {
        "suite_id": suite_of(vendor, http),
        "name": cut(run.name, 250),
        "description": "\n\n".join(filter(None, (trim(run.description, 9_000), origin, mark(run.own_id)))),
        "milestone_id": 0 if vendor.plan else vendor.milestone,  # an entry has that of its plan
        "refs": vendor.refs,
    }
    body = {
        **{key: value for key, value in fields.items() if value},
        "include_all": vendor.include_all or bool(run.key),
    }
    path, place = f"add_run/{vendor.project}", "id"
    if vendor.plan:
        path, place = f"add_plan_entry/{vendor.plan}", "runs.0.id"

    def lost() -> Any:
        there = found(vendor, http, run)
        return there and {"id": int(there), "runs": [{"id": int(there)}]}

    numbers = [each for text in run.case_ids if (each := number(text))]
    reply, _ = _put(vendor, http, path, body, numbers, recover=lost)
    return str(reply.pick(place, int))


def found(vendor: TestRail, http: Client, run: Run) -> str | None:
    """The id of the open run that bears our mark, and was made first: TestRail counts its runs up."""
    if vendor.plan:
        entries = http.get(f"get_plan/{vendor.plan}").pick("entries", list)
        listing = iter([{**row, "description": entry.get("description")} for entry in entries for row in entry["runs"]])
    else:
        listing = rows(http, f"get_runs/{vendor.project}&is_completed=0", "runs")
    ids = [row["id"] for row in listing if bears(str(row.get("description")), run.own_id)]
    return str(min(ids)) if ids else None


def discard(vendor: TestRail, http: Client, run_id: str) -> None:
    """Removes a run without results, or its entry of the plan. Raises PermanentError for one that has some."""
    run = read(vendor, http, run_id)
    counts = {name: number for name, number in run.body.items() if name.endswith("_count") and name != "untested_count"}
    if any(counts.values()):
        raise PermanentError("it holds results", vendor=vendor.name, remedy="look at both runs")
    path = f"delete_run/{segment(run_id)}"
    if vendor.plan:
        path = f"delete_plan_entry/{vendor.plan}/{segment(_entry(http, vendor.plan, run.pick('id', int)))}"
    http.post(path, json={}, may_be_empty=True)


def finished(http: Client, run_id: str, shard: int, shards: int) -> set[int]:
    """Attaches a file to the run that says that a machine is done; returns all that have one.

    Nobody's file takes another's away, and who lists them after the last was put there sees them all.
    """
    listing = f"get_attachments_for_run/{segment(run_id)}"

    def there() -> set[int]:
        names = (str(row.get("name")) for row in rows(http, listing, "attachments"))
        ours = (re.fullmatch(rf"pytest-tmsreport-done-(\d{{1,6}})-of-{shards}\.txt", name) for name in names)
        return {int(each[1]) for each in ours if each}

    done = there()
    if shard not in done:
        name = f"pytest-tmsreport-done-{shard}-of-{shards}.txt"
        text = f"Machine {shard} of {shards} has reported all of its results.\n"
        file = Content(name, "text/plain", text.encode("ascii"))
        http.post(f"add_attachment_to_run/{segment(run_id)}", files=[("attachment", file)])
        done = there()
    return done


def read(vendor: TestRail, http: Client, run_id: str) -> Reply:
    """A run. Raises NotFound where there is none: TestRail itself calls that a field that is not valid."""
    try:
        return http.get(f"get_run/{segment(run_id)}")
    except Rejected as error:
        words, remedy = f"there is no run {run_id}: {error.text}", "check `run_id`; was the run deleted?"
        raise NotFound(words, vendor=vendor.name, request=error.request, status=error.status, remedy=remedy) from error


def extend(vendor: TestRail, http: Client, run: Reply, numbers: Sequence[int]) -> list[int] | None:
    """Gives a run the cases it lacks, and takes none away; those that do not exist, or None if it lacks none."""
    if run.pick("include_all", bool):
        return None
    run_id, plan = run.pick("id", int), dig(run.body, "plan_id")
    here = [row["case_id"] for row in rows(http, f"get_tests/{run_id}", "tests")]
    missing = [each for each in dict.fromkeys(numbers) if each not in here]
    if not missing:
        return None
    path = f"update_run/{run_id}"
    if plan and dig(run.body, "config_ids"):
        path = f"update_run_in_plan_entry/{run_id}"
    elif plan:
        path = f"update_plan_entry/{plan}/{segment(_entry(http, plan, run_id))}"
    suite = run.pick("suite_id", int)
    _, unknown = _put(vendor, http, path, {"include_all": False}, missing, here=here, suite=suite)
    return unknown


def _entry(http: Client, plan: int, run_id: int) -> str:
    """The id of the plan's entry that a run belongs to."""
    entries = http.get(f"get_plan/{plan}").pick("entries", list)
    return next(str(each["id"]) for each in entries if run_id in [row["id"] for row in each["runs"]])


def _put(  # noqa: PLR0913 - a request, and what to do where it fails
    vendor: TestRail,
    http: Client,
    path: str,
    body: Row,
    numbers: Sequence[int],
    *,
    here: Sequence[int] = (),
    suite: int = 0,
    recover: Callable[[], Any] | None = None,
) -> tuple[Reply, list[int]]:
    """Tells a run which cases it holds beside those `here`; where that is refused, without those that do not exist.

    Returns the answer, and those.
    """
    if body["include_all"]:
        return http.post(path, json=body, recover=recover), []
    try:
        return http.post(path, json={**body, "case_ids": [*here, *numbers]}, recover=recover), []
    except Rejected:
        known = existing(http, vendor.project, suite or suite_of(vendor, http))
        unknown = [each for each in numbers if each not in known]
        if not unknown:
            raise
    kept = [each for each in numbers if each in known]
    return http.post(path, json={**body, "case_ids": [*here, *kept]}, recover=recover), unknown
