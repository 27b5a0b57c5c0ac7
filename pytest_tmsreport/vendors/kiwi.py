"""Kiwi TCMS: runs, executions and cases by JSON-RPC, on Kiwi TCMS 12.4 and later."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..auth import TokenExchange
from ..errors import ConfigError, ErrorTable
from ..model import Attachment, Outcome, Result, Run
from ..vendor import Case, Vendor, setting
from . import _kiwi_cases as cases
from . import _kiwi_checks as checks
from . import _kiwi_places as places
from . import _kiwi_results as results
from . import _kiwi_rpc as rpc
from . import _kiwi_runs as runs
from ._kiwi_errors import ERRORS
from ._kiwi_files import attached

if TYPE_CHECKING:
    from ..client import Client, File


@dataclass(frozen=True, kw_only=True)
class Kiwi(Vendor):
    """Kiwi TCMS, by JSON-RPC (https://kiwitcms.readthedocs.io, "RPC API"); held against a server of version 12.4.

    `url` is the address of the server, with or without `/xml-rpc/`; `user` and the secret `password` sign in, as in
    `~/.tcms.conf`, which is not read here: `tmsreport migrate kiwi` takes it over. Kerberos is not supported. Product,
    version, build, plan and category are found by their names, and made where they are missing; without `plan` it is
    the one that kiwitcms-pytest-plugin makes.

    A test is filed under the cases it names (`TC-123` or `123`), else under the case of the product whose summary is
    its node id; with `create_cases` a missing one is made, confirmed and automated, its node id as `script`, and never
    a second time. A case is put into plan and run. Parametrised tests share a case, which counts as the worst of them,
    and whose comment names each; with `parameter_cases` each set of parameters has a case of its own, as
    kiwitcms-pytest-plugin makes them. A node id of more than 255 characters is cut, and told apart by a hash.

    An execution gets status, start and stop (whole seconds, in `time_zone`), links, and a comment with node id,
    message, steps, traceback, parameters, tags, fields and earlier attempts; its last line is an id of ours, by which
    results are found again. Fields and parameters are properties, and files belong to executions, where the server has
    methods for it (15.3; `system.listMethods` is asked once); before, files are at the run, named by the execution
    (`TE-5-log.txt`). A file with HTML tags or an `.exe` is refused by Kiwi TCMS and goes in a ZIP archive, an empty one
    not at all. Version 12.4 reads 2.5 MiB at once, and so files of 1.9 MB; later ones take 5 MiB. A file whose answer
    is lost may be there twice.

    A run that machines share bears its key in the notes, and is looked for among those without an end. That a machine
    is done is said by a tag of the run, so that the last is always known. No run can be removed: one that two machines
    make in the same moment is ended and called empty. Where several machines report one case, the last counts, and each
    has its comment.

    Unconfirmed: versions other than 12.4 (methods and parameters are as the source of 16 has them); the 5 MiB.
    """

    label: ClassVar[str] = "Kiwi TCMS"
    proof: ClassVar[str] = "a real server, 12.4, with tcms-api; kiwitcms-pytest-plugin on our sandbox"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "PASSED",
        Outcome.FAILED: "FAILED",
        Outcome.ERROR: "ERROR",
        Outcome.SKIPPED: "WAIVED",
        Outcome.XFAILED: "WAIVED",
        Outcome.XPASSED: "PASSED",
    }
    needs_case: ClassVar[bool] = True
    is_repeatable: ClassVar[bool] = False
    files: ClassVar[Literal["before", "after", "inline"]] = "after"
    file_bytes: ClassVar[int] = 5 * 2**20
    one_batch_at_once: ClassVar[bool] = True  # it keeps one result a case; a server is no faster with two at once
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("TCMS_API_URL",),
        "user": ("TCMS_USERNAME",),
        "password": ("TCMS_PASSWORD",),
        "product": ("TCMS_PRODUCT",),
        "version": ("TCMS_PRODUCT_VERSION",),
        "build": ("TCMS_BUILD",),
        "plan": ("TCMS_PLAN_ID",),
        "parent_plan": ("TCMS_PARENT_PLAN",),
        "run_id": ("TCMS_RUN_ID",),
        "tester": ("TCMS_DEFAULT_TESTER_ID",),
    }
    errors: ClassVar[ErrorTable] = ERRORS

    url: str = setting("address of the server, such as https://kiwi.example")
    token: str = setting("not used: Kiwi TCMS has no tokens", default="", secret=True)
    user: str = setting("user who signs in, and manages the run")
    password: str = setting("password of the user", secret=True)
    product: str = setting("name of the product")
    version: str = setting("version of the product", default="unspecified")
    build: str = setting("name of the build; by default the CI's, else the commit", default="")
    plan: str = setting("plan of the run: TP-12, 12, or a name", default="")
    parent_plan: int = setting("number of the plan below which a plan is made", default=0)
    plan_type: str = setting("type of a plan that is made", default="Integration")
    category: str = setting("category of cases that are made; by default the product's first", default="")
    priority: str = setting("priority of cases that are made; by default the first", default="")
    case_status: str = setting("status of cases that are made: a confirmed one", default="CONFIRMED")
    tester: str = setting("user (name or number) who tests; by default `user`", default="")
    create_cases: bool = setting("make the cases that are missing", default=True)
    parameter_cases: bool = setting("each set of parameters has a case of its own", default=False)
    close: bool = setting("complete the run once everything is delivered", default=True)
    time_zone: str = setting("time zone of the server", default="UTC")
    aggregate: Literal["each", "worst", "last"] = setting(
        "several tests of one case are sent as they are, or as one: the worst, or the last", default="worst"
    )
    batch_size: int = setting("most results in one request", default=100)
    batch_bytes: int = setting("most bytes of results in one request, about", default=2_000_000)
    parallel: int = setting("files under way at once; results go one request after the other", default=2)
    max_text: int = setting("most characters of a comment", default=16_000)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError(f"`time_zone` of {self.name} is {self.time_zone!r}: write such as Europe/Sofia") from None

    def case_ids(self, result: Result) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(cases.number(text) or text) for text in super().case_ids(result)))

    @property
    def root(self) -> str:
        """The address of the server itself."""
        return re.sub(r"/(?:xml|json)-rpc/?\Z|/+\Z", "", self.url)

    @property
    def base_url(self) -> str:
        return self.root

    @property
    def auth(self) -> TokenExchange:
        return rpc.login(self.user, self.password)

    def verify(self, http: Client) -> None:
        places.known(self, http)

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        return checks.settings(self, http)

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        return cases.known(http, ids)

    def resolve(self, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
        return cases.resolved(self, http, results)

    def open_run(self, http: Client, run: Run) -> str:
        return runs.opened(self, http, run)

    def find_run(self, http: Client, run: Run) -> str | None:
        return runs.found_again(self, http, run)

    def discard_run(self, http: Client, run_id: str) -> None:
        runs.discard(self, http, run_id)

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return runs.finished(self, http, run_id, shard, shards)

    @property
    def closes(self) -> bool:
        return self.close

    def read_run(self, http: Client, run_id: str) -> None:
        runs.read(self, http, run_id)

    def close_run(self, http: Client, run_id: str) -> None:
        if self.close:
            runs.close(self, http, run_id)

    def run_url(self, run_id: str) -> str:
        return f"{self.root}/runs/{run_id.upper().removeprefix('TR-')}/"

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        return results.sent(self, http, run_id, batch)

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        return results.arrived(self, http, run_id, batch)

    def refuses(self, file: Attachment) -> str:
        return "" if file.size else f"it is empty, and {self.label} takes no empty files"

    def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
        return [attached(self, http, place, file) for file in files]

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        return cases.planned(self, http, plan)

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        return results.recorded(self, http, run_id)
