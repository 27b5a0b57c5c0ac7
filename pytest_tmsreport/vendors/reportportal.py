"""ReportPortal: a run is a launch, a result an item below its suites, and everything said a log entry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ..auth import Auth, bearer
from ..errors import ConfigError, ErrorTable, VendorError, dig
from ..model import Outcome, Result, Run
from ..render import segment
from ..vendor import Case, Vendor, setting
from . import _reportportal_checks as checks
from . import _reportportal_runs as runs
from . import _reportportal_sending as sending
from ._reportportal_errors import TABLE
from ._reportportal_oauth import exchange

if TYPE_CHECKING:
    from ..client import Client


@dataclass(frozen=True, kw_only=True)
class ReportPortal(Vendor):
    """ReportPortal 5 and later, on your own server (https://reportportal.io/docs).

    A run is a launch; folders, modules and classes are suites in it, tests are steps in these, and what a test calls
    steps are nested steps. Of a test that was run again each attempt is sent, and shown as a retry of the last.
    Messages, tracebacks and files are log entries, those of a whole batch in one request. There is no request for
    several items: each takes two, over `parallel` connections. A suite begins with the launch, as results come in any
    order, and so does a test that began earlier by its own machine's clock.

    Ids of launches, items and log entries are ours and follow from the run's and the result's; machines that share a
    run by its key come to the same id, so that there is never a second launch to remove. One that is finished is left
    alone: what comes later under its key opens the next. Who is done is a log entry of the launch.

    The asynchronous API (`api = v2`) answers before it has done anything: what it then cannot do it puts aside, and
    tells nobody but its own log. Whatever can be checked is checked before. What comes twice under one id is refused
    by the server's data base (v1: an error, v2: put aside); so says the source of service-api 5, and no document. For
    log entries even that is unconfirmed: after a lost answer they are looked up first, which on v2 may be too early.

    Unconfirmed in ReportPortal's documents, and so a setting or handled as said: the body of a 401; more than 20 log
    entries in a request (`logs_at_once`); attributes of more than 128 characters (`max_attribute`); what v2 makes of a
    launch that is continued, which therefore goes by v1 (`rerun`); whether v2 knows all suites when the last machine
    looks for those that are open (what it misses, the server finishes with the launch); since when a link may hold the
    launch's UUID (5.4, says its tracker); the longest test case id (1024). It has no plans to choose tests from; those
    that failed in a launch can be.
    """

    label: ClassVar[str] = "ReportPortal"
    proof: ClassVar[str] = "the official reportportal-client and pytest-reportportal, on one sandbox; no real server"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "passed",
        Outcome.FAILED: "failed",
        Outcome.ERROR: "failed",
        Outcome.SKIPPED: "skipped",
        Outcome.XFAILED: "skipped",
        Outcome.XPASSED: "passed",
    }
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("RP_ENDPOINT",),
        "token": ("RP_API_KEY", "RP_UUID"),
        "oauth_uri": ("RP_OAUTH_URI",),
        "user": ("RP_OAUTH_USERNAME",),
        "password": ("RP_OAUTH_PASSWORD",),
        "client_id": ("RP_OAUTH_CLIENT_ID",),
        "client_secret": ("RP_OAUTH_CLIENT_SECRET",),
        "oauth_scope": ("RP_OAUTH_SCOPE",),
        "project": ("RP_PROJECT",),
        "run_id": ("RP_LAUNCH_UUID", "RP_LAUNCH_ID"),
        "mode": ("RP_MODE",),
        "rerun": ("RP_RERUN",),
        "rerun_of": ("RP_RERUN_OF",),
        "parent": ("RP_PARENT_ITEM_ID",),
        "skipped_is_issue": ("RP_IS_SKIPPED_AN_ISSUE",),
        "bts_url": ("RP_BTS_URL",),
        "bts_project": ("RP_BTS_PROJECT",),
    }
    is_repeatable: ClassVar[bool] = False
    notes_may_cross: ClassVar[bool] = True
    files: ClassVar[Literal["before", "after", "inline"]] = "inline"
    files_per_request: ClassVar[int] = 0
    file_bytes: ClassVar[int] = 62 * 2**20
    errors: ClassVar[ErrorTable] = TABLE

    project: str = setting("name of the project; its key since 6.0")
    token: str = setting("API key; none where `user` signs in", secret=True, default="")
    user: str = setting("who signs in by OAuth, where there is no API key", default="")
    password: str = setting("the user's password", secret=True, default="")
    client_id: str = setting("the client that the OAuth server knows", default="ui")
    client_secret: str = setting("its secret, if it has one", secret=True, default="")
    oauth_uri: str = setting("where tokens are given, on the same server", default="uat/sso/oauth/token")
    oauth_scope: str = setting("what the token is to be good for", default="")
    api: Literal["v2", "v1"] = setting("v2 answers at once and works later, v1 answers when it is done", default="v2")
    mode: Literal["DEFAULT", "DEBUG", "default", "debug"] = setting("kind of launch", default="DEFAULT")
    rerun: bool = setting("continue the newest launch of this name: tests that are in it become retries", default=False)
    rerun_of: str = setting("UUID of the launch to continue", default="")
    parent: str = setting("UUID of an item below which everything stands", default="")
    complete: bool = setting("finish the launch once everything is delivered", default=True)
    skipped_is_issue: bool = setting("skipped tests are to be investigated, too", default=False)
    defects: Mapping[str, str] = setting(
        "outcome=defect type, outcome=defect type: locator, short or long name, where no mark says `issue_type`",
        default={},
    )
    bts_url: str = setting("address of the bug tracker that links to issues lead to", default="")
    bts_project: str = setting("project in the bug tracker", default="")
    steps: Literal["items", "log"] = setting(
        "steps are nested steps, two requests each, or a text in the log", default="items"
    )
    attempts: Literal["last", "each"] = setting(
        "of a test that was run again: each attempt, as retries, or its last", default="each"
    )
    max_attribute: int = setting("most characters of an attribute's key and value", default=128)
    logs_at_once: int = setting("most log entries in one request", default=100)
    request_bytes: int = setting("most bytes of a request with log entries, about", default=64_000_000)
    batch_size: int = setting("results whose log entries travel together", default=20)
    parallel: int = setting("requests under way at once", default=12)

    def __post_init__(self) -> None:
        for why in checks.wrong(self):
            raise ConfigError(why)

    @property
    def base_url(self) -> str:
        return self.url.rstrip("/").removesuffix("/api")

    @property
    def auth(self) -> Auth:
        if self.token:
            return bearer(self.token)
        return exchange(self)

    @property
    def writes(self) -> str:
        """Where the paths of what is sent begin."""
        return f"api/{'v1' if self.continues else self.api}/{segment(self.project)}"

    @property
    def reads(self) -> str:
        """Where the paths of what is read begin."""
        return f"api/v1/{segment(self.project)}"

    @property
    def continues(self) -> bool:
        """True where a launch that is there is continued."""
        return self.rerun or bool(self.rerun_of)

    def verify(self, http: Client) -> None:
        http.get(f"{self.reads}/settings")

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        return checks.settings(self, http)

    def open_run(self, http: Client, run: Run) -> str:
        return runs.opened(self, http, run)

    def find_run(self, http: Client, run: Run) -> str | None:
        return runs.found(self, http, run)

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return runs.noted(self, http, run_id, shard, shards)

    @property
    def closes(self) -> bool:
        return self.complete

    def close_run(self, http: Client, run_id: str) -> None:
        if self.closes:
            runs.closed(self, http, run_id)

    def read_run(self, http: Client, run_id: str) -> None:
        runs.launch(self, http, run_id)

    def run_url(self, run_id: str) -> str:
        kind = "userdebug" if self.mode.upper() == "DEBUG" else "launches"
        return f"{self.base_url}/ui/#{segment(self.project)}/{kind}/all/{segment(run_id)}"

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        return sending.sent(self, http, run_id, batch)

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        return sending.arrived(self, http, run_id, batch)

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        return runs.recorded(self, http, run_id)

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        index = dig(error.body, "culprit")
        return {index: error.text} if isinstance(index, int) else {}
