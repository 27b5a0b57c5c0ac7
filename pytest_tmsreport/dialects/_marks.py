"""What the dialects of plain pytest marks have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from ..model import Link
from ..render import readable
from ..words import TEXT

Marks = Mapping[str, Sequence[Any]]
"""Name -> the marks of a test of that name, the nearest first."""

VENDORS = pytest.StashKey[frozenset[str]]()
"""Where pytest's configuration keeps which tools the session reports to."""


def text(value: Any) -> str:
    """A value as a word for a report."""
    return readable(value, TEXT)


def listed(value: Any) -> tuple[Any, ...]:
    """The values of an argument that may be one or several."""
    return tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else (value,)


def argument(mark: Any, name: str, default: Any = None) -> Any:
    """The argument of that name, or else the first without a name."""
    return mark.kwargs.get(name, mark.args[0] if mark.args else default)


def issues(keys: Iterable[Any], where: str, address: str = "") -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Links to issues, and what is wrong with the keys that are none; `{key}` in an address stands for the key.

    Without an address a link is the key alone.
    """
    links, wrong = [], []
    for key in keys:
        if isinstance(key, str) and key.strip():
            name = key.strip()
            links.append(Link(address.replace("{key}", name), name, "issue") if address else Link(name, kind="issue"))
        else:
            wrong.append(f"{readable(key)} in {where} is no issue: write its key, such as 'SHOP-12'")
    return tuple(links), tuple(wrong)
