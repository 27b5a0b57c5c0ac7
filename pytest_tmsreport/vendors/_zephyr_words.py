"""What both of Zephyr Scale's APIs are told alike: keys, times, and comments, which are HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from ..errors import NotFound
from ..model import Result, Run, Step
from ..render import cut, mark, particulars, remarks, steps_as_text, trim
from ..vendor import Case

Row = dict[str, Any]
CASE = re.compile(r"[A-Z][A-Z0-9_]+-T[1-9][0-9]*")
ISO = "%Y-%m-%dT%H:%M:%SZ"
NAME = 255
"""Most characters of a cycle's name."""
_BLANKS = re.compile(" {2,}")
_PLANS = re.compile(
    r"(?P<plan>[A-Z][A-Z0-9_]+-P[0-9]+)|(?P<cycle>[A-Z][A-Z0-9_]+-[RC][0-9]+)|(?P<issue>[A-Z][A-Z0-9_]+-[0-9]+)"
)


def comment(result: Result, longest: int, *, with_steps: bool, sent: Iterable[str] = ()) -> str:
    """Which test it was and what became of it, as HTML; its last line is an id of ours, by which it is found again."""
    steps = steps_as_text(result.steps) if with_steps else []
    words = [result.message, *remarks(result), *particulars(result, sent=frozenset(sent)), *steps]
    said = "\n".join(text for text in words if text)
    text = "\n\n".join(part for part in (result.nodeid, said, result.traceback) if part)
    return html(f"{trim(text, longest)}\n\n{mark(result.id)}")


def html(text: str) -> str:
    """A text as HTML: its lines and indentation stay."""
    return _BLANKS.sub(_kept, escape(text, quote=False)).replace("\n", "<br>")


def _kept(blanks: re.Match[str]) -> str:
    return "\u00a0" * len(blanks[0])


def said_of(step: Step) -> str:
    """A step as HTML; those within it stand in its words."""
    expected = [f"expected: {step.expected}"] if step.expected else []
    return html("\n".join(filter(None, [step.title, *expected, step.message, *steps_as_text(step.steps)])))


def own_fields(result: Result, names: Mapping[str, str]) -> Row:
    """Custom fields of an execution: those of a test's fields that a setting names."""
    return {theirs: result.fields[ours] for ours, theirs in names.items() if ours in result.fields}


def described(run: Run) -> str:
    """The description of a cycle; its last line is an id of ours, by which it is found again."""
    origin = ", ".join(f"{name} {value}" for name in ("branch", "commit", "build") if (value := getattr(run, name)))
    return "\n\n".join(filter(None, (trim(run.description, 9_000), origin, mark(run.own_id))))


def named(name: str, own_id: str) -> str:
    """The name of a cycle where there is no description: with an id of ours at its end."""
    ending = f" ({mark(own_id)})"
    return f"{cut(name, max(NAME - len(ending), 20))}{ending}"


def filled(fields: Mapping[str, Any]) -> Row:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value not in ("", [], {}, 0, None)}


def number(key: str) -> int:
    """What a key counts up."""
    return int(re.sub("[^0-9]", "", key.rpartition("-")[2]) or 0)


def case(key: str, *, title: str = "", has_failed: bool = False) -> Case:
    """A case by its key, and as marks may shorten it."""
    short = key.rpartition("-")[2]
    return Case((key, short, short[1:], f"C{short[1:]}"), title, has_failed=has_failed)


def merged(cases: Iterable[Case]) -> list[Case]:
    """Each case once; one that has failed anywhere has failed."""
    found: dict[str, Case] = {}
    for each in cases:
        known = found.get(each.ids[0])
        if known is None or (each.has_failed and not known.has_failed):
            found[each.ids[0]] = each
    return list(found.values())


def kind_of(plan: str, vendor: str) -> tuple[str, str]:
    """What a name stands for (`plan`, `cycle`, `issue` or `folder`), and its key or path. Raises NotFound for none."""
    text = plan.strip()
    if text.startswith("/"):
        return "folder", text
    found = _PLANS.fullmatch(text.upper())
    if found is None:
        words = f"{plan!r} names no plan"
        remedy = "name a plan (SHOP-P3), a cycle (SHOP-R5), a folder of cases (/Smoke) or an issue (SHOP-70)"
        raise NotFound(words, vendor=vendor, remedy=remedy)
    return str(found.lastgroup), found[0]
