"""Files that a test attaches: taken as they are now, stored once by what they hold."""

from __future__ import annotations

import base64
import codecs
import hashlib
import io
import itertools
import math
import mimetypes
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

from .journal import ATTACHMENTS, open_ordinary, private
from .masking import mask_pieces
from .model import MIME, UNKNOWN
from .render import plain, readable

PIECE = 2**18
TRAVELS = 2**20
"""The most bytes of a file that goes to the controller within a report, from a worker on another machine."""

Read = Callable[[int], Any]
"""Reads at most so many bytes, or characters of a text."""


class Keeper:
    """Stores what is attached in a run folder; without one (on another machine) small files travel in the report.

    `mask` goes over texts; `most_mib` is the largest file that is kept (MiB; 0: any). Every method raises ValueError or
    OSError, with words for a note, where it keeps nothing.
    """

    def __init__(self, folder: Path | None, mask: Callable[[str], str] = str, most_mib: float = 0) -> None:
        self._folder = folder / ATTACHMENTS if folder else None
        self._mask = mask
        self._numbers = itertools.count()
        mimetypes.init()  # it reads files: not with what a test has put in the place of `open`
        self._most = math.ceil(most_mib * 2**20) or sys.maxsize
        self._limit = f"`max_attachment_mb` allows {self._most}"
        if not folder and self._most > TRAVELS:
            self._most = TRAVELS
            self._limit = f"a worker that shares no folder with the journal can send {TRAVELS}"

    def keep(self, source: Any, name: str, mime: str) -> dict[str, Any]:
        """Takes a path, bytes, text (with a name), an open file, a PIL image or a matplotlib figure.

        Returns the attachment as JSON; with `data` (base64) where it has to travel.
        """
        with ExitStack() as stack:
            read, own_name, own_mime, size = _opened(source, name, stack)
            if size > self._most:
                raise ValueError(f"it has {size} bytes, {self._limit}")
            name = _safe(name or own_name)
            pieces = _pieces(read)
            start = next(pieces, b"")
            pieces = chain([start], pieces)
            is_text = _is_text(start)
            mime = mime if MIME.fullmatch(mime) else own_mime or mimetypes.guess_type(name)[0] or ""
            if is_text or mime.startswith("text/"):
                pieces = _masked(pieces, self._mask)
            kept = (self._stored if self._folder else _travelling)(self._limited(pieces))
        return {"name": name, "mime": mime or ("text/plain" if is_text else UNKNOWN), **kept}

    def _limited(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > self._most:
                raise ValueError(f"it has more than {self._most} bytes, {self._limit}")
            yield piece

    def _stored(self, pieces: Iterator[bytes]) -> dict[str, Any]:
        assert self._folder is not None  # noqa: S101 - for the type checker
        found, size = hashlib.sha256(), 0
        new = self._folder / f"new-{os.getpid()}-{next(self._numbers)}"
        try:
            with io.BufferedWriter(io.FileIO(private(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w")) as file:
                for piece in pieces:
                    found.update(piece)
                    size += file.write(piece)
            stored = self._folder / found.hexdigest()
            if not stored.exists():  # else a sender may be reading it
                new.replace(stored)
        finally:
            new.unlink(missing_ok=True)
        return {"sha256": found.hexdigest(), "size": size}


def _travelling(pieces: Iterator[bytes]) -> dict[str, Any]:
    content = b"".join(pieces)
    found = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return {**found, "data": base64.b64encode(content).decode("ascii")}


def _opened(source: Any, name: str, stack: ExitStack) -> tuple[Read, str, str, int]:
    """How to read what is attached, the name and type that it has by itself, and its bytes, 0 where nobody knows."""
    if isinstance(source, os.PathLike) or (isinstance(source, str) and not name):
        path = Path(source)
        file = stack.enter_context(open_ordinary(path))
        return file.read, path.name, "", os.fstat(file.fileno()).st_size
    if isinstance(source, str):
        return _held(source.encode("utf-8", "replace"), "text.txt")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _held(bytes(source), "attachment.bin")
    if callable(getattr(source, "savefig", None)):
        return _drawn(source.savefig, "figure.png")
    if callable(getattr(source, "save", None)) and hasattr(source, "mode"):
        return _drawn(source.save, "image.png")
    if callable(getattr(source, "read", None)):
        _refuse_what_has_no_end(source)
        own = getattr(source, "name", "")
        return source.read, Path(own).name if isinstance(own, str) and own else "attachment.bin", "", 0
    raise ValueError(f"{readable(source)} is neither a path, bytes, a text with a name, an open file nor an image")


def _held(content: bytes, name: str, mime: str = "") -> tuple[Read, str, str, int]:
    return io.BytesIO(content).read, name, mime, len(content)


def _drawn(save: Callable[..., Any], name: str) -> tuple[Read, str, str, int]:
    stream = io.BytesIO()
    save(stream, format="png")
    return _held(stream.getvalue(), name, "image/png")


def _refuse_what_has_no_end(source: Any) -> None:
    """Raises ValueError for an open pipe, device or socket: reading it may never end."""
    try:
        mode = os.fstat(source.fileno()).st_mode
    except (AttributeError, OSError, ValueError, TypeError):
        return  # it is in memory, or made by a program
    if not stat.S_ISREG(mode):
        raise ValueError("it is open, but no ordinary file")


def _pieces(read: Read) -> Iterator[bytes]:
    while piece := read(PIECE):
        yield piece.encode("utf-8", "replace") if isinstance(piece, str) else piece


def _is_text(start: bytes) -> bool:
    """True for what begins as a text in UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def _masked(pieces: Iterator[bytes], mask: Callable[[str], str]) -> Iterator[bytes]:
    """The text without secrets; bytes that are no UTF-8 stay as they are."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    texts = (decoder.decode(piece, not piece) for piece in chain(pieces, [b""]))
    return (text.encode("utf-8", "surrogateescape") for text in mask_pieces(texts, mask))


def _safe(name: str) -> str:
    """A name without folders and control characters: `../` climbs nowhere."""
    last = plain(name.replace("\\", "/").rpartition("/")[2], 200)
    return "attachment" if not last.strip(".") else last
