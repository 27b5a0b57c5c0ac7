"""Journal -> batches -> vendor -> receipts: one upload, whether at session end or from `tmsreport send`."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from traceback import format_exc
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter

from .client import Client, Network, Request
from .errors import (
    AuthError,
    Doubtful,
    JournalError,
    NotFound,
    PartlyRejected,
    PermanentError,
    Rejected,
    TooLarge,
    TransientError,
    VendorError,
)
from .files import Files
from .journal import Kept, ReceiptBook, Receipts, RunFolder, holding
from .machines import is_last, join
from .model import Result, Run
from .pacing import Pacer
from .pending import Survey, pending, survey
from .render import count, plain
from .shelf import Shelf
from .tally import Tally
from .vendor import Vendor

LOGGER = logging.getLogger("pytest_tmsreport")
REFUSALS_IN_A_ROW = 25
"""So many refusals with nothing accepted between them: the fault is not in the results, and the rest is kept."""


class Conditions(NamedTuple):
    """What an upload works under.

    `deadline` returns the time of `clock` (monotonic seconds) at which it ends; `mask` takes secrets out of a text;
    `again` sends what was refused before as well, `even_if_doubled` what may have arrived; `rehearse` gets each request
    in place of the server; `progress` hears a destination's name and how many results it has just taken or refused.

    `follow` gets each destination and a function that makes one pass over the journal for it, under these conditions
    but for those that it is given; it returns the last tally. `part` (bytes of the journal, at ends of lines) is all
    that a pass looks at, and not the last; `closes` says whether the last one completes the run.
    """

    network: Network | None = None
    deadline: Callable[[], float] = lambda: math.inf
    transport: BaseAdapter | None = None
    sleep: Callable[[float], Any] = time.sleep
    clock: Callable[[], float] = time.monotonic
    mask: Callable[[str], str] = str
    again: bool = False
    even_if_doubled: bool = False
    rehearse: Callable[[str, Request], None] | None = None
    progress: Callable[[str, int], None] = lambda _name, _done: None
    follow: Callable[[Vendor, Callable[..., Tally]], Tally] = lambda _vendor, send: send()
    part: tuple[int, int] | None = None
    closes: bool = True


def upload(folder: RunFolder, vendors: Sequence[Vendor], conditions: Conditions | None = None) -> list[Tally]:
    """Sends what is not delivered yet, to each destination on a thread of its own.

    Never raises for what a destination or its receipts do: the `Tally` says it. Raises JournalError where the folder
    holds no journal.
    """
    conditions = conditions or Conditions()
    if len(vendors) > 1 or any(map(_is_read_twice, vendors)):
        folder = replace(folder, kept=Kept())
    run = folder.head().run
    pacers: dict[tuple[str, str], Pacer] = {}
    for vendor in vendors:
        key = (urlsplit(vendor.base_url).netloc, vendor.token)
        pacers.setdefault(key, Pacer(vendor.requests_per_minute, conditions.clock)).tighten(vendor.requests_per_minute)

    def one(vendor: Vendor) -> Tally:
        pacer = pacers[urlsplit(vendor.base_url).netloc, vendor.token]
        return _to_one(folder, run, vendor, pacer, conditions)

    with ThreadPoolExecutor(max(len(vendors), 1), thread_name_prefix="destination") as pool:
        tallies = list(pool.map(one, vendors))
    wanted = set(folder.head().destinations)
    if not conditions.rehearse and wanted and wanted <= _finished(tallies):
        folder.mark_delivered()
    return tallies


def _to_one(folder: RunFolder, run: Run, vendor: Vendor, pacer: Pacer, conditions: Conditions) -> Tally:
    known = Receipts()
    notes: list[str] = []
    seconds = 0.0
    rehearse = conditions.rehearse
    client = Client(
        vendor,
        pacer=pacer,
        network=conditions.network,
        deadline=conditions.deadline,
        transport=conditions.transport,
        sleep=conditions.sleep,
        clock=conditions.clock,
        rehearse=(lambda request: rehearse(vendor.name, request)) if rehearse else None,
        note=lambda text: notes.append(plain(conditions.mask(text))),
    )

    def send(**changes: Any) -> Tally:
        nonlocal seconds
        tally = Tally(vendor.name, notes=notes)
        began = conditions.clock()
        _pass(folder, run, vendor, client, known, tally, conditions._replace(**changes))
        seconds += conditions.clock() - began
        tally.reason = plain(conditions.mask(tally.reason))
        tally.requests = client.requests
        tally.seconds = seconds
        return tally

    try:
        return conditions.follow(vendor, send)
    finally:
        client.close()


def _pass(  # noqa: PLR0913, PLR0917 - what takes part in it
    folder: RunFolder,
    run: Run,
    vendor: Vendor,
    client: Client,
    known: Receipts,
    tally: Tally,
    conditions: Conditions,
) -> None:
    try:
        with holding(folder.path, vendor.name) as book:
            _Upload(folder, run, vendor, client, known, book, tally, conditions).work()
    except JournalError as error:
        tally.reason = tally.reason or str(error)
        _count_unsent(tally, folder, vendor)
    except Exception as error:  # noqa: BLE001 - another destination must not suffer, and nothing may be lost
        LOGGER.error("%s: %s", vendor.name, conditions.mask(format_exc()))  # noqa: TRY400 - may quote a secret
        tally.reason = f"unexpected {type(error).__name__}: {error}"
        tally.remedy = "please report this; everything is kept"


def _count_unsent(tally: Tally, folder: RunFolder, vendor: Vendor) -> None:
    """Fills in what there is, where an upload ended before it counted anything."""
    if tally.before or tally.delivered or tally.kept or tally.refused:
        return
    with suppress(JournalError):  # the reason says it
        found = survey(folder, vendor)
        tally.before, tally.kept, tally.doubtful = found.delivered, found.pending + found.doubtful, found.doubtful
        tally.refused, tally.without_case = found.refused, found.without_case


@dataclass
class _Upload:
    """One pass over a journal for one destination."""

    folder: RunFolder
    run: Run
    vendor: Vendor
    http: Client
    known: Receipts
    book: ReceiptBook
    tally: Tally
    conditions: Conditions

    def __post_init__(self) -> None:
        self._receipts = self.folder.receipts(self.vendor.name, self.known)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._row: list[tuple[Result, str]] = []  # refusals since something was accepted
        self._refused: dict[str, Any] = {}
        self._left: dict[str, int] = {}  # of tests with several cases: how many are still to arrive
        self._pool = ThreadPoolExecutor(max(self.vendor.parallel, 1))  # for batches and files alike
        self._files = Files(
            self.vendor,
            self.http,
            self.folder,
            self._receipts,
            self._pool,
            self.write,
            self._check_time,
            self.conditions.rehearse is not None,
        )

    def work(self) -> None:
        counts = Survey()
        rest = pending(
            self.folder,
            self.vendor,
            self._receipts,
            again=self.conditions.again,
            even_if_doubled=self.conditions.even_if_doubled,
            survey=counts,
            part=self.conditions.part,
        )
        self.tally.run_id = self.vendor.run_id or self._receipts.run_id
        try:
            with self._pool:
                self._send_rest(rest, counts)
        except VendorError as error:
            self.tally.reason = str(error)
            self.tally.remedy = error.remedy
            self.tally.may_pass = isinstance(error, TransientError)
        finally:
            self._count(counts, rest)
        if self.tally.is_complete and not self.conditions.part:
            self._close()
        if self.tally.run_id and not self.conditions.rehearse:
            self.tally.run_url = self.vendor.run_url(self.tally.run_id)

    def _send_rest(self, rest: Iterator[tuple[int, Result]], counts: Survey) -> None:
        results = self._ready(rest, counts)
        first = next(results, None)
        if first is not None:
            run_id = self.tally.run_id = self.tally.run_id or self._open()
            self._send_all(run_id, chain([first], results))
        self._refuse_row()
        # Behind every result, and in the pool, whose threads are the requests that may be under way at once.
        self._pool.submit(self._files.send_due, counts.files_due).result()

    def write(self, **line: Any) -> None:
        """Adds a receipt, unless this is a rehearsal."""
        if not self.conditions.rehearse:
            with self._writing:
                self.book.write(**line)

    def note(self, text: str) -> None:
        with self._lock:
            self.tally.notes.append(plain(self.conditions.mask(text)))

    def _ready(self, rest: Iterator[tuple[int, Result]], counts: Survey) -> Iterator[Result]:
        """The results as the vendor is to see them: with cases found or made, and merged or condensed.

        Where that takes all of them, their places are kept, and they are read once more.
        """
        vendor = self.vendor
        if not _is_read_twice(vendor):
            return (result for _, result in rest)
        shelf = Shelf(self.folder, vendor, self._receipts)
        for place, result in rest:
            shelf.add(place, result)
        is_due = vendor.can("resolve") and len(shelf.homeless) > 0
        unfiled = shelf.resolve(vendor.resolve(self.http, shelf.homeless) if is_due else {})
        counts.without_case += unfiled
        counts.pending -= unfiled
        self.run = replace(self.run, case_ids=tuple(shelf.cases()))
        if vendor.can("condense"):
            results = list(shelf.results())
            return iter(vendor.condense(self.run, results) if results else ())
        self._left = shelf.left
        return shelf.results() if vendor.aggregate == "each" else shelf.merged(vendor.aggregate)

    def _open(self) -> str:
        opening = None if self._receipts.opening else partial(self.write, opening=True)
        run_id = join(self.vendor, self.http, self.run, opening=opening, pause=self.conditions.sleep)
        self.write(opened=run_id)
        return run_id

    def _send_all(self, run_id: str, results: Iterable[Result]) -> None:
        most = 1 if self.vendor.one_batch_at_once else self.vendor.parallel
        waiting: set[Future[None]] = set()
        for batch in _batches(results, self.vendor):
            if len(waiting) >= most:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            waiting.add(self._pool.submit(self._send, run_id, batch))
        for future in waiting:
            future.result()

    def _send(self, run_id: str, batch: Sequence[Result]) -> None:
        parts = [self._not_received(run_id, batch)]
        while parts:
            part = parts.pop()
            if not part:
                continue
            self._check_time()
            try:
                ready = self._files.put(run_id, part)
                with self._noted(part):
                    remote = self.vendor.send(self.http, run_id, ready)
            except Doubtful as error:
                self._doubt(error, part)
            except PartlyRejected as error:
                taken = [result for index, result in enumerate(part) if index not in error.refused]
                self._accept(taken, error.remote)
                self._take_back([result for index, result in enumerate(part) if index in error.refused])
                with self._lock:
                    self._row += [(part[index], words) for index, words in error.refused.items() if index < len(part)]
            except Rejected as error:
                parts += self._sort_out(error, part)
            except (AuthError, NotFound) as error:
                if error.status not in (403, 404) or not self.vendor.can("read_run"):
                    raise
                self._look_at_run(run_id)
                parts += self._sort_out(error, part)
            else:
                self._accept(part, remote)

    def _check_time(self) -> None:
        if self.conditions.clock() >= self.conditions.deadline():
            raise TransientError("the time allowed for sending is over", remedy="send the rest later")

    def _look_at_run(self, run_id: str) -> None:
        """Raises where the run itself is gone or forbidden."""
        try:
            self.vendor.read_run(self.http, run_id)
        except NotFound as error:
            error.remedy = f"{error.remedy}; what is kept can go to another run: --set {self.vendor.name}.run_id=ID"
            raise

    def _not_received(self, run_id: str, batch: Sequence[Result]) -> Sequence[Result]:
        """Of a batch that an earlier upload was sending when it ended, what has not arrived."""
        sending = self._receipts.sending if self.vendor.can("received") else set()
        if not sending or sending.isdisjoint(_ids(batch)):
            return batch
        found = self.vendor.received(self.http, run_id, batch)
        arrived = [result for result in batch if result.id in found]
        if arrived:
            self._accept(arrived, [found[result.id] for result in arrived])
        return [result for result in batch if result.id not in found]

    @contextmanager
    def _noted(self, batch: Sequence[Result]) -> Iterator[None]:
        """Writes down what is about to go out, where nobody could tell afterwards, and takes it back if it did not."""
        if self.vendor.is_repeatable:
            yield
            return
        ids = _ids(batch)
        self.write(sending=ids)
        try:
            yield
        except VendorError as error:
            if error.answered and not isinstance(error, (Doubtful, PartlyRejected)):
                self.write(unsent=ids)
            raise

    def _take_back(self, batch: Sequence[Result]) -> None:
        """Notes what is known not to have arrived: only once it stands beside it what has."""
        if not self.vendor.is_repeatable:
            self.write(unsent=_ids(batch))

    def _doubt(self, error: Doubtful, batch: Sequence[Result]) -> None:
        with self._lock:
            self.tally.doubtful += len(set(map(_origin, _ids(batch))))
            self.tally.reason = str(error)
            self.tally.remedy = error.remedy

    def _accept(self, batch: Sequence[Result], remote: Sequence[str] = ()) -> None:
        self._refuse_row()
        with_files = {
            part.id: name
            for result, name in zip(batch, remote, strict=False)
            for part in result.parts or (result,)
            if part.attachments
        }
        with self._lock:
            ids = _ids(batch)
            self.write(sent=ids, **({"remote": with_files} if with_files and self.vendor.files == "after" else {}))
            done = sum(map(self._is_whole, ids)) if self._left else len(ids)
            self.tally.delivered += done
        self.conditions.progress(self.tally.name, done)
        self._files.follow(batch, with_files)

    def _is_whole(self, part_id: str) -> bool:
        """True where this was the last of a test's cases."""
        origin = _origin(part_id)
        self._left[origin] = self._left.get(origin, 1) - 1
        return self._left[origin] <= 0

    def _sort_out(self, error: PermanentError, batch: Sequence[Result]) -> list[Sequence[Result]]:
        """Takes the culprits out of a refused batch; returns what is to be sent again, in smaller parts."""
        named = {} if isinstance(error, TooLarge) else self.vendor.blame(error, batch)
        culprits = {index: words for index, words in named.items() if 0 <= index < len(batch)}
        if len(batch) == 1:
            culprits = {0: culprits.get(0) or str(error)}
        if not culprits:
            middle = len(batch) // 2
            return [batch[middle:], batch[:middle]]
        rest = [result for index, result in enumerate(batch) if index not in culprits]
        with self._lock:
            self._row += [(batch[index], words) for index, words in culprits.items()]
            if not rest and len(self._row) > REFUSALS_IN_A_ROW and not self.tally.delivered:
                raise error
        return [rest] if rest else []

    def _refuse_row(self) -> None:
        with self._lock:
            row, self._row = self._row, []
            if row:
                reasons = {each: plain(self.conditions.mask(words)) for result, words in row for each in _ids([result])}
                self.write(refused=reasons)
                parts = {part.id: part for result, _ in row for part in result.parts or (result,)}
                new = {_origin(each): (part.nodeid, reasons[each]) for each, part in parts.items()}
                self.tally.refusals += [said for origin, said in new.items() if origin not in self._refused]
                self._refused.update(new)
                self.tally.refused = len(self._refused)
        if row:
            self.conditions.progress(self.tally.name, len(row))

    def _count(self, counts: Survey, rest: Iterator[tuple[int, Result]]) -> None:
        for _ in rest:  # what was not looked at any more is counted all the same
            continue
        tally = self.tally
        tally.before = counts.delivered
        tally.without_case = counts.without_case
        tally.kept = counts.pending - tally.delivered - tally.refused + counts.doubtful
        tally.doubtful += counts.doubtful
        tally.refused += counts.refused
        tally.refusals += counts.refusals
        if self.conditions.part:
            return  # what is said once is said of the whole
        if counts.ignored:
            tally.notes.append(f"{count(counts.ignored, 'result')} left out by a mark of the tool's own plugin")
        tally.notes += [f"{count(number, 'result')} not sent: {why}" for why, number in counts.left_out.items()]
        self._files.follow(counts.files_due, self._receipts.remote)
        tally.files, tally.files_left_out, tally.files_kept = self._files.taken, self._files.left_out, self._files.kept
        tally.notes += [plain(self.conditions.mask(text)) for text in self._files.notes()]
        if counts.garbage:
            tally.notes.append(f"{count(counts.garbage, 'line')} of the journal cannot be read")

    def _close(self) -> None:
        run_id = self.tally.run_id
        is_shared = bool(self.vendor.run_id or self.run.key)
        is_others = self.vendor.run_id and not self.run.shards  # whoever opened it completes it
        if is_others or not run_id or self._receipts.closed or not self.vendor.closes:
            return
        if not self.conditions.closes:
            self.tally.is_run_open = True
            self.note("everything is delivered, and the run is left open: its session was killed")
            return
        try:
            if is_shared and (self._receipts.noted or not self._is_last(run_id)):
                self.tally.is_left_open = True
                return
            self.vendor.close_run(self.http, run_id)
            self.write(closed=True)
        except VendorError as error:
            self.tally.is_run_open = True
            self.note(f"everything is delivered, but the run is not completed: {error}")

    def _is_last(self, run_id: str) -> bool:
        if is_last(self.vendor, self.http, run_id, self.run, self.conditions.sleep):
            return True
        self.write(noted=True)
        return False


