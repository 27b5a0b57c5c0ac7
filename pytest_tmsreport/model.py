"""What is reported: frozen values that go to JSON and come back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, TypeVar

from .nodeids import suite_and_title

UNKNOWN = "application/octet-stream"
MIME = re.compile(r"[\w.+-]+/[\w.+-]+(; *[\w.+-]+=[\w.+\"-]+)*", re.ASCII)
"""What the type of a file can be."""
DEEPEST = 50
"""So many steps may stand within each other."""
LARGEST = 6e10
"""No number in a journal is beyond it: as an epoch second it is the year 3871, which every clock can still show."""

Kind = TypeVar("Kind")


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


class Phase(NamedTuple):
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
        if depth > DEEPEST:
            raise ValueError("steps are nested too deeply")
        held = _held(data, "step", _STEP, ("title",))
        inner = held.get("steps", ())
        return _made(cls, {**held, "steps": tuple(cls.from_json(each, depth + 1) for each in inner)})


@dataclass(frozen=True, kw_only=True)
class Result:
    """One attempt at one test.

    `start` is in epoch seconds (UTC), `duration` in seconds. `ids` holds the case ids of each mark, the nearest mark
    first: a mapping from a destination's or vendor's name (`""`: any; `@` and a dialect's name: what another plugin's
    mark says, `@qase/SHOP` for one project) to ids; `case_ids` is what they come to for the destination at hand.
    `ignored_by` names dialects whose own tools are not to hear of it. `parts` are the results that this one stands for,
    where several tests of a case are sent as one. `notes` are a test's own words, `steps` those of setup, call and
    teardown in their order.
    `durations` (seconds) are those of its phases in their order. In JSON, title, suite and duration may be missing,
    where they follow from the node id and the durations.
    `message` is one failure, skip or xfail reason; `traceback` the long form. `attempt` counts from 1; `superseded`
    says that a further attempt followed; `earlier` tells, for the last attempt, why the others failed.
    """

    id: str
    nodeid: str
    title: str
    outcome: Outcome
    start: float
    duration: float
    durations: Mapping[str, float] = field(default_factory=dict)
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
    def phases(self) -> dict[str, Phase]:
        """When each phase began, and how long it took: one begins where that before it ends."""
        found, start = {}, self.start
        for name, duration in self.durations.items():
            found[name] = Phase(start, duration)
            start += duration
        return found

    @property
    def is_flaky(self) -> bool:
        """True for a pass that needed more than one attempt."""
        return self.outcome is Outcome.PASSED and self.attempt > 1

    @classmethod
    def from_json(cls, data: Any) -> Result:
        """Reads what `to_json` wrote; raises ValueError, naming the key, for anything else."""
        held: dict[str, Any] = {"start": 0.0, "durations": {}, "parameters": {}, "fields": {}}
        held |= _held(data, "result", _RESULT, ("id", "nodeid", "outcome"))
        if "title" not in held or "suite" not in held:
            suite, title = suite_and_title(held["nodeid"])
            held = {"title": title, "suite": suite, **held}
        if "duration" not in held:
            held["duration"] = sum(held["durations"].values())
        return _made(cls, held)


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
        return cls(**{"start": 0.0, **_held(data, "run", _RUN, ("id", "name"))})


def changed(value: Kind, **fields: Any) -> Kind:
    """A frozen value that differs in these fields; cheaper than `dataclasses.replace` where there are many others."""
    return _made(type(value), {**vars(value), **fields})


def to_json(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults; also the `default=` of a JSON encoder."""
    found = {}
    kind: object = type(value)
    for name, default in _defaults(kind):
        held = getattr(value, name)
        if held != default:
            found[name] = held
    if isinstance(value, Result):  # one that is left out there is not empty, but follows from the node id
        found["suite"] = value.suite
    return found


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (entry.name, entry.default if entry.default_factory is MISSING else entry.default_factory())
        for entry in fields(kind)
    )


def _made(kind: type[Kind], held: dict[str, Any]) -> Kind:
    """A frozen value that holds these, and else the defaults of its class.

    Its own initialiser sets every field by a call, and in a journal most are their defaults.
    """
    made = object.__new__(kind)
    object.__setattr__(made, "__dict__", held)
    return made


Reader = Callable[[Any], Any]
"""Makes a value of what JSON holds; a type stands for itself: a value of that type is taken as it is."""


class _OddError(Exception):
    """A value of another shape than its key wants."""


