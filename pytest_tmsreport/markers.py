"""Ids and words from our marker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from .model import Link
from .render import readable, trim

MARKER = "tms"
RESERVED = ("title", "description", "suite", "tags", "fields", "links", "ignore")
TEXT = 10_000
"""Most characters of any text of a mark."""


@dataclass
class Words:
    """What a test says of itself before it runs. `wrong` holds what its marks say wrongly."""

    title: str
    suite: tuple[str, ...]
    ids: list[dict[str, tuple[str, ...]]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    description: str = ""
    tags: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    ignore: bool = False
    wrong: tuple[str, ...] = ()


def words_of(item: pytest.Item, destinations: Iterable[str]) -> Words:
    """Reads the marks of an item, the nearest first; `destinations` are the keywords that may hold case ids."""
    found = Words(title_of(item.nodeid), suite_of(item.nodeid), parameters=_parameters(item))
    wrong: list[str] = []
    is_settled = False
    for mark in item.iter_markers(MARKER):
        reader = _Mark(mark, destinations, wrong)
        if not is_settled:
            ids = reader.ids()
            found.ids += [ids] if ids else []
            is_settled = "" in ids  # ids for every destination: farther marks have no say
        found.description = found.description or reader.text("description")
        found.tags += tuple(tag for tag in reader.texts("tags") if tag not in found.tags)
        found.fields = {**reader.fields(), **found.fields}
        found.links += reader.links()
        found.ignore = found.ignore or bool(mark.kwargs.get("ignore"))
    for key in ("title", "suite"):
        nearest = next((mark for mark in item.iter_markers(MARKER) if mark.kwargs.get(key)), None)
        if nearest:
            reader = _Mark(nearest, destinations, wrong)
            if key == "title":
                found.title = reader.text(key) or found.title
            else:
                found.suite = reader.texts(key) or found.suite
    found.wrong = tuple(dict.fromkeys(wrong))
    return found


def title_of(nodeid: str) -> str:
    """The test's own name: the last part of its node id, without parameters."""
    path, _, name = _without_parameters(nodeid).rpartition("::")
    return name or path or nodeid


def suite_of(nodeid: str) -> tuple[str, ...]:
    """Folders, module and classes above a test."""
    path, *inner = _without_parameters(nodeid).split("::")
    folders = [part for part in path.split("/") if part not in ("", ".", "..")]
    if folders and inner:
        folders[-1] = folders[-1].removesuffix(".py")
    return (*folders, *inner[:-1]) if inner else tuple(folders[:-1])


def _without_parameters(nodeid: str) -> str:
    path, colons, inner = nodeid.partition("::")
    return path + colons + inner.partition("[")[0]


class _Mark:
    """One mark, read with care: whatever is wrong goes to `wrong`, the rest counts."""

    def __init__(self, mark: pytest.Mark, destinations: Iterable[str], wrong: list[str]) -> None:
        self._mark = mark
        self._destinations = destinations
        self._wrong = wrong

    def ids(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, value in self._mark.kwargs.items():
            if name in RESERVED:
                continue
            if name in self._destinations:
                found[name] = self._ids(value if isinstance(value, (list, tuple, set)) else [value], name)
            else:
                self._wrong.append(f"{name}= is neither a destination, nor a vendor, nor one of {', '.join(RESERVED)}")
        if self._mark.args:
            found[""] = self._ids(self._mark.args, "its positional arguments")
        return found

    def text(self, key: str) -> str:
        value = self._mark.kwargs.get(key, "")
        if isinstance(value, str):
            return trim(value, TEXT)
        self._wrong.append(f"{key}= must be a text, not {readable(value)}")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._mark.kwargs.get(key, ())
        texts = (value,) if isinstance(value, str) else value
        if isinstance(texts, (list, tuple, set)) and all(isinstance(text, str) for text in texts):
            return tuple(trim(text, TEXT) for text in texts)
        self._wrong.append(f"{key}= must be a text or a list of texts, not {readable(value)}")
        return ()

    def fields(self) -> dict[str, str]:
        value = self._mark.kwargs.get("fields", {})
        if isinstance(value, Mapping):
            return {str(name): trim(readable(held, TEXT), TEXT) for name, held in value.items()}
        self._wrong.append(f"fields= must be a dict, not {readable(value)}")
        return {}

    def links(self) -> tuple[Link, ...]:
        value = self._mark.kwargs.get("links", ())
        found = []
        for entry in (value,) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(entry, Link):
                found.append(entry)
            elif isinstance(entry, str):
                found.append(Link(entry))
            else:
                self._wrong.append(f"links= must be a list of addresses, not {readable(value)}")
        return tuple(found)

    def _ids(self, values: Iterable[Any], where: str) -> tuple[str, ...]:
        found = []
        for value in values:
            is_id = isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip()
            if is_id:
                found.append(str(value).strip())
            else:
                self._wrong.append(
                    f"{readable(value)} in {where} is no case id: write a text such as 'C7', or a number"
                )
        return tuple(dict.fromkeys(found))


def _parameters(item: pytest.Item) -> dict[str, str]:
    callspec = getattr(item, "callspec", None)
    params = getattr(callspec, "params", None)
    return {str(name): readable(value) for name, value in params.items()} if isinstance(params, dict) else {}
