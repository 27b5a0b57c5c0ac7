"""Journals gathered from several machines: finding them in a folder, and making one run of them.

They are artefacts of a CI, and trusted no further than any journal: no link is followed, files are taken by their hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

from .errors import JournalError
from .journal import ATTACHMENTS, RESULTS, Head, Journal, ReceiptBook, Receipts, RunFolder, StoredFile, holding, is_held
from .model import Result, Run
from .render import utc
from .sender import LOG


def folders_below(top: Path) -> list[RunFolder]:
    """The run folders anywhere below `top`, oldest first by their names; `top` itself where it is one.

    What may not be looked into is one, too: whoever reads it says so.
    """
    found = []

    def pass_over(error: OSError) -> None:
        if isinstance(error, PermissionError):
            found.append(RunFolder(Path(error.filename)))

    for place, names, files in os.walk(top, onerror=pass_over):
        if RESULTS in files:
            found.append(RunFolder(Path(place)))
            names.clear()
    return sorted(found, key=lambda folder: (folder.name, folder.path))


def without_copies(folders: Sequence[RunFolder]) -> tuple[list[RunFolder], list[tuple[RunFolder, RunFolder]]]:
    """One folder of each run, and of those left out: which, and of which they are a copy.

    A journal only grows: of several copies the one that holds most is sent. Folders without a journal are all kept.
    """
    best: dict[str, RunFolder] = {}
    ids = {}
    for folder in folders:
        try:
            ids[folder.path] = folder.head().run.id
        except JournalError:  # it is said where the folder is to be sent
            ids[folder.path] = f"{folder.path}"
        known = best.setdefault(ids[folder.path], folder)
        if _size(folder) > _size(known):
            best[ids[folder.path]] = folder
    kept = [folder for folder in folders if best[ids[folder.path]] is folder]
    return kept, [(each, best[ids[each.path]]) for each in folders if each not in kept]


def gather(folders: Sequence[RunFolder], base: Path) -> RunFolder:
    """A journal in `base` that holds the results of all of them, to be sent as one run; the same set makes it once.

    It takes the place of those that lie in `base` themselves; the others are left as they are. What a machine has
    delivered itself is not sent again, and its run is joined, if it is still open. Raises JournalError where a session
    is still running, a folder holds no journal, or machines have reported into several runs.
    """
    heads = [folder.head() for folder in folders]
    for folder in folders:
        if (folder.end() is None and folder.is_live()) or is_held(folder.path / LOG):
            raise JournalError(f"{folder.path}: its session or its sender is still at work: wait for it to end")
    first = min((head.run for head in heads), key=lambda run: run.start)
    ids = " ".join(sorted(head.run.id for head in heads))
    digest = hashlib.sha256(ids.encode("utf-8", "replace")).hexdigest()[:12]
    made = base / f"{utc(first.start, '%Y%m%d-%H%M%S')}-{digest}"
    if not (made / RESULTS).is_file():
        _make(made, folders, heads, first)
    for folder in folders:
        if base.resolve() in folder.path.resolve().parents:  # else the project would send it a second time
            folder.mark_delivered()
    return RunFolder(made)


def _make(made: Path, folders: Sequence[RunFolder], heads: Sequence[Head], first: Run) -> None:
    base = made.parent
    for name in {each for head in heads for each in head.destinations}:
        runs = sorted({folder.receipts(name).run_id for folder in folders} - {""})
        if len(runs) > 1:
            words = f"they have reported into several runs of {name} already, {' and '.join(runs)}"
            raise JournalError(f"{words}: send them without --one-run")
    destinations = dict(chain.from_iterable(head.destinations.items() for head in heads))
    run = replace(first, id=made.name, key="", shard=0, shards=0)
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=base, prefix="making-"))
        try:
            _write(making / made.name, folders, Head(run, destinations))
            (making / made.name).rename(made)  # whole or not at all
        finally:
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        raise JournalError(f"cannot gather journals in {base}: {error}; set `dir` or TMSREPORT_DIR") from error


def _write(place: Path, folders: Iterable[RunFolder], head: Head) -> None:
    journal = Journal(place, head.run, head.destinations)
    seen: set[str] = set()
    statuses, not_run = [0], []
    try:
        for folder in folders:
            own = set()
            last = _last_attempts(folder)
            for result in folder.results():
                kept = replace(result, id=_fresh(folder, result)) if result.id in seen else result
                if result.superseded and last[result.nodeid] <= result.attempt:  # another machine's does not follow it
                    kept = replace(kept, superseded=False)
                own.add(kept.id)
                for attachment in kept.attachments:
                    _copy(folder.file(attachment), place / ATTACHMENTS / attachment.sha256)
                journal.write(kept)
            own -= seen  # a journal speaks for its own results alone
            seen |= own
            for name in head.destinations:
                with holding(place, name) as book:
                    _take_over(folder.receipts(name), own, book)
            end = folder.end() or {}
            statuses += [end["exitstatus"]] if isinstance(end.get("exitstatus"), int) else []
            not_run += [str(each) for each in _listed(end.get("not_run"))]
    finally:
        journal.end(exitstatus=max(statuses), not_run=not_run)


def _fresh(folder: RunFolder, result: Result) -> str:
    """Another id for a result whose own is that of another journal's."""
    return str(
        uuid.uuid5(uuid.NAMESPACE_OID, f"{folder.head().run.id}/{result.id}".encode("utf-8", "replace").decode())
    )


def _take_over(known: Receipts, own: set[str], book: ReceiptBook) -> None:
    """Writes down what a destination has confirmed of a journal."""
    if known.run_id and not known.closed:
        book.write(opened=known.run_id)

    def is_own(key: str) -> bool:  # `id`, `id/case`, `id:hash`
        return re.split("[/:]", key, maxsplit=1)[0] in own

    for key in ("sent", "sending"):
        for id_ in sorted(filter(is_own, getattr(known, key))):
            book.write(**{key: [id_]})
    for key in ("remote", "attached", "refused"):
        for id_, word in getattr(known, key).items():
            if is_own(id_):
                book.write(**{key: {id_: word}})


def _copy(file: StoredFile, place: Path) -> None:
    """Takes a file over where it is what was stored; else its upload says that it is left out."""
    if place.exists():
        return
    with suppress(JournalError), file.open() as source, place.open("xb") as target:
        place.chmod(0o600)
        shutil.copyfileobj(source, target)


def _size(folder: RunFolder) -> int:
    """How many bytes a journal and its receipts have."""
    sizes = 0
    with suppress(OSError):
        for path in folder.path.glob("*.jsonl"):
            found = path.lstat()
            sizes += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return sizes


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _last_attempts(folder: RunFolder) -> dict[str, int]:
    """Node id -> number of the last attempt, for tests that were run again."""
    found: dict[str, int] = {}
    again: set[str] = set()
    for result in folder.results():
        if result.superseded:
            again.add(result.nodeid)
        if result.nodeid in again:
            found[result.nodeid] = max(result.attempt, found.get(result.nodeid, 0))
    return found
