"""A run on disk: results, attachments, receipts.

A run folder has one writer per file. `results.jsonl` belongs to the session: a head, one line a result, an end.
`<destination>.jsonl` belongs to whoever uploads to that destination: one line for what was opened, sent, attached,
refused and closed. `attachments/<sha256>` is written once. A torn or foreign line is passed over and counted.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .errors import JournalError, TooLong
from .model import Attachment, Result, Run, to_json

VERSION = 1
RESULTS, ATTACHMENTS, DELIVERED = "results.jsonl", "attachments", "delivered"
LINE_BYTES = 4 * 2**20
"""The longest line that is written and read."""
KEPT_RUNS = 10
KEPT_BYTES = 2**20
"""So many bytes of lines are kept as results for whoever reads next: 4,000 tests that pass, some 8 MB."""
TORN = b"torn"
READING = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A journal may come from elsewhere: no link is followed, and a pipe is not waited for."""
NAME = re.compile("(?!results$)[a-z][a-z0-9]*")
"""What a destination and a vendor may be called: a section, a variable and a file name beside `results.jsonl`."""

encode = json.JSONEncoder(separators=(",", ":"), default=to_json).encode
"""One ASCII line: no surrogate, no newline, whatever the text holds."""
_text = json.encoder.encode_basestring_ascii
_IN_HEAD = {"id", "nodeid", "outcome", "start", "durations", "worker"}
_decode = json.JSONDecoder().raw_decode


class Head(NamedTuple):
    """The first line of a journal: the run, and its destinations (name -> vendor)."""

    run: Run
    destinations: Mapping[str, str]