def _held(data: Any, what: str, readers: Mapping[str, Reader], needed: Sequence[str] = ()) -> dict[str, Any]:
    """What a JSON object, which may hold anything, has under the keys that are known.

    Raises ValueError, naming the key, for what is needed and missing, or of another shape.
    """
    if type(data) is not dict:
        raise ValueError(f"{what} is not an object")
    found = {}
    for key, value in data.items():
        read = readers.get(key)
        if read is type(value):  # without a call: most are texts
            found[key] = value
        elif read:
            try:
                found[key] = _of(read, value) if isinstance(read, type) else read(value)
            except _OddError:
                raise ValueError(f"{what} has no usable {key!r}") from None
    for key in needed:
        if key not in found:
            raise ValueError(f"{what} has no usable {key!r}")
    return found


def _of(kind: type[Kind], value: Any) -> Kind:
    if type(value) is kind:
        return value
    raise _OddError


def _number(value: Any) -> float:
    if type(value) in _NUMBERS and -LARGEST <= value <= LARGEST:
        return float(value)
    raise _OddError


_TEXT, _NUMBERS = frozenset((str,)), frozenset((int, float))  # and no bool, which is an int


def _numbers(value: Any) -> dict[str, float]:
    found: dict[str, float] = _of(dict, value)
    for held in found.values():
        if not (type(held) is float and -LARGEST <= held <= LARGEST):  # without a call: every result has three
            return {name: _number(each) for name, each in found.items()}
    return found


def _whole(value: Any) -> int:
    return int(_number(value))


def _texts(value: Any) -> tuple[str, ...]:
    if _TEXT.issuperset(map(type, _of(list, value))):
        return tuple(value)
    raise _OddError


def _words(value: Any) -> dict[str, str]:
    found: dict[str, str] = _of(dict, value)
    if _TEXT.issuperset(map(type, found.values())):
        return found
    raise _OddError


_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def _outcome(value: Any) -> Outcome:
    if type(value) is str and (found := _OUTCOMES.get(value)):
        return found
    raise _OddError


def _ids(value: Any) -> tuple[dict[str, tuple[str, ...]], ...]:
    found = []
    for mark in _of(list, value):
        ids = {}
        for name, held in _of(dict, mark).items():
            if type(held) is not list or not _TEXT.issuperset(map(type, held)):
                raise ValueError(f"ids has no usable {name!r}")
            ids[name] = tuple(held)
        found.append(ids)
    return tuple(found)


def _links(value: Any) -> tuple[Link, ...]:
    found = (_held(each, "link", _LINK, ("url",)) for each in _of(list, value))
    return tuple(Link(each["url"], each.get("name", ""), each.get("kind") or "link") for each in found)


def _attachments(value: Any) -> tuple[Attachment, ...]:
    found = (_held(each, "attachment", _ATTACHMENT, ("name", "mime", "sha256")) for each in _of(list, value))
    return tuple(Attachment(**{"size": 0, **each}) for each in found)


def _sha256(value: Any) -> str:
    """The hash of a file: it becomes a name in the run folder."""
    if len(_of(str, value)) == 64 and set(value) <= set("0123456789abcdef"):
        return _of(str, value)
    raise _OddError


def _mime(value: Any) -> str:
    """The type of a file: it becomes a header."""
    return _of(str, value) if MIME.fullmatch(_of(str, value)) else UNKNOWN


def _steps(value: Any) -> tuple[Step, ...]:
    return tuple(map(Step.from_json, _of(list, value)))


_LINK: dict[str, Reader] = {"url": str, "name": str, "kind": str}
_ATTACHMENT: dict[str, Reader] = {"name": str, "mime": _mime, "sha256": _sha256, "size": _whole}
_STEP: dict[str, Reader] = {
    "title": str,
    "outcome": _outcome,
    "start": _number,
    "duration": _number,
    "message": str,
    "expected": str,
    "data": str,
    "files": _texts,
    "steps": list,
}
_RESULT: dict[str, Reader] = {
    "id": str,
    "nodeid": str,
    "title": str,
    "outcome": _outcome,
    "start": _number,
    "duration": _number,
    "durations": _numbers,
    "message": str,
    "traceback": str,
    "ids": _ids,
    "suite": _texts,
    "parameters": _words,
    "description": str,
    "tags": _texts,
    "fields": _words,
    "links": _links,
    "attachments": _attachments,
    "worker": str,
    "attempt": _whole,
    "superseded": bool,
    "earlier": _texts,
    "notes": _texts,
    "ignored_by": _texts,
    "steps": _steps,
    "case_ids": _texts,
}
_RUN: dict[str, Reader] = {
    **dict.fromkeys(("id", "name", "description", "ci", "branch", "commit", "build", "link", "key"), str),
    "start": _number,
    "tags": _texts,
    "shard": _whole,
    "shards": _whole,
}
