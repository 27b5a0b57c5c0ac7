"""The files of results on their way to a tool: before the results, after them, or inside their request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import NamedTuple

from .client import Client
from .errors import Doubtful, JournalError, Rejected, TransientError, VendorError
from .journal import Receipts, RunFolder, StoredFile
from .model import Attachment, Result
from .pending import file_key
from .render import count
from .sharing import Piece, together
from .tally import SHOWN
from .vendor import Vendor

REFUSALS_AT_FIRST = 25
"""So many files refused and none taken: the fault is not in the files, and no more are sent."""


class _Body(NamedTuple):
    """A content on its way to a place: to a run, or to a result. `keys` are its names in the receipts."""

    file: StoredFile
    place: str
    keys: tuple[str, ...]

    @property
    def way(self) -> tuple[str, str]:
        """What goes where: nothing goes the same way twice."""
        return self.place, self.file.attachment.sha256


@dataclass
class Files:
    """Brings the attachments of results to a tool, each content once.

    The threads of `pool` help; `write` adds a receipt; `check_time` raises TransientError where none is left; a
    rehearsal expects no answers. `taken` counts what the tool has taken, of whatever was attached.
    """

    vendor: Vendor
    http: Client
    folder: RunFolder
    receipts: Receipts
    pool: Executor
    write: Callable[..., None]
    check_time: Callable[[], None]
    is_rehearsal: bool

    def __post_init__(self) -> None:
        self.taken = 0
        self._off = ""  # why the tool takes no more
        self._refused = 0
        self._left_out: dict[tuple[str, str, str], str] = {}  # place, hash, name -> why
        self._under_way: dict[tuple[str, str], Piece] = {}  # place and hash
        self._due: dict[tuple[str, str], _Body] = {}
        self._goes_after = self.vendor.files == "after" and self.vendor.can("attach")
        self._lock = threading.Lock()

    def put(self, run_id: str, batch: Sequence[Result]) -> Sequence[Result]:
        """The batch, its attachments uploaded and named as the tool names them.

        Those it cannot have are left out, and named in the notes of their results.
        """
        if self._goes_after or not any(result.attachments for result in batch):
            return batch
        if self.vendor.files == "inline":
            return [self._holding(result, list(self._inline(result))) for result in batch]
        known = self.receipts.attached
        wanted: dict[str, _Body] = {}
        for each in chain.from_iterable(result.attachments for result in batch):
            if each.sha256 not in known:
                wanted.setdefault(each.sha256, _Body(self.folder.file(each), run_id, (each.sha256,)))
        self._bring(list(wanted.values()))
        return [
            self._holding(
                result,
                [replace(each, remote_id=name) for each in result.attachments if (name := known.get(each.sha256))],
            )
            for result in batch
        ]

    def follow(self, batch: Sequence[Result], remote: Mapping[str, str]) -> None:
        """Takes note of results that have just arrived: their files arrived with them, or are now due.

        `remote` maps their ids to the tool's.
        """
        parts = list(chain.from_iterable(result.parts or (result,) for result in batch))
        with self._lock:
            for part in parts if self._goes_after else ():
                for attachment in part.attachments if part.id in remote else ():
                    key, place = file_key(part, attachment), (remote[part.id], attachment.sha256)
                    if key not in self.receipts.attached:
                        known = self._due.get(place)  # the tests of one case may share a file
                        keys = dict.fromkeys((*(known.keys if known else ()), key))
                        self._due[place] = _Body(self.folder.file(attachment), place[0], tuple(keys))
            if self.vendor.files == "inline":
                every = ((result.id, each.sha256, each.name) for result in batch for each in result.attachments)
                self.taken += sum(each not in self._left_out for each in every)

    def send_due(self, results: Sequence[Result]) -> None:
        """Uploads the files that go to results: to those that have just arrived, and to these, of earlier uploads."""
        self.follow(results, self.receipts.remote)
        self._bring(list(self._due.values()))

    @property
    def left_out(self) -> int:
        """How many the tool does not get."""
        return len(self._left_out)

    @property
    def kept(self) -> int:
        """How many are still to be sent to results that have arrived."""
        due = [body for body in self._due.values() if not self.receipts.attached.keys() >= set(body.keys)]
        return sum(_name(body.place, body.file.attachment) not in self._left_out for body in due)

    def notes(self) -> list[str]:
        """What was left out, and why: the first ten by name."""
        names: dict[str, list[str]] = {}
        for (_, _, name), why in list(self._left_out.items())[:SHOWN]:
            names.setdefault(why, []).append(repr(name))
        notes = [
            f"the file {one[0]} is left out: {why}"
            if len(one) == 1
            else f"{len(one)} files are left out: {why}: {', '.join(one)}"
            for why, one in names.items()
        ]
        more = len(self._left_out) - SHOWN
        return [*notes, f"and {count(more, 'more file')} left out"] if more > 0 else notes

    def _holding(self, result: Result, there: Sequence[Attachment]) -> Result:
        known = {(each.sha256, each.name) for each in there}
        missing = [each.name for each in result.attachments if (each.sha256, each.name) not in known]
        notes = [] if self.is_rehearsal else [f"not sent: {name}" for name in missing]
        return replace(result, attachments=tuple(there), notes=(*result.notes, *notes))

    def _inline(self, result: Result) -> Iterator[Attachment]:
        """The attachments that fit into the request of their result."""
        vendor = self.vendor
        size = number = 0
        for attachment in result.attachments:
            file = self.folder.file(attachment)
            is_large = vendor.file_bytes and file.size > vendor.file_bytes
            is_full = vendor.files_bytes and size + file.size > vendor.files_bytes
            why = vendor.refuses(attachment)
            if is_large or is_full or (vendor.files_per_request and number >= vendor.files_per_request):
                why = why or f"with its {file.size} bytes it is more than {vendor.label} takes with a result"
            try:
                if not why:
                    file.open().close()
            except JournalError as error:
                why = str(error)
            if why:
                self._left_out[_name(result.id, attachment)] = why
                continue
            size += file.size
            number += 1
            yield replace(attachment, path=str(file.path))

    def _bring(self, bodies: Sequence[_Body]) -> None:
        """Uploads in as few requests as the tool allows, and waits for what another thread is uploading."""
        with self._lock:
            for group in self._groups(body for body in bodies if body.way not in self._under_way):
                piece = Piece(partial(self._attach, group))
                self._under_way.update((body.way, piece) for body in group)
            found = [self._under_way[body.way] for body in bodies if body.way in self._under_way]
        together(list(dict.fromkeys(found)), self.pool)

    def _groups(self, bodies: Iterable[_Body]) -> Iterator[list[_Body]]:
        vendor = self.vendor
        group: list[_Body] = []
        for body in bodies:
            why = "" if vendor.can("attach") else f"{vendor.label} takes no files"
            if vendor.file_bytes and body.file.size > vendor.file_bytes:
                why = why or f"{body.file.size} bytes, {vendor.label} takes {vendor.file_bytes}"
            if why := why or vendor.refuses(body.file.attachment):
                self._leave_out([body], why)
                continue
            size = sum(each.file.size for each in group) + body.file.size
            is_full = len(group) >= vendor.files_per_request or (vendor.files_bytes and size > vendor.files_bytes)
            if group and (is_full or body.place != group[0].place):
                yield group
                group = []
            group.append(body)
        if group:
            yield group

    def _attach(self, group: Sequence[_Body]) -> None:
        """Uploads in one request; one that is refused is halved down to the files that it is about."""
        if self._off:
            self._leave_out(group, self._off, for_good=False)
            return
        self.check_time()
        try:
            names = self.vendor.attach(self.http, group[0].place, [body.file for body in group])
        except (Rejected, JournalError) as error:
            if len(group) > 1:
                self._attach(group[: len(group) // 2])
                self._attach(group[len(group) // 2 :])
            else:
                self._refuse(group, error)
        except Doubtful as error:
            self._leave_out(group, str(error))
        except TransientError:
            raise
        except VendorError as error:
            self._turn_off(group, error)
        else:
            if not self.is_rehearsal:
                self._take(group, names)

    def _take(self, group: Sequence[_Body], names: Sequence[str]) -> None:
        named = {body: name for body, name in zip(group, names, strict=False) if name}
        self._leave_out([body for body in group if body not in named], "the answer to its upload does not name it")
        self._record({key: name for body, name in named.items() for key in body.keys})
        with self._lock:
            self.taken += len(named)

    def _refuse(self, group: Sequence[_Body], error: Rejected | JournalError) -> None:
        with self._lock:
            self._refused += isinstance(error, Rejected)
            is_hopeless = self._refused > REFUSALS_AT_FIRST and not self.taken
        if is_hopeless and isinstance(error, Rejected):
            self._turn_off(group, error)
        else:
            self._leave_out(group, str(error))

    def _turn_off(self, group: Sequence[_Body], error: VendorError) -> None:
        remedy = f"; {error.remedy}" if error.remedy else ""
        self._off = f"no more are sent, results are: {error}{remedy}"
        self._leave_out(group, self._off, for_good=False)

    def _leave_out(self, group: Sequence[_Body], why: str, *, for_good: bool = True) -> None:
        """`for_good`: a later upload does not try it again."""
        self._left_out.update((_name(body.place, body.file.attachment), why) for body in group)
        if for_good:
            self._record({key: "" for body in group for key in body.keys})

    def _record(self, attached: Mapping[str, str]) -> None:
        if attached:
            self.receipts.attached.update(attached)
            self.write(attached=dict(attached))


def _name(place: str, attachment: Attachment) -> tuple[str, str, str]:
    return place, attachment.sha256, attachment.name
