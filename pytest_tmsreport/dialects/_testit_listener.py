"""What a test says to `testit` while it runs.

Most of it is heard through Test IT's own plugin manager, whether its plugin reports (`--testit`) or not. Links, and
files within a step, do not come that way: the functions for them are replaced, in vain where a `conftest.py` has
imported them by name. The deprecated `addLink` is not heard, nor are namespaces and class names.
"""

from __future__ import annotations

import html
import importlib
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from pluggy import HookimplMarker

from .. import recorder
from ._listening import Ears
from ._marks import listed, text

ISSUES = ("Defect", "Issue", "BlockedBy")
"""Kinds of links that lead to issues."""
HEARING = "hearing what a test says to testit"
hears = HookimplMarker("testit")


def begin(module: ModuleType, ears: Ears, listener: Listener) -> None:
    """Has the listener, and the ears, hear all that is said; `module` has Test IT's plugin manager."""
    manager = module.TmsPluginManager.get_plugin_manager()
    manager.register(listener)
    ears.until_closed(manager.unregister, listener)
    stepping = importlib.import_module("testit_python_commons.step")
    steps = module.TmsPluginManager.get_step_manager()

    def made() -> recorder.step:
        said = steps.get_active_step()
        parameters = [f"{name} = {text(held)}" for name, held in (said.get_parameters() or {}).items()]
        lines = [html.unescape(said.get_description() or ""), *parameters]
        return recorder.step(html.unescape(said.get_title() or ""), data="\n".join(filter(None, lines)))

    ears.on_steps(stepping.StepContext, lambda _context: made)
    functions = importlib.import_module("testit_python_commons.dynamic_methods")
    for owner in (functions, importlib.import_module("testit")):
        ears.on(owner, "addLinks", _linked)
        ears.on(owner, "addAttachments", _attaching_within(steps))


def kind_of(name: str) -> str:
    """Our kind of a link of theirs."""
    return "issue" if name in ISSUES else "link"


def _linked(
    url: Any = None,
    title: Any = None,
    type: Any = None,  # noqa: A002 - as it is named there
    description: Any = None,
    links: Any = None,
) -> None:
    one = {"url": url, "title": title, "type": type, "description": description}
    for link in [one] if url else listed(links or ()):
        if isinstance(link, dict) and link.get("url"):
            name = link.get("title") or link.get("description") or ""
            recorder.link(link["url"], text(name), kind_of(text(link.get("type") or "")))


def _attaching_within(steps: Any) -> Callable[..., None]:
    """Hears of files within a step: those of the test itself come through the plugin manager."""

    def attached(data: Any, is_text: bool = False, name: Any = None) -> None:
        if steps.get_active_step() is not None:
            _attach_text(data, name) if is_text else _attach_files(listed(data))

    return attached


def _attach_text(body: Any, name: Any) -> None:
    recorder.attach(body if isinstance(body, bytes) else str(body), str(name or "attachment.txt"))


def _attach_files(paths: Iterable[Any]) -> None:
    for path in paths:
        recorder.attach(path)


class Listener:
    """A plugin of Test IT's plugin manager."""

    def __init__(self, guard: Any, work_items: Callable[[], Iterable[str]]) -> None:
        """`work_items` tells those that the decorators of the test that runs name."""
        self._guard = guard
        self._named = work_items
        self._work_items: list[str] = []
        self._of: object = None

    @hears
    def add_work_item_id(self, test_work_item_id: str) -> None:
        with self._guard(HEARING):
            if self._of is not recorder.running():
                self._of, self._work_items = recorder.running(), list(self._named())
            self._work_items.append(test_work_item_id)
            recorder.case(**{"@testit": list(dict.fromkeys(self._work_items))})

    @hears
    def add_message(self, test_message: Any) -> None:
        with self._guard(HEARING):
            recorder.note(str(test_message))

    @hears
    def add_title(self, test_title: str) -> None:
        with self._guard(HEARING):
            recorder.title(test_title)

    @hears
    def add_display_name(self, test_display_name: str) -> None:
        with self._guard(HEARING):
            recorder.title(test_display_name)

    @hears
    def add_description(self, test_description: str) -> None:
        with self._guard(HEARING):
            recorder.description(test_description)

    @hears
    def add_label(self, test_label: str) -> None:
        with self._guard(HEARING):
            recorder.tag(test_label)

    @hears
    def add_tag(self, test_tag: str) -> None:
        with self._guard(HEARING):
            recorder.tag(test_tag)

    @hears
    def add_parameter(self, name: str, value: str) -> None:
        with self._guard(HEARING):
            recorder.parameter(name, value)

    @hears
    def add_external_id(self, test_external_id: str) -> None:
        with self._guard(HEARING):
            recorder.field("externalId", test_external_id)

    @hears
    def add_attachments(self, attach_paths: Any) -> None:
        with self._guard(HEARING):
            _attach_files(listed(attach_paths))

    @hears
    def create_attachment(self, body: Any, name: Any) -> None:
        with self._guard(HEARING):
            _attach_text(body, name)
