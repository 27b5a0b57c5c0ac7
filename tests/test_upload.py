"""What is delivered, kept and refused, whatever goes wrong on the way; every request goes to the sandbox in memory."""

from __future__ import annotations

import json
import math
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_tmsreport.client import Client, Request
from pytest_tmsreport.errors import JournalError, VendorError
from pytest_tmsreport.journal import Journal, ReceiptBook, RunFolder
from pytest_tmsreport.model import Outcome, Result, Run
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.qase_fields import TOKEN, Rules
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import Canned, FakeTime, make_results
from pytest_tmsreport.upload import REFUSALS_IN_A_ROW, Conditions, upload
from pytest_tmsreport.vendors.qase import Qase

RUN = Run(id="20260914-100211-0a1b2c3d", name="nightly", start=1789380131.0)
QASE = Qase(name="qase", kind="qase", url="https://tms.test/qase", token=TOKEN, project="SHOP")
DEMO = replace(QASE, name="demo", project="DEMO")


class Bench:
    """A journal for the destinations `qase` and `demo`, and a workspace with both their projects."""

    def __init__(self, folder: Path, rules: Rules | None = None, names: Sequence[str] = ("qase",)) -> None:
        rules = rules or Rules(projects=("SHOP", "DEMO"))
        self.time = FakeTime()
        self.sandbox = qase_sandbox.create(rules, clock=self.time)
        self.box = self.sandbox.box
        self.mount = Mount([self.sandbox])
        self.folder = RunFolder(folder / "run")
        self.journal = Journal(self.folder.path, RUN, dict.fromkeys(names, "qase"))

    def write(self, *results: Result) -> None:
        """Ends the session with these results."""
        for result in results:
            self.journal.write(result)
        self.journal.end(exitstatus=0, not_run=[])

    def send(self, vendor: Qase = QASE, **changes: Any) -> Tally:
        """Uploads to one destination."""
        (tally,) = self.send_all(vendor, **changes)
        return tally

    def send_all(self, *vendors: Qase, deadline_s: float = math.inf, **changes: Any) -> list[Tally]:
        """Uploads to several destinations at once, with so many seconds of the fake time to spend."""
        ends = self.time() + deadline_s
        conditions = Conditions(
            transport=WsgiAdapter(self.mount), sleep=self.time.sleep, clock=self.time, deadline=lambda: ends
        )
        return upload(self.folder, vendors, conditions._replace(**changes))

    def sizes(self) -> list[int]:
        """How many results each request to the sandbox held."""
        return [len(each.body["results"]) for each in self.box.requests if each.path.endswith("/results")]

    def posted(self, ending: str) -> int:
        """How many requests went to a path with that ending."""
        return sum(each.method == "POST" and each.path.endswith(ending) for each in self.box.requests)

    def receipts(self, name: str = "qase") -> Path:
        """The file of a destination's receipts."""
        return self.folder.path / f"{name}.jsonl"


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(*args: Any, **kwargs: Any) -> Bench:
        made.append(Bench(tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for bench in made:
        with suppress(JournalError):  # most tests have ended it
            bench.journal.end(exitstatus=0, not_run=[])


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


class Meddler(WsgiAdapter):
    """The sandbox, but for requests to which `answer` has an answer of its own."""

    def __init__(self, mount: Mount, answer: Callable[[requests.PreparedRequest], tuple[int, bytes] | None]) -> None:
        super().__init__(mount)
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        found = self._answer(request)
        return Canned(*found).send(request) if found else super().send(request, *args, **kwargs)


class Taciturn(Qase):
    """A tool that refuses a batch without naming culprits."""

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        return {}


TACITURN = Taciturn(name="qase", kind="qase", url="https://tms.test/qase", token=TOKEN, project="SHOP")


def counts(tally: Tally) -> tuple[int, int, int]:
    return tally.delivered, tally.kept, tally.refused


def arrived(bench: Bench) -> list[str]:
    return sorted(result.id for result in bench.box.results.values())


def with_case(result: Result, case: int) -> Result:
    return replace(result, ids=({"": (str(case),)},))


def test_a_batch_holds_as_many_results_as_the_destination_takes_at_once(bench: Bench) -> None:
    bench.write(*make_results(25))
    assert bench.send(replace(QASE, batch_size=10, parallel=1)).delivered == 25
    assert bench.sizes() == [10, 10, 5]


def test_a_batch_holds_about_as_many_bytes_as_the_destination_takes_at_once(bench: Bench) -> None:
    bench.write(*make_results(9, traceback="x" * 10_000))
    assert bench.send(replace(QASE, batch_bytes=70_000, parallel=1)).delivered == 9
    assert bench.sizes() == [3, 3, 3]


def test_a_result_beyond_the_bytes_of_a_batch_goes_alone(bench: Bench) -> None:
    bench.write(*make_results(3, traceback="x" * 10_000))
    assert bench.send(replace(QASE, batch_bytes=5_000, parallel=1)).delivered == 3
    assert bench.sizes() == [1, 1, 1]


def test_only_the_culprits_that_the_server_names_are_refused_and_the_rest_goes_in_one_more_request(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(Rules(cases={number: "" for number in range(1, 51) if number not in (7, 31)}))
    results = make_results(50)
    bench.write(*results)
    tally = bench.send()
    assert counts(tally) == (48, 0, 2)
    assert bench.sizes() == [50, 48]
    assert [nodeid for nodeid, _ in tally.refusals] == [results[6].nodeid, results[30].nodeid]
    assert all("is no case of this project" in reason for _, reason in tally.refusals)


def test_an_unnamed_culprit_is_found_by_halving(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(cases={number: "" for number in range(1, 65) if number != 23}))
    results = make_results(64)
    bench.write(*results)
    tally = bench.send(TACITURN)
    assert counts(tally) == (63, 0, 1)
    assert [nodeid for nodeid, _ in tally.refusals] == [results[22].nodeid]
    assert "Data is invalid" in tally.refusals[0][1]
    assert len(bench.sizes()) == 13  # one batch, and two halves of 64, 32, 16, 8, 4 and 2
    assert len(arrived(bench)) == 63


def test_a_culprit_that_does_not_exist_is_not_believed(bench: Bench) -> None:
    class Confused(Qase):
        def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
            return {-1: "who", 4711: "what"}

    good, bad = make_results(2)
    bench.write(good, replace(bad, title=""))
    tally = bench.send(Confused(**asdict(QASE)))
    assert counts(tally) == (1, 0, 1)
    assert [nodeid for nodeid, _ in tally.refusals] == [bad.nodeid]


def test_what_was_refused_is_not_sent_again_unless_that_is_asked_for(make_bench: Callable[..., Bench]) -> None:
    cases = {1: "", 2: ""}
    bench = make_bench(Rules(cases=cases))
    bench.write(*make_results(3))
    assert counts(bench.send()) == (2, 0, 1)
    requests_before = len(bench.box.requests)
    again = bench.send()
    assert counts(again) == (0, 0, 1)
    assert "is no case" in again.refusals[0][1]
    assert len(bench.box.requests) == requests_before
    cases[3] = "made by a person in the meantime"
    assert counts(bench.send(again=True)) == (1, 0, 0)
    assert len(arrived(bench)) == 3
    assert counts(bench.send(again=True)) == (0, 0, 0)


def test_what_is_refused_once_more_is_counted_once(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(cases={1: ""}))
    bench.write(*make_results(3))
    bench.send()
    tally = bench.send(again=True)
    assert counts(tally) == (0, 0, 2)
    assert len(tally.refusals) == 2


def test_a_batch_that_is_too_large_is_halved_until_it_fits(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(batch_size=10))
    bench.write(*make_results(64))
    assert counts(bench.send()) == (64, 0, 0)
    assert [size for size in bench.sizes() if size <= 10] == [8] * 8


def test_a_single_result_that_is_too_large_is_refused_and_the_rest_delivered(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(max_bytes=5_000))
    small = make_results(4)
    large = replace(small[2], description="x" * 10_000)
    bench.write(*small[:2], large, small[3])
    tally = bench.send()
    assert counts(tally) == (3, 0, 1)
    assert tally.refusals[0][0] == large.nodeid
    assert "413" in tally.refusals[0][1]


@pytest.mark.parametrize("status", [403, 404])
def test_a_case_that_is_missing_or_forbidden_is_refused_alone_where_the_run_can_be_read(
    bench: Bench, status: int
) -> None:
    results = make_results(8)
    bench.write(*results)

    def answer(request: requests.PreparedRequest) -> tuple[int, bytes] | None:
        is_about = b'"title":"test_5"' in (request.body if isinstance(request.body, bytes) else b"")
        return (status, b'{"status": false, "errorMessage": "Case not visible."}') if is_about else None

    tally = bench.send(transport=Meddler(bench.mount, answer))
    assert counts(tally) == (7, 0, 1)
    assert tally.refusals == [(results[5].nodeid, tally.refusals[0][1])]
    assert "Case not visible." in tally.refusals[0][1]


@pytest.mark.parametrize("status", [403, 404])
def test_a_run_that_is_missing_or_forbidden_stops_the_destination_and_keeps_the_rest(bench: Bench, status: int) -> None:
    bench.write(*make_results(8))

    def answer(request: requests.PreparedRequest) -> tuple[int, bytes] | None:
        is_about = "/run/SHOP/1" in str(request.url) or str(request.url).endswith("/results")
        return (status, b'{"status": false, "errorMessage": "Gone."}') if is_about else None

    tally = bench.send(transport=Meddler(bench.mount, answer))
    assert counts(tally) == (0, 8, 0)
    assert str(status) in tally.reason
    assert tally.remedy
    assert bench.send().delivered == 8


def test_what_a_deleted_run_leaves_can_go_to_another(bench: Bench) -> None:
    few = replace(QASE, batch_size=10, parallel=1)
    bench.write(*make_results(20))
    bench.mount.troubles.add("503+1@results")
    assert counts(bench.send(few, deadline_s=30)) == (10, 10, 0)
    bench.mount.troubles.clear()
    other = QASE.open_run(Client(QASE, transport=WsgiAdapter(bench.mount)), replace(RUN, id="20260914-100211-ffffffff"))
    del bench.box.runs["1"]
    tally = bench.send(few)
    assert counts(tally) == (0, 10, 0)
    assert "404" in tally.reason
    assert "was the run deleted?; what is kept can go to another run: --set qase.run_id=ID" in tally.remedy
    assert counts(bench.send(replace(few, run_id=other))) == (10, 0, 0)
    assert Counter(result.run for result in bench.box.results.values()) == {"1": 10, other: 10}


@pytest.mark.parametrize("vendor", [QASE, TACITURN], ids=["named", "unnamed"])
def test_many_refusals_with_nothing_accepted_stop_the_destination_and_keep_all(
    make_bench: Callable[..., Bench], vendor: Qase
) -> None:
    cases = {4711: ""}
    bench = make_bench(Rules(cases=cases))
    number = 3 * REFUSALS_IN_A_ROW
    bench.write(*make_results(number))
    tally = bench.send(replace(vendor, parallel=1))
    assert counts(tally) == (0, number, 0)
    assert "Data is invalid" in tally.reason
    assert tally.refusals == []
    cases.update(dict.fromkeys(range(1, number + 1), ""))
    assert counts(bench.send()) == (number, 0, 0)


def test_a_few_refusals_and_nothing_else_are_just_refused(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(cases={4711: ""}))
    bench.write(*make_results(REFUSALS_IN_A_ROW))
    assert counts(bench.send()) == (0, 0, REFUSALS_IN_A_ROW)


def test_one_destination_may_fail_while_the_other_is_complete(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(names=("qase", "demo"))
    bench.write(*make_results(30))
    bench.mount.troubles.add("401@DEMO")
    fine, wrong = bench.send_all(QASE, DEMO)
    assert (counts(fine), fine.reason) == ((30, 0, 0), "")
    assert counts(wrong) == (0, 30, 0)
    assert "401" in wrong.reason
    assert {run.project for run in bench.box.runs.values()} == {"SHOP"}
    assert not bench.folder.is_delivered
    bench.mount.troubles.clear()
    assert [counts(tally) for tally in bench.send_all(QASE, DEMO)] == [(0, 0, 0), (30, 0, 0)]
    assert bench.folder.is_delivered
    assert Counter(bench.box.runs[result.run].project for result in bench.box.results.values()) == {
        "SHOP": 30,
        "DEMO": 30,
    }


def test_a_bug_in_one_vendor_is_reported_and_harms_no_other(
    make_bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Qase):
        def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
            raise KeyError(f"no {self.token} in here")

    bench = make_bench(names=("qase", "demo"))
    bench.write(*make_results(5))
    broken = Broken(**{**asdict(QASE), "name": "broken"})
    tallies = bench.send_all(broken, DEMO, mask=lambda text: text.replace(TOKEN, "***"))
    assert [counts(tally) for tally in tallies] == [(0, 5, 0), (5, 0, 0)]
    assert "unexpected KeyError: 'no *** in here'" in tallies[0].reason
    assert "report this" in tallies[0].remedy
    assert "KeyError" in caplog.text  # the traceback, for the report
    assert TOKEN not in caplog.text


def slow(vendor: Qase) -> Qase:
    return replace(vendor, requests_per_minute=6, batch_size=1, parallel=1)


def test_two_destinations_with_one_token_share_its_limit_of_requests(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(names=("qase", "demo"))
    bench.write(*make_results(4))
    bench.send_all(slow(QASE), slow(DEMO))  # open, four results, complete: six requests each
    assert bench.time() >= 1060
    assert len(arrived(bench)) == 8


def test_two_servers_have_limits_of_their_own(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(names=("qase", "demo"))
    bench.write(*make_results(4))
    bench.send_all(slow(QASE), replace(slow(DEMO), url="https://elsewhere.test/qase"))
    assert bench.time() == 1000.0
    assert len(arrived(bench)) == 8


@pytest.mark.parametrize("lines", [1, 2, 3], ids=["closed", "sent", "also_opened"])
def test_a_kill_between_answer_and_receipt_doubles_nothing(bench: Bench, lines: int) -> None:
    bench.write(*make_results(9))
    bench.send(replace(QASE, parallel=1))
    written = bench.receipts().read_bytes().splitlines(keepends=True)
    assert [next(iter(json.loads(line))) for line in written] == ["opening", "opened", "sent", "closed"]
    bench.receipts().write_bytes(b"".join(written[:-lines]))
    tally = bench.send()
    assert tally.delivered + tally.before == 9
    assert (len(bench.box.runs), len(arrived(bench))) == (1, 9)
    assert bench.box.repeats == (9 if lines > 1 else 0)


def test_a_torn_receipt_counts_for_nothing_and_those_after_it_count(bench: Bench) -> None:
    bench.write(*make_results(20))
    bench.mount.troubles.add("503@complete")
    bench.send(replace(QASE, batch_size=10, parallel=1), deadline_s=60)
    whole = bench.receipts().read_bytes()
    bench.receipts().write_bytes(whole[:-40])
    bench.mount.troubles.clear()
    tally = bench.send()
    assert (tally.before, tally.delivered, tally.kept) == (10, 10, 0)
    assert (bench.send().before, len(arrived(bench)), len(bench.box.runs)) == (20, 20, 1)


def test_a_second_upload_at_once_is_refused_with_the_reason_and_says_what_is_kept(bench: Bench) -> None:
    bench.write(*make_results(3))
    book = ReceiptBook(bench.folder.path, "qase")
    try:
        tally = bench.send()
    finally:
        book.close()
    assert counts(tally) == (0, 3, 0)
    assert "another process is sending run to qase right now" in tally.reason
    assert bench.box.requests == []
    assert bench.send().delivered == 3


def test_receipts_that_lead_elsewhere_are_not_written(bench: Bench, tmp_path: Path) -> None:
    bench.write(*make_results(3))
    victim = tmp_path / "victim"
    victim.write_text("precious", "ascii")
    bench.receipts().symlink_to(victim)
    tally = bench.send()
    assert not tally.is_complete
    assert "qase.jsonl" in tally.reason
    assert victim.read_text("ascii") == "precious"


def test_receipts_of_odd_shape_are_passed_over(bench: Bench) -> None:
    bench.write(*make_results(3))
    bench.receipts().write_bytes(b'[]\n"x"\n{"sent": 7, "refused": [], "attached": null, "opened": 5}\n\xff\n')
    assert counts(bench.send()) == (3, 0, 0)


def test_a_journal_of_another_version_is_not_sent(bench: Bench) -> None:
    bench.write(*make_results(3))
    path = bench.folder.path / "results.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(JournalError, match="version"):
        bench.send()
    assert bench.box.requests == []


def test_lines_that_cannot_be_read_are_counted_and_the_others_sent(bench: Bench) -> None:
    bench.write(*make_results(3))
    path = bench.folder.path / "results.jsonl"
    head, first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([head, first, b'{"result": {"id": 7}}\n', b"\xff\n", *rest]))
    tally = bench.send()
    assert tally.delivered == 3
    assert tally.notes == ["2 lines of the journal cannot be read"]


def test_what_a_parallel_upload_sends_arrives_exactly_once_whatever_goes_wrong(bench: Bench) -> None:
    results = make_results(1000)
    spoiled = {results[index].id for index in range(0, 1000, 97)}
    bench.write(*(replace(result, title="") if result.id in spoiled else result for result in results))
    bench.mount.troubles.add("503*3@results", "429*2@results", "lost-answer@results", "reset@results", "html*1@results")
    tally = bench.send(replace(QASE, batch_size=20, parallel=8))
    assert counts(tally) == (1000 - len(spoiled), 0, len(spoiled))
    assert arrived(bench) == sorted({result.id for result in results} - spoiled)
    lines = [json.loads(line) for line in bench.receipts().read_text("ascii").splitlines()]
    assert Counter(key for line in lines for key in line.get("sent", ())) == Counter(arrived(bench))
    assert Counter(key for line in lines for key in line.get("refused", ())) == Counter(spoiled)


def test_progress_adds_up_to_what_was_delivered_and_refused(bench: Bench) -> None:
    good = make_results(30)
    bench.write(replace(good[0], title=""), *good[1:])
    heard: list[tuple[str, int]] = []
    bench.send(replace(QASE, batch_size=7), progress=lambda *event: heard.append(event))
    assert {name for name, _ in heard} == {"qase"}
    assert sum(number for _, number in heard) == 30


def test_an_upload_whose_time_is_over_keeps_the_rest_and_says_so(bench: Bench) -> None:
    bench.write(*make_results(30))
    slow = Meddler(bench.mount, lambda _: bench.time.sleep(10))
    tally = bench.send(replace(QASE, batch_size=10, parallel=1), deadline_s=15, transport=slow)
    assert counts(tally) == (10, 20, 0)
    assert "time allowed" in tally.reason
    assert bench.box.runs[tally.run_id].end is None
    assert bench.send().delivered == 20
    assert len(bench.box.runs) == 1


def test_a_run_that_we_opened_is_completed_once_nothing_is_left(bench: Bench) -> None:
    bench.write(*make_results(20))
    few = replace(QASE, batch_size=10, parallel=1)
    bench.mount.troubles.add("503@results")
    assert bench.send(few, deadline_s=30).kept == 20
    assert bench.posted("/complete") == 0
    bench.mount.troubles.clear()
    run_id = bench.send(few).run_id
    assert bench.box.runs[run_id].end is not None
    bench.send(few)
    assert bench.posted("/complete") == 1


@pytest.mark.parametrize("changes", [{"run_id": "1"}, {"complete": False}], ids=["joined", "not_wanted"])
def test_a_run_that_is_not_ours_to_complete_stays_open(bench: Bench, changes: dict[str, Any]) -> None:
    client = Client(QASE, transport=WsgiAdapter(bench.mount))
    QASE.open_run(client, replace(RUN, id="20260914-100211-ffffffff"))
    bench.write(*make_results(3))
    assert bench.send(replace(QASE, **changes)).delivered == 3
    assert bench.posted("/complete") == 0


def test_a_run_that_cannot_be_completed_is_a_note_and_nothing_is_lost(bench: Bench) -> None:
    bench.write(*make_results(3))
    bench.mount.troubles.add("403@complete")
    tally = bench.send()
    assert (counts(tally), tally.reason) == ((3, 0, 0), "")
    assert "the run is not completed: 403" in tally.notes[0]
    bench.mount.troubles.clear()
    bench.send()
    assert bench.box.runs[tally.run_id].end is not None


def test_of_a_test_that_was_run_again_only_the_last_attempt_is_sent(bench: Bench) -> None:
    first, second, third = make_results(3, nodeid="t.py::test_a", outcome=Outcome.FAILED)
    bench.write(
        replace(first, superseded=True),
        replace(second, attempt=2, superseded=True),
        replace(third, attempt=3, outcome=Outcome.PASSED),
    )
    assert counts(bench.send()) == (1, 0, 0)
    assert arrived(bench) == [third.id]


def test_a_last_attempt_that_never_came_does_not_lose_the_one_before(bench: Bench) -> None:
    first, second = make_results(2, nodeid="t.py::test_a")
    bench.write(replace(first, superseded=True), replace(second, attempt=2, superseded=True))
    assert counts(bench.send()) == (1, 0, 0)
    assert arrived(bench) == [second.id]


def test_tests_without_a_case_are_counted_and_make_no_run_of_their_own(bench: Bench) -> None:
    bench.write(*make_results(4, ids=()))
    tally = bench.send(replace(QASE, only_mapped=True))
    assert (counts(tally), tally.without_case, tally.run_id) == ((0, 0, 0), 4, "")
    assert bench.box.requests == []
    assert bench.folder.is_delivered


def test_a_rehearsal_shows_each_request_writes_nothing_and_changes_nothing(bench: Bench) -> None:
    file = bench.journal.attach("log.txt", "text/plain", b"hello")
    first, *rest = make_results(3)
    bench.write(replace(first, attachments=(file,)), *rest)
    before = sorted(path.name for path in bench.folder.path.iterdir())
    seen: list[tuple[str, Request]] = []
    bench.send(rehearse=lambda *event: seen.append(event))
    assert {name for name, _ in seen} == {"qase"}
    assert [str(request) for _, request in seen] == [
        "POST v1/run/SHOP",
        "POST v1/attachment/SHOP",
        "POST v2/SHOP/run/0/results",
        "POST v1/run/SHOP/0/complete",
    ]
    assert [len(request.json["results"]) for _, request in seen if str(request).endswith("/results")] == [3]
    assert bench.box.requests == []
    assert bench.receipts().read_bytes() == b""
    assert {path.name for path in bench.folder.path.iterdir()} - set(before) == {"qase.jsonl"}
    assert not bench.folder.is_delivered


def test_a_folder_is_marked_as_delivered_only_when_every_destination_has_it_all(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(names=("qase", "demo"))
    bench.write(*make_results(3))
    bench.send_all(QASE)
    assert not bench.folder.is_delivered
    bench.send_all(QASE, DEMO)
    assert bench.folder.is_delivered


def test_a_refusal_keeps_a_folder_from_being_pruned(bench: Bench) -> None:
    good, bad = make_results(2)
    bench.write(good, replace(bad, title=""))
    bench.send()
    assert not bench.folder.is_delivered


def test_a_file_is_uploaded_once_for_all_results_and_uploads(bench: Bench) -> None:
    log = bench.journal.attach("log.txt", "text/plain", b"hello")
    results = make_results(30, attachments=(log,))
    bench.write(*results[:29], replace(results[29], title=""))
    bench.mount.troubles.add("503@results")
    few = replace(QASE, batch_size=5)
    assert bench.send(few, deadline_s=30).kept == 30
    bench.mount.troubles.clear()
    assert counts(bench.send(few)) == (29, 0, 1)
    bench.send(few, again=True)
    assert bench.posted("/attachment/SHOP") == 1
    (remote,) = bench.box.attachments
    assert {tuple(result.body["attachments"]) for result in bench.box.results.values()} == {(remote,)}


def test_a_file_that_is_missing_exchanged_a_link_or_a_pipe_is_left_out_with_a_note_and_its_result_arrives(
    bench: Bench, tmp_path: Path
) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_bytes(b"private")
    kept, gone, exchanged, linked, piped, grown = (
        bench.journal.attach(f"{name}.txt", "text/plain", name.encode())
        for name in ("kept", "gone", "exchanged", "linked", "piped", "grown")
    )
    stored = bench.folder.path / "attachments"
    (stored / gone.sha256).unlink()
    (stored / exchanged.sha256).write_bytes(b"EXCHANGED")
    (stored / linked.sha256).unlink()
    (stored / linked.sha256).symlink_to(secret)
    (stored / piped.sha256).unlink()
    os.mkfifo(stored / piped.sha256)
    (stored / grown.sha256).write_bytes(b"grown" * 2)
    (result,) = make_results(1)
    bench.write(replace(result, attachments=(gone, kept, exchanged, linked, piped, grown)))
    tally = bench.send()
    assert counts(tally) == (1, 0, 0)
    assert [file.name for file in bench.box.attachments.values()] == ["kept.txt"]
    assert len(tally.notes) == 5
    for name in ("gone.txt", "exchanged.txt", "linked.txt", "piped.txt", "grown.txt"):
        assert sum(f"{name!r} is left out" in note for note in tally.notes) == 1


def test_full_storage_stops_files_and_every_result_still_arrives(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(storage=10))
    results = [
        replace(result, attachments=(bench.journal.attach(f"{index}.txt", "text/plain", b"1234" + bytes([index])),))
        for index, result in enumerate(make_results(6))
    ]
    bench.write(*results)
    tally = bench.send(replace(QASE, batch_size=1, parallel=1))
    assert counts(tally) == (6, 0, 0)
    assert len(bench.box.attachments) == 2
    assert bench.posted("/attachment/SHOP") == 3
    assert [note for note in tally.notes if "storage" in note] == tally.notes
    assert "free space" in tally.notes[0]


def test_a_file_that_the_tool_refuses_is_left_out_and_its_neighbours_arrive(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(Rules(file_bytes=100))
    files = tuple(
        bench.journal.attach(f"{index}.bin", "application/octet-stream", os.urandom(500 if index == 2 else 50))
        for index in range(5)
    )
    (result,) = make_results(1)
    bench.write(replace(result, attachments=files))
    tally = bench.send()
    assert tally.delivered == 1
    assert sorted(file.name for file in bench.box.attachments.values()) == ["0.bin", "1.bin", "3.bin", "4.bin"]
    assert len(bench.box.results[tally.run_id, result.id].body["attachments"]) == 4
    assert len(tally.notes) == 1
    assert "2.bin" in tally.notes[0]


def test_a_lost_answer_to_files_costs_no_result(bench: Bench) -> None:
    log = bench.journal.attach("log.txt", "text/plain", b"hello")
    bench.write(*make_results(3, attachments=(log,)))
    bench.mount.troubles.add("lost-answer@attachment")
    assert counts(bench.send()) == (3, 0, 0)


def test_no_thread_is_left_when_an_upload_has_ended(bench: Bench) -> None:
    before = set(threading.enumerate())
    bench.write(*make_results(50))
    bench.send(replace(QASE, batch_size=5))
    assert set(threading.enumerate()) <= before


def test_the_first_batch_leaves_before_the_journal_has_been_read_to_its_end(bench: Bench) -> None:
    results = bench.folder.path / "results.jsonl"
    late = json.dumps({"result": {"id": "late", "nodeid": "test_late.py::test_late", "outcome": "passed"}}) + "\n"
    added: list[int] = []

    class Growing(WsgiAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            if str(request.url).endswith("/v1/run/SHOP") and not added:
                with results.open("a", encoding="ascii") as file:
                    added.append(file.write(late))
            return super().send(request, *args, **kwargs)

    for result in make_results(60):
        bench.journal.write(result)
    tally = bench.send(replace(QASE, batch_size=10), transport=Growing(bench.mount))
    assert tally.delivered == 61


def test_ten_thousand_results_take_fifty_requests_and_two_for_the_run(bench: Bench) -> None:
    bench.write(*make_results(10_000))
    assert bench.send(replace(QASE, requests_per_minute=0)).requests == 52
