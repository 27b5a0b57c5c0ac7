"""What a Kiwi TCMS server keeps, and the look-ups of its filters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
EXECUTION_STATUSES: Mapping[str, int] = {
    "IDLE": 0,
    "RUNNING": 0,
    "PAUSED": 0,
    "PASSED": 20,
    "FAILED": -30,
    "BLOCKED": -10,
    "ERROR": -20,
    "WAIVED": 10,
}
CASE_STATUSES = ("PROPOSED", "CONFIRMED", "DISABLED", "NEED_UPDATE")
PLAN_TYPES = ("Unit", "Integration", "Function", "System", "Acceptance", "Installation", "Performance", "Product")
RELATIONS: Mapping[str, Mapping[str, str]] = {
    "Product": {"classification": "Classification"},
    "Version": {"product": "Product"},
    "Build": {"version": "Version"},
    "Category": {"product": "Product"},
    "TestPlan": {"product": "Product", "product_version": "Version", "type": "PlanType", "author": "User"},
    "TestCase": {"category": "Category", "priority": "Priority", "case_status": "TestCaseStatus", "author": "User"},
    "TestRun": {"plan": "TestPlan", "build": "Build", "manager": "User", "default_tester": "User"},
    "TestExecution": {
        "run": "TestRun",
        "case": "TestCase",
        "build": "Build",
        "status": "TestExecutionStatus",
        "assignee": "User",
        "tested_by": "User",
    },
}
"""Kind -> its fields that are numbers of another kind."""
OWNERS = {"TestExecution": "case", "Comment": "object_pk"}
"""Kind -> the field by which its rows are found at once: there are thousands, and it never changes."""
LOOKUPS: Mapping[str, Callable[[Any, Any], bool]] = {
    "exact": lambda held, wanted: held == wanted,
    "in": lambda held, wanted: held in wanted,
    "contains": lambda held, wanted: str(wanted) in str(held or ""),
    "icontains": lambda held, wanted: str(wanted).lower() in str(held or "").lower(),
    "startswith": lambda held, wanted: str(held or "").startswith(str(wanted)),
    "isnull": lambda held, wanted: (held is None) is wanted,
    "gt": lambda held, wanted: held is not None and held > wanted,
    "gte": lambda held, wanted: held is not None and held >= wanted,
    "lt": lambda held, wanted: held is not None and held < wanted,
    "lte": lambda held, wanted: held is not None and held <= wanted,
}


class Failed(Exception):  # noqa: N818 - an answer, not a fault of this program
    """What a method raises, as the server words it."""


class Store:
    """Tables of rows by number. What belongs to many (the plans of a case, the tags of a run) is a set of pairs."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[int, Row]] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        self._owned: dict[tuple[str, Any], list[Row]] = {}
        self.pairs: dict[str, dict[tuple[int, int], int]] = {"plan case": {}, "run tag": {}}

    def add(self, kind: str, **fields: Any) -> Row:
        """Keeps a new row."""
        number = next(self._numbers.setdefault(kind, itertools.count(1)))
        row = {"id": number, **fields}
        self._table(kind)[number] = row
        if kind in OWNERS:
            self._owned.setdefault((kind, row[OWNERS[kind]]), []).append(row)
        return row

    def get(self, kind: str, number: Any) -> Row:
        """A row by its number. Raises Failed where there is none."""
        row = self._table(kind).get(int(number)) if str(number).isdecimal() else None
        if row is None:
            raise Failed(f"{kind} matching query does not exist.")
        return row

    def has(self, kind: str, number: Any) -> bool:
        """True where there is a row of that number."""
        return str(number).isdecimal() and int(number) in self._table(kind)

    def rows(self, kind: str) -> Iterable[Row]:
        """All rows of a kind."""
        return self._table(kind).values()

    def of(self, kind: str, number: Any) -> list[Row]:
        """The rows of a kind that belong to another row, by the field that `OWNERS` names."""
        return self._owned.get((kind, number), [])

    def filter(self, kind: str, query: Mapping[str, Any] | None) -> list[Row]:
        """The rows that a query of Django's look-ups finds. Raises Failed for a field that there is not."""
        tests = [(*self._parsed(kind, key), wanted) for key, wanted in (query or {}).items()]
        return [
            row
            for row in self.rows(kind)
            if all(
                any(LOOKUPS[how](held, wanted) for held in self.values(kind, row, path)) for path, how, wanted in tests
            )
        ]

    def _table(self, kind: str) -> dict[int, Row]:
        return self._tables.setdefault(kind, {})

    def _parsed(self, kind: str, key: str) -> tuple[list[str], str]:
        path = key.split("__")
        how = path.pop() if path[-1] in LOOKUPS else "exact"
        if not path:
            raise Failed(f"Cannot resolve keyword '{key}' into field.")
        return path, how

    def values(self, kind: str, row: Row, path: list[str]) -> list[Any]:
        """What is at a path of relations: several values where many belong to one."""
        name, *rest = path
        name = "id" if name == "pk" else name
        if kind == "TestCase" and name == "plan":
            return [plan for plan, case in self.pairs["plan case"] if case == row["id"]]
        if kind == "Tag" and name == "run":
            return [run for run, tag in self.pairs["run tag"] if tag == row["id"]]
        if name not in row:
            choices = ", ".join(sorted(row))
            raise Failed(f"Cannot resolve keyword '{name}' into field. Choices are: {choices}")
        other = RELATIONS.get(kind, {}).get(name)
        if not rest or other is None or row[name] is None:
            return [row[name]]
        return self.values(other, self.get(other, row[name]), rest)


def columns(row: Row, *names: str) -> Row:
    """Some fields of a row."""
    return {name: row.get(name) for name in names}
