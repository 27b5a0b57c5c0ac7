"""Words for payloads and terminals: times, trimming, escapes."""

from __future__ import annotations

import enum
import re
from collections.abc import Container, Iterable
from datetime import datetime, timezone
from functools import lru_cache
from textwrap import indent
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from .model import Result, Step

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARK = re.compile(r"pytest-tmsreport [\w/:.%~-]+")
_ADDRESS = re.compile(r" (?:at 0x[0-9A-Fa-f]+|id='\d+')")
PARAMETER = 250
"""Most characters of a parameter's value."""
_GAP = "\n… {} characters left out …\n"


@lru_cache(maxsize=64)  # results follow each other within a second
def utc(epoch_s: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time in UTC, as a tool or a person reads it."""
    return datetime.fromtimestamp(epoch_s, tz=timezone.utc).strftime(form)


def trim(text: str, limit: int) -> str:
    """At most `limit` characters: the head and the tail, with a word on what was left out between them."""
    if len(text) <= limit:
        return text
    longest_gap = len(_GAP.format(len(text)))
    if limit <= 2 * longest_gap:
        return text[: max(limit - 1, 0)] + "…"[:limit]
    kept = limit - longest_gap
    head = kept // 2
    return text[:head] + _GAP.format(len(text) - kept) + text[len(text) - (kept - head) :]


def cut(text: str, limit: int) -> str:
    """A title: one line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def without_escapes(text: str) -> str:
    """A text without the colours and cursor movements of a terminal."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def without_addresses(text: str) -> str:
    """A text without the places of objects in memory, which differ from session to session."""
    return _ADDRESS.sub("", text)


def plain(text: str, limit: int = 300) -> str:
    """A stranger's words made safe for one line of a terminal: no escapes, no control characters, trimmed."""
    clean = _CONTROLS.sub(" ", _ESCAPES.sub("", text[: 20 * limit]))
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def count(number: int, noun: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def segment(value: object) -> str:
    """An id as one segment of a URL's path, whatever it holds."""
    text = quote(str(value), safe="")
    # `.` and `..` would climb; requests decodes %2E before it sends, so that only a second encoding stays.
    return text.replace(".", "%252E") if text in (".", "..") else text


def mark(own_id: str) -> str:
    """The line by which a run or result of ours is found again in a tool that takes no id of ours."""
    if own_id.isascii() and own_id.replace("-", "").isalnum():  # ours are; the question costs less than the quoting
        return f"pytest-tmsreport {own_id}"
    return f"pytest-tmsreport {quote(own_id.encode('utf-8', 'replace'), safe='/:')}"


def bears(text: str, own_id: str) -> bool:
    """True where such a line of that id is in a text, and not only one of a longer id."""
    return mark(own_id) in _MARK.findall(text)


def marked(text: str) -> str:
    """The last such line in a text, whatever an editor has put around it; empty if there is none."""
    found: list[str] = _MARK.findall(text)
    return found[-1] if found else ""


def remarks(result: Result) -> list[str]:
    """What stands beside a result's message: notes, that it is flaky, its earlier attempts, its links."""
    lines = list(result.notes)
    if result.attempt > 1 and result.is_flaky:
        lines.append(f"flaky: passed on attempt {result.attempt}")
    if result.earlier:
        lines += [f"attempt {number}: {text}" for number, text in enumerate(result.earlier, 1)]
    if result.links:
        lines += [f"{link.kind}: {link.name + ' ' if link.name else ''}{link.url}" for link in result.links]
    return lines


def said(result: Result) -> str:
    """A result's message, and what stands beside it, a line each."""
    lines = [*([result.message] if result.message else []), *remarks(result)]
    return "\n".join(lines)


def particulars(result: Result, *, titled: bool = False, sent: Container[str] = ()) -> list[str]:
    """What a result is called and filed under, where its node id does not tell, its tags and fields: a line each.

    For tools that have no place for them; `titled` where the title has one, `sent` names the fields that have.
    """
    lines = []
    if not titled and result.title not in result.nodeid:
        lines.append(f"title: {result.title}")
    if [part for part in result.suite if part not in result.nodeid]:
        lines.append(f"suite: {' / '.join(result.suite)}")
    if result.tags:
        lines.append(f"tags: {', '.join(result.tags)}")
    if result.fields:
        lines += [f"{name}: {value}" for name, value in result.fields.items() if value and name not in sent]
    return lines


def as_markdown(result: Result, *, sent: Container[str] = (), with_steps: bool = True) -> str:
    """All that is told of a result, as Markdown for a comment; indented is what must stay as it is.

    `sent` names the fields that the tool has a place for.
    """
    blocks = [f"`{result.nodeid}`: {result.outcome.value}"]
    if result.description:
        blocks.append(result.description)
    steps = "\n".join(steps_as_text(result.steps)) if with_steps and result.steps else ""
    blocks += [indent(text, "    ") for text in (result.message, steps, result.traceback) if text]
    items = [f"{name}: {value}" for name, value in result.parameters.items()] if result.parameters else []
    if items := items + particulars(result, sent=sent) + remarks(result):
        blocks.append("\n".join([f"- {item}" for item in items]))
    return "\n\n".join(blocks)


def readable(value: Any, limit: int = PARAMETER) -> str:
    """A value as a person reads it, the same in every session: no addresses of objects, no exception, no end."""
    try:
        if isinstance(value, str):
            text = str(value)
        elif isinstance(value, enum.Enum):
            text = value.name
        elif isinstance(value, type) or callable(value):
            text = str(getattr(value, "__qualname__", type(value).__name__))
        else:
            text = without_addresses(repr(value)) if _has_own_repr(value) else type(value).__name__
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - somebody's __repr__ must not cost a result, be it by `pytest.skip`
        text = type(value).__name__
    return trim(without_escapes(text), limit)


def steps_as_text(steps: Iterable[Step], depth: int = 0) -> list[str]:
    """A line for each step, inner ones indented, with what was expected and why it failed; for tools without steps."""
    lines = []
    for step in steps:
        said = [f"expected: {step.expected}" if step.expected else "", f"data: {step.data}" if step.data else ""]
        said.append(step.message)
        words = "".join(f": {each}" for each in said if each)
        text = f"{step.outcome.value}: {step.title}{words} ({step.duration:.1f} s)"
        lines.append(indent(text, "  " * depth).replace("\n", "\n    "))
        lines += steps_as_text(step.steps, depth + 1)
    return lines


def _has_own_repr(value: Any) -> bool:
    return any("__repr__" in vars(kind) for kind in type(value).__mro__[:-1])
