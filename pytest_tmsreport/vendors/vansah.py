"""Vansah Test Management for Jira: one Cucumber import for many results, or a run for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ..auth import Header
from ..errors import (
    AuthError,
    ConfigError,
    ErrorTable,
    NotFound,
    PartlyRejected,
    PermanentError,
    Rejected,
    VendorError,
)
from ..model import Attachment, Outcome, Result, Run
from ..vendor import Vendor, setting
from . import _vansah_checks as checks
from . import _vansah_import as imports
from . import _vansah_runs as runs
from ._vansah_errors import TABLE, holds, turned
from ._vansah_settings import named, wrong

if TYPE_CHECKING:
    from ..client import Client


@dataclass(frozen=True, kw_only=True)
class Vansah(Vendor):
    """Vansah Test Management for Jira, API v2 (https://help.vansah.com).

    Vansah has no runs of a session: a result is a run of one case (`12`, `C12` or `DEMO-C12`) against an asset: an
    issue (`asset = DEMO-9`), a folder (`asset = regression/login/`: it holds a slash), a standard plan (`plan`), or an
    advanced plan within an issue or folder (`advanced_plan` and `asset`). With `mode = import` results go as Cucumber
    JSON, up to 200 in a request, a scenario each, files as embeddings. With `mode = runs` each takes a request, and
    one more where there is a message or a file, as a log of step 1. Vansah knows no id of ours and lists no runs: where
    the answer to an import or a run was lost, its results are kept as doubtful and never sent again unasked.

    Any number of machines may report to one asset: `run_key`, `run_id` and `shards` are nothing to Vansah. Tests that
    run again are further runs of their cases.

    Unconfirmed in Vansah's documents, and so a setting or handled as said: the regions but for `prodau` and `prodsgp`
    (`url`); the limit of an import (`batch_size`, `batch_bytes`; one that is too large is halved); what an import makes
    of skipped steps (`status.skipped`, also `pending` and `undefined`) and of files that are no images (`capture =
    none` sends none); the files that a log takes (`file_types`, 1 MiB each, 5 a log; a message names those left out);
    where an answer keeps its code (three names, then its words are searched); how long to wait at the limit (60 s);
    single runs in an advanced plan (`mode = runs` refuses the setting); a list of cases or plans (none is read).
    """

    label: ClassVar[str] = "Vansah"
    proof: ClassVar[str] = "documentation, shape of pytest-bdd's Cucumber report"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "passed",
        Outcome.FAILED: "failed",
        Outcome.ERROR: "failed",
        Outcome.SKIPPED: "skipped",
        Outcome.XFAILED: "skipped",
        Outcome.XPASSED: "passed",
    }
    needs_case: ClassVar[bool] = True
    has_runs: ClassVar[bool] = False
    is_repeatable: ClassVar[bool] = False
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("VANSAH_URL",),
        "token": ("VANSAH_TOKEN",),
        "project": ("VANSAH_PROJECT_KEY",),
        "plan": ("VANSAH_STP_KEY",),
        "advanced_plan": ("VANSAH_ATP_KEY",),
        "iteration": ("VANSAH_ITERATION",),
        "sprint": ("VANSAH_SPRINT_NAME",),
        "release": ("VANSAH_RELEASE_NAME",),
        "environment": ("VANSAH_ENVIRONMENT_NAME",),
    }
    answer_s: ClassVar[float] = 120.0
    files: ClassVar[Literal["before", "after", "inline"]] = "inline"
    files_per_request: ClassVar[int] = 5
    file_bytes: ClassVar[int] = 2**20
    files_bytes: ClassVar[int] = 3 * 2**20  # a third more as base64: a result with its files fits into one import
    errors: ClassVar[ErrorTable] = TABLE

    url: str = setting("API Connect URL that Jira shows; it tells the region", default="https://prod.vansah.com")
    project: str = setting("key of the Jira space, such as DEMO")
    asset: str = setting("issue (`DEMO-9`) or folder (`regression/login/`) the cases are run for", default="")
    plan: str = setting("key of a standard test plan, in place of `asset`", default="")
    advanced_plan: str = setting("key of an advanced test plan; `asset` is its context", default="")
    iteration: int = setting("iteration of the plan; it must exist", default=1)
    sprint: str = setting("name of a sprint", default="")
    release: str = setting("name of a release", default="")
    environment: str = setting("name of an environment", default="")
    mode: Literal["import", "runs"] = setting("many results in a request, or one", default="import")
    file_types: str = setting("`mode = runs`: extensions of the files that are sent", default="png jpg jpeg")
    jira_url: str = setting("address of the Jira site, for links", default="")
    aggregate: Literal["each", "worst", "last"] = setting(
        "several tests of one case are sent as they are, or as one: the worst, or the last", default="worst"
    )
    batch_size: int = setting("most results in one import", default=200)
    batch_bytes: int = setting("most bytes in one import, about", default=5 * 2**20)
    requests_per_minute: int = setting("most requests a minute for one token; 0: no limit", default=500)
    parallel: int = setting("requests under way at once", default=4)

    def __post_init__(self) -> None:
        for why in wrong(self):
            raise ConfigError(f"{self.name}: {why}")
        if self.mode == "runs":  # a lost answer is to leave no other result in doubt
            object.__setattr__(self, "batch_size", 1)

    def case_ids(self, result: Result) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._key(text) or text for text in super().case_ids(result)))

    @property
    def base_url(self) -> str:
        return f"{self.url.rstrip('/')}/api/v2"

    @property
    def auth(self) -> Header:
        return Header("Authorization", self.token)

    def verify(self, http: Client) -> None:
        params: dict[str, str | int] = {"projectKey": self.project, "type": "list", "startAt": 0, "limit": 1}
        try:
            http.get("testFolders", params=params).pick("data", list)
        except VendorError as error:
            if re.search(r"\biss(uer)?\b", error.text):
                remedy = "the token is of API v2, and the request reached v1: `url` must lead to v2"
                raise turned(error, AuthError, remedy) from error
            raise

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        """Its asset; nothing tells which plans, sprints, releases and environments there are."""
        if self.asset:
            yield "asset", lambda: checks.asset(self, http)

    def open_run(self, http: Client, run: Run) -> str:
        """Makes nothing: a trouble is to meet a request that may be repeated, before those that may not."""
        try:
            self.verify(http)
        except NotFound:  # not every region is known to have that address
            key = next((key for key in run.case_ids if self._key(key)), "")
            if not key:
                raise
            http.get("testCase/list/testScripts", params={"caseKey": key}).pick("data", dict)
        return self.plan or self.advanced_plan or self.asset

    def run_url(self, run_id: str) -> str:
        is_issue = self.jira_url and self.asset and "/" not in self.asset
        return f"{self.jira_url.rstrip('/')}/browse/{self.asset}" if is_issue else ""

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        refused: dict[int, str] = {}
        rows: list[tuple[int, str, Result]] = []
        for index, result in enumerate(batch):
            strange = [key for key in result.case_ids if not self._key(key)]
            if strange:
                refused[index] = f"{strange[0]!r} is no case of {self.project}: write 12, C12 or {self.project}-C12"
            else:
                rows += [(index, key, result) for key in result.case_ids]
        try:
            if self.mode == "runs":
                runs.send(self, http, [(key, result) for _, key, result in rows])
            elif rows:
                refused.update(imports.send(self, http, rows))
        except Rejected as error:
            settings = named(self, error.text)
            if not settings:
                raise
            remedy = f"check {', '.join(f'`{key}`' for key in settings)}; a plan has only some iterations"
            raise turned(error, PermanentError, remedy) from error
        if refused:
            raise PartlyRejected(refused, self.name)
        return ()

    def refuses(self, file: Attachment) -> str:
        is_known = self.mode == "import" or runs.extension(file) in self.file_types.lower().split()
        return "" if is_known else f"`file_types` is {self.file_types}"

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        named = (index for index, each in enumerate(batch) if any(holds(error.text, key) for key in each.case_ids))
        return dict.fromkeys(named, error.text)

    def labels(self) -> dict[str, str]:
        """What the runs are filed under beside their asset."""
        found = {"sprint": self.sprint, "release": self.release, "environment": self.environment}
        return {kind: name for kind, name in found.items() if name}

    def _key(self, text: str) -> str:
        """The key of a case however it is written; empty where it is none of this space."""
        found = re.fullmatch(rf"(?:(?:{self.project}-)?C)?0*([1-9][0-9]*)", text.strip(), re.IGNORECASE)
        return f"{self.project}-C{found[1]}" if found else ""
