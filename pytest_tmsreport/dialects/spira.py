"""pytest-spiratest: `@pytest.mark.spira_id(12)`, else what `spira.cfg` says of marks and names.

Held against release 2.1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..words import Words, case_ids
from ._marks import Marks, argument

MARKS = ("spira_id",)
CASE = "(TC:)?[0-9]+"
Sections = Mapping[str, Mapping[str, str]]
_sections = pytest.StashKey[Sections]()


def read(item: Any, marks: Marks) -> Words | None:
    """The test case of the nearest mark, or the first of which the settings know."""
    if "spira_id" in marks:
        values, where = [argument(marks["spira_id"][0], "id")], "@pytest.mark.spira_id"
    else:
        values, where = list(_configured(item, marks, _sections_of(item.config)))[:1], "spira.cfg"
    ids, wrong = case_ids(values, where, CASE, "the number of a test case")
    return Words(ids=[{"@spira": ids}] if ids else [], wrong=wrong)


def knows_unmarked(config: Any) -> bool:
    """`spira.cfg` speaks of names."""
    return bool(_sections_of(config))


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Nothing: it hears no words of a running test."""


def _configured(item: Any, marks: Marks, sections: Sections) -> Iterator[str]:
    """Test cases of a mark, the function, its class, its module, or of all tests, in the order in which they count."""
    for name, case in sections.get("markers", {}).items():
        if name in marks:
            yield case
    cases, modules = sections.get("test_cases", {}), sections.get("modules", {})
    cls, module = (getattr(getattr(item, name, None), "__name__", "").lower() for name in ("cls", "module"))
    for found, name in ((cases, item.location[2].lower()), (cases, cls), (modules, module), (cases, "default")):
        if name in found:
            yield found[name]


def _sections_of(config: Any) -> Sections:
    """The sections of `spira.cfg` where pytest was started."""
    if _sections not in config.stash:
        config.stash[_sections] = _read(Path(config.invocation_params.dir, "spira.cfg"))
    kept: Sections = config.stash[_sections]
    return kept


def _read(path: Path) -> Sections:
    """Nothing where the file cannot be read: its own plugin says so."""
    try:
        text = path.read_text(encoding="locale")
    except (OSError, UnicodeError):
        return {}
    import configparser  # noqa: PLC0415 - few projects have such a file

    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        return {name: dict(parser.items(name)) for name in parser.sections() if name != "credentials"}
    except configparser.Error:
        return {}
