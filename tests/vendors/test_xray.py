from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from pytest_tmsreport.client import Client, Reply
from pytest_tmsreport.errors import ConfigError, NotFound, PermanentError, VendorError
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import xray as xray_sandbox
from pytest_tmsreport.sandbox.xray_fields import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, PASSWORD, USER, Rules
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import Canned, Desk, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendors.xray import Xray

CLOUD = Xray(
    name="xray",
    kind="xray",
    url="https://xray.test/xray",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    project="SHOP",
)
DC = Xray(name="xray", kind="xray", url="https://xray.test/xray", product="dc", token=ACCESS_TOKEN, project="SHOP")

FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=1.8604,
    message="AssertionError: receipt missing",
    traceback="tests/checkout.py:41: AssertionError",
    ids=({"": ("C12",)},),
    suite=("tests", "checkout", "TestCard"),
    tags=("smoke",),
    fields={"severity": "critical", "layer": "e2e"},
    links=(Link("https://jira.test/browse/BUG-1", "", "issue"), Link("https://shop.test/card", "page")),
    attempt=2,
    earlier=("TimeoutError: no receipt",),
)
COMMENT = (
    "tests/checkout.py::TestCard::test_card\n\n"
    "AssertionError: receipt missing\nattempt 1: TimeoutError: no receipt\n"
    "issue: https://jira.test/browse/BUG-1\nlink: page https://shop.test/card\ntags: smoke\nlayer: e2e\n\n"
)
GOLDEN_CLOUD = {
    "testKey": "SHOP-12",
    "start": "2026-09-14T08:02:11+00:00",
    "finish": "2026-09-14T08:02:12+00:00",
    "status": "FAILED",
    "comment": f"{COMMENT}tests/checkout.py:41: AssertionError",
    "defects": ["BUG-1"],
    "evidence": [{"data": "aGVsbG8=", "filename": "log.txt", "contentType": "text/plain"}],
    "customFields": [{"id": "12", "value": "critical"}],
}
GOLDEN_DC = {
    "testKey": "SHOP-12",
    "start": "2026-09-14T08:02:11+00:00",
    "finish": "2026-09-14T08:02:12+00:00",
    "status": "FAIL",
    "comment": f"{COMMENT}{{noformat}}\ntests/checkout.py:41: AssertionError\n{{noformat}}",
    "defects": ["BUG-1"],
    "evidences": [{"data": "aGVsbG8=", "filename": "log.txt", "contentType": "text/plain"}],
    "customFields": [{"id": "12", "value": "critical"}],
}


