from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.errors import ConfigError, PermanentError, Rejected
from pytest_tmsreport.journal import Journal
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox import qase_fields
from pytest_tmsreport.testing import Canned, Desk, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendors.qase import Qase

QASE = Qase(name="qase", kind="qase", url="https://qase.test/qase", token=qase_fields.TOKEN, project="SHOP")

FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    traceback="tests/checkout.py:41: AssertionError",
    ids=({"": ("C12", "shop-13")},),
    suite=("tests", "checkout", "TestCard"),
    parameters={"currency": "EUR", "voucher": ""},
    description="pays with a card",
    tags=("smoke", "payments"),
    fields={"severity": "critical"},
    links=(Link("https://bugs.test/1", "BUG-1", "issue"),),
    worker="gw0",
    attempt=2,
    earlier=("TimeoutError: no receipt",),
)

GOLDEN = {
    "id": "8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    "title": "test_card",
    "signature": "tests/checkout.py::testcard::test_card::{currency:eur}::{voucher:}",
    "testops_ids": [12, 13],
    "execution": {
        "status": "failed",
        "start_time": 1789372931.12,
        "end_time": 1789372932.481,
        "duration": 1360,
        "stacktrace": "tests/checkout.py:41: AssertionError",
        "thread": "gw0",
    },
    "fields": {"severity": "critical", "description": "pays with a card", "tags": "smoke,payments"},
    "params": {"currency": "EUR", "voucher": "empty"},
    "relations": {"suite": {"data": [{"title": "tests"}, {"title": "checkout"}, {"title": "TestCard"}]}},
    "message": (
        "AssertionError: receipt missing\nattempt 1: TimeoutError: no receipt\nissue: BUG-1 https://bugs.test/1"
    ),
}


