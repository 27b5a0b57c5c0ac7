"""What Azure's stand-in holds and takes: rules, fields of runs, results and files, and where each resource is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from .checks import Check, both, each, flag, number, one_of, record, text, whole

ORGANIZATION, PROJECT = "acme", "Shop"
HERE = f"/{ORGANIZATION}/<project>/_apis"
"""What the addresses of a project's API begin with."""
TOKEN = "sandbox-azure-personal-access-token"  # noqa: S105 - opens nothing but this stand-in
PIPELINE_TOKEN = "eyJzYW5kYm94.eyJwaXBlbGluZSI6.c2lnbmF0dXJl"  # noqa: S105
PLAN, ROOT = 31, 32
"""The plan that is there from the start, and its root suite."""
OUTCOMES = (
    *("Unspecified", "None", "Passed", "Failed", "Inconclusive", "Timeout", "Aborted", "Blocked", "NotExecuted"),
    *("Warning", "Error", "NotApplicable", "Paused", "InProgress", "NotImpacted"),
)
RUN_STATES = ("NotStarted", "InProgress", "Completed", "Aborted", "Waiting")
KINDS = (
    *("GeneralAttachment", "AfnStrip", "BugFilingData", "CodeCoverage", "IntermediateCollectorData", "RunConfig"),
    *("TestImpactDetails", "TmiTestRunDeploymentFiles", "TmiTestRunReverseDeploymentFiles", "TmiTestResultDetail"),
    *("TmiTestRunSummary", "ConsoleLog"),
)
FIRST_RESULT = 100_000
FAILURES = ("Known Issue", "New Issue", "Regression", "Unknown", "None")


@dataclass(frozen=True)
class Rules:
    """What the documents leave open, or what differs from server to server.

    Work items up to `cases` are test cases, those from 20000 to 29999 are bugs; `automated` holds automation names.
    `suites` are those of plan 31 below its root, each with its cases. `sign_in` is the answer to a wrong token.
    """

    cases: int = 10_000
    automated: Mapping[int, str] = field(default_factory=dict)
    suites: Mapping[int, range] = field(default_factory=lambda: {33: range(1, 51), 34: range(51, 101)})
    configurations: Mapping[int, str] = field(default_factory=lambda: {1: "Windows 11", 2: "Ubuntu 24.04"})
    max_results: int = 1000
    max_file_bytes: int = 100 * 2**20
    requests_per_5_minutes: int = 2000
    page: int = 200
    sign_in: Literal[401, 203, 302] = 401
    has_test_plans: bool = True
    may_delete: bool = True
    lists_comments: bool = True
    lists_points: bool = True


def run_create() -> Check:
    """A run that is made (RunCreateModel)."""
    return record(
        {"name": text(longest=256, shortest=1)},
        {
            **_run_fields(),
            "state": one_of(("NotStarted", "InProgress", "Waiting")),
            "startDate": moment,
            "completeDate": moment,
            "automated": flag,
            "plan": reference,
            "pointIds": each(whole(least=1)),
            "configurationIds": each(whole(least=1)),
            "pipelineReference": record({"pipelineId": whole(least=1)}),
        },
    )


def run_update() -> Check:
    """What is changed of a run (RunUpdateModel)."""
    states = one_of(RUN_STATES)
    return record({}, {**_run_fields(), "state": states, "startedDate": moment, "completedDate": moment})


def result(*, is_new: bool) -> Check:
    """A result (TestCaseResult): new, or one that is changed."""
    required: dict[str, Check] = {} if is_new else {"id": whole(least=1)}
    fields: dict[str, Check] = {
        **_outcome_fields(),
        "durationInMs": number,
        "state": one_of(RUN_STATES),
        "comment": text(longest=1000),
        "testCaseTitle": text(longest=512),
        "automatedTestName": text(),
        "automatedTestStorage": text(),
        "automatedTestType": text(),
        "automatedTestId": text(),
        "priority": whole(least=0),
        "failureType": one_of(FAILURES),
        "testCase": reference,
        "testPoint": reference,
        "configuration": reference,
        "build": reference,
        "associatedBugs": each(reference),
    }
    return both(record(required, fields), _ends_after_it_began)


def attachment() -> Check:
    """A file (TestAttachmentRequestModel)."""
    return record(
        {"stream": text(shortest=1), "fileName": both(text(longest=256, shortest=1), _no_path)},
        {"comment": text(), "attachmentType": one_of(KINDS)},
    )


