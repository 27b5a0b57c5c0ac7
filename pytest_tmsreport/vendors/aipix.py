"""aipix VSaaS/VMS: marks on the timeline of the camera that watches the rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from ..auth import Auth, TokenExchange, bearer
from ..digest import headline, whole
from ..errors import ConfigError, ErrorTable
from ..model import Outcome, Result, Run
from ..render import count, cut, plain
from ..vendor import Vendor, setting
from . import _aipix_marks as marks
from ._aipix_cameras import looked_up
from ._aipix_errors import TABLE
from ._aipix_sessions import instead

if TYPE_CHECKING:
    from ..client import Client

TITLE = 255
LIFETIME_S = 3600.0
"""A token is fetched anew after an hour, or when aipix says that it has ended: how long it lasts is not told."""


@dataclass(frozen=True, kw_only=True)
class Aipix(Vendor):
    """aipix VSaaS and VMS, video surveillance, Client API v1 (https://docs.aipix.ai).

    aipix is no test-management tool: it has no runs, cases or results, and takes no files. In a lab the camera that
    watches the rig gets marks on its timeline, so that an engineer jumps to the video of a failure. `mode = summary`
    makes one mark from the first test to the last, with the numbers as its title. `mode = failures` makes one for every
    test that failed, from its start to its end, up to `most_marks`, and one more for all others that failed; tests that
    did not fail are not sent, and the summary counts them. Marks are made when the session has ended.

    Sign in with a token, or with `login` and a password: that session is ended afterwards. Where there are too many,
    nobody's is ended, and they are listed; `replace_session = true` ends the first of them. Where a captcha is wanted,
    only a token will do. A mark whose answer was lost is looked for by title and time before it is made again.
    `run_key` and `run_id` are nothing to aipix.

    Marks hang on the camera's archive: where there is none at that moment aipix may refuse a mark, and it removes them
    with the archive, after some 30 days. It is no long-term record.

    Unconfirmed in its documents, and so a setting or handled as said: the longest title (255 characters are sent);
    marks outside the archive (a refusal is named); how long a token lasts (it is renewed once it has ended); the
    largest page (25 rows are asked for); limits (`requests_per_minute`; 60 s are waited where none is told); what a
    session in a list is called besides its `id` (all of it is shown); whether single resources are wrapped (both are
    read).
    """

    label: ClassVar[str] = "aipix"
    proof: ClassVar[str] = "documentation, vendor's mobile SDK"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {outcome: outcome.value.upper() for outcome in Outcome}
    has_runs: ClassVar[bool] = False
    is_repeatable: ClassVar[bool] = False
    errors: ClassVar[ErrorTable] = TABLE

    url: str = setting("address of the VMS, without /api")
    camera: str = setting("id of the camera that watches, or its whole name")
    token: str = setting("bearer token, in place of `login`", default="", secret=True)
    login: str = setting("login, in place of a token", default="")
    password: str = setting("its password", default="", secret=True)
    replace_session: bool = setting("where there are too many sessions, end the first of them", default=False)
    mode: Literal["summary", "failures"] = setting(
        "a mark for the session, or one for every failed test", default="summary"
    )
    most_marks: int = setting(
        "`mode = failures`: most marks of a session, but for one that counts the rest", default=50
    )
    language: Literal["en", "ru"] = setting("language of aipix's messages", default="en")
    batch_size: int = setting("marks in one request: aipix takes one", default=1)
    requests_per_minute: int = setting("most requests a minute for one token; 0: no limit", default=60)

    def __post_init__(self) -> None:
        wrong = {
            "there must be a token, or `login` and a password": bool(self.token) == bool(self.login and self.password),
            "`camera` is an id, or a name of three letters or more": not self.camera.isdecimal()
            and len(self.camera) < 3,
            "`most_marks` is 1 or more": self.most_marks < 1,
            "`batch_size` is 1: aipix takes one mark in a request": self.batch_size != 1,
            "`run_id` is nothing to aipix: name the `camera`": self.run_id,
            "`aggregate` is `each`: aipix has no cases": self.aggregate != "each",
        }
        for why, is_so in wrong.items():
            if is_so:
                raise ConfigError(f"{self.name}: {why}")
        object.__setattr__(self, "headers", {"Hl": self.language})

    @property
    def base_url(self) -> str:
        return f"{self.url.rstrip('/')}/api/v1"

    @property
    def auth(self) -> Auth:
        if self.token:
            return bearer(self.token)
        body = {"login": self.login, "password": self.password}
        stale = (401, 419)
        return TokenExchange(
            "token", body, LIFETIME_S, "access_token", stale=stale, instead=partial(instead, self), end="logout"
        )

    def verify(self, http: Client) -> None:
        looked_up(self, http)

    def open_run(self, http: Client, run: Run) -> str:
        """Makes nothing: looks whether the user may set marks, and which camera it is."""
        return looked_up(self, http)

    def leaves_out(self, result: Result) -> str:
        is_left_out = self.mode == "failures" and not result.outcome.is_bad
        return "`mode = failures` marks those that failed" if is_left_out else ""

    def condense(self, run: Run, results: Sequence[Result]) -> Sequence[Result]:
        if self.mode == "summary":
            return [replace(whole(run, results, TITLE), title=headline(run, results, TITLE))]
        shown, rest = results[: self.most_marks], results[self.most_marks :]
        titled = [replace(each, title=self._title(each)) for each in shown]
        words = f"and {count(len(rest), 'more failed test')} of {run.name}"
        return [*titled, *([replace(whole(run, rest, TITLE), title=cut(words, TITLE))] if rest else [])]

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        return [marks.made(http, run_id, result) for result in batch]

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        found = {result.id: marks.found(http, run_id, result) for result in batch}
        return {name: str(row.get("id")) for name, row in found.items() if row is not None}

    def _title(self, result: Result) -> str:
        again = f" (attempt {result.attempt})" if result.attempt > 1 else ""
        message = f": {result.message}" if result.message else ""
        return cut(plain(f"{self.word(result.outcome)}{again} {result.nodeid}{message}", 4 * TITLE), TITLE)
