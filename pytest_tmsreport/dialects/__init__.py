"""How other plugins' suites speak: a module for each, named as in the setting `read_marks`.

A new one is a file here and its lines in `markers.txt`; there is no other list to edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, cast

from ..words import Words

ALL, NONE = "all", "none"


class Dialect(Protocol):
    """What a module of this package offers.

    `MARKS` are the names of the pytest marks that it reads: it is asked of tests that have one of them. Where it may
    know something of others, it offers `knows_unmarked(config)`, too, which tells whether it is to be asked of every
    test, and is called anew for each module. `read` gets a test and its marks (name -> marks, the
    nearest first) and tells what they say, or None; case ids stand there under `@` and the dialect's name. `listen`
    begins to hear what tests say through that plugin while they run, and returns what ends it; None where there is
    nothing to hear. It is called before collection, with pytest's configuration, and goes through `guard` in all that
    tests call: nothing of ours may raise into them. A dialect whose decorators do nothing before somebody listens may
    offer `before_conftests(config)`, too: it is called before the first of them is imported, and ends with `config`.
    """

    MARKS: tuple[str, ...]

    def read(self, item: Any, marks: Mapping[str, Sequence[Any]]) -> Words | None: ...

    def listen(self, config: Any, guard: Any) -> Callable[[], None] | None: ...


def before_conftests(config: Any, read_marks: Iterable[str]) -> None:
    """Tells dialects that conftest files are about to be imported. Raises whatever they raise."""
    for dialect in find(read_marks):
        getattr(dialect, "before_conftests", lambda _config: None)(config)


@cache
def names() -> tuple[str, ...]:
    """Every dialect."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def find(read_marks: Iterable[str]) -> list[Dialect]:
    """The dialects that `read_marks` names, in its order; `all` of them, `none`. Raises ImportError for another name.

    Of what can be said only once, the first counts; so those that belong to no tool of their own come last in `all`.
    """
    chosen = list(dict.fromkeys(read_marks))
    if ALL in chosen:
        chosen = sorted(names(), key=lambda name: (name in ("allure", "bdd"), name))
    return [
        cast("Dialect", importlib.import_module(f"{__name__}.{name}")) for name in chosen if name not in (NONE, ALL)
    ]
