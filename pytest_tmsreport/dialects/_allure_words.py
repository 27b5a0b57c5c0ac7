"""What is said of a test in allure's words: labels and links of marks, and those that the test says itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..model import Link
from ..words import Words
from ._allure_texts import text

OWN_IDS = "@allure"
"""Where case ids stand that allure's words give (see `Dialect`)."""
LABEL, LINK = "allure_label", "allure_link"
IDS = ("as_id", "ALLURE_ID")
CASE = "tms"
SUITES = ("parentSuite", "suite", "subSuite")
SAID_ONCE = (*SUITES, "severity", "framework", "host")
"""The labels of which allure-pytest takes the nearest; those of every other kind add up."""

Labels = Mapping[str, tuple[str, ...]]


class Target(NamedTuple):
    """A link as allure has it: `kind` is `link`, `issue`, `tms` or a word of the suite's own."""

    url: str
    kind: str
    name: str

    @property
    def case(self) -> str:
        """The id of the case that a link of the kind `tms` leads to: its name, or the end of its address.

        Several words are no id.
        """
        candidates = (self.name if self.name != self.url else "", _end_of(self.url)) if self.kind == CASE else ()
        return next((each for each in candidates if each and len(each.split()) == 1), "")

    @property
    def link(self) -> Link:
        return Link(self.url, self.name if self.name != self.url else "", "issue" if self.kind == "issue" else "link")


class Told(NamedTuple):
    """Labels and links of a test. `cases` are those that its links lead to; they count where there are no `ids`."""

    ids: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    labels: Labels = MappingProxyType({})
    targets: tuple[Target, ...] = ()

    def beside(self, other: Told) -> Told:
        """With what stands on the same function, class or module."""
        return _together(self, other, _unique(self.ids, other.ids), _unique(self.cases, other.cases))

    def beyond(self, farther: Told) -> Told:
        """With what stands farther from the test: its cases count where there are none nearer."""
        nearest = self if self.ids or self.cases else farther
        return _together(self, farther, nearest.ids, nearest.cases)

    def then(self, said: Told) -> Told:
        """With what the test itself says later: that wins, but for links to cases, which add up."""
        return _together(said, self, said.ids or self.ids, _unique(self.cases, said.cases))

    def words(self) -> Words:
        """The same in ours. A link to a case that is but its id, and gives it, is no link besides."""
        case_ids = self.ids or self.cases
        return Words(
            suite=tuple(name for kind in SUITES for name in self.labels.get(kind, ())),
            ids=[{OWN_IDS: case_ids}] if case_ids else [],
            tags=self.labels.get("tag", ()),
            fields={name: ", ".join(held) for name, held in self.labels.items() if name not in (*SUITES, "tag")},
            links=tuple(each.link for each in self.targets if "://" in each.url or each.case not in case_ids),
        )


def labelled(kind: Any, values: Iterable[Any]) -> Told:
    """What one label tells."""
    name, texts = text(kind), tuple(held for value in values if value is not None and (held := text(value)))
    if name in IDS:
        return Told(ids=texts)
    return Told(labels={name: texts[:1] if name in SAID_ONCE else texts} if texts else {})


def linked(url: Any, kind: Any, name: Any) -> Told:
    """What one link tells."""
    target = Target(text(url), text(kind), text(name or ""))
    return Told(cases=(target.case,) if target.case else (), targets=(target,))


def told_by(marks: Iterable[tuple[Any, Any]]) -> Told:
    """What marks tell, each with the node that it stands on, the nearest first."""
    told = Told()
    for _, of_a_node in groupby(marks, key=lambda pair: id(pair[0])):
        here = Told()
        for _, mark in of_a_node:
            if mark.name == LABEL:
                here = here.beside(labelled(mark.kwargs.get("label_type", ""), mark.args))
            elif mark.name == LINK and mark.args:
                here = here.beside(linked(mark.args[0], mark.kwargs.get("link_type", ""), mark.kwargs.get("name")))
        told = told.beyond(here)
    return told


def _end_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    # TestRail has the path of a page behind the question mark, and others behind the hash.
    path = next((part for part in (parts.fragment, parts.query) if part.startswith("/")), parts.path)
    return unquote(path.partition("&")[0].rstrip("/").rpartition("/")[2]).strip()


def _together(near: Told, far: Told, ids: tuple[str, ...], cases: tuple[str, ...]) -> Told:
    labels = {**far.labels, **near.labels}
    for name in near.labels.keys() & far.labels.keys() - {*SAID_ONCE}:
        labels[name] = _unique(near.labels[name], far.labels[name])
    return Told(ids, cases, labels, _unique(near.targets, far.targets))


def _unique(first: tuple[Any, ...], then: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*first, *then)))
