"""Azure Test Plans: runs with and without a plan, in Azure DevOps Services and Server."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from ..auth import Header, basic, bearer
from ..errors import ConfigError, ErrorTable, VendorError
from ..model import Outcome, Result, Run
from ..render import segment
from ..vendor import Case, Vendor, setting
from . import _azure_checks as checks
from . import _azure_plans as plans
from . import _azure_results as results
from . import _azure_runs as runs
from ._azure_errors import TABLE

if TYPE_CHECKING:
    from ..client import Client, File

PIPELINE_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
"""A token that a pipeline or Entra ID has made is a JSON web token; a personal one never is."""


@dataclass(frozen=True, kw_only=True)
class Azure(Vendor):
    """Azure Test Plans in Azure DevOps, Services (https://dev.azure.com/acme) and Server (an older `api_version`).

    In Azure Pipelines the address, the project, the build and the place in the pipeline are found by themselves; the
    token is, where a step hands it on (`SYSTEM_ACCESSTOKEN: $(System.AccessToken)`). A personal token needs the scope
    Test Management (read and write).

    Without `plan` a run holds what the tests say, 1000 results in a request, with a case (`55`, `C55`, `#55`) or
    without one. With `plan = 31` (or one suite of it, `31/32`, with those within) the run is made of the test points of
    the cases that are reported, in the `configurations` that are named, or in all: its results are written over. Tests
    without a case are then found by the case's automation name. Several tests of a case are one result, the worst of
    them; without a plan `aggregate = worst` makes one of a test with parameters, too. A case without a point is
    refused alone. A run that several machines share holds all points; those without a test stay incomplete.

    A test with parameters that is one result, a test that was run again, and steps become sub-results, three levels
    deep. What is longer than a comment (1000 characters) or `max_trace` is attached to the run, once for each batch.
    Bugs are linked where a link of the kind `issue` names a work item of the server; others stand in the comment.

    Results and runs bear an id of ours in the last line of their comments, by which they are found after a lost
    answer. Runs are found among those in progress that have changed around the start of the session, or in the last
    six days. Which machines are done is said by small files at the run. A machine that runs its tests again adds
    results, or writes over those of a plan. A second run of a key that may not be deleted is ended as aborted.

    Unconfirmed in the documents, and so a setting or handled as said: the most results in a request (`batch_size`; one
    that is too large is halved); the length of a stack trace (`max_trace`, 1000 by the specification, while servers
    are known to keep more); sub-results in runs of a plan (`sub_results = always`), and how many there may be (1000 to
    a level, and three levels, are sent); the size of a file by REST (75 MiB, as the agent has it); what a wrong token
    answers (401, or the sign-in page with 203 or 302); when points take their outcome (at the latest when the run is
    completed); whether lists tell comments and points (else runs are read one by one, results again with details);
    step results of manual cases (`iterationDetails` is never sent: the specification keeps it for manual testing); the
    limit of requests, which counts units of load (`requests_per_minute`; what `Retry-After` asks is kept, beside a
    success, too).
    """

    label: ClassVar[str] = "Azure Test Plans"
    proof: ClassVar[str] = "vendor's Swagger files, official azure-devops client; no real server"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "Passed",
        Outcome.FAILED: "Failed",
        Outcome.ERROR: "Failed",  # older charts do not show "Error"
        Outcome.SKIPPED: "NotExecuted",  # as the agent of Azure Pipelines has it
        Outcome.XFAILED: "NotExecuted",
        Outcome.XPASSED: "Passed",
    }
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"),
        "project": ("SYSTEM_TEAMPROJECT", "SYSTEM_TEAMPROJECTID"),
        "token": ("AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN"),
        "build": ("BUILD_BUILDID",),
        "stage": ("SYSTEM_STAGENAME",),
        "phase": ("SYSTEM_PHASENAME",),
        "job": ("SYSTEM_JOBNAME",),
    }
    answer_s: ClassVar[float] = 100.0  # a server that is pressed delays its answers by up to 30 s
    is_repeatable: ClassVar[bool] = False
    files: ClassVar[Literal["before", "after", "inline"]] = "after"
    file_bytes: ClassVar[int] = 75 * 2**20
    one_batch_at_once: ClassVar[bool] = True
    errors: ClassVar[ErrorTable] = TABLE

    url: str = setting("address of the organization or collection, such as https://dev.azure.com/acme")
    project: str = setting("name or id of the project")
    token_kind: Literal["auto", "pat", "bearer"] = setting(
        "a personal access token, or one of a pipeline or Entra ID; `auto` tells them apart",
        default="auto",
    )
    api_version: str = setting("version of the API: 7.1; Server 2022 knows 7.0, Server 2020 6.0", default="7.1")
    plan: str = setting("number of the test plan, or PLAN/SUITE; empty: runs without a plan", default="")
    configurations: tuple[str, ...] = setting(
        "names or ids of the test configurations that were tested; without a plan one at most", default=()
    )
    sub_results: Literal["auto", "always", "never"] = setting(
        "steps, attempts and merged tests as sub-results; `auto`: in runs without a plan", default="auto"
    )
    max_trace: int = setting("most characters of a stack trace", default=1000)
    long_texts: Literal["attach", "cut"] = setting(
        "what is longer than a result may be goes to the run as a file, or is left out", default="attach"
    )
    complete: bool = setting("complete the run once everything is delivered", default=True)
    build: int = setting("id of the build that the run belongs to", default=0)
    stage: str = setting("name of the pipeline's stage", default="")
    phase: str = setting("name of the pipeline's phase", default="")
    job: str = setting("name of the pipeline's job", default="")
    batch_size: int = setting("most results in one request", default=1000)
    parallel: int = setting("files under way at once; results go one request after the other", default=4)

    def __post_init__(self) -> None:
        for why in checks.wrong(self):
            raise ConfigError(f"{self.name}: {why}")
        if self.plan and self.aggregate == "each":  # a point has one result in a run
            object.__setattr__(self, "aggregate", "worst")

    @property
    def base_url(self) -> str:
        return self.url.rstrip("/")

    @property
    def auth(self) -> Header:
        guess = bearer if PIPELINE_TOKEN.fullmatch(self.token) else partial(basic, "")
        return {"auto": guess, "pat": partial(basic, ""), "bearer": bearer}[self.token_kind](self.token)

    @property
    def wants_case(self) -> bool:
        return super().wants_case or bool(self.plan)

    def can(self, method: str) -> bool:
        return super().can(method) and not (method == "resolve" and self.aggregate == "each")

    def case_ids(self, result: Result) -> tuple[str, ...]:
        return tuple(dict.fromkeys(plans.number(text) or text for text in super().case_ids(result)))

    def verify(self, http: Client) -> None:
        http.get(plans.at(self, "test/runs"), params={"$top": 1}).pick("value", list)

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        return checks.settings(self, http)

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        return plans.existing(http, ids)

    def resolve(self, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
        return plans.resolved(self, http, results)

    def open_run(self, http: Client, run: Run) -> str:
        return runs.opened(self, http, run)

    def find_run(self, http: Client, run: Run) -> str | None:
        return runs.found(self, http, run)

    def discard_run(self, http: Client, run_id: str) -> None:
        runs.discard(self, http, run_id)

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return runs.finished(self, http, run_id, shard, shards)

    @property
    def closes(self) -> bool:
        return self.complete

    def read_run(self, http: Client, run_id: str) -> None:
        runs.read(self, http, run_id)

    def close_run(self, http: Client, run_id: str) -> None:
        if self.closes:
            runs.closed(self, http, run_id)

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        return results.sent(self, http, run_id, batch)

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        return results.arrived(self, http, run_id, batch)

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        return results.culprits(error, batch)

    def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
        return [",".join(results.attached(self, http, each, file) for each in place.split(",")) for file in files]

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        return plans.planned(http, plan)

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        return results.recorded(self, http, run_id)

    def run_url(self, run_id: str) -> str:
        return f"{self.base_url}/{segment(self.project)}/_TestManagement/Runs?runId={segment(run_id)}&_a=runCharts"
