from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.errors import ConfigError, PermanentError
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox.testrail_fields import PROJECT, TOKEN, USER, Rules
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import Canned, Desk, LosesAnswer, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendors.testrail import TestRail

TESTRAIL = TestRail(
    name="testrail", kind="testrail", url="https://tr.test/testrail", user=USER, token=TOKEN, project=PROJECT
)
FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=65.3604,
    message="AssertionError: receipt missing",
    traceback="def test_card():\n>   assert receipt\ntests/checkout.py:41: AssertionError",
    ids=({"": ("C12",)},),
    suite=("tests", "checkout", "TestCard"),
    parameters={"currency": "EUR", "voucher": "none"},
    description="pays with a card",
    tags=("smoke", "payments"),
    fields={"severity": "critical", "custom_browser": "2", "custom_note": '"7"', "custom_is_manual": "false"},
    links=(Link("https://bugs.test/browse/BUG-1", "", "issue"), Link("https://docs.test/1", "manual")),
    worker="gw0",
    attempt=2,
    earlier=("TimeoutError: no receipt",),
)
COMMENT = """\
`tests/checkout.py::TestCard::test_card[EUR-]`: failed

pays with a card

    AssertionError: receipt missing

    def test_card():
    >   assert receipt
    tests/checkout.py:41: AssertionError

- currency: EUR
- voucher: none
- tags: smoke, payments
- severity: critical
- attempt 1: TimeoutError: no receipt
- issue: https://bugs.test/browse/BUG-1
- link: manual https://docs.test/1

pytest-tmsreport 8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11"""
GOLDEN = {
    "case_id": 12,
    "status_id": 5,
    "comment": COMMENT,
    "elapsed": "1m 5s",
    "version": "4be1c02",
    "defects": "BUG-1",
    "custom_browser": 2,
    "custom_note": "7",
    "custom_is_manual": False,
    "custom_os": "Linux",
}
GOLDEN_RUN = {
    "suite_id": 1,
    "name": "pytest 2026-09-14 10:02",
    "description": "pytest-tmsreport 20260914-100211-0a1b2c3d",
    "milestone_id": 5,
    "refs": "SHOP-44",
    "include_all": False,
    "case_ids": [1, 2],
}


