"""What the marks of a test say: ours first, then those that other plugins' suites carry."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from .dialects import Dialect
from .model import Link
from .render import readable, trim
from .words import TEXT, Words, case_ids

MARKER = "tms"
_ByName = Mapping[str, Sequence[pytest.Mark]]
"""Name -> the marks of a test of that name, the nearest first."""
RESERVED = ("title", "description", "suite", "tags", "fields", "links", "notes", "parameters", "ignore")


class Marks:
    """Reads what is said of tests: by our marks, else by a dialect's; by parameters, and (`docstring`) by docstrings.

    `destinations` are the keywords of our mark that may hold case ids.
    """

    def __init__(
        self,
        config: pytest.Config,
        destinations: Iterable[str],
        dialects: Sequence[Dialect] = (),
        *,
        docstring: bool = False,
    ) -> None:
        self._config = config
        self._destinations = destinations
        self._dialects = dialects
        self._docstring = docstring
        self._parent: object = None
        self._inherited: _ByName = {}
        self._always: frozenset[int] = frozenset()  # places of the dialects that have to be asked of every test
        self._asked: dict[str, set[int]] = {}
        for place, dialect in enumerate(dialects):
            for name in dialect.MARKS:
                self._asked.setdefault(name, set()).add(place)

    def words(self, item: pytest.Item) -> Words | None:
        """What is said of a test; None where nothing is, beyond its node id."""
        if item.parent is not self._parent:
            self._enter(item.parent)
        marks = _by_name(item.own_markers, self._inherited) if item.own_markers else self._inherited
        callspec = getattr(item, "callspec", None)
        asked = self._always
        if marks:
            asked = asked.union(*(self._asked[name] for name in marks if name in self._asked))
        if not (asked or callspec or self._docstring or MARKER in marks):
            return None
        found = _own(marks.get(MARKER, ()), self._destinations)
        for place in sorted(asked):
            self._ask(self._dialects[place], item, marks, found)
        function = getattr(item, "obj", None)
        if self._docstring and not found.description and inspect.isroutine(function):
            found.description = trim(inspect.getdoc(function) or "", TEXT)
        params = getattr(callspec, "params", None)
        if isinstance(params, dict):
            found.parameters = {str(name): readable(value) for name, value in params.items()} | found.parameters
        return found

    def _enter(self, parent: Any) -> None:
        """What its tests have in common is looked up once for a module or class."""
        self._parent = parent
        self._inherited = _by_name(parent.iter_markers(), {}) if parent is not None else {}
        self._always = frozenset(place for place, dialect in enumerate(self._dialects) if self._is_always(dialect))

    def _is_always(self, dialect: Dialect) -> bool:
        knows = getattr(dialect, "knows_unmarked", None)
        try:
            return bool(knows and knows(self._config))
        except Exception:  # noqa: BLE001 - it is then asked, and what is wrong is said of the test
            return True

    def _ask(self, dialect: Dialect, item: pytest.Item, marks: _ByName, found: Words) -> None:
        try:
            other = dialect.read(item, marks)
        except Exception as error:  # noqa: BLE001 - another plugin's mark, however odd, must not cost what else is said
            names = " or ".join(name for name in dialect.MARKS if name in marks)
            found.wrong += (f"{names or 'its words'} cannot be read: {type(error).__name__}: {error}",)
        else:
            if other is not None:
                found.add(other)


def _by_name(nearest: Iterable[pytest.Mark], others: _ByName) -> _ByName:
    found: dict[str, list[pytest.Mark]] = {}
    for mark in nearest:
        found.setdefault(mark.name, []).append(mark)
    for name, marks in others.items():
        found.setdefault(name, []).extend(marks)
    return found


def _own(marks: Sequence[pytest.Mark], destinations: Iterable[str]) -> Words:
    """What our marks say, the nearest first."""
    found = Words()
    is_settled = False
    for mark in marks:
        reader = _Mark(mark, destinations)
        said = Words(
            ids=[] if is_settled else reader.ids(),
            description=reader.text("description"),
            tags=reader.texts("tags"),
            fields=reader.fields("fields"),
            links=reader.links(),
            title=reader.text("title"),
            suite=reader.texts("suite"),
            notes=reader.texts("notes"),
            parameters=reader.fields("parameters"),
            ignore=bool(mark.kwargs.get("ignore")),
        )
        is_settled = is_settled or any(
            "" in ids for ids in said.ids
        )  # for every destination: farther marks have no say
        said.wrong = tuple(reader.wrong)
        found.add(said)
    return found


class _Mark:
    """One mark, read with care: whatever is wrong goes to `wrong`, the rest counts."""

    def __init__(self, mark: pytest.Mark, destinations: Iterable[str]) -> None:
        self._mark = mark
        self._destinations = destinations
        self.wrong: list[str] = []

    def ids(self) -> list[dict[str, tuple[str, ...]]]:
        found = {}
        for name, value in self._mark.kwargs.items():
            if name in RESERVED:
                continue
            if name in self._destinations:
                found[name] = self._ids(value if isinstance(value, (list, tuple, set)) else [value], name)
            else:
                self.wrong.append(f"{name}= is neither a destination, nor a vendor, nor one of {', '.join(RESERVED)}")
        if self._mark.args:
            found[""] = self._ids(self._mark.args, "its positional arguments")
        return [found] if found else []

    def text(self, key: str) -> str:
        value = self._mark.kwargs.get(key, "")
        if isinstance(value, str):
            return trim(value, TEXT)
        self.wrong.append(f"{key}= must be a text, not {readable(value)}")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._mark.kwargs.get(key, ())
        texts = (value,) if isinstance(value, str) else value
        if isinstance(texts, (list, tuple, set)) and all(isinstance(text, str) for text in texts):
            return tuple(trim(text, TEXT) for text in texts)
        self.wrong.append(f"{key}= must be a text or a list of texts, not {readable(value)}")
        return ()

    def fields(self, key: str) -> dict[str, str]:
        value = self._mark.kwargs.get(key, {})
        if isinstance(value, Mapping):
            return {str(name): trim(readable(held, TEXT), TEXT) for name, held in value.items()}
        self.wrong.append(f"{key}= must be a dict, not {readable(value)}")
        return {}

    def links(self) -> tuple[Link, ...]:
        value = self._mark.kwargs.get("links", ())
        found = []
        for entry in value if isinstance(value, (list, tuple)) else (value,):
            parts = {"url": entry} if isinstance(entry, str) else entry
            if isinstance(entry, Link):
                found.append(entry)
            elif isinstance(parts, Mapping) and _is_link(parts):
                found.append(Link(**parts))
            else:
                self.wrong.append(
                    f"links= must be a list of addresses, or of dicts with url, name and kind, not {readable(value)}"
                )
        return tuple(found)

    def _ids(self, values: Iterable[Any], where: str) -> tuple[str, ...]:
        ids, wrong = case_ids(values, where)
        self.wrong += wrong
        return ids


def _is_link(parts: Mapping[Any, Any]) -> bool:
    return (
        "url" in parts and {*parts} <= {"url", "name", "kind"} and all(isinstance(text, str) for text in parts.values())
    )
