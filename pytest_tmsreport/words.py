"""What marks say of a test before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .model import Link, to_json
from .render import readable

TEXT = 10_000
"""Most characters of any text of a mark."""


@dataclass
class Words:
    """What is known of a test before it runs; empty where nothing was said.

    `ids` has a mapping for each mark, the nearest first: from a destination's or vendor's name, from `""` (any), or
    from `@` and the name of a dialect to case ids (`@qase/SHOP` where they are those of that project only). `hidden`
    names parameters that are not to be reported, `ignored_by` the dialects whose own tools are not to hear of the test.
    `wrong` holds what its marks say wrongly. Those that `waits` are read once more when the setup is over: something is
    to hold the values of fixtures.
    """

    title: str = ""
    suite: tuple[str, ...] = ()
    ids: list[dict[str, tuple[str, ...]]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    description: str = ""
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    ignore: bool = False
    ignored_by: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    waits: bool = False

    def add(self, other: Words) -> None:
        """Takes over what another has to say: what was said here before wins, and what can stand together adds up."""
        for name in ("title", "suite", "description"):
            setattr(self, name, getattr(self, name) or getattr(other, name))
        for name in ("parameters", "fields"):
            setattr(self, name, {**getattr(other, name), **getattr(self, name)})
        for name in ("hidden", "notes", "tags", "links", "ignored_by", "wrong"):
            setattr(self, name, tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name)))))
        self.ids += other.ids
        self.ignore = self.ignore or other.ignore
        self.waits = self.waits or other.waits

    def to_json(self) -> dict[str, Any]:
        """What is said, for the collector: empty words are left out."""
        found = {name: held for name, held in vars(self).items() if held}
        if self.links:
            found["links"] = [to_json(link) for link in self.links]
        return found


def case_ids(
    values: Iterable[Any], where: str, form: str = r"(?s).+", write: str = "a text such as 'C7', or a number"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The case ids among the values of a mark, each once, and what is wrong with the others.

    `form` is the regular expression of an id, `write` tells a person how to write one.
    """
    found, wrong = [], []
    for value in values:
        text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if re.fullmatch(form, text):
            found.append(text)
        else:
            wrong.append(f"{readable(value)} in {where} is no case id: write {write}")
    return tuple(dict.fromkeys(found)), tuple(wrong)
