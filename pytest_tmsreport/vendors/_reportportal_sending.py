"""ReportPortal's items on their way: parents before children, the end after the start, logs of many in one request.

All ids are ours, and derived, so that nothing waits for an answer and a request that comes twice is known by its id.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import NotFound, Rejected, VendorError, dig
from ..render import segment
from ..vendor import Content
from ._reportportal_defects import locator
from ._reportportal_errors import DONE
from ._reportportal_items import Entry, Item, Row, Scope, Upload, derived, item, place, result_id, suite

if TYPE_CHECKING:
    from ..client import Client, Reply
    from ..model import Result
    from .reportportal import ReportPortal

Path = tuple[str, ...]


@dataclass
class Told:
    """What a client has told of a run, and what it knows of it.

    `start` is when the run began (epoch milliseconds). `suites` maps the places of suites to their ids, `ends` to the
    last end within (epoch milliseconds). `done` holds what has arrived of batches that are not through, `unsure` the
    items that an earlier upload may have begun. `is_own`: the run was opened here, and by nobody else.
    """

    start: int
    is_own: bool = False
    suites: dict[Path, str] = field(default_factory=dict)
    ends: dict[Path, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    locks: dict[Path, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))


_TOLD: WeakKeyDictionary[Client, dict[str, Told]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def remember(http: Client, run_id: str, start: int, *, is_own: bool = False) -> Told:
    """What is known of a run whose start is known."""
    with _LOCK:
        return _TOLD.setdefault(http, {}).setdefault(run_id, Told(start, is_own))


def told(vendor: ReportPortal, http: Client, run_id: str) -> Told:
    """What is known of a run; its start is read where it was not opened here. Raises VendorError."""
    known = _TOLD.get(http, {}).get(run_id)
    if known is None:
        row = http.get(f"{vendor.reads}/launch/uuid/{segment(run_id)}")
        known = remember(http, run_id, row.pick("startTime", int))
    return known


def sent(vendor: ReportPortal, http: Client, run_id: str, batch: Sequence[Result]) -> list[str]:
    """Sends a batch and returns the ids of its items.

    Where it ends in the middle, what has arrived is not sent again with what is left of it.
    """
    known = told(vendor, http, run_id)
    locators = [locator(vendor, http, result) for result in batch]
    items = [
        item(Scope(vendor, run_id, known.start), index, result, locator)
        for index, (result, locator) in enumerate(zip(batch, locators, strict=True))
    ]
    keys = {key for each in items for key in _keys(each)}
    try:
        _send(Way(vendor, http, run_id, known), list(zip(map(place, batch), items, strict=True)))
    except VendorError as error:
        error.answered = error.answered and not known.done & keys  # a part of the batch is there
        raise
    known.done -= keys
    return [each.id for each in items]


def _send(way: Way, items: Sequence[tuple[Path, Item]]) -> None:
    for path, each in items:
        way.start(each, way.suite(path))
    known = way.known
    for entry in (entry for _, each in items if each.id in known.unsure for entry in _entries(each)):
        if there(way.http, f"{way.vendor.reads}/log/uuid/{entry.body['uuid']}", entry.body["uuid"]):
            known.done.add(f"log {entry.body['uuid']}")
    way.log([entry for _, each in items for entry in _entries(each)])
    for path, each in items:
        way.end(each)
        for depth in range(len(path)):
            above = path[: depth + 1]
            known.ends[above] = max(known.ends.get(above, known.start), int(each.end["endTime"]))


def arrived(vendor: ReportPortal, http: Client, run_id: str, batch: Sequence[Result]) -> dict[str, str]:
    """Of a batch, the results whose items are finished: result id -> the id of the item."""
    ids = {result_id(run_id, result): result.id for result in batch}
    found = {}
    for own, ours in ids.items():
        row = there(http, f"{vendor.reads}/item/uuid/{own}", own)
        if row and row.get("status") not in (None, "IN_PROGRESS"):
            found[ours] = own
        else:
            told(vendor, http, run_id).unsure.add(own)
    return found


def there(http: Client, path: str, own: str) -> Row | None:
    """What is at an address, or None; its `id` is made `own`, as in the answer to its making."""
    try:
        body = http.get(path).body
    except NotFound:
        return None
    return {**body, "id": own} if isinstance(body, dict) and body.get("uuid") == own else None


def end_suites(way: Way, others: Iterable[tuple[int, str]], now: int) -> None:
    """Finishes the suites of a run, the innermost first; `others` are depths and ids of such as nobody here began."""
    depths: dict[int, dict[str, int]] = defaultdict(dict)
    for depth, own in others:
        depths[depth][own] = now
    for path, own in way.known.suites.items():
        depths[len(path)][own] = way.known.ends.get(path, now)
    with ThreadPoolExecutor(max(way.vendor.parallel, 1)) as pool:
        for depth in sorted(depths, reverse=True):
            bodies = [{"endTime": str(end), "launchUuid": way.run_id} for end in depths[depth].values()]
            list(pool.map(way.finish, depths[depth], bodies))


@dataclass(frozen=True)
class Way:
    """A run at a tool, and how to speak of it."""

    vendor: ReportPortal
    http: Client
    run_id: str
    known: Told

    def suite(self, path: Path) -> str:
        """The id of a suite, which is started if nobody here has."""
        parent = self.suite(path[:-1]) if len(path) > 1 else ""
        with self.known.locks[path]:
            if path not in self.known.suites:
                own = derived(self.run_id, "suite", *path)
                body = suite(self.run_id, own, path[-1], self.known.start)
                self.known.suites[path] = self._begin(parent or self.vendor.parent, body)
            return self.known.suites[path]

    def start(self, each: Item, parent: str) -> None:
        """Starts an item below its parent, and goes through its steps."""
        self._once(f"start {each.id}", partial(self._begin_again, parent, each.start))
        for step in each.steps:
            self.start(step, each.id)
            self.end(step)

    def end(self, each: Item) -> None:
        self._once(f"end {each.id}", partial(self.finish, each.id, each.end))

    def finish(self, own: str, body: Row) -> None:
        """Finishes an item, if it is not."""
        try:
            reply = self.http.put(f"{self.vendor.writes}/item/{segment(own)}", json=body)
        except Rejected as error:
            if error.code not in DONE:
                raise
        else:
            sound(reply, "message")

    def log(self, entries: Sequence[Entry]) -> None:
        """Sends log entries with their files, in as few requests as their number and size allow."""
        for part in self._parts(entry for entry in entries if f"log {entry.body['uuid']}" not in self.known.done):
            self._log(part)
            self.known.done.update(f"log {entry.body['uuid']}" for entry in part)

    def _once(self, key: str, call: Callable[[], Any]) -> None:
        if key not in self.known.done:
            call()
            self.known.done.add(key)

    def _begin_again(self, parent: str, body: Row) -> None:
        """Starts an item; as the first attempt where ReportPortal knows of none before it."""
        try:
            self._begin(parent, body)
        except NotFound:
            if not body.get("retry"):
                raise
            self._begin(parent, {key: value for key, value in body.items() if key != "retry"})

    def _begin(self, parent: str, body: Row) -> str:
        own = body["uuid"]

        def lost() -> Row | None:
            return there(self.http, f"{self.vendor.reads}/item/uuid/{own}", own)

        path = f"{self.vendor.writes}/item" + (f"/{segment(parent)}" if parent else "")
        try:
            reply = self.http.post(path, json=body, recover=lost)
        except Rejected as error:
            if error.status != 409 or lost() is None:
                raise
            return str(own)
        return sound(reply, "id") or str(own)

    def _parts(self, entries: Iterable[Entry]) -> Iterator[list[Entry]]:
        part: list[Entry] = []
        size = 0
        for entry in entries:
            is_full = len(part) >= self.vendor.logs_at_once or size + entry.size > self.vendor.request_bytes
            if part and is_full:
                yield part
                part, size = [], 0
            part.append(entry)
            size += entry.size
        if part:
            yield part

    def _log(self, part: Sequence[Entry]) -> None:
        first = part[0].body["uuid"]
        names = list(_names(part))
        rows = [
            {**entry.body, "file": {"name": name}} if name else entry.body
            for entry, name in zip(part, names, strict=True)
        ]
        content = Content("", "application/json", json.dumps(rows).encode())
        files = [("file", Upload(name, entry.file)) for entry, name in zip(part, names, strict=True) if entry.file]

        def lost() -> Row | None:
            row = there(self.http, f"{self.vendor.reads}/log/uuid/{first}", first)
            return row and {"responses": [{"id": row["uuid"]} for row in rows]}

        path = f"{self.vendor.writes}/log"
        reply = self.http.post(path, files=[("json_request_part", content), *files], recover=lost)
        answers = reply.pick("responses", list)
        if len(answers) != len(rows) and not self.http.is_rehearsal:
            raise reply.odd(f"of {len(rows)} log entries it answers for {len(answers)}")
        lacking = [(row, answer) for row, answer in zip(rows, answers, strict=False) if not dig(answer, "id")]
        for row, answer in lacking:
            what = dig(row, "file.name") or "a text"
            self.http.note(f"{what} of item {row['itemUuid']} was not taken: {dig(answer, 'message')}")


def sound(reply: Reply, path: str) -> str:
    """The text at a dotted path of an answer. Raises PermanentError where it is missing, or the answer is an error."""
    if isinstance(reply.body, dict) and reply.body.get("errorCode"):
        raise reply.odd(f"an error inside a success: {reply.body.get('errorCode')} {reply.body.get('message')}")
    return reply.pick(path, str)


def _names(part: Sequence[Entry]) -> Iterator[str]:
    """The names of files in a request, each different: servers tell apart by name what belongs to which entry."""
    seen: set[str] = set()
    for number, entry in enumerate(part):
        name = entry.file.name if entry.file else ""
        yield (name := f"{number}-{name}" if name and name in seen else name)
        seen.add(name)


def _entries(each: Item) -> Iterator[Entry]:
    yield from each.log
    for step in each.steps:
        yield from _entries(step)


def _keys(each: Item) -> Iterator[str]:
    yield from (f"start {each.id}", f"end {each.id}")
    yield from (f"log {entry.body['uuid']}" for entry in each.log)
    for step in each.steps:
        yield from _keys(step)
