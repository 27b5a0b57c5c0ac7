"""Qase's own Python clients as a judge; runs where they are installed, and nothing of ours is.

Reads one JSON value from stdin and writes one to stdout. `{"bodies": [[kind, body], …]}`: what the official models
make of each body. `{"url": …, "token": …}`: what a whole session of the official clients hears from that server.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from qase.api_client_v1 import ApiClient as ClientV1  # type: ignore[import-not-found]
from qase.api_client_v1 import Configuration as ConfigurationV1
from qase.api_client_v1.api.attachments_api import AttachmentsApi  # type: ignore[import-not-found]
from qase.api_client_v1.api.configurations_api import ConfigurationsApi  # type: ignore[import-not-found]
from qase.api_client_v1.api.plans_api import PlansApi  # type: ignore[import-not-found]
from qase.api_client_v1.api.projects_api import ProjectsApi  # type: ignore[import-not-found]
from qase.api_client_v1.api.results_api import ResultsApi as ResultsApiV1  # type: ignore[import-not-found]
from qase.api_client_v1.api.runs_api import RunsApi  # type: ignore[import-not-found]
from qase.api_client_v1.exceptions import ApiException  # type: ignore[import-not-found]
from qase.api_client_v1.models import (  # type: ignore[import-not-found]
    ConfigurationCreate,
    ConfigurationGroupCreate,
    PlanCreate,
    RunCreate,
)
from qase.api_client_v2 import ApiClient as ClientV2  # type: ignore[import-not-found]
from qase.api_client_v2 import Configuration as ConfigurationV2
from qase.api_client_v2.api.results_api import ResultsApi  # type: ignore[import-not-found]
from qase.api_client_v2.exceptions import ApiException as ApiExceptionV2  # type: ignore[import-not-found]
from qase.api_client_v2.models import CreateResultsRequestV2, ResultCreate  # type: ignore[import-not-found]

MODELS = {
    "run": RunCreate,
    "group": ConfigurationGroupCreate,
    "configuration": ConfigurationCreate,
    "results": CreateResultsRequestV2,
}
PROJECT = "SHOP"


def judge(kind: str, body: Any) -> dict[str, Any]:
    """The body as the official model holds it, or why it takes none of it."""
    try:
        return {"held": MODELS[kind].from_dict(body).to_dict()}
    except (ValueError, TypeError, KeyError) as error:
        return {"refused": str(error)}


def session(url: str, token: str) -> dict[str, Any]:
    """A run that is opened, filled and completed, and the status of what must be refused."""
    v1 = ClientV1(ConfigurationV1(host=f"{url}/v1", api_key={"TokenAuth": token}))
    v2 = ClientV2(ConfigurationV2(host=f"{url}/v2", api_key={"TokenAuth": token}))
    stranger = ClientV1(ConfigurationV1(host=f"{url}/v1", api_key={"TokenAuth": "wrong"}))
    runs, results = RunsApi(v1), ResultsApi(v2)
    configurations = ConfigurationsApi(v1)
    group = configurations.create_configuration_group(PROJECT, ConfigurationGroupCreate(title="System")).result.id
    value = configurations.create_configuration(PROJECT, ConfigurationCreate(title="Linux", group_id=group)).result.id
    known = configurations.get_configurations(PROJECT).result.entities
    run = RunCreate(title="by the official client", is_autotest=True, tags=["official"], configurations=[value])
    run_id = runs.create_run(PROJECT, run).result.id
    files = AttachmentsApi(v1).upload_attachment(PROJECT, file=[("log.txt", b"hello"), ("shot.png", b"png")]).result
    passed = ResultCreate.from_dict(
        {
            "id": "11111111-1111-4111-8111-000000000001",
            "title": "passes",
            "testops_ids": [1, 2],
            "execution": {"status": "passed", "duration": 12},
            "attachments": [file.hash for file in files],
            "steps": [{"data": {"action": "open"}, "execution": {"status": "passed"}}],
        }
    )
    failed = ResultCreate.from_dict({"title": "fails", "execution": {"status": "failed"}, "message": "boom"})
    wrong = ResultCreate.from_dict({"title": "fails", "execution": {"status": "burned"}})
    bulk = results.create_results_v2(PROJECT, run_id, CreateResultsRequestV2(results=[passed]))
    single = results.create_result_v2(PROJECT, run_id, failed)
    listed = runs.get_runs(PROJECT, search="official", limit=100, offset=0).result
    plan_id = PlansApi(v1).create_plan(PROJECT, PlanCreate(title="Nightly", cases=[3, 5])).result.id
    plan = PlansApi(v1).get_plan(PROJECT, plan_id).result
    rows = ResultsApiV1(v1).get_results(PROJECT, run=str(run_id), status="passed,failed", limit=100).result
    completed = runs.complete_run(PROJECT, run_id)
    read = runs.get_run(PROJECT, run_id, include="cases").result
    return {
        "project": ProjectsApi(v1).get_project(PROJECT).result.code,
        "groups": [each.title for each in known],
        "run_id": run_id,
        "files": [file.filename for file in files],
        "bulk": bulk.status,
        "single": single.result.hash is not None,
        "listed": [[each.id, each.title, each.status_text] for each in listed.entities],
        "plan": [each.case_id for each in plan.cases],
        "results": [rows.total, sorted([each.case_id, each.status] for each in rows.entities)],
        "completed": completed.status,
        "read": [read.status, read.stats.total, sorted(read.cases)],
        "refused": {
            "wrong token": _status(lambda: RunsApi(stranger).get_runs(PROJECT)),
            "unknown project": _status(lambda: runs.get_runs("NONE")),
            "unknown run": _status(lambda: runs.get_run(PROJECT, 4711)),
            "unknown status": _status(lambda: results.create_result_v2(PROJECT, run_id, wrong)),
        },
    }


def _status(call: Any) -> int:
    try:
        call()
    except (ApiException, ApiExceptionV2) as error:
        return int(error.status)
    return 200


def main() -> None:
    """One question, one answer."""
    given = json.load(sys.stdin)
    if "bodies" in given:
        answer: Any = [judge(kind, body) for kind, body in given["bodies"]]
    else:
        answer = session(given["url"], given["token"])
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
