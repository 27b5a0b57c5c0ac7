from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.errors import ConfigError, NotFound, PermanentError, VendorError
from pytest_tmsreport.faults import Arrived, Fault
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import zephyr as zephyr_sandbox
from pytest_tmsreport.sandbox.zephyr_fields import PASSWORD, TOKEN, USER, Rules
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import Desk, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendors.zephyr import Zephyr

CLOUD = Zephyr(
    name="zephyr", kind="zephyr", url="https://zephyr.test/zephyr", token=TOKEN, project="SHOP", attachments="try"
)
DC = Zephyr(name="zephyr", kind="zephyr", url="https://zephyr.test/zephyr", product="dc", token=TOKEN, project="SHOP")
BOTH = {"skipped": "Failed", "xfailed": "Passed"}
FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=1.8604,
    message="AssertionError: assert 1 < 0",
    traceback="    def test_card():\n>       assert 1 < 0\ntests/checkout.py:41: AssertionError",
    ids=({"": ("T12",)},),
    suite=("tests", "checkout", "TestCard"),
    tags=("smoke",),
    fields={"severity": "critical", "layer": "e2e"},
    links=(Link("https://jira.test/browse/BUG-1", "", "issue"), Link("https://shop.test/card", "page")),
    attempt=2,
    earlier=("TimeoutError: no receipt",),
)
COMMENT = (
    "tests/checkout.py::TestCard::test_card<br><br>"
    "AssertionError: assert 1 &lt; 0<br>attempt 1: TimeoutError: no receipt<br>"
    "issue: https://jira.test/browse/BUG-1<br>link: page https://shop.test/card<br>tags: smoke<br>layer: e2e<br><br>"
    "\u00a0\u00a0\u00a0\u00a0def test_card():<br>&gt;\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0assert 1 &lt; 0<br>"
    "tests/checkout.py:41: AssertionError<br><br>"
    "pytest-tmsreport 8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11"
)


