"""What a Qase project holds beside runs: cases, plans, configurations, milestones, environments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, request

from .checks import both, each, one_of, record, whole
from .qase_answers import checked, done, listing
from .qase_fields import TITLE
from .qase_store import Store
from .site import Refused, Route


class Project:
    """The endpoints for what results refer to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/v1/project", self.projects),
            ("GET", "/v1/project/<code>", self.project),
            ("GET", "/v1/configuration/<code>", self.configurations),
            ("POST", "/v1/configuration/<code>/group", self.create_group),
            ("POST", "/v1/configuration/<code>", self.create_value),
            ("GET", "/v1/case/<code>", self.cases),
            ("GET", "/v1/case/<code>/<int:case_id>", self.case),
            ("GET", "/v1/milestone/<code>/<int:milestone_id>", self.milestone),
            ("GET", "/v1/environment/<code>", self.environments),
            ("GET", "/v1/plan/<code>", self.plans),
            ("POST", "/v1/plan/<code>", self.create_plan),
            ("GET", "/v1/plan/<code>/<int:plan_id>", self.plan),
        )

    def projects(self) -> Response:
        return listing([self._project(code) for code in self._rules.projects])

    def project(self, code: str) -> Response:
        return done(self._project(self._store.known_project(code)))

    def configurations(self, code: str) -> Response:
        self._store.known_project(code)
        with self._box.lock:
            groups = [
                {"id": group, "title": title, "configurations": self._values_of(group)}
                for group, title in self._store.groups.items()
            ]
        return listing(groups, is_paged=False)

    def create_group(self, code: str) -> Response:
        self._store.known_project(code)
        body = checked(record({"title": TITLE}))
        with self._box.lock:
            return done({"id": self._store.add_group(body["title"])})

    def create_value(self, code: str) -> Response:
        self._store.known_project(code)
        body = checked(record({"title": TITLE, "group_id": both(whole(), one_of(self._store.groups, "is unknown"))}))
        with self._box.lock:
            return done({"id": self._store.add_value(body["title"], body["group_id"])})

    def cases(self, code: str) -> Response:
        self._store.known_project(code)
        search = request.args.get("search", "").lower()
        entities: list[dict[str, Any]] = [{"id": key, "title": title} for key, title in self._store.titles().items()]
        return listing([case for case in entities if search in case["title"].lower()], total=len(entities))

    def case(self, code: str, case_id: int) -> Response:
        self._store.known_project(code)
        if case_id not in self._store.titles() and (self._rules.cases is not None or case_id < 1):
            raise Refused(404, "Test case not found.")
        return done({"id": case_id, "title": self._store.titles().get(case_id, f"Case {case_id}")})

    def milestone(self, code: str, milestone_id: int) -> Response:
        self._store.known_project(code)
        if milestone_id not in self._rules.milestones:
            raise Refused(404, "Milestone not found.")
        return done({"id": milestone_id, "title": self._rules.milestones[milestone_id], "status": "active"})

    def environments(self, code: str) -> Response:
        self._store.known_project(code)
        known = self._rules.environments.items()
        return listing([{"id": number, "slug": slug, "title": slug.title()} for slug, number in known])

    def plans(self, code: str) -> Response:
        self._store.known_project(code)
        return listing([_plan(plan, cases) for plan, cases in self._store.plans.items()])

    def create_plan(self, code: str) -> Response:
        self._store.known_project(code)
        body = checked(record({"title": TITLE, "cases": each(whole(least=1))}))
        with self._box.lock:
            key = max(self._store.plans, default=0) + 1
            self._store.plans[key] = tuple(body["cases"])
        return done({"id": key})

    def plan(self, code: str, plan_id: int) -> Response:
        self._store.known_project(code)
        if plan_id not in self._store.plans:
            raise Refused(404, "Test plan not found.")
        cases = self._store.plans[plan_id]
        return done({**_plan(plan_id, cases), "cases": [{"case_id": case, "assignee_id": None} for case in cases]})

    def _project(self, code: str) -> dict[str, Any]:
        with self._box.lock:
            runs = [run for run in self._box.runs.values() if run.project == code]
        active = sum(run.end is None for run in runs)
        counts = {
            "cases": len(self._store.titles()),
            "suites": 0,
            "milestones": len(self._rules.milestones),
            "runs": {"total": len(runs), "active": active},
            "defects": {"total": 0, "open": 0},
        }
        return {"title": f"Project {code}", "code": code, "counts": counts}

    def _values_of(self, group: int) -> list[dict[str, Any]]:
        return [{"id": key, "title": title} for key, (owner, title) in self._store.values.items() if owner == group]


def _plan(plan_id: int, cases: tuple[int, ...]) -> dict[str, Any]:
    return {"id": plan_id, "title": f"Plan {plan_id}", "description": None, "cases_count": len(cases)}
