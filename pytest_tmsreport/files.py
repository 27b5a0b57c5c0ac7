"""The files of results on their way to a tool: before the results, after them, or inside their request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from .client import Client
from .errors import Doubtful, JournalError, Rejected, TransientError, VendorError
from .journal import Receipts, RunFolder, StoredFile
from .model import Attachment, Result
from .pending import file_key
from .vendor import Vendor


@dataclass
class Files:
    """Brings the attachments of results to a tool, each content once.

    `write` adds a receipt, `note` a line to the summary; a rehearsal expects no answers.
    """

    vendor: Vendor
    http: Client
    folder: RunFolder
    receipts: Receipts
    write: Callable[..., None]
    note: Callable[[str], None]
    is_rehearsal: bool

    def __post_init__(self) -> None:
        self._is_off = False  # set when the tool takes no more
        self._left_out: set[str] = set()
        self._lock = threading.Lock()

    def put(self, run_id: str, batch: Sequence[Result]) -> Sequence[Result]:
        """The batch, its attachments uploaded and named as the tool names them; those it cannot have are left out."""
        if not any(result.attachments for result in batch) or self.vendor.files == "after":
            return batch
        if self.vendor.files == "inline":
            return [replace(result, attachments=tuple(self._inline(result))) for result in batch]
        if not self.vendor.can("attach"):
            return batch
        with self._lock:
            wanted: dict[str, StoredFile] = {}
            for attachment in chain.from_iterable(result.attachments for result in batch):
                if attachment.sha256 not in self.receipts.attached and attachment.sha256 not in self._left_out:
                    wanted.setdefault(attachment.sha256, self.folder.file(attachment))
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

    def send_after(self, batch: Sequence[Result], remote: Mapping[str, str]) -> None:
        """Uploads the files of results that have just arrived, for tools that hang them on results."""
        if self.vendor.files != "after" or not self.vendor.can("attach"):
            return
        there: dict[tuple[str, str], str | None] = {}  # the tests of one case may share a file
        for part in chain.from_iterable(result.parts or (result,) for result in batch):
            for attachment in part.attachments if part.id in remote else ():
                key, place = file_key(part, attachment), (remote[part.id], attachment.sha256)
                if key not in self.receipts.attached:
                    if place not in there:
                        there[place] = self._attach_to(remote[part.id], self.folder.file(attachment))
                    name = there[place]
                    if name is not None:
                        self.receipts.attached[key] = name
                        self.write(attached={key: name})

    def send_due(self, results: Sequence[Result]) -> None:
        """Uploads what an earlier upload has left of the files of delivered results."""
        self.send_after(results, self.receipts.remote)

    def _attach_to(self, remote_id: str, file: StoredFile) -> str | None:
        """The tool's id of a file of a result; empty for one that is left out, None where it may be sent later."""
        if self._is_off:
            return None
        if self.vendor.file_bytes and file.size > self.vendor.file_bytes:
            self._leave_out(file, f"{file.size} bytes, {self.vendor.label} takes {self.vendor.file_bytes}")
            return ""
        try:
            remote = self.vendor.attach(self.http, remote_id, [file])
        except (Rejected, JournalError) as error:
            self._leave_out(file, str(error))
            return ""
        except (TransientError, Doubtful):
            raise
        except VendorError as error:
            self._turn_off(error)
            return None
        return remote[0] if remote else ""

    def _inline(self, result: Result) -> Iterator[Attachment]:
        """The attachments that fit into the request of their result."""
        vendor = self.vendor
        size = number = 0
        for attachment in result.attachments:
            file = self.folder.file(attachment)
            is_large = vendor.file_bytes and file.size > vendor.file_bytes
            is_full = vendor.files_bytes and size + file.size > vendor.files_bytes
            if is_large or is_full or (vendor.files_per_request and number >= vendor.files_per_request):
                self._leave_out(file, f"with its {file.size} bytes it is more than {vendor.label} takes with a result")
                continue
            try:
                file.open().close()
            except JournalError as error:
                self._leave_out(file, str(error))
                continue
            size += file.size
            number += 1
            yield replace(attachment, path=str(file.path))

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
            self._turn_off(error)
        else:
            attached = {file.attachment.sha256: name for file, name in zip(group, remote, strict=False) if name}
            self.receipts.attached.update(attached)
            self.write(attached=attached)
            for file in group:
                if file.attachment.sha256 not in attached and not self.is_rehearsal:
                    self._leave_out(file, "the answer to its upload does not name it")

    def _turn_off(self, error: VendorError) -> None:
        self._is_off = True
        remedy = f"; {error.remedy}" if error.remedy else ""
        self.note(f"no more files are sent, results are: {error}{remedy}")

    def _leave_out(self, file: StoredFile, why: str) -> None:
        self._left_out.add(file.attachment.sha256)
        self.note(f"the file {file.name!r} is left out: {why}")
