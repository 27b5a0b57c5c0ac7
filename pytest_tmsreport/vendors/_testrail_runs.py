"""TestRail's runs, alone or in a plan: opening one, finding it again, and giving it the cases it lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, Rejected, dig
from ..model import Run
from ..render import cut, mark, segment, trim
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
        "description": "\n\n".join(filter(None, (trim(run.description, 9_000), origin, mark(run.id)))),
        "milestone_id": 0 if vendor.plan else vendor.milestone,  # an entry has that of its plan
        "refs": vendor.refs,
    }
    body = {**{key: value for key, value in fields.items() if value}, "include_all": vendor.include_all}
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
    """The id of the run that was opened for ours, if it is there."""
    if vendor.plan:
        entries = http.get(f"get_plan/{vendor.plan}").pick("entries", list)
        listing = iter([{**row, "description": entry.get("description")} for entry in entries for row in entry["runs"]])
    else:
        listing = rows(http, f"get_runs/{vendor.project}&is_completed=0", "runs")
    return next((str(row["id"]) for row in listing if mark(run.id) in str(row.get("description"))), None)


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
        entries = http.get(f"get_plan/{plan}").pick("entries", list)
        entry = next(each["id"] for each in entries if run_id in [row["id"] for row in each["runs"]])
        path = f"update_plan_entry/{plan}/{segment(entry)}"
    suite = run.pick("suite_id", int)
    _, unknown = _put(vendor, http, path, {"include_all": False}, missing, here=here, suite=suite)
    return unknown


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
