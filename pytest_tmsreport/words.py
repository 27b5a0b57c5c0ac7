"""What marks say of a test before it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Link


@dataclass
class Words:
    """What is known of a test before it runs; empty where nothing was said.

    `ids` has a mapping for each mark, the nearest first: from a destination's or vendor's name, from `""` (any), or
    from `@` and the name of a dialect to case ids. `hidden` names parameters that are not to be reported, `ignored_by`
    the dialects whose own tools are not to hear of the test. `wrong` holds what its marks say wrongly.
    Those that `waits` are read once more when the setup is over: something is to hold the values of fixtures.
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
