"""Lantern, a test-management tool that does not exist: what a vendor of your own looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_tmsreport import Outcome, Result, Run, Vendor
from pytest_tmsreport.auth import Header, bearer
from pytest_tmsreport.errors import AuthError, ErrorTable, Fault, NotFound, Rejected, VendorError
from pytest_tmsreport.render import cut, mark, segment, utc
from pytest_tmsreport.vendor import setting

if TYPE_CHECKING:
    from pytest_tmsreport.client import Client, File


@dataclass(frozen=True, kw_only=True)
class Lantern(Vendor):
    """Lantern, by its API v1: `tmsreport vendors lantern` prints this text, and the settings below.

    Runs and results bear ids of ours, so that sending one again doubles nothing.
    """

    label: ClassVar[str] = "Lantern"
    proof: ClassVar[str] = "its stand-in alone"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {
        Outcome.PASSED: "lit",
        Outcome.FAILED: "dark",
        Outcome.ERROR: "broken",
        Outcome.SKIPPED: "idle",
        Outcome.XFAILED: "idle",
        Outcome.XPASSED: "lit",
    }
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {"token": ("LANTERN_TOKEN",)}
    file_bytes: ClassVar[int] = 10 * 2**20
    errors: ClassVar[ErrorTable] = ErrorTable(
        message=("error.text",),
        code=("error.code",),
        failure="error",
        codes={
            "L-401": Fault(AuthError, "the token is wrong", "make a new one in Lantern, under Account"),
            "L-404": Fault(NotFound, "unknown project or run", "check `project` and `run_id`"),
            "L-422": Fault(Rejected, "a result is not valid", "correct the marks that the words name"),
        },
    )

    url: str = setting("address of the server")
    project: str = setting("code of the project")
    batch_size: int = setting("most results in one request", default=50)

    @property
    def auth(self) -> Header:
        return bearer(self.token)

    def verify(self, http: Client) -> None:
        http.get(self._project)

    def open_run(self, http: Client, run: Run) -> str:
        body = {"title": cut(run.name, 100), "own_id": mark(run.own_id), "started": utc(run.start)}
        return http.post(f"{self._project}/runs", json=body).pick("id", str)

    def read_run(self, http: Client, run_id: str) -> None:
        http.get(f"v1/runs/{segment(run_id)}")

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        reply = http.post(f"v1/runs/{segment(run_id)}/results", json=[self._row(result) for result in batch])
        return [str(each) for each in reply.pick("ids", list)]

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        return {int(number): words for number, words in re.findall(r"result ([0-9]+): ([^;]+)", error.text)}

    def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
        return [http.post(f"v1/runs/{segment(place)}/files", files=[("file", file)]).pick("id", str) for file in files]

    def close_run(self, http: Client, run_id: str) -> None:
        http.post(f"v1/runs/{segment(run_id)}/close")

    def run_url(self, run_id: str) -> str:
        return f"{self.url.rstrip('/')}/runs/{segment(run_id)}"

    @property
    def _project(self) -> str:
        return f"v1/projects/{segment(self.project)}"

    def _row(self, result: Result) -> dict[str, Any]:
        return {
            "own_id": result.id,
            "test": result.nodeid,
            "title": result.title,
            "cases": list(result.case_ids),
            "status": self.word(result.outcome),
            "seconds": round(result.duration, 3),
            "words": "\n".join(filter(None, (result.message, result.traceback))),
            "files": [file.remote_id for file in result.attachments],
        }
