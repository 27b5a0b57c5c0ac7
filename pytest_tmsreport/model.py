"""What is reported: frozen values that go to JSON and come back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from functools import cache
from typing import Any

from .nodeids import suite_of, title_of

UNKNOWN = "application/octet-stream"
MIME = re.compile(r"[\w.+-]+/[\w.+-]+(; *[\w.+-]+=[\w.+\"-]+)*", re.ASCII)
"""What the type of a file can be."""
DEEPEST = 50
"""So many steps may stand within each other."""
LARGEST = 6e10
"""No number in a journal is beyond it: as an epoch second it is the year 3871, which every clock can still show."""


class Outcome(str, Enum):
    """What became of a test, in pytest's words."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"

    @property
    def is_bad(self) -> bool:
        """True where a person has to look: the test failed, or could not be run."""
        return self in (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True)
class Attachment:
    """A file with a result, stored in the run folder under its content hash.

    `size` is in bytes; `remote_id` is what the tool calls the file once it is there, `path` where it lies
    (both set by the upload, never stored with the result).
    """

    name: str
    mime: str
    sha256: str
    size: int
    remote_id: str = ""
    path: str = ""


@dataclass(frozen=True)
class Link:
    """A web address that belongs to a result; `kind` is `issue` or `link`.

    Of an issue whose address nobody knows, `url` is the key alone.
    """

    url: str
    name: str = ""
    kind: str = "link"


@dataclass(frozen=True)
class Phase:
    """When a phase began (epoch seconds, UTC) and how long it took (seconds), by the plugin's own clock."""

    start: float
    duration: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """A named, timed part of a test. `start` is in epoch seconds (UTC), `duration` in seconds.

    `files` are the hashes of those attachments of the result that belong to this step.
    """

    title: str
    outcome: Outcome = Outcome.PASSED
    start: float = 0.0
    duration: float = 0.0
    message: str = ""
    expected: str = ""
    data: str = ""
    files: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @classmethod
    def from_json(cls, data: Any, depth: int = 0) -> Step:
        """Reads what `to_json` wrote; raises ValueError, naming the key, for anything else."""
        read = _Reader(data, "step")
        if depth > DEEPEST:
            raise ValueError("steps are nested too deeply")
        return cls(
            title=read.text("title", required=True),
            outcome=read.outcome("outcome") if "outcome" in data else Outcome.PASSED,
            start=read.number("start"),
            duration=read.number("duration"),
            message=read.text("message"),
            expected=read.text("expected"),
            data=read.text("data"),
            files=read.texts("files"),
            steps=tuple(cls.from_json(inner, depth + 1) for inner in read.items("steps")),
        )