class Journal:
    """Writes a run as it happens. Every method raises JournalError, and the tests go on without it."""

    def __init__(self, folder: Path, run: Run, destinations: Mapping[str, str]) -> None:
        """Makes the folder, its parent and a `.gitignore`."""
        self.folder = folder
        self._stored: set[str] = set()
        self._named: set[str] = set()
        try:
            is_ours = not folder.parent.exists()
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            if is_ours or not (folder.parent / ".gitignore").exists():
                ignored = folder.parent if is_ours else folder  # in a folder of the user's, only what is ours
                (ignored / ".gitignore").write_text("*\n", encoding="ascii")
            (folder / ATTACHMENTS).mkdir(mode=0o700)
            self._lines = _Lines(folder / RESULTS)
            self._lines.hold()
        except OSError as error:
            raise JournalError(f"cannot write the journal {folder}: {error}; set `dir` or TMSREPORT_DIR") from error
        self._lines.write({"version": VERSION, "run": run, "destinations": dict(destinations)})

    def write(self, result: Result) -> None:
        """Puts one result on disk. Raises TooLong where it is more than a line holds."""
        self._lines.write({"result": result})
        self._named.update(each.sha256 for each in result.attachments)

    def append(self, record: Mapping[str, Any]) -> None:
        """Puts one result on disk, which is given as JSON, its times in microseconds (see `record_of`). Raises TooLong
        as `write` does."""
        self._lines.append(f'{{"result":{line_of(record)}}}')
        if "attachments" in record:
            self._named.update(each["sha256"] for each in record["attachments"])

    def attach(self, name: str, mime: str, content: bytes) -> Attachment:
        """Stores a file's content once, under its hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 not in self._stored:
            try:
                _store(self.folder / ATTACHMENTS / sha256, content)
            except FileExistsError:
                pass  # stored by an earlier call
            except OSError as error:
                raise JournalError(f"cannot store {name!r} in {self.folder}: {error}") from error
            self._stored.add(sha256)
        return Attachment(name, mime, sha256, len(content))

    def end(self, *, exitstatus: int, not_run: list[str]) -> None:
        """Says that the session is over, and which of the collected tests never ran; closes the file.

        Stored files that no result names are removed: their tests are not reported, or not with files.
        """
        with suppress(OSError):  # they are only in the way
            for path in (self.folder / ATTACHMENTS).iterdir():
                if path.name not in self._named:
                    path.unlink(missing_ok=True)
        try:
            self._lines.write({"end": {"exitstatus": exitstatus, "not_run": not_run}})
        finally:
            self._lines.close()


@dataclass
class Receipts:
    """What a destination confirmed: ids of delivered results, files (hash -> remote id), refusals (id -> reason).

    `size` is how many bytes of the file they stand for. `noted` says that the run, which other machines share, has been
    told that this one is done.
    """

    opening: bool = False
    run_id: str = ""
    sent: set[str] = field(default_factory=set)
    remote: dict[str, str] = field(default_factory=dict)
    sending: set[str] = field(default_factory=set)
    attached: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    noted: bool = False
    closed: bool = False
    size: int = field(default=0, compare=False)


class StoredFile(NamedTuple):
    """An attachment of a run folder, ready to be read."""

    attachment: Attachment
    path: Path

    @property
    def name(self) -> str:
        return self.attachment.name

    @property
    def mime(self) -> str:
        return self.attachment.mime

    @property
    def size(self) -> int:
        return self.attachment.size

    def open(self) -> BinaryIO:
        """Opens it without following links; raises JournalError where the content is not what was stored."""
        try:
            file = open_ordinary(self.path)
        except OSError as error:
            raise JournalError(f"cannot read the file {self.name!r} of the journal: {error}") from error
        found = hashlib.sha256()
        while part := file.read(2**18):
            found.update(part)
        if found.hexdigest() != self.attachment.sha256 or file.tell() != self.size:
            file.close()
            raise JournalError(f"the file {self.name!r} of the journal is not what was stored: {self.path}")
        file.seek(0)
        return file


@dataclass
class Kept:
    """Results by the places of their lines, the first that come, up to `room` bytes of lines."""

    room: int = KEPT_BYTES
    results: dict[int, Result] = field(default_factory=dict)

    def add(self, place: int, size: int, result: Result) -> None:
        """Keeps a result if there is room for its line of so many bytes."""
        if size <= self.room:
            self.room -= size
            self.results[place] = result


@dataclass(frozen=True)
class RunFolder:
    """Reads a run folder. Nothing in it is trusted further than its shape is checked.

    What is `kept` is read once, whoever asks for it.
    """

    path: Path
    kept: Kept = field(default_factory=partial(Kept, 0), compare=False)

    @property
    def name(self) -> str:
        return self.path.name

    def head(self) -> Head:
        """The run and its destinations. Raises JournalError for a folder that holds no journal."""
        _, first = next(self._lines(RESULTS), (0, None))
        try:
            return _head(first)
        except (ValueError, TypeError) as error:
            raise JournalError(f"{self.path} holds no journal of this program: {error}") from error

    def results(
        self, on_garbage: Callable[[], None] = lambda: None, part: tuple[int, int] | None = None
    ) -> Iterator[Result]:
        """Every result in the order in which tests ended; `on_garbage` is called for each unreadable line.

        A torn last line is one of those where nobody is about to end it. A `part` is where to begin and to end in the
        file, in bytes, at ends of lines.
        """
        return (result for _, result in self.placed(on_garbage, part))

    def placed(
        self, on_garbage: Callable[[], None] = lambda: None, part: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, Result]]:
        """As `results`, each after its place: where its line begins in the file, in bytes."""
        known = self.kept.results
        for place, line in self._raw(RESULTS, *(part or ())):
            if place in known:
                yield place, known[place]
                continue
            said = _decoded(line)
            if isinstance(said, dict) and "result" not in said and ("version" in said or "end" in said):
                continue
            try:
                result = Result.from_json(said["result"])
            except (ValueError, TypeError, KeyError):
                if line is not TORN or not self.is_live():
                    on_garbage()
                continue
            self.kept.add(place, len(line), result)
            yield place, result

    def at(self, places: Iterable[int]) -> Iterator[Result]:
        """The results of these places. Raises JournalError where one is there no more."""
        path = self.path / RESULTS
        known = self.kept.results
        with _opened(path) or io.BytesIO() as file:
            for place in places:
                if place in known:
                    yield known[place]
                    continue
                file.seek(place)
                try:
                    yield Result.from_json(_decoded(file.readline(LINE_BYTES))["result"])
                except (ValueError, TypeError, KeyError) as error:
                    raise JournalError(f"{path} has changed while it was read") from error

    def grown(self, start: int) -> tuple[int, int]:
        """How many whole lines the session has written since the file had `start` bytes, and where they end."""
        lines, place, end = 0, start, start
        with suppress(OSError), os.fdopen(os.open(self.path / RESULTS, READING), "rb", buffering=0) as file:
            file.seek(start)
            while piece := file.read(2**20):
                if last := piece.count(b"\n") and piece.rindex(b"\n") + 1:
                    lines, end = lines + piece.count(b"\n"), place + last
                place += len(piece)
        return lines, end

    def end(self) -> dict[str, Any] | None:
        """What the session wrote at its end; None where it was killed, or still runs."""
        for _, line in self._lines(RESULTS):
            if isinstance(line, dict) and isinstance(line.get("end"), dict):
                found: dict[str, Any] = line["end"]
                return found
        return None

    def is_live(self) -> bool:
        """True while the session that writes it is running."""
        return is_held(self.path / RESULTS)

    def receipts(self, destination: str, known: Receipts | None = None) -> Receipts:
        """What that destination has confirmed so far: what is `known`, and what was written since."""
        found = known or Receipts()
        name, start = f"{destination}.jsonl", found.size
        with suppress(OSError):
            found.size = (self.path / name).stat().st_size
        for _, line in self._lines(name, start):
            if isinstance(line, dict):
                _take(found, line)
        return found

    def file(self, attachment: Attachment) -> StoredFile:
        """An attachment of one of its results."""
        return StoredFile(attachment, self.path / ATTACHMENTS / attachment.sha256)

    def mark_delivered(self) -> None:
        """Lets the folder be pruned some day."""
        with suppress(OSError):  # it is then only kept longer
            os.close(private(self.path / DELIVERED, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # through no link

    @property
    def is_delivered(self) -> bool:
        return os.path.lexists(self.path / DELIVERED)

    def _lines(self, name: str, start: int = 0, end: float = math.inf) -> Iterator[tuple[int, Any]]:
        """Where each line of a file begins, and what it says: None if it cannot be read."""
        return ((place, _decoded(line)) for place, line in self._raw(name, start, end))

    def _raw(self, name: str, start: int = 0, end: float = math.inf) -> Iterator[tuple[int, bytes]]:
        """Where each line of a file begins, and its bytes: none if it is too long, TORN if it is a last one without an
        end."""
        if (opened := _opened(self.path / name)) is None:
            return
        with opened as file:
            place = file.seek(start)
            while place < end and (line := file.readline(LINE_BYTES)):
                if line.endswith(b"\n"):
                    yield place, line
                elif len(line) < LINE_BYTES:
                    yield place, TORN
                    return
                else:
                    yield place, b""
                    while line and not line.endswith(b"\n"):
                        place += len(line)
                        line = file.readline(LINE_BYTES)
                place += len(line)


class ReceiptBook:
    """Writes a destination's receipts, held by one process at a time."""

    def __init__(self, folder: Path, destination: str) -> None:
        """Raises JournalError where another process is sending this run to this destination."""
        path = folder / f"{destination}.jsonl"
        try:
            self._lines = _Lines(path)
        except OSError as error:
            remedy = "copy the folder to where you may write, or let `tmsreport send --one-run` keep them elsewhere"
            raise JournalError(f"cannot write receipts to {path}: {error}; {remedy}") from error
        try:
            self._lines.hold()
        except OSError as error:
            self._lines.close()
            if isinstance(error, BlockingIOError):
                text = f"another process is sending {folder.name} to {destination} right now; wait for it to end"
            else:
                text = f"cannot lock {path}: {error}"
            raise JournalError(text) from error

    def write(self, **line: Any) -> None:
        """Puts one receipt on disk; raises JournalError. One that is too long for a line becomes several."""
        try:
            self._lines.write(line)
        except TooLong:
            for key in sorted(line, key="sent".__eq__):  # the last: what it stands for must be there before
                self._write_parts(key, line[key])

    def _write_parts(self, key: str, held: Any) -> None:
        pairs = list(held.items()) if isinstance(held, dict) else held
        if not isinstance(pairs, list) or len(pairs) < 2:
            raise TooLong(f"a receipt is more than a line holds: {key}")
        for half in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]):
            self.write(**{key: dict(half) if isinstance(held, dict) else half})

    def close(self) -> None:
        """Lets others send."""
        self._lines.close()


