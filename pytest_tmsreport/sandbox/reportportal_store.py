"""ReportPortal's data: launches, the tree of items, logs; what the server refuses, and what retries and reruns do."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box
from .reportportal_fields import DEFECTS, STATUSES, SUITES, Rules, moment
from .site import Refused

Row = dict[str, Any]
IN_PROGRESS, PASSED, FAILED, INTERRUPTED = "IN_PROGRESS", "PASSED", "FAILED", "INTERRUPTED"
GOOD = (PASSED, "INFO", "WARN")


@dataclass
class Launch:
    """A launch; times are epoch milliseconds."""

    number: int
    id: str
    body: Row
    start: int
    status: str = IN_PROGRESS
    end: int | None = None
    is_rerun: bool = False


@dataclass
class Item:
    """An item of the tree.

    `followed_by` is the attempt that took its place, `retries` are those whose place it took.
    """

    number: int
    id: str
    launch: Launch
    parent: Item | None
    body: Row
    start: int
    status: str = IN_PROGRESS
    end: Row = field(default_factory=dict)
    children: list[Item] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    retries: list[Item] = field(default_factory=list)
    followed_by: Item | None = None

    @property
    def has_stats(self) -> bool:
        return self.body.get("hasStats") is not False

    @property
    def inner(self) -> list[Item]:
        """The children that count."""
        return [child for child in self.children if child.has_stats and child.followed_by is None]

    @property
    def path(self) -> str:
        return f"{self.parent.path}.{self.number}" if self.parent else str(self.number)

    @property
    def is_suite(self) -> bool:
        return str(self.body["type"]).lower() in SUITES

    @property
    def identity(self) -> tuple[Any, ...]:
        """By what attempts at one test know each other."""
        parameters = tuple((each["key"], each["value"]) for each in self.body.get("parameters") or ())
        return (self.body["name"], self.body.get("uniqueId"), self.test_case, parameters)

    @property
    def test_case(self) -> str:
        """What was said, or what the server makes of place and parameters."""
        values = ",".join(str(each["value"]) for each in self.body.get("parameters") or ())
        place = str(self.body.get("codeRef") or self.body["name"])
        return str(self.body.get("testCaseId") or (f"{place}[{values}]" if values else place))


def refused(status: int, code: int, text: str) -> Refused:
    """An error in ReportPortal's shape."""
    return Refused(status, text, more={"errorCode": code})