class Common(VendorContract):
    """What both products keep beside the contract, in either mode."""

    __test__ = False
    sandbox = staticmethod(zephyr_sandbox.create)

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        vendor = replace(_zephyr(desk), mode="results", aggregate="worst", plan="SHOP-P3")
        run = replace(desk.run, case_ids=tuple(vendor.key(each) for each in cases))
        client = desk.client()
        key = vendor.open_run(client, run)
        for result, case in zip(make_results(len(cases)), run.case_ids, strict=True):
            vendor.send(client, key, [replace(result, outcome=Outcome.SKIPPED, case_ids=(case,))])
        return "SHOP-P3"

    @pytest.mark.parametrize("text", ["SHOP-T7", "shop-t7", "T7", "t007", "7", "C7", "SHOP_T7"])
    def test_a_key_may_be_written_in_several_ways(self, desk: Desk, text: str) -> None:
        desk.write(*make_results(1, ids=({"": (text,)},), outcome=Outcome.PASSED))
        assert desk.send().delivered == 1
        assert [result.cases for result in desk.box.results.values()] == [("SHOP-T7",)]

    @pytest.mark.parametrize(
        "text", ["0", "T0", "SHOP-C7", "seven", "-7", "7.5", "SHOP7", "SHOP-7", "SHOP-R7", "²", "\uff17"]
    )
    def test_what_is_no_key_is_refused_with_a_word_on_how_to_write_one(self, desk: Desk, text: str) -> None:
        good, bad = make_results(2, outcome=Outcome.PASSED)
        desk.write(good, replace(bad, ids=({"": (text,)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert repr(text) in tally.refusals[0][1]
        assert "SHOP-T7" in tally.refusals[0][1]

    @pytest.mark.parametrize(
        ("name", "cases"),
        [
            ("test_sum_SHOP_T7", ["SHOP-T7"]),
            ("test_SHOP_T7_and_SHOP_T8", ["SHOP-T7", "SHOP-T8"]),
            ("test_sum[SHOP-T7]", ["SHOP-T7"]),
            ("test_sum_T7", []),
            ("test_SHOP_T7x", []),
            ("test_WORKSHOP_T7", []),
        ],
    )
    def test_without_a_mark_the_keys_in_the_name_count_as_zephyr_reads_them(
        self, desk: Desk, name: str, cases: list[str]
    ) -> None:
        desk.write(*make_results(1, ids=(), nodeid=f"tests/test_a.py::{name}", outcome=Outcome.PASSED))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (bool(cases), not cases)
        assert sorted(case for result in desk.box.results.values() for case in result.cases) == cases

    def test_an_unknown_case_costs_its_own_results_alone(self, desk: Desk) -> None:
        good = self.results(41, outcome=Outcome.PASSED)
        desk.write(*good[:20], replace(good[20], ids=({"": ("T99999",)},)), *good[21:])
        tally = desk.send()
        assert (tally.delivered, tally.refused, tally.kept) == (40, 1, 0)
        assert "there is no case SHOP-T99999" in tally.refusals[0][1]

    def test_verify_is_content_with_what_is_right_and_changes_nothing(self, desk: Desk) -> None:
        desk.verify()
        assert not desk.box.runs
        assert {each.method for each in desk.box.requests} == {"GET"}

    @pytest.mark.parametrize(
        ("changes", "named"),
        [({"project": "NOPE"}, "NOPE"), ({"environment": "Lynx"}, "Lynx"), ({"plan": "SHOP-P9"}, "SHOP-P9|unknown")],
    )
    def test_verify_names_what_is_wrong(self, desk: Desk, changes: dict[str, Any], named: str) -> None:
        _reconfigure(desk, **changes)
        with pytest.raises(VendorError, match=named) as caught:
            desk.verify()
        assert caught.value.remedy


class Results(Common):
    """What both products keep where they are told results."""

    __test__ = False

    def test_each_outcome_arrives_as_a_status_of_zephyr(self, desk: Desk) -> None:
        desk.write(*self.results(6))
        desk.send()
        assert desk.box.counts() == {"Pass": 2, "Fail": 2, "Not Executed": 2}

    def test_the_users_own_status_words_win(self, desk: Desk) -> None:
        _reconfigure(desk, status={"skipped": "Blocked"})
        desk.write(*self.results(6))
        desk.send()
        assert desk.box.counts()["Blocked"] == 1

    def test_a_status_that_the_project_lacks_costs_its_own_results(self, desk: Desk) -> None:
        _reconfigure(desk, status={"failed": "Burned"})
        desk.write(*self.results(6))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (5, 1)
        assert "Burned" in tally.refusals[0][1]

    def test_several_tests_of_one_case_are_its_worst(self, desk: Desk) -> None:
        _write_three(desk)
        assert desk.send().delivered == 3
        (result,) = desk.box.results.values()
        assert result.status == "Fail"
        assert "passed: test_0" in result.body["comment"]

    def test_with_last_the_last_of_them_counts(self, desk: Desk) -> None:
        _reconfigure(desk, aggregate="last")
        _write_three(desk)
        desk.send()
        assert desk.box.counts() == {"Not Executed": 1}

    def test_with_each_they_are_results_of_their_own(self, desk: Desk) -> None:
        _reconfigure(desk, aggregate="each")
        _write_three(desk)
        assert desk.send().delivered == 3
        assert desk.box.counts() == {"Pass": 1, "Fail": 1, "Not Executed": 1}

    def test_a_test_of_two_cases_is_a_result_of_each(self, desk: Desk) -> None:
        for how in ("worst", "each"):
            each = desk.machine(1 if how == "each" else 2, key=how)
            _reconfigure(each, aggregate=how)
            each.write(*make_results(1, ids=({"": ("T7", "T8")},)))
            tally = each.send()
            assert tally.delivered == 1
            assert sorted(found.cases for found in desk.box.results_of(tally.run_id)) == [("SHOP-T7",), ("SHOP-T8",)]

    @pytest.mark.parametrize("number", range(1, 7))
    def test_a_kill_between_two_cases_of_a_test_doubles_neither(self, desk: Desk, number: int) -> None:
        _reconfigure(desk, aggregate="each")
        desk.write(*make_results(1, ids=({"": ("T7", "T8")},)))
        desk.mount.troubles.add(f"503+{number}")
        desk.send(deadline_s=10)
        desk.mount.troubles.clear()
        assert desk.send(again=True).kept == 0
        assert sorted(found.cases for found in desk.box.results.values()) == [("SHOP-T7",), ("SHOP-T8",)]

    def test_a_run_id_joins_a_cycle_that_is_neither_made_nor_renamed(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        _reconfigure(desk, run_id=run_id)
        desk.write(*self.results(3))
        tally = desk.send()
        assert (tally.delivered, tally.run_id, len(desk.box.runs)) == (3, run_id, 1)
        assert desk.box.runs[run_id].end is None

    def test_a_cycle_that_is_gone_stops_the_destination_and_keeps_the_results(self, desk: Desk) -> None:
        _reconfigure(desk, run_id="SHOP-R4711")
        desk.write(*self.results(30))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 30, 0)
        assert "run_id" in tally.remedy

    def test_a_folder_is_made_once_with_all_that_is_missing_above_it(self, desk: Desk) -> None:
        _reconfigure(desk, folder="Nightly/Smoke")
        for shard in (1, 2):
            each = desk.machine(shard, key=f"build-{shard}")
            each.vendor = desk.vendor
            each.write(*self.results(2))
            assert each.send().delivered == 2
        made = [each for each in desk.box.requests if each.method == "POST" and "/folder" in each.path]
        names = [each.body["name"].rpartition("/")[2] for each in made if each.status == 201]
        assert names == ["Nightly", "Smoke"]

    def test_environment_who_and_custom_fields_go_with_every_result(self, desk: Desk) -> None:
        _reconfigure(desk, environment="Chrome", executed_by="ci-user", custom_fields={"severity": "Severity"})
        desk.write(*self.results(1, fields={"severity": "high", "layer": "api"}))
        assert desk.send().delivered == 1
        (result,) = desk.box.results.values()
        ours = ("environmentName", "executedById") if _zephyr(desk).is_cloud else ("environment", "executedBy")
        assert [result.body[name] for name in (*ours, "customFields")] == ["Chrome", "ci-user", {"Severity": "high"}]
        assert "layer: api" in result.body["comment"]
        assert "severity" not in result.body["comment"]

    def test_the_cycle_gets_its_custom_fields_and_its_plan(self, desk: Desk) -> None:
        _reconfigure(desk, cycle_fields={"Team": "Cart"}, plan="SHOP-P3")
        desk.write(*self.results(2))
        tally = desk.send()
        assert desk.box.runs[tally.run_id].body["customFields"] == {"Team": "Cart"}
        assert [each.ids[0] for each in desk.vendor.planned(desk.client(), "SHOP-P3")] == ["SHOP-T1", "SHOP-T2"]

    def test_steps_are_those_of_the_case_where_that_is_asked_for(self, desk: Desk) -> None:
        _reconfigure(desk, steps="results")
        inner = Step(title="enter card", outcome=Outcome.FAILED, message="timeout")
        pay = Step(title="pay", outcome=Outcome.FAILED, expected="a < b", message="no receipt", steps=(inner,))
        desk.write(*self.results(1, steps=(Step(title="open cart", start=1789380132.0, duration=1.0), pay)))
        assert desk.send().delivered == 1
        (result,) = desk.box.results.values()
        said = "pay<br>expected: a &lt; b<br>no receipt<br>failed: enter card: timeout (0.0 s)"
        steps = result.body["testScriptResults" if _zephyr(desk).is_cloud else "scriptResults"]
        assert "open cart" not in result.body["comment"]
        if _zephyr(desk).is_cloud:
            assert steps[0]["actualEndDate"] == "2026-09-14T10:02:13Z"
            assert [(each["statusName"], each["actualResult"]) for each in steps] == [
                ("Pass", "open cart"),
                ("Fail", said),
            ]
        else:
            assert steps == [
                {"index": 0, "status": "Pass", "comment": "open cart"},
                {"index": 1, "status": "Fail", "comment": said},
            ]

    def test_steps_are_text_unless_that_is_asked_for(self, desk: Desk) -> None:
        desk.write(*self.results(1, steps=(Step(title="open cart"),)))
        desk.send()
        (result,) = desk.box.results.values()
        assert "passed: open cart" in result.body["comment"]
        assert not {"testScriptResults", "scriptResults"} & set(result.body)

    def test_comments_are_html_whose_words_are_no_markup_and_which_have_a_limit(self, desk: Desk) -> None:
        desk.write(*self.results(1, message="<script>alert(1)</script> & more", traceback="  x\n" * 60_000))
        desk.send()
        (result,) = desk.box.results.values()
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in result.body["comment"]
        assert "<script" not in result.body["comment"]
        assert len(result.body["comment"]) < 60_000

    def test_a_rerun_is_its_last_attempt(self, desk: Desk) -> None:
        (bad,) = self.results(1, outcome=Outcome.FAILED, superseded=True)
        good = replace(bad, id="second", outcome=Outcome.PASSED, superseded=False, attempt=2, earlier=("timeout",))
        desk.write(bad, good)
        desk.send()
        assert desk.box.counts() == {"Pass": 1}

    def test_several_lost_answers_in_a_row_are_read_back(self, desk: Desk) -> None:
        desk.write(*self.results(12))
        desk.mount.troubles.add("lost-answer*3@test")
        tally = desk.send()
        assert (tally.delivered, len(desk.box.results), len(desk.box.runs)) == (12, 12, 1)

    def test_a_plan_a_cycle_a_folder_and_an_issue_tell_their_cases(self, desk: Desk) -> None:
        name = self.plan(desk, ["T3", "T1", "T2"])
        client = desk.client()
        cycle = next(iter(desk.box.runs))
        for plan in (name, name.lower(), cycle):
            assert [each.ids for each in desk.vendor.planned(client, plan)] == [
                ("SHOP-T3", "T3", "3", "C3"),
                ("SHOP-T1", "T1", "1", "C1"),
                ("SHOP-T2", "T2", "2", "C2"),
            ]
        assert [each.ids[0] for each in desk.vendor.planned(client, "SHOP-70")] == ["SHOP-T1", "SHOP-T2"]

    @pytest.mark.parametrize("plan", ["SHOP-P4711", "SHOP-R4711", "SHOP-4711", "nightly", "7", ""])
    def test_an_unknown_plan_is_named_with_a_word_on_what_to_do(self, desk: Desk, plan: str) -> None:
        with pytest.raises(NotFound) as caught:
            list(desk.vendor.planned(desk.client(), plan))
        assert caught.value.remedy

    def test_an_unknown_folder_of_cases_is_named(self, desk: Desk) -> None:
        with pytest.raises(VendorError, match="/Smoke"):
            list(desk.vendor.planned(desk.client(), "/Smoke"))

    def test_an_empty_plan_is_empty(self, desk: Desk) -> None:
        assert list(desk.vendor.planned(desk.client(), "SHOP-P3")) == []

    def test_a_cycle_tells_what_failed_in_it_last(self, desk: Desk) -> None:
        results = self.results(4)
        desk.write(*results)
        run_id = desk.send().run_id
        again = desk.machine(2, key="build-8")
        _reconfigure(again, run_id=run_id)
        again.write(replace(results[1], id="again", outcome=Outcome.PASSED))
        again.send()
        told = {each.ids[0]: each.has_failed for each in desk.vendor.recorded(desk.client(), run_id)}
        assert told == {"SHOP-T1": False, "SHOP-T2": False, "SHOP-T3": True, "SHOP-T4": False}
        with pytest.raises(NotFound):
            list(desk.vendor.recorded(desk.client(), "SHOP-R4711"))


class TestCloud(Results):
    __test__ = True
    vendor = CLOUD
    closing = CLOUD

    @pytest.mark.parametrize("number", range(1, 7), ids=lambda number: f"request_{number}")
    def test_two_machines_that_open_a_run_of_one_key_at_once_report_into_one(self, desk: Desk, number: int) -> None:
        """Its API removes no cycle: where two were made, one stays empty and is named."""
        one, other = desk.machine(1), desk.machine(2)
        results = self.results(6)
        one.write(*results[:3])
        other.write(*results[3:])
        tallies: list[Tally] = []
        tallies.append(one.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(other.send()))))
        if len(tallies) == 1:
            tallies.append(other.send())
        assert [(tally.delivered, tally.kept) for tally in tallies] == [(3, 0)] * 2
        assert len({tally.run_id for tally in tallies}) == 1
        assert len(desk.box.results_of(tallies[0].run_id)) == 6
        empty = set(desk.box.runs) - {tallies[0].run_id}
        notes = [note for tally in tallies for note in tally.notes]
        assert len(notes) == len(empty) <= 1
        assert all(key in notes[0] for key in empty)

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, environment="Chrome", custom_fields={"severity": "Severity"})
        desk.write(FULL)
        tally = desk.send()
        assert [each.body for each in desk.box.requests if each.path.endswith("/testexecutions")] == [
            {
                "projectKey": "SHOP",
                "testCaseKey": "SHOP-T12",
                "testCycleKey": tally.run_id,
                "statusName": "Fail",
                "actualEndDate": "2026-09-14T08:02:12Z",
                "executionTime": 1860,
                "comment": COMMENT,
                "environmentName": "Chrome",
                "customFields": {"Severity": "critical"},
            }
        ]

    def test_the_cycle_is_made_and_completed_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, version="10012", executed_by="712020:abc", cycle_fields={"Team": "Cart"})
        desk.run = replace(desk.run, commit="4be1c02", description="https://ci.test/42")
        desk.vendor.open_run(desk.client(), desk.run)
        desk.vendor.close_run(desk.client(), "SHOP-R1")
        made, changed = [each.body for each in desk.box.requests if each.method in ("POST", "PUT")]
        assert made == {
            "projectKey": "SHOP",
            "name": "pytest 2026-09-14 10:02",
            "description": "https://ci.test/42\n\ncommit 4be1c02\n\npytest-tmsreport 20260914-100211-0a1b2c3d",
            "plannedStartDate": "2026-09-14T10:02:11Z",
            "jiraProjectVersion": 10012,
            "ownerId": "712020:abc",
            "customFields": {"Team": "Cart"},
        }
        same = ("name", "description", "plannedStartDate", "customFields")
        assert {name: changed[name] for name in same} == {name: made[name] for name in same}
        assert (changed["status"], changed["jiraProjectVersion"]["id"]) == ({"id": 103}, 10012)

    def test_an_unknown_case_is_tried_and_looked_for_once_however_many_tests_name_it(self, desk: Desk) -> None:
        _reconfigure(desk, aggregate="each", parallel=1)
        desk.write(*make_results(20, ids=({"": ("T99999",)},)), *self.results(2, nodeid="t.py::test_good"))
        tally = desk.send()
        assert (tally.delivered, tally.refused, tally.kept) == (2, 20, 0)
        asked = [each for each in desk.box.requests if each.path.endswith("SHOP-T99999")]
        tried = [each for each in desk.box.requests if (each.body or {}).get("testCaseKey") == "SHOP-T99999"]
        assert (len(asked), len(tried)) == (1, 1)

    def test_a_session_takes_a_request_for_each_result_and_four_for_the_cycle(self, desk: Desk) -> None:
        desk.write(*self.results(30))
        desk.send()
        asked = [f"{each.method} {each.path}" for each in desk.box.requests]
        assert [each for each in asked if not each.endswith("/testexecutions")] == [
            "POST /zephyr/v2/testcycles",
            "GET /zephyr/v2/statuses",
            "GET /zephyr/v2/testcycles/SHOP-R1",
            "PUT /zephyr/v2/testcycles/SHOP-R1",
        ]
        assert len(asked) == 34

    def test_an_empty_done_leaves_the_cycle_as_it_is(self, desk: Desk) -> None:
        _reconfigure(desk, done="")
        desk.write(*self.results(2))
        tally = desk.send()
        assert (tally.delivered, tally.notes, desk.box.runs[tally.run_id].end) == (2, [], None)

    def test_a_status_of_cycles_that_is_not_there_is_named_and_costs_no_result(self, desk: Desk) -> None:
        _reconfigure(desk, done="Finished")
        with pytest.raises(PermanentError, match="Finished"):
            desk.verify()
        desk.write(*self.results(2))
        tally = desk.send()
        assert (tally.delivered, tally.is_run_open) == (2, True)
        assert "Finished" in tally.notes[0]

    def test_a_plan_that_cannot_be_linked_costs_no_result(self, desk: Desk) -> None:
        _reconfigure(desk, plan="SHOP-P4711")
        desk.write(*self.results(2))
        tally = desk.send()
        assert tally.delivered == 2
        assert "not linked to the plan SHOP-P4711" in tally.notes[0]

    def test_a_project_without_zephyr_is_said_so(self, desk: Desk) -> None:
        _furnish(desk, Rules(is_enabled=False))
        with pytest.raises(PermanentError, match="not enabled"):
            desk.verify()

    def test_another_number_of_steps_costs_its_own_result(self, desk: Desk) -> None:
        _furnish(desk, Rules(steps={"SHOP-T1": 3}))
        _reconfigure(desk, steps="results")
        desk.write(*self.results(2, steps=(Step(title="open cart"),)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert "has 3 steps" in tally.refusals[0][1]

    def test_a_done_cycle_that_takes_nothing_says_so(self, desk: Desk) -> None:
        _furnish(desk, Rules(refuses_when_done=True))
        desk.vendor.close_run(desk.client(), desk.vendor.open_run(desk.client(), desk.run))
        _reconfigure(desk, run_id="SHOP-R1")
        desk.write(*self.results(1))
        assert "is done" in desk.send().refusals[0][1]

    def test_a_done_cycle_of_a_key_is_not_joined(self, desk: Desk) -> None:
        for shard in (1, 2):
            each = desk.machine(shard, 1) if shard == 1 else desk.machine(shard)
            each.write(*self.results(2))
            if shard == 1:
                each.run = replace(each.run, shard=1, shards=1)
            each.send()
        assert len(desk.box.runs) == 2

    def test_long_lists_are_read_by_the_links_to_their_next_page(self, desk: Desk) -> None:
        _furnish(desk, Rules(fewer=7))
        desk.write(*self.results(30))
        run_id = desk.send().run_id
        assert len(list(desk.vendor.recorded(desk.client(), run_id))) == 30
        starts = [each.query for each in desk.box.requests if "onlyLast" in each.query]
        assert len(starts) == 5
        assert "startAt=28" in starts[-1]

    def test_files_are_left_out_and_named_unless_the_unconfirmed_address_is_to_be_tried(self, desk: Desk) -> None:
        _reconfigure(desk, attachments="auto")
        (result,) = self.results(1)
        desk.write(replace(result, attachments=(desk.journal.attach("log.txt", "text/plain", b"hello"),)))
        tally = desk.send()
        assert (tally.delivered, len(desk.box.attachments)) == (1, 0)
        assert "`attachments = try`" in tally.notes[0]
        assert "'log.txt'" in tally.notes[0]

    def test_a_cloud_that_takes_no_files_costs_no_result(self, desk: Desk) -> None:
        _furnish(desk, Rules(has_files=False))
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        desk.write(*(replace(each, attachments=(shot,)) for each in self.results(3)))
        tally = desk.send()
        assert tally.delivered == 3
        assert "404" in tally.notes[0]
        assert len([each for each in desk.box.requests if "/attachments/" in each.path]) <= 3

    @pytest.mark.parametrize("name", ["naïve «file».txt", "a b/c..d.txt", "x" * 300 + ".png", "50%.txt", "a#b?.txt"])
    def test_a_file_of_any_name_arrives_whole(self, desk: Desk, name: str) -> None:
        (result,) = self.results(1)
        desk.write(replace(result, attachments=(desk.journal.attach(name, "text/plain", b"hello"),)))
        assert desk.send().notes == []
        (file,) = desk.box.attachments.values()
        assert (file.size, file.mime) == (5, "text/plain")

    def test_a_folder_of_cases_counts_with_all_below_it(self, desk: Desk) -> None:
        client = desk.client()
        post = {"projectKey": "SHOP", "folderType": "TEST_CASE"}
        top = client.post("folders", json={**post, "name": "Smoke"}).pick("id", int)
        client.post("folders", json={**post, "name": "Cart", "parentId": top})
        assert list(desk.vendor.planned(client, "/Smoke/Cart")) == []
        assert list(desk.vendor.planned(client, "/Smoke")) == []
        everything = list(desk.vendor.planned(client, "/"))
        assert everything[0].ids == ("SHOP-T1", "T1", "1", "C1")
        assert everything[0].title == "Case SHOP-T1"

    @pytest.mark.parametrize(
        ("settings", "base"),
        [
            ({}, "https://api.zephyrscale.smartbear.com/v2"),
            ({"region": "eu"}, "https://eu.api.zephyrscale.smartbear.com/v2"),
            ({"region": "au"}, "https://au.api.zephyrscale.smartbear.com/v2"),
            ({"region": "de"}, "https://de.api.zephyrscale.smartbear.com/v2"),
            ({"url": "https://gate.acme.test/zephyr/"}, "https://gate.acme.test/zephyr/v2"),
            ({"url": "https://gate.acme.test/v2"}, "https://gate.acme.test/v2"),
        ],
    )
    def test_region_or_url_tell_the_address(self, settings: dict[str, Any], base: str) -> None:
        assert replace(CLOUD, **{"url": "", **settings}).base_url == base

    def test_the_link_to_the_cycle_needs_the_address_of_jira(self) -> None:
        assert CLOUD.run_url("SHOP-R5") == ""
        link = replace(CLOUD, jira_url="https://acme.atlassian.net/").run_url("SHOP-R5")
        assert link.startswith("https://acme.atlassian.net/projects/SHOP?")
        assert link.endswith("/testCycle/SHOP-R5")


class TestDataCenter(Results):
    __test__ = True
    vendor = DC

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, environment="Chrome", custom_fields={"severity": "Severity"})
        desk.write(replace(FULL, links=(Link("https://jira.test/browse/SHOP-1", "", "issue"), FULL.links[1])))
        desk.send()
        assert [each.body for each in desk.box.requests if each.path.endswith("/testresults")] == [
            [
                {
                    "testCaseKey": "SHOP-T12",
                    "status": "Fail",
                    "comment": COMMENT.replace("BUG-1", "SHOP-1"),
                    "executionTime": 1860,
                    "actualStartDate": "2026-09-14T08:02:11Z",
                    "actualEndDate": "2026-09-14T08:02:12Z",
                    "environment": "Chrome",
                    "customFields": {"Severity": "critical"},
                    "issueLinks": ["SHOP-1"],
                }
            ]
        ]

    def test_the_cycle_is_made_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(
            desk,
            version="2.4",
            iteration="Sprint 7",
            executed_by="ci",
            cycle_fields={"Team": "Cart"},
            plan="SHOP-P3",
        )
        desk.write(*self.results(2), replace(self.results(3)[2], ids=({"": ("SHOP-T99999",)},)))
        assert desk.send().delivered == 2
        (made,) = [each.body for each in desk.box.requests if each.path.endswith("/testrun")]
        assert made == {
            "projectKey": "SHOP",
            "name": "pytest 2026-09-14 10:02 (pytest-tmsreport 20260914-100211-0a1b2c3d)",
            "plannedStartDate": "2026-09-14T10:02:11Z",
            "testPlanKey": "SHOP-P3",
            "version": "2.4",
            "iteration": "Sprint 7",
            "owner": "ci",
            "customFields": {"Team": "Cart"},
            "items": [{"testCaseKey": "SHOP-T1"}, {"testCaseKey": "SHOP-T2"}],
        }

    def test_two_thousand_results_go_in_bulk(self, desk: Desk) -> None:
        desk.write(*self.results(2000))
        tally = desk.send()
        assert (tally.delivered, tally.requests) == (2000, 20 + 1 + 10)  # the keys, the cycle, the results

    def test_a_run_that_is_named_already_takes_one_request_for_each_batch(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        _reconfigure(desk, run_id=run_id)
        desk.write(*self.results(400))
        assert desk.send().requests == 2

    @pytest.mark.parametrize("names_culprits", [True, False])
    def test_unknown_cases_in_a_bulk_are_found_with_one_look(self, desk: Desk, names_culprits: bool) -> None:
        _furnish(desk, Rules(names_culprits=names_culprits))
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        _reconfigure(desk, run_id=run_id)
        good = self.results(200)
        bad = {place: replace(good[place], ids=({"": (f"T{90_000 + place}",)},)) for place in (3, 50, 199)}
        desk.write(*(bad.get(place, each) for place, each in enumerate(good)))
        before = len(desk.box.requests)
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (197, 3)
        assert len(desk.box.requests) - before == 1 + 2 + 1  # refused, looked up by the hundred, taken

    def test_an_issue_that_does_not_exist_costs_its_own_result(self, desk: Desk) -> None:
        first, second = self.results(2)
        desk.write(replace(first, links=(Link("https://jira.test/browse/BUG-9", "BUG-9", "issue"),)), second)
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert "BUG-9" in tally.refusals[0][1]

    def test_a_build_that_adds_no_cases_refuses_those_of_another_machine_by_name(self, desk: Desk) -> None:
        _furnish(desk, Rules(adds_cases=False))
        results = self.results(4)
        one, other = desk.machine(1), desk.machine(2)
        one.write(*results[:2])
        other.write(*results[1:])
        assert one.send().delivered == 2
        tally = other.send()
        assert (tally.delivered, tally.refused) == (1, 2)
        assert all("test run SHOP-R1" in words for _, words in tally.refusals)

    def test_an_unknown_plan_stops_the_destination_and_keeps_the_results(self, desk: Desk) -> None:
        _reconfigure(desk, plan="SHOP-P4711")
        desk.write(*self.results(3))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 3, 0)
        assert "SHOP-P4711" in tally.reason

    def test_a_lost_answer_to_opening_is_found_again_by_a_later_upload(self, desk: Desk) -> None:
        desk.write(*self.results(3))
        desk.mount.troubles.add("lost-answer*1+1", "503")
        assert desk.send(deadline_s=20).delivered == 0
        desk.mount.troubles.clear()
        assert desk.send().delivered == 3
        assert len(desk.box.runs) == 1

    def test_a_cycle_with_results_is_not_discarded(self, desk: Desk) -> None:
        desk.write(*self.results(1))
        run_id = desk.send().run_id
        with pytest.raises(PermanentError, match="holds results"):
            desk.vendor.discard_run(desk.client(), run_id)
        assert run_id in desk.box.runs

    def test_a_user_and_a_password_sign_as_well_and_are_as_secret(self, desk: Desk) -> None:
        _reconfigure(desk, token="", user=USER, password=PASSWORD)
        desk.write(*self.results(3))
        assert desk.send().delivered == 3
        assert PASSWORD not in repr(desk.vendor)

    def test_the_cycle_stays_as_zephyr_sees_it_and_its_address_is_known(self, desk: Desk) -> None:
        desk.write(*self.results(1))
        tally = desk.send()
        assert desk.box.runs[tally.run_id].end is None
        assert tally.run_url == "https://zephyr.test/zephyr/secure/Tests.jspa#/testCycle/SHOP-R1"


class Imports(Common):
    """What both products keep with `mode = import`: every file makes a cycle of its own."""

    __test__ = False

    def _needs(self, method: str) -> None:
        pytest.skip("every import makes a cycle of its own, which no machine shares")

    def _takes_files(self) -> bool:
        return False

    def suffer(self, desk: Desk, fault: Fault, trouble: str, everything: int) -> None:
        if not fault.splits:
            super().suffer(desk, fault, trouble, everything)
            return
        desk.mount.troubles.add(trouble)
        tally = desk.send(deadline_s=180)
        desk.mount.troubles.clear()
        again = desk.send(again=True)
        assert (tally.delivered + again.delivered, again.kept, again.refused) == (12, 0, 0)
        assert Arrived.at(desk.box) == (everything, 0)

    def test_each_result_arrives_once_and_in_one_run(self, desk: Desk) -> None:
        _reconfigure(desk, import_size=100)
        desk.write(*self.results(250))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused, tally.reason) == (250, 0, 0, "")
        assert sorted(len(desk.box.results_of(key)) for key in desk.box.runs) == [50, 100, 100]

    def test_an_entry_of_the_file_is_as_written_out_here(self, desk: Desk) -> None:
        desk.write(FULL)
        desk.send()
        (result,) = desk.box.results.values()
        assert result.body == {
            "source": "tests.checkout.TestCard.test_card",
            "result": "Failed",
            "testCase": {"key": "SHOP-T12", "comment": COMMENT.replace("<br>layer", "<br>severity: critical<br>layer")},
        }

    def test_other_outcomes_are_refused_by_name_with_a_word_on_what_to_do(self, desk: Desk) -> None:
        _reconfigure(desk, status={})
        desk.write(*self.results(6))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (4, 2)
        assert desk.box.counts() == {"Pass": 2, "Fail": 2}
        assert sorted(words.partition("`status.")[2].split("`")[0] for _, words in tally.refusals) == [
            "skipped",
            "xfailed",
        ]

    def test_with_create_cases_tests_that_name_no_case_get_one(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True)
        desk.write(*make_results(2, ids=(), outcome=Outcome.PASSED))
        assert desk.send().delivered == 2
        assert sorted(result.title for result in desk.box.results.values()) == ["test_0", "test_1"]

    def test_files_are_left_out_and_named(self, desk: Desk) -> None:
        (result,) = self.results(1)
        desk.write(replace(result, attachments=(desk.journal.attach("log.txt", "text/plain", b"hello"),)))
        tally = desk.send()
        assert tally.delivered == 1
        assert tally.notes == ["1 file left out: an import takes none"]

    def test_a_lost_answer_makes_no_second_cycle(self, desk: Desk) -> None:
        desk.write(*self.results(6))
        desk.mount.troubles.add("lost-answer*2@automation")
        tally = desk.send()
        assert (tally.delivered, len(desk.box.runs), len(desk.box.results)) == (6, 1, 6)

    def test_the_cycle_bears_the_name_of_the_run(self, desk: Desk) -> None:
        desk.write(*self.results(1))
        desk.send()
        (run,) = desk.box.runs.values()
        assert run.title.startswith("pytest 2026-09-14 10:02")


