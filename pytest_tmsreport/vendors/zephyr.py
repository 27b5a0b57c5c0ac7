"""Zephyr Scale for Jira: Cloud by an API of its own, Server and Data Center by one below that of Jira."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import PermanentError, VendorError
from ..model import Attachment, Result, Run
from ..render import segment
from ..vendor import Case
from . import _zephyr_cloud as cloud
from . import _zephyr_cycles as cycles
from . import _zephyr_dc as dc
from . import _zephyr_import as imports
from ._zephyr_settings import Settings

if TYPE_CHECKING:
    from ..client import Client, File


@dataclass(frozen=True, kw_only=True)
class Zephyr(Settings):
    """Zephyr Scale for Jira (https://support.smartbear.com/zephyr): Cloud API v2, and Server or Data Center (ATM).

    `product = cloud` needs `token`, an API key of Zephyr, and `region` where the Jira site's data is kept in one;
    `product = dc` needs `url`, the address of Jira, and `token` (a personal access token) or `user` and `password`.
    A case id is a case's key: `SHOP-T7`, or `T7`, `C7` and `7` of `project`; a test without a mark has those in
    its name (`test_sum_SHOP_T7`). A run is a test cycle. Cloud takes one result a request, `parallel` of them at once;
    DC takes `batch_size` in one, into a cycle that is made with all cases of the session. Several tests of one case
    are its worst; with `aggregate = each` they are executions of their own, in no certain order, of which Zephyr shows
    the last. Comments are HTML, and end with an id of ours, by which a result is found again. A case that does not
    exist is looked for once, and costs its own results alone. Issues are linked on DC; in the Cloud, which wants their
    numbers, they stand in the comment.

    With `mode = import` results go as files in Zephyr's own format, `import_size` in each, and every file makes a cycle
    of its own, which neither machines nor `run_id` can share. It knows passed and failed alone: other outcomes
    are refused by name, unless `status.skipped = Failed` (or Passed) says what they are to be. No files, steps as text.

    A cycle that machines share bears its key in the description (Cloud) or at the end of its name (DC, which has no
    description). In the Cloud web links of the cycle say which machines are done; none takes another's away. Cloud
    removes no cycle: of two that are made in the same moment one stays empty, and is named. DC infers the status of a
    cycle. A machine that runs its tests again adds executions. On DC a cycle has its cases from the machine that made
    it: some builds add those of the others, some refuse them (then make it with all cases, and name it by `run_id`).

    Unconfirmed in Zephyr's documents, and so a setting or handled as said: the limit of requests of the Cloud and how
    long it wants to be left alone (`requests_per_minute`; 429 is waited out, as told or with growing waits); the
    address of files in the Cloud (`attachments = try`; else they are left out and named); the most results in a
    request (`batch_size`; one that is too large is halved) and characters of a comment (`max_text`); whether a done
    cycle takes results (`done`); whether a refused batch of DC was taken in part (no); whether DC's list of results
    holds all of them, and how soon either product lists what it has just taken (asked for only where an answer was
    lost); how many steps a case must have (`steps = results`: as many as the test); that old builds of DC pass over the
    status of a result with steps; where DC's plans name their cycles (`testRuns`); the addresses of a cycle for
    people. A cycle whose making was interrupted may lack its link to the plan; a file whose answer is lost may be there
    twice.
    """

    def verify(self, http: Client) -> None:
        (cloud if self.is_cloud else dc).verify(self, http)

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        return cloud.checks(self, http) if self.is_cloud else dc.checks(self, http)

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        return cloud.known(http, self.project, ids) if self.is_cloud else dc.existing(http, ids)

    def open_run(self, http: Client, run: Run) -> str:
        if self.mode == "import":
            self._knock(http)
            return run.name  # what each file's cycle is called
        return cycles.opened(self, http, run) if self.is_cloud else dc.opened(self, http, run)

    def find_run(self, http: Client, run: Run) -> str | None:
        if self.mode == "import":
            return run.name
        return cycles.found(self, http, run) if self.is_cloud else dc.found(self, http, run)

    def discard_run(self, http: Client, run_id: str) -> None:
        if not self.is_cloud:
            dc.discard(http, run_id)
        elif self.mode == "results":
            raise PermanentError("its API removes no cycle", vendor=self.name, remedy="remove it by hand")

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return cycles.finished(http, run_id, shard, shards)

    @property
    def closes(self) -> bool:
        return self.is_cloud and self.mode == "results" and bool(self.done)

    def close_run(self, http: Client, run_id: str) -> None:
        if self.closes:
            cycles.completed(self, http, run_id)

    def read_run(self, http: Client, run_id: str) -> None:
        if self.mode == "import":
            self._knock(http)
        else:
            (cycles if self.is_cloud else dc).read(http, run_id)

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        if self.mode == "import":
            imports.sent(self, http, run_id, batch)
            return ()
        return cloud.sent(self, http, run_id, batch) if self.is_cloud else dc.sent(self, http, run_id, batch)

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        if self.mode == "import":
            return imports.arrived(self, http, batch)
        return cloud.arrived(self, http, run_id, batch) if self.is_cloud else dc.arrived(http, run_id, batch)

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        named = {error.code} if isinstance(error.code, str) else dc.named_in(error)
        return {
            index: error.text
            for index, result in enumerate(batch)
            if named.intersection(result.case_ids) or named.intersection(dc.issues(result))
        }

    def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
        attached = cloud.attached if self.is_cloud else dc.attached
        return [",".join(attached(http, number, file) for number in place.split(",")) for file in files]

    def refuses(self, file: Attachment) -> str:
        if self.attachments == "none":
            return "`attachments` is none"
        is_left_out = self.is_cloud and self.attachments == "auto"
        return "no document tells how the Cloud takes files; `attachments = try` tries it" if is_left_out else ""

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        return cloud.planned(self, http, plan) if self.is_cloud else dc.planned(self, http, plan)

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        return cloud.recorded(self, http, run_id) if self.is_cloud else dc.recorded(self, http, run_id)

    def run_url(self, run_id: str) -> str:
        if self.mode == "import":
            return ""
        if not self.is_cloud:
            return f"{self.base_url.removesuffix('/rest')}/secure/Tests.jspa#/testCycle/{segment(run_id)}"
        page = "com.atlassian.plugins.atlassian-connect-plugin:com.kanoah.test-manager__main-project-page"
        link = f"/projects/{self.project}?selectedItem={page}#!/v2/testCycle/{segment(run_id)}"
        return f"{self.jira_url.rstrip('/')}{link}" if self.jira_url else ""

    def _knock(self, http: Client) -> None:
        """Reads the project: a trouble is to meet a request that may be repeated, before one that may not."""
        path = f"projects/{self.project}" if self.is_cloud else f"api/2/project/{segment(self.project)}"
        http.get(path).pick("key", str)
