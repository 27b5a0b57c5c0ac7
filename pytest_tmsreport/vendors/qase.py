"""Qase TestOps: results by API v2, everything around them by API v1."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..auth import Header
from ..errors import (
    ConfigError,
    ErrorTable,
    Rejected,
    VendorError,
)
from ..model import Outcome, Result, Run
from ..render import segment
from ..vendor import Case, Vendor, setting
from . import _qase_runs as runs
from . import _qase_shared as shared
from ._qase_checks import checks, known
from ._qase_errors import TABLE
from ._qase_lists import planned, recorded
from ._qase_results import culprits, late_rows, row, uploaded

if TYPE_CHECKING:
    from ..client import Client, File

FAILED = ("failed", "invalid")


@dataclass(frozen=True, kw_only=True)
class Qase(Vendor):
    """Qase TestOps: cloud, EU cluster and dedicated hosts (https://developers.qase.io).

    Results go by `POST /v2/{project}/run/{run}/results`, each with an id of ours, so that sending one again doubles
    nothing. A test with case ids (`7`, `C7` or `SHOP-7`) is filed under them; the others are matched by Qase through
    title and suite, and created where the project allows it. Earlier attempts of a test and its links stand in the
    result's message.

    A run that machines share bears its key in the description, and is looked for among those in progress. Who has
    finished is noted there as well, by reading, changing and writing it: should one machine's note be lost to another's
    three times over, the run stays open, and never is it completed too early. A machine that runs its tests again adds
    results: Qase takes an id of ours once, so that results of the same ids would be passed over.

    Where only the cases of a run that have failed are to run again, one with several results has failed where any has:
    Qase does not tell a later attempt from another test of the case.

    Unconfirmed in Qase's documents, and so a setting or handled as said: since when a batch over 200 is refused (a
    refused batch is halved); the limit of bytes in a request (`batch_bytes`); the limit of requests
    (`requests_per_minute`); whether a completed run takes more results (it is completed only when nothing was lost);
    whether an upload's answer keeps the order of the files (their names are compared, and a file that is not recognised
    is left out); the limit of a result's title (cut at 255, as a case's).
    """

    label: ClassVar[str] = "Qase"
    proof: ClassVar[str] = "vendor's OpenAPI files, models of the official clients"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "passed",
        Outcome.FAILED: "failed",
        Outcome.ERROR: "invalid",  # Qase's word for a test that is itself broken
        Outcome.SKIPPED: "skipped",
        Outcome.XFAILED: "skipped",
        Outcome.XPASSED: "passed",
    }
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("QASE_TESTOPS_API_TOKEN",),
        "host": ("QASE_TESTOPS_API_HOST",),
        "project": ("QASE_TESTOPS_PROJECT",),
        "run_id": ("QASE_TESTOPS_RUN_ID",),
        "plan": ("QASE_TESTOPS_PLAN_ID",),
        "environment": ("QASE_ENVIRONMENT",),
        "batch_size": ("QASE_TESTOPS_BATCH_SIZE",),
        "complete": ("QASE_TESTOPS_RUN_COMPLETE",),
        "defect": ("QASE_TESTOPS_DEFECT",),
    }
    notes_may_cross: ClassVar[bool] = True
    files_per_request: ClassVar[int] = 20
    file_bytes: ClassVar[int] = 32 * 2**20
    files_bytes: ClassVar[int] = 128 * 2**20
    errors: ClassVar[ErrorTable] = TABLE

    project: str = setting("code of the project")
    host: str = setting("qase.io, eu.qase.io or a dedicated host; not used where `url` is set", default="qase.io")
    web_url: str = setting("address for links to the run, where the host does not tell it", default="")
    environment: str = setting("slug or id of the run's environment", default="")
    milestone: int = setting("id of the run's milestone", default=0)
    plan: int = setting("id of the plan whose cases the run begins with", default=0)
    configurations: Mapping[str, str] = setting("group=value, group=value; what is missing is made", default={})
    complete: bool = setting("complete the run once everything is delivered", default=True)
    defect: bool = setting("let Qase make a defect of every failed result", default=False)
    batch_size: int = setting("most results in one request; 200 is Qase's own limit", default=200)
    requests_per_minute: int = setting("most requests a minute for one token; 0: no limit", default=600)
    parallel: int = setting("requests under way at once", default=4)

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Za-z0-9]{2,10}", self.project):
            raise ConfigError(f"`project` of {self.name} is {self.project!r}; a code has 2 to 10 letters and digits")
        if not 1 <= self.batch_size <= 200:
            raise ConfigError(f"`batch_size` of {self.name} is {self.batch_size}; Qase takes 1 to 200 results at once")

    @property
    def base_url(self) -> str:
        return self.url or f"https://api{'.' if self.host == 'qase.io' else '-'}{self.host}"

    @property
    def auth(self) -> Header:
        return Header("Token", self.token)

    def verify(self, http: Client) -> None:
        http.get(f"v1/project/{self.project}")

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        return checks(self, http)

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        return known(http, self.project, ids)

    def open_run(self, http: Client, run: Run) -> str:
        return runs.opened(self, http, run)

    def find_run(self, http: Client, run: Run) -> str | None:
        return shared.found(http, f"v1/run/{self.project}", run)

    def discard_run(self, http: Client, run_id: str) -> None:
        shared.discard(http, f"v1/run/{self.project}/{segment(run_id)}")

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return shared.noted(http, f"v1/run/{self.project}/{segment(run_id)}", shard, shards)

    @property
    def closes(self) -> bool:
        return self.complete

    def read_run(self, http: Client, run_id: str) -> None:
        runs.status(self, http, run_id)

    def close_run(self, http: Client, run_id: str) -> None:
        if self.closes:
            runs.closed(self, http, run_id)

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        rows = [row(self, index, result) for index, result in enumerate(batch)]
        path = f"v2/{self.project}/run/{segment(run_id)}/results"
        try:
            http.post(path, json={"results": rows})
        except Rejected as error:
            late = late_rows(error)
            if not late:
                raise
            for index in late & set(range(len(rows))):  # times before the run's start: the duration tells enough
                rows[index]["execution"].update(start_time=None, end_time=None)
            http.post(path, json={"results": rows})
        return ()

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        return culprits(error)

    def attach(self, http: Client, run_id: str, files: Sequence[File]) -> Sequence[str]:
        reply = http.post(f"v1/attachment/{self.project}", files=[("file[]", file) for file in files])
        return uploaded(reply.pick("result", list), [file.name for file in files])

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        return planned(http, self.project, plan)

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        words = [*FAILED, *(str(self.word(outcome)) for outcome in Outcome if outcome.is_bad)]
        return recorded(http, self.project, run_id, list(dict.fromkeys(words)))

    def run_url(self, run_id: str) -> str:
        hosts = {"qase.io": "app.qase.io", "eu.qase.io": "app-eu.qase.io"}
        web = self.web_url or f"https://{hosts.get(self.host, self.host)}"
        if self.url and not self.web_url:
            return ""  # the address of an API does not tell that of its pages
        return f"{web.rstrip('/')}/run/{self.project.upper()}/dashboard/{segment(run_id)}"