class Store:
    """What the server has kept. Every method raises Refused."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.launches: dict[str, Launch] = {}
        self.items: dict[str, Item] = {}
        self.logs: dict[str, Row] = {}
        self._box = box
        self._rules = rules
        self._clock = clock
        self._numbers = itertools.count(1)

    def start_launch(self, body: Row) -> Launch:
        if body.get("rerun"):
            return self._continue(body)
        own = str(body.get("uuid") or uuid.uuid4())
        self._must_be_new(own, own in self.launches, "launch_uuid_key")
        launch = Launch(next(self._numbers), own, body, moment(body["startTime"]) or 0)
        self.launches[own] = launch
        self._box.add_run(ArrivedRun(own, str(body["name"]), launch.start / 1000, self._rules.project, body))
        return launch

    def _continue(self, body: Row) -> Launch:
        wanted = body.get("rerunOf")
        named = [each for each in self.launches.values() if each.body["name"] == body["name"]]
        found = self.launches.get(str(wanted)) if wanted else (named[-1] if named else None)
        if found is None:
            raise refused(404, 4041, f"Launch '{wanted or body['name']}' not found. Did you use correct Launch ID?")
        found.status, found.end, found.is_rerun = IN_PROGRESS, None, True
        self._box.runs[found.id].end = None
        return found

    def launch(self, own: str) -> Launch:
        found = self.launches.get(own)
        if found is None:
            raise refused(404, 4041, f"Launch '{own}' not found. Did you use correct Launch ID?")
        return found

    def item(self, own: str) -> Item:
        found = self.items.get(own)
        if found is None:
            raise refused(404, 4043, f"Test Item '{own}' not found. Did you use correct Test Item ID?")
        return found

    def start_item(self, body: Row, above: str = "") -> Item:
        launch = self.launch(str(body["launchUuid"]))
        parent = self.item(above) if above else None
        start = moment(body["startTime"]) or 0
        earliest = parent.start if parent else launch.start
        if start < earliest:
            words = f"Start time of child ['{start}'] item should be same or later than start time ['{earliest}']"
            raise refused(406, 40025, f"{words} of the parent item/launch '{above or launch.id}'")
        own = str(body.get("uuid") or uuid.uuid4())
        item = Item(next(self._numbers), own, launch, parent, body, start)
        self._check_parent(item)
        again = self._again(item) if launch.is_rerun else None
        if again is not None and again.is_suite:
            return again
        self._must_be_new(own, own in self.items, "test_item_uuid_key")
        before = again or (self._before(item) if body.get("retry") or body.get("retryOf") else None)
        self.items[own] = item
        if parent:
            parent.children.append(item)
        if before is not None:
            self._follow(before, item)
        return item

    def _check_parent(self, item: Item) -> None:
        parent = item.parent
        if parent is None and item.body.get("retry"):
            raise refused(400, 4001, "Error in handled Request: 'Root test item can't be a retry.'")
        if parent is None:
            return
        if parent.followed_by is not None:
            raise refused(400, 40041, f"Item '{parent.id}' is a retry and cannot have children.")
        if not parent.has_stats and item.has_stats:
            raise refused(400, 4001, f"Unable to add a not nested step item, because parent '{parent.id}' is nested.")
        if item.body.get("retry") and item.is_suite:
            raise refused(400, 40036, "Unable to handle retry: a suite cannot be one.")

    def _again(self, item: Item) -> Item | None:
        """The same item in a launch that is continued."""
        found = [each for each in self._siblings(item) if each.identity == item.identity]
        return next((each for each in found if each.is_suite is item.is_suite), None)

    def _before(self, item: Item) -> Item:
        wanted = item.body.get("retryOf")
        found = [each for each in self._siblings(item) if each.id == wanted or each.identity == item.identity]
        if not found:
            raise refused(404, 4043, f"Test Item '{wanted or item.body['name']}' not found: nothing to retry.")
        return found[-1]

    def _siblings(self, item: Item) -> list[Item]:
        every = self.items.values()
        return [
            each
            for each in every
            if each.launch is item.launch and each.parent is item.parent and each.followed_by is None
        ]

    def _follow(self, before: Item, item: Item) -> None:
        """The attempt that began last counts."""
        older, newer = (before, item) if before.start <= item.start else (item, before)
        older.followed_by = newer
        newer.retries += [*older.retries, older]
        older.retries = []
        self._box.results.pop((older.launch.id, older.id), None)
        self._show(newer)

    def finish_item(self, own: str, body: Row) -> Item:
        item = self.item(own)
        status = str(body.get("status") or "").lower()
        if item.status != IN_PROGRESS:
            self._box.repeats += item.end.get("status") is not None
            raise refused(406, 40018, f"Test item '{own}' is already finished.")
        if status and status not in STATUSES:
            raise refused(406, 4065, f"Incorrect status '{body.get('status')}' to finish with.")
        if not status and not item.children:
            raise refused(400, 40019, f"There is no status for '{own}', and there are no descendants to tell it.")
        if (moment(body["endTime"]) or 0) < item.start:
            raise refused(406, 40021, f"Finish time of '{own}' should be later than its start time.")
        self._check_issue(item, status, body.get("issue"))
        self._interrupt(item.children)
        item.status = status.upper() if status else self._computed(item.inner)
        item.end = body
        self._show(item)
        return item

    def _check_issue(self, item: Item, status: str, issue: Row | None) -> None:
        known = {locator for locator, _, _ in DEFECTS.values()} | {"not_issue"}
        if status in ("failed", "skipped") and item.has_stats and issue and issue["issueType"].lower() not in known:
            raise refused(404, 40416, f"Issue type '{issue['issueType']}' not found on the project.")

    def finish_launch(self, own: str, body: Row) -> Launch:
        launch = self.launch(own)
        end = moment(body["endTime"]) or 0
        if launch.status != IN_PROGRESS:
            raise refused(406, 40022, f"Finish launch is not allowed. Launch '{own}' is already finished.")
        if end < launch.start:
            raise refused(406, 40021, f"Finish time of '{own}' should be later than its start time.")
        roots = [item for item in self.items.values() if item.launch is launch and item.parent is None]
        self._interrupt(roots)
        launch.status = str(
            body.get("status") or self._computed([item for item in roots if item.followed_by is None])
        ).upper()
        launch.end = end
        self._box.runs[own].end = end / 1000
        return launch

    def _interrupt(self, items: list[Item]) -> None:
        """What is still in progress inside of what is finished ends with it, and says so."""
        for item in items:
            self._interrupt(item.children)
            if item.status == IN_PROGRESS:
                item.status = self._computed(item.inner) if item.inner else INTERRUPTED
                item.end = {"interrupted": True}
                self._show(item)

    def _computed(self, items: list[Item]) -> str:
        return FAILED if any(item.status not in GOOD for item in items) else PASSED

    def check_log(self, row: Row) -> None:
        """Raises Refused for a log of nothing."""
        if row.get("itemUuid") not in self.items:
            self.launch(str(row["launchUuid"]))

    def add_log(self, row: Row, file: tuple[str, str, bytes] | None) -> str:
        own = str(row.get("uuid") or uuid.uuid4())
        item = self.items.get(str(row.get("itemUuid")))
        kept = {**row, "uuid": own, "id": next(self._numbers)}
        self.logs.setdefault(own, kept)
        if file:
            name, mime, content = file
            sha256 = hashlib.sha256(content).hexdigest()
            self._box.add_attachment(ArrivedFile(f"{own}/{kept['id']}", name, mime, len(content), sha256))
        if item:
            item.logs.append(kept)
            self._show(item)
        return own

    def _show(self, item: Item) -> None:
        """A finished test that counts is a result."""
        if item.status == IN_PROGRESS or not item.has_stats or item.is_suite or item.followed_by is not None:
            return
        case = item.body.get("testCaseId")
        body = {"start": item.body, "end": item.end, "logs": item.logs, "steps": list(_steps(item))}
        body["retries"] = [{"start": each.body, "end": each.end, "logs": each.logs} for each in item.retries]
        cases = (str(case),) if case else ()
        with self._box.lock:
            self._box.results.pop((item.launch.id, item.id), None)
            self._box.add_result(
                ArrivedResult(item.id, item.launch.id, item.status, str(item.body["name"]), cases, body)
            )

    def _must_be_new(self, own: str, is_there: bool, key: str) -> None:
        if not is_there:
            return
        if self._rules.conflicts:
            raise refused(409, 4091, f"Resource '{own}' already exists. You couldn't create the duplicate.")
        words = f'duplicate key value violates unique constraint "{key}", Key (uuid)=({own}) already exists.'
        raise refused(500, 5000, f"Unclassified error [could not execute statement: {words}]")


def _steps(item: Item) -> Iterator[Row]:
    for child in item.children:
        if not child.has_stats:
            yield {"start": child.body, "end": child.end, "logs": child.logs, "steps": list(_steps(child))}
