"""Kiwi TCMS's test runs, their cases and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .box import ArrivedRun
from .kiwi_fields import SHORT
from .kiwi_forms import Forms, dated, seconds
from .kiwi_store import Failed, Row, columns


class Runs:
    """The methods that make, change and complete runs, and say what they hold."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._box = forms.box
        self._store = forms.store

    def table(self) -> dict[str, Callable[..., Any]]:
        """The methods by name."""
        return {
            "TestRun.create": self._run,
            "TestRun.update": self._update_run,
            "TestRun.add_case": self._add_to_run,
            "TestRun.get_cases": self._cases_of_run,
            "TestRun.add_tag": self._add_tag,
            "Tag.filter": self._tags,
        }

    def _run(self, values: Row) -> Row:
        plan = next(iter(self._store.filter("TestPlan", {"pk": values.get("plan")})), None)
        if plan is None and values.get("plan"):
            raise Failed("'NoneType' object has no attribute 'product_id'")
        fixed = {"start_date": None, "stop_date": None, "planned_start": None, "planned_stop": None, "notes": ""}
        people = {
            name: self._forms.person(values.get(name)) for name in ("manager", "default_tester") if values.get(name)
        }
        made = self._forms.new("TestRun", {**fixed, **values, "default_tester": self._forms.user, **people})
        start = seconds(made["start_date"]) if made["start_date"] else self._forms.clock()
        product = self._store.get("Product", plan["product"])["name"] if plan else ""
        self._box.add_run(ArrivedRun(str(made["id"]), made["summary"], start, project=product, body=values))
        return dated(made)

    def _update_run(self, run_id: int, values: Row) -> Row:
        row = self._store.get("TestRun", run_id)
        row.update(values)
        if values.get("stop_date"):
            self._box.runs[str(row["id"])].end = seconds(values["stop_date"])
        return dated(row)

    def _add_to_run(self, run_id: int, case_id: int) -> list[Row]:
        run, case = self._store.get("TestRun", run_id), self._store.get("TestCase", case_id)
        there = [row for row in self._store.of("TestExecution", case["id"]) if row["run"] == run["id"]]
        if not there:
            if not self._store.get("TestCaseStatus", case["case_status"])["is_confirmed"]:
                raise Failed(f"TC-{case['id']} status is not confirmed")
            there = [
                self._store.add(
                    "TestExecution",
                    assignee=run["default_tester"],
                    tested_by=None,
                    case_text_version=1,
                    start_date=None,
                    stop_date=None,
                    sortkey=10,
                    run=run["id"],
                    case=case["id"],
                    status=1,
                    build=run["build"],
                )
            ]
        return [{**dated(row), "properties": []} for row in there]

    def _cases_of_run(self, run_id: int) -> list[Row]:
        rows = self._store.filter("TestExecution", {"run": run_id})
        names = ("id", *(name for name in SHORT["TestCase"] if "__" not in name and "duration" not in name))
        statuses = {row["id"]: row["name"] for row in self._store.rows("TestExecutionStatus")}
        return [
            {
                **columns(self._store.get("TestCase", row["case"]), *names),
                "execution_id": row["id"],
                "status": statuses[row["status"]],
            }
            for row in rows
        ]

    def _add_tag(self, run_id: int, name: str) -> list[Row]:
        run = self._store.get("TestRun", run_id)
        tag = next(iter(self._store.filter("Tag", {"name": name})), None) or self._store.add("Tag", name=name)
        self._store.pairs["run tag"][run["id"], tag["id"]] = 1
        return self._store.filter("Tag", {"run": run["id"]})

    def _tags(self, query: Mapping[str, Any]) -> list[Row]:
        return [
            {**row, "case": None, "plan": None, "run": query.get("run"), "bugs": None}
            for row in self._store.filter("Tag", query)
        ]
