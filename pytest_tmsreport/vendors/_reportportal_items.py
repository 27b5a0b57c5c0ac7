"""A result as ReportPortal wants it: the start and the end of an item, steps within, and log entries."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import JournalError, Rejected
from ..journal import StoredFile
from ..model import Attachment, Outcome, Result, Step
from ..render import cut, remarks, steps_as_text, trim

if TYPE_CHECKING:
    from typing import BinaryIO

    from .reportportal import ReportPortal

Row = dict[str, Any]
LONGEST_NAME, LONGEST_ID, LONGEST_DESCRIPTION, MOST_ATTRIBUTES = 1024, 1024, 65_536, 256
STEP_STATUSES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.XFAILED: "skipped",
    Outcome.XPASSED: "passed",
}
LEVELS = {Outcome.FAILED: "error", Outcome.ERROR: "error"}
DEFECT = "issue_type"
"""The field by which a mark names a defect type."""


@dataclass(frozen=True)
class Upload:
    """An attachment on its way, under the name that its log entry gives it."""

    name: str
    attachment: Attachment

    @property
    def mime(self) -> str:
        return self.attachment.mime

    @property
    def size(self) -> int:
        return self.attachment.size

    def open(self) -> BinaryIO:
        if not self.attachment.path:
            raise JournalError(f"the file {self.name!r} is not in the journal")
        return StoredFile(self.attachment, Path(self.attachment.path)).open()


@dataclass(frozen=True)
class Entry:
    """A log entry, with its file."""

    body: Row
    file: Attachment | None = None

    @property
    def size(self) -> int:
        """In bytes, about."""
        return len(json.dumps(self.body)) + 300 + (self.file.size + 300 if self.file else 0)


@dataclass(frozen=True)
class Scope:
    """The run that items are made for, and when it began (epoch milliseconds): nothing in it begins before."""

    vendor: ReportPortal
    run_id: str
    start: int


@dataclass(frozen=True)
class Item:
    """A test or a step within it: the bodies of its start and its end, its log, and its steps."""

    id: str
    start: Row
    end: Row
    log: tuple[Entry, ...]
    steps: tuple[Item, ...] = ()


def derived(*parts: str) -> str:
    """The UUID that these words always come to."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(["pytest-tmsreport", *parts])))


def result_id(run_id: str, result: Result) -> str:
    """The UUID of a result in a run."""
    return derived(run_id, result.id)


def millis(epoch_s: float) -> int:
    """Epoch milliseconds, the one form of a time that all servers take."""
    return int(epoch_s * 1000)


def item(scope: Scope, index: int, result: Result, defect: str) -> Item:
    """A result in the run; `defect` is a locator.

    Raises Rejected, naming `index`, for a case id that no server keeps.
    """
    vendor, run_id = scope.vendor, scope.run_id
    own = result_id(run_id, result)
    case, *others = (*result.case_ids, "")[: max(len(result.case_ids), 1)]
    if len(case) > LONGEST_ID:
        words = f"a test case id has at most {LONGEST_ID} characters, not {len(case)}"
        raise Rejected(words, vendor=vendor.name, remedy="correct the mark", body={"culprit": index})
    begin = max(millis(result.start), scope.start)
    fields = [(name, value) for name, value in result.fields.items() if name != DEFECT]
    fields += [("", tag) for tag in result.tags] + [("case", other) for other in others]
    start: Row = {
        "name": name_of(result),
        "startTime": str(begin),
        "type": "step",
        "launchUuid": run_id,
        "uuid": own,
        "codeRef": code_ref(result),
        "testCaseId": case,
        "description": trim("\n\n".join(filter(None, (result.description, *_links(result)))), LONGEST_DESCRIPTION),
        "attributes": attributes(vendor, fields),
        "parameters": [{"key": key, "value": value} for key, value in result.parameters.items()],
        "retry": result.attempt > 1 and vendor.attempts == "each",
    }
    end: Row = {
        "endTime": str(max(begin, millis(result.end))),
        "launchUuid": run_id,
        "status": vendor.word(result.outcome),
        "issue": _issue(vendor, result, defect),
        "retry": start["retry"],
    }
    held = {each.sha256: each for each in result.attachments}
    steps = tuple(_steps(run_id, own, begin, result.steps, held)) if vendor.steps == "items" else ()
    return Item(own, _full(start), _full(end), tuple(_log(vendor, run_id, own, begin, result)), steps)


def suite(run_id: str, own: str, name: str, earliest: int) -> Row:
    """The start of a folder, module or class: as early as the run, since results come in any order."""
    return {"name": name, "startTime": str(earliest), "type": "suite", "launchUuid": run_id, "uuid": own}


def place(result: Result) -> tuple[str, ...]:
    """The suites that a result is in, the outermost first: never none, as only what is in one can have retries."""
    parts = tuple(cut(part, LONGEST_NAME) for part in result.suite if part.strip())
    return parts or (cut(result.nodeid.partition("::")[0], LONGEST_NAME) or "tests",)


def name_of(result: Result) -> str:
    """The title, or with parameters what pytest calls the test."""
    last = result.nodeid.rpartition("::")[2] if "[" not in result.nodeid else _last(result.nodeid)
    name = last if last.partition("[")[0] == result.title else result.title
    return cut(name, LONGEST_NAME) or cut(result.nodeid, LONGEST_NAME)


