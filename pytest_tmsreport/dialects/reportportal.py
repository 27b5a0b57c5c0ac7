"""pytest-reportportal: test case ids, names, issues, and marks as attributes. Held against release 5.6.12.

Steps and files that a test gives to `reportportal_client` are not heard.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..words import Words
from ._marks import VENDORS, Marks, argument, issues, listed, text

MARKS = ("issue", "name", "tc_id")
DECLARED = Path(__file__).with_name("markers.txt")
NO_ATTRIBUTES = ("tms", "parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail")
"""Marks of pytest and of ours: what they say is reported otherwise."""


class Setup(NamedTuple):
    """What the settings of pytest-reportportal say: the address of an issue, and which marks are no attributes."""

    address: str
    has_attributes: bool
    no_attributes: frozenset[str]


_setup = pytest.StashKey[Setup]()


def read(item: Any, marks: Marks) -> Words | None:
    """The nearest id, name and issue, and as attributes all other marks, where the session is about ReportPortal.

    It is where a destination is one, or where pytest-reportportal has a project. A mark without argument is a tag, one
    with an argument a field.
    """
    if not marks:
        return None
    setup = _setup_of(item.config)
    found = Words()
    if "tc_id" in marks:
        found = _test_case_id(item, marks["tc_id"][0])
    if "name" in marks:
        found.title = text(argument(marks["name"][0], "name") or "")
    if "issue" in marks:
        found.add(_issue(marks["issue"][0], setup.address))
    if setup.has_attributes:
        attributes = {name: each[0].args for name, each in marks.items() if name not in setup.no_attributes}
        tags = tuple(name for name, args in attributes.items() if not args)
        found.add(Words(tags=tags, fields={name: text(args[0]) for name, args in attributes.items() if args}))
    return found


def knows_unmarked(config: Any) -> bool:
    """Any mark may be an attribute."""
    return _setup_of(config).has_attributes


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Nothing."""


def _test_case_id(item: Any, mark: Any) -> Words:
    """The id, with the values of parameters where the mark wants them."""
    base = text(mark.args[0]) if mark.args else ""
    callspec = getattr(item, "callspec", None)
    if mark.kwargs.get("parameterized") and callspec is not None and callspec.params:
        names = listed(mark.kwargs.get("params") or tuple(callspec.params))
        if mark.kwargs.get("use_index"):
            values = [str((name, callspec.indices.get(name))) for name in names]
        else:
            values = [str(callspec.params.get(name)) for name in names]
        base += f"[{','.join(sorted(values))}]"
    if not base:
        return Words(wrong=("@pytest.mark.tc_id names no id: write one, such as 'C7'",))
    return Words(ids=[{"@reportportal": (base,)}])


def _issue(mark: Any, address: str) -> Words:
    keys = [str(key) if isinstance(key, int) else key for key in listed(argument(mark, "issue_id", ()))]
    template = str(mark.kwargs.get("url") or address).replace("{issue_id}", "{key}")
    links, wrong = issues(keys, "@pytest.mark.issue", template)
    reason, kind = mark.kwargs.get("reason"), mark.kwargs.get("issue_type")
    return Words(
        links=links,
        notes=(text(reason),) if reason else (),
        fields={"issue_type": text(kind)} if kind else {},
        wrong=wrong,
    )


def _setup_of(config: Any) -> Setup:
    if _setup not in config.stash:
        address = _setting(config, "rp_bts_issue_url") or _setting(config, "rp_issue_system_url")
        is_about = bool(_setting(config, "rp_project")) or "reportportal" in config.stash.get(VENDORS, ())
        declared = re.findall(r"^\w+", DECLARED.read_text(encoding="utf-8"), re.MULTILINE)
        ignored = listed(_setting(config, "rp_ignore_attributes"))
        no_attributes = frozenset((*NO_ATTRIBUTES, *declared, *ignored))
        config.stash[_setup] = Setup(str(address), is_about, no_attributes)
    found: Setup = config.stash[_setup]
    return found


def _setting(config: Any, name: str) -> Any:
    """A setting where pytest-reportportal finds it: in the environment, or in its own of pytest's settings."""
    if name.upper() in os.environ:
        return os.environ[name.upper()]
    try:
        return getattr(config.option, name, None) or config.getini(name)
    except ValueError:  # it is not installed, and pytest does not know the setting
        return ""
