"""Test IT: what `testit`'s decorators leave on functions and classes, and what tests say to it while they run.

Held against release 5.2.3. The decorators leave attributes, no marks. A work item is a case.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..model import Link
from ..words import Words, case_ids
from ._listening import once_imported
from ._marks import Marks, listed, text
from ._testit_listener import Listener, begin, kind_of

MARKS = ("layer",)
SERVICES = "testit_python_commons.services.plugin_manager"
_HOLE = re.compile(r"""\{(\w+)(?:\[['"]?(\w+)['"]?\])?\}""")


_named: tuple[str, ...] = ()  # the work items of the test that is about to run


def read(item: Any, marks: Marks) -> Words | None:
    """What stands on the function, or else on its class; `{name}` in it is the parameter of that name."""
    if SERVICES not in sys.modules:
        return None
    global _named
    said = _Said(item)
    found, _named = said.words(), said.work_items()[0]
    for mark in marks.get("layer", ())[:1]:
        found.fields["layer"] = text(mark.kwargs.get("name", mark.args[0] if mark.args else ""))
    return found


def knows_unmarked(_config: Any) -> bool:
    """Its decorators leave attributes."""
    return SERVICES in sys.modules


def listen(config: Any, guard: Any) -> Callable[[], None]:
    """Hears steps, files, links, and words."""
    listener = Listener(guard, lambda: _named)
    return once_imported(config, guard, SERVICES, lambda module, ears: begin(module, ears, listener))


class _Said:
    """The attributes of one test."""

    def __init__(self, item: Any) -> None:
        self._item = item
        self._owners = [owner for owner in (getattr(item, "function", None), getattr(item, "cls", None)) if owner]

    def words(self) -> Words:
        names = {"externalId": "test_external_id", "layer": "test_layer"}
        fields = {name: found for name, own in names.items() if (found := self.text(own))}
        title, shown = self.text("test_title"), self.text("test_displayname")
        if title and shown:
            fields["title"] = title
        ids, wrong = self.work_items()
        return Words(
            title=shown or title,
            suite=self._suite(),
            ids=[{"@testit": ids}] if ids else [],
            description=self.text("test_description"),
            tags=(*self.texts("test_tags"), *self.texts("test_labels")),
            fields=fields,
            links=tuple(self._links()),
            wrong=wrong,
        )

    def work_items(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return case_ids(self.texts("test_workitems_id"), "@testit.workItemIds")

    def text(self, name: str) -> str:
        return _filled(text(self._find(name) or ""), self._parameters())

    def texts(self, name: str) -> tuple[str, ...]:
        parameters = self._parameters()
        return tuple(each for value in listed(self._find(name) or ()) for each in _several(text(value), parameters))

    def _find(self, name: str) -> Any:
        """The nearest; a class may well have a test of that name, such as `test_title`."""
        found = (getattr(owner, name, None) for owner in self._owners)
        return next((value for value in found if value is not None and not callable(value)), None)

    def _parameters(self) -> dict[str, Any]:
        """Those of the test, and the entries of those that are dicts."""
        found = dict(getattr(getattr(self._item, "callspec", None), "params", {}))
        for value in tuple(found.values()):
            if isinstance(value, dict):
                found.update({key: held for key, held in value.items() if key not in found})
        return found

    def _suite(self) -> tuple[str, ...]:
        """Where the test stands in the tool, as far as it is said; its module or class beside what is."""
        namespace, classname = self.text("test_namespace"), self.text("test_classname")
        if not namespace and not classname:
            return ()
        module = getattr(getattr(self._item, "module", None), "__name__", "")
        own = getattr(getattr(self._item, "cls", None), "__name__", "")
        return tuple(filter(None, (namespace or module, classname or own)))

    def _links(self) -> Iterator[Link]:
        for link in self._find("test_links") or ():
            parts = (link.get_url(), link.get_title() or link.get_description(), link.get_link_type())
            url, name, kind = (_filled(text(part or ""), self._parameters()) for part in parts)
            yield Link(url, html.unescape(name), kind_of(kind))


def _filled(template: str, parameters: Mapping[str, Any]) -> str:
    return _HOLE.sub(lambda hole: text(_value(hole, parameters, hole[0])), template) if "{" in template else template


def _several(template: str, parameters: Mapping[str, Any]) -> Iterable[str]:
    """A text that is nothing but the name of a parameter stands for each of its values."""
    hole = _HOLE.fullmatch(template)
    if hole is None:
        return (_filled(template, parameters),)
    return map(text, listed(_value(hole, parameters, template)))


def _value(hole: re.Match[str], parameters: Mapping[str, Any], default: str) -> Any:
    name, key = hole[1], hole[2]
    value = parameters.get(name, default)
    if key is None:
        return value
    try:
        return value[int(key) if isinstance(value, (list, tuple)) else key]
    except (LookupError, TypeError, ValueError):
        return default