class TestCloudImport(Imports):
    __test__ = True
    vendor = replace(CLOUD, mode="import", status=BOTH)


class TestDataCenterImport(Imports):
    __test__ = True
    vendor = replace(DC, mode="import", status=BOTH)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token": ""}, "Cloud needs `token`"),
        ({"product": "dc", "url": ""}, "the address of Jira"),
        ({"product": "dc", "token": ""}, "`token`, or `user` and `password`"),
        ({"project": "shop"}, "no key like SHOP"),
        ({"run_id": "5"}, "no key like SHOP-R5"),
        ({"plan": "3"}, "no key like SHOP-P3"),
        ({"version": "2.4"}, "`version` is a number"),
        ({"iteration": "1"}, "`iteration`"),
        ({"mode": "import", "run_id": "SHOP-R5"}, "always makes a new cycle"),
        ({"mode": "import", "aggregate": "each"}, "worst or last"),
        ({"create_cases": True}, "`create_cases`"),
    ],
)
def test_settings_that_do_not_go_together_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(CLOUD, **changes)


def test_data_center_is_found_by_the_address_of_jira_alone() -> None:
    found = replace(DC, url="", jira_url="https://jira.acme.test/")
    assert found.base_url == "https://jira.acme.test/rest"
    assert replace(CLOUD, url="", jira_url="https://jira.acme.test").base_url.startswith("https://api.zephyrscale")


def _zephyr(desk: Desk) -> Zephyr:
    assert isinstance(desk.vendor, Zephyr)
    return desk.vendor


def _reconfigure(desk: Desk, **changes: Any) -> None:
    desk.vendor = replace(_zephyr(desk), **changes)


def _furnish(desk: Desk, rules: Rules) -> None:
    """Puts another Jira in the place of the usual one."""
    desk.sandbox = zephyr_sandbox.create(rules)
    desk.box = desk.sandbox.box
    desk.mount.sandboxes["zephyr"] = desk.sandbox


def _write_three(desk: Desk) -> None:
    outcomes = (Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED)
    made = make_results(3, ids=({"": ("T7",)},))
    desk.write(*(replace(each, outcome=outcome) for each, outcome in zip(made, outcomes, strict=True)))
