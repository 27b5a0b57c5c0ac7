"""pytest-testrail: `@pytestrail.case` and `@pytestrail.defect`. Held against release 3.1.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..words import Words, case_ids
from ._marks import Marks, issues, listed

MARKS = ("testrail", "testrail_defects")
NUMBER = re.compile(r"[0-9]+$")


def read(item: Any, marks: Marks) -> Words | None:
    """The cases and defects of the nearest marks. Of a case the number counts that it ends in, as with the plugin."""
    if not any(name in marks for name in MARKS):
        return None
    found = Words()
    for mark in marks.get("testrail", ())[:1]:
        values = [_number(value) for value in listed(mark.kwargs.get("ids", mark.args))]
        ids, found.wrong = case_ids(values, "@pytestrail.case", "C[0-9]+", "'C7'")
        found.ids = [{"@testrail": ids}] if ids else []
    for mark in marks.get("testrail_defects", ())[:1]:
        found.links, wrong = issues(listed(mark.kwargs.get("defect_ids", mark.args)), "@pytestrail.defect")
        found.wrong += wrong
    return found


def _number(value: Any) -> Any:
    found = NUMBER.search(str(value).strip()) if isinstance(value, (str, int)) else None
    return f"C{found[0]}" if found else value


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Nothing: it hears no words of a running test."""
