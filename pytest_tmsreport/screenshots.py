"""What a browser shows when a test has failed, before its teardown closes it.

Neither Playwright nor Selenium is imported: a page or driver is known by the methods of its class. How long taking the
picture may last is the tool's own timeout.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from .guard import Guard
from .recorder import note, running

DRIVER = ("get_screenshot_as_png", "execute_script", "current_url")
PAGE = ("screenshot", "goto", "is_closed", "context")
KINDS = {b"\x89PNG\r\n\x1a\n": ("png", "image/png"), b"\xff\xd8\xff": ("jpg", "image/jpeg")}
"""How a picture begins, and what it is then."""
REFUSALS = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""What may come out of somebody's page, a timeout of the test's included."""


class Screenshots:
    """Listens wherever tests run. `names` are the fixtures that may hold a page or a driver."""

    def __init__(self, names: Iterable[str], guard: Guard) -> None:
        self._names = tuple(names)
        self._guard = guard

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self, node: Any, call: pytest.CallInfo[Any], report: Any) -> None:
        """Called for failures alone, before the teardown."""
        if isinstance(node, pytest.Item) and call.when != "teardown" and report.failed:
            with self._guard("taking a screenshot"):
                _attach(node, self._names)


def camera_of(value: Any) -> Callable[[], Any] | None:
    """What takes a picture; None for a stranger: nothing of it is called, or even looked up, as a mock would notice."""
    kind = type(value)
    for methods in (DRIVER, PAGE):
        if all(inspect.getattr_static(kind, method, None) is not None for method in methods):
            camera: Callable[[], Any] = getattr(value, methods[0])
            return camera
    return None


def _attach(item: pytest.Item, names: Iterable[str]) -> None:
    found: dict[int, tuple[str, Any]] = {}
    for name, value in _values(item, names):
        found.setdefault(id(value), (name, value))  # two names may have one driver
    cameras = [(name, camera) for name, value in found.values() if (camera := camera_of(value)) is not None]
    for name, camera in cameras:
        _show(camera, name, f"screenshot-{name}" if len(cameras) > 1 else "screenshot")


def _show(camera: Callable[[], Any], fixture: str, name: str) -> None:
    picture, why = None, "what it gave is neither PNG nor JPEG"
    if inspect.iscoroutinefunction(camera):
        why = "an asynchronous page cannot be asked here: attach its picture in the test"
    else:
        try:
            picture = camera()
        except REFUSALS as error:
            why = f"{type(error).__name__}: {error}"
    start = picture[:8] if isinstance(picture, bytes) else b""
    kind = next((kind for signature, kind in KINDS.items() if start.startswith(signature)), None)
    if kind is None:
        note(f"no screenshot of {fixture}: {why}")
    elif recording := running():
        recording.keep(picture, f"{name}.{kind[0]}", kind[1])


def _values(item: pytest.Item, names: Iterable[str]) -> Iterable[tuple[str, Any]]:
    """The named fixtures that the test has, also those that it or another fixture asked for by `getfixturevalue`."""
    known = getattr(item, "funcargs", {})
    active = getattr(getattr(item, "_request", None), "_fixture_defs", {})  # pytest tells it in no other way
    for name in names:
        cached = getattr(active.get(name), "cached_result", None)
        if name in known:
            yield name, known[name]
        elif cached is not None and cached[2] is None:
            yield name, cached[0]
