"""Asks zephyr-python-api what it finds in a sandbox: JSON of `url`, `token` and `file` in, JSON out."""

from __future__ import annotations

import json
import sys
from typing import Any

from requests import HTTPError
from zephyr import ZephyrScale

asked = json.load(sys.stdin)


def refused(call: Any) -> str:
    try:
        call()
    except HTTPError as error:
        return str(error)[:9]
    return ""


cloud = ZephyrScale(base_url=f"{asked['url']}/v2/", token=asked["token"]).api
cycle = cloud.test_cycles.create_test_cycle("SHOP", "by the client", description="of the Cloud")["key"]
folder = cloud.folders.create_folder("Nightly", "SHOP", "TEST_CYCLE")["id"]
for number, status in enumerate(("Pass", "Fail"), 1):
    cloud.test_executions.create_test_execution(
        project_key="SHOP", test_case_key=f"SHOP-T{number}", test_cycle_key=cycle, status_name=status
    )
listed = list(cloud.test_executions.get_test_executions(projectKey="SHOP", testCycle=cycle, maxResults=1))
imported = cloud.automations.post_custom_format("SHOP", asked["file"], auto_create=True)["testCycle"]["key"]
told: dict[str, Any] = {
    "projects": [each["key"] for each in cloud.projects.get_projects()],
    "statuses": [each["name"] for each in cloud.statuses.get_statuses(projectKey="SHOP", statusType="TEST_CYCLE")],
    "folders": [each["name"] for each in cloud.folders.get_folders(projectKey="SHOP")] if folder else [],
    "environments": [each["name"] for each in cloud.environments.get_environments(projectKey="SHOP")],
    "cycles": [each["name"] for each in cloud.test_cycles.get_test_cycles(projectKey="SHOP", maxResults=1)],
    "case": cloud.test_cases.get_test_case("SHOP-T7")["key"],
    "executions": [each["testCase"]["self"].partition("/testcases/")[2] for each in listed],
    "imported": len(list(cloud.test_executions.get_test_executions(projectKey="SHOP", testCycle=imported))),
    "issue": [each["key"] for each in cloud.issue_links.get_test_cases("SHOP-70")],
    "healthy": cloud.healthcheck.get_health(),
    "refused": [
        refused(lambda: cloud.test_cases.get_test_case("SHOP-T99999")),
        refused(lambda: cloud.test_cycles.create_test_cycle("NOPE", "x")),
        refused(lambda: ZephyrScale(base_url=f"{asked['url']}/v2/", token="wrong").api.projects.get_project("SHOP")),
    ],
}
server = ZephyrScale.server_api(f"{asked['url']}/rest/atm/1.0/", token=asked["token"]).api
run = server.test_runs.create_test_run("SHOP", "by the client", items=[{"testCaseKey": "SHOP-T1"}])["key"]
ids = server.test_runs.create_test_results(
    run, [{"testCaseKey": "SHOP-T1", "status": "Pass"}, {"testCaseKey": "SHOP-T2", "status": "Fail", "comment": "3"}]
)
told["server"] = {
    "items": [each["testCaseKey"] for each in server.test_runs.get_test_run(run)["items"]],
    "results": [each["status"] for each in server.test_runs.get_test_results(run)],
    "found": [each["name"] for each in server.test_runs.search_runs('projectKey = "SHOP"', maxResults=1, startAt=2)],
    "cases": [each["key"] for each in server.test_cases.search_cases('key IN ("SHOP-T3", "SHOP-T99999")')],
    "environments": [each["name"] for each in server.environment.get_environments("SHOP")],
    "ids": len(ids),
    "refused": [
        refused(lambda: server.test_runs.get_test_run("SHOP-R4711")),
        refused(lambda: server.test_runs.create_test_results(run, [{"testCaseKey": "SHOP-T1", "status": "Burned"}])),
        refused(lambda: server.test_runs.search_runs("projectKey='SHOP'")),
    ],
}
json.dump(told, sys.stdout)
