"""Guizhan Resources: a run is published as a version of a project."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..auth import Header
from ..digest import whole
from ..errors import ConfigError, ErrorTable, JournalError, NotFound, PermanentError, VendorError
from ..model import Outcome, Result, Run
from ..paging import Pages
from ..render import cut, segment
from ..vendor import Vendor, setting
from . import _guizhan_archive as archive
from ._guizhan_errors import TABLE, THERE

if TYPE_CHECKING:
    from ..client import Client

LONGEST = 64
"""Most characters of a version, and of its name."""
PREFIX = 30
PLATFORMS = (
    *("bukkit", "spigot", "paper", "folia", "purpur", "forge", "fabric", "quilt", "neoforge"),
    *("resourcepack", "datapack", "other"),
)
CHANNELS = Pages("page", "page_size", 20, total="pagination.total_items", until_empty=True)


@dataclass(frozen=True, kw_only=True)
class Guizhan(Vendor):
    """Guizhan Resources, a host of Minecraft plugins (https://docs.resources.guizhanss.com).

    Guizhan is no test-management tool: it has no runs, cases or results. A run becomes a version of `project` in
    `channel`, with a summary and the failures as its changelog, and a ZIP that holds the run as JUnit XML and as JSON,
    with its files, each content once. Versions are public, and followers hear of them: nothing is published until
    `publish = true`; until then results are kept, and `--tms-dry-run` shows what would go. Take a channel of its own.

    A run goes as a whole when the session has ended, in two requests; it is taken or refused as a whole. The version is
    called by `version`, the id of the run, and a hash of what it holds: where it is there already (5301), just these
    results are. Several machines publish a version each: `run_key` and `run_id` are nothing to Guizhan. The limit of a
    ZIP is 500 MiB; files beyond 450 MiB are left out and named.

    Unconfirmed in its documents, and so a setting or handled as said: the address (`url` has no default; add /v1 where
    the deployment has it); the word before the token (`scheme`, may be empty); the keys of `files` beside `name` (the
    part is called as the file; 1002 says that it was not understood); the longest changelog (`max_changelog`); names of
    the paging's parameters (a list that repeats itself has ended); limits (30 s are waited where none is told); the
    address of a version's page (no link is shown); reading versions (none is read).
    """

    label: ClassVar[str] = "Guizhan Resources"
    proof: ClassVar[str] = "documentation"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {outcome: outcome.value for outcome in Outcome}
    has_runs: ClassVar[bool] = False
    answer_s: ClassVar[float] = 300.0
    files: ClassVar[Literal["before", "after", "inline"]] = "inline"
    files_per_request: ClassVar[int] = 0
    file_bytes: ClassVar[int] = 450 * 2**20
    files_bytes: ClassVar[int] = 450 * 2**20
    errors: ClassVar[ErrorTable] = TABLE

    url: str = setting("address of the API, with /v1 where the deployment has it")
    project: str = setting("id or slug of the project")
    channel: str = setting("slug or id of the channel that versions go to; take one for test reports alone")
    publish: bool = setting("publish runs: versions are public, and followers hear of them", default=False)
    version: str = setting("what a version's number begins with; the id of the run follows", default="tests")
    scheme: str = setting("word before the token in the header; may be empty", default="Bearer")
    platforms: tuple[str, ...] = setting("platforms of a version", default=("other",))
    minecraft_versions: tuple[str, ...] = setting("Minecraft versions of a version", default=())
    max_changelog: int = setting("most characters of a changelog", default=20_000)
    batch_size: int = setting("most runs in one request: each is a version", default=1)

    def __post_init__(self) -> None:
        unknown = [word for word in self.platforms if word not in PLATFORMS]
        wrong = {
            f"`version` has 1 to {PREFIX} letters, digits, `.`, `_`, `+` or `-`": not re.fullmatch(
                rf"[\w.+-]{{1,{PREFIX}}}", self.version, re.ASCII
            ),
            f"`platforms` names {', '.join(unknown)}; known are {', '.join(PLATFORMS)}": unknown,
            "`project` and `channel` are an id or a slug": not (self.project and self.channel),
            "`max_changelog` is 1000 or more": self.max_changelog < 1000,
            "`batch_size` is 1: a run is a version": self.batch_size != 1,
            "`run_id` is nothing to Guizhan: every run is a version of its own": self.run_id,
            "`aggregate` is `each`: a version has no cases": self.aggregate != "each",
        }
        for why, is_so in wrong.items():
            if is_so:
                raise ConfigError(f"{self.name}: {why}")

    @property
    def base_url(self) -> str:
        return self.url.rstrip("/")

    @property
    def auth(self) -> Header:
        return Header("Authorization", f"{self.scheme} {self.token}".strip())

    def verify(self, http: Client) -> None:
        path = f"projects/{segment(self.project)}/channels"
        found = {str(row.get(key, "")) for row in http.rows(path, CHANNELS, "data") for key in ("slug", "id")}
        if self.channel not in found and not http.is_rehearsal:
            known = ", ".join(sorted(found - {""})[:20]) or "none"
            raise NotFound(
                f"the project {self.project!r} has no channel {self.channel!r}; it has: {known}",
                vendor=self.name,
                request=f"GET {path}",
                remedy="make the channel on the site, or correct `channel`",
            )

    def open_run(self, http: Client, run: Run) -> str:
        """Makes nothing: looks whether project and channel are there, and may be published to."""
        if not self.publish and not http.is_rehearsal:
            raise PermanentError(
                "nothing is published: versions are public, and `publish` is off",
                vendor=self.name,
                remedy="say `publish = true` where that is wanted, then send",
            )
        self.verify(http)
        return f"{self.version}.{re.sub('[^0-9A-Za-z-]', '-', run.id)[:25]}"

    def condense(self, run: Run, results: Sequence[Result]) -> Sequence[Result]:
        return [whole(run, results, self.max_changelog)]

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        return [self._publish(http, run_id, run) for run in batch]

    def _publish(self, http: Client, run_id: str, run: Result) -> str:
        held = hashlib.sha256("\n".join(sorted(part.id for part in run.parts)).encode("utf-8", "replace"))
        data: dict[str, Any] = {
            "channel": self.channel,
            "version": f"{run_id}.{held.hexdigest()[:7]}",
            "name": cut(run.title, LONGEST),
            "files": [{"name": archive.NAME}],
            "changelog": run.description,
            "minecraft_versions": list(self.minecraft_versions),
            "platforms": list(self.platforms),
            "dependencies": [],
        }
        try:
            with TemporaryDirectory(prefix="tmsreport-") as folder:
                file = archive.write(Path(folder), run)
                form = {"data": json.dumps(data)}
                reply = http.post(f"projects/{segment(self.project)}/versions", form=form, files=[(file.name, file)])
        except (OSError, JournalError) as error:
            raise PermanentError(
                f"the archive cannot be made: {error}", vendor=self.name, remedy="make room in the temporary folder"
            ) from error
        except VendorError as error:
            if error.code != THERE:
                raise
            return str(data["version"])
        return reply.pick("data.id", str)