class Common(VendorContract):
    """What both products keep beside the contract; they differ in the path that opens, and in the type's key."""

    __test__ = False
    opening: ClassVar[str]
    type_key: ClassVar[str]
    sandbox = staticmethod(xray_sandbox.create)

    def test_files_travel_inside_their_results(self, desk: Desk) -> None:
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        shot = desk.journal.attach("shot.png", "image/png", b"\x89PNG")
        first, second, third = make_results(3)
        desk.write(replace(first, attachments=(log, shot)), replace(second, attachments=(log,)), third)
        tally = desk.send()
        assert (tally.delivered, tally.notes) == (3, [])
        assert sorted(file.name for file in desk.box.attachments.values()) == ["log.txt", "log.txt", "shot.png"]
        assert {file.sha256 for file in desk.box.attachments.values()} == {log.sha256, shot.sha256}

    def test_a_file_that_is_too_large_is_left_out_and_named(self, desk: Desk) -> None:
        large = desk.journal.attach("video.mp4", "video/mp4", b"\0" * 10_000_001)
        small = desk.journal.attach("log.txt", "text/plain", b"x")
        (result,) = make_results(1)
        desk.write(replace(result, attachments=(large, small)))
        tally = desk.send()
        assert tally.delivered == 1
        assert [file.name for file in desk.box.attachments.values()] == ["log.txt"]
        assert any("video.mp4" in note for note in tally.notes)

    def test_an_import_whose_files_are_too_large_together_is_halved(self, desk: Desk) -> None:
        _reconfigure(desk, evidence_bytes=2_500)
        results = [
            replace(result, attachments=(desk.journal.attach(f"{place}.bin", "x/y", bytes([place]) * 1000),))
            for place, result in enumerate(make_results(8))
        ]
        desk.write(*results)
        assert desk.send().delivered == 8
        assert [len(body["tests"]) for body in _imports(desk)] == [2, 2, 2, 2]
        assert len(desk.box.attachments) == 8

    def test_a_file_beyond_what_an_import_takes_goes_with_its_result_alone(self, desk: Desk) -> None:
        _reconfigure(desk, evidence_bytes=500)
        first, second = make_results(2)
        file = desk.journal.attach("big.bin", "x/y", b"\1" * 1000)
        desk.write(replace(first, attachments=(file,)), second)
        assert desk.send().delivered == 2
        assert len(desk.box.attachments) == 1

    def test_two_thousand_results_take_four_imports(self, desk: Desk) -> None:
        desk.write(*make_results(2000))
        tally = desk.send()
        assert tally.delivered == 2000
        assert [len(body["tests"]) for body in _imports(desk)] == [500] * 4
        assert {body["testExecutionKey"] for body in _imports(desk)} == {tally.run_id}
        assert tally.requests <= 6

    def test_a_key_that_does_not_exist_costs_its_own_result_and_one_more_import(self, desk: Desk) -> None:
        good = make_results(200)
        desk.write(*good[:100], replace(good[100], ids=({"": ("SHOP-99999",)},)), *good[101:])
        tally = desk.send()
        assert (tally.delivered, tally.refused, tally.kept) == (199, 1, 0)
        assert "Test issue with key SHOP-99999 not found" in tally.refusals[0][1]
        assert len(_imports(desk)) == 2

    def test_a_defect_that_does_not_exist_costs_its_own_result(self, desk: Desk) -> None:
        _furnish(desk, Rules(defects=("BUG-1",)))
        first, second = make_results(2)
        desk.write(replace(first, links=(Link("https://jira.test/browse/BUG-9", "BUG-9", "issue"),)), second)
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert "BUG-9" in tally.refusals[0][1]

    @pytest.mark.parametrize("text", ["SHOP-7", "shop-7", "7", "C7", "c007", " 7 "])
    def test_a_key_may_be_written_in_several_ways(self, desk: Desk, text: str) -> None:
        desk.write(*make_results(1, ids=({"": (text.strip(),)},)))
        desk.send()
        assert _imports(desk)[0]["tests"][0]["testKey"] == "SHOP-7"

    @pytest.mark.parametrize("text", ["0", "C0", "seven", "-7", "7.5", "SHOP7", "SHOP-0", "definitions", "²", "\uff17"])
    def test_what_is_no_key_is_refused_with_a_word_on_how_to_write_one(self, desk: Desk, text: str) -> None:
        good = make_results(2)
        desk.write(good[0], replace(good[1], ids=({"": (text,)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert repr(text) in tally.refusals[0][1]
        assert "SHOP-7" in tally.refusals[0][1]

    def test_tests_of_one_key_however_it_is_written_are_one_entry_the_worst(self, desk: Desk) -> None:
        texts = ["7", "C7", "SHOP-7"]
        outcomes = [Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED]
        desk.write(
            *(
                replace(result, ids=({"": (text,)},), outcome=outcome, message=outcome.value)
                for result, text, outcome in zip(make_results(3), texts, outcomes, strict=True)
            )
        )
        assert desk.send().delivered == 3
        (test,) = _imports(desk)[0]["tests"]
        assert (test["testKey"], test["status"]) == ("SHOP-7", desk.vendor.word(Outcome.FAILED))
        assert "passed: test_0" in test["comment"]
        assert "iterations" not in test

    def test_with_last_the_last_of_them_counts(self, desk: Desk) -> None:
        _reconfigure(desk, aggregate="last")
        failed, passed = make_results(2, ids=({"": ("7",)},))
        desk.write(replace(failed, outcome=Outcome.FAILED), replace(passed, outcome=Outcome.PASSED))
        desk.send()
        assert _imports(desk)[0]["tests"][0]["status"] == desk.vendor.word(Outcome.PASSED)

    def test_a_test_of_two_keys_is_an_entry_for_each(self, desk: Desk) -> None:
        desk.write(*make_results(1, ids=({"": ("SHOP-7", "SHOP-8")},)))
        assert desk.send().delivered == 1
        assert [test["testKey"] for test in _imports(desk)[0]["tests"]] == ["SHOP-7", "SHOP-8"]

    def test_parametrised_tests_of_one_key_are_its_iterations(self, desk: Desk) -> None:
        _write_parametrised(desk)
        assert desk.send().delivered == 2
        (test,) = _imports(desk)[0]["tests"]
        assert test["status"] == desk.vendor.word(Outcome.FAILED)
        assert test["iterations"] == [
            {
                "name": "test_pay[currency=EUR]",
                "parameters": [{"name": "currency", "value": "EUR"}],
                "log": "t.py::test_pay[EUR]",
                "status": desk.vendor.word(Outcome.PASSED),
            },
            {
                "name": "test_pay[currency=USD]",
                "parameters": [{"name": "currency", "value": "USD"}],
                "log": "t.py::test_pay[USD]\n\nAssertionError: 3 != 4",
                "status": desk.vendor.word(Outcome.FAILED),
            },
        ]

    def test_steps_are_those_of_a_manual_test_where_that_is_asked_for(self, desk: Desk) -> None:
        _reconfigure(desk, steps="results")
        inner = Step(title="enter card", outcome=Outcome.FAILED, message="timeout")
        pay = Step(title="pay", outcome=Outcome.FAILED, expected="receipt", message="no receipt", steps=(inner,))
        desk.write(*make_results(1, ids=({"": ("7",)},), steps=(Step(title="open cart"), pay)))
        assert desk.send().delivered == 1
        (test,) = _imports(desk)[0]["tests"]
        assert test["steps"] == [
            {"status": desk.vendor.word(Outcome.PASSED), "comment": "open cart"},
            {
                "status": desk.vendor.word(Outcome.FAILED),
                "comment": "pay\nexpected: receipt\nfailed: enter card: timeout (0.0 s)",
                "actualResult": "no receipt",
            },
        ]
        assert "open cart" not in test["comment"]

    def test_without_iterations_the_comment_tells_of_the_others(self, desk: Desk) -> None:
        _reconfigure(desk, iterations=False)
        _write_parametrised(desk)
        desk.send()
        (test,) = _imports(desk)[0]["tests"]
        assert "iterations" not in test
        assert "passed: test_pay[currency=EUR]" in test["comment"]

    def test_a_thousand_long_iterations_stay_within_reason(self, desk: Desk) -> None:
        desk.write(
            *(
                replace(result, ids=({"": ("7",)},), parameters={"n": str(n)}, traceback="x" * 60_000)
                for n, result in enumerate(make_results(1000))
            )
        )
        assert desk.send().delivered == 1000
        (test,) = _imports(desk)[0]["tests"]
        assert len(test["iterations"]) == 1000
        assert max(len(each["log"]) for each in test["iterations"]) <= 500

    def test_comments_stay_below_what_jira_takes(self, desk: Desk) -> None:
        desk.write(*make_results(1, message="m" * 60_000, traceback="t" * 60_000))
        desk.send()
        assert len(_imports(desk)[0]["tests"][0]["comment"]) < 32_767

    def test_a_test_without_key_is_set_aside_and_counted(self, desk: Desk) -> None:
        first, second = make_results(2)
        desk.write(first, replace(second, ids=()))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (1, 1)

    def test_with_create_cases_it_is_described_by_its_dotted_name(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True)
        desk.write(*make_results(1, ids=(), tags=("smoke test",)))
        assert desk.send().delivered == 1
        (test,) = _imports(desk)[0]["tests"]
        assert "testKey" not in test
        assert test["testInfo"] == {
            "projectKey": "SHOP",
            "summary": "test_0",
            self.type_key: "Generic",
            "definition": "tests.test_shop.TestCart.test_0",
            "labels": ["smoke_test"],
        }

    def test_the_same_test_is_never_made_twice(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True)
        _write_parametrised(desk, ids=())
        assert desk.send().delivered == 2
        again = desk.vendor.open_run(desk.client(), replace(desk.run, id="20260915-100211-0a1b2c3d"))
        (homeless, *_) = desk.folder.results()
        ids = desk.vendor.resolve(desk.client(), [homeless])[homeless.id]
        desk.vendor.send(desk.client(), again, [replace(homeless, case_ids=ids)])
        keys = {result.id for result in desk.box.results.values()}
        assert len(keys) == 1
        assert len(desk.box.results) == 2

    def test_what_is_no_key_is_refused_with_create_cases_too(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True)
        desk.write(*make_results(1, ids=({"": ("no such case",)},)))
        assert desk.send().refused == 1

    def test_plan_environments_version_and_revision_go_with_every_import(self, desk: Desk) -> None:
        _reconfigure(
            desk, plan="SHOP-90070", environments=("chrome linux", "staging"), version="2.4", revision="4be1c02"
        )
        desk.write(*make_results(501))
        assert desk.send().delivered == 501
        assert [body["info"] for body in _imports(desk)] == [
            {
                "testPlanKey": "SHOP-90070",
                "testEnvironments": ["chrome", "linux", "staging"],
                "version": "2.4",
                "revision": "4be1c02",
            }
        ] * 2

    def test_a_run_id_joins_an_execution_that_is_neither_made_nor_renamed(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        _reconfigure(desk, run_id=run_id)
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.delivered, tally.run_id) == (3, run_id)
        assert len(desk.box.runs) == 1
        assert "info" not in _imports(desk)[0]

    def test_an_execution_that_is_gone_stops_the_destination_and_keeps_the_results(self, desk: Desk) -> None:
        _reconfigure(desk, run_id="SHOP-4711")
        desk.write(*make_results(30))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 30, 0)
        assert tally.remedy

    def test_an_unknown_plan_stops_the_destination_and_keeps_the_results(self, desk: Desk) -> None:
        _reconfigure(desk, plan="SHOP-90071")
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 3, 0)
        assert "`plan`" in tally.remedy

    def test_importing_again_changes_nothing(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), desk.run)
        (result,) = make_results(1)
        ready = replace(result, case_ids=("SHOP-1",))
        for _ in range(2):
            desk.vendor.send(desk.client(), run_id, [ready])
        assert (len(desk.box.results), desk.box.repeats) == (1, 1)

    def test_a_lost_answer_to_opening_is_found_again_by_a_later_upload(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add(f"lost-answer*1@{self.opening}", "503")
        assert desk.send(deadline_s=20).delivered == 0
        desk.mount.troubles.clear()
        assert desk.send().delivered == 3
        assert len(desk.box.runs) == 1

    @pytest.mark.parametrize("number", range(1, 8))
    def test_a_search_that_is_behind_makes_no_second_execution(self, desk: Desk, number: int) -> None:
        _furnish(desk, Rules(search_lag=1))
        results = make_results(4)
        one, other = desk.machine(1), desk.machine(2)
        one.write(*results[:2])
        other.write(*results[2:])
        tallies: list[Tally] = []
        tallies.append(one.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(other.send()))))
        if len(tallies) == 1:  # it has made fewer requests
            tallies.append(other.send())
        assert [(tally.delivered, tally.notes) for tally in tallies] == [(2, [])] * 2
        assert len(desk.box.runs) == 1

    def test_an_execution_with_results_is_not_discarded(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        run_id = desk.send().run_id
        with pytest.raises(PermanentError, match="holds results"):
            desk.vendor.discard_run(desk.client(), run_id)
        assert run_id in desk.box.runs

    def test_a_machine_that_runs_again_replaces_its_results(self, desk: Desk) -> None:
        for number in (1, 2):
            again = desk.machine(number)
            again.write(*make_results(3))
            run_id = again.send().run_id
        assert len(desk.box.results_of(run_id)) == 3
        assert desk.box.repeats == 3

    def test_another_execution_of_the_same_name_is_not_taken_for_ours(self, desk: Desk) -> None:
        other = desk.vendor.open_run(desk.client(), replace(desk.run, id="20260913-100211-ffffffff"))
        assert desk.vendor.find_run(desk.client(), desk.run) is None
        mine = desk.vendor.open_run(desk.client(), desk.run)
        assert mine != other
        assert desk.vendor.find_run(desk.client(), desk.run) == mine

    def test_the_users_own_status_words_win(self, desk: Desk) -> None:
        _furnish(desk, Rules(statuses=("BLOCKED",)))
        _reconfigure(desk, status={"skipped": "BLOCKED"})
        desk.write(*make_results(6))
        desk.send()
        assert desk.box.counts()["BLOCKED"] == 1

    def test_a_status_that_jira_lacks_is_named_by_verify_and_refused_by_the_import(self, desk: Desk) -> None:
        _reconfigure(desk, status={"failed": "BURNED"})
        with pytest.raises(VendorError, match="BURNED"):
            desk.verify()
        desk.write(*make_results(6))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (5, 1)
        assert "status" in tally.refusals[0][1]

    def test_verify_is_content_with_what_is_right_and_changes_nothing(self, desk: Desk) -> None:
        desk.verify()
        assert not desk.box.runs
        assert not desk.box.results

    def test_an_unknown_project_is_named_as_such(self, desk: Desk) -> None:
        _reconfigure(desk, project="NOPE")
        with pytest.raises(VendorError, match="NOPE"):
            desk.verify()
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "project" in tally.reason
        assert tally.remedy

    def test_a_field_that_jira_requires_is_named(self, desk: Desk) -> None:
        _furnish(desk, Rules(required=("customfield_10020",)))
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.kept == 1
        assert "customfield_10020" in tally.reason or "is required" in tally.reason

    def test_the_execution_stays_open(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        tally = desk.send()
        assert desk.box.runs[tally.run_id].end is None


class TestCloud(Common):
    __test__ = True
    vendor = CLOUD
    opening = "graphql"
    type_key = "type"

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        http = desk.client()
        fields = {"project": {"key": "SHOP"}, "summary": "Nightly"}
        keys = [f"SHOP-{case}" for case in cases]
        found: list[str] = []
        for start in range(0, len(keys), 100):
            jql = f"key in ({', '.join(keys[start : start + 100])})"
            tests = _ask(
                http, "query ($jql: String!) { getTests(jql: $jql, limit: 100) { results { issueId } } }", jql=jql
            )
            found += [row["issueId"] for row in tests.pick("data.getTests.results", list)]
        making = """mutation ($tests: [String], $jira: JSON!) {
          createTestPlan(testIssueIds: $tests, jira: $jira) { testPlan { jira(fields: ["key"]) } }
        }"""
        made = _ask(http, making, tests=found, jira={"fields": fields})
        return made.pick("data.createTestPlan.testPlan.jira.key", str)

    def test_a_generic_test_of_a_plan_is_known_by_its_definition(self, desk: Desk) -> None:
        rules = Rules(tests={"SHOP-1": "tests.test_cart.test_add"}, plans={"SHOP-90070": ("SHOP-1",)})
        _furnish(desk, rules)
        (case,) = desk.vendor.planned(desk.client(), "90070")
        assert (case.ids, case.names) == (("SHOP-1", "C1", "1"), ("tests.test_cart.test_add",))

    def test_an_issue_that_is_no_plan_is_called_so(self, desk: Desk) -> None:
        with pytest.raises(NotFound, match="it is another issue"):
            list(desk.vendor.planned(desk.client(), "SHOP-1"))

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, custom_fields={"severity": "12"})
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(replace(FULL, attachments=(log,)))
        tally = desk.send()
        assert tally.delivered == 1
        assert _imports(desk) == [{"testExecutionKey": tally.run_id, "tests": [GOLDEN_CLOUD]}]

    def test_the_execution_is_made_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, environments=("chrome",))
        desk.run = replace(desk.run, commit="4be1c02", description="https://ci.test/42")
        desk.vendor.open_run(desk.client(), desk.run)
        (made,) = [each.body for each in desk.box.requests if each.path.endswith("/graphql")]
        assert made["variables"] == {
            "environments": ["chrome"],
            "jira": {
                "fields": {
                    "project": {"key": "SHOP"},
                    "summary": "pytest 2026-09-14 10:02",
                    "description": (
                        "https://ci.test/42\n\ncommit 4be1c02\n\npytest-tmsreport 20260914-100211-0a1b2c3d"
                    ),
                }
            },
        }

    def test_a_session_takes_a_token_an_execution_and_one_import(self, desk: Desk) -> None:
        desk.write(*make_results(500))
        desk.send()
        assert [f"{each.method} {each.path}" for each in desk.box.requests] == [
            "POST /xray/api/v2/authenticate",
            "POST /xray/api/v2/graphql",
            "POST /xray/api/v2/import/execution",
        ]

    def test_each_outcome_arrives_as_one_of_clouds_statuses(self, desk: Desk) -> None:
        desk.write(*make_results(6))
        desk.send()
        assert desk.box.counts() == {"PASSED": 2, "FAILED": 2, "TODO": 2}

    @pytest.mark.parametrize(
        ("settings", "base"),
        [
            ({}, "https://xray.cloud.getxray.app/api/v2"),
            ({"region": "us"}, "https://us.xray.cloud.getxray.app/api/v2"),
            ({"region": "eu"}, "https://eu.xray.cloud.getxray.app/api/v2"),
            ({"region": "au"}, "https://au.xray.cloud.getxray.app/api/v2"),
            ({"url": "https://xray.acme.test/"}, "https://xray.acme.test/api/v2"),
            ({"url": "https://xray.acme.test/api/v2"}, "https://xray.acme.test/api/v2"),
        ],
    )
    def test_region_or_url_tell_the_address(self, settings: dict[str, Any], base: str) -> None:
        assert replace(CLOUD, **{"url": "", **settings}).base_url == base

    def test_the_link_to_the_execution_needs_the_address_of_jira(self) -> None:
        assert CLOUD.run_url("SHOP-310") == ""
        assert replace(CLOUD, jira_url="https://acme.test/").run_url("SHOP-310") == "https://acme.test/browse/SHOP-310"

    def test_a_token_that_was_revoked_is_fetched_anew_once(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add("401*1@import")
        tally = desk.send()
        assert (tally.delivered, desk.time.slept) == (3, [])
        assert len([each for each in desk.box.requests if each.path.endswith("/authenticate")]) == 2

    def test_a_token_is_used_for_less_than_a_day(self, desk: Desk) -> None:
        client = desk.client()
        run_id = desk.vendor.open_run(client, desk.run)
        desk.time.now += 23 * 3600
        desk.vendor.read_run(client, run_id)
        assert len([each for each in desk.box.requests if each.path.endswith("/authenticate")]) == 2

    def test_a_wrong_secret_stops_before_anything_else(self, desk: Desk) -> None:
        _reconfigure(desk, client_secret="another-secret")
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.kept, tally.requests) == (3, 1)
        assert "401" in tally.reason
        assert "secrets" in tally.remedy

    def test_errors_inside_a_successful_answer_are_a_failure(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        body = b'{"errors": [{"message": "jql is wrong", "path": ["x"]}], "data": null}'
        with pytest.raises(PermanentError, match="jql is wrong") as caught:
            desk.vendor.open_run(desk.client(_Signed(body)), desk.run)
        assert caught.value.remedy

    def test_where_429_names_no_time_a_minute_is_waited(self, desk: Desk) -> None:
        _furnish(desk, Rules(per_5_minutes=2))
        desk.write(*make_results(1))
        desk.send(deadline_s=100)
        assert desk.time.slept.count(60.0) == 1

    def test_an_unknown_execution_is_not_there(self, desk: Desk) -> None:
        with pytest.raises(PermanentError, match="SHOP-4711"):
            desk.vendor.read_run(desk.client(), "SHOP-4711")
        empty = desk.client(_Signed(b'{"data": {"getTestExecutions": {"results": []}}}'))
        with pytest.raises(NotFound, match="SHOP-4711"):
            desk.vendor.read_run(empty, "SHOP-4711")

    def test_a_custom_field_may_go_by_its_name(self, desk: Desk) -> None:
        _reconfigure(desk, custom_fields={"severity": "severity"})
        desk.write(FULL)
        desk.send()
        assert _imports(desk)[0]["tests"][0]["customFields"] == [{"name": "severity", "value": "critical"}]

    def test_with_a_folder_tests_are_made_in_bulk_and_the_job_is_followed_to_its_end(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True, folder="/pytest")
        desk.write(*make_results(3, ids=()))
        tally = desk.send()
        assert tally.delivered == 3
        (made,) = [each.body for each in desk.box.requests if each.path.endswith("/bulk")]
        assert made[0] == {
            "testtype": "Generic",
            "fields": {"summary": "test_0", "project": {"key": "SHOP"}},
            "unstructured_def": "tests.test_shop.TestCart.test_0",
            "xray_test_repository_folder": "/pytest",
        }
        asked = [each.path for each in desk.box.requests if each.path.endswith("/status")]
        assert len(asked) == 3
        assert all(test["testKey"].startswith("SHOP-") for test in _imports(desk)[0]["tests"])
        assert {each.title for each in desk.box.results.values()} == {"test_0", "test_1", "test_2"}

    def test_tests_that_are_there_are_not_made_again(self, desk: Desk) -> None:
        definitions = {f"SHOP-{n}": f"tests.test_shop.TestCart.test_{n}" for n in range(1, 151)}
        _furnish(desk, Rules(tests=definitions))
        _reconfigure(desk, create_cases=True, folder="/pytest")
        desk.write(*make_results(151, ids=()))
        assert desk.send().delivered == 151
        (made,) = [each.body for each in desk.box.requests if each.path.endswith("/bulk")]
        assert [row["fields"]["summary"] for row in made] == ["test_0"]
        assert _imports(desk)[0]["tests"][7]["testKey"] == "SHOP-7"

    def test_more_than_a_thousand_new_tests_are_made_one_job_after_the_other(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True, folder="/pytest")
        desk.write(*make_results(1001, ids=()))
        assert desk.send().delivered == 1001
        assert [len(each.body) for each in desk.box.requests if each.path.endswith("/bulk")] == [1000, 1]

    def test_a_lost_answer_to_a_bulk_creation_is_not_repeated_and_the_next_upload_finds_its_tests(
        self, desk: Desk
    ) -> None:
        _reconfigure(desk, create_cases=True, folder="/pytest")
        desk.write(*make_results(3, ids=()))
        desk.mount.troubles.add("lost-answer*1@bulk")
        tally = desk.send()
        assert (tally.delivered, tally.kept) == (0, 3)
        assert desk.send().delivered == 3
        assert len([each for each in desk.box.requests if each.path.endswith("/bulk")]) == 1

    @pytest.mark.parametrize("body", [b'{"jobId": "1", "status": "failed"}', b'{"jobId": "1", "status": "successful"}'])
    def test_a_job_that_made_nothing_is_no_success(self, desk: Desk, body: bytes) -> None:
        _reconfigure(desk, create_cases=True, folder="/pytest")
        data = b'"data": {"getTests": {"total": 0, "results": []}}'
        client = desk.client(_Signed(body[:-1] + b", " + data + b"}"))
        with pytest.raises(PermanentError, match="0 of 2 Tests were made"):
            desk.vendor.resolve(client, make_results(2, ids=()))

    def test_a_dry_run_makes_no_tests(self, desk: Desk) -> None:
        _reconfigure(desk, create_cases=True, folder="/pytest")
        desk.write(*make_results(2, ids=()))
        shown: list[str] = []
        tally = desk.send(rehearse=lambda _, request: shown.append(str(request)))
        assert (tally.reason, desk.box.requests) == ("", [])
        assert shown[-1] == "POST import/execution"

    def test_tests_that_cannot_be_made_are_told_and_everything_is_kept(self, desk: Desk) -> None:
        _furnish(desk, Rules(job_polls=0))
        _reconfigure(desk, create_cases=True, folder="/pytest")
        first, second = make_results(2, ids=())
        desk.write(first, replace(second, title=" "))
        tally = desk.send()
        assert tally.kept == 2
        assert "1 of 2 Tests were made" in tally.reason
        assert "folder" in tally.remedy


class TestDataCenter(Common):
    __test__ = True
    vendor = DC
    closing = replace(DC, transition="31")
    opening = "api/2/issue"
    type_key = "testType"

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        fields = {"project": {"key": "SHOP"}, "summary": "Nightly", "issuetype": {"name": "Test Plan"}}
        key = desk.client().post("api/2/issue", json={"fields": fields}).pick("key", str)
        added = {"add": [f"SHOP-{case}" for case in cases]}
        desk.client().post(f"raven/2.0/api/testplan/{key}/test", json=added, may_be_empty=True)
        return key

    def test_a_server_that_shows_less_of_a_list_than_is_asked_for_is_read_to_its_end(self, desk: Desk) -> None:
        _furnish(desk, Rules(page_rows=7))
        plan = self.plan(desk, [str(number) for number in range(1, 31)])
        assert [case.ids[0] for case in desk.vendor.planned(desk.client(), plan)] == [f"SHOP-{n}" for n in range(1, 31)]

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, custom_fields={"severity": "12"})
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(replace(FULL, attachments=(log,)))
        tally = desk.send()
        assert tally.delivered == 1
        assert _imports(desk) == [{"testExecutionKey": tally.run_id, "tests": [GOLDEN_DC]}]

    def test_the_execution_is_made_as_written_out_here(self, desk: Desk) -> None:
        desk.vendor.open_run(desk.client(), desk.run)
        (made,) = desk.box.requests
        assert (made.method, made.path) == ("POST", "/xray/rest/api/2/issue")
        assert made.body == {
            "fields": {
                "project": {"key": "SHOP"},
                "summary": "pytest 2026-09-14 10:02",
                "description": "pytest-tmsreport 20260914-100211-0a1b2c3d",
                "issuetype": {"name": "Test Execution"},
            }
        }

    def test_a_machine_says_that_it_is_done_by_a_property_of_its_own(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, key="k"))
        desk.box.requests.clear()
        done = [set(desk.vendor.finish_shard(desk.client(), run_id, shard, 3)) for shard in (2, 3, 3)]
        assert done == [{2}, {2, 3}, {2, 3}]
        first = desk.box.requests[0]
        path = f"/xray/rest/api/2/issue/{run_id}/properties/pytest-tmsreport.done.3.2"
        assert (first.method, first.path, first.body) == ("PUT", path, {"done": True})
        assert set(desk.vendor.finish_shard(desk.client(), run_id, 1, 30)) == {1}

    def test_each_outcome_arrives_as_one_of_data_centers_statuses(self, desk: Desk) -> None:
        desk.write(*make_results(6))
        desk.send()
        assert desk.box.counts() == {"PASS": 2, "FAIL": 2, "TODO": 2}

    def test_user_and_password_do_as_well_as_a_token(self, desk: Desk) -> None:
        _reconfigure(desk, token="", user=USER, password=PASSWORD)
        desk.write(*make_results(3))
        assert desk.send().delivered == 3

    def test_the_link_to_the_execution_is_jiras(self) -> None:
        assert DC.run_url("SHOP-310") == "https://xray.test/xray/browse/SHOP-310"

    def test_an_unknown_execution_is_not_there(self, desk: Desk) -> None:
        with pytest.raises(NotFound):
            desk.vendor.read_run(desk.client(), "SHOP-4711")

    def test_a_transition_completes_the_execution(self, desk: Desk) -> None:
        _reconfigure(desk, transition="31")
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.notes == []
        assert desk.box.runs[tally.run_id].end is not None

    def test_a_transition_that_is_not_offered_is_a_note(self, desk: Desk) -> None:
        _reconfigure(desk, transition="99")
        desk.write(*make_results(1))
        tally = desk.send()
        assert tally.delivered == 1
        assert any("transition 99" in note for note in tally.notes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"client_id": ""}, "client_id"),
        ({"product": "dc", "token": "t" * 8, "url": ""}, "url"),
        ({"product": "dc"}, "token"),
        ({"product": "dc", "user": "ci"}, "password"),
        ({"project": "shop"}, "project"),
        ({"project": "../X"}, "project"),
        ({"run_id": "310"}, "run_id"),
        ({"run_id": 'SHOP-1" OR key = "X-1'}, "run_id"),
        ({"plan": "seventy"}, "plan"),
        ({"aggregate": "each"}, "aggregate"),
        ({"transition": "31"}, "transition"),
        ({"product": "dc", "token": "t" * 8, "folder": "/pytest"}, "folder"),
    ],
)
def test_impossible_settings_are_found_before_anything_is_sent(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(CLOUD, **settings)


@pytest.mark.parametrize(
    ("nodeid", "definition"),
    [
        ("tests/test_cart.py::TestCart::test_empty", "tests.test_cart.TestCart.test_empty"),
        ("tests/test_cart.py::test_add[a::b-c/d.py]", "tests.test_cart.test_add"),
        ("test_cart.py::test_add", "test_cart.test_add"),
        ("docs/usage.md::usage.md", "docs.usage.md.usage.md"),
        ("tests/test_broken.py", "tests.test_broken"),
    ],
)
def test_the_definition_of_a_test_is_its_dotted_name(nodeid: str, definition: str) -> None:
    (result,) = make_results(1, nodeid=nodeid)
    vendor = replace(CLOUD, create_cases=True)
    found: Any = vendor.resolve(None, [result])  # type: ignore[arg-type]
    assert found[result.id] == (f"definition {definition}",)


class _Signed(Canned):
    """Answers a request for a token with one, and every other alike."""

    def __init__(self, body: bytes) -> None:
        super().__init__(200, body)
        self._answer = body

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._body = b'"a-token"' if request.path_url.endswith("/authenticate") else self._answer
        return super().send(request, *args, **kwargs)


def _reconfigure(desk: Desk, **settings: Any) -> None:
    desk.vendor = replace(desk.vendor, **settings)


def _ask(http: Client, query: str, **variables: Any) -> Reply:
    return http.post("graphql", json={"query": query, "variables": variables})


def _furnish(desk: Desk, rules: Rules) -> None:
    desk.sandbox = xray_sandbox.create(rules)
    desk.box = desk.sandbox.box
    desk.mount.sandboxes["xray"] = desk.sandbox


def _imports(desk: Desk) -> list[dict[str, Any]]:
    return [each.body for each in desk.box.requests if each.path.endswith("/import/execution")]


def _write_parametrised(desk: Desk, ids: tuple[dict[str, tuple[str, ...]], ...] = ({"": ("SHOP-7",)},)) -> None:
    results = make_results(2, ids=ids, title="test_pay", suite=("t",))
    changes: list[dict[str, Any]] = [
        {"nodeid": "t.py::test_pay[EUR]", "parameters": {"currency": "EUR"}, "outcome": Outcome.PASSED},
        {"nodeid": "t.py::test_pay[USD]", "parameters": {"currency": "USD"}, "outcome": Outcome.FAILED},
    ]
    messages = ["", "AssertionError: 3 != 4"]
    desk.write(
        *(
            replace(result, message=message, **change)
            for result, message, change in zip(results, messages, changes, strict=True)
        )
    )
