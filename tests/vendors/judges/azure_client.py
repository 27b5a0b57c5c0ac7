"""The official package azure-devops as a judge; runs where it is installed, and nothing of ours is.

Reads `{"url": …, "project": …, "token": …}` from stdin, goes through a session with a plan and one without, and writes
what it heard as JSON to stdout.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

from azure.devops.connection import Connection  # type: ignore[import-not-found]
from azure.devops.v7_0.test import models as runs  # type: ignore[import-not-found]
from azure.devops.v7_0.test_plan import models as plans  # type: ignore[import-not-found]
from msrest.authentication import BasicAuthentication  # type: ignore[import-not-found]


def session(told: dict[str, Any]) -> dict[str, Any]:
    """A plan that is made and read, a run of it and one without, results, files, and what must be refused."""
    project = told["project"]
    connection = Connection(base_url=told["url"], creds=BasicAuthentication("", told["token"]))
    test, plan_client = connection.clients.get_test_client(), connection.clients.get_test_plan_client()

    plan = plan_client.create_test_plan(plans.TestPlanCreateParams(name="by the official client"), project)
    suite = plan.root_suite.id
    wanted = [
        plans.SuiteTestCaseCreateUpdateParameters(
            work_item=plans.WorkItem(id=case), point_assignments=[plans.Configuration(configuration_id=2)]
        )
        for case in (7, 8)
    ]
    plan_client.add_test_cases_to_suite(wanted, project, plan.id, suite)
    cases = plan_client.get_test_case_list(project, plan.id, suite, is_recursive=True)
    points = [case.point_assignments[0].id for case in cases]
    child = plan_client.create_test_suite(
        plans.TestSuiteCreateParams(
            name="child", suite_type="staticTestSuite", parent_suite=plans.TestSuiteReference(id=suite)
        ),
        project,
        plan.id,
    )
    planned = test.create_test_run(
        runs.RunCreateModel(
            name="planned", automated=True, plan=runs.ShallowReference(id=str(plan.id)), point_ids=points
        ),
        project,
    )
    slots = test.get_test_results(project, planned.id)
    test.update_test_results(
        [runs.TestCaseResult(id=slots[0].id, outcome="Passed", state="Completed")], project, planned.id
    )
    free = test.create_test_run(runs.RunCreateModel(name="free", automated=True, state="InProgress"), project)
    added = test.add_test_results_to_test_run(
        [
            runs.TestCaseResult(
                test_case_title=name,
                automated_test_name=name,
                outcome=outcome,
                state="Completed",
                duration_in_ms=1500.0,
            )
            for name, outcome in (("a", "Passed"), ("b", "Failed"))
        ],
        project,
        free.id,
    )
    body = runs.TestAttachmentRequestModel(
        stream=base64.b64encode(b"hello").decode(), file_name="log.txt", attachment_type="GeneralAttachment"
    )
    file = test.create_test_result_attachment(body, project, free.id, added[0].id)
    test.create_test_run_attachment(body, project, free.id)
    listed = test.get_test_result_attachments(project, free.id, added[0].id)
    statistics = test.get_test_run_statistics(project, free.id).run_statistics
    now = datetime.now(timezone.utc)
    queried = test.query_test_runs(
        project, now - timedelta(days=3), now + timedelta(days=3), state="inProgress", is_automated=True
    )
    completed = test.update_test_run(runs.RunUpdateModel(state="Completed"), project, free.id)
    read = test.get_test_run_by_id(project, free.id)
    test.delete_test_run(project, planned.id)
    return {
        "plan": [plan.name, [case.work_item.id for case in cases], child.name],
        "configurations": [each.name for each in plan_client.get_test_configurations(project)],
        "slots": [[slot.id, slot.test_case.id, slot.test_point.id == str(points[at])] for at, slot in enumerate(slots)],
        "added": [each.id for each in added],
        "one": test.get_test_result_by_id(project, free.id, added[1].id).outcome,
        "file": [file.id == listed[0].id, listed[0].file_name, listed[0].size],
        "statistics": {each.outcome: each.count for each in statistics},
        "queried": [run.name for run in queried],
        "completed": [completed.state, read.total_tests, read.passed_tests, read.incomplete_tests],
        "left": [run.name for run in test.get_test_runs(project)],
        "refused": {
            "unknown run": refusal(lambda: test.get_test_run_by_id(project, 4711)),
            "unknown plan": refusal(lambda: plan_client.get_test_plan_by_id(project, 4711)),
            "no test point": refusal(
                lambda: test.add_test_results_to_test_run(
                    [runs.TestCaseResult(test_case_title="a", outcome="Passed")],
                    project,
                    unplanned(test, project, plan),
                )
            ),
            "wrong token": refusal(lambda: stranger(told).get_test_runs(project)),
        },
    }


def unplanned(test: Any, project: str, plan: Any) -> int:
    """A run of a plan to which somebody adds a result without a point."""
    model = runs.RunCreateModel(name="of a plan", plan=runs.ShallowReference(id=str(plan.id)))
    return int(test.create_test_run(model, project).id)


def stranger(told: dict[str, Any]) -> Any:
    """A client with a token that opens nothing."""
    return Connection(base_url=told["url"] + "/", creds=BasicAuthentication("", "wrong")).clients.get_test_client()


def refusal(call: Any) -> str:
    """The words of a refusal; `taken` where there was none."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - each kind of theirs
        return f"{type(error).__name__}: {error}"[:120]
    return "taken"


print(json.dumps(session(json.load(sys.stdin))))  # noqa: T201 - that is the answer