def code_ref(result: Result) -> str:
    """Where the test stands, as pytest-reportportal writes it: `tests/test_a.py:TestA.test_x`."""
    file, _, inner = result.nodeid.partition("[")[0].partition("::")
    return f"{file}:{inner.replace('::', '.')}" if inner else file


def node_ids(code: str, name: str) -> tuple[str, ...]:
    """The node ids that such a place and name may stand for; a name may be one by itself."""
    if "::" in name:
        return (name,)
    file, found, inner = code.partition(":")
    if not found:
        return (code,) if code else ()
    *outer, function = inner.split(".")
    last = name if name.partition("[")[0] == function else function
    return ("::".join([file, *outer, last]),)


def attributes(vendor: ReportPortal, pairs: Iterable[tuple[str, str]]) -> list[Row]:
    """Attributes that have a value, as many and as long as ReportPortal takes; a key may be empty."""
    limit = vendor.max_attribute
    rows: list[Row] = [
        {**({"key": cut(key, limit)} if key.strip() else {}), "value": cut(value, limit)}
        for key, value in pairs
        if value.strip()
    ]
    return rows[:MOST_ATTRIBUTES]


def keyed(tag: str) -> tuple[str, str]:
    """`os:linux` as key and value, and a bare word as a value."""
    key, found, value = tag.partition(":")
    return (key.strip(), value.strip()) if found and value.strip() and key.strip() else ("", tag)


def _last(nodeid: str) -> str:
    head, _, parameters = nodeid.partition("[")
    return f"{head.rpartition('::')[2]}[{parameters}"


def _links(result: Result) -> Iterator[str]:
    for link in result.links:
        named = f"[{link.name}]({link.url})" if link.name and link.name != link.url else link.url
        yield f"{link.kind}: {named}"


def _issue(vendor: ReportPortal, result: Result, defect: str) -> Row:
    """What ReportPortal is to make of a failure or a skip; nothing where it decides."""
    status = str(vendor.word(result.outcome)).lower()
    if status not in ("failed", "skipped"):
        return {}
    if not defect and status == "skipped" and not vendor.skipped_is_issue:
        return {"issueType": "NOT_ISSUE"}
    tickets = [
        {"ticketId": link.name or link.url, "btsUrl": vendor.bts_url, "btsProject": vendor.bts_project, "url": link.url}
        for link in result.links
        if link.kind == "issue" and vendor.bts_url and vendor.bts_project
    ]
    if not defect and not tickets:
        return {}
    issue = {"issueType": defect or "ti001", "comment": "\n".join(result.notes), "externalSystemIssues": tickets}
    return _full(issue)


def _log(vendor: ReportPortal, run_id: str, own: str, begin: int, result: Result) -> Iterator[Entry]:
    told = replace(result, links=(), earlier=()) if vendor.attempts == "each" else replace(result, links=())
    said = remarks(told)
    if vendor.steps == "log":
        said += steps_as_text(result.steps)
    end = max(begin, millis(result.end))
    texts = [("\n".join(said), "info")] if said else []
    failure = "\n".join(filter(None, (result.message, result.traceback)))
    texts += [(failure, LEVELS.get(result.outcome, "info"))] if failure else []
    for number, (text, level) in enumerate(texts):
        yield Entry(_entry(run_id, own, f"text {number}", end, (text, level)))
    within = set(_files_within(result.steps)) if vendor.steps == "items" else set()
    yield from _files(run_id, own, end, [each for each in result.attachments if each.sha256 not in within])


def _files(run_id: str, own: str, when: int, files: Iterable[Attachment]) -> Iterator[Entry]:
    for number, file in enumerate(files):
        yield Entry(_entry(run_id, own, f"file {number}", when, (file.name, "info")), file)


def _entry(run_id: str, own: str, what: str, when: int, said: tuple[str, str]) -> Row:
    text, level = said
    address = {"launchUuid": run_id, "itemUuid": own, "uuid": derived(own, "log", what)}
    return {**address, "time": str(when), "message": text, "level": level}


def _steps(
    run_id: str, parent: str, earliest: int, steps: Iterable[Step], held: Mapping[str, Attachment]
) -> Iterator[Item]:
    for number, step in enumerate(steps):
        own = derived(parent, "step", str(number))
        begin = max(millis(step.start), earliest)
        end = max(begin, millis(step.start + step.duration))
        about = [f"expected: {step.expected}" if step.expected else "", f"data: {step.data}" if step.data else ""]
        start = {
            "name": cut(step.title, LONGEST_NAME) or "step",
            "startTime": str(begin),
            "type": "step",
            "hasStats": False,
            "launchUuid": run_id,
            "uuid": own,
            "description": trim("\n".join(filter(None, about)), LONGEST_DESCRIPTION),
        }
        level = LEVELS.get(step.outcome, "info")
        said = [Entry(_entry(run_id, own, "text 0", end, (step.message, level)))] if step.message else []
        said += _files(run_id, own, end, [held[each] for each in step.files if each in held])
        inner = tuple(_steps(run_id, own, begin, step.steps, held))
        done = {"endTime": str(end), "launchUuid": run_id, "status": STEP_STATUSES[step.outcome]}
        yield Item(own, {**_full(start), "hasStats": False}, done, tuple(said), inner)


def _files_within(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield from step.files
        yield from _files_within(step.steps)


def _full(body: Row) -> Row:
    return {key: value for key, value in body.items() if value}
