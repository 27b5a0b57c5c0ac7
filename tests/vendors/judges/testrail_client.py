"""The package testrail-api as a judge; runs where it is installed, and nothing of ours is.

Reads `{"url": …, "user": …, "token": …, "project": …, "file": …}` from stdin, goes through a whole session, and writes
what it heard as JSON to stdout.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from testrail_api import StatusCodeError, TestRailAPI  # type: ignore[import-not-found]


def session(told: dict[str, Any]) -> dict[str, Any]:
    """A run and a plan's entry that are opened, filled, read and closed, and what must be refused."""
    api = TestRailAPI(told["url"], told["user"], told["token"], warn_ignore=True)
    stranger = TestRailAPI(told["url"], told["user"], "wrong", warn_ignore=True)
    project = told["project"]
    section = api.sections.add_section(project, "by testrail-api", suite_id=1)
    inner = api.sections.add_section(project, "inner", suite_id=1, parent_id=section["id"])
    case = api.cases.add_case(inner["id"], "added", custom_automation_id="a.b")
    run = api.runs.add_run(project, name="nightly", include_all=False, case_ids=[1, 2, case["id"]], milestone_id=5)
    results = api.results.add_results_for_cases(
        run["id"],
        [{"case_id": 1, "status_id": 1, "elapsed": "1m 5s"}, {"case_id": case["id"], "status_id": 5, "defects": "B-1"}],
    )
    one = api.results.add_result_for_case(run["id"], 2, status_id=4, comment="again")
    file = api.attachments.add_attachment_to_result(results[0]["id"], told["file"])
    api.runs.update_run(run["id"], case_ids=[1, 2, 3, case["id"]])
    entry = api.plans.add_plan_entry(3, 1, name="entry", include_all=False, case_ids=[7])
    tests = api.tests.get_tests(run["id"])["tests"]
    read = api.runs.get_run(run["id"])
    planned = api.plans.get_plan(8)["entries"][0]["runs"]
    closed = api.runs.close_run(run["id"])
    return {
        "user": api.users.get_user_by_email(told["user"])["email"],
        "projects": [row["id"] for row in api.projects.get_projects()["projects"]],
        "statuses": {row["id"]: row["name"] for row in api.statuses.get_statuses()},
        "section": [section["depth"], inner["depth"], inner["parent_id"] == section["id"]],
        "case": api.cases.get_case(case["id"])["custom_automation_id"],
        "pages": [len(api.cases.get_cases(project, suite_id=1, offset=offset)["cases"]) for offset in (0, 750, 1000)],
        "all cases": len(api.cases.get_cases_bulk(project, suite_id=1)),
        "results": [[row["status_id"], row["elapsed"], row["defects"]] for row in results],
        "one": [one["status_id"], one["comment"]],
        "file": bool(file["attachment_id"]),
        "entry": [len(entry["runs"]), entry["runs"][0]["plan_id"]],
        "tests": [[test["case_id"] == case["id"], test["status_id"]] for test in tests],
        "planned": [test["case_id"] for test in api.tests.get_tests(planned[0]["id"])["tests"]],
        "counts": [read[f"{name}_count"] for name in ("passed", "failed", "retest", "untested")],
        "of run": [row["id"] for row in api.results.get_results_for_run(run["id"])["results"]]
        == [one["id"], results[1]["id"], results[0]["id"]],
        "closed": closed["is_completed"],
        "refused": {
            "unknown case": _refused(lambda: api.results.add_result_for_case(entry["runs"][0]["id"], 8, status_id=1)),
            "untested": _refused(lambda: api.results.add_result_for_case(entry["runs"][0]["id"], 7, status_id=3)),
            "no time": _refused(
                lambda: api.results.add_result_for_case(entry["runs"][0]["id"], 7, status_id=1, elapsed="0s")
            ),
            "closed run": _refused(lambda: api.results.add_result_for_case(run["id"], 1, status_id=1)),
            "unknown run": _refused(lambda: api.runs.get_run(4711)),
            "wrong token": _refused(stranger.statuses.get_statuses),
        },
    }


def _refused(call: Any) -> int:
    try:
        call()
    except StatusCodeError as error:
        return int(error.status_code)
    return 0


if __name__ == "__main__":
    json.dump(session(json.load(sys.stdin)), sys.stdout)
