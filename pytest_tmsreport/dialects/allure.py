"""allure: the marks and titles that its decorators leave, and what tests say by `import allure` while they run.

`import allure` is part of allure-python-commons, which knows who listens; allure-pytest is one who does. Facts: source
of both packages, 2.16.2.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..words import Words
from ._allure_texts import dedented, filled, holes, seen
from ._allure_words import LABEL, LINK, Told, told_by

DESCRIPTION, HTML = "allure_description", "allure_description_html"
MARKS = (DESCRIPTION, HTML, LABEL, LINK)
OWN = "pytest-tmsreport"
_marked = Told()


def read(item: Any, marks: Mapping[str, Sequence[Any]]) -> Words | None:
    global _marked  # noqa: PLW0603 - a process runs one test at a time
    is_marked = LABEL in marks or LINK in marks
    _marked = told_by(item.iter_markers_with_node()) if is_marked else Told()
    found = _marked.words()
    found.description = _description(marks)
    template = getattr(getattr(item, "obj", None), "__allure_display_name__", None)
    if template is not None:
        values = _values(item)
        found.title = filled(str(template), values)
        found.waits = bool(holes(str(template)) & {*getattr(item, "fixturenames", ())} - {*values})
    return found


def knows_unmarked(_config: Any) -> bool:
    """Titles stand on functions."""
    return "allure_commons" in sys.modules


def before_conftests(config: Any) -> None:
    """Takes care of the titles of what conftest files define: they are imported before anybody is configured."""
    manager = _manager()
    if manager is not None and not manager.has_plugin(f"{OWN}-titles"):
        from ._allure_listener import Titles  # noqa: PLC0415 - few suites have allure

        titles = Titles(manager)
        manager.register(titles, f"{OWN}-titles")
        config.add_cleanup(lambda: manager.unregister(titles))


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    before_conftests(config)
    manager = _manager()
    if manager is None or manager.has_plugin(OWN):  # a session within a session: the outer one hears it
        return None
    from ._allure_listener import Listener  # noqa: PLC0415 - as above

    listener = Listener(manager, config, guard, lambda: _marked)
    manager.register(listener, OWN)
    return lambda: manager.unregister(listener)


def _manager() -> Any:
    """The one that allure calls; None where it is not installed."""
    if importlib.util.find_spec("allure_commons") is None:
        return None
    return importlib.import_module("allure_commons").plugin_manager


def _description(marks: Mapping[str, Sequence[Any]]) -> str:
    said = next((mark.args[0] for mark in marks.get(DESCRIPTION, ()) if mark.args), None)
    if said is not None:
        return dedented(said)
    html = next((mark.args[0] for mark in marks.get(HTML, ()) if mark.args), None)
    return seen(html) if html is not None else ""


def _values(item: Any) -> dict[str, Any]:
    """What may stand in the holes of a title: parameters, and the fixtures that are set up."""
    callspec = getattr(item, "callspec", None)
    values = {**getattr(callspec, "params", {}), **getattr(item, "funcargs", {})}
    return values if callspec is None else {"param_id": _unescaped(str(callspec.id)), **values}


def _unescaped(param_id: str) -> str:
    """pytest escapes what is not ASCII."""
    try:
        return param_id.encode("ascii").decode("unicode-escape")
    except UnicodeError:
        return param_id
