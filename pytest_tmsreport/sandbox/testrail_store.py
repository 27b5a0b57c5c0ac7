"""What a TestRail instance remembers beside the box: sections, cases, runs with their tests, plans, results, files."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable

from .box import ArrivedRun, Box
from .site import Refused
from .testrail_answers import Row, invalid
from .testrail_fields import PROJECT, SEVERAL, STATUSES, Rules

FIRST_PLANNED = 901
"""The run of the first plan that has one from the start; those that are made get higher numbers."""


class Store:
    """The rows of each kind by id, and what keeps them together.

    `tests` names run and case of each; a test gets its id when it is first asked for.
    """

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.box = box
        self.rules = rules
        self.clock = clock
        self.ids = itertools.count(1001)
        self.statuses = {**STATUSES, **rules.statuses}
        first = next(iter(rules.suites))
        self.sections: dict[int, Row] = {suite: _section(suite, "Test cases", suite, None, 0) for suite in rules.suites}
        self.cases: dict[int, Row] = {}
        for number in range(1, rules.cases + 1):
            own = {rules.automation_field: rules.automation.get(number)} if rules.automation_field else {}
            self.cases[number] = self._case(number, first, {"title": f"Case {number}", **own})
        self.runs: dict[int, Row] = {}
        self._chosen: dict[int, set[int]] = {}  # run -> its cases, where it does not include all
        self.tests: dict[int, tuple[int, int]] = {}
        self._test_ids: dict[tuple[int, int], int] = {}
        self.results: dict[int, Row] = {}
        self.files: dict[str, Row] = {}
        self.plans: dict[int, Row] = {key: plan_row({"name": name}, key) for key, name in rules.plans.items()}
        for run_id, (plan, cases) in enumerate(rules.planned.items(), FIRST_PLANNED):
            self._add_planned(run_id, self.plans[plan], set(cases), first)

    def know_project(self, project_id: int) -> None:
        """Raises Refused for another project than the one there is."""
        if project_id != PROJECT:
            raise invalid("project_id", "is not a valid or accessible project")

    def named_suite(self, suite: int | None) -> int:
        """The suite of that id, or the only one; raises Refused where it must be named, and for one that is unknown."""
        if suite is None and self.rules.suite_mode == SEVERAL:
            raise invalid("suite_id", "is a required field")
        if suite is not None and suite not in self.rules.suites:
            raise invalid("suite_id", "is not a valid test suite")
        return suite or next(iter(self.rules.suites))

    def known_run(self, run_id: int) -> Row:
        """The run; raises Refused where there is none."""
        if run_id not in self.runs:
            raise invalid("run_id", "is not a valid test run")
        return self.runs[run_id]

    def changeable_run(self, run_id: int) -> Row:
        """The run; raises Refused where there is none, and for one that is completed."""
        run = self.known_run(run_id)
        if run["is_completed"]:
            raise Refused(400, "The test run is completed and cannot be changed.")
        return run

    def add_section(self, body: Row) -> Row:
        """A section below another, or at the top of a suite."""
        with self.box.lock:
            parent = self.sections.get(body.get("parent_id") or 0)
            suite = parent["suite_id"] if parent else self.named_suite(body.get("suite_id"))
            key, depth = next(self.ids), parent["depth"] + 1 if parent else 0
            self.sections[key] = _section(key, body["name"], suite, body.get("parent_id"), depth)
            return self.sections[key]

    def delete_section(self, section_id: int) -> None:
        """Takes a section away, and its cases."""
        with self.box.lock:
            del self.sections[section_id]
            self.cases = {key: case for key, case in self.cases.items() if case["section_id"] != section_id}

    def add_cases(self, section: int, bodies: list[Row]) -> list[Row]:
        """Cases in a section."""
        with self.box.lock:
            made = [self._case(next(self.ids), section, body) for body in bodies]
            self.cases.update({case["id"]: case for case in made})
        return made

    def add_run(self, body: Row, root: str) -> Row:
        """A run, which is in the box from now on; `root` is the address of the instance."""
        key = next(self.ids)
        suite = self.named_suite(int(body["suite_id"]) if body.get("suite_id") else None)
        self._chosen[key] = self._valid(body.get("case_ids") or [], suite)
        self.runs[key] = run = self._run_row(key, suite, body, root)
        self.box.add_run(ArrivedRun(str(key), body["name"], self.clock(), str(PROJECT), body))
        return run

    def update_runs(self, runs: list[Row], body: Row) -> None:
        """Changes all of them, or none."""
        with self.box.lock:
            chosen = {run["id"]: self._valid(body.get("case_ids") or [], run["suite_id"]) for run in runs}
            for run in runs:
                run.update({key: body[key] for key in body if key in run and key not in ("suite_id", "config_ids")})
                if "case_ids" in body:
                    self._chosen[run["id"]] = chosen[run["id"]]

    def close_run(self, run: Row) -> None:
        """Completes a run."""
        run.update(is_completed=True, completed_on=round(self.clock()))
        self.box.runs[str(run["id"])].end = self.clock()

    def delete_runs(self, runs: list[int]) -> None:
        """Takes runs away, with their results."""
        with self.box.lock:
            for run in runs:
                del self.runs[run]
                self.box.remove_run(str(run))
                for key in [key for key, row in self.results.items() if self.tests[row["test_id"]][0] == run]:
                    del self.results[key]

    def counted(self, run: Row) -> Row:
        """A run with how many of its tests have each status."""
        with self.box.lock:
            tests = {self.test(run["id"], case) for case in self.cases_of(run)}
            latest = {each["test_id"]: each["status_id"] for each in self.results.values() if each["test_id"] in tests}
        counts = dict.fromkeys((f"{name}_count" for name in self.statuses.values()), 0)
        for status in latest.values():
            counts[f"{self.statuses[status]}_count"] += 1
        return {**run, **counts, "untested_count": len(tests) - len(latest)}

    def cases_of(self, run: Row) -> set[int]:
        """The cases that a run holds."""
        if run["include_all"]:
            return {key for key, case in self.cases.items() if case["suite_id"] == run["suite_id"]}
        return self._chosen[run["id"]]

    def test(self, run: int, case: int) -> int:
        """The test of a case in a run."""
        with self.box.lock:
            if (run, case) not in self._test_ids:
                self._test_ids[run, case] = next(self.ids)
                self.tests[self._test_ids[run, case]] = run, case
            return self._test_ids[run, case]

    def _add_planned(self, key: int, plan: Row, cases: set[int], suite: int) -> None:
        """A run that is there before anybody reports, and so is not in the box."""
        entry_id = str(uuid.UUID(int=key))
        self._chosen[key] = cases
        self.runs[key] = {
            **self._run_row(key, suite, {"name": plan["name"], "include_all": False}, ""),
            "plan_id": plan["id"],
            "entry_id": entry_id,
        }
        entry = {"id": entry_id, "name": plan["name"], "runs": [key], "suite_id": suite, "description": None}
        plan["entries"].append(entry)

    def _run_row(self, key: int, suite: int, body: Row, root: str) -> Row:
        return {
            "id": key,
            "suite_id": suite,
            "name": body["name"],
            "description": body.get("description"),
            "milestone_id": body.get("milestone_id"),
            "assignedto_id": body.get("assignedto_id"),
            "include_all": body.get("include_all", True),
            "is_completed": False,
            "completed_on": None,
            "config": ", ".join(self.rules.configs[each] for each in body.get("config_ids") or []) or None,
            "config_ids": body.get("config_ids") or [],
            "project_id": PROJECT,
            "plan_id": None,
            "entry_id": None,
            "refs": body.get("refs"),
            "created_on": round(self.clock()),
            "created_by": 1,
            "url": f"{root}index.php?/runs/view/{key}",
        }

    def _valid(self, cases: list[int], suite: int) -> set[int]:
        known = {case for case in cases if case in self.cases and self.cases[case]["suite_id"] == suite}
        if known != set(cases) and self.rules.unknown_in_run == "refused":
            raise invalid("case_ids", "contains one or more cases that are not part of the test suite")
        return known

    def _case(self, key: int, section: int, body: Row) -> Row:
        custom = {name: value for name, value in body.items() if name.startswith("custom_")}
        fixed = {"template_id": 1, "type_id": 3, "priority_id": 2, "milestone_id": None, "refs": None}
        given = {name: body.get(name) or value for name, value in fixed.items()}
        place = {"id": key, "title": body["title"], "section_id": section}
        return {**place, "suite_id": self.sections[section]["suite_id"], **given, **custom}


def plan_row(body: Row, key: int) -> Row:
    """A plan that holds nothing yet."""
    fields = {"description": body.get("description"), "milestone_id": body.get("milestone_id")}
    return {"id": key, "name": body["name"], **fields, "is_completed": False, "entries": []}


def _section(key: int, name: str, suite: int, parent: int | None, depth: int) -> Row:
    return {"id": key, "name": name, "suite_id": suite, "parent_id": parent, "depth": depth, "description": None}
