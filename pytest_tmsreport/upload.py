"""Journal -> batches -> vendor -> receipts: one upload, whether at session end or from `tmsreport send`."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter

from .client import Client, Network, Request
from .errors import AuthError, JournalError, NotFound, PermanentError, Rejected, TooLarge, TransientError, VendorError
from .journal import ReceiptBook, Receipts, RunFolder, StoredFile, holding
from .model import Result, Run
from .pacing import Pacer
from .pending import Survey, pending
from .render import count, plain
from .tally import Tally
from .vendor import Vendor

LOGGER = logging.getLogger("pytest_tmsreport")
REFUSALS_IN_A_ROW = 25
"""So many refusals with nothing accepted between them: the fault is not in the results, and the rest is kept."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What an upload works under.

    `deadline` returns the time of `clock` (monotonic seconds) at which it ends; `mask` takes secrets out of a text;
    `again` sends what was refused before as well; `rehearse` gets each request in place of the server; `progress` hears
    a destination's name and how many results it has just taken or refused.
    """

    network: Network | None = None
    deadline: Callable[[], float] = lambda: math.inf
    transport: BaseAdapter | None = None
    sleep: Callable[[float], Any] = time.sleep
    clock: Callable[[], float] = time.monotonic
    mask: Callable[[str], str] = str
    again: bool = False
    rehearse: Callable[[str, Request], None] | None = None
    progress: Callable[[str, int], None] = lambda _name, _done: None


def upload(folder: RunFolder, vendors: Sequence[Vendor], conditions: Conditions | None = None) -> list[Tally]:
    """Sends what is not delivered yet, to each destination on a thread of its own.

    Never raises for what a destination or its receipts do: the `Tally` says it. Raises JournalError where the folder
    holds no journal.
    """
    conditions = conditions or Conditions()
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
    if not conditions.rehearse and wanted and wanted <= {tally.name for tally in tallies if tally.is_complete}:
        folder.mark_delivered()
    return tallies


def _to_one(folder: RunFolder, run: Run, vendor: Vendor, pacer: Pacer, conditions: Conditions) -> Tally:
    tally = Tally(vendor.name)
    began = conditions.clock()
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
    )
    try:
        with holding(folder.path, vendor.name) as book:
            _Upload(folder, run, vendor, client, book, tally, conditions).work()
    except JournalError as error:
        tally.reason = tally.reason or str(error)
    except Exception as error:  # another destination must not suffer, and nothing may be lost
        LOGGER.exception("%s", vendor.name)
        tally.reason = f"unexpected {type(error).__name__}: {error}"
        tally.remedy = "please report this; everything is kept"
    finally:
        client.close()
    tally.reason = plain(conditions.mask(tally.reason))
    tally.requests = client.requests
    tally.seconds = conditions.clock() - began
    return tally


@dataclass
class _Upload:
    """One pass over a journal for one destination."""

    folder: RunFolder
    run: Run
    vendor: Vendor
    http: Client
    book: ReceiptBook
    tally: Tally
    conditions: Conditions

    def __post_init__(self) -> None:
        self._receipts = self.folder.receipts(self.vendor.name)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._row: list[tuple[Result, str]] = []  # refusals since something was accepted
        self._files = _Files(
            self.vendor,
            self.http,
            self.folder,
            self._receipts,
            self.write,
            self.note,
            self.conditions.rehearse is not None,
        )

    def work(self) -> None:
        survey = Survey()
        results = pending(self.folder, self.vendor, self._receipts, again=self.conditions.again, survey=survey)
        first = next(results, None)
        self.tally.run_id = self.vendor.run_id or self._receipts.run_id
        try:
            if first is not None:
                run_id = self.tally.run_id = self.tally.run_id or self._open()
                self._send_all(run_id, chain([first], results))
            self._refuse_row()
        except VendorError as error:
            self.tally.reason = str(error)
            self.tally.remedy = error.remedy
        finally:
            self._count(survey, results)
        if self.tally.is_complete:
            self._close()
        if self.tally.run_id and not self.conditions.rehearse:
            self.tally.run_url = self.vendor.run_url(self.tally.run_id)

    def write(self, **line: Any) -> None:
        """Adds a receipt, unless this is a rehearsal."""
        if not self.conditions.rehearse:
            with self._writing:
                self.book.write(**line)

    def note(self, text: str) -> None:
        with self._lock:
            self.tally.notes.append(plain(self.conditions.mask(text)))

    def _open(self) -> str:
        if self._receipts.opening and self.vendor.can("find_run"):
            run_id = self.vendor.find_run(self.http, self.run)
        else:
            run_id = None
        if run_id is None:
            self.write(opening=True)
            run_id = self.vendor.open_run(self.http, self.run)
        self.write(opened=run_id)
        return run_id

    def _send_all(self, run_id: str, results: Iterable[Result]) -> None:
        with ThreadPoolExecutor(max(self.vendor.parallel, 1)) as pool:
            waiting: set[Future[None]] = set()
            for batch in _batches(results, self.vendor):
                if len(waiting) >= self.vendor.parallel:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                waiting.add(pool.submit(self._send, run_id, batch))
            for future in waiting:
                future.result()

    def _send(self, run_id: str, batch: Sequence[Result]) -> None:
        parts = [batch]
        while parts:
            part = parts.pop()
            if self.conditions.clock() >= self.conditions.deadline():
                raise TransientError("the time allowed for sending is over", remedy="send the rest later")
            try:
                self.vendor.send(self.http, run_id, self._files.put(run_id, part))
            except Rejected as error:
                parts += self._sort_out(error, part)
            except (AuthError, NotFound) as error:
                if error.status not in (403, 404) or not self.vendor.can("read_run"):
                    raise
                self.vendor.read_run(self.http, run_id)  # raises where the run itself is gone or forbidden
                parts += self._sort_out(error, part)
            else:
                self._accept(part)

    def _accept(self, batch: Sequence[Result]) -> None:
        self._refuse_row()
        with self._lock:
            self.write(sent=[result.id for result in batch])
            self.tally.delivered += len(batch)
        self.conditions.progress(self.tally.name, len(batch))

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
                reasons = {result.id: plain(self.conditions.mask(words)) for result, words in row}
                self.write(refused=reasons)
                self._receipts.refused.update(reasons)
                self.tally.refusals += [(result.nodeid, reasons[result.id]) for result, _ in row]
                self.tally.refused += len(row)
        if row:
            self.conditions.progress(self.tally.name, len(row))

    def _count(self, survey: Survey, rest: Iterator[Result]) -> None:
        for _ in rest:  # what was not looked at any more is counted all the same
            continue
        tally = self.tally
        tally.before = survey.delivered
        tally.without_case = survey.without_case
        tally.kept = survey.pending - tally.delivered - tally.refused
        tally.refused += survey.refused
        tally.refusals += [(nodeid, self._receipts.refused[key]) for key, nodeid in survey.nodeids.items()]
        if survey.garbage:
            tally.notes.append(f"{count(survey.garbage, 'line')} of the journal cannot be read")

    def _close(self) -> None:
        if self.vendor.run_id or not self.tally.run_id or self._receipts.closed or not self.vendor.can("close_run"):
            return
        try:
            self.vendor.close_run(self.http, self.tally.run_id)
            self.write(closed=True)
        except VendorError as error:
            self.note(f"everything is delivered, but the run is not completed: {error}")


@dataclass
class _Files:
    """Uploads the attachments of a batch before its results, each content once."""

    vendor: Vendor
    http: Client
    folder: RunFolder
    receipts: Receipts
    write: Callable[..., None]
    note: Callable[[str], None]
    is_rehearsal: bool

    def __post_init__(self) -> None:
        self._is_off = not self.vendor.can("attach")
        self._left_out: set[str] = set()
        self._lock = threading.Lock()

    def put(self, run_id: str, batch: Sequence[Result]) -> Sequence[Result]:
        """The batch, its attachments uploaded and named as the tool names them; those it cannot have are left out."""
        if self._is_off or not any(result.attachments for result in batch):
            return batch
        with self._lock:
            wanted = {}
            for attachment in chain.from_iterable(result.attachments for result in batch):
                if attachment.sha256 not in self.receipts.attached and attachment.sha256 not in self._left_out:
                    wanted[attachment.sha256] = self.folder.file(attachment)
            for group in self._groups(wanted.values()):
                self._attach(run_id, group)
        known = self.receipts.attached
        return [
            replace(
                result,
                attachments=tuple(
                    replace(each, remote_id=known[each.sha256]) for each in result.attachments if each.sha256 in known
                ),
            )
            for result in batch
        ]

    def _groups(self, files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
        vendor = self.vendor
        group: list[StoredFile] = []
        for file in files:
            if vendor.file_bytes and file.size > vendor.file_bytes:
                self._leave_out(file, f"{file.size} bytes, {vendor.label} takes {vendor.file_bytes}")
                continue
            is_full = len(group) >= vendor.files_per_request
            if group and (
                is_full or (vendor.files_bytes and sum(f.size for f in group) + file.size > vendor.files_bytes)
            ):
                yield group
                group = []
            group.append(file)
        if group:
            yield group

    def _attach(self, run_id: str, group: list[StoredFile]) -> None:
        if self._is_off:
            return
        try:
            remote = self.vendor.attach(self.http, run_id, group)
        except (Rejected, JournalError) as error:
            if len(group) == 1:
                self._leave_out(group[0], str(error))
                return
            middle = len(group) // 2
            self._attach(run_id, group[:middle])
            self._attach(run_id, group[middle:])
        except TransientError:
            raise
        except VendorError as error:
            self._is_off = True
            remedy = f"; {error.remedy}" if error.remedy else ""
            self.note(f"no more files are sent, results are: {error}{remedy}")
        else:
            attached = {file.attachment.sha256: name for file, name in zip(group, remote, strict=False) if name}
            self.receipts.attached.update(attached)
            self.write(attached=attached)
            for file in group:
                if file.attachment.sha256 not in attached and not self.is_rehearsal:
                    self._leave_out(file, "the answer to its upload does not name it")

    def _leave_out(self, file: StoredFile, why: str) -> None:
        self._left_out.add(file.attachment.sha256)
        self.note(f"the file {file.name!r} is left out: {why}")


def _batches(results: Iterable[Result], vendor: Vendor) -> Iterator[list[Result]]:
    batch: list[Result] = []
    size = 0
    for result in results:
        weight = 1000 + 2 * (len(result.message) + len(result.traceback) + len(result.description))
        if batch and (len(batch) >= vendor.batch_size or size + weight > vendor.batch_bytes):
            yield batch
            batch, size = [], 0
        batch.append(result)
        size += weight
    if batch:
        yield batch
