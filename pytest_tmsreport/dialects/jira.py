"""pytest-jira: `@pytest.mark.jira("SHOP-12")` as links to issues. Held against release 0.4.0.

Issues that it finds in docstrings are not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..words import Words
from ._marks import Marks, issues

MARKS = ("jira",)
URL = "PYTEST_JIRA_URL"
_address = pytest.StashKey[str]()


def read(item: Any, marks: Marks) -> Words | None:
    """The issues of all marks, with their address where pytest-jira's own settings tell it."""
    if "jira" not in marks:
        return None
    keys = [key for mark in marks["jira"] for key in mark.args]
    links, wrong = issues(keys, "@pytest.mark.jira", _address_of(item.config))
    missing = ("@pytest.mark.jira names no issue: write its key, such as 'SHOP-12'",) if not keys else ()
    return Words(links=links, wrong=(*missing, *wrong))


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Nothing: it hears no words of a running test."""


def _address_of(config: Any) -> str:
    """Where issues are shown, by its variable, its option, or the `jira.cfg` of the project; empty if unknown."""
    if _address not in config.stash:
        url = os.environ.get(URL) or getattr(config.option, "jira_url", None) or _configured(config)
        config.stash[_address] = f"{url.rstrip('/')}/browse/{{key}}" if url else ""
    found: str = config.stash[_address]
    return found


def _configured(config: Any) -> str:
    import configparser  # noqa: PLC0415 - few suites have such marks

    parser = configparser.RawConfigParser()
    try:
        parser.read([Path(config.rootpath, "jira.cfg"), Path(config.invocation_params.dir, "jira.cfg")])
    except (configparser.Error, OSError, UnicodeError):  # its own plugin says so
        return ""
    return parser.defaults().get("url", "")
