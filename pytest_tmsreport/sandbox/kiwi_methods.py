"""The methods of a Kiwi TCMS server, as its source has them: what they take, return and refuse."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box
from .kiwi_store import CASE_STATUSES, EXECUTION_STATUSES, PLAN_TYPES, Failed, Row, Store, columns

if TYPE_CHECKING:
    from .kiwi import Rules

FORBIDDEN_TAGS = [
    "applet",
    "audio",
    "bgsound",
    "body",
    "canvas",
    "embed",
    "frame",
    "frameset",
    "head",
    "html",
    "iframe",
    "link",
    "meta",
    "object",
    "param",
    "source",
    "script",
    "ruby",
    "rt",
    "title",
    "track",
    "video",
    "xmp",
]
NEW = (
    "TestExecution.add_attachment",
    "TestExecution.list_attachments",
    "TestExecution.add_property",
    "TestRun.add_property",
)
"""What version 12.4 lacks."""
SHORT = {
    "Classification": ("name",),
    "Product": ("name", "description", "classification"),
    "Version": ("value", "product", "product__name"),
    "Build": ("name", "version", "version__value", "is_active"),
    "Category": ("name", "product", "description"),
    "Priority": ("value", "is_active"),
    "PlanType": ("name", "description"),
    "TestCaseStatus": ("name", "description", "is_confirmed"),
    "TestExecutionStatus": ("name", "weight", "icon", "color"),
    "User": ("email", "first_name", "is_active", "is_staff", "is_superuser", "last_name", "username"),
    "TestPlan": (
        *("name", "text", "create_date", "is_active", "extra_link", "product_version", "product_version__value"),
        *("product", "product__name", "author", "author__username", "type", "type__name", "parent"),
    ),
    "TestCase": (
        *(
            "create_date",
            "is_automated",
            "script",
            "arguments",
            "extra_link",
            "summary",
            "requirement",
            "notes",
            "text",
        ),
        *("case_status", "case_status__name", "category", "category__name", "priority", "priority__value", "author"),
        *("author__username", "default_tester", "default_tester__username", "reviewer", "reviewer__username"),
        *("setup_duration", "testing_duration", "expected_duration"),
    ),
    "TestRun": (
        *("plan__product_version", "plan__product_version__value", "start_date", "stop_date", "planned_start"),
        *("planned_stop", "summary", "notes", "plan", "plan__product", "plan__name", "build", "build__name", "manager"),
        *("manager__username", "default_tester", "default_tester__username"),
    ),
    "TestExecution": (
        *("assignee", "assignee__username", "tested_by", "tested_by__username", "case_text_version", "start_date"),
        *("stop_date", "sortkey", "run", "case", "case__summary", "build", "build__name", "status", "status__name"),
        *("status__icon", "status__color", "expected_duration", "actual_duration"),
    ),
}
"""What a filter shows of each kind beside its number."""
UNIQUE = {
    "Product": ("name",),
    "Version": ("product", "value"),
    "Build": ("version", "name"),
    "Category": ("product", "name"),
}
REQUIRED = {
    "Classification": ("name",),
    "PlanType": ("name",),
    **UNIQUE,
    "TestPlan": ("name", "product", "product_version", "type"),
    "TestCase": ("summary", "category", "priority", "case_status"),
    "TestRun": ("summary", "plan", "build", "manager"),
}
LONGEST = {"summary": 255, "name": 255, "value": 192}


@dataclass
class Caller:
    """Who calls: whether signed in, and the key of the session that the call has opened."""

    is_in: bool
    new_key: str = ""


class Methods:
    """The methods by name, over one store."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._store = store = Store()
        self._user = store.add("User", **_user("AnonymousUser", is_active=False))["id"]
        self._user = store.add("User", **_user(rules.user))["id"]
        store.add("Classification", name="default")
        for name in PLAN_TYPES:
            store.add("PlanType", name=name, description="")
        for number in range(1, 6):
            store.add("Priority", value=f"P{number}", is_active=True)
        for name in CASE_STATUSES:
            store.add("TestCaseStatus", name=name, description="", is_confirmed=name == "CONFIRMED")
        for name, weight in EXECUTION_STATUSES.items():
            store.add("TestExecutionStatus", name=name, weight=weight, icon="fa fa-circle", color="#72767b")
        self._product({"name": rules.product, "classification": 1})
        for number in range(1, rules.cases + 1):
            self._case({"summary": f"Case {number}", "category": 1, "priority": 1, "case_status": 2})
        self.table = self._table()

    def _table(self) -> dict[str, Callable[..., Any]]:
        table: dict[str, Callable[..., Any]] = {
            **{f"{kind}.filter": self._filter_of(kind) for kind in SHORT},
            "Auth.login": lambda username, password: (username, password),
            "Auth.logout": lambda: None,
            "KiwiTCMS.version": lambda: "12.4" if self._rules.is_old else "16.2",
            "User.filter": lambda query=None: self._shown("User", query or {"pk": self._user}),
            "Classification.create": lambda values: self._new("Classification", values),
            "PlanType.create": lambda values: self._new("PlanType", {"description": "", **values}),
            "Product.create": self._product,
            "Version.create": self._version,
            "Build.create": lambda values: self._new("Build", {"is_active": True, **values}),
            "Category.create": lambda values: self._new("Category", {"description": "", **values}),
            "TestPlan.create": self._plan,
            "TestPlan.add_case": self._add_to_plan,
            "TestCase.create": self._case,
            "TestCase.update": self._update_case,
            "TestCase.sortkeys": self._sortkeys,
            "TestRun.create": self._run,
            "TestRun.update": self._update_run,
            "TestRun.add_case": self._add_to_run,
            "TestRun.get_cases": self._cases_of_run,
            "TestRun.add_tag": self._add_tag,
            "TestRun.add_attachment": lambda number, *file: self._attach("TestRun", number, *file),
            "TestRun.add_property": lambda number, name, value: self._property("TestRun", number, name, value),
            "Tag.filter": self._tags,
            "TestExecution.update": self._update_execution,
            "TestExecution.add_comment": self._comment,
            "TestExecution.get_comments": self._comments,
            "TestExecution.add_link": self._link,
            "TestExecution.get_links": lambda query: self._shown_as(
                "Link", query, "name", "url", "execution", "created_on", "is_defect"
            ),
            "TestExecution.properties": lambda query: self._shown_as(
                "TestExecutionProperty", query, "name", "value", "execution"
            ),
            "TestExecution.add_property": lambda number, name, value: self._property(
                "TestExecution", number, name, value
            ),
            "TestExecution.add_attachment": lambda number, *file: self._attach("TestExecution", number, *file),
            "TestExecution.list_attachments": self._files,
        }
        known = {name: method for name, method in table.items() if not (self._rules.is_old and name in NEW)}
        known["system.listMethods"] = lambda: sorted(known)
        return known

    def _filter_of(self, kind: str) -> Callable[..., list[Row]]:
        return lambda query=None: self._shown(kind, query)

    def _shown(self, kind: str, query: Mapping[str, Any] | None) -> list[Row]:
        return [self._wide(kind, row) for row in self._store.filter(kind, query)]

    def _wide(self, kind: str, row: Row) -> Row:
        shown: Row = {"id": row["id"]}
        for name in SHORT[kind]:
            if name in row or "__" not in name:
                shown[name] = row.get(name)
            else:
                shown[name] = self._store.values(kind, row, name.split("__"))[0]
        if kind == "TestPlan":
            shown["children__count"] = len(self._store.filter(kind, {"parent": row["id"]}))
        if kind == "TestCase":
            shown["expected_duration"] = 0.0
        if kind == "TestExecution":
            shown["expected_duration"] = 0.0
            both = row["start_date"] and row["stop_date"]
            shown["actual_duration"] = _seconds(row["stop_date"]) - _seconds(row["start_date"]) if both else None
        return shown

    def _shown_as(self, kind: str, query: Mapping[str, Any], *names: str) -> list[Row]:
        return [columns(row, "id", *names) for row in self._store.filter(kind, query)]

    def _new(self, kind: str, values: Row) -> Row:
        """A row that is made of a form. Raises Failed with every field that is wrong."""
        errors = [(name, ["This field is required."]) for name in REQUIRED[kind] if values.get(name) in (None, "")]
        for name, most in LONGEST.items():
            text = values.get(name)
            if isinstance(text, str) and len(text) > most and not (kind == "TestRun" and name == "summary"):
                errors.append((name, [f"Ensure this value has at most {most} characters (it has {len(text)})."]))
        unique = UNIQUE.get(kind, ())
        twins = self._store.filter(kind, {name: values.get(name) for name in unique}) if unique and not errors else []
        if twins:
            words = " and ".join(name.title() for name in unique)
            errors.append((unique[0] if len(unique) == 1 else "__all__", [f"{kind} with this {words} already exists."]))
        if errors:
            raise Failed(str(errors))
        for name, text in values.items():
            _encodable(text)
            if name in ("status", "category", "priority", "case_status", "product", "product_version", "type"):
                self._choice(kind, name, text)
        return dict(self._store.add(kind, **values))

    def _choice(self, kind: str, name: str, number: Any) -> None:
        other = {"status": "TestExecutionStatus", "case_status": "TestCaseStatus", "type": "PlanType"}.get(name)
        other = other or {"product_version": "Version"}.get(name, name.title())
        if not self._store.has(other, number):
            raise Failed(str([(name, ["Select a valid choice. That choice is not one of the available choices."])]))

    def _product(self, values: Row) -> Row:
        made = self._new("Product", {"description": "", **values})
        self._store.add("Category", name="--default--", product=made["id"], description="")
        self._version({"product": made["id"], "value": "unspecified"})
        return made

    def _version(self, values: Row) -> Row:
        name = self._store.get("Product", values.get("product"))["name"]
        made = self._new("Version", {**values, "product__name": name})
        self._store.add("Build", name="unspecified", version=made["id"], is_active=True)
        return columns(made, "id", "value", "product")

    def _plan(self, values: Row) -> Row:
        fixed = {"parent": None, "text": "", "is_active": True, "extra_link": None, "author": self._user}
        return self._new("TestPlan", {**fixed, **values, "create_date": self._now()})

    def _add_to_plan(self, plan_id: int, case_id: int) -> Row:
        plan, case = self._store.get("TestPlan", plan_id), self._store.get("TestCase", case_id)
        pairs = self._store.pairs["plan case"]
        key = pairs.setdefault((plan["id"], case["id"]), 10 * len(pairs))
        return {**case, "sortkey": key}

    def _sortkeys(self, query: Mapping[str, Any]) -> dict[str, int]:
        pairs = self._store.pairs["plan case"].items()
        return {str(case): key for (plan, case), key in pairs if plan == query.get("plan")}

    def _case(self, values: Row) -> Row:
        fixed = {"is_automated": False, "script": "", "arguments": "", "extra_link": None, "requirement": None}
        more = {"notes": "", "text": "", "setup_duration": None, "testing_duration": None, "author": self._user}
        own = {**fixed, **more, "default_tester": None, "reviewer": None, **values, "create_date": self._now()}
        return {**self._new("TestCase", own), "setup_duration": "None", "testing_duration": "None"}

    def _update_case(self, case_id: int, values: Row) -> Row:
        row = self._store.get("TestCase", case_id)
        row.update(values)
        return dict(row)

    def _run(self, values: Row) -> Row:
        plan = next(iter(self._store.filter("TestPlan", {"pk": values.get("plan")})), None)
        if plan is None and values.get("plan"):
            raise Failed("'NoneType' object has no attribute 'product_id'")
        fixed = {"start_date": None, "stop_date": None, "planned_start": None, "planned_stop": None, "notes": ""}
        people = {name: self._person(values.get(name)) for name in ("manager", "default_tester") if values.get(name)}
        made = self._new("TestRun", {**fixed, **values, "default_tester": self._user, **people})
        start = _seconds(made["start_date"]) if made["start_date"] else self._clock()
        product = self._store.get("Product", plan["product"])["name"] if plan else ""
        self._box.add_run(ArrivedRun(str(made["id"]), made["summary"], start, project=product, body=values))
        return _dated(made)

    def _update_run(self, run_id: int, values: Row) -> Row:
        row = self._store.get("TestRun", run_id)
        row.update(values)
        if values.get("stop_date"):
            self._box.runs[str(row["id"])].end = _seconds(values["stop_date"])
        return _dated(row)

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
        return [{**_dated(row), "properties": []} for row in there]

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

    def _update_execution(self, execution_id: int, values: Row) -> Row:
        row = self._store.get("TestExecution", execution_id)
        if "status" in values:
            self._choice("TestExecution", "status", values["status"])
        for name in ("start_date", "stop_date"):
            if values.get(name):
                _seconds(values[name])
        people = {name: self._person(values[name]) for name in ("tested_by", "assignee") if values.get(name)}
        row.update({**values, **people})
        if values.get("status"):
            row["tested_by"] = people.get("tested_by") or self._user
            self._arrive(row, values)
        wide = self._wide("TestExecution", row)
        shown = ("assignee__username", "tested_by__username", "case__summary", "build__name", "status__name")
        return {**_dated(row), **columns(wide, *shown)}

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
        _encodable(text)
        fixed = {
            "content_type": 36,
            "object_pk": row["id"],
            "site": 1,
            "user": self._user,
            "user_name": self._rules.user,
        }
        more = {
            "user_email": f"{self._rules.user}@kiwi.test",
            "user_url": "",
            "comment": text,
            "submit_date": self._now(),
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
        made = self._store.add("Link", execution=execution["id"], **own, created_on=self._now())
        return columns(made, "id", "execution", "name", "url", "is_defect")

    def _property(self, kind: str, number: int, name: str, value: str) -> Row:
        row = self._store.get(kind, number)
        owner = "execution" if kind == "TestExecution" else "run"
        own = {owner: row["id"], "name": name, "value": value}
        there = self._store.filter(f"{kind}Property", own)
        return dict(there[0] if there else self._store.add(f"{kind}Property", **own))

    def _attach(self, kind: str, number: int, name: str, content: str) -> None:
        if not self._store.has(kind, number):
            raise Failed(f"No {kind} matches the given query.")
        try:
            raw = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise Failed(str(error)) from error
        fault = self._refusal(name, raw)
        if fault:
            raise Failed(str({"attachment_file": [fault]}))
        made = self._store.add("File", of=kind, owner=number, name=name)
        digest = hashlib.sha256(raw).hexdigest()
        self._box.add_attachment(ArrivedFile(str(made["id"]), name, "application/octet-stream", len(raw), digest))

    def _refusal(self, name: str, raw: bytes) -> str:
        """Why a file is not taken; empty where it is."""
        low = raw.lower()
        tag = next((tag for tag in FORBIDDEN_TAGS if f"<{tag}".encode() in low), "")
        faults = {
            "The submitted file is empty.": not raw,
            f"File contains forbidden tag: <{tag}>": bool(tag),
            "File contains forbidden attribute: `onload`": b"onload=" in low,
            "Uploading executable files is forbidden": ".exe" in name,
            "The file is larger than the server allows.": len(raw) > self._rules.file_bytes,
        }
        return next((fault for fault, is_so in faults.items() if is_so), "")

    def _files(self, execution_id: int) -> list[Row]:
        found = self._store.filter("File", {"of": "TestExecution", "owner": execution_id})
        owner = {"owner_pk": self._user, "owner_username": self._rules.user, "date": self._now()}
        return [{"pk": row["id"], "url": f"http://kiwi.test/uploads/{row['name']}", **owner} for row in found]

    def _person(self, told: Any) -> int:
        """The number of a user, told by number or name. Raises Failed for nobody."""
        for row in self._store.rows("User"):
            if str(told) in (str(row["id"]), row["username"]):
                return int(row["id"])
        raise Failed(str([("manager", [f'Unknown user: "{told}"'])]))

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def _user(name: str, *, is_active: bool = True) -> Row:
    fixed = {"first_name": "", "last_name": "", "is_staff": False, "is_superuser": False}
    return {"username": name, "email": f"{name}@kiwi.test", "is_active": is_active, **fixed}


def _dated(row: Row) -> Row:
    """A row whose dates are as the server answers them."""
    return {
        key: held.replace(" ", "T") if key in ("start_date", "stop_date") and isinstance(held, str) else held
        for key, held in row.items()
    }


def _seconds(text: Any) -> float:
    """Epoch seconds of a date. Raises Failed for what is none."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise Failed(str([("start_date", ["Invalid date format. Expected YYYY-MM-DD [HH:MM:SS]."])])) from error


def _encodable(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Failed(str(error)) from error