class TestQase(VendorContract):
    vendor = QASE
    sandbox = staticmethod(qase_sandbox.create)

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        body = {"title": "Nightly", "cases": [int(case) for case in cases]}
        return str(desk.client().post("v1/plan/SHOP", json=body).pick("result.id", int))

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        desk.write(FULL)
        assert desk.send().delivered == 1
        (request,) = _sent(desk)
        assert request["results"] == [GOLDEN]

    def test_steps_are_sent_as_written_out_here(self, desk: Desk) -> None:
        inner = Step(title="enter card", outcome=Outcome.FAILED, start=1789372931.5, duration=0.5, message="timeout")
        pay = Step(title="pay", start=1789372931.25, duration=0.75, expected="receipt", data="3 EUR", steps=(inner,))
        desk.write(replace(FULL, steps=(pay,)))
        assert desk.send().delivered == 1
        assert _sent(desk)[0]["results"][0]["steps"] == [
            {
                "data": {"action": "pay", "expected_result": "receipt", "input_data": "3 EUR"},
                "execution": {
                    "status": "passed",
                    "start_time": 1789372931.25,
                    "end_time": 1789372932.0,
                    "duration": 750,
                },
                "steps": [
                    {
                        "data": {"action": "enter card"},
                        "execution": {
                            "status": "failed",
                            "start_time": 1789372931.5,
                            "end_time": 1789372932.0,
                            "duration": 500,
                            "comment": "timeout",
                        },
                        "steps": [],
                    }
                ],
            }
        ]

    def test_a_run_is_opened_and_completed_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, environment="staging", milestone=3, plan=7, configurations={"Browser": "Firefox"})
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.delivered == 1
        bodies = {f"{each.method} {each.path}": each.body for each in desk.box.requests if each.method == "POST"}
        configuration = bodies["POST /qase/v1/run/SHOP"].pop("configurations")
        assert len(configuration) == 1
        assert bodies["POST /qase/v1/run/SHOP"] == {
            "title": "pytest 2026-09-14 10:02",
            "description": "pytest-tmsreport 20260914-100211-0a1b2c3d",
            "is_autotest": True,
            "start_time": "2026-09-14 10:02:11",
            "environment_slug": "staging",
            "milestone_id": 3,
            "plan_id": 7,
        }
        assert f"POST /qase/v1/run/SHOP/{tally.run_id}/complete" in bodies

    def test_a_second_session_makes_no_second_configuration(self, desk: Desk) -> None:
        _reconfigure(desk, configurations={"Browser": "Firefox", "System": "Linux"})
        client = desk.client()
        first = desk.vendor.open_run(client, desk.run)
        desk.vendor.open_run(client, replace(desk.run, id="20260915-100211-0a1b2c3d"))
        made = [each.path for each in desk.box.requests if each.method == "POST" and "configuration" in each.path]
        assert len(made) <= 4
        assert first

    def test_two_thousand_results_take_ten_requests_and_two_for_the_run(self, desk: Desk) -> None:
        desk.write(*make_results(2000))
        assert desk.send().requests == 12
        assert len(_sent(desk)) == 10

    @pytest.mark.parametrize(
        ("host", "api", "web"),
        [
            ("qase.io", "https://api.qase.io", "https://app.qase.io"),
            ("eu.qase.io", "https://api-eu.qase.io", "https://app-eu.qase.io"),
            ("qase.acme.test", "https://api-qase.acme.test", "https://qase.acme.test"),
        ],
    )
    def test_the_host_tells_the_addresses(self, host: str, api: str, web: str) -> None:
        vendor = Qase(project="shop", token="t" * 8, host=host)
        assert vendor.base_url == api
        assert vendor.run_url("12") == f"{web}/run/SHOP/dashboard/12"

    @pytest.mark.parametrize(
        ("text", "number"), [("7", 7), ("C7", 7), ("c7", 7), ("SHOP-7", 7), ("shop-0007", 7), (" 12 ", 12)]
    )
    def test_a_case_id_may_be_written_in_several_ways(self, desk: Desk, text: str, number: int) -> None:
        desk.write(*make_results(1, ids=({"": (text,)},)))
        desk.send()
        assert _sent(desk)[0]["results"][0]["testops_ids"] == [number]

    @pytest.mark.parametrize("text", ["0", "C0", "DEMO-7", "seven", "-7", "7.5", "²"])
    def test_what_is_no_case_id_of_the_project_is_refused_with_a_word_on_how_to_write_one(
        self, desk: Desk, text: str
    ) -> None:
        desk.write(*make_results(1, ids=({"": (text,)},)))
        tally = desk.send()
        assert tally.refused == 1
        assert repr(text) in tally.refusals[0][1]
        assert "SHOP-7" in tally.refusals[0][1]

    def test_a_test_without_case_is_matched_by_its_title_and_suite(self, desk: Desk) -> None:
        desk.write(*make_results(1, ids=()))
        assert desk.send().delivered == 1
        assert "testops_ids" not in _sent(desk)[0]["results"][0]

    def test_with_only_mapped_a_test_without_case_is_set_aside_and_counted(self, desk: Desk) -> None:
        _reconfigure(desk, only_mapped=True)
        first, second = make_results(2)
        desk.write(first, replace(second, ids=()))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (1, 1)

    def test_the_users_own_status_words_win(self, desk: Desk) -> None:
        _reconfigure(desk, status={"passed": "skipped"})
        desk.write(*make_results(1))
        desk.send()
        assert desk.box.counts() == {"skipped": 1}

    def test_a_status_that_the_workspace_lacks_is_refused_and_says_so(self, desk: Desk) -> None:
        _reconfigure(desk, status={"failed": "burned"})
        desk.write(*make_results(6))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (5, 1)
        assert "status" in tally.refusals[0][1]

    def test_a_batch_that_is_too_large_is_halved_until_it_fits(self, desk: Desk) -> None:
        long = make_results(8, message="x" * 60_000)
        desk.sandbox = qase_sandbox.create(qase_fields.Rules(max_bytes=200_000))
        desk.box = desk.sandbox.box
        desk.mount.sandboxes["qase"] = desk.sandbox
        desk.write(*long)
        assert desk.send().delivered == 8

    def test_times_that_qase_refuses_are_left_out_and_the_duration_stays(self, desk: Desk) -> None:
        desk.write(*make_results(3, start=1_000_000.0))
        assert desk.send().delivered == 3
        row = _sent(desk)[-1]["results"][0]["execution"]
        assert (row["start_time"], row["end_time"], row["duration"]) == (None, None, 250)

    def test_late_times_do_not_hide_which_result_is_at_fault(self, desk: Desk) -> None:
        good = make_results(4, start=1_000_000.0)
        desk.write(*good, replace(make_results(5)[4], start=1_000_000.0, ids=({"": ("DEMO-1",)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (4, 1)

    def test_a_run_id_joins_a_run_that_is_neither_opened_nor_completed(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        _reconfigure(desk, run_id=run_id)
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.delivered, tally.run_id) == (3, run_id)
        assert len(desk.box.runs) == 1
        assert desk.box.runs[run_id].end is None

    def test_a_run_with_refused_results_is_not_completed(self, desk: Desk) -> None:
        desk.write(*make_results(2), self.spoil(make_results(3)[2]))
        tally = desk.send()
        assert tally.refused == 1
        assert desk.box.runs[tally.run_id].end is None

    def test_a_run_that_somebody_has_completed_already_is_no_error(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        desk.vendor.close_run(desk.client(), run_id)
        desk.vendor.close_run(desk.client(), run_id)
        assert desk.box.runs[run_id].end is not None

    def test_a_lost_answer_to_opening_is_found_again_by_a_later_upload(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add("lost-answer*1", "503")
        assert desk.send(deadline_s=20).delivered == 0
        desk.mount.troubles.clear()
        assert desk.send().delivered == 3
        assert len(desk.box.runs) == 1

    def test_another_run_of_the_same_title_is_not_taken_for_ours(self, desk: Desk) -> None:
        other = desk.vendor.open_run(desk.client(), replace(desk.run, id="20260913-100211-ffffffff"))
        desk.write(*make_results(1))
        desk.mount.troubles.add("lost-answer*1")
        assert desk.send().run_id != other
        assert len(desk.box.runs) == 2

    def test_machines_note_in_the_description_that_they_are_done(self, desk: Desk) -> None:
        run = replace(desk.run, key="GitHub Actions-57", description="https://ci.test/57")
        run_id = desk.vendor.open_run(desk.client(), run)
        opened = "https://ci.test/57\n\npytest-tmsreport key/GitHub%20Actions-57"
        assert desk.box.runs[run_id].body["description"] == opened
        assert [set(desk.vendor.finish_shard(desk.client(), run_id, shard, 12)) for shard in (11, 3, 3)] == [
            {11},
            {3, 11},
            {3, 11},
        ]
        assert desk.box.runs[run_id].body["description"] == f"{opened}\npytest-tmsreport done/12:3.11"
        assert [each.body for each in desk.box.requests if each.method == "PATCH"] == [
            {"description": f"{opened}\npytest-tmsreport done/12:11"},
            {"description": f"{opened}\npytest-tmsreport done/12:3.11"},
        ]
        assert desk.vendor.find_run(desk.client(), run) == run_id
        assert desk.vendor.find_run(desk.client(), replace(run, key="GitHub Actions-5")) is None

    def test_what_a_person_writes_into_the_description_stays(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, key="k"))
        desk.vendor.finish_shard(desk.client(), run_id, 1, 2)
        written = f"before {desk.box.runs[run_id].body['description']}\nafter"
        desk.client().patch(f"v1/run/SHOP/{run_id}", json={"description": written})
        assert set(desk.vendor.finish_shard(desk.client(), run_id, 2, 2)) == {1, 2}
        found = desk.box.runs[run_id].body["description"]
        assert found.startswith("before ")
        assert "\nafter" in found
        assert desk.vendor.find_run(desk.client(), replace(desk.run, key="k")) == run_id

    def test_a_note_that_another_machine_overwrites_is_written_again(self, desk: Desk) -> None:
        results = make_results(2)
        first, second = desk.machine(1, 2), desk.machine(2, 2)
        first.write(results[0])
        second.write(results[1])
        tally = first.send(sleep=_forgetful(desk))
        assert tally.is_left_open
        assert not second.send().is_left_open
        assert [run.end is None for run in desk.box.runs.values()] == [False]

    def test_a_run_with_results_is_not_discarded(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        run_id = desk.send().run_id
        with pytest.raises(PermanentError, match="holds results"):
            desk.vendor.discard_run(desk.client(), run_id)
        assert run_id in desk.box.runs

    def test_a_run_that_cannot_be_discarded_is_named_and_gets_nothing(self, desk: Desk) -> None:
        results = make_results(4)
        one, other = desk.machine(1), desk.machine(2)
        one.write(*results[:2])
        other.write(*results[2:])

        def forbidden() -> None:
            other.send()
            desk.mount.troubles.add("403*1@run/SHOP/2")

        tally = one.send(transport=Meanwhile(desk.mount, 2, forbidden))
        assert tally.run_id == "1"
        (note,) = tally.notes
        assert "run 2 was made in the same moment as 1, and stays there empty: 403" in note
        assert len(desk.box.results_of("1")) == 4

    def test_an_unknown_project_is_named_as_such(self, desk: Desk) -> None:
        _reconfigure(desk, project="NOPE")
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "404" in tally.reason
        assert "`project`" in tally.remedy

    def test_a_run_that_was_deleted_stops_the_destination_and_keeps_the_results(self, desk: Desk) -> None:
        _reconfigure(desk, run_id="4711")
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 3, 0)
        assert "404" in tally.reason

    def test_full_storage_stops_files_but_not_results(self, desk: Desk) -> None:
        desk.mount.troubles.add("507@attachment")
        results = _with_files(desk.journal, 3)
        desk.write(*results)
        tally = desk.send()
        assert tally.delivered == 3
        assert len([each for each in desk.box.requests if "attachment" in each.path]) == 1
        assert any("storage" in note for note in tally.notes)
        fault = desk.vendor.errors.explain(507)
        assert fault
        assert fault.in_words() == "not retried: no more files are sent, results are"

    def test_twenty_files_go_in_one_request(self, desk: Desk) -> None:
        desk.write(*_with_files(desk.journal, 45))
        desk.send()
        parts = [len(each.body["parts"]) for each in desk.box.requests if "attachment" in each.path]
        assert sorted(parts) == [5, 20, 20]
        assert len(desk.box.attachments) == 45

    def test_a_file_that_is_too_large_is_left_out_and_named(self, desk: Desk) -> None:
        large = desk.journal.attach("video.mp4", "video/mp4", b"\0" * (32 * 2**20 + 1))
        small = desk.journal.attach("log.txt", "text/plain", b"x")
        (result,) = make_results(1)
        desk.write(replace(result, attachments=(large, small)))
        tally = desk.send()
        assert tally.delivered == 1
        assert [file.name for file in desk.box.attachments.values()] == ["log.txt"]
        assert any("video.mp4" in note for note in tally.notes)

    def test_files_in_another_order_are_told_apart_by_their_names(self, desk: Desk) -> None:
        files = [desk.folder.file(desk.journal.attach(name, "text/plain", name.encode())) for name in ("a", "b")]
        answer = b'{"status": true, "result": [{"hash": "hb", "filename": "b"}, {"hash": "ha", "filename": "a"}]}'
        assert desk.vendor.attach(desk.client(Canned(200, answer)), "1", files) == ["ha", "hb"]

    def test_a_pass_after_a_failure_is_called_flaky(self, desk: Desk) -> None:
        failed, passed = make_results(2, nodeid="t.py::test_a", title="test_a", outcome=Outcome.PASSED)
        failed = replace(failed, outcome=Outcome.FAILED, superseded=True, message="boom")
        desk.write(failed, replace(passed, attempt=2, earlier=("boom",), message=""))
        assert desk.send().delivered == 1
        assert _sent(desk)[0]["results"][0]["message"] == "flaky: passed on attempt 2\nattempt 1: boom"

    def test_each_attempt_is_a_result_where_that_is_asked_for(self, desk: Desk) -> None:
        _reconfigure(desk, attempts="each")
        failed, passed = make_results(2, nodeid="t.py::test_a")
        desk.write(replace(failed, superseded=True), replace(passed, attempt=2))
        assert desk.send().delivered == 2

    def test_a_200_that_says_false_is_a_refusal(self, desk: Desk) -> None:
        canned = Canned(202, b'{"status": false, "errorMessage": "no such thing"}')
        with pytest.raises(Rejected, match="no such thing"):
            desk.vendor.send(desk.client(canned), "1", make_results(1))

    @pytest.mark.parametrize(("setting", "value"), [("project", "A"), ("project", "../x"), ("batch_size", 201)])
    def test_impossible_settings_are_found_before_anything_is_sent(self, setting: str, value: Any) -> None:
        with pytest.raises(ConfigError, match=setting):
            replace(QASE, **{setting: value})

    def test_verify_tells_a_wrong_project_and_changes_nothing(self, desk: Desk) -> None:
        desk.verify()
        assert [each.method for each in desk.box.requests] == ["GET"]

    def test_a_case_of_several_tests_has_failed_where_one_has(self, desk: Desk) -> None:
        outcomes = (Outcome.PASSED, Outcome.FAILED, Outcome.PASSED, Outcome.ERROR, Outcome.SKIPPED)
        numbers = ("1", "1", "1", "2", "3")
        results = [
            replace(result, outcome=outcome, ids=({"": (number,)},))
            for result, outcome, number in zip(make_results(5), outcomes, numbers, strict=True)
        ]
        desk.write(*results)
        cases = desk.vendor.recorded(desk.client(), desk.send().run_id)
        assert {case.ids: case.has_failed for case in cases} == {
            ("SHOP-1", "C1", "1"): True,
            ("SHOP-2", "C2", "2"): True,
            ("SHOP-3", "C3", "3"): False,
        }


def _forgetful(desk: Desk) -> Callable[[float], None]:
    """Time in which somebody writes an older description back, once."""
    left = [1]

    def sleep(seconds: float) -> None:
        desk.time.sleep(seconds)
        if left:
            left.pop()
            (run,) = desk.box.runs.values()
            desk.client().patch(f"v1/run/SHOP/{run.id}", json={"description": "pytest-tmsreport key/build-7"})

    return sleep


def _reconfigure(desk: Desk, **settings: Any) -> None:
    desk.vendor = replace(desk.vendor, **settings)


def _sent(desk: Desk) -> list[dict[str, Any]]:
    return [each.body for each in desk.box.requests if each.path.endswith("/results")]


def _with_files(journal: Journal, number: int) -> list[Result]:
    results = make_results(number)
    return [
        replace(result, attachments=(journal.attach(f"{index}.txt", "text/plain", str(index).encode()),))
        for index, result in enumerate(results)
    ]