def read(attachment: Attachment) -> bytes:
    """The content of an attachment whose `path` the upload has set. Raises JournalError where it is not as stored."""
    with StoredFile(attachment, Path(attachment.path)).open() as file:
        return file.read()


def open_ordinary(path: Path) -> BinaryIO:
    """Opens a file for reading. Raises OSError, also for a link, a folder, a device or a pipe."""
    seen = path.lstat()  # before it is opened: that may do something to a device, and Windows would follow a link
    kind = _KINDS.get(stat.S_IFMT(seen.st_mode), "something else")
    if kind == _ORDINARY:
        handle = os.open(path, READING)
        if os.path.samestat(seen, os.fstat(handle)):
            return os.fdopen(handle, "rb")
        os.close(handle)
        kind = "exchanged just now"
    raise OSError(f"{path} is {kind}, not {_ORDINARY}")


_ORDINARY = "an ordinary file"
_KINDS = {
    stat.S_IFREG: _ORDINARY,
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def folders(base: Path) -> list[RunFolder]:
    """The run folders below `base`, oldest first; `base` itself where it is one.

    Raises JournalError where nobody can say whether there are any.
    """
    if _is_run(base):
        return [RunFolder(base)]
    try:
        return [RunFolder(path) for path in sorted(base.iterdir()) if _is_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(f"cannot look for runs in {base}: {error}") from error


def _is_run(path: Path) -> bool:
    """True for what holds a journal, and for what may hold one: whoever reads it says that it cannot be read."""
    try:
        return stat.S_ISREG((path / RESULTS).stat().st_mode)
    except OSError as error:
        return isinstance(error, PermissionError)


def prune(base: Path) -> None:
    """Removes the oldest delivered runs; the last ten stay, and whatever is not delivered."""
    delivered = [folder for folder in folders(base) if folder.is_delivered]
    for folder in delivered[:-KEPT_RUNS]:
        shutil.rmtree(folder.path, ignore_errors=True)


@contextmanager
def holding(folder: Path, destination: str) -> Iterator[ReceiptBook]:
    """A `ReceiptBook` for the time of an upload."""
    book = ReceiptBook(folder, destination)
    try:
        yield book
    finally:
        book.close()


def hold(handle: int, *, alone: bool = True) -> None:
    """Locks an open file until nobody has it open any more. Raises BlockingIOError where another process holds it.

    Those that do not want to be `alone` only keep out one that does.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        _hold_on_windows(handle)
    else:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)


def _hold_on_windows(handle: int) -> None:
    import msvcrt  # noqa: PLC0415 - only there

    os.lseek(handle, 2**40, os.SEEK_SET)  # far behind the end: a lock there keeps nobody from reading
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError as error:
        raise BlockingIOError(str(error)) from error


def is_held(path: Path) -> bool:
    """True while a process holds that file: a session its journal, a sender in the background its log."""
    try:
        handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False  # what can only be read has no writer here
    try:
        hold(handle, alone=False)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(handle)
    return False


_open, _chmod = os.open, getattr(os, "fchmod", None)  # before a test can replace them


class _Lines:
    """A file that only grows, line by line."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        self._path = path
        self._file = io.FileIO(private(path, flags), "a+")
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(size - 1, 0))
        self._is_torn = self._file.read(1) not in (b"", b"\n")

    def write(self, value: Any) -> None:
        """Appends one JSON line."""
        self.append(encode(value))

    def append(self, text: str) -> None:
        """Appends one line with a single write, so that a kill leaves it whole or torn, never mixed."""
        line = f"\n{text}\n".encode("ascii") if self._is_torn else f"{text}\n".encode("ascii")
        if len(line) > LINE_BYTES:
            raise TooLong(f"a line of {len(line)} bytes is more than a journal holds: {self._path}")
        written = 0
        try:
            while written < len(line):  # a disk that fills up takes a part; the next write then says so
                written += self._file.write(line[written:]) or 0
        except (OSError, ValueError) as error:
            self._take_back(written)
            raise JournalError(f"cannot write to {self._path}: {error}") from error
        self._is_torn = False

    def _take_back(self, written: int) -> None:
        """Gives the room of a part of a line back: a shorter line may still fit."""
        try:
            if written:
                self._file.truncate(os.fstat(self._file.fileno()).st_size - written)
        except OSError:
            self._is_torn = True

    def hold(self) -> None:
        """Locks the file until it is closed, or its process dies. Raises BlockingIOError where another holds it."""
        hold(self._file.fileno())

    def close(self) -> None:
        """Gives the lock back, also where a process forked by a test has inherited the file."""
        if not self._file.closed:
            with suppress(ImportError, OSError):
                import fcntl  # noqa: PLC0415 - not on Windows

                fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()


def record_of(result: Result) -> dict[str, Any]:
    """A result as JSON (see `Result`), but its start and the durations of its phases in whole microseconds."""
    record: dict[str, Any] = json.loads(encode(result))
    record["start"] = round(result.start * 1e6)
    record["durations"] = {name: round(duration * 1e6) for name, duration in result.durations.items()}
    return record


def times_of(record: Mapping[str, Any], unit: str = "") -> str:
    """The start and the durations of a record as members of a JSON object; the unit follows each number."""
    phases = [f"{_text(name)}:{duration}{unit}" for name, duration in record["durations"].items()]
    return f'"start":{record["start"]}{unit},"durations":{{{",".join(phases)}}}'


def line_of(record: Mapping[str, Any]) -> str:
    """A record as the JSON of a `Result`. What each of them has is put together here: an encoder takes four times as
    long for it, most of that for the digits of floats (`1795335600811717e-6` is one, too)."""
    head = (
        f'{{"id":{_text(record["id"])},"nodeid":{_text(record["nodeid"])},"outcome":{_text(record["outcome"])},'
        f"{times_of(record, 'e-6')}"
    )
    if "worker" in record:
        head += f',"worker":{_text(record["worker"])}'
    if record.keys() <= _IN_HEAD:
        return f"{head}}}"
    return f"{head},{encode({name: held for name, held in record.items() if name not in _IN_HEAD})[1:]}"


def _store(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; raises FileExistsError where it is there already."""
    handle = private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with io.BufferedWriter(io.FileIO(handle, "w")) as file:  # a raw write may take a part only
            file.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _opened(path: Path) -> BinaryIO | None:
    """A file of a run folder, for reading; None where there is none. Raises JournalError."""
    try:
        handle = os.open(path, READING)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError(f"cannot read {path}: {error}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise JournalError(f"cannot read {path}: it is no file")
    return os.fdopen(handle, "rb")


def _decoded(line: bytes) -> Any:
    """What a line says; None where that cannot be read."""
    try:
        value, end = _decode(line.decode())
    except (ValueError, RecursionError):
        return None
    return value if line[end:].isspace() else None


def _head(line: Any) -> Head:
    found = line.get("version") if isinstance(line, dict) else None
    if found != VERSION:
        raise ValueError(f"its version is {found!r}, this is version {VERSION}: send it with the release that wrote it")
    destinations = {str(name): str(kind) for name, kind in dict(line.get("destinations", {})).items()}
    if not all(NAME.fullmatch(word) for word in (*destinations, *destinations.values())):
        raise ValueError("it names impossible destinations")
    return Head(Run.from_json(line.get("run")), destinations)


def _take(receipts: Receipts, line: dict[str, Any]) -> None:
    for key in ("opening", "noted", "closed"):
        if key in line:
            setattr(receipts, key, bool(line[key]))
    if isinstance(line.get("opened"), str):
        receipts.run_id = line["opened"]
    for key in ("sending", "unsent", "sent"):
        ids = [str(each) for each in line[key]] if isinstance(line.get(key), list) else []
        if key == "sending":
            receipts.sending.update(ids)
        else:
            receipts.sending.difference_update(ids)
        if key == "sent":
            receipts.sent.update(ids)
            for each in ids:
                receipts.refused.pop(each, None)
    for key, held in (
        ("attached", receipts.attached),
        ("refused", receipts.refused),
        ("remote", receipts.remote),
    ):
        if isinstance(line.get(key), dict):
            held.update((str(name), str(value)) for name, value in line[key].items())


def private(path: str | Path, flags: int) -> int:
    """An `opener` for files that only their owner may read."""
    handle = _open(path, flags | getattr(os, "O_BINARY", 0), 0o600)
    if flags & os.O_CREAT and _chmod is not None:
        _chmod(handle, 0o600)  # whatever a test has made of the umask
    return handle


def new_id(start: float, random: Callable[[int], bytes] = os.urandom) -> str:
    """A run's id: sorts by time, and is unique."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(start)) + "-" + random(4).hex()
