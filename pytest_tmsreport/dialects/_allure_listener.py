"""What is called on `allure_commons.plugin_manager`: decorators as modules are imported, and all that a test says."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pluggy import HookimplMarker

from .. import recorder
from ..guard import Guard
from ..masking import MASK
from ..render import cut, without_addresses
from . import _allure_texts as texts
from ._allure_words import Told, labelled, linked

hookimpl = HookimplMarker("allure")
HEARING = "hearing what a test says by allure"


class Titles:
    """Leaves titles on functions and fixtures, as allure-pytest does, where nobody else does it."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    @hookimpl
    def decorate_as_title(self, test_title: Any) -> Callable[[Any], Any] | None:
        if others(self._manager.hook.decorate_as_title, self):
            return None

        def decorated(function: Any) -> Any:
            inner = getattr(function, "_get_wrapped_function", None)  # a fixture's, since pytest 8.4
            old = getattr(function, "__pytest_wrapped__", None)
            target = inner() if inner else getattr(old, "obj", function)
            with suppress(AttributeError, TypeError):  # it takes no attributes
                target.__allure_display_name__ = test_title
            return function

        return decorated


class Listener:
    """Hears decorators and calls; `marked` tells what the marks of the test that runs have told.

    allure calls every listener in the test's own thread, and lets its exceptions pass: none may leave here.
    """

    def __init__(self, manager: Any, config: Any, guard: Guard, marked: Callable[[], Told]) -> None:
        self._manager = manager
        self._config = config
        self._guard = guard
        self._marked = marked
        self._told: tuple[object, Told] = (None, Told())
        self._open: dict[str, list[recorder.OpenStep | None]] = {}

    @hookimpl
    def decorate_as_label(self, label_type: Any, labels: Any) -> Any:
        return self._mark("decorate_as_label", pytest.mark.allure_label, *labels, label_type=label_type)

    @hookimpl
    def decorate_as_link(self, url: Any, link_type: Any, name: Any) -> Any:
        name = url if name is None else name
        return self._mark("decorate_as_link", pytest.mark.allure_link, url, name=name, link_type=link_type)

    @hookimpl
    def decorate_as_description(self, test_description: Any) -> Any:
        return self._mark("decorate_as_description", pytest.mark.allure_description, test_description)

    @hookimpl
    def decorate_as_description_html(self, test_description_html: Any) -> Any:
        return self._mark("decorate_as_description_html", pytest.mark.allure_description_html, test_description_html)

    def _mark(self, hook: str, mark: pytest.MarkDecorator, *args: Any, **kwargs: Any) -> Any:
        """The mark that allure-pytest leaves; None where it is there to do so: allure takes the last one's answer."""
        return None if others(getattr(self._manager.hook, hook), self) else mark.with_args(*args, **kwargs)

    @hookimpl
    def add_title(self, test_title: Any) -> None:
        with self._guard(HEARING):
            recorder.title(texts.text(test_title))

    @hookimpl
    def add_description(self, test_description: Any) -> None:
        with self._guard(HEARING):
            recorder.description(texts.dedented(test_description))

    @hookimpl
    def add_description_html(self, test_description_html: Any) -> None:
        with self._guard(HEARING):
            recorder.description(texts.seen(test_description_html))

    @hookimpl
    def add_label(self, label_type: Any, labels: Any) -> None:
        with self._guard(HEARING):
            self._say(labelled(label_type, labels))

    @hookimpl
    def add_link(self, url: Any, link_type: Any, name: Any) -> None:
        with self._guard(HEARING):
            patterns = dict(getattr(self._config.option, "allure_link_pattern", ()))
            self._say(linked(patterns.get(link_type, "{}").format(texts.text(url)), link_type, name))

    @hookimpl
    def add_parameter(self, name: Any, value: Any, mode: Any) -> None:
        """`excluded` says that a value tells no two tests apart; it is reported all the same."""
        with self._guard(HEARING):
            way = getattr(mode, "value", mode)
            if way == "hidden":
                recorder.hide(texts.text(name))
            else:
                recorder.parameter(texts.text(name), MASK if way == "masked" else texts.text(value))

    @hookimpl
    def start_step(self, uuid: str, title: Any, params: Any) -> None:
        with self._guard(HEARING):
            recording = recorder.running()
            begun = None
            if recording is not None:
                data = ", ".join(f"{name}={value}" for name, value in params.items())
                begun = recording.begin(texts.step(title), "", without_addresses(data), follows=True)
            self._open.setdefault(uuid, []).append(begun)

    @hookimpl
    def stop_step(self, uuid: str, exc_val: BaseException | None) -> None:
        with self._guard(HEARING):
            steps = self._open.get(uuid) or [None]
            begun = steps.pop()
            if not steps:
                self._open.pop(uuid, None)
            if begun is not None:
                recorder.end(begun, exc_val)

    @hookimpl
    def attach_data(self, body: Any, name: Any, attachment_type: Any, extension: Any) -> None:
        with self._guard(HEARING):
            mime, ending = _kind(attachment_type, extension)
            if isinstance(body, str):
                mime, ending = mime or "text/plain", ending or "txt"
            self._attach(body, name or "attachment", mime, ending)

    @hookimpl
    def attach_file(self, source: Any, name: Any, attachment_type: Any, extension: Any) -> None:
        with self._guard(HEARING):
            path = Path(os.fsdecode(source))
            mime, ending = _kind(attachment_type, extension)
            self._attach(path, name or path.name, mime, ending or path.suffix[1:])

    @hookimpl
    def global_attach_data(self, body: Any, name: Any, attachment_type: Any, extension: Any) -> None:
        """What is meant for the launch as a whole stands with the test that says it."""
        self.attach_data(body, name, attachment_type, extension)

    @hookimpl
    def global_attach_file(self, source: Any, name: Any, attachment_type: Any, extension: Any) -> None:
        self.attach_file(source, name, attachment_type, extension)

    @hookimpl
    def global_error(self, message: Any, trace: Any) -> None:
        with self._guard(HEARING):
            recorder.note("\n".join(texts.text(each).strip() for each in (message, trace) if each))

    def _attach(self, source: Any, name: Any, mime: str, ending: str) -> None:
        """A name of allure's is a title: it may hold slashes, and needs no ending."""
        recording = recorder.running()
        if recording is not None:
            title = cut(texts.text(name), 150).replace("/", "_").replace("\\", "_")
            full = title if not ending or title.lower().endswith(f".{ending.lower()}") else f"{title}.{ending}"
            recording.attach(source, full, mime, follows=True)

    def _say(self, said: Told) -> None:
        """Tells the recorder what is new by it."""
        recording = recorder.running()
        if recording is None:
            return
        told = self._told[1] if self._told[0] is recording else self._marked()
        now = told.then(said)
        self._told = (recording, now)
        before, after = told.words(), now.words()
        if after.ids != before.ids:
            for ids in after.ids:
                recorder.case(**ids)
        if after.suite != before.suite:
            recorder.suite(*after.suite)
        recorder.tag(*(tag for tag in after.tags if tag not in before.tags))
        for name, value in after.fields.items():
            if before.fields.get(name) != value:
                recorder.field(name, value)
        for link in after.links:
            if link not in before.links:
                recorder.link(link.url, link.name, link.kind)


def others(hook: Any, own: object) -> bool:
    """True where somebody else answers a hook, too."""
    return any(each.plugin is not own for each in hook.get_hookimpls())


def _kind(attachment_type: Any, extension: Any) -> tuple[str, str]:
    """MIME type and ending: of a member of allure's enum, else as they are given."""
    mime = getattr(attachment_type, "mime_type", attachment_type)
    ending = getattr(attachment_type, "extension", extension)
    return (mime if isinstance(mime, str) else "", ending.removeprefix(".") if isinstance(ending, str) else "")