class TestTestRail(VendorContract):
    vendor = TESTRAIL
    closing = replace(TESTRAIL, close=True)
    sandbox = staticmethod(testrail_sandbox.create)

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        plan = desk.client().post(f"add_plan/{PROJECT}", json={"name": "Nightly"}).pick("id", int)
        numbers = [int(case) for case in cases]
        for part in (numbers[::2], numbers[1::2], numbers[:1]):  # a case may be in several runs
            entry = {"suite_id": 1, "include_all": False, "case_ids": part}
            desk.client().post(f"add_plan_entry/{plan}", json=entry)
        return f"R{plan}"

    def test_a_case_of_a_plan_is_known_by_its_automation_id_too(self, desk: Desk) -> None:
        desk.sandbox = testrail_sandbox.create(
            Rules(automation={2: "<p>tests.test_cart.TestCart.test_add[a&lt;b]</p>"})
        )
        desk.mount.sandboxes["testrail"] = desk.sandbox
        cases = list(desk.vendor.planned(desk.client(), "8"))
        assert [case.ids for case in cases] == [("C1", "1"), ("C2", "2"), ("C3", "3")]
        assert [case.names for case in cases] == [(), ("tests.test_cart.TestCart.test_add[a<b]",), ()]
        assert cases[0].title == "Case 1"

    def test_a_plan_of_an_older_server_is_read_as_well(self, desk: Desk) -> None:
        desk.sandbox = testrail_sandbox.create(Rules(is_old=True))
        desk.mount.sandboxes["testrail"] = desk.sandbox
        assert len(list(desk.vendor.planned(desk.client(), "R8"))) == 3

    # What is sent

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, version="4be1c02", result_fields={"custom_os": "Linux", "custom_browser": "1"})
        desk.write(FULL)
        assert desk.send().delivered == 1
        assert _bodies(desk, "add_results_for_cases") == [{"results": [GOLDEN]}]

    def test_a_run_is_opened_as_written_out_here_and_stays_open(self, desk: Desk) -> None:
        _reconfigure(desk, suite=1, milestone=5, refs="SHOP-44")
        desk.write(*make_results(2))
        tally = desk.send()
        assert _bodies(desk, "add_run") == [GOLDEN_RUN]
        assert desk.box.runs[tally.run_id].end is None
        assert tally.run_url == f"https://tr.test/testrail/index.php?/runs/view/{tally.run_id}"

    def test_the_description_of_a_run_tells_what_was_tested(self, desk: Desk) -> None:
        run = replace(desk.run, description="https://ci.test/42", branch="main", commit="4be1c02", build="42")
        desk.vendor.open_run(desk.client(), run)
        assert _bodies(desk, "add_run")[0]["description"].splitlines() == [
            "https://ci.test/42",
            "",
            "branch main, commit 4be1c02, build 42",
            "",
            f"pytest-tmsreport {desk.run.id}",
        ]

    def test_the_address_keeps_its_question_mark_and_nothing_else_is_in_the_path(self, desk: Desk) -> None:
        desk.write(*make_results(1, ids=()))
        desk.send()
        assert {each.path for each in desk.box.requests} == {"/testrail/index.php"}
        assert {each.query.partition("&")[0].rpartition("/")[0] for each in desk.box.requests} <= {
            f"/api/v2/{name}" for name in ("get_project", "get_cases")
        }

    def test_a_thousand_results_take_four_requests_and_two_for_the_run(self, desk: Desk) -> None:
        desk.write(*make_results(1000))
        tally = desk.send()
        assert (tally.delivered, tally.requests) == (1000, 6)

    @pytest.mark.parametrize(
        ("seconds", "elapsed"),
        [
            (0.0, None),
            (0.001, "1s"),
            (0.4, "1s"),
            (1.4, "1s"),
            (2.6, "3s"),
            (60.0, "1m"),
            (105.0, "1m 45s"),
            (7380.0, "2h 3m"),
            (90_061.0, "25h 1m 1s"),
        ],
    )
    def test_elapsed_is_whole_seconds_one_at_least_and_nothing_for_no_time(
        self, desk: Desk, seconds: float, elapsed: str | None
    ) -> None:
        desk.write(*make_results(1, duration=seconds))
        assert desk.send().delivered == 1
        assert _rows(desk)[0].get("elapsed") == elapsed

    def test_outcomes_have_the_numbers_of_the_official_command_line(self, desk: Desk) -> None:
        desk.write(*make_results(6))
        assert desk.send().delivered == 6
        assert desk.box.counts() == {"passed": 2, "failed": 2, "retest": 2}

    @pytest.mark.parametrize("word", ["6", "custom_status1", "Skipped"])
    def test_a_status_of_ones_own_is_a_number_or_a_name_that_is_looked_up_once(self, desk: Desk, word: str) -> None:
        _reconfigure(desk, status={"skipped": word}, batch_size=2)
        desk.write(*make_results(6, outcome=Outcome.SKIPPED))
        assert desk.send().delivered == 6
        assert desk.box.counts() == {"custom_status1": 6}
        assert len(_asked(desk, "get_statuses")) == (0 if word.isdecimal() else 1)

    def test_a_status_that_the_instance_lacks_stops_and_names_those_it_has(self, desk: Desk) -> None:
        _reconfigure(desk, status={"failed": "burned"})
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.delivered, tally.kept) == (0, 2)
        assert "'burned'" in tally.reason
        assert "retest" in tally.reason
        assert tally.remedy == "correct `status.failed`"

    def test_a_long_comment_is_trimmed_and_keeps_the_line_by_which_it_is_found(self, desk: Desk) -> None:
        _reconfigure(desk, max_text=500)
        desk.write(replace(FULL, traceback="x" * 5000))
        assert desk.send().delivered == 1
        comment = _rows(desk)[0]["comment"]
        assert len(comment) < 600
        assert comment.startswith("`tests/checkout.py")
        assert comment.endswith(f"\n\npytest-tmsreport {FULL.id}")

    def test_a_pass_after_a_failure_is_called_flaky(self, desk: Desk) -> None:
        desk.write(*make_results(1, attempt=2, earlier=("boom",)))
        desk.send()
        assert "- flaky: passed on attempt 2\n- attempt 1: boom\n" in _rows(desk)[0]["comment"]

    # Cases and runs

    @pytest.mark.parametrize(("text", "number"), [("7", 7), ("C7", 7), ("c007", 7), (" 12 ", 12)])
    def test_a_case_id_may_be_written_in_several_ways(self, desk: Desk, text: str, number: int) -> None:
        desk.write(*make_results(1, ids=({"": (text,)},)))
        assert desk.send().delivered == 1
        assert _rows(desk)[0]["case_id"] == number

    @pytest.mark.parametrize("text", ["0", "C0", "T7", "SHOP-7", "seven", "7.5", "²"])
    def test_what_is_no_case_id_is_refused_with_a_word_on_how_to_write_one(self, desk: Desk, text: str) -> None:
        first, second = make_results(2)
        desk.write(first, replace(second, ids=({"": (text,)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert repr(text) in tally.refusals[0][1]
        assert "C123" in tally.refusals[0][1]

    @pytest.mark.parametrize("unknown_in_run", ["refused", "ignored"])
    def test_cases_that_do_not_exist_cost_neither_the_run_nor_the_other_results(
        self, desk: Desk, unknown_in_run: Any
    ) -> None:
        _replace_sandbox(desk, Rules(unknown_in_run=unknown_in_run))
        results = [
            replace(each, ids=({"": ("C90001",)},)) if place in (3, 7) else each
            for place, each in enumerate(make_results(20))
        ]
        desk.write(*results)
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (18, 0, 2)
        assert {nodeid for nodeid, _ in tally.refusals} == {results[3].nodeid, results[7].nodeid}
        assert all("C90001" in words for _, words in tally.refusals)
        assert len(desk.box.runs) == 1

    def test_fifty_cases_that_do_not_exist_cost_one_refusal_and_not_one_each(self, desk: Desk) -> None:
        results = self.results(100)
        unknown = [replace(each, ids=({"": (f"C{place}",)},)) for place, each in enumerate(results[:50], 90_001)]
        desk.write(*unknown, *results[50:])
        tally = desk.send()
        assert (tally.delivered, tally.refused, len(desk.box.results)) == (50, 50, 50)
        assert dict(tally.refusals)[results[7].nodeid] == "case C90008 is unknown, or not part of the run"
        assert len(_asked(desk, "add_results_for_cases")) == 2
        assert len(_asked(desk, "get_cases")) == 8  # a thousand cases: once to open the run, once for all refusals

    def test_a_run_that_is_joined_is_given_the_cases_it_lacks_and_loses_none(self, desk: Desk) -> None:
        client = desk.client()
        run_id = desk.vendor.open_run(client, replace(desk.run, id="other", case_ids=("1", "500", "501")))
        _reconfigure(desk, run_id=run_id)
        desk.write(*make_results(4))
        tally = desk.send()
        assert (tally.delivered, tally.run_id) == (4, run_id)
        assert _cases_of(desk, run_id) == [1, 2, 3, 4, 500, 501]
        assert len(desk.box.runs) == 1

    def test_a_run_that_is_joined_is_not_touched_where_it_lacks_nothing(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, case_ids=("1", "2", "3")))
        before = len(desk.box.requests)
        _reconfigure(desk, run_id=run_id)
        desk.write(*make_results(2))
        assert desk.send().delivered == 2
        assert len(desk.box.requests) == before + 1

    def test_a_run_that_includes_all_is_not_given_any(self, desk: Desk) -> None:
        _reconfigure(desk, include_all=True)
        desk.write(*make_results(3))
        tally = desk.send()
        assert tally.delivered == 3
        assert "case_ids" not in _bodies(desk, "add_run")[0]
        assert len(_cases_of(desk, tally.run_id)) == 1000
        assert not _asked(desk, "update_run")

    def test_an_unknown_case_does_not_keep_a_joined_run_from_being_given_the_others(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, case_ids=("500",)))
        _reconfigure(desk, run_id=run_id)
        unknown, *known = make_results(3)
        desk.write(replace(unknown, ids=({"": ("C90001",)},)), *known)
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (2, 1)
        assert _cases_of(desk, run_id) == [2, 3, 500]

    def test_with_a_plan_the_run_is_an_entry_of_it(self, desk: Desk) -> None:
        _reconfigure(desk, plan=3)
        desk.write(*make_results(2))
        tally = desk.send()
        assert tally.delivered == 2
        assert _bodies(desk, "add_plan_entry") == [
            {
                "suite_id": 1,
                "name": "pytest 2026-09-14 10:02",
                "description": f"pytest-tmsreport {desk.run.id}",
                "include_all": False,
                "case_ids": [1, 2],
            }
        ]
        (entry,) = _get(desk, "get_plan/3")["entries"]
        assert [str(run["id"]) for run in entry["runs"]] == [tally.run_id]

    @pytest.mark.parametrize("configs", [[], [1]], ids=["plain", "of a configuration"])
    def test_a_joined_run_of_a_plan_is_given_its_cases_through_the_plan(self, desk: Desk, configs: list[int]) -> None:
        body = {"suite_id": 1, "name": "entry", "include_all": False, "case_ids": [500], "config_ids": configs}
        run_id = str(desk.client().post("add_plan_entry/3", json=body).pick("runs.0.id", int))
        _reconfigure(desk, run_id=run_id)
        desk.write(*make_results(2))
        assert desk.send().delivered == 2
        assert _cases_of(desk, run_id) == [1, 2, 500]

    def test_a_lost_answer_to_a_plan_entry_makes_no_second_one(self, desk: Desk) -> None:
        _reconfigure(desk, plan=3)
        desk.write(*make_results(2))
        desk.mount.troubles.add("lost-answer*1@add_plan_entry")
        assert desk.send().delivered == 2
        assert len(_get(desk, "get_plan/3")["entries"]) == 1

    def test_a_lost_answer_to_opening_is_found_again_by_a_later_upload(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add("lost-answer*1@add_run", "503")
        assert desk.send(deadline_s=20).delivered == 0
        desk.mount.troubles.clear()
        assert desk.send().delivered == 3
        assert len(desk.box.runs) == 1

    def test_another_run_of_the_same_name_is_not_taken_for_ours(self, desk: Desk) -> None:
        other = desk.vendor.open_run(desk.client(), replace(desk.run, id="20260913-100211-ffffffff"))
        desk.write(*make_results(1))
        desk.mount.troubles.add("lost-answer*1@add_run")
        assert desk.send().run_id != other
        assert len(desk.box.runs) == 2

    def test_a_run_that_machines_share_holds_all_cases(self, desk: Desk) -> None:
        run = replace(desk.run, key="GitHub Actions-57", case_ids=("1", "2"))
        desk.vendor.open_run(desk.client(), run)
        assert _bodies(desk, "add_run") == [
            {
                "name": "pytest 2026-09-14 10:02",
                "description": "pytest-tmsreport key/GitHub%20Actions-57",
                "include_all": True,
            }
        ]

    @pytest.mark.parametrize("number", range(1, 8))
    def test_two_machines_that_open_an_entry_of_a_plan_at_once_report_into_one(self, desk: Desk, number: int) -> None:
        _reconfigure(desk, plan=3)
        results = make_results(4)
        one, other = desk.machine(1), desk.machine(2)
        one.write(*results[:2])
        other.write(*results[2:])
        tallies: list[Tally] = []
        tallies.append(one.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(other.send()))))
        if len(tallies) == 1:  # it has made fewer requests
            tallies.append(other.send())
        assert [(tally.delivered, tally.notes) for tally in tallies] == [(2, [])] * 2
        assert len(_get(desk, "get_plan/3")["entries"]) == 1
        assert len(desk.box.results_of(tallies[0].run_id)) == 4

    def test_a_machine_says_that_it_is_done_by_a_small_file(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, key="k"))
        done = [set(desk.vendor.finish_shard(desk.client(), run_id, shard, 3)) for shard in (2, 3, 3)]
        assert done == [{2}, {2, 3}, {2, 3}]
        assert [(file.name, file.mime) for file in desk.box.attachments.values()] == [
            ("pytest-tmsreport-done-2-of-3.txt", "text/plain"),
            ("pytest-tmsreport-done-3-of-3.txt", "text/plain"),
        ]

    def test_a_run_with_results_is_not_discarded(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        run_id = desk.send().run_id
        with pytest.raises(PermanentError, match="holds results"):
            desk.vendor.discard_run(desk.client(), run_id)
        assert run_id in desk.box.runs

    def test_of_one_case_on_two_machines_the_last_result_counts(self, desk: Desk) -> None:
        results = [replace(each, ids=({"": ("C1",)},)) for each in make_results(2)]
        for shard, result in enumerate(results, 1):
            each = desk.machine(shard)
            each.write(result)
            run_id = each.send().run_id
        assert len(desk.box.results_of(run_id)) == 2
        (test,) = (each for each in _get(desk, f"get_tests/{run_id}")["tests"] if each["case_id"] == 1)
        assert test["status_id"] == TESTRAIL.statuses[results[-1].outcome]

    def test_with_close_the_run_is_closed_and_without_it_is_not(self, desk: Desk) -> None:
        _reconfigure(desk, close=True)
        desk.write(*make_results(2))
        tally = desk.send()
        assert desk.box.runs[tally.run_id].end is not None
        desk.vendor.close_run(desk.client(), tally.run_id)  # closed already, which is no error

    def test_a_run_with_refused_results_is_not_closed(self, desk: Desk) -> None:
        _reconfigure(desk, close=True)
        desk.write(*make_results(2), self.spoil(make_results(3)[2]))
        assert desk.box.runs[desk.send().run_id].end is None

    def test_a_completed_run_takes_no_more_and_says_so(self, desk: Desk) -> None:
        _reconfigure(desk, close=True)
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        desk.vendor.close_run(desk.client(), run_id)
        _reconfigure(desk, run_id=run_id)
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 3, 0)
        assert f"run {run_id} is completed" in tally.reason

    def test_a_run_that_was_deleted_stops_the_destination_and_keeps_the_results(self, desk: Desk) -> None:
        _reconfigure(desk, run_id="4711")
        desk.write(*make_results(30))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 30, 0)
        assert "there is no run 4711" in tally.reason
        assert "`run_id`" in tally.remedy

    def test_an_unknown_project_is_named_as_such(self, desk: Desk) -> None:
        _reconfigure(desk, project=8)
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "project" in tally.reason
        assert "`project`" in tally.remedy

    # Suites

    def test_a_project_with_several_suites_must_be_told_which(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(suite_mode=3, suites={4: "Shop", 5: "API"}))
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "4 (Shop), 5 (API)" in tally.reason
        assert "`suite`" in tally.remedy
        _reconfigure(desk, suite=4)
        assert desk.send().delivered == 1
        assert _bodies(desk, "add_run")[0]["suite_id"] == 4

    def test_of_a_project_with_baselines_the_master_is_taken(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(suite_mode=2, suites={4: "Master", 5: "Baseline 1"}))
        desk.write(*make_results(1))
        assert desk.send().delivered == 1
        assert _bodies(desk, "add_run")[0]["suite_id"] == 4

    # Automation ids and created cases

    @pytest.mark.parametrize("field", ["custom_automation_id", "custom_case_automation_id"])
    @pytest.mark.parametrize(
        "text",
        [
            "tests.test_shop.TestCart.test_0",
            "tests/test_shop.py::TestCart::test_0",
            "<p>tests.test_shop.TestCart.test_0</p>",
            " <P>tests/test_shop.py::TestCart::test_0</P>\n",
        ],
    )
    def test_a_test_without_a_case_id_is_found_by_its_automation_id(self, desk: Desk, field: str, text: str) -> None:
        _replace_sandbox(desk, Rules(automation={987: text}, automation_field=field))
        desk.write(*make_results(2, ids=()))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (1, 1)
        assert [row["case_id"] for row in _rows(desk)] == [987]

    def test_an_escaped_automation_id_is_compared_as_it_was_meant(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(automation={9: "tests.test_shop.test_a[&lt;x&gt; &amp; y]"}))
        desk.write(*make_results(1, ids=(), nodeid="tests/test_shop.py::test_a[<x> & y]"))
        assert desk.send().delivered == 1
        assert _rows(desk)[0]["case_id"] == 9

    def test_nothing_is_looked_for_where_every_test_names_its_case_or_it_is_turned_off(self, desk: Desk) -> None:
        desk.write(*make_results(2))
        desk.send()
        _reconfigure(desk, find_cases=False)
        assert desk.vendor.resolve(desk.client(), make_results(1, ids=())) == {}
        assert not _asked(desk, "get_cases")

    def test_missing_cases_are_made_in_bulk_in_the_sections_of_their_suites(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True, case_fields={"type_id": "3", "custom_area": "shop"})
        one, two, three, four = make_results(4, ids=())
        params = replace(two, nodeid="tests/test_shop.py::TestCart::test_1[EUR]")
        desk.write(one, params, replace(three, suite=("tests", "other")), replace(four, ids=({"": ("C5",)},)))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (4, 0)
        assert [body["name"] for body in _bodies(desk, "add_section")] == ["tests", "test_shop", "TestCart", "other"]
        constant = {"type_id": 3, "custom_area": "shop"}
        assert _bodies(desk, "add_cases") == [
            {
                "cases": [
                    {**constant, "title": "test_0", "custom_automation_id": "tests.test_shop.TestCart.test_0"},
                    {
                        **constant,
                        "title": "test_1[EUR]",
                        "custom_automation_id": "tests.test_shop.TestCart.test_1[EUR]",
                    },
                ]
            },
            {"cases": [{**constant, "title": "test_2", "custom_automation_id": "tests.test_shop.TestCart.test_2"}]},
        ]
        sections = {row["id"]: row for row in _get(desk, f"get_sections/{PROJECT}")["sections"]}
        case = next(row for row in _made(desk) if row["title"] == "test_1[EUR]")
        inner = sections[case["section_id"]]
        middle = sections[inner["parent_id"]]
        assert [inner["name"], middle["name"], sections[middle["parent_id"]]["name"]] == [
            "TestCart",
            "test_shop",
            "tests",
        ]

    def test_a_second_run_makes_no_case_a_second_time(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True)
        results = make_results(3, ids=())
        first = desk.vendor.resolve(desk.client(), results)
        second = desk.vendor.resolve(desk.client(), results)
        assert first == second
        assert len(_made(desk)) == 3
        assert len(_asked(desk, "add_section")) == 3

    @pytest.mark.parametrize("number", range(1, 9), ids=lambda number: f"request_{number}")
    @pytest.mark.parametrize("is_old", [False, True], ids=["bulk", "old server"])
    def test_whichever_answer_is_lost_no_case_and_no_section_is_there_twice(
        self, desk: Desk, number: int, is_old: bool
    ) -> None:
        _replace_sandbox(desk, Rules(is_old=is_old))
        _reconfigure(desk, create_cases=True, suite=1)
        client = desk.client(LosesAnswer(desk.mount, number))
        found = desk.vendor.resolve(client, make_results(3, ids=(), suite=("shop",)))
        assert len(set(found.values())) == 3
        assert len(_made(desk)) == 3
        assert len({body["name"] for body in _bodies(desk, "add_section")}) == 1
        assert [row["name"] for row in _every(desk, "get_sections", "sections")].count("shop") == 1

    def test_with_a_section_cases_are_made_below_it(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True, section=1)
        desk.write(*make_results(1, ids=(), suite=("shop",)))
        assert desk.send().delivered == 1
        assert _bodies(desk, "add_section") == [{"name": "shop", "parent_id": 1}]

    def test_in_a_project_with_several_suites_cases_are_made_in_the_one_that_is_named(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(suite_mode=3, suites={4: "Shop", 5: "API"}))
        _reconfigure(desk, create_cases=True, suite=5)
        desk.write(*make_results(2, ids=()))
        assert desk.send().delivered == 2
        assert {case["suite_id"] for case in _every(desk, "get_cases", "cases", "&suite_id=5")} == {5}

    def test_without_a_field_for_automation_ids_no_case_is_made_and_the_remedy_says_why(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(automation_field=""))
        _reconfigure(desk, create_cases=True)
        desk.write(*make_results(2, ids=()))
        tally = desk.send()
        assert tally.kept == 2
        assert "custom_automation_id" in tally.remedy
        assert not desk.box.runs

    def test_a_case_field_that_must_be_filled_is_named_and_can_be_given(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(required_case_fields=("custom_owner",)))
        _reconfigure(desk, create_cases=True)
        desk.write(*make_results(2, ids=()))
        assert "custom_owner" in desk.send().reason
        _reconfigure(desk, case_fields={"custom_owner": "shop"})
        assert desk.send().delivered == 2

    # Servers before 6.7

    def test_an_old_server_that_answers_with_bare_lists_is_understood(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(is_old=True, automation={400: "tests.test_shop.TestCart.test_0"}))
        _reconfigure(desk, create_cases=True)
        desk.write(*make_results(3, ids=()))
        desk.mount.troubles.add("lost-answer*1@add_results")
        tally = desk.send()
        assert tally.delivered == 3
        assert len(desk.box.results) == 3
        assert len(_asked(desk, "add_case/")) == 2

    # Results once

    def test_a_result_with_two_cases_arrives_for_both(self, desk: Desk) -> None:
        desk.write(*make_results(1, ids=({"": ("C1", "C2")},)))
        assert desk.send().delivered == 1
        assert sorted(row["case_id"] for row in _rows(desk)) == [1, 2]

    def test_several_tests_of_a_case_count_as_their_worst_and_name_each_other(self, desk: Desk) -> None:
        passed, failed, other = make_results(3, ids=({"": ("C1",)},), outcome=Outcome.PASSED)
        desk.write(passed, replace(failed, outcome=Outcome.FAILED, parameters={"amount": "0"}), other)
        assert desk.send().delivered == 3
        (row,) = _rows(desk)
        assert row["status_id"] == 5
        assert "passed: test_0" in row["comment"]
        assert "- amount: 0" in row["comment"]

    def test_where_each_is_asked_for_every_test_of_a_case_has_a_result_and_files_go_to_its_own(
        self, desk: Desk
    ) -> None:
        _reconfigure(desk, aggregate="each")
        first, second = make_results(2, ids=({"": ("C1", "C2")},))
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(first, replace(second, attachments=(log,)))
        assert desk.send().delivered == 2
        assert len(desk.box.results) == 4
        places = [each.query.rpartition("/")[2] for each in _asked(desk, "add_attachment_to_result")]
        marked = [key for _, key in desk.box.results if second.id in _comment(desk, key)]
        assert sorted(places) == sorted(marked)

    @pytest.mark.parametrize("aggregate", ["each", "worst"])
    def test_an_upload_that_ends_before_it_knows_what_became_of_its_results_is_finished_by_the_next(
        self, desk: Desk, aggregate: str
    ) -> None:
        _reconfigure(desk, aggregate=aggregate)
        desk.write(*make_results(300), replace(make_results(301)[300], ids=({"": ("C1", "C2")},)))
        desk.mount.troubles.add("lost-answer*1@add_results", "503@get_results")
        assert desk.send(deadline_s=60).delivered == 0
        desk.mount.troubles.clear()
        assert desk.send().delivered == 301
        comments = [body["comment"] for each in desk.box.results.values() if (body := each.body)]
        assert len(
            {(comment, each.cases) for comment, each in zip(comments, desk.box.results.values(), strict=True)}
        ) == len(comments)

    @pytest.mark.parametrize("answer", ["400", "401", "403", "404"])
    def test_what_arrived_is_not_sent_again_where_the_tool_refuses_to_tell_what_has(
        self, desk: Desk, answer: str
    ) -> None:
        desk.write(*make_results(4))
        desk.mount.troubles.add("lost-answer*1@add_results", f"{answer}@get_results")
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 4, 0)
        assert "the answer was lost, and what has arrived cannot be read" in tally.reason
        desk.mount.troubles.clear()
        assert desk.send().delivered == 4
        assert len(desk.box.results) == 4

    def test_of_a_batch_that_arrived_in_part_the_rest_is_sent(self, desk: Desk) -> None:
        results = make_results(5)
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, case_ids=("1", "2", "3", "4", "5")))
        desk.vendor.send(desk.client(), run_id, [replace(each, case_ids=each.ids[0][""]) for each in results[1:3]])
        _reconfigure(desk, run_id=run_id)
        desk.write(*results)
        desk.mount.troubles.add("reset*1@add_results")
        assert desk.send().delivered == 5
        assert sorted(each.cases for each in desk.box.results.values()) == [(str(n),) for n in range(1, 6)]

    def test_what_has_arrived_is_looked_for_only_as_far_as_needed(self, desk: Desk) -> None:
        desk.write(*make_results(1000))
        desk.mount.troubles.add("503*1@add_results")  # clear: it did not arrive
        desk.send()
        assert not _asked(desk, "get_results_for_run")
        last = [replace(each, case_ids=("C1",)) for each in make_results(1000)[-5:]]
        (run_id,) = desk.box.runs
        before = len(desk.box.requests)
        assert len(desk.vendor.received(desk.client(), run_id, last)) == 5
        assert len(desk.box.requests) == before + 1

    # Files

    @pytest.mark.parametrize("has_text_ids", [False, True], ids=["numbers", "texts"])
    def test_files_go_to_the_result_they_belong_to(self, desk: Desk, has_text_ids: bool) -> None:
        _replace_sandbox(desk, Rules(has_text_ids=has_text_ids))
        first, second = make_results(2)
        log = desk.journal.attach("naïve «log».txt", "text/plain", b"hello")
        desk.write(first, replace(second, attachments=(log,)))
        tally = desk.send()
        assert (tally.delivered, tally.notes) == (2, [])
        (request,) = _asked(desk, "add_attachment_to_result")
        assert second.id in _comment(desk, request.query.rpartition("/")[2])
        assert [part["field"] for part in request.body["parts"]] == ["attachment"]
        assert [file.name for file in desk.box.attachments.values()] == ["naïve «log».txt"]

    def test_files_that_may_not_be_attached_stop_files_but_not_results(self, desk: Desk) -> None:
        desk.mount.troubles.add("403@add_attachment")
        results = make_results(20)
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(*(replace(each, attachments=(log,)) for each in results))
        tally = desk.send()
        assert tally.delivered == 20
        assert len(_asked(desk, "add_attachment")) <= desk.vendor.parallel
        assert any("edit results" in note for note in tally.notes)

    # Trouble of its own

    def test_maintenance_is_waited_for_a_minute(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        desk.mount.troubles.add("409*2")
        assert desk.send().delivered == 1
        assert [seconds for seconds in desk.time.slept if seconds > 1] == [60.0, 60.0]

    def test_a_rate_limit_that_names_no_time_is_waited_for_a_minute(self, desk: Desk) -> None:
        client = desk.client(Canned(429, b'{"error": "API rate limit reached"}'), deadline_s=100)
        with pytest.raises(Exception, match="429"):
            client.get("get_statuses")
        assert [seconds for seconds in desk.time.slept if seconds] == [60.0]

    def test_a_batch_that_is_too_large_is_halved_until_it_fits(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(max_bytes=200_000))
        desk.write(*make_results(40, message="x" * 15_000))
        assert desk.send().delivered == 40

    @pytest.mark.parametrize("suite", [0, 1])
    def test_verify_reads_the_project_and_the_suite(self, desk: Desk, suite: int) -> None:
        _reconfigure(desk, suite=suite)
        desk.verify()
        assert {each.status for each in desk.box.requests} == {200}
        assert len(_asked(desk, "get_project/")) == 1
        assert len(_asked(desk, "get_suite/")) == suite

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"project": 8}, "project"),
            ({"suite": 99}, "suite"),
            ({"plan": 99}, "plan"),
            ({"status": {"failed": "burned"}}, "burned"),
            ({"token": "wrong"}, "401"),
        ],
    )
    def test_verify_tells_what_is_wrong_and_changes_nothing(
        self, desk: Desk, changes: dict[str, Any], words: str
    ) -> None:
        _reconfigure(desk, **changes)
        with pytest.raises(PermanentError) as caught:
            desk.verify()
        assert words in str(caught.value)
        assert {each.method for each in desk.box.requests} == {"GET"}

    def test_verify_asks_for_the_field_that_made_cases_need(self, desk: Desk) -> None:
        _replace_sandbox(desk, Rules(automation_field=""))
        _reconfigure(desk, create_cases=True)
        with pytest.raises(PermanentError) as caught:
            desk.verify()
        assert "create_cases" in caught.value.remedy

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"close": True, "plan": 3}, "`plan`"),
            ({"refs": "x" * 251}, "`refs`"),
            ({"status": {"skipped": "3"}}, "untested"),
            ({"status": {"skipped": "Untested"}}, "untested"),
        ],
    )
    def test_impossible_settings_are_found_before_anything_is_sent(self, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            replace(TESTRAIL, **changes)

    def test_files_of_every_test_of_a_case_arrive_also_where_the_first_upload_ended_before_them(
        self, desk: Desk
    ) -> None:
        first, second = make_results(2, ids=({"": ("1",)},))
        log = desk.journal.attach("log.txt", "text/plain", b"of the first")
        other = desk.journal.attach("other.txt", "text/plain", b"of the second")
        desk.write(replace(first, attachments=(log,)), replace(second, attachments=(other, log)))
        desk.mount.troubles.add("503@add_attachment")
        tally = desk.send(deadline_s=30)
        assert (tally.delivered, tally.kept) == (2, 0)
        assert "503" in tally.reason
        desk.mount.troubles.clear()
        desk.send()
        desk.send()
        assert sorted(file.name for file in desk.box.attachments.values()) == ["log.txt", "other.txt"]

    def test_steps_are_step_results_where_the_template_has_them(self, desk: Desk) -> None:
        _reconfigure(desk, steps="results")
        inner = Step(title="enter card", outcome=Outcome.FAILED, message="timeout")
        pay = Step(title="pay", outcome=Outcome.FAILED, expected="receipt", message="no receipt", steps=(inner,))
        desk.write(*make_results(1, ids=({"": ("1",)},), steps=(Step(title="open cart"), pay)))
        assert desk.send().delivered == 1
        (arrived,) = desk.box.results.values()
        assert arrived.body["custom_step_results"] == [
            {"content": "open cart", "expected": "", "actual": "passed", "status_id": 1},
            {
                "content": "pay\nfailed: enter card: timeout (0.0 s)",
                "expected": "receipt",
                "actual": "no receipt",
                "status_id": 5,
            },
        ]
        assert "open cart" not in arrived.body["comment"]

    @pytest.mark.parametrize("url", ["https://qa.test/testrail", "https://qa.test/testrail/"])
    def test_the_address_may_end_with_a_slash(self, url: str) -> None:
        vendor = replace(TESTRAIL, url=url)
        assert vendor.base_url == "https://qa.test/testrail/index.php?/api/v2"
        assert vendor.run_url("12") == "https://qa.test/testrail/index.php?/runs/view/12"


def _reconfigure(desk: Desk, **settings: Any) -> None:
    desk.vendor = replace(desk.vendor, **settings)


def _replace_sandbox(desk: Desk, rules: Rules) -> None:
    desk.sandbox = testrail_sandbox.create(rules)
    desk.box = desk.sandbox.box
    desk.mount.sandboxes["testrail"] = desk.sandbox


def _asked(desk: Desk, name: str) -> list[Any]:
    return [each for each in desk.box.requests if each.query.startswith(f"/api/v2/{name}")]


def _bodies(desk: Desk, name: str) -> list[Any]:
    return [each.body for each in _asked(desk, f"{name}/")]


def _rows(desk: Desk) -> list[dict[str, Any]]:
    return [row for body in _bodies(desk, "add_results_for_cases") for row in body["results"]]


def _get(desk: Desk, path: str) -> Any:
    return desk.client().get(path).body


def _every(desk: Desk, method: str, key: str, more: str = "") -> list[dict[str, Any]]:
    """All pages of a listing, read by what an answer calls the next."""
    found: list[dict[str, Any]] = []
    path = f"{method}/{PROJECT}{more}"
    while path:
        body = _get(desk, path)
        if isinstance(body, list):
            return body
        found += body[key]
        path = (body["_links"]["next"] or "").removeprefix("/api/v2/")
    return found


def _made(desk: Desk) -> list[dict[str, Any]]:
    return [case for case in _every(desk, "get_cases", "cases") if case["id"] > 1000]


def _cases_of(desk: Desk, run_id: str) -> list[int]:
    run = _get(desk, f"get_run/{run_id}")
    tests = desk.client()
    found: list[int] = []
    path = f"get_tests/{run['id']}"
    while path:
        body = tests.get(path).body
        found += [test["case_id"] for test in body["tests"]]
        path = (body["_links"]["next"] or "").removeprefix("/api/v2/")
    return found


def _comment(desk: Desk, result_id: str) -> str:
    return next(str(each.body["comment"]) for each in desk.box.results.values() if each.id == result_id)
