"""Kiwi TCMS's files: what it takes as it is, and what it takes in a ZIP archive alone."""

from __future__ import annotations

import base64
import io
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING

from ..errors import Rejected
from . import _kiwi_places as places
from ._kiwi_rpc import ask, one

if TYPE_CHECKING:
    from ..client import Client, File
    from .kiwi import Kiwi

OF_EXECUTION, OF_RUN = "TestExecution.add_attachment", "TestRun.add_attachment"


def attached(vendor: Kiwi, http: Client, place: str, file: File) -> str:
    """Uploads a file to the executions of a result (`RUN/EXECUTION`, commas between), and returns its name there.

    A server without files of executions gets it at the run, named by the execution. What Kiwi TCMS refuses for what is
    in it, goes in a ZIP archive, and a note says so.
    """
    with file.open() as opened:
        content = opened.read()
    name = safe(file.name)
    has_own = places.has(vendor, http, OF_EXECUTION)
    for each in place.split(","):
        run, _, execution = each.partition("/")
        method, number = (OF_EXECUTION, int(execution)) if has_own else (OF_RUN, int(run))
        prefix = "" if has_own else f"TE-{execution}-"
        try:
            _upload(http, method, number, prefix + name, content)
        except Rejected as error:
            if "forbidden" not in error.text:
                raise
            zipped = name.replace(".exe", "-exe") + ".zip"
            _upload(http, method, number, prefix + zipped, _zipped(name, content))
            http.note(f"the file {file.name!r} went as {zipped!r}: {error.text}")
    return name


def safe(name: str) -> str:
    """A name that stands in a form's header as it is: the server puts it there without a second look."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w.,()+ -]", "_", plain).strip(" .") or "file"
    stem, dot, ending = plain.rpartition(".")
    return plain if len(plain) <= 80 else f"{(stem or ending)[:60]}{dot}{ending[-15:]}"


def _upload(http: Client, method: str, number: int, name: str, content: bytes) -> None:
    one(http, ask(method, number, name, base64.b64encode(content).decode("ascii")))


def _zipped(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, content)
    return archive.getvalue()
