"""What Xray is told: facts of both products, settings, where they are and who calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ..auth import Auth, TokenExchange, basic, bearer
from ..errors import ConfigError, ErrorTable
from ..model import Outcome
from ..vendor import Vendor, setting
from ._xray_errors import TABLE
from ._xray_json import KEY


@dataclass(frozen=True, kw_only=True)
class Settings(Vendor):
    """The settings of both products, checked against each other."""

    label: ClassVar[str] = "Xray"
    proof: ClassVar[str] = "partial GraphQL types of the vendor, pytest-jira-xray, documentation"
    needs_case: ClassVar[bool] = True
    answer_s: ClassVar[float] = 120.0  # an import runs long
    files: ClassVar[Literal["before", "after", "inline"]] = "inline"
    files_per_request: ClassVar[int] = 0
    file_bytes: ClassVar[int] = 10_000_000
    files_bytes: ClassVar[int] = 10_000_000
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "PASSED",
        Outcome.FAILED: "FAILED",
        Outcome.ERROR: "FAILED",
        Outcome.SKIPPED: "TODO",
        Outcome.XFAILED: "TODO",
        Outcome.XPASSED: "PASSED",
    }
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("XRAY_API_BASE_URL",),
        "client_id": ("XRAY_CLIENT_ID",),
        "client_secret": ("XRAY_CLIENT_SECRET",),
        "token": ("XRAY_API_KEY",),
        "user": ("XRAY_API_USER",),
        "password": ("XRAY_API_PASSWORD",),
        "environments": ("XRAY_EXECUTION_TEST_ENVIRONMENTS",),
        "version": ("XRAY_EXECUTION_FIX_VERSION",),
        "revision": ("XRAY_EXECUTION_REVISION",),
    }
    errors: ClassVar[ErrorTable] = TABLE

    project: str = setting("key of the Jira project")
    product: Literal["cloud", "dc"] = setting("Xray Cloud, or Server and Data Center", default="cloud")
    region: Literal["", "us", "eu", "au"] = setting("Cloud: where the data is kept", default="")
    client_id: str = setting("Cloud: client id of the API key", default="")
    client_secret: str = setting("Cloud: client secret of the API key", default="", secret=True)
    token: str = setting("DC: personal access token of Jira", default="", secret=True)
    user: str = setting("DC: user, where there is no token", default="")
    password: str = setting("DC: password of the user", default="", secret=True)
    jira_url: str = setting("Cloud: address of Jira, for links to the execution", default="")
    plan: str = setting("key of the Test Plan that the execution belongs to", default="")
    environments: tuple[str, ...] = setting("Test Environments of the execution, words without spaces", default=())
    version: str = setting("name of the fix version of the execution", default="")
    revision: str = setting("revision of the execution", default="")
    issue_type: str = setting("DC: what Jira calls the type of a Test Execution", default="Test Execution")
    transition: str = setting("DC: id of the transition that completes the execution", default="")
    create_cases: bool = setting("let Xray make the Tests of tests that name none", default=False)
    folder: str = setting("Cloud: folder of the repository where `create_cases` makes Tests", default="")
    custom_fields: Mapping[str, str] = setting(
        "name of a test's field = id of the Test Run's (Cloud: or its name)", default={}
    )
    steps: Literal["text", "results"] = setting(
        "steps stand in the comment, or as those of the Test, which must be a Manual one with as many", default="text"
    )
    iterations: bool = setting("parametrised tests of one Test are its iterations, not words alone", default=True)
    aggregate: Literal["each", "worst", "last"] = setting(
        "which of several tests of one Test counts: the worst, or the last", default="worst"
    )
    batch_size: int = setting("most Tests in one import", default=500)
    batch_bytes: int = setting("most bytes of results in one import, about", default=5_000_000)
    evidence_bytes: int = setting("most bytes of files in one import, before they are encoded", default=10_000_000)
    requests_per_minute: int = setting("most requests a minute; Cloud Enterprise takes 200; 0: no limit", default=60)
    max_text: int = setting("most characters of a message or traceback; Jira takes 32767 in all", default=15_000)

    def __post_init__(self) -> None:
        is_cloud, secrets = self.is_cloud, "Cloud needs both `client_id` and `client_secret`"
        login = self.token or (self.user and self.password)
        for is_wrong, words in (
            (is_cloud and not (self.client_id and self.client_secret), f"{secrets} of an API key of Xray"),
            (not is_cloud and not self.url, "`product = dc` needs `url`, the address of Jira"),
            (not is_cloud and not login, "`product = dc` needs `token`, or `user` and `password`"),
            (not re.fullmatch(r"[A-Z][A-Z0-9_]+", self.project), f"`project` is {self.project!r}, no key like SHOP"),
            (self.run_id and not KEY.fullmatch(self.run_id), f"`run_id` is {self.run_id!r}, no key like SHOP-310"),
            (self.plan and not KEY.fullmatch(self.plan), f"`plan` is {self.plan!r}, no key like SHOP-70"),
            (self.aggregate == "each", "`aggregate` must be worst or last: an execution keeps one result a Test"),
            (is_cloud and self.transition, "`transition` is for `product = dc` alone"),
            (not is_cloud and self.folder, "`folder` is for `product = cloud` alone"),
        ):
            if is_wrong:
                raise ConfigError(f"{self.name}: {words}")

    @property
    def is_cloud(self) -> bool:
        """True for Xray Cloud."""
        return self.product == "cloud"

    @property
    def base_url(self) -> str:
        if not self.is_cloud:
            return f"{self.url.rstrip('/')}/rest"
        host = self.url or f"https://{self.region and self.region + '.'}xray.cloud.getxray.app"
        return f"{host.rstrip('/').removesuffix('/api/v2')}/api/v2"

    @property
    def auth(self) -> Auth:
        if self.is_cloud:
            body = {"client_id": self.client_id, "client_secret": self.client_secret}
            return TokenExchange("authenticate", body, lifetime_s=23 * 3600.0)  # good for 24 hours
        return bearer(self.token) if self.token else basic(self.user, self.password)

    @property
    def environment_names(self) -> list[str]:
        """The Test Environments, each a word."""
        return [word for text in self.environments for word in text.split()]

    def word(self, outcome: Outcome) -> str | int:
        word = super().word(outcome)
        if self.is_cloud or outcome.value in self.status:
            return word
        return {"PASSED": "PASS", "FAILED": "FAIL"}.get(str(word), word)
