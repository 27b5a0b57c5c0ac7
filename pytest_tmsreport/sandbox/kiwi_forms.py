"""Rows of Kiwi TCMS as its forms make them, and as its filters show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from .box import Box
from .kiwi_fields import LONGEST, REQUIRED, SHORT, UNIQUE, Rules
from .kiwi_store import CASE_STATUSES, EXECUTION_STATUSES, PLAN_TYPES, Failed, Row, Store, columns


class Forms:
    """What the methods share: the store, with the rows that every server has, and the user who calls."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.box = box
        self.rules = rules
        self.clock = clock
        self.store = store = Store()
        store.add("User", **_user("AnonymousUser", is_active=False))
        self.user: int = store.add("User", **_user(rules.user))["id"]
        store.add("Classification", name="default")
        for name in PLAN_TYPES:
            store.add("PlanType", name=name, description="")
        for number in range(1, 6):
            store.add("Priority", value=f"P{number}", is_active=True)
        for name in CASE_STATUSES:
            store.add("TestCaseStatus", name=name, description="", is_confirmed=name == "CONFIRMED")
        for name, weight in EXECUTION_STATUSES.items():
            store.add("TestExecutionStatus", name=name, weight=weight, icon="fa fa-circle", color="#72767b")

    def shown(self, kind: str, query: Mapping[str, Any] | None) -> list[Row]:
        """The rows of a kind that a query names, as its filter shows them."""
        return [self.wide(kind, row) for row in self.store.filter(kind, query)]

    def wide(self, kind: str, row: Row) -> Row:
        """A row with what belongs to the rows it refers to, as filters show it."""
        shown: Row = {"id": row["id"]}
        for name in SHORT[kind]:
            if name in row or "__" not in name:
                shown[name] = row.get(name)
            else:
                shown[name] = self.store.values(kind, row, name.split("__"))[0]
        if kind == "TestPlan":
            shown["children__count"] = len(self.store.filter(kind, {"parent": row["id"]}))
        if kind == "TestCase":
            shown["expected_duration"] = 0.0
        if kind == "TestExecution":
            shown["expected_duration"] = 0.0
            both = row["start_date"] and row["stop_date"]
            shown["actual_duration"] = seconds(row["stop_date"]) - seconds(row["start_date"]) if both else None
        return shown

    def shown_as(self, kind: str, query: Mapping[str, Any], *names: str) -> list[Row]:
        """The rows of a kind that a query names, with these columns."""
        return [columns(row, "id", *names) for row in self.store.filter(kind, query)]

    def new(self, kind: str, values: Row) -> Row:
        """A row that is made of a form. Raises Failed with every field that is wrong."""
        errors = [(name, ["This field is required."]) for name in REQUIRED[kind] if values.get(name) in (None, "")]
        for name, most in LONGEST.items():
            text = values.get(name)
            if isinstance(text, str) and len(text) > most and not (kind == "TestRun" and name == "summary"):
                errors.append((name, [f"Ensure this value has at most {most} characters (it has {len(text)})."]))
        unique = UNIQUE.get(kind, ())
        twins = self.store.filter(kind, {name: values.get(name) for name in unique}) if unique and not errors else []
        if twins:
            words = " and ".join(name.title() for name in unique)
            errors.append((unique[0] if len(unique) == 1 else "__all__", [f"{kind} with this {words} already exists."]))
        if errors:
            raise Failed(str(errors))
        for name, text in values.items():
            encodable(text)
            if name in ("status", "category", "priority", "case_status", "product", "product_version", "type"):
                self.choice(kind, name, text)
        return dict(self.store.add(kind, **values))

    def choice(self, kind: str, name: str, number: Any) -> None:
        """Raises Failed for a number that stands for nothing."""
        other = {"status": "TestExecutionStatus", "case_status": "TestCaseStatus", "type": "PlanType"}.get(name)
        other = other or {"product_version": "Version"}.get(name, name.title())
        if not self.store.has(other, number):
            raise Failed(str([(name, ["Select a valid choice. That choice is not one of the available choices."])]))

    def person(self, told: Any) -> int:
        """The number of a user, told by number or name. Raises Failed for nobody."""
        for row in self.store.rows("User"):
            if str(told) in (str(row["id"]), row["username"]):
                return int(row["id"])
        raise Failed(str([("manager", [f'Unknown user: "{told}"'])]))

    def now(self) -> str:
        """The time as the server writes it."""
        return datetime.fromtimestamp(self.clock(), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def dated(row: Row) -> Row:
    """A row whose dates are as the server answers them."""
    return {
        key: held.replace(" ", "T") if key in ("start_date", "stop_date") and isinstance(held, str) else held
        for key, held in row.items()
    }


def seconds(text: Any) -> float:
    """Epoch seconds of a date. Raises Failed for what is none."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise Failed(str([("start_date", ["Invalid date format. Expected YYYY-MM-DD [HH:MM:SS]."])])) from error


def encodable(value: Any) -> None:
    """Raises Failed for a text that no database takes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Failed(str(error)) from error


def _user(name: str, *, is_active: bool = True) -> Row:
    fixed = {"first_name": "", "last_name": "", "is_staff": False, "is_superuser": False}
    return {"username": name, "email": f"{name}@kiwi.test", "is_active": is_active, **fixed}
