"""The conformance suite for any vendor, ours or not; needs the extra `sandbox`, that is Flask, beside pytest.

`VendorContract` tells how it is used; `examples/vendor_package` is a package to copy.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from .client import Client
from .errors import AuthError, JournalError, NotFound, PermanentError, TransientError, VendorError
from .faults import FAULTS, Arrived, End, Fault, Killed, KilledAfter, Unreachable, Watched
from .journal import Journal, RunFolder
from .model import Outcome, Result, Run
from .pending import is_doubtful
from .sandbox.adapter import WsgiAdapter
from .sandbox.mount import Mount
from .sandbox.site import Sandbox
from .tally import Tally
from .upload import Conditions, upload
from .vendor import Vendor

FAULTLESS = pytest.StashKey[Watched]()


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps; `slept` lists for how long (seconds)."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Lets that many seconds pass at once."""
        self.slept.append(seconds)
        self.now += seconds


class Canned(BaseAdapter):
    """Answers every request alike; `paths` lists what was asked."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.paths: list[str] = []
        self._status = status
        self._body = body
        self._headers = {"Content-Type": "application/json", **(headers or {})}

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.paths.append(f"{request.method} {request.path_url}")
        response = requests.Response()
        response.status_code = self._status
        response.headers = CaseInsensitiveDict(self._headers)
        response.url = str(request.url)
        response.request = request
        response.raw = HTTPResponse(
            io.BytesIO(self._body), self._headers, self._status, preload_content=False, decode_content=False
        )
        return response

    def close(self) -> None:
        """There is nothing to close."""


class LosesOne(WsgiAdapter):
    """Delivers every request, and loses the answer to one of them."""

    def __init__(self, mount: Mount, number: int) -> None:
        super().__init__(mount)
        self._left = number

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(request, *args, **kwargs)
        self._left -= 1
        if self._left == 0:
            raise requests.exceptions.ConnectionError("the answer was lost")
        return answer


class Meanwhile(WsgiAdapter):
    """Delivers every request; just before one of them, something else happens."""

    def __init__(self, mount: Mount, number: int, happens: Callable[[], object]) -> None:
        super().__init__(mount)
        self._left = number
        self._happens = happens

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._left -= 1
        if self._left == 0:
            self._happens()
        return super().send(request, *args, **kwargs)


RUN = Run(id="20260914-100211-0a1b2c3d", name="pytest 2026-09-14 10:02", start=1789380131.0)


class Desk:
    """A journal, a vendor and its sandbox in memory: what one test of a vendor works with."""

    def __init__(self, folder: Path, vendor: Vendor, sandbox: Sandbox, run: Run = RUN) -> None:
        self.vendor = vendor
        self.sandbox = sandbox
        self.box = sandbox.box
        self.mount = Mount([sandbox])
        self.time = FakeTime()
        self.run = run
        self.journal = Journal(folder / "run", self.run, {vendor.name: vendor.kind})
        self.folder = RunFolder(folder / "run")

    def machine(self, shard: int, shards: int = 0, *, key: str = "build-7") -> Desk:
        """The desk of another machine that reports to the same tool, into the run of that key."""
        run = replace(self.run, id=f"20260914-100212-{shard:08x}", name=f"pytest on {shard}", key=key)
        run = replace(run, shard=shard if shards else 0, shards=shards)
        return Desk(self.folder.path.parent / f"{key}-{shard}", self.vendor, self.sandbox, run)

    def write(self, *results: Result) -> None:
        """Ends the session with these results."""
        for result in results:
            self.journal.write(result)
        self.journal.end(exitstatus=0, not_run=[])

    def send(self, *, deadline_s: float = math.inf, **changes: Any) -> Tally:
        """One upload, with `deadline_s` seconds of the fake time to spend."""
        ends = self.time() + deadline_s
        conditions = Conditions(
            transport=WsgiAdapter(self.mount), sleep=self.time.sleep, clock=self.time, deadline=lambda: ends
        )
        (tally,) = upload(self.folder, [self.vendor], replace(conditions, **changes))
        return tally

    def client(self, transport: BaseAdapter | None = None, *, deadline_s: float = math.inf) -> Client:
        """A client of the vendor on the sandbox, or on another transport."""
        ends = self.time() + deadline_s
        adapter = transport or WsgiAdapter(self.mount)
        return Client(self.vendor, transport=adapter, sleep=self.time.sleep, clock=self.time, deadline=lambda: ends)

    def verify(self) -> None:
        """Tries what the vendor can try before results are sent, and raises what is wrong first."""
        client = self.client()
        self.vendor.verify(client)
        for _, check in self.vendor.checks(client):
            check()

    def arrived(self) -> list[str]:
        """The ids of the results in the sandbox, as often as they are there."""
        return sorted(result.id for result in self.box.results.values())


def make_results(number: int, **changes: Any) -> list[Result]:
    """So many results with ids, cases and every outcome in turn."""
    outcomes = list(Outcome)
    return [
        replace(
            Result(
                id=f"11111111-1111-4111-8111-{index:012x}",
                nodeid=f"tests/test_shop.py::TestCart::test_{index}",
                title=f"test_{index}",
                outcome=outcomes[index % len(outcomes)],
                start=1789380132.0 + index,
                duration=0.25,
                message="AssertionError: assert 1 == 2" if outcomes[index % len(outcomes)].is_bad else "",
                ids=({"": (str(index + 1),)},),
                suite=("tests", "test_shop", "TestCart"),
            ),
            **changes,
        )
        for index in range(number)
    ]


class VendorContract:
    """What every vendor keeps: each result arrives once, in one run, whatever goes wrong.

    Subclass it, named `Test…`, with the vendor and a function that makes its stand-in:

    ```python
    from pytest_tmsreport.sandbox.box import Box
    from pytest_tmsreport.sandbox.site import Sandbox, new_app
    from pytest_tmsreport.testing import Desk, VendorContract


    def acme() -> Sandbox:
        box = Box("acme", secrets=("s3cret-token",))  # what has arrived; keeps no secret
        app = new_app(box, error_body, admit)  # a Flask app: errors have Acme's shape, `admit` raises Refused
        ...  # its addresses, which tell the box of runs, results and files
        return Sandbox(box, app, error_body, environment)


    class TestAcme(VendorContract):
        vendor = Acme(name="acme", kind="acme", url="https://acme.test/acme", token="s3cret-token")
        sandbox = staticmethod(acme)

        def case(self, number: int) -> str:  # where cases are not called 1, 2, 3
            return f"T-{number}"

        def spoil(self, result: Result) -> Result:  # where "no such case" is not what Acme refuses
            return replace(result, title="")

        def plan(self, desk: Desk, cases: Sequence[str]) -> str:  # where it has `planned`
            return desk.client().post("plans", json={"cases": list(cases)}).pick("id", str)

        def test_a_surprise_of_its_own(self, desk: Desk) -> None:
            desk.write(*self.results(3))
            desk.mount.troubles.add("503*2")
            assert desk.send().delivered == 3
    ```

    The last segment of `url` is the name of the box. Results in the box have `Result.id` as their id. Whatever the
    vendor does not support (`find_run`, `planned`, `attach`, …) is skipped. Each test has a `Desk` of its own; no time
    passes, and no network is needed.
    """

    vendor: ClassVar[Vendor]
    sandbox: ClassVar[Callable[[], Sandbox]]
    closing: ClassVar[Vendor | None] = None
    """The vendor set up so that it completes runs, where `vendor` is not."""

    def case(self, number: int) -> str:
        """The id of a case that the sandbox knows, as a mark would name it."""
        return str(number)

    def results(self, number: int, **changes: Any) -> list[Result]:
        """So many results of every outcome, each with a case of its own."""
        made = make_results(number, **changes)
        return [replace(each, ids=({"": (self.case(place),)},)) for place, each in enumerate(made, 1)]

    def spoil(self, result: Result) -> Result:
        """The same result made so that the tool refuses it, and nothing else in its batch."""
        return replace(result, ids=({"": ("no such case",)},))

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        """Makes a plan of these cases, as marks name them, in the sandbox; returns how a user names it."""
        raise NotImplementedError(f"say how a plan is made: {self.vendor.label} lists the cases of one")

    def _needs(self, method: str) -> None:
        if not self.vendor.can(method):
            pytest.skip(f"{self.vendor.label} has no {method}")

    def _close(self, desk: Desk) -> None:
        """Sets the desk up so that runs are completed."""
        desk.vendor = self.closing or self.vendor
        if not (desk.vendor.closes and desk.vendor.can("finish_shard")):
            pytest.skip(f"{self.vendor.label} does not know who is done")

    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        made = Desk(tmp_path, self.vendor, type(self).sandbox())
        yield made
        with suppress(JournalError):  # most tests have ended it
            made.journal.end(exitstatus=0, not_run=[])

    def twelve(self, folder: Path, fault: Fault | None = None) -> Desk:
        """A session of twelve results that has ended, one with a file, to be sent in three batches, one by one."""
        desk = Desk(folder, self.vendor, type(self).sandbox())
        desk.vendor = replace(desk.vendor, batch_size=min(4, desk.vendor.batch_size), parallel=1)
        results = self.results(12)
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        results[0] = replace(results[0], attachments=(shot,))
        if fault and fault.spoils:
            results[4] = self.spoil(results[4])
        desk.write(*results)
        return desk

    @pytest.fixture
    def faultless(self, request: pytest.FixtureRequest, tmp_path: Path) -> Watched:
        """What each request of their upload does while nothing goes wrong; found out once."""
        stash = request.node.parent.stash
        if FAULTLESS not in stash:
            desk = self.twelve(tmp_path / "faultless")
            stash[FAULTLESS] = watched = Watched(desk.mount, desk.box)
            desk.send(transport=watched)
        found: Watched = stash[FAULTLESS]
        return found

    def test_every_outcome_has_a_status(self) -> None:
        assert set(self.vendor.statuses) == set(Outcome)

    def test_each_result_arrives_once_and_in_one_run(self, desk: Desk) -> None:
        results = self.results(2 * self.vendor.batch_size + 1)
        desk.write(*results)
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused, tally.reason) == (len(results), 0, 0, "")
        assert len(desk.box.results) == len(results)
        assert len({result.run for result in desk.box.results.values()}) == 1

    def test_what_is_sent_while_tests_run_makes_one_run_that_is_completed_in_the_end(self, desk: Desk) -> None:
        if self.vendor.waits_for_end:
            pytest.skip(f"{self.vendor.label} gets what it merges when the session has ended")
        start = 0
        for result in self.results(3):
            desk.journal.write(result)
            _, end = desk.folder.grown(start)
            assert desk.send(part=(start, end)).delivered == 1
            start = end
        assert not [run for run in desk.box.runs.values() if run.end is not None]
        desk.write()
        tally = desk.send()
        assert (tally.before, tally.delivered, tally.kept) == (3, 0, 0)
        assert len(desk.box.results) == 3
        assert len({result.run for result in desk.box.results.values()}) == 1

    def test_a_second_upload_sends_nothing(self, desk: Desk) -> None:
        desk.write(*self.results(3))
        desk.send()
        requests_before = len(desk.box.requests)
        tally = desk.send()
        assert (tally.delivered, tally.before) == (0, 3)
        assert len(desk.box.requests) == requests_before

    def test_a_rate_limit_is_waited_for_as_told(self, desk: Desk) -> None:
        desk.write(*self.results(3))
        desk.mount.troubles.add("429*3")
        tally = desk.send()
        assert tally.delivered == 3
        assert desk.time.slept.count(1.0) == 3

    def test_a_wrong_token_stops_at_once_and_keeps_everything(self, desk: Desk) -> None:
        desk.write(*self.results(5))
        desk.mount.troubles.add("401")
        tally = desk.send()
        assert (tally.delivered, tally.kept) == (0, 5)
        assert tally.remedy
        assert desk.time.slept == []
        assert len(desk.box.requests) == 1

    def test_one_bad_result_does_not_hold_up_the_others(self, desk: Desk) -> None:
        good = self.results(9)
        bad = self.spoil(good[4])
        desk.write(*good[:4], bad, *good[5:])
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (8, 0, 1)
        assert [nodeid for nodeid, _ in tally.refusals] == [bad.nodeid]
        assert len(desk.box.results) == 8
        again = desk.send()
        assert (again.delivered, again.refused, again.before) == (0, 1, 8)

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
    def test_whatever_goes_wrong_nothing_is_lost_and_nothing_doubled(
        self, tmp_path: Path, faultless: Watched, fault: Fault
    ) -> None:
        desk = self.twelve(tmp_path / "desk", fault)
        trouble = fault.spec(faultless.places()) if fault.trouble else ""
        self.suffer(desk, fault, trouble, faultless.arrived().unique)

    @pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.passes], ids=lambda fault: fault.name)
    def test_a_fault_that_passes_costs_nothing_whichever_request_it_meets(
        self, tmp_path: Path, faultless: Watched, fault: Fault
    ) -> None:
        everything = faultless.arrived().unique
        for number in range(1, len(faultless.did)):
            self.suffer(self.twelve(tmp_path / str(number)), fault, f"{fault.trouble}+{number}", everything)

    def suffer(self, desk: Desk, fault: Fault, trouble: str, everything: int) -> None:
        """Sends through a fault, and once more when it is over; `everything` is the number of results at the tool."""
        desk.mount.troubles.add(*([trouble] if trouble else []))
        way = Unreachable(desk.mount, fault.network) if fault.network else WsgiAdapter(desk.mount)
        tally = desk.send(deadline_s=180, transport=way)

        arrived = Arrived.at(desk.box)
        is_kept = tally.kept > tally.doubtful
        assert tally.delivered + tally.kept + tally.refused == 12, trouble
        assert (arrived.doubled, arrived.unique >= tally.delivered) == (0, True), trouble
        assert not tally.doubtful or (fault.is_lost and is_doubtful(desk.vendor)), trouble
        assert bool(tally.kept) is (fault.end is End.KEPT) or tally.doubtful or fault.end is End.NO_SUCCESS, trouble
        end = End.REFUSED if fault.splits and desk.vendor.batch_size == 1 else fault.end
        is_kept_instead = fault.end is End.NO_SUCCESS and tally.kept
        assert bool(tally.refused) is (end is End.REFUSED) or is_kept_instead, trouble
        assert bool(tally.reason and tally.remedy) is bool(tally.kept), trouble
        assert fault.said in tally.reason or not is_kept, trouble
        assert len(tally.refusals) == tally.refused, trouble
        assert all(fault.said in words for _, words in tally.refusals), trouble

        desk.mount.troubles.clear()
        again = desk.send(again=not fault.spoils)
        arrived = Arrived.at(desk.box)
        assert (again.kept, again.refused) == (tally.doubtful, int(fault.spoils)), trouble
        assert (arrived.doubled, len({result.run for result in desk.box.results.values()}) <= 1) == (0, True), trouble
        missing = (tally.doubtful + again.refused) * everything // 12
        assert everything - missing <= arrived.unique <= everything, trouble
        assert tally.doubtful or tally.notes or bool(desk.box.attachments) is self._takes_files(), trouble

    def test_a_kill_after_any_answer_loses_nothing_and_doubles_nothing(
        self, tmp_path: Path, faultless: Watched
    ) -> None:
        everything = faultless.arrived().unique
        for number in range(1, len(faultless.did) + 1):
            desk = self.twelve(tmp_path / str(number))
            with pytest.raises(Killed):
                desk.send(transport=KilledAfter(desk.mount, number))
            tally = desk.send()
            arrived = Arrived.at(desk.box)
            assert arrived.doubled == 0, f"killed after answer {number}"
            assert (arrived.unique, tally.kept) == (everything, 0) or is_doubtful(desk.vendor), (
                f"killed after answer {number}"
            )
            assert tally.kept == tally.doubtful, f"killed after answer {number}"

    @pytest.mark.parametrize(
        "body", [b"", b"<html>please log in</html>", b'{"trunc', b"null", b"[]", b"{}", b'"fine"', b"\xff\xfe"]
    )
    def test_an_answer_that_is_not_the_tools_is_no_success(self, desk: Desk, body: bytes) -> None:
        with pytest.raises(VendorError) as caught:
            self.vendor.open_run(desk.client(Canned(200, body), deadline_s=60), desk.run)
        assert caught.value.remedy

    def test_the_token_is_in_no_file_and_no_request(self, desk: Desk) -> None:
        secrets = [secret for secret in self.vendor.secrets() if secret]
        desk.write(*self.results(3))
        desk.send()
        kept = [path.read_bytes() for path in desk.folder.path.rglob("*") if path.is_file()]
        assert secrets
        assert not [content for content in kept for secret in secrets if secret.encode() in content]
        assert not [each for each in desk.box.requests if each.held_secret]
        assert not [secret for secret in secrets if secret in repr(self.vendor)]

    def test_files_arrive_once_each(self, desk: Desk) -> None:
        if not self._takes_files():
            pytest.skip(f"{self.vendor.label} takes no files")
        first, second, third = self.results(3)
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        shot = desk.journal.attach("shot.png", "image/png", os.urandom(1000))
        desk.write(replace(first, attachments=(log, shot)), replace(second, attachments=(log,)), third)
        tally = desk.send()
        assert tally.notes == []
        due = (
            [log, shot] if self.vendor.files == "before" else [log, shot, log]
        )  # else each result has files of its own
        assert sorted(file.sha256 for file in desk.box.attachments.values()) == sorted(file.sha256 for file in due)

    def _takes_files(self) -> bool:
        return self.vendor.can("attach") or self.vendor.files == "inline"

    @pytest.mark.parametrize("number", range(1, 7), ids=lambda number: f"request_{number}")
    def test_two_machines_that_open_a_run_of_one_key_at_once_report_into_one(self, desk: Desk, number: int) -> None:
        self._needs("find_run")
        results = self.results(7)
        one, other, stranger = desk.machine(1), desk.machine(2), desk.machine(3, key="build-77")
        one.write(*results[:3])
        other.write(*results[3:6])
        stranger.write(results[6])
        assert stranger.send().delivered == 1
        tallies: list[Tally] = []
        tallies.append(one.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(other.send()))))
        if len(tallies) == 1:  # it has made fewer requests
            tallies.append(other.send())
        assert [(tally.delivered, tally.kept, tally.notes) for tally in tallies] == [(3, 0, [])] * 2
        # A tool that removes no runs ends the one that came second.
        assert sum(run.end is None or bool(desk.box.results_of(run.id)) for run in desk.box.runs.values()) == 2
        assert len({tally.run_id for tally in tallies}) == 1
        assert len(desk.box.results_of(tallies[0].run_id)) == 6
        assert desk.box.runs[tallies[0].run_id].end is None
        assert all(tally.is_left_open is self.vendor.closes for tally in tallies)

    def test_a_machine_that_comes_later_joins_the_run_of_its_key(self, desk: Desk) -> None:
        self._needs("find_run")
        results = self.results(6)
        tallies = []
        for shard, part in enumerate((results[:2], results[2:4], results[4:])):
            each = desk.machine(shard)
            each.write(*part)
            tallies += [each.send(), each.send()]
        assert [(tally.delivered, tally.before) for tally in tallies] == [(2, 0), (0, 2)] * 3
        assert len(desk.box.runs) == 1
        assert len(desk.box.results) == 6

    def test_a_lost_answer_to_opening_a_run_of_a_key_makes_no_second_one(self, desk: Desk) -> None:
        self._needs("find_run")
        for number in range(1, 5):
            each = desk.machine(number, key=f"build-{number}")
            each.write(*self.results(2))
            tally = each.send(transport=LosesOne(desk.mount, number))
            assert tally.delivered + tally.doubtful == 2
            assert not tally.doubtful or is_doubtful(desk.vendor)
            assert len(desk.box.runs) == number

    @pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)], ids=str)
    def test_the_last_of_three_machines_completes_the_run(self, desk: Desk, order: tuple[int, ...]) -> None:
        self._close(desk)
        results = self.results(6)
        open_after = []
        for shard in order:
            each = desk.machine(shard, 3)
            each.write(*results[2 * shard - 2 : 2 * shard])
            tally = each.send()
            assert (tally.delivered, tally.notes, tally.is_run_open) == (2, [], False)
            assert len(desk.box.runs) == 1
            open_after.append((tally.is_left_open, desk.box.runs[tally.run_id].end is None))
            requests_before = len(desk.box.requests)
            assert each.send().is_left_open is tally.is_left_open
            assert len(desk.box.requests) == requests_before
        assert open_after == [(True, True), (True, True), (False, False)]

    @pytest.mark.parametrize("number", range(1, 12), ids=lambda number: f"request_{number}")
    def test_of_two_machines_that_end_at_once_one_completes_the_run_and_never_too_early(
        self, desk: Desk, number: int
    ) -> None:
        self._close(desk)
        results = self.results(6)
        first, second, third = (desk.machine(shard, 3) for shard in (1, 2, 3))
        first.write(*results[:2])
        second.write(*results[2:4])
        third.write(*results[4:])
        first.send()
        tallies: list[Tally] = []
        tallies.append(second.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(third.send()))))
        if len(tallies) == 1:
            assert desk.box.runs[tallies[0].run_id].end is None
            tallies.append(third.send())
        assert len(desk.box.results) == 6
        (run,) = desk.box.runs.values()
        is_completed = run.end is not None
        assert is_completed or self.vendor.notes_may_cross  # left open
        assert is_completed is not all(tally.is_left_open for tally in tallies)

    def test_a_machine_with_something_left_is_not_done(self, desk: Desk) -> None:
        self._close(desk)
        results = self.results(3)
        first, second = desk.machine(1, 2), desk.machine(2, 2)
        first.write(results[0], self.spoil(results[1]))
        second.write(results[2])
        assert first.send().refused == 1
        assert second.send().is_left_open
        assert [run.end for run in desk.box.runs.values()] == [None]

    def test_a_plan_holds_its_cases_under_every_spelling_of_a_mark(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(1), self.case(3)])
        cases = list(dict.fromkeys(self.vendor.planned(desk.client(), plan)))
        assert len(cases) == 2
        ours, other, theirs = [{text.casefold() for text in self._resolved(self.case(number))} for number in (1, 2, 3)]
        one, three = [{text.casefold() for text in case.ids} for case in cases]
        assert (bool(ours & one), bool(theirs & three)) == (True, True)
        assert not other & (one | three)
        assert not one & three
        for case in cases:
            for text in case.ids:
                assert {each.casefold() for each in self._resolved(text)} & {each.casefold() for each in case.ids}, text
            assert not case.has_failed

    def test_a_long_plan_is_read_to_its_end(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(number) for number in range(1, 304)])
        cases = list(dict.fromkeys(self.vendor.planned(desk.client(), plan)))
        assert len(cases) == 303
        known = {text.casefold() for case in cases for text in case.ids}
        assert all(self._resolved(self.case(number))[0].casefold() in known for number in range(1, 304))

    def test_a_run_tells_which_of_its_cases_have_failed(self, desk: Desk) -> None:
        self._needs("recorded")
        results = self.results(303)
        desk.write(*results)
        cases = list(dict.fromkeys(self.vendor.recorded(desk.client(), desk.send().run_id)))
        assert len(cases) == 303
        failed = {text.casefold(): case.has_failed for case in cases for text in case.ids}
        told = {
            failed[self._resolved(self.case(at))[0].casefold()]
            for at, each in enumerate(results, 1)
            if each.outcome.is_bad
        }
        assert told == {True}
        good = [at for at, each in enumerate(results, 1) if each.outcome is Outcome.PASSED]
        assert {failed[self._resolved(self.case(at))[0].casefold()] for at in good} == {False}

    def test_an_unknown_plan_and_an_unknown_run_are_called_so_with_a_word_on_what_to_do(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(1)])
        with pytest.raises(NotFound) as caught:
            list(self.vendor.planned(desk.client(), _another(plan)))
        assert caught.value.remedy
        if self.vendor.can("recorded"):
            desk.write(*self.results(1))
            with pytest.raises(NotFound) as caught:
                list(self.vendor.recorded(desk.client(), _another(desk.send().run_id)))
            assert caught.value.remedy

    def test_a_plan_that_may_not_be_read_is_an_error_at_once(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(1)])
        desk.mount.troubles.add("401")
        for method in (self.vendor.planned, self.vendor.recorded):
            if self.vendor.can(method.__name__):
                with pytest.raises(AuthError) as caught:
                    list(method(desk.client(), plan))
                assert caught.value.remedy
        assert desk.time.slept == []

    @pytest.mark.parametrize(
        "body", [b"", b"<html>please log in</html>", b'{"trunc', b"null", b"{}", b'"fine"', b"\xff\xfe"]
    )
    def test_an_answer_that_is_not_the_tools_holds_no_plan(self, desk: Desk, body: bytes) -> None:
        self._needs("planned")
        for method in (self.vendor.planned, self.vendor.recorded):
            if self.vendor.can(method.__name__):
                with pytest.raises(VendorError) as caught:
                    list(method(desk.client(Canned(200, body), deadline_s=60), "7"))
                assert caught.value.remedy

    def test_what_can_be_tried_beforehand_is_right_and_changes_nothing(self, desk: Desk) -> None:
        desk.verify()
        assert (desk.box.runs, desk.box.results, desk.box.attachments) == ({}, {}, {})

    def test_known_cases_are_told_from_others(self, desk: Desk) -> None:
        self._needs("known_cases")
        known = {text for number in (1, 3) for text in self._resolved(self.case(number))}
        others = {"no such case", ""}
        found = self.vendor.known_cases(desk.client(), [*known, *others])
        assert set(found) == known
        assert not list(self.vendor.known_cases(desk.client(), []))

    def _resolved(self, text: str) -> tuple[str, ...]:
        """The case ids that a mark with this text gives a test here."""
        (result,) = make_results(1, ids=({"": (text,)},))
        return self.vendor.case_ids(result)

    def test_a_dry_run_of_a_machine_that_shares_a_run_sends_nothing_and_waits_for_nothing(self, desk: Desk) -> None:
        each = desk.machine(1, 2)
        each.write(*self.results(3))
        seen: list[str] = []
        tally = each.send(rehearse=lambda _name, request: seen.append(str(request)))
        assert (tally.reason, desk.box.requests, each.time.slept) == ("", [], [])
        assert seen

    def test_a_dry_run_shows_requests_and_sends_none(self, desk: Desk) -> None:
        desk.write(*self.results(3))
        seen: list[tuple[str, str]] = []
        desk.send(rehearse=lambda name, request: seen.append((name, str(request))))
        assert seen
        assert desk.box.requests == []
        assert desk.send().delivered == 3

    def test_every_error_code_means_what_the_table_says(self, desk: Desk) -> None:
        """Each code of the table through the real client: its exception, its remedy, and whether it is retried."""
        table = self.vendor.errors
        for code, fault in table.codes.items():
            status = code if isinstance(code, int) and 300 <= code < 600 else 400
            own = {table.code[0]: code} if table.code and status != code else {}
            body = _nested(own, table.message[0], "said so")
            canned = Canned(status, json.dumps(body).encode(), {"Retry-After": "1"})
            with pytest.raises(VendorError) as caught:
                desk.client(canned, deadline_s=5).get("anything")
            error = caught.value
            assert type(error) is fault.kind, code
            assert (error.code, error.remedy) == (code, fault.remedy)
            assert fault.meaning in str(error)
            assert "said so" in str(error)
            assert (len(canned.paths) > 1) is issubclass(fault.kind, TransientError), code
            assert fault.remedy or not issubclass(fault.kind, PermanentError), code


def _another(name: str) -> str:
    """The name of a plan or run of the same form that is not there."""
    if name.isdecimal():
        return str(int(name) + 424_242)
    changed = re.sub("[0-9]", "9", name)
    assert changed != name
    return changed


def _nested(paths: Mapping[str, Any], message: str, text: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for path, value in {**paths, message: text}.items():
        inner = body
        *outer, last = path.split(".")
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return body