@dataclass(frozen=True, kw_only=True)
class Result:
    """One attempt at one test.

    `start` is in epoch seconds (UTC), `duration` in seconds. `ids` holds the case ids of each mark, the nearest mark
    first: a mapping from a destination's or vendor's name (`""`: any; `@` and a dialect's name: what another plugin's
    mark says, `@qase/SHOP` for one project) to ids; `case_ids` is what they come to for the destination at hand.
    `ignored_by` names dialects whose own tools are not to hear of it. `parts` are the results that this one stands for,
    where several tests of a case are sent as one. `notes` are a test's own words, `steps` those of setup, call and
    teardown in their order.
    `phases` follow one another, so that their durations are all that JSON keeps of them; title, suite and duration may
    be missing there, where they follow from the node id and the phases.
    `message` is one failure, skip or xfail reason; `traceback` the long form. `attempt` counts from 1; `superseded`
    says that a further attempt followed; `earlier` tells, for the last attempt, why the others failed.
    """

    id: str
    nodeid: str
    title: str
    outcome: Outcome
    start: float
    duration: float
    phases: Mapping[str, Phase] = field(default_factory=dict)
    message: str = ""
    traceback: str = ""
    ids: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    suite: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    worker: str = ""
    attempt: int = 1
    superseded: bool = False
    earlier: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ignored_by: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    case_ids: tuple[str, ...] = ()
    parts: tuple[Result, ...] = ()

    @property
    def end(self) -> float:
        """Epoch seconds (UTC)."""
        return self.start + self.duration

    @property
    def is_flaky(self) -> bool:
        """True for a pass that needed more than one attempt."""
        return self.outcome is Outcome.PASSED and self.attempt > 1

    @classmethod
    def from_json(cls, data: Any) -> Result:
        """Reads what `to_json` wrote; raises ValueError, naming the key, for anything else."""
        read = _Reader(data, "result")
        nodeid, start = read.text("nodeid", required=True), read.number("start")
        phases = _phases(_Reader(read.mapping("phases"), "phases"), start)
        last = max((each.start + each.duration for each in phases.values()), default=start)
        return cls(
            id=read.text("id", required=True),
            nodeid=nodeid,
            title=read.text("title") or title_of(nodeid),
            outcome=read.outcome("outcome"),
            start=start,
            duration=read.number("duration", last - start),
            phases=phases,
            message=read.text("message"),
            traceback=read.text("traceback"),
            ids=tuple(_ids(entry) for entry in read.items("ids")),
            suite=read.texts("suite") if "suite" in data else suite_of(nodeid),
            parameters=read.words("parameters"),
            description=read.text("description"),
            tags=read.texts("tags"),
            fields=read.words("fields"),
            links=tuple(_link(entry) for entry in read.items("links")),
            attachments=tuple(_attachment(entry) for entry in read.items("attachments")),
            worker=read.text("worker"),
            attempt=int(read.number("attempt", 1)),
            superseded=read.flag("superseded"),
            earlier=read.texts("earlier"),
            notes=read.texts("notes"),
            ignored_by=read.texts("ignored_by"),
            steps=tuple(Step.from_json(entry) for entry in read.items("steps")),
            case_ids=read.texts("case_ids"),
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """One reported session. `id` is the plugin's own and unique; `start` is in epoch seconds (UTC).

    `key` is what every machine calls the run that they share; empty where it is this session's alone. `shard` (from 1)
    tells which of `shards` machines this is; 0 where that is not known. `case_ids` is set by the upload: all cases that
    are about to be reported; while tests run, others may follow.
    """

    id: str
    name: str
    start: float
    description: str = ""
    tags: tuple[str, ...] = ()
    ci: str = ""
    branch: str = ""
    commit: str = ""
    build: str = ""
    link: str = ""
    key: str = ""
    shard: int = 0
    shards: int = 0
    case_ids: tuple[str, ...] = ()

    @property
    def own_id(self) -> str:
        """By what it is found again in a tool: the key that machines share, else our id."""
        return f"key/{self.key}" if self.key else self.id

    @classmethod
    def from_json(cls, data: Any) -> Run:
        """Reads what `to_json` wrote; raises ValueError, naming the key, for anything else."""
        read = _Reader(data, "run")
        return cls(
            id=read.text("id", required=True),
            name=read.text("name", required=True),
            start=read.number("start"),
            description=read.text("description"),
            tags=read.texts("tags"),
            ci=read.text("ci"),
            branch=read.text("branch"),
            commit=read.text("commit"),
            build=read.text("build"),
            link=read.text("link"),
            key=read.text("key"),
            shard=int(read.number("shard")),
            shards=int(read.number("shards")),
        )


def to_json(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults; also the `default=` of a JSON encoder."""
    found = {}
    kind: object = type(value)
    for name, default in _defaults(kind):
        held = getattr(value, name)
        if held != default:
            found[name] = held
    if isinstance(value, Result):  # what is left out there is not empty, but follows from the node id and the phases
        found["suite"] = value.suite
        found["phases"] = {name: phase.duration for name, phase in value.phases.items()}
    return found


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (entry.name, entry.default if entry.default_factory is MISSING else entry.default_factory())
        for entry in fields(kind)
    )


class _Reader:
    """Typed access to a JSON object that may hold anything."""

    def __init__(self, data: Any, what: str) -> None:
        if not isinstance(data, dict):
            raise ValueError(f"{what} is not an object")  # noqa: TRY004 - bad data, not a bad call
        self._data = data
        self._what = what

    def get(self, key: str, *, default: Any = None) -> Any:
        return self._data.get(key, default)

    def names(self) -> list[str]:
        return list(self._data)

    def text(self, key: str, *, required: bool = False) -> str:
        value = self.get(key, default=None if required else "")
        found: str = self._checked(key, value, isinstance(value, str))
        return found

    def number(self, key: str, default: float = 0.0) -> float:
        value = self.get(key, default=default)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST
        return float(self._checked(key, value, is_number))

    def flag(self, key: str) -> bool:
        value = self.get(key, default=False)
        return bool(self._checked(key, value, isinstance(value, bool)))

    def outcome(self, key: str) -> Outcome:
        value = self.get(key)
        return Outcome(self._checked(key, value, value in [outcome.value for outcome in Outcome]))

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.get(key, default={})
        found: dict[str, Any] = self._checked(key, value, isinstance(value, dict))
        return found

    def words(self, key: str) -> dict[str, str]:
        value = self.mapping(key)
        found: dict[str, str] = self._checked(key, value, all(isinstance(word, str) for word in value.values()))
        return found

    def items(self, key: str) -> list[Any]:
        value = self.get(key, default=[])
        found: list[Any] = self._checked(key, value, isinstance(value, list))
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.items(key)
        return tuple(self._checked(key, value, all(isinstance(word, str) for word in value)))

    def _checked(self, key: str, value: Any, is_right: bool) -> Any:
        if not is_right:
            raise ValueError(f"{self._what} has no usable {key!r}")
        return value


def _phases(read: _Reader, start: float) -> dict[str, Phase]:
    """From the duration of each (seconds): one begins where that before it ends."""
    found = {}
    for name in read.names():
        found[name] = Phase(start, read.number(name))
        start += found[name].duration
    return found


def _ids(data: Any) -> dict[str, tuple[str, ...]]:
    read = _Reader(data, "ids")
    return {name: read.texts(name) for name in data}


def _link(data: Any) -> Link:
    read = _Reader(data, "link")
    return Link(read.text("url", required=True), read.text("name"), read.text("kind") or "link")


def _attachment(data: Any) -> Attachment:
    read = _Reader(data, "attachment")
    sha256 = read.text("sha256", required=True)
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # it becomes a file name
        raise ValueError("attachment has no usable 'sha256'")
    mime = read.text("mime", required=True)  # it becomes a header
    return Attachment(
        read.text("name", required=True),
        mime if MIME.fullmatch(mime) else UNKNOWN,
        sha256,
        int(read.number("size")),
    )
