"""Kiwi TCMS's executions: their statuses, and comments, links and properties beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .box import ArrivedResult
from .kiwi_forms import Forms, dated, encodable, seconds
from .kiwi_store import Failed, Row, columns


class Executions:
    """The methods that say what became of a case in a run; runs have properties, too."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._box = forms.box
        self._rules = forms.rules
        self._store = forms.store

    def table(self) -> dict[str, Callable[..., Any]]:
        """The methods by name."""
        return {
            "TestExecution.update": self._update_execution,
            "TestExecution.add_comment": self._comment,
            "TestExecution.get_comments": self._comments,
            "TestExecution.add_link": self._link,
            "TestExecution.get_links": lambda query: self._forms.shown_as(
                "Link", query, "name", "url", "execution", "created_on", "is_defect"
            ),
            "TestExecution.properties": lambda query: self._forms.shown_as(
                "TestExecutionProperty", query, "name", "value", "execution"
            ),
            "TestExecution.add_property": lambda number, name, value: self._property(
                "TestExecution", number, name, value
            ),
            "TestRun.add_property": lambda number, name, value: self._property("TestRun", number, name, value),
        }

    def _update_execution(self, execution_id: int, values: Row) -> Row:
        row = self._store.get("TestExecution", execution_id)
        if "status" in values:
            self._forms.choice("TestExecution", "status", values["status"])
        for name in ("start_date", "stop_date"):
            if values.get(name):
                seconds(values[name])
        people = {name: self._forms.person(values[name]) for name in ("tested_by", "assignee") if values.get(name)}
        row.update({**values, **people})
        if values.get("status"):
            row["tested_by"] = people.get("tested_by") or self._forms.user
            self._arrive(row, values)
        wide = self._forms.wide("TestExecution", row)
        shown = ("assignee__username", "tested_by__username", "case__summary", "build__name", "status__name")
        return {**dated(row), **columns(wide, *shown)}

    def _arrive(self, row: Row, values: Row) -> None:
        status = self._store.get("TestExecutionStatus", row["status"])["name"]
        case = self._store.get("TestCase", row["case"])
        run, number = str(row["run"]), str(row["id"])
        there = (run, number) in self._box.results
        if there and self._box.results[run, number].status != status:
            del self._box.results[run, number]  # a later result takes the place of the earlier
        body = {"execution": values, "comments": [each["comment"] for each in self._comments(row["id"])]}
        self._box.add_result(ArrivedResult(number, run, status, case["summary"], (str(case["id"]),), body))

    def _comment(self, execution_id: int, text: str) -> Row:
        row = self._store.get("TestExecution", execution_id)
        encodable(text)
        fixed = {
            "content_type": 36,
            "object_pk": row["id"],
            "site": 1,
            "user": self._forms.user,
            "user_name": self._rules.user,
        }
        more = {
            "user_email": f"{self._rules.user}@kiwi.test",
            "user_url": "",
            "comment": text,
            "submit_date": self._forms.now(),
        }
        made = self._store.add("Comment", **fixed, **more, ip_address=None, is_public=True, is_removed=False)
        arrived = self._box.results.get((str(row["run"]), str(row["id"])))
        if arrived:
            arrived.body["comments"].append(self._box.mask(text))
        return dict(made)

    def _comments(self, execution_id: int) -> list[Row]:
        row = self._store.get("TestExecution", execution_id)
        renamed = {"content_type": "content_type_id", "site": "site_id", "user": "user_id"}
        return [
            {renamed.get(name, name): str(held) if name == "object_pk" else held for name, held in each.items()}
            for each in self._store.of("Comment", row["id"])
        ]

    def _link(self, values: Row, update_tracker: bool = False) -> Row:
        execution = self._store.get("TestExecution", values.get("execution") or values.get("execution_id"))
        errors = []
        if not re.match(r"(https?|ftps?)://[^\s/]+", str(values.get("url"))):
            errors.append(("url", ["Enter a valid URL."]))
        if len(str(values.get("name", ""))) > 64:
            size = len(values["name"])
            errors.append(("name", [f"Ensure this value has at most 64 characters (it has {size})."]))
        if errors:
            raise Failed(str(errors))
        own = {"name": values.get("name", ""), "url": values["url"], "is_defect": bool(values.get("is_defect"))}
        made = self._store.add("Link", execution=execution["id"], **own, created_on=self._forms.now())
        return columns(made, "id", "execution", "name", "url", "is_defect")

    def _property(self, kind: str, number: int, name: str, value: str) -> Row:
        row = self._store.get(kind, number)
        owner = "execution" if kind == "TestExecution" else "run"
        own = {owner: row["id"], "name": name, "value": value}
        there = self._store.filter(f"{kind}Property", own)
        return dict(there[0] if there else self._store.add(f"{kind}Property", **own))
