"""What a Jira with Xray remembers beside the box: its issues, and which Tests its plans hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .box import ArrivedRun, Box
from .site import Refused
from .xray_fields import EXECUTION, KEY, PLAN, Rules

MADE_HERE = 90_000
"""Issues that are made get higher numbers; lower ones are Tests that were there before."""


@dataclass
class Issue:
    """A Jira issue; `definition` is that of a Generic Test, `unseen` how many searches still pass it over."""

    id: str
    key: str
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    definition: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    unseen: int = 0


class Store:
    """The issues by key, and of each plan the keys of its Tests."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.box = box
        self.rules = rules
        self.clock = clock
        self._numbers = itertools.count(1)
        self.issues: dict[str, Issue] = {}
        self.plans: dict[str, list[str]] = {key: list(tests) for key, tests in rules.plans.items()}
        for number, key in enumerate(rules.plans, 1):  # not counted with what is made
            self.issues[key] = Issue(str(9000 + number), key, PLAN, {"summary": f"Plan {key}"})
        for key, definition in (rules.tests or {}).items():
            self.add_issue("Test", {"summary": definition or key}, definition=definition, key=key)

    def known(self, kind: str, key: str, *, status: int = 400) -> Issue:
        """The issue; raises Refused with that status where there is none of that kind."""
        found = self.find(kind, key)
        if found is None:
            words = f"{kind} issue with key {key} not found"
            raise Refused(status, words, culprits=[(key, words)])
        return found

    def find(self, kind: str, key: str) -> Issue | None:
        """The issue, where there is one of that kind; Tests that the rules let pass are there when they are named."""
        found = self.issues.get(key)
        if found is None and kind == "Test" and self.rules.tests is None and KEY.fullmatch(key):
            project, _, number = key.partition("-")
            if project in self.rules.projects and int(number) < MADE_HERE:
                found = self.add_issue("Test", {"summary": f"Test {key}"}, key=key)
        return found if found is not None and found.kind == kind else None

    def add_issue(self, kind: str, fields: dict[str, Any], *, definition: str | None = None, key: str = "") -> Issue:
        """A new issue; an execution is a run in the box."""
        number = next(self._numbers)
        project = (fields.get("project") or {}).get("key", self.rules.projects[0])
        issue = Issue(str(10_000 + number), key or f"{project}-{MADE_HERE + number}", kind, fields, definition)
        issue.unseen = self.rules.search_lag if kind == EXECUTION else 0
        self.issues[issue.key] = issue
        if kind == EXECUTION:
            self.box.add_run(ArrivedRun(issue.key, fields["summary"], self.clock(), project, fields))
        return issue

    def remove(self, issue: Issue) -> None:
        """Takes an issue away, with the results of an execution."""
        del self.issues[issue.key]
        self.box.remove_run(issue.key)
