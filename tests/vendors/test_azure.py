from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from pytest_tmsreport.errors import AuthError, ConfigError, NotFound, PermanentError, RateLimited
from pytest_tmsreport.model import Attachment, Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import azure as azure_sandbox
from pytest_tmsreport.sandbox.azure_fields import PIPELINE_TOKEN, TOKEN, Rules
from pytest_tmsreport.sandbox.site import Sandbox
from pytest_tmsreport.testing import Canned, Desk, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendor import Case
from pytest_tmsreport.vendors._azure_rows import WORDS
from pytest_tmsreport.vendors.azure import Azure

AZURE = Azure(name="azure", kind="azure", url="https://azure.test/azure/acme", token=TOKEN, project="Shop")
RUNS = "/azure/acme/Shop/_apis/test/runs"

FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    traceback="tests/checkout.py:41: AssertionError",
    ids=({"": ("C12",)},),
    suite=("tests", "checkout", "TestCard"),
    parameters={"currency": "EUR", "voucher": ""},
    description="pays with a card",
    tags=("smoke", "payments"),
    fields={"severity": "critical"},
    links=(
        Link("https://azure.test/azure/acme/Shop/_workitems/edit/20017", "receipt", "issue"),
        Link("https://bugs.test/1", "BUG-1", "issue"),
    ),
    worker="gw0",
)

WHAT_BECAME_OF_IT = {
    "state": "Completed",
    "outcome": "Failed",
    "durationInMs": 1360,
    "startedDate": "2026-09-14T08:02:11.120400Z",
    "completedDate": "2026-09-14T08:02:12.480800Z",
    "errorMessage": "AssertionError: receipt missing",
    "stackTrace": "tests/checkout.py:41: AssertionError",
    "comment": (
        "tests/checkout.py::TestCard::test_card[EUR-]\n"
        "pays with a card\n"
        "currency: EUR\n"
        "voucher: \n"
        "issue: receipt https://azure.test/azure/acme/Shop/_workitems/edit/20017\n"
        "issue: BUG-1 https://bugs.test/1\n"
        "tags: smoke, payments\n"
        "severity: critical\n"
        "\n"
        "pytest-tmsreport 8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11"
    ),
    "associatedBugs": [{"id": "20017"}],
}
GOLDEN = {
    "testCaseTitle": "test_card[currency=EUR, voucher=]",
    "testCase": {"id": "12"},
    "automatedTestName": "tests.checkout.TestCard.test_card[EUR-]",
    "automatedTestStorage": "tests/checkout.py",
    "automatedTestType": "pytest",
    "automatedTestId": "6d825371-199e-5532-9794-3c6fe069c02d",
    **WHAT_BECAME_OF_IT,
}


def planned(desk: Desk, cases: Sequence[str], *configurations: int) -> str:
    """Makes a plan of these cases; returns how a user names it."""
    http = desk.client()
    suffix = "?api-version=7.1"
    made = http.post(f"Shop/_apis/testplan/plans{suffix}", json={"name": "made by a test"})
    plan, root = made.pick("id", int), made.pick("rootSuite.id", int)
    points = [{"configurationId": each} for each in configurations or (1,)]
    body = [{"workItem": {"id": int(case)}, "pointAssignments": points} for case in cases]
    http.post(f"Shop/_apis/testplan/Plans/{plan}/Suites/{root}/TestCase{suffix}", json=body)
    return str(plan)


def changed(desk: Desk, **settings: Any) -> Azure:
    assert isinstance(desk.vendor, Azure)
    desk.vendor = replace(desk.vendor, **settings)
    return desk.vendor


def ruled(desk: Desk, **rules: Any) -> None:
    """Gives the desk a sandbox with other rules."""
    desk.sandbox = azure_sandbox.create(Rules(**rules))
    desk.box = desk.sandbox.box
    desk.mount.sandboxes["azure"] = desk.sandbox


def bodies(desk: Desk, method: str, end: str) -> list[Any]:
    return [each.body for each in desk.box.requests if each.method == method and each.path.endswith(end)]


