"""What Xray Cloud's GraphQL can be asked: Tests, executions and plans, and to make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .box import ArrivedResult
from .checks import record
from .xray_fields import EXECUTION, PLAN, issue_create, statuses
from .xray_graphql import GraphQLError, page
from .xray_jira import shown
from .xray_jql import search
from .xray_store import Issue, Store


class Queries:
    """The fields of its types `Query` and `Mutation`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules

    def roots(self) -> dict[str, dict[str, Callable[..., Any]]]:
        """The functions by name, of queries and of mutations."""
        return {
            "query": {
                "getTests": self._get_tests,
                "getTestExecutions": self._get_executions,
                "getTestPlans": self._get_plans,
                "getProjectSettings": self._get_project_settings,
                "getStatuses": self._get_statuses,
            },
            "mutation": {
                "createTestExecution": self._create_execution,
                "createTestPlan": self._create_plan,
                "deleteTestExecution": self._delete_execution,
            },
        }

    def _get_tests(self, limit: int, jql: str = "", start: int = 0) -> dict[str, Any]:
        return page(limit, start, [self._test(issue) for issue in search(self._store, jql, "Test")])

    def _get_executions(self, limit: int, jql: str = "", start: int = 0) -> dict[str, Any]:
        return page(limit, start, [self._execution(issue) for issue in search(self._store, jql, EXECUTION)])

    def _get_plans(self, limit: int, jql: str = "", start: int = 0) -> dict[str, Any]:
        return page(limit, start, [self._plan(issue) for issue in search(self._store, jql, PLAN)])

    def _get_project_settings(self, projectIdOrKey: str) -> dict[str, Any] | None:  # noqa: N803 - Xray's
        if projectIdOrKey not in self._rules.projects:
            raise GraphQLError(f"Project {projectIdOrKey} not found.", "getProjectSettings")
        return {"projectId": "10000", "testEnvironments": []}

    def _get_statuses(self) -> list[dict[str, Any]]:
        return [{"name": name, "description": "", "color": ""} for name in statuses(self._rules, "cloud")]

    def _create_execution(
        self,
        jira: dict[str, Any],
        testEnvironments: list[str] | None = None,  # noqa: N803
        testIssueIds: list[str] | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        faults = list(record({"fields": issue_create(self._rules)})(jira, ""))
        if faults:
            words = "; ".join(" ".join(fault) for fault in faults)
            raise GraphQLError(f"Error assembling issue data: {words}", "createTestExecution")
        made = self._store.add_issue(EXECUTION, {**jira["fields"], "environments": testEnvironments or []})
        execution = self._execution(made)
        return {"testExecution": execution, "warnings": [], "createdTestEnvironments": testEnvironments or []}

    def _create_plan(self, jira: dict[str, Any], testIssueIds: list[str] | None = None) -> dict[str, Any]:  # noqa: N803
        faults = list(record({"fields": issue_create(self._rules)})(jira, ""))
        keys = {issue.id: issue.key for issue in self._store.issues.values() if issue.kind == "Test"}
        faults += [(f"testIssueIds.{id_}", "is no Test") for id_ in testIssueIds or () if id_ not in keys]
        if faults:
            words = "; ".join(" ".join(fault) for fault in faults)
            raise GraphQLError(f"Error assembling issue data: {words}", "createTestPlan")
        made = self._store.add_issue(PLAN, jira["fields"])
        self._store.plans[made.key] = [keys[id_] for id_ in testIssueIds or ()]
        return {"testPlan": self._plan(made), "warnings": []}

    def _plan(self, issue: Issue) -> dict[str, Any]:
        def tests(limit: int, start: int = 0) -> dict[str, Any]:
            return page(
                limit, start, [self._test(self._store.known("Test", key)) for key in self._store.plans[issue.key]]
            )

        return {"issueId": issue.id, "jira": lambda fields: shown(issue, fields), "tests": tests}

    def _delete_execution(self, issueId: str) -> str:  # noqa: N803
        found = next(
            (each for each in self._store.issues.values() if each.id == issueId and each.kind == EXECUTION), None
        )
        if found is None:
            raise GraphQLError(f"Test Execution with id {issueId} not found.", "deleteTestExecution")
        self._store.remove(found)
        return "Test Execution was deleted successfully."

    def _test(self, issue: Issue) -> dict[str, Any]:
        return {"issueId": issue.id, "unstructured": issue.definition, "jira": lambda fields: shown(issue, fields)}

    def _execution(self, issue: Issue) -> dict[str, Any]:
        def test_runs(limit: int, start: int = 0) -> dict[str, Any]:
            return page(limit, start, [self._test_run(each) for each in self._box.results_of(issue.key)])

        def tests(limit: int, start: int = 0) -> dict[str, Any]:
            return page(limit, start, [self._test(self._store.known("Test", each.id)) for each in results])

        results = self._box.results_of(issue.key)
        return {
            "issueId": issue.id,
            "projectId": "10000",
            "testEnvironments": issue.fields.get("environments", []),
            "jira": lambda fields: shown(issue, fields),
            "testRuns": test_runs,
            "tests": tests,
        }

    def _test_run(self, result: ArrivedResult) -> dict[str, Any]:
        return {
            "id": f"{result.run}/{result.id}",
            "status": {"name": result.status},
            "comment": result.body.get("comment"),
            "startedOn": result.body.get("start"),
            "finishedOn": result.body.get("finish"),
            "defects": result.body.get("defects", []),
            "test": self._test(self._store.known("Test", result.id)),
        }
