"""Xray Test Management for Jira: Cloud by its own REST and GraphQL API, Server and Data Center by that of Jira."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, PermanentError, Rejected, TooLarge, VendorError, dig
from ..model import Outcome, Result, Run
from ..render import bears, cut, mark, segment, trim
from ..vendor import Case
from . import _xray_cloud as cloud
from . import _xray_dc as dc
from ._xray_json import DEFINITION, KEY, Format, defects, definition, filled
from ._xray_keys import existing
from ._xray_settings import Settings

if TYPE_CHECKING:
    from ..client import Client


@dataclass(frozen=True, kw_only=True)
class Xray(Settings):
    """Xray for Jira (https://docs.getxray.app): Cloud, and Server or Data Center.

    `product = cloud` needs `client_id` and `client_secret` of an Xray API key, and `region` where the data is kept
    in one; `product = dc` needs `url`, the address of Jira, and `token` (a personal access token) or `user` and
    `password`. Results go by `import/execution` in Xray's JSON, always into a Test Execution that is made first, or
    named by `run_id`: importing again changes nothing. A case id is a Test's key (`SHOP-7`; of `project`, `7` and `C7`
    say the same). An execution keeps one result a Test, so that several tests of one Test are its worst, and
    parametrised ones its iterations. With `create_cases` a test that names no Test is filed under the Generic
    Test whose definition is its dotted name, which Xray makes where there is none; with `folder` (Cloud) those that
    are missing are made there first, in bulk. Skipped and xfailed are TODO, which hides an older result of the
    same execution; `status.skipped = …` names another word. Data Center says PASS and FAIL for PASSED and FAILED. The
    execution stays open (DC: `transition` moves it).

    An execution that machines share bears its key in the description. Jira's search may be seconds behind: one that was
    just made is looked for until it is found, four seconds at most, and two machines that begin in the same moment may
    make two all the same (`tmsreport open` makes one). DC: a property of the issue, seen by no person, says that a
    machine is done, so that the last is always known. A machine that runs its tests again replaces their results; of
    tests of one Test on several machines the last import counts, not the worst.

    Unconfirmed in Xray's documents, and so a setting or handled as said: the limits of an import (`batch_size`,
    `batch_bytes`, `evidence_bytes`) and of one file (10 MB); how long Cloud wants to be left alone after 429 (60 s,
    where it does not say); whether iterations with parameters are for Manual Tests alone (`iterations`); how soon
    Jira's search shows a new execution (asked for only where the answer that named it was lost); whether importing
    again keeps evidence twice; the answer to an unknown execution (it is then read). An interrupted bulk creation is
    not repeated: everything is kept, and the next upload looks for what it has made.
    """

    def verify(self, http: Client) -> None:
        (cloud if self.is_cloud else dc).statuses(http, self.project)

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        known = (cloud if self.is_cloud else dc).statuses(http, self.project)
        for outcome in Outcome:
            yield f"status.{outcome.value}", partial(self._check_status, outcome, known)
        if self.plan:
            yield "plan", lambda: next(iter(self.planned(http, self.plan)), None)

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        return existing(ids, partial((cloud if self.is_cloud else dc).tests, http))

    def resolve(self, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
        if not self.create_cases:
            return {}
        named = {result.id: definition(result) for result in results}
        keys = cloud.keys_in_bulk(http, self.project, self.folder, results) if self.folder else {}
        return {id_: (keys.get(each, f"{DEFINITION}{each}"),) for id_, each in named.items()}

    def open_run(self, http: Client, run: Run) -> str:
        lines = [run.description, f"commit {run.commit}" if run.commit else "", mark(run.own_id)]
        fields: dict[str, Any] = {
            "project": {"key": self.project},
            "summary": cut(run.name, 255),
            "description": trim("\n\n".join(line for line in lines if line), 32_000),
        }
        if self.is_cloud:
            return cloud.create(http, fields, self.environment_names, lambda: self.find_run(http, run))
        fields["issuetype"] = {"name": self.issue_type}
        return dc.create(http, fields, lambda: self.find_run(http, run))

    def find_run(self, http: Client, run: Run) -> str | None:
        jql = f'project = "{self.project}" AND description ~ "\\"{mark(run.own_id)}\\""'
        if self.is_cloud:
            found = cloud.executions(http, jql)
        else:
            found = dc.executions(http, f'{jql} AND issuetype = "{self.issue_type}"')
        keys = [key for key, description in found if bears(description, run.own_id)]
        return min(keys, key=lambda key: int(key.rpartition("-")[2]), default=None)

    def discard_run(self, http: Client, run_id: str) -> None:
        (cloud if self.is_cloud else dc).discard(http, run_id)

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        return dc.finished(http, run_id, shard, shards)

    @property
    def closes(self) -> bool:
        return bool(self.transition)

    def read_run(self, http: Client, run_id: str) -> None:
        if not self.is_cloud:
            dc.read(http, run_id)
        elif not cloud.executions(http, f'key = "{run_id}"'):
            raise NotFound(f"there is no Test Execution {run_id}", vendor=self.name, remedy="check `run_id`")

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        for case in (case for result in batch for case in result.case_ids):
            if not (KEY.fullmatch(case) or case.startswith(DEFINITION)):
                words = f"{case!r} is no key of a Test: write {self.project}-7, 7 or C7"
                raise Rejected(words, vendor=self.name, code=case)
        size = sum(each.size for result in batch for each in result.attachments)
        if len(batch) > 1 and size > self.evidence_bytes:
            raise TooLarge(f"its files have {size} bytes", vendor=self.name)
        info = {
            "testPlanKey": self.plan,
            "testEnvironments": self.environment_names,
            "version": self.version,
            "revision": self.revision,
        }
        form = Format(
            self.is_cloud,
            self.project,
            self.word,
            self.custom_fields,
            self.iterations,
            self.steps == "results",
            self.max_text,
        )
        tests = [form.test(result) for result in batch]
        body = filled({"testExecutionKey": run_id, "info": filled(info), "tests": tests})
        path, proof = ("", "key") if self.is_cloud else ("raven/2.0/", "testExecIssue.key")
        try:
            http.post(f"{path}import/execution", json=body).pick(proof, str)
        except Rejected as error:
            named = KEY.findall(error.text)
            if run_id in named:
                self.read_run(http, run_id)  # says it, where the execution is gone
            if self.plan in named:
                raise PermanentError(
                    error.text, vendor=self.name, status=error.status, remedy="check `plan`"
                ) from error
            raise
        return ()

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        named = {error.code} if isinstance(error.code, str) else set(KEY.findall(error.text))
        return {index: error.text for index, result in enumerate(batch) if named & {*result.case_ids, *defects(result)}}

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        return self._cases((cloud if self.is_cloud else dc).planned(http, self._key(plan)))

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        return self._cases((cloud if self.is_cloud else dc).recorded(http, self._key(run_id)))

    def close_run(self, http: Client, run_id: str) -> None:
        if self.closes:
            dc.move(http, run_id, self.transition)

    def run_url(self, run_id: str) -> str:
        jira = self.jira_url if self.is_cloud else self.url
        return f"{jira.rstrip('/')}/browse/{segment(run_id)}" if jira else ""

    def case_ids(self, result: Result) -> tuple[str, ...]:
        """The keys; a number is one of the project."""
        found = super().case_ids(result)
        return tuple(dict.fromkeys(map(self._key, found))) if found else ()

    def _key(self, text: str) -> str:
        if KEY.fullmatch(text):
            return text
        found = re.sub(r"(?i)\AC?0*([1-9][0-9]*)\Z", rf"{self.project}-\1", text)
        return found.upper() if KEY.fullmatch(found.upper()) else found

    def _check_status(self, outcome: Outcome, known: Sequence[str]) -> None:
        if self.word(outcome) not in known:
            words = f"Xray has no status {self.word(outcome)}; it has {', '.join(known)}"
            raise PermanentError(words, vendor=self.name, remedy=f"set `status.{outcome.value}` to one of them")

    def _cases(self, tests: Iterable[tuple[dict[str, Any], str]]) -> Iterator[Case]:
        """The cases of Tests and their statuses."""
        bad = {"FAILED", "FAIL", *(str(self.word(outcome)) for outcome in Outcome if outcome.is_bad)}
        for test, status in tests:
            key = str(dig(test, "jira.key") or test.get("key"))
            number = key.removeprefix(f"{self.project}-")
            ids = (key, f"C{number}", number) if number != key else (key,)
            names = (str(test["unstructured"]),) if test.get("unstructured") else ()
            yield Case(ids, str(dig(test, "jira.summary") or ""), names, status in bad)
