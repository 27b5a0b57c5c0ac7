"""pytest-jira-xray: `@pytest.mark.xray("SHOP-1", "SHOP-2", defects=["SHOP-9"])`. Held against release 0.9.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..words import Words, case_ids
from ._marks import Marks, issues, listed

MARKS = ("xray",)
WHERE = "@pytest.mark.xray"
KEY = "the key of a test, such as 'SHOP-12'"


def read(item: Any, marks: Marks) -> Words | None:
    """The tests (texts, or one list of them) and defects of the nearest mark."""
    if "xray" not in marks:
        return None
    mark = marks["xray"][0]
    keys = listed(mark.args[0]) if len(mark.args) == 1 else mark.args
    ids, wrong = case_ids(keys, WHERE, write=KEY)
    links, wrong_links = issues(listed(mark.kwargs.get("defects", ())), f"defects= of {WHERE}")
    missing = () if keys else (f"{WHERE} names no test: write {KEY}",)
    return Words(ids=[{"@xray": ids}] if ids else [], links=links, wrong=(*missing, *wrong, *wrong_links))


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Nothing: it hears no words of a running test."""
