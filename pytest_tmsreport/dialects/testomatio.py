"""pytestomatio: `@pytest.mark.testomatio("@T12345678")`, tags. Held against release 2.13.0.

Its functions for a running test (steps, artifacts, labels) are not heard.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..words import Words, case_ids
from ._marks import Marks, argument, text

MARKS = ("testomatio", "testomatio_tags")
TAG_MARKS = "TESTOMATIO_TAG_MARKERS"
"""The variable with the names of marks that are tags, too."""


def read(item: Any, marks: Marks) -> Words | None:
    """The id of the nearest mark, without its `@`, and all tags."""
    found = Words()
    for mark in marks.get("testomatio", ())[:1]:
        ids, found.wrong = case_ids([argument(mark, "id")], "@pytest.mark.testomatio", write="'@T' and 8 characters")
        found.ids = [{"@testomatio": tuple(each.removeprefix("@") for each in ids)}] if ids else []
    tags = [text(tag) for mark in marks.get("testomatio_tags", ()) for tag in mark.args]
    named = [name.strip() for name in os.environ.get(TAG_MARKS, "").split(",")]
    found.tags = (*tags, *(name for name in named if name in marks))
    return found


def knows_unmarked(_config: Any) -> bool:
    """Any mark may be a tag."""
    return TAG_MARKS in os.environ


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Nothing."""
