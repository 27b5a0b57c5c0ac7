"""What Zephyr Scale is told: facts of both products, settings, where they are and who calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ..auth import Header, basic, bearer
from ..errors import ConfigError, ErrorTable
from ..model import Outcome, Result
from ..vendor import Vendor, setting
from ._zephyr_errors import TABLE

FILE_BYTES = 10_000_000
PACKED = 5
"""So many times smaller a file of results is, at the least, when it is packed."""
IN_THE_CLOUD = "api.zephyrscale.smartbear.com"


@dataclass(frozen=True, kw_only=True)
class Settings(Vendor):
    """The settings of both products, checked against each other."""

    label: ClassVar[str] = "Zephyr Scale"
    proof: ClassVar[str] = "vendor's OpenAPI file (Cloud), pytest-zephyr-scale-integration, zephyr-python-api"
    needs_case: ClassVar[bool] = True
    is_repeatable: ClassVar[bool] = False
    answer_s: ClassVar[float] = 120.0  # an import runs long
    files: ClassVar[Literal["before", "after", "inline"]] = "after"
    file_bytes: ClassVar[int] = 2**30
    headers: ClassVar[Mapping[str, str]] = {"X-Atlassian-Token": "nocheck"}  # Jira refuses forms without it
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "Pass",
        Outcome.FAILED: "Fail",
        Outcome.ERROR: "Fail",
        Outcome.SKIPPED: "Not Executed",
        Outcome.XFAILED: "Not Executed",
        Outcome.XPASSED: "Pass",
    }
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {"jira_url": ("JIRA_URL",), "folder": ("FOLDER_NAME",)}
    errors: ClassVar[ErrorTable] = TABLE

    project: str = setting("key of the Jira project")
    product: Literal["cloud", "dc"] = setting("Zephyr Scale Cloud, or Server and Data Center", default="cloud")
    region: Literal["", "eu", "au", "de"] = setting("Cloud: where the data of the Jira site is kept", default="")
    token: str = setting("Cloud: API key of Zephyr; DC: personal access token of Jira", default="", secret=True)
    user: str = setting("DC: user, where there is no token", default="")
    password: str = setting("DC: password of the user", default="", secret=True)
    jira_url: str = setting("address of Jira: for links (Cloud), and in place of `url` (DC)", default="")
    mode: Literal["results", "import"] = setting(
        "results with all there is to tell, or one file that makes a cycle of its own and knows passed and failed",
        default="results",
    )
    folder: str = setting("folder of the cycle, `Nightly` or `Nightly/Smoke`; what is missing is made", default="")
    plan: str = setting("key of the test plan that the cycle belongs to", default="")
    version: str = setting("version of the project: its name (DC), or its number (Cloud)", default="")
    iteration: str = setting("DC: iteration of the cycle", default="")
    environment: str = setting("environment of every result; it must exist", default="")
    executed_by: str = setting("who executes: account id (Cloud), or user key (DC)", default="")
    cycle_fields: Mapping[str, str] = setting("custom fields of the cycle: name=value, name=value", default={})
    custom_fields: Mapping[str, str] = setting("name of a test's field = name of the execution's", default={})
    steps: Literal["text", "results"] = setting(
        "steps stand in the comment, or as those of the case, which must have as many", default="text"
    )
    done: str = setting("Cloud: status of the cycle once everything is delivered; empty: it stays", default="Done")
    attachments: Literal["auto", "try", "none"] = setting(
        "files are sent to DC alone, or (`try`) to Cloud, too, at an address that is not confirmed, or nowhere",
        default="auto",
    )
    create_cases: bool = setting("`mode = import`: let Zephyr make the cases of tests that name none", default=False)
    aggregate: Literal["each", "worst", "last"] = setting(
        "several tests of one case are executions of their own, or one: the worst, or the last", default="worst"
    )
    import_size: int = setting("`mode = import`: most results in one file, each of which makes a cycle", default=5000)
    batch_size: int = setting("DC: most results in one request", default=200)
    parallel: int = setting("requests under way at once", default=6)
    max_text: int = setting("most characters of a comment", default=16_000)

    def __post_init__(self) -> None:
        is_cloud, is_import = self.is_cloud, self.mode == "import"
        login = self.token or (self.user and self.password)
        for is_wrong, words in (
            (is_cloud and not self.token, "Cloud needs `token`, an API key of Zephyr"),
            (not is_cloud and not self._site, "`product = dc` needs `url`, the address of Jira"),
            (not is_cloud and not login, "`product = dc` needs `token`, or `user` and `password`"),
            (not re.fullmatch(r"[A-Z][A-Z0-9_]+", self.project), f"`project` is {self.project!r}, no key like SHOP"),
            (
                self.run_id and not re.fullmatch(r"[A-Z][A-Z0-9_]+-[RC][0-9]+", self.run_id),
                f"`run_id` is {self.run_id!r}, no key like SHOP-R5",
            ),
            (
                self.plan and not re.fullmatch(r"[A-Z][A-Z0-9_]+-P[0-9]+", self.plan),
                f"`plan` is {self.plan!r}, no key like SHOP-P3",
            ),
            (is_cloud and self.version and not self.version.isdecimal(), "`version` is a number in the Cloud"),
            (is_cloud and self.iteration, "`iteration` is for `product = dc` alone"),
            (is_import and self.run_id, "`mode = import` always makes a new cycle: leave `run_id` out"),
            (is_import and self.aggregate == "each", "`mode = import` keeps one result a case: worst or last"),
            (not is_import and self.create_cases, "`create_cases` is for `mode = import` alone"),
        ):
            if is_wrong:
                raise ConfigError(f"{self.name}: {words}")
        if is_import:
            object.__setattr__(self, "batch_size", self.import_size)
            object.__setattr__(self, "batch_bytes", max(self.batch_bytes, PACKED * FILE_BYTES))
        elif is_cloud:  # its API takes one at a time
            object.__setattr__(self, "batch_size", 1)

    @property
    def is_cloud(self) -> bool:
        """True for Zephyr Scale Cloud."""
        return self.product == "cloud"

    @property
    def wants_case(self) -> bool:
        return self.only_mapped or not self.create_cases

    @property
    def base_url(self) -> str:
        if not self.is_cloud:
            return f"{self._site.rstrip('/')}/rest"
        host = self.url or f"https://{self.region and self.region + '.'}{IN_THE_CLOUD}"
        return f"{host.rstrip('/').removesuffix('/v2')}/v2"

    @property
    def auth(self) -> Header:
        return bearer(self.token) if self.token else basic(self.user, self.password)

    @property
    def path(self) -> list[str]:
        """The folders of the cycle, from the top."""
        return [name.strip() for name in self.folder.split("/") if name.strip()]

    def case_ids(self, result: Result) -> tuple[str, ...]:
        """The keys: a number is one of the project; without a mark, those in the test's name, as Zephyr reads it."""
        found = super().case_ids(result)
        if not found and not self.names:
            name = result.nodeid.partition("::")[2] or result.nodeid
            found = tuple(re.findall(rf"(?<![A-Za-z0-9]){self.project}[_-]T[1-9][0-9]*(?![A-Za-z0-9])", name))
        return tuple(dict.fromkeys(self.key(text) or text for text in found))

    def key(self, text: str) -> str:
        """The key of a case however it is written; empty where it is none."""
        found = re.fullmatch(r"(?:C|(?:([A-Z][A-Z0-9_]+?)[-_])?T)?0*([1-9][0-9]*)", text.strip().upper(), re.ASCII)
        return f"{found[1] or self.project}-T{found[2]}" if found else ""

    @property
    def _site(self) -> str:
        """Data Center: the address of Jira."""
        return self.url or self.jira_url
