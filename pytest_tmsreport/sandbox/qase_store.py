"""What a Qase workspace remembers beside the box: plans and configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .box import ArrivedRun, Box
from .qase_fields import Rules
from .site import Refused


class Store:
    """Plans with their cases, groups of configurations with their titles, and values with their groups, by id."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.box = box
        self.rules = rules
        self.clock = clock
        self.plans = dict(rules.plans)
        self.groups: dict[int, str] = {}
        self.values: dict[int, tuple[int, str]] = {}
        for title, values in rules.configurations.items():
            group = self.add_group(title)
            for value in values:
                self.add_value(value, group)

    def known_project(self, code: str) -> str:
        """The code as Qase writes it; raises Refused for an unknown one."""
        if code.upper() not in self.rules.projects:
            raise Refused(404, "Project not found.")
        return code.upper()

    def known_run(self, code: str, run_id: int) -> ArrivedRun:
        """The run; raises Refused where the project has none of that id."""
        project = self.known_project(code)
        run = self.box.runs.get(str(run_id))
        if run is None or run.project != project:
            raise Refused(404, "Test run not found.")
        return run

    def titles(self) -> Mapping[int, str]:
        """The cases that there are to list: those of the rules, or those of the plans."""
        if self.rules.cases is not None:
            return self.rules.cases
        return {case: f"Case {case}" for case in sorted({case for plan in self.plans.values() for case in plan})}

    def add_group(self, title: str) -> int:
        """A group of configurations; returns its id."""
        self.groups[len(self.groups) + 1] = title
        return len(self.groups)

    def add_value(self, title: str, group: int) -> int:
        """A configuration in a group; returns its id."""
        key = 11 + len(self.values)
        self.values[key] = (group, title)
        return key