def _is_read_twice(vendor: Vendor) -> bool:
    """True where all results must be known before the first is sent."""
    return vendor.waits_for_end or vendor.can("resolve")


def _finished(tallies: Iterable[Tally]) -> set[str]:
    return {tally.name for tally in tallies if tally.is_complete and not tally.is_run_open}


def _ids(batch: Iterable[Result]) -> list[str]:
    """The ids under which the receipts know results: their own, or those of the tests they stand for."""
    return list(dict.fromkeys([part.id for result in batch for part in result.parts or (result,)]))


def _origin(part_id: str) -> str:
    return part_id.partition("/")[0]


def _batches(results: Iterable[Result], vendor: Vendor) -> Iterator[list[Result]]:
    batch: list[Result] = []
    size = 0
    for attempts in _tests(results):
        if batch and len(batch) + len(attempts) > vendor.batch_size >= len(attempts):
            yield batch  # batches overtake each other, attempts at a test must not
            batch, size = [], 0
        for result in attempts:
            weight = 1000 + 2 * (len(result.message) + len(result.traceback) + len(result.description))
            if result.attachments and vendor.files == "inline":  # as base64
                weight += sum(4 * each.size // 3 for each in result.attachments)
            if batch and (len(batch) >= vendor.batch_size or size + weight > vendor.batch_bytes):
                yield batch
                batch, size = [], 0
            batch.append(result)
            size += weight
    if batch:
        yield batch


def _tests(results: Iterable[Result]) -> Iterator[list[Result]]:
    """Attempts at one test together, in the order in which they were made."""
    earlier: dict[str, list[Result]] = {}
    for result in results:
        if result.superseded:
            earlier.setdefault(result.nodeid, []).append(result)
        elif earlier:
            yield [*earlier.pop(result.nodeid, ()), result]
        else:
            yield [result]
    yield from earlier.values()
