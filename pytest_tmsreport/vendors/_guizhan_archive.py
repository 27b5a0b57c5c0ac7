"""The archive of a version: a run as JUnit XML and as JSON, with its files."""

from __future__ import annotations

import json
import re
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from ..journal import StoredFile, encode
from ..model import Attachment, Outcome, Result
from ..render import utc, without_escapes

NAME = "report.zip"
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TAGS = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.SKIPPED: "skipped",
    Outcome.XFAILED: "skipped",
}


@dataclass(frozen=True)
class Archive:
    """A ZIP on disk, as a file to upload."""

    path: Path
    name: str = NAME
    mime: str = "application/zip"

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")


def write(folder: Path, run: Result) -> Archive:
    """The archive of a run, made in a folder; `run` holds its results as parts, and files that can be read.

    Raises JournalError for a file that is not what was stored, OSError where there is no room.
    """
    places = {each.sha256: _place(each) for each in run.attachments}
    path = folder / NAME
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(run, "junit.xml"), junit(run))
        archive.writestr(_entry(run, "results.json"), encode(_as_json(run, places)))
        for each in run.attachments:
            entry = _entry(run, places[each.sha256])
            entry.file_size = each.size
            with StoredFile(each, Path(each.path)).open() as stored, archive.open(entry, "w") as target:
                shutil.copyfileobj(stored, target)
    return Archive(path)


def junit(run: Result) -> bytes:
    """A run as JUnit XML."""
    results = run.parts
    suite = {
        "name": _xml(run.title),
        "tests": str(len(results)),
        "failures": str(sum(each.outcome is Outcome.FAILED for each in results)),
        "errors": str(sum(each.outcome is Outcome.ERROR for each in results)),
        "skipped": str(sum(each.outcome in (Outcome.SKIPPED, Outcome.XFAILED) for each in results)),
        "time": f"{run.duration:.3f}",
        "timestamp": utc(run.start, "%Y-%m-%dT%H:%M:%S"),
    }
    root = ET.Element("testsuites")
    parent = ET.SubElement(root, "testsuite", suite)
    for result in results:
        parent.append(_case(result))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _case(result: Result) -> ET.Element:
    name, bracket, values = result.nodeid.partition("[")
    file, *inner = name.split("::")
    *classes, test = inner or [file]
    module = file.removesuffix(".py").replace("/", ".")
    about = {"classname": ".".join([module, *classes]), "name": f"{test}{bracket}{values}"}
    case = ET.Element("testcase", {key: _xml(text) for key, text in about.items()} | {"time": f"{result.duration:.3f}"})
    tag = TAGS.get(result.outcome)
    if tag:
        why = ET.SubElement(case, tag, {"message": _xml(result.message)})
        why.text = _xml(result.traceback) or None
        if result.outcome is Outcome.XFAILED:
            why.set("type", "pytest.xfail")
    return case


def _as_json(run: Result, places: Mapping[str, str]) -> dict[str, Any]:
    rows = []
    for result in run.parts:
        row = json.loads(encode(result))
        files = [
            {"name": each.name, "mime": each.mime, "size": each.size, "path": places.get(each.sha256, "")}
            for each in result.attachments
        ]
        rows.append({**row, **({"attachments": files} if files else {})})
    about = {"id": run.id, "name": run.title, "start": run.start, "duration": run.duration, **run.fields}
    return {"run": about, "results": rows}


def _place(file: Attachment) -> str:
    name = re.sub(r"[^\w. +-]", "_", PurePosixPath(file.name.replace("\\", "/")).name).lstrip(".") or "file"
    return f"attachments/{file.sha256[:16]}/{name[-100:]}"


def _entry(run: Result, name: str) -> zipfile.ZipInfo:
    """An entry that is the same whenever it is made: a ZIP knows no time before 1980."""
    made = zipfile.ZipInfo(name, max(time.gmtime(run.start)[:6], (1980, 1, 1, 0, 0, 0)))
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


def _xml(text: str) -> str:
    return NO_XML.sub("", without_escapes(text))
