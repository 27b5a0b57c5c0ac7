"""Files that a test attaches: taken as they are now, stored once by what they hold."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import mimetypes
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from .journal import ATTACHMENTS, READING, private
from .render import cut, readable

PIECE = 2**18
TRAVELS = 2**20
"""The most bytes of a file that goes to the controller within a report, from a worker on another machine."""
MASKED = 8 * 2**20
"""A text up to so many bytes is searched for secrets."""


class Keeper:
    """Stores what is attached in a run folder; without one (on another machine) small files travel in the report.

    `mask` goes over texts. Every method raises ValueError or OSError, with words for a note, where it keeps nothing.
    """

    def __init__(self, folder: Path | None, mask: Callable[[str], str] = str) -> None:
        self._folder = folder / ATTACHMENTS if folder else None
        self._mask = mask
        self._numbers = itertools.count()

    def keep(self, source: Any, name: str, mime: str) -> dict[str, Any]:
        """Takes a path, bytes, text (with a name), an open file, a PIL image or a matplotlib figure.

        Returns the attachment as JSON; with `data` (base64) where it has to travel.
        """
        stream, own_name, own_mime = _opened(source, name)
        with stream:
            name = _safe(name or own_name)
            mime = mime or own_mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
            found = {"name": name, "mime": mime}
            if mime.startswith("text/") or mime in ("application/json", "application/xml"):
                stream = self._masked(stream)
            return {**found, **(self._stored(stream) if self._folder else _travelling(stream, name))}

    def _masked(self, stream: BinaryIO) -> BinaryIO:
        start = stream.read(MASKED + 1)
        if len(start) > MASKED:
            raise ValueError(f"a text of more than {MASKED} bytes cannot be searched for secrets; name another `mime`")
        try:
            return io.BytesIO(self._mask(start.decode()).encode())
        except UnicodeError:
            return io.BytesIO(start)

    def _stored(self, stream: BinaryIO) -> dict[str, Any]:
        assert self._folder is not None  # noqa: S101 - for the type checker
        found, size = hashlib.sha256(), 0
        temporary = self._folder / f"new-{os.getpid()}-{next(self._numbers)}"
        try:
            with io.BufferedWriter(io.FileIO(private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w")) as file:
                while piece := stream.read(PIECE):
                    found.update(piece)
                    size += file.write(piece)
            temporary.replace(self._folder / found.hexdigest())
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        return {"sha256": found.hexdigest(), "size": size}


def _travelling(stream: BinaryIO, name: str) -> dict[str, Any]:
    content = stream.read(TRAVELS + 1)
    if len(content) > TRAVELS:
        raise ValueError(f"{name!r} is larger than {TRAVELS} bytes, and this worker shares no folder with the journal")
    found = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return {**found, "data": base64.b64encode(content).decode("ascii")}


def _opened(source: Any, name: str) -> tuple[BinaryIO, str, str]:
    """A stream of what is attached, and the name and type that it has by itself."""
    if isinstance(source, os.PathLike) or (isinstance(source, str) and not name):
        path = Path(source)
        return _regular(path), path.name, ""
    if isinstance(source, str):
        return io.BytesIO(source.encode("utf-8", "replace")), "text.txt", "text/plain"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(bytes(source)), "attachment.bin", ""
    if callable(getattr(source, "savefig", None)):
        return _drawn(source.savefig, "figure.png")
    if callable(getattr(source, "save", None)) and hasattr(source, "mode"):
        return _drawn(source.save, "image.png")
    if callable(getattr(source, "read", None)):
        content = source.read()
        own = getattr(source, "name", "")
        content = content.encode("utf-8", "replace") if isinstance(content, str) else content
        return io.BytesIO(content), Path(own).name if isinstance(own, str) and own else "attachment.bin", ""
    raise ValueError(f"{readable(source)} is neither a path, bytes, a text with a name, an open file nor an image")


def _regular(path: Path) -> BinaryIO:
    """Opens a file; a link, folder, device or pipe is refused."""
    handle = os.open(path, READING)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f"{path} is no ordinary file")
    return os.fdopen(handle, "rb")


def _drawn(save: Callable[..., Any], name: str) -> tuple[BinaryIO, str, str]:
    stream = io.BytesIO()
    save(stream, format="png")
    stream.seek(0)
    return stream, name, "image/png"


def _safe(name: str) -> str:
    """A name without folders: `../` climbs nowhere."""
    return cut(name.replace("\\", "/").rpartition("/")[2], 200) or "attachment"
