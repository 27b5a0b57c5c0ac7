"""TestRail: runs, results and cases by API v2, on TestRail Cloud and on servers of one's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ..auth import Header, basic
from ..errors import ConfigError, ErrorTable, Rejected, VendorError, dig
from ..model import Outcome, Result, Run
from ..render import segment
from ..vendor import Case, Vendor, setting
from . import _testrail_cases as cases
from . import _testrail_checks as checks
from . import _testrail_lists as lists
from . import _testrail_results as results
from . import _testrail_runs as runs
from ._testrail_errors import ERRORS
from ._testrail_words import automation_id

if TYPE_CHECKING:
    from ..client import Client, File


@dataclass(frozen=True, kw_only=True)
class TestRail(Vendor):
    """TestRail Cloud and Server, by API v2 (https://support.testrail.com, "Introduction to the TestRail API").

    `url` is the address of the instance, such as `https://acme.testrail.io`; `user` an e-mail address, `token` its API
    key; the API must be enabled in the site settings. A test is filed under the cases it names (`C123` or `123`), else
    under the case whose automation id is the test's: `tests.test_cart.TestCart.test_add[red]`, or the node id. With
    `create_cases` a missing case is made, in sections named as the test's suite. Results go by `add_results_for_cases`;
    a run that lacks a case is given it, and loses none. Several tests of one case count as their worst, since TestRail
    shows the last result of a case. The comment holds the node id, message, traceback, parameters, tags, fields,
    earlier attempts and links; its last line is an id of ours, by which results are found again. Elapsed times are
    whole seconds. Fields `custom_…` of a test are sent as they are, links of the kind `issue` as defects. Files go to
    their result.

    Not told by the documentation, and so: the most results or cases in a request (`batch_size`; a batch of results that
    is too large is halved); the length of a comment (`max_text`); whether a run may be told to hold an unknown case
    (the unknown are left out, and their results refused); the types of custom fields (a number, `true` and `false` are
    sent as such, other words and what stands in quotes as text); how a completed run refuses results (it is looked at);
    closing one run of a plan (refused here: close the plan by hand). A file whose answer is lost may be there twice.
    Servers that put words before their JSON (before 6) are not supported.

    A run that machines share bears its key in the description, is looked for among the open ones, and holds all cases
    of the suite: machines that each give a run the cases it lacks take away those, and their results, that another has
    just given it (a run of `run_id` must be made so, too). That a machine is done is said by a small file at the run,
    so that the last is always known. A machine that runs its tests again adds results: the last of a case counts.
    """

    label: ClassVar[str] = "TestRail"
    proof: ClassVar[str] = "the official trcli, testrail-api and pytest-testrail, on one sandbox; no real server"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: 1,
        Outcome.FAILED: 5,
        Outcome.ERROR: 5,
        Outcome.SKIPPED: 4,  # "retest", as the official command line has it; 3, "untested", cannot be sent
        Outcome.XFAILED: 4,
        Outcome.XPASSED: 1,
    }
    needs_case: ClassVar[bool] = True
    is_repeatable: ClassVar[bool] = False
    files: ClassVar[Literal["before", "after", "inline"]] = "after"
    file_bytes: ClassVar[int] = 256 * 2**20
    one_batch_at_once: ClassVar[bool] = True  # it shows a case's last result, and a run is given its cases step by step
    headers: ClassVar[Mapping[str, str]] = {"Content-Type": "application/json"}  # wanted on reading, too
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("TR_CLI_HOST", "TESTRAIL_URL"),
        "user": ("TR_CLI_USERNAME", "TESTRAIL_EMAIL"),
        "token": ("TR_CLI_KEY", "TR_CLI_PASSWORD", "TESTRAIL_PASSWORD"),
        "project": ("TR_CLI_PROJECT_ID",),
        "suite": ("TR_CLI_SUITE_ID",),
        "plan": ("TR_CLI_PLAN_ID",),
        "run_id": ("TR_CLI_RUN_ID",),
        "milestone": ("TR_CLI_MILESTONE_ID",),
    }
    errors: ClassVar[ErrorTable] = ERRORS

    url: str = setting("address of the instance, such as https://acme.testrail.io")
    project: int = setting("number of the project")
    user: str = setting("e-mail address that the API key belongs to")
    suite: int = setting("number of the suite; needed where the project has several", default=0)
    plan: int = setting("number of the plan: the run becomes an entry of it", default=0)
    milestone: int = setting("number of the run's milestone", default=0)
    refs: str = setting("references of the run, with commas between them", default="")
    include_all: bool = setting("put all cases of the suite into the run, not only those reported", default=False)
    close: bool = setting("close the run once everything is delivered; it cannot be opened again", default=False)
    find_cases: bool = setting("look for the cases of tests without a case id by their automation id", default=True)
    create_cases: bool = setting("make the cases that are missing, with their automation id", default=False)
    section: int = setting("number of the section below which cases are made; 0: the top", default=0)
    case_fields: Mapping[str, str] = setting("constant fields of cases that are made: type_id=3", default={})
    result_fields: Mapping[str, str] = setting("constant fields of every result: custom_browser=2", default={})
    steps: Literal["text", "results"] = setting(
        "steps stand in the comment, or in the step results of cases whose template has them", default="text"
    )
    version: str = setting("version of what is tested, for every result", default="")
    aggregate: Literal["each", "worst", "last"] = setting(
        "several tests of one case are sent as they are, or as one: the worst, or the last", default="worst"
    )
    batch_size: int = setting("most results in one request", default=250)
    requests_per_minute: int = setting("most requests a minute; 0: no limit, as on a server of your own", default=180)
    parallel: int = setting("files under way at once; results go one request after the other", default=4)
    max_text: int = setting("most characters of a comment", default=16_000)

    def __post_init__(self) -> None:
        if self.close and self.plan:
            raise ConfigError(f"`close` of {self.name} does not go with `plan`: only the plan as a whole can be closed")
        if len(self.refs) > 250:
            raise ConfigError(f"`refs` of {self.name} has {len(self.refs)} characters; a run takes 250")
        if "3" in self.status.values() or "untested" in map(str.lower, self.status.values()):
            raise ConfigError(f"`status` of {self.name}: a result cannot be untested (3)")

    @property
    def base_url(self) -> str:
        return f"{self.url.rstrip('/')}/index.php?/api/v2"

    @property
    def auth(self) -> Header:
        return basic(self.user, self.token)

    def verify(self, http: Client) -> None:
        if self.suite:
            http.get(f"get_project/{self.project}")
            http.get(f"get_suite/{self.suite}")
        cases.suite_of(self, http)

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        return checks.settings(self, http)

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        return checks.known(self, http, ids)

    def resolve(self, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
        if not (self.find_cases or self.create_cases):
            return {}
        known = cases.automated(self, http)
        if self.create_cases:
            missing = [each for each in results if not known.keys() & {automation_id(each), each.nodeid}]
            known |= cases.create(self, http, missing) if missing else {}
        found = {each.id: known.get(automation_id(each)) or known.get(each.nodeid) for each in results}
        return {result_id: (case,) for result_id, case in found.items() if case}

    def open_run(self, http: Client, run: Run) -> str:
        return runs.opened(self, http, run)

    def find_run(self, http: Client, run: Run) -> str | None:
        return runs.found(self, http, run)

    def discard_run(self, http: Client, run_id: str) -> None:
        runs.discard(self, http, run_id)

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return runs.finished(http, run_id, shard, shards)

    @property
    def closes(self) -> bool:
        return self.close

    def read_run(self, http: Client, run_id: str) -> None:
        runs.read(self, http, run_id)

    def close_run(self, http: Client, run_id: str) -> None:
        if not self.closes:
            return
        try:
            http.post(f"close_run/{segment(run_id)}", json={})
        except Rejected:
            if not runs.read(self, http, run_id).pick("is_completed", bool):
                raise

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        return lists.planned(http, plan)

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        bad = {results.status(self, http, outcome) for outcome in Outcome if outcome.is_bad}
        return lists.recorded(self, http, run_id, bad)

    def run_url(self, run_id: str) -> str:
        return f"{self.url.rstrip('/')}/index.php?/runs/view/{segment(run_id)}"

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        return results.sent(self, http, run_id, batch)

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        return results.arrived(http, run_id, batch)

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        return results.culprits(error.text, batch)

    def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
        return [",".join(_attached(http, result_id, file) for result_id in place.split(",")) for file in files]


def _attached(http: Client, result_id: str, file: File) -> str:
    reply = http.post(f"add_attachment_to_result/{segment(result_id)}", files=[("attachment", file)])
    return str(dig(reply.body, "attachment_id") or "attached")