class TestAzure(VendorContract):
    vendor = AZURE
    sandbox = staticmethod(azure_sandbox.create)

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        return planned(desk, cases)

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        desk.write(FULL)
        assert desk.send().delivered == 1
        ((row,),) = bodies(desk, "POST", "/results")
        assert row == GOLDEN

    def test_a_run_is_opened_and_completed_as_written_out_here(self, desk: Desk) -> None:
        changed(desk, build=5544, stage="Test", phase="linux", job="py313", configurations=("ubuntu 24.04",))
        desk.run = replace(desk.run, branch="main", commit="4be1c02", tags=("night-ly", "pytest"))
        tally_run = desk.vendor.open_run(desk.client(), replace(desk.run, description="https://ci.test/42"))
        assert bodies(desk, "POST", "/test/runs") == [
            {
                "name": "pytest 2026-09-14 10:02",
                "automated": True,
                "state": "InProgress",
                "startDate": "2026-09-14T10:02:11.000000Z",
                "comment": (
                    "https://ci.test/42\n\nbranch main, commit 4be1c02\n\npytest-tmsreport 20260914-100211-0a1b2c3d"
                ),
                "tags": [{"name": "nightly"}, {"name": "pytest"}],
                "build": {"id": "5544"},
                "pipelineReference": {
                    "pipelineId": 5544,
                    "stageReference": {"stageName": "Test"},
                    "phaseReference": {"phaseName": "linux"},
                    "jobReference": {"jobName": "py313"},
                },
                "configurationIds": [2],
            }
        ]
        desk.vendor.close_run(desk.client(), tally_run)
        (body,) = bodies(desk, "PATCH", f"/runs/{tally_run}")
        assert {**body, "completedDate": ""} == {"state": "Completed", "completedDate": ""}
        assert desk.box.runs[tally_run].end is not None

    def test_the_configuration_stands_at_every_result(self, desk: Desk) -> None:
        changed(desk, configurations=("2",))
        desk.write(*make_results(2))
        desk.send()
        (rows,) = bodies(desk, "POST", "/results")
        assert [row["configuration"] for row in rows] == [{"id": "2"}] * 2

    def test_an_unknown_configuration_is_named_with_those_there_are(self, desk: Desk) -> None:
        changed(desk, configurations=("OS/2",))
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "'OS/2'" in tally.reason
        assert "Windows 11" in tally.reason
        assert "`configurations`" in tally.remedy

    def test_five_thousand_results_take_five_requests_and_two_for_the_run(self, desk: Desk) -> None:
        desk.write(*make_results(5000))
        assert desk.send().requests == 7
        assert [len(rows) for rows in bodies(desk, "POST", "/results")] == [1000] * 5

    def test_a_test_without_a_case_is_reported_by_its_name(self, desk: Desk) -> None:
        desk.write(*make_results(1, ids=()))
        assert desk.send().delivered == 1
        ((row,),) = bodies(desk, "POST", "/results")
        assert "testCase" not in row
        assert row["automatedTestName"] == "tests.test_shop.TestCart.test_0"

    def test_a_test_of_two_cases_is_one_result_that_names_both(self, desk: Desk) -> None:
        desk.write(*make_results(1, ids=({"": ("C7", "#8")},)))
        assert desk.send().delivered == 1
        ((row,),) = bodies(desk, "POST", "/results")
        assert row["testCase"] == {"id": "7"}
        assert "cases: 7, 8" in row["comment"]

    @pytest.mark.parametrize("text", ["55", "C55", "tc55", "#55", "AB#55", " 0055 "])
    def test_a_case_id_may_be_written_in_several_ways(self, desk: Desk, text: str) -> None:
        desk.write(*make_results(1, ids=({"": (text,)},)))
        desk.send()
        assert [each.cases for each in desk.box.results.values()] == [("55",)]

    @pytest.mark.parametrize("text", ["0", "SHOP-7", "seven", "-7", "7.5", "²", "99999999999"])
    def test_what_is_no_case_id_is_refused_with_a_word_on_how_to_write_one(self, desk: Desk, text: str) -> None:
        good, bad = make_results(2)
        desk.write(good, replace(bad, ids=({"": (text,)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert repr(text) in tally.refusals[0][1]
        assert "C55" in tally.refusals[0][1]

    def test_a_case_that_does_not_exist_costs_its_own_result(self, desk: Desk) -> None:
        good = make_results(9)
        desk.write(*good[:4], replace(good[4], ids=({"": ("90001",)},)), *good[5:])
        tally = desk.send()
        assert (tally.delivered, tally.refused, tally.reason) == (8, 1, "")
        assert "90001" in tally.refusals[0][1]

    def test_a_bug_that_does_not_exist_costs_its_own_result(self, desk: Desk) -> None:
        good = make_results(5)
        desk.write(*good[:4], replace(good[4], links=(Link("AB#7", kind="issue"),)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (4, 1)
        assert "TF401232" in tally.refusals[0][1]

    @pytest.mark.parametrize(
        ("link", "found"),
        [
            (Link("https://azure.test/azure/acme/Shop/_workitems/edit/20017", kind="issue"), ["20017"]),
            (Link("https://azure.test/azure/acme/_workitems/edit/20017/", kind="issue"), ["20017"]),
            (Link("AB#20017", kind="issue"), ["20017"]),
            (Link("https://bugs.test/", "#20017", "issue"), ["20017"]),
            (Link("https://dev.azure.com/other/Shop/_workitems/edit/20017", kind="issue"), []),
            (Link("https://azure.test/azure/acme/Shop/_workitems/edit/20017", kind="link"), []),
        ],
    )
    def test_links_to_work_items_of_the_server_are_bugs(self, desk: Desk, link: Link, found: list[str]) -> None:
        desk.write(*make_results(1, links=(link,)))
        assert desk.send().delivered == 1
        ((row,),) = bodies(desk, "POST", "/results")
        assert [bug["id"] for bug in row.get("associatedBugs", [])] == found
        assert link.url in row["comment"]

    def test_steps_are_sub_results_as_written_out_here(self, desk: Desk) -> None:
        deepest = Step(title="type digits", start=1789372931.5, duration=0.25)
        deeper = Step(title="find field", start=1789372931.5, duration=0.25, steps=(deepest,))
        inner = Step(
            title="enter card",
            outcome=Outcome.FAILED,
            start=1789372931.5,
            duration=0.5,
            message="timeout",
            steps=(deeper,),
        )
        pay = Step(title="pay", start=1789372931.25, duration=0.75, expected="receipt", data="3 EUR", steps=(inner,))
        desk.write(replace(FULL, steps=(pay,)))
        assert desk.send().delivered == 1
        ((row,),) = bodies(desk, "POST", "/results")
        assert row["resultGroupType"] == "generic"
        assert row["subResults"] == [
            {
                "displayName": "pay",
                "outcome": "Passed",
                "durationInMs": 750,
                "startedDate": "2026-09-14T08:02:11.250000Z",
                "completedDate": "2026-09-14T08:02:12.000000Z",
                "comment": "expected: receipt\ndata: 3 EUR",
                "sequenceId": 1,
                "resultGroupType": "generic",
                "subResults": [
                    {
                        "displayName": "enter card",
                        "outcome": "Failed",
                        "durationInMs": 500,
                        "startedDate": "2026-09-14T08:02:11.500000Z",
                        "completedDate": "2026-09-14T08:02:12.000000Z",
                        "errorMessage": "timeout",
                        "sequenceId": 1,
                        "resultGroupType": "generic",
                        "subResults": [
                            {
                                "displayName": "find field",
                                "outcome": "Passed",
                                "durationInMs": 250,
                                "startedDate": "2026-09-14T08:02:11.500000Z",
                                "completedDate": "2026-09-14T08:02:11.750000Z",
                                "comment": "passed: type digits (0.2 s)",
                                "sequenceId": 1,
                            }
                        ],
                    }
                ],
            }
        ]

    def test_attempts_are_sub_results_the_last_with_its_steps(self, desk: Desk) -> None:
        step = Step(title="pay", start=1789372931.25, duration=0.75)
        desk.write(
            replace(FULL, outcome=Outcome.PASSED, message="", attempt=2, earlier=("TimeoutError",), steps=(step,))
        )
        desk.send()
        ((row,),) = bodies(desk, "POST", "/results")
        assert (row["outcome"], row["resultGroupType"]) == ("Passed", "rerun")
        first, second = row["subResults"]
        assert first == {
            "displayName": "attempt 1",
            "outcome": "Failed",
            "errorMessage": "TimeoutError",
            "sequenceId": 1,
        }
        assert (second["displayName"], second["outcome"], second["durationInMs"]) == ("attempt 2", "Passed", 1360)
        assert [each["displayName"] for each in second["subResults"]] == ["pay"]
        assert "flaky: passed on attempt 2" in row["comment"]

    def test_with_aggregate_worst_a_test_with_parameters_is_one_result_with_sub_results(self, desk: Desk) -> None:
        changed(desk, aggregate="worst")
        made = make_results(3, ids=(), outcome=Outcome.PASSED)
        param = [
            replace(each, nodeid=f"tests/test_a.py::test_sum[{n}]", title="test_sum", parameters={"n": str(n)})
            for n, each in enumerate(made[:2])
        ]
        desk.write(param[0], replace(param[1], outcome=Outcome.FAILED, message="1 != 2"), made[2])
        assert desk.send().delivered == 3
        (rows,) = bodies(desk, "POST", "/results")
        merged = next(row for row in rows if row.get("resultGroupType"))
        assert len(rows) == 2
        assert (merged["outcome"], merged["resultGroupType"]) == ("Failed", "dataDriven")
        assert (merged["automatedTestName"], merged["testCaseTitle"]) == ("tests.test_a.test_sum", "test_sum")
        assert [(each["displayName"], each["outcome"]) for each in merged["subResults"]] == [
            ("test_sum[n=0]", "Passed"),
            ("test_sum[n=1]", "Failed"),
        ]

    def test_without_sub_results_steps_and_attempts_stand_in_the_comment(self, desk: Desk) -> None:
        changed(desk, sub_results="never")
        step = Step(title="pay", start=1789372931.25, duration=0.75)
        desk.write(replace(FULL, attempt=2, earlier=("TimeoutError",), steps=(step,)))
        desk.send()
        ((row,),) = bodies(desk, "POST", "/results")
        assert "subResults" not in row
        assert "passed: pay (0.8 s)" in row["comment"]
        assert "attempt 1: TimeoutError" in row["comment"]

    def test_long_texts_are_cut_and_kept_whole_in_one_file_of_the_run(self, desk: Desk) -> None:
        trace, note = "frame\n" * 500, "costs money " * 200
        long = make_results(3, traceback=trace, notes=(note,))
        desk.write(*long, *make_results(4)[3:])
        tally = desk.send()
        assert (tally.delivered, tally.notes) == (4, [])
        (rows,) = bodies(desk, "POST", "/results")
        assert all(len(row.get("stackTrace", "")) <= 1000 and len(row["comment"]) <= 1000 for row in rows)
        (file,) = desk.box.attachments.values()
        assert file.name.startswith("pytest-")
        assert file.size > 3 * (len(trace) + len(note))
        assert "pytest-tmsreport 11111111" in rows[0]["comment"]

    def test_a_longer_stack_trace_is_sent_where_the_server_keeps_it(self, desk: Desk) -> None:
        changed(desk, max_trace=4000)
        desk.write(*make_results(1, traceback="x" * 3000))
        desk.send()
        ((row,),) = bodies(desk, "POST", "/results")
        assert len(row["stackTrace"]) == 3000
        assert desk.box.attachments == {}

    def test_long_texts_that_cannot_be_attached_are_a_note_and_cost_no_result(self, desk: Desk) -> None:
        desk.mount.troubles.add("403@attachments")
        desk.write(*make_results(2, traceback="x" * 3000))
        tally = desk.send()
        assert (tally.delivered, tally.reason) == (2, "")
        assert "not attached" in tally.notes[0]

    def test_a_test_without_a_duration_ends_after_it_began(self, desk: Desk) -> None:
        desk.write(*make_results(1, duration=0.0))
        assert desk.send().delivered == 1

    def test_a_known_failure_is_told_as_such_where_a_user_wants_it_failed(self, desk: Desk) -> None:
        changed(desk, status={"xfailed": "Failed"})
        desk.write(*make_results(1, outcome=Outcome.XFAILED))
        desk.send()
        ((row,),) = bodies(desk, "POST", "/results")
        assert (row["outcome"], row["failureType"]) == ("Failed", "Known Issue")

    def test_a_file_goes_to_its_result_in_base64_by_a_name_that_windows_takes(self, desk: Desk) -> None:
        shot = desk.journal.attach("a/b: c?.png", "image/png", b"pixels")
        desk.write(replace(FULL, attachments=(shot,)))
        assert desk.send().files == 1
        (body,) = bodies(desk, "POST", "/Results/100000/attachments")
        assert {**body, "comment": ""} == {
            "stream": "cGl4ZWxz",
            "fileName": "a_b_ c_.png",
            "comment": "",
            "attachmentType": "GeneralAttachment",
        }

    def test_a_file_whose_answer_is_lost_is_there_once(self, desk: Desk) -> None:
        first, second = (desk.journal.attach(name, "text/plain", name.encode()) for name in ("a.txt", "b.txt"))
        desk.write(replace(FULL, attachments=(first, second)))
        desk.mount.troubles.add("lost-answer*1@attachments")
        assert desk.send().notes == []
        assert sorted(each.name for each in desk.box.attachments.values()) == ["a.txt", "b.txt"]

    def test_a_file_beyond_the_limit_is_left_out_and_named(self, desk: Desk) -> None:
        large = Attachment("video.mp4", "video/mp4", "0" * 64, 76 * 2**20)
        desk.write(replace(FULL, attachments=(large,)))
        tally = desk.send()
        assert tally.delivered == 1
        assert "video.mp4" in tally.notes[0]

    @pytest.mark.parametrize(
        ("token", "kind", "begins"),
        [
            (TOKEN, "auto", "Basic OnNhbmRib3gt"),
            (PIPELINE_TOKEN, "auto", "Bearer eyJ"),
            (PIPELINE_TOKEN, "pat", "Basic OmV5"),
            (TOKEN, "bearer", "Bearer sandbox"),
        ],
    )
    def test_a_personal_token_and_one_of_a_pipeline_are_told_apart(self, token: str, kind: str, begins: str) -> None:
        vendor = Azure(url="https://dev.azure.com/acme", project="Shop", token=token, token_kind=kind)  # type: ignore[arg-type]
        assert vendor.auth.value.startswith(begins)

    def test_a_pipelines_token_reports(self, desk: Desk) -> None:
        changed(desk, token=PIPELINE_TOKEN)
        desk.write(*make_results(3))
        assert desk.send().delivered == 3

    @pytest.mark.parametrize("status", [401, 203, 302])
    def test_a_wrong_token_is_named_however_the_server_says_so(self, desk: Desk, status: int) -> None:
        ruled(desk, sign_in=status)
        changed(desk, token="expired-token")
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, tally.requests, desk.time.slept) == (2, 1, [])
        assert str(status) in tally.reason
        assert "token" in tally.remedy
        with pytest.raises(AuthError):
            desk.verify()

    def test_a_pressed_servers_wish_for_a_pause_is_kept_beside_a_success(self, desk: Desk) -> None:
        clock = desk.time
        rules = Rules(requests_per_5_minutes=40)
        desk.sandbox = azure_sandbox.create(rules, clock=lambda: 1789380131.0 + clock.now)
        desk.box = desk.sandbox.box
        desk.mount.sandboxes["azure"] = desk.sandbox
        desk.write(*make_results(40))
        changed(desk, batch_size=1, parallel=1)
        tally = desk.send()
        assert tally.delivered == 40
        assert 5.0 in desk.time.slept

    def test_more_than_the_limit_is_waited_for(self, desk: Desk) -> None:
        clock = desk.time
        desk.sandbox = azure_sandbox.create(Rules(requests_per_5_minutes=10), clock=lambda: 1789380131.0 + clock.now)
        desk.box = desk.sandbox.box
        desk.mount.sandboxes["azure"] = desk.sandbox
        desk.write(*make_results(20))
        changed(desk, batch_size=1, parallel=1)
        assert desk.send().delivered == 20
        assert max(clock.slept) > 100
        assert [each.status for each in desk.box.requests].count(429) > 0

    def test_the_units_of_load_are_explained_by_their_code(self, desk: Desk) -> None:
        answer = b'{"message": "TF400733: The request has been canceled", "typeKey": "RequestBlockedException"}'
        with pytest.raises(RateLimited, match="TF400733") as caught:
            desk.client(Canned(503, answer, {"Retry-After": "1"}), deadline_s=5).get("anything")
        assert "200 units" in str(caught.value)

    def test_a_run_id_joins_a_run_that_is_neither_opened_nor_completed(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        changed(desk, run_id=run_id)
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.delivered, tally.run_id) == (3, run_id)
        assert len(desk.box.runs) == 1
        assert desk.box.runs[run_id].end is None

    def test_complete_false_leaves_the_run_open(self, desk: Desk) -> None:
        changed(desk, complete=False)
        desk.write(*make_results(2))
        tally = desk.send()
        assert desk.box.runs[tally.run_id].end is None

    def test_another_run_in_progress_is_not_taken_for_ours(self, desk: Desk) -> None:
        other = desk.vendor.open_run(desk.client(), replace(desk.run, id="20260913-100211-ffffffff"))
        desk.write(*make_results(1))
        desk.mount.troubles.add("lost-answer*1")
        assert desk.send().run_id != other
        assert len(desk.box.runs) == 2

    @pytest.mark.parametrize("lists_comments", [True, False])
    def test_a_run_is_found_among_hundreds_page_by_page(self, desk: Desk, lists_comments: bool) -> None:
        ruled(desk, lists_comments=lists_comments)
        http = desk.client()
        for number in range(150):
            desk.vendor.open_run(http, replace(desk.run, id=f"20260914-100211-{number:08x}"))
        wanted = replace(desk.run, id="20260914-100211-00000095")
        assert desk.vendor.find_run(http, wanted) == "150"
        assert desk.vendor.find_run(http, replace(desk.run, id="20260914-100211-0000009")) is None

    def test_of_two_runs_the_second_is_ended_as_aborted_where_it_may_not_be_deleted(self, desk: Desk) -> None:
        ruled(desk, may_delete=False)
        results = make_results(4)
        one, other = desk.machine(1), desk.machine(2)
        one.write(*results[:2])
        other.write(*results[2:])
        tally = one.send(transport=Meanwhile(desk.mount, 3, other.send))
        assert (tally.delivered, tally.notes) == (2, [])
        states = [body["state"] for body in bodies(desk, "PATCH", "") if body.get("state")]
        assert states == ["Aborted"]
        assert len(desk.box.results_of("1")) == 4

    def test_a_run_with_results_is_not_discarded(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        run_id = desk.send().run_id
        with pytest.raises(PermanentError, match="holds results"):
            desk.vendor.discard_run(desk.client(), run_id)
        assert run_id in desk.box.runs

    def test_an_unknown_project_is_named_as_such(self, desk: Desk) -> None:
        changed(desk, project="No such project")
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "TF200016" in tally.reason
        assert "`project`" in tally.remedy

    def test_a_server_of_another_version_is_asked_in_its_version(self, desk: Desk) -> None:
        changed(desk, api_version="7.0")
        desk.write(*make_results(1))
        assert desk.send().delivered == 1
        assert {each.query.partition("&")[0] for each in desk.box.requests} == {"api-version=7.0"}

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"plan": "regression"}, "31/32"),
            ({"plan": "31/"}, "31/32"),
            ({"configurations": ("1", "2")}, "without `plan`"),
            ({"batch_size": 1001}, "1 to 1000"),
            ({"max_trace": 10}, "100 or more"),
            ({"status": {"failed": "Broken"}}, "NotExecuted"),
        ],
    )
    def test_a_wrong_setting_is_named_before_anything_is_sent(self, settings: dict[str, Any], why: str) -> None:
        with pytest.raises(ConfigError, match=why):
            replace(AZURE, **settings)

    @pytest.mark.parametrize("word", WORDS)
    def test_every_outcome_of_azure_can_be_a_status(self, desk: Desk, word: str) -> None:
        changed(desk, status={"passed": word})
        desk.write(*make_results(1))
        assert desk.send().delivered == 1
        assert desk.box.counts() == {word: 1}

    def test_a_plan_is_read_to_its_end_with_all_spellings_and_names(self, desk: Desk) -> None:
        ruled(desk, automated={60: "tests.test_shop.TestCart.test_1"}, page=7)
        found = list(desk.vendor.planned(desk.client(), "31"))
        assert len(found) == 100
        assert found[59] == Case(("60", "C60", "TC60", "#60", "AB#60"), "Case 60", ("tests.test_shop.TestCart.test_1",))
        assert [each.ids[0] for each in desk.vendor.planned(desk.client(), "31/33")] == [str(n) for n in range(1, 51)]

    def test_a_plan_is_read_for_the_configurations_that_are_tested(self, desk: Desk) -> None:
        changed(desk, configurations=("Ubuntu 24.04",))
        assert list(desk.vendor.planned(desk.client(), "31")) == []
        plan = planned(desk, ["7", "8"], 1, 2)
        assert [each.ids[0] for each in desk.vendor.planned(desk.client(), plan)] == ["7", "8"]

    def test_an_empty_plan_has_no_cases(self, desk: Desk) -> None:
        assert list(desk.vendor.planned(desk.client(), planned(desk, []))) == []

    @pytest.mark.parametrize("plan", ["4711", "31/4711"])
    def test_an_unknown_plan_or_suite_is_named_with_what_to_do(self, desk: Desk, plan: str) -> None:
        with pytest.raises(NotFound, match="4711 not found") as caught:
            list(desk.vendor.planned(desk.client(), plan))
        assert "`plan`" in caught.value.remedy

    def test_what_is_no_plan_is_answered_with_how_to_write_one(self, desk: Desk) -> None:
        with pytest.raises(PermanentError) as caught:
            list(desk.vendor.planned(desk.client(), "Regression"))
        assert "31/32" in caught.value.remedy

    def test_a_plan_without_a_licence_is_named_as_such(self, desk: Desk) -> None:
        ruled(desk, has_test_plans=False)
        with pytest.raises(AuthError, match="licence"):
            list(desk.vendor.planned(desk.client(), "31"))

    def test_a_run_tells_its_cases_and_which_have_failed(self, desk: Desk) -> None:
        good, bad, nameless = make_results(3, outcome=Outcome.PASSED)
        nodeid = "tests/test_a.py::TestA::test_b[1.5]"
        bad = replace(bad, outcome=Outcome.ERROR, message="no database")
        desk.write(good, bad, replace(nameless, ids=(), nodeid=nodeid, outcome=Outcome.FAILED))
        run_id = desk.send().run_id
        found = list(desk.vendor.recorded(desk.client(), run_id))
        assert [(each.ids[:2], each.has_failed) for each in found] == [
            (("1", "C1"), False),
            (("2", "C2"), True),
            ((), True),
        ]
        assert found[2].names == ("tests.test_a.TestA.test_b[1.5]", nodeid)

    def test_an_unknown_run_is_named(self, desk: Desk) -> None:
        with pytest.raises(NotFound, match="4711 not found"):
            list(desk.vendor.recorded(desk.client(), "4711"))


class TestAzureWithPlan(VendorContract):
    vendor = replace(AZURE, plan="31", batch_size=40)
    CASES: ClassVar = 400

    @staticmethod
    def sandbox() -> Sandbox:
        """One with a plan that is large enough for all that is reported here."""
        return azure_sandbox.create(Rules(suites={33: range(1, 51), 34: range(51, 401)}))

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        return planned(desk, cases)

    def test_a_full_result_is_written_over_that_of_its_point_as_written_out_here(self, desk: Desk) -> None:
        desk.write(FULL)
        assert desk.send().delivered == 1
        assert bodies(desk, "PATCH", "/results") == [[{"id": 100_000, **WHAT_BECAME_OF_IT}]]
        (run,) = bodies(desk, "POST", "/test/runs")
        assert (run["plan"], run["pointIds"]) == ({"id": "31"}, [912])

    def test_a_run_holds_the_points_of_the_cases_that_are_reported(self, desk: Desk) -> None:
        desk.write(*self.results(3))
        tally = desk.send()
        assert tally.delivered == 3
        (run,) = bodies(desk, "POST", "/test/runs")
        assert run["pointIds"] == [901, 902, 903]
        told = desk.client().get(f"Shop/_apis/test/runs/{tally.run_id}?api-version=7.1")
        assert (told.pick("totalTests", int), told.pick("incompleteTests", int)) == (3, 0)
        assert told.pick("state", str) == "Completed"

    def test_several_tests_of_a_case_are_its_worst(self, desk: Desk) -> None:
        good, bad = make_results(2, ids=({"": ("7",)},), outcome=Outcome.PASSED)
        desk.write(good, replace(bad, outcome=Outcome.FAILED, message="1 != 2"))
        assert desk.send().delivered == 2
        ((row,),) = bodies(desk, "PATCH", "/results")
        assert row["outcome"] == "Failed"
        assert "passed: test_0" in row["errorMessage"]
        assert "subResults" not in row

    def test_sub_results_go_to_a_plans_run_where_a_user_says_so(self, desk: Desk) -> None:
        changed(desk, sub_results="always")
        desk.write(*make_results(2, ids=({"": ("7",)},)))
        desk.send()
        ((row,),) = bodies(desk, "PATCH", "/results")
        assert (row["resultGroupType"], len(row["subResults"])) == ("dataDriven", 2)

    def test_a_case_without_a_point_is_refused_alone_and_named(self, desk: Desk) -> None:
        good = self.results(4)
        desk.write(*good[:3], replace(good[3], ids=({"": ("777",)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (3, 1)
        assert "plan 31 has no point of it" in tally.refusals[0][1]

    def test_where_no_case_has_a_point_everything_is_kept_with_what_to_check(self, desk: Desk) -> None:
        changed(desk, configurations=("Ubuntu 24.04",))
        desk.write(*self.results(3))
        tally = desk.send()
        assert (tally.kept, len(desk.box.runs)) == (3, 0)
        assert "`configurations`" in tally.remedy

    def test_a_case_that_is_not_in_a_run_that_was_there_is_refused_alone(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, case_ids=("1", "2")))
        changed(desk, run_id=run_id)
        desk.write(*self.results(3))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (2, 1)
        assert f"run {run_id} holds no result of it" in tally.refusals[0][1]

    def test_a_test_without_a_case_is_found_by_the_cases_automation_name(self, desk: Desk) -> None:
        names = {7: "tests.test_shop.TestCart.test_0", 8: "tests/test_shop.py::TestCart::test_1"}
        ruled(desk, automated=names)
        desk.write(*make_results(3, ids=()))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (2, 1)
        assert sorted(each.cases for each in desk.box.results.values()) == [("7",), ("8",)]

    def test_a_test_with_parameters_is_found_by_the_name_without_them(self, desk: Desk) -> None:
        ruled(desk, automated={7: "tests.test_shop.TestCart.test_0"})
        made = make_results(1, ids=(), nodeid="tests/test_shop.py::TestCart::test_0[red]")
        desk.write(*made)
        assert desk.send().delivered == 1

    def test_each_configuration_of_a_case_gets_the_result_and_its_files(self, desk: Desk) -> None:
        changed(desk, plan=planned(desk, ["7"], 1, 2))
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        desk.write(*make_results(1, ids=({"": ("7",)},), attachments=(shot,)))
        assert desk.send().delivered == 1
        ((first, second),) = bodies(desk, "PATCH", "/results")
        assert (first["id"], second["id"]) == (100_000, 100_001)
        assert {**first, "id": 0} == {**second, "id": 0}
        assert len(desk.box.attachments) == 2

    def test_named_configurations_are_all_that_is_reported(self, desk: Desk) -> None:
        changed(desk, plan=planned(desk, ["7"], 1, 2), configurations=("ubuntu 24.04",))
        desk.write(*make_results(1, ids=({"": ("7",)},)))
        assert desk.send().delivered == 1
        assert [each.body["configuration"]["name"] for each in desk.box.results.values()] == ["Ubuntu 24.04"]

    def test_one_suite_of_a_plan_is_reported(self, desk: Desk) -> None:
        changed(desk, plan="31/34")
        desk.write(*self.results(60)[48:52])
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (2, 2)

    def test_points_that_lists_do_not_tell_are_read_among_the_details(self, desk: Desk) -> None:
        ruled(desk, lists_points=False)
        desk.write(*self.results(3))
        assert desk.send().delivered == 3
        assert [each.query for each in desk.box.requests if "detailsToInclude=point" in each.query]

    def test_a_run_of_a_key_holds_all_points(self, desk: Desk) -> None:
        desk.vendor.open_run(desk.client(), replace(desk.run, key="build-7", case_ids=("1",)))
        (run,) = bodies(desk, "POST", "/test/runs")
        assert len(run["pointIds"]) == self.CASES

    def test_many_points_take_a_request_for_each_batch_and_the_reading_of_plan_and_run(self, desk: Desk) -> None:
        ruled(desk, suites={33: range(1, 1201)})
        changed(desk, batch_size=400)
        desk.write(*self.results(1200))
        tally = desk.send()
        assert tally.delivered == 1200
        assert [len(rows) for rows in bodies(desk, "PATCH", "/results")] == [400] * 3
        reading = len([each for each in desk.box.requests if each.method == "GET"])
        assert (reading, tally.requests - reading) == (1 + 6 + 2, 1 + 3 + 1)

    def test_a_plan_that_does_not_exist_is_found_by_verify(self, desk: Desk) -> None:
        desk.verify()
        changed(desk, plan="4711")
        with pytest.raises(NotFound):
            desk.verify()
