"""qase-pytest: its marks and its tags of scenarios, and the steps, files and parameters that a test gives it.

Held against release 9.0.0. What stands in the place of its functions while a session reports calls them, whether its
own plugin is active or not, so that they do what they did. A step is heard however early it was imported, and so are
`qase.attach` and `qase.param`; only under a name of its own (`attach = qase.attach` in a `conftest.py`) they are not.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from .. import recorder
from ..words import Words, case_ids
from ._listening import Ears, once_imported
from ._marks import Marks, argument, listed, text

FIELDS = ("description", "preconditions", "postconditions", "layer", "severity", "priority", "author")
WORDS = ("id", "project_id", "title", "suite", "fields", "tags", "ignore", "muted")
PARAMETERS = ("ignore_parameters", "parametrize_ignore")
MARKS = tuple(f"qase_{name}" for name in (*WORDS, *FIELDS, *PARAMETERS))
TAG = "qase."
"""What a tag of a scenario of pytest-bdd begins with, which is a mark of that name: `@qase.id=42`."""
NUMBER = "[1-9][0-9]*"


def read(item: Any, marks: Marks) -> Words | None:
    """What marks and tags say. As with the plugin itself the nearest mark counts; tags add up."""
    if not any(name.startswith(("qase_", TAG)) for name in marks):
        return None
    keys = {name: name.removeprefix("qase_") for name in MARKS} | {"qase_suite": "title"}
    said = {name: argument(marks[name][0], key) for name, key in keys.items() if name in marks}
    fields, wrong = _fields(said, marks)
    tags = [tag for mark in marks.get("qase_tags", ()) for tag in listed(mark.kwargs.get("tags", mark.args))]
    ids, wrong_ids = _ids(marks)
    found = Words(
        title=text(said.get("qase_title") or ""),
        suite=_suite(said.get("qase_suite")),
        ids=[ids] if ids else [],
        description=fields.pop("description", ""),
        tags=tuple(filter(None, (*map(str.strip, fields.pop("tags", "").split(",")), *map(text, tags)))),
        fields=fields,
        hidden=tuple(_hidden(marks)),
        ignored_by=("qase",) if "qase_ignore" in marks else (),
        wrong=(*wrong_ids, *wrong),
    )
    found.add(_of_scenario(name.removeprefix(TAG) for name in marks if name.startswith(TAG)))
    return found


def knows_unmarked(_config: Any) -> bool:
    """Tags of scenarios are marks of any name."""
    return "pytest_bdd" in sys.modules


def listen(config: Any, guard: Any) -> Callable[[], None]:
    """Hears steps, files and parameters."""
    return once_imported(config, guard, "qase.pytest", _begin)


def _ids(marks: Marks) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Case ids for any project, or by project where there is such a mark: then the plugin heeds no other."""
    found: dict[str, tuple[str, ...]] = {}
    wrong: tuple[str, ...] = ()
    for mark in marks.get("qase_project_id", ()):
        ids, more = _numbers(mark.kwargs.get("testops_ids"), "@qase.project_id")
        found.setdefault(f"@qase/{text(mark.kwargs.get('project_code')).upper()}", ids)
        wrong += more
    if not found and "qase_id" in marks:
        ids, wrong = _numbers(argument(marks["qase_id"][0], "id"), "@qase.id")
        found = {"@qase": ids} if ids else {}
    return found, wrong


def _numbers(value: Any, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    values = value.split(",") if isinstance(value, str) else listed(value)
    return case_ids(values, where, NUMBER, "a number")


def _fields(said: dict[str, Any], marks: Marks) -> tuple[dict[str, str], tuple[str, ...]]:
    own = {name: said[f"qase_{name}"] for name in FIELDS if said.get(f"qase_{name}") is not None}
    wrong: tuple[str, ...] = ()
    for mark in marks.get("qase_fields", ())[:1]:
        pairs = mark.kwargs.get("fields", mark.args)
        try:
            own.update(pairs)
        except (TypeError, ValueError):
            wrong = (f"@qase.fields takes pairs of a name and a value, not {text(pairs)}",)
    if "qase_muted" in said:
        own["muted"] = "true"
    return {text(name): ",".join(map(text, listed(value))) for name, value in own.items()}, wrong


def _suite(title: Any) -> tuple[str, ...]:
    return tuple(filter(None, text(title).split("."))) if title else ()


def _hidden(marks: Marks) -> Iterator[str]:
    for mark in marks.get("qase_parametrize_ignore", ()):
        names = argument(mark, "argnames", "")
        yield from (name.strip() for name in (names.split(",") if isinstance(names, str) else map(text, listed(names))))
    for mark in marks.get("qase_ignore_parameters", ()):
        yield from map(text, listed(mark.kwargs.get("parameters", mark.args)))


def _of_scenario(tags: Iterator[str]) -> Words:
    """What tags such as `id=42`, `project_id.SHOP=1,2`, `ignore` and `severity=critical` say."""
    found = Words()
    ids: dict[str, tuple[str, ...]] = {}
    for tag in tags:
        key, _, value = tag.partition("=")
        name, _, project = key.partition(".")
        if name in ("id", "project_id"):
            key = f"@qase/{project.upper()}" if project else "@qase"
            ids[key], wrong = _numbers(value, f"@{TAG}{tag}")
            found.wrong += wrong
        elif name == "ignore":
            found.ignored_by = ("qase",)
        elif name == "suite":
            found.suite = _suite(value)
        elif name in (*FIELDS, "muted"):
            found.add(Words(description=value) if name == "description" else Words(fields={name: value or "true"}))
    found.ids = [ids] if ids else []
    return found


def _begin(module: ModuleType, ears: Ears) -> None:
    function = module.qase.step.__wrapped__
    signature = inspect.signature(function)

    def step_of(manager: Any) -> Callable[[], recorder.step] | None:
        """Of a block, or of a call of a decorated function: both are such a manager, with the generator that makes it.

        Suites may use the class with generators of their own, which are no steps. The arguments are gone once it is
        entered.
        """
        if getattr(manager, "func", None) is not function:
            return None
        said = signature.bind(*manager.args, **manager.kwds).arguments
        return lambda: recorder.step(text(said["title"]), expected=text(said.get("expected") or ""))

    ears.on_steps(module.ContextManager, step_of)
    ears.on(module.qase, "attach", _attached)
    ears.on(module.qase, "param", recorder.parameter)


def _attached(*files: Any) -> None:
    """A path; a path and a type; or a content, a type and a name, where what is neither text nor bytes is JSON."""
    for file in files:
        if isinstance(file, tuple) and len(file) == 3:
            content, mime, name = file
            if not isinstance(content, (str, bytes)):
                content = json.dumps(content, default=vars, indent=4)
            recorder.attach(content, str(name or "attachment"), _type(mime))
        else:
            path, mime = file if isinstance(file, tuple) else (file, "")
            recorder.attach(path, mime=_type(mime))


def _type(mime: Any) -> str:
    return text(getattr(mime, "value", mime) or "")