def reference(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """A ShallowReference: its id is a text."""
    yield from record({"id": text(shortest=1)})(value, path)


def moment(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """A time as ISO 8601 has it."""
    if not isinstance(value, str) or epoch_of(value) is None:
        yield path, "must be a date and time"


def epoch_of(value: str) -> float | None:
    """A time of ISO 8601 in epoch seconds; None for what is none."""
    try:
        return datetime.fromisoformat(re.sub(r"Z$", "+00:00", value)).timestamp()
    except ValueError:
        return None


def _run_fields() -> dict[str, Check]:
    tag = record({"name": both(text(longest=29, shortest=1), _alphanumeric)})
    return {"comment": text(), "errorMessage": text(), "build": reference, "tags": both(each(tag), _five_at_most)}


def _outcome_fields() -> dict[str, Check]:
    return {
        "outcome": one_of(OUTCOMES),
        "startedDate": moment,
        "completedDate": moment,
        "errorMessage": text(),
        "stackTrace": text(),
        "resultGroupType": one_of(("none", "rerun", "dataDriven", "orderedTest", "generic")),
        "subResults": each(_sub_result),
    }


def _sub_result(value: Any, path: str) -> Iterator[tuple[str, str]]:
    fields = {**_outcome_fields(), "durationInMs": whole(least=0), "displayName": text(), "sequenceId": whole()}
    yield from record({}, fields)(value, path)


def _ends_after_it_began(value: Any, path: str) -> Iterator[tuple[str, str]]:
    began, ended = (epoch_of(str(value.get(key, ""))) for key in ("startedDate", "completedDate"))
    if began is not None and ended is not None and ended <= began:
        yield f"{path}.completedDate", "should be greater than StartedDate"


def _five_at_most(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if len(value) > 5:
        yield path, "may hold five at most"


def _alphanumeric(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not value.isalnum():
        yield path, "may hold letters and digits only"


def _no_path(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if re.search(r'[\x00-\x1f\\/:*?"<>|]', value):
        yield path, "holds characters that no file name may hold"


_PLACES = (
    ("e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}"),
    ("cadb3810-d47d-4a3c-a234-fe5f3be50138", "test", "runs", "{project}/_apis/{area}/{resource}/{runId}"),
    (
        "0a42c424-d764-4a16-a2d5-5c85f87d0ae8",
        "test",
        "Statistics",
        "{project}/_apis/{area}/runs/{runId}/{resource}",
    ),
    (
        "4637d869-3a76-4468-8057-0bb02aa385cf",
        "test",
        "Results",
        "{project}/_apis/{area}/Runs/{runId}/{resource}/{testCaseResultId}",
    ),
    (
        "4f004af4-a507-489c-9b13-cb62060beb11",
        "test",
        "Attachments",
        "{project}/_apis/{area}/Runs/{runId}/{resource}/{attachmentId}",
    ),
    (
        "2bffebe9-2f0f-4639-9af8-56129e9fed2d",
        "test",
        "Attachments",
        "{project}/_apis/{area}/Runs/{runId}/Results/{testCaseResultId}/{resource}/{attachmentId}",
    ),
    (
        "8369318e-38fa-4e84-9043-4b2a75d2c256",
        "testplan",
        "Configurations",
        "{project}/_apis/{area}/{resource}/{testConfigurationId}",
    ),
    ("0e292477-a0c2-47f3-a9b6-34f153d627f4", "testplan", "Plans", "{project}/_apis/{area}/{resource}/{planId}"),
    (
        "1046d5d3-ab61-4ca7-a65a-36118a978256",
        "testplan",
        "Suites",
        "{project}/_apis/{area}/Plans/{planId}/{resource}/{suiteId}",
    ),
    (
        "a9bd61ac-45cf-4d13-9441-43dcd01edf8d",
        "testplan",
        "TestCase",
        "{project}/_apis/{area}/Plans/{planId}/Suites/{suiteId}/{resource}/{testCaseId}",
    ),
)
"""What is served here: id, area and name of a resource, and its address, as the official client asks for them."""


def places() -> list[dict[str, Any]]:
    """The answer to OPTIONS: where each resource is, and in which versions."""
    versions = {"resourceVersion": 3, "minVersion": 1.0, "maxVersion": 7.1, "releasedVersion": "7.1"}
    keys = ("id", "area", "resourceName", "routeTemplate")
    return [{**dict(zip(keys, place, strict=True)), **versions} for place in _PLACES]
