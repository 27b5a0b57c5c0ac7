from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from pytest_tmsreport.auth import Header
from pytest_tmsreport.client import Request
from pytest_tmsreport.errors import AuthError, ConfigError, RateLimited, Rejected, VendorError
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import vansah as vansah_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.vansah import Rules
from pytest_tmsreport.testing import Canned, Desk, LosesAnswer, VendorContract, make_results
from pytest_tmsreport.vendors.vansah import Vansah

VANSAH = Vansah(
    name="vansah",
    kind="vansah",
    url="https://vansah.test/vansah",
    token=vansah_sandbox.TOKEN,
    project="DEMO",
    asset="DEMO-9",
)
IMPORT, RUN, LOGS = "/vansah/api/v2/cucumber/import", "/vansah/api/v2/run", "/vansah/api/v2/logs"

FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/My Checkout.py::TestCard::test_card[EUR]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    traceback="tests/My Checkout.py:41: AssertionError",
    ids=({"": ("C12",)},),
    suite=("tests", "My Checkout", "TestCard"),
    parameters={"currency": "EUR"},
    description="pays with a card",
    tags=("smoke",),
    links=(Link("https://bugs.test/1", "BUG-1", "issue"),),
    worker="gw0",
    attempt=2,
    earlier=("TimeoutError: no receipt",),
)
SAID = (
    "AssertionError: receipt missing\nattempt 1: TimeoutError: no receipt\nissue: BUG-1 https://bugs.test/1\n"
    "tags: smoke\ntests/My Checkout.py:41: AssertionError"
)

FORM = {
    "Testformat": "Cucumber_json",
    "projectKey": "DEMO",
    "jiraIssueKey": "DEMO-9",
    "sprintName": "Sprint 1",
    "releaseName": "v1.2",
    "environmentName": "UAT",
}
REPORT = [
    {
        "keyword": "Feature",
        "uri": "tests/My Checkout.py",
        "name": "tests/My Checkout.py",
        "id": "tests/my-checkout.py",
        "line": 1,
        "description": "",
        "language": "en",
        "tags": [],
        "elements": [
            {
                "keyword": "Scenario",
                "id": "tests/My Checkout.py::TestCard::test_card[EUR]",
                "name": "test_card[currency=EUR]",
                "line": 1,
                "description": "pays with a card",
                "tags": [{"name": "@DEMO-C12", "line": 1}],
                "type": "scenario",
                "steps": [
                    {
                        "keyword": "Then ",
                        "name": "test_card[currency=EUR]",
                        "line": 1,
                        "match": {"location": "tests/My Checkout.py::TestCard::test_card[EUR]"},
                        "result": {"status": "failed", "duration": 1360400000, "error_message": SAID},
                        "embeddings": [{"mime_type": "image/png", "name": "shot.png", "data": "cGl4ZWxz"}],
                    }
                ],
            },
            {
                "keyword": "Scenario",
                "id": "tests/My Checkout.py::test_voucher",
                "name": "test_voucher",
                "line": 1,
                "description": "needs a shop",
                "tags": [{"name": "@DEMO-C13", "line": 1}],
                "type": "scenario",
                "steps": [
                    {
                        "keyword": "Then ",
                        "name": "test_voucher",
                        "line": 1,
                        "match": {"location": "tests/My Checkout.py::test_voucher"},
                        "result": {"status": "skipped", "duration": 250000000},
                    }
                ],
            },
        ],
    }
]

RUN_BODY = {
    "case": {"key": "DEMO-C12"},
    "project": {"key": "DEMO"},
    "asset": {"type": "issue", "key": "DEMO-9"},
    "properties": {"sprint": {"name": "Sprint 1"}, "release": {"name": "v1.2"}, "environment": {"name": "UAT"}},
    "result": {"id": 1},
}
LOG_BODY = {
    "run": {"identifier": "b1c6"},
    "project": {"key": "DEMO"},
    "step": {"number": 1},
    "result": {"id": 1},
    "actualResult": SAID.replace("\n", "\nnot sent: log.txt\n", 1),
    "attachments": [{"name": "shot", "extension": "png", "file": "cGl4ZWxz"}],
}


class TestVansah(VendorContract):
    vendor = VANSAH
    sandbox = staticmethod(vansah_sandbox.create)

    # What is sent

    def test_an_import_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, sprint="Sprint 1", release="v1.2", environment="UAT")
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        skipped = replace(
            make_results(1)[0],
            nodeid="tests/My Checkout.py::test_voucher",
            title="test_voucher",
            outcome=Outcome.SKIPPED,
            message="needs a shop",
            suite=("tests", "My Checkout"),
            ids=({"": ("DEMO-C13",)},),
        )
        desk.write(replace(FULL, attachments=(shot,)), skipped)
        look, imported = _rehearsed(desk)
        assert (str(look), look.params) == (
            "GET testFolders",
            {"projectKey": "DEMO", "type": "list", "startAt": 0, "limit": 1},
        )
        assert str(imported) == "POST cucumber/import"
        assert imported.form == FORM
        ((field, file),) = imported.files
        assert (field, file.mime) == ("Testpath", "application/json")
        assert json.load(file.open()) == REPORT
        assert desk.send().delivered == 2
        assert desk.box.counts() == {"FAILED": 1, "N/A": 1}

    def test_a_run_and_its_log_are_sent_as_written_out_here(self, desk: Desk) -> None:
        _reconfigure(desk, mode="runs", sprint="Sprint 1", release="v1.2", environment="UAT")
        shot = desk.journal.attach("shot.PNG", "image/png", b"pixels")
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(replace(FULL, attachments=(shot, log)))
        assert desk.send().delivered == 1
        assert [each.body for each in _sent(desk, RUN)] == [RUN_BODY]
        (run,) = desk.box.results.values()
        assert [each.body for each in _sent(desk, LOGS)] == [{**LOG_BODY, "run": {"identifier": run.id}}]
        assert [(file.name, file.size) for file in desk.box.attachments.values()] == [("shot.png", 6)]

    @pytest.mark.parametrize(
        ("settings", "form", "asset"),
        [
            ({"asset": "DEMO-9"}, {"jiraIssueKey": "DEMO-9"}, {"type": "issue", "key": "DEMO-9"}),
            (
                {"asset": "regression/login/"},
                {"testFolderPath": "regression/login/"},
                {"type": "folder", "folderPath": "regression/login/"},
            ),
            (
                {"asset": "", "plan": "DEMO-P3", "iteration": 2},
                {"standardTestPlanKey": "DEMO-P3", "iterationNumber": "2"},
                {"type": "plannedRun", "key": "DEMO-P3", "iteration": 2},
            ),
            (
                {"advanced_plan": "DEMO-P4"},
                {"jiraIssueKey": "DEMO-9", "advancedTestPlanKey": "DEMO-P4", "iterationNumber": "1"},
                None,
            ),
        ],
        ids=["issue", "folder", "plan", "advanced_plan"],
    )
    def test_results_go_to_an_issue_a_folder_or_a_plan(
        self, desk: Desk, settings: Mapping[str, Any], form: Mapping[str, str], asset: Mapping[str, Any] | None
    ) -> None:
        _reconfigure(desk, **settings)
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.delivered, tally.reason) == (2, "")
        assert _form(desk) == {"Testformat": "Cucumber_json", "projectKey": "DEMO", **form}
        assert tally.run_id == settings.get("plan") or settings.get("advanced_plan") or settings["asset"]
        if asset:
            _reconfigure(desk, mode="runs")
            desk.vendor.send(desk.client(), "", [replace(make_results(1)[0], case_ids=("DEMO-C1",))])
            assert _sent(desk, RUN)[0].body["asset"] == asset

    def test_five_thousand_results_take_twenty_five_imports_and_one_look(self, desk: Desk) -> None:
        desk.write(*make_results(5000))
        tally = desk.send()
        assert (tally.delivered, tally.requests) == (5000, 26)
        assert len(_sent(desk, IMPORT)) == 25

    def test_the_token_stands_bare_in_its_header_and_requests_go_to_version_two(self) -> None:
        assert VANSAH.auth == Header("Authorization", vansah_sandbox.TOKEN)
        assert VANSAH.base_url == "https://vansah.test/vansah/api/v2"
        assert Vansah(project="DEMO", token="t" * 8, asset="DEMO-9").base_url == "https://prod.vansah.com/api/v2"

    @pytest.mark.parametrize("text", ["12", "C12", "c12", "DEMO-C12", "demo-c0012", " 12 "])
    @pytest.mark.parametrize("mode", ["import", "runs"])
    def test_a_case_may_be_written_in_several_ways(self, desk: Desk, text: str, mode: str) -> None:
        _reconfigure(desk, mode=mode)
        desk.write(*make_results(1, ids=({"": (text,)},)))
        desk.send()
        assert [result.cases for result in desk.box.results.values()] == [("DEMO-C12",)]

    @pytest.mark.parametrize("text", ["0", "C0", "DEMO-12", "DEMO-P3", "SHOP-C7", "seven", "²"])
    @pytest.mark.parametrize("mode", ["import", "runs"])
    def test_what_is_no_case_of_the_space_is_refused_with_a_word_on_how_to_write_one(
        self, desk: Desk, text: str, mode: str
    ) -> None:
        _reconfigure(desk, mode=mode)
        good, bad = make_results(2)
        desk.write(good, replace(bad, ids=({"": (text,)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert repr(text) in tally.refusals[0][1]
        assert "DEMO-C12" in tally.refusals[0][1]

    def test_a_test_without_case_is_set_aside_and_counted(self, desk: Desk) -> None:
        first, second = make_results(2)
        desk.write(first, replace(second, ids=()))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (1, 1)

    @pytest.mark.parametrize("mode", ["import", "runs"])
    def test_the_worst_of_several_tests_of_a_case_is_sent_however_the_case_is_written(
        self, desk: Desk, mode: str
    ) -> None:
        _reconfigure(desk, mode=mode)
        passed, failed, skipped = make_results(3, message="")
        desk.write(
            replace(passed, ids=({"": ("12",)},), outcome=Outcome.PASSED, title="test_a"),
            replace(failed, ids=({"": ("C12",)},), outcome=Outcome.FAILED, title="test_b", message="boom"),
            replace(skipped, ids=({"": ("DEMO-C12",)},), outcome=Outcome.SKIPPED, title="test_c"),
        )
        assert desk.send().delivered == 3
        (result,) = desk.box.results.values()
        assert (result.cases, result.status) == (("DEMO-C12",), "FAILED")
        told = json.dumps([result.body, [each.body for each in _sent(desk, LOGS)]])
        assert all(words in told for words in ("boom", "passed: test_a", "skipped: test_c"))

    def test_each_test_of_a_case_is_a_run_where_that_is_asked_for(self, desk: Desk) -> None:
        _reconfigure(desk, aggregate="each")
        desk.write(*make_results(3, ids=({"": ("12", "13")},)))
        assert desk.send().delivered == 3
        assert sorted(result.cases for result in desk.box.results.values()) == [("DEMO-C12",)] * 3 + [("DEMO-C13",)] * 3

    @pytest.mark.parametrize(
        ("mode", "word", "status"),
        [
            ("import", "passed", "PASSED"),
            ("import", "pending", "UNTESTED"),
            ("import", "undefined", "UNTESTED"),
            ("runs", "untested", "UNTESTED"),
            ("runs", "failed", "FAILED"),
        ],
    )
    def test_the_users_own_status_words_win(self, desk: Desk, mode: str, word: str, status: str) -> None:
        _reconfigure(desk, mode=mode, status={"skipped": word})
        desk.write(*make_results(1, outcome=Outcome.SKIPPED))
        desk.send()
        assert desk.box.counts() == {status: 1}

    def test_a_failure_without_words_has_a_message_all_the_same(self, desk: Desk) -> None:
        desk.write(*make_results(1, outcome=Outcome.ERROR, message=""))
        desk.send()
        (result,) = desk.box.results.values()
        assert result.body["scenario"]["steps"][0]["result"]["error_message"] == "error"

    @pytest.mark.parametrize(
        ("settings", "url"),
        [
            ({}, ""),
            ({"jira_url": "https://acme.test/"}, "https://acme.test/browse/DEMO-9"),
            ({"jira_url": "https://acme.test", "asset": "regression/"}, ""),
            ({"jira_url": "https://acme.test", "asset": "", "plan": "DEMO-P3"}, ""),
        ],
    )
    def test_a_link_leads_to_the_issue_where_the_address_of_jira_is_known(
        self, settings: Mapping[str, Any], url: str
    ) -> None:
        assert replace(VANSAH, **settings).run_url("DEMO-9") == url

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"project": "demo"}, "project"),
            ({"asset": ""}, "plan"),
            ({"plan": "DEMO-P3"}, "not both"),
            ({"asset": "DEMO-P3"}, "asset"),
            ({"asset": "", "plan": "DEMO-3"}, "DEMO-P3"),
            ({"asset": "", "plan": "DEMO-P3", "advanced_plan": "DEMO-P4"}, "advanced_plan"),
            ({"advanced_plan": "DEMO-P4", "mode": "runs"}, "mode = import"),
            ({"asset": "", "plan": "DEMO-P3", "iteration": 0}, "iteration"),
            ({"environment": "U"}, "two letters"),
            ({"batch_size": 201}, "batch_size"),
            ({"url": "https://prod.vansah.com/api/v1"}, "/api"),
            ({"status": {"skipped": "untested"}}, "status"),
            ({"status": {"skipped": "pending"}, "mode": "runs"}, "status"),
        ],
    )
    def test_impossible_settings_are_found_before_anything_is_sent(
        self, settings: Mapping[str, Any], word: str
    ) -> None:
        with pytest.raises(ConfigError, match=word):
            replace(VANSAH, **settings)

    def test_a_host_may_be_called_api(self) -> None:
        assert replace(VANSAH, url="https://api.vansah.test").base_url == "https://api.vansah.test/api/v2"

    # What comes back

    def test_what_is_in_doubt_is_sent_again_only_when_a_person_says_so(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add("lost-answer@import")
        assert desk.send().doubtful == 3
        assert desk.send().requests == 0
        assert desk.send(even_if_doubled=True).delivered == 3
        assert len(desk.box.results) == 6

    @pytest.mark.parametrize("trouble", ["503*2@import", "429*2@import"])
    def test_an_import_that_is_clearly_not_taken_is_repeated(self, desk: Desk, trouble: str) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add(trouble)
        tally = desk.send()
        assert (tally.delivered, tally.doubtful) == (3, 0)
        assert len(desk.box.results) == 3

    @pytest.mark.parametrize(
        "body",
        [{}, {"success": True}, {"success": True, "imported": 2}, {"success": True, "imported": 2, "testRuns": "two"}],
    )
    def test_an_answer_that_does_not_say_what_was_taken_is_a_doubt(self, desk: Desk, body: Any) -> None:
        desk.write(*make_results(3))
        tally = desk.send(transport=_Answers(desk.mount, "import", body))
        assert (tally.delivered, tally.refused, tally.doubtful, tally.kept) == (0, 0, 3, 3)

    def test_a_whole_import_needs_no_list_of_runs(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        body = {"success": True, "imported": 3, "failed": 0, "skipped": 0}
        assert desk.send(transport=_Answers(desk.mount, "import", body)).delivered == 3

    def test_a_success_that_tells_of_failures_is_none_for_those(self, desk: Desk) -> None:
        _rule(desk, cases={f"DEMO-C{number}": 1 for number in (1, 2, 4)})
        desk.write(*make_results(5))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (3, 0, 2)
        assert [words for _, words in tally.refusals] == [
            f"Vansah has made no run of DEMO-C{number}: DEMO-C{number}: test case not found" for number in (3, 5)
        ]
        assert len(_sent(desk, IMPORT)) == 1
        again = desk.send()
        assert (again.before, again.refused, again.requests) == (3, 2, 0)

    @pytest.mark.parametrize(
        "more",
        [
            {"data": {"errors": [{"msg": "DEMO-C2 is archived"}]}},
            {"warnings": ["DEMO-C2 is archived"]},
            {"errors": ["DEMO-C22 is unknown", "DEMO-C2 is archived"]},
        ],
    )
    def test_a_refusal_is_told_in_the_words_of_vansah_wherever_they_stand(
        self, desk: Desk, more: Mapping[str, Any]
    ) -> None:
        desk.write(*make_results(2))
        body = {"success": True, "imported": 1, "failed": 1, "testRuns": [{"testCaseKey": "DEMO-C1"}], **more}
        tally = desk.send(transport=_Answers(desk.mount, "import", body))
        assert [words for _, words in tally.refusals] == ["Vansah has made no run of DEMO-C2: DEMO-C2 is archived"]

    @pytest.mark.parametrize("inside", [False, True])
    def test_an_import_refused_as_a_whole_gives_up_the_cases_it_names(self, desk: Desk, inside: bool) -> None:
        _rule(desk, cases={f"DEMO-C{n}": 1 for n in (1, 3)}, refuses_unknown_cases=True, fails_inside_200=inside)
        desk.write(*make_results(4))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (2, 2)
        assert all("not found" in words for _, words in tally.refusals)
        assert len(_sent(desk, IMPORT)) == 2

    @pytest.mark.parametrize(
        ("wrong", "settings"),
        [
            ("asset", {"asset": "DEMO-99"}),
            ("asset", {"asset": "regression/logout/"}),
            ("plan", {"asset": "", "plan": "DEMO-P9"}),
            ("plan", {"asset": "", "plan": "DEMO-P3", "iteration": 7}),
            ("advanced_plan", {"advanced_plan": "DEMO-P9"}),
            ("sprint", {"sprint": "Sprint 9"}),
            ("release", {"release": "v9"}),
            ("environment", {"environment": "MOON"}),
            ("asset", {"asset": "DEMO-99", "mode": "runs"}),
            ("plan", {"asset": "", "plan": "DEMO-P3", "iteration": 7, "mode": "runs"}),
            ("environment", {"environment": "MOON", "mode": "runs"}),
        ],
        ids=str,
    )
    def test_a_setting_that_vansah_does_not_know_stops_the_destination_and_keeps_everything(
        self, desk: Desk, wrong: str, settings: Mapping[str, Any]
    ) -> None:
        _reconfigure(desk, parallel=1, **settings)
        desk.write(*make_results(30))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 30, 0)
        assert "not found" in tally.reason
        assert f"check `{wrong}`;" in tally.remedy
        assert tally.requests == 2

    def test_a_refusal_that_names_a_case_beside_the_asset_is_about_the_case(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        body = {"success": False, "errorCode": 1103, "message": "DEMO-C1 is not linked to DEMO-9"}
        tally = desk.send(transport=_Answers(desk.mount, "import", body))
        assert (tally.kept, tally.refused) == (0, 1)

    @pytest.mark.parametrize(
        ("body", "kind", "code"),
        [
            ({"errorCode": 1207, "message": "no"}, AuthError, 1207),
            ({"error_code": "1105", "message": "no"}, Rejected, 1105),
            ({"code": 1006, "message": "no"}, RateLimited, 1006),
            ({"message": "Error 1311: no licence"}, AuthError, 1311),
            ({"message": "DEMO-1311 is unknown"}, Rejected, 200),
            ({"message": "Case DEMO-C1105 is unknown"}, Rejected, 200),
            ({"message": "at most 1024 letters"}, Rejected, 200),
        ],
    )
    def test_a_failure_inside_a_200_is_known_by_its_code_wherever_it_stands(
        self, desk: Desk, body: Mapping[str, Any], kind: type[VendorError], code: int
    ) -> None:
        canned = Canned(200, json.dumps({"success": False, **body}).encode())
        with pytest.raises(kind) as caught:
            desk.vendor.verify(desk.client(canned, deadline_s=5))
        assert (type(caught.value), caught.value.code) == (kind, code)

    @pytest.mark.parametrize("code", [1006, 1313])
    def test_the_limit_of_requests_is_waited_for_a_minute_where_no_time_is_named(self, desk: Desk, code: int) -> None:
        desk.write(*make_results(3))
        busy = {"success": False, "errorCode": code, "message": "slow down"}
        tally = desk.send(transport=_Answers(desk.mount, "import", busy, times=2))
        assert (tally.delivered, tally.doubtful) == (3, 0)
        assert [seconds for seconds in desk.time.slept if seconds] == [60.0, 60.0]

    def test_the_limit_of_a_token_is_kept_by_ourselves(self, desk: Desk) -> None:
        _rule(desk, requests_per_minute=5)
        _reconfigure(desk, requests_per_minute=5, batch_size=1, parallel=1)
        desk.write(*make_results(9))
        assert desk.send().delivered == 9
        assert {each.status for each in desk.box.requests} == {200}

    def test_a_token_of_version_two_that_reaches_version_one_is_told_apart(self, desk: Desk) -> None:
        canned = Canned(401, b'{"success": false, "message": "JWT claim check failed: missing \'iss\'"}')
        with pytest.raises(AuthError) as caught:
            desk.vendor.open_run(desk.client(canned), desk.run)
        assert "v2" in caught.value.remedy

    def test_a_wrong_space_is_named_as_such_and_nothing_is_sent(self, desk: Desk) -> None:
        _reconfigure(desk, project="NOPE")
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.kept, tally.requests) == (3, 1)
        assert "NOPE" in tally.reason

    def test_where_folders_cannot_be_listed_a_case_is_looked_at(self, desk: Desk) -> None:
        desk.mount.troubles.add("404@testFolders")
        desk.write(*make_results(3))
        assert desk.send().delivered == 3
        assert desk.box.requests[1].query == "caseKey=DEMO-C1"

    def test_where_neither_can_be_had_the_address_is_in_doubt(self, desk: Desk) -> None:
        desk.mount.troubles.add("404")
        desk.write(*make_results(3))
        tally = desk.send()
        assert tally.kept == 3
        assert "`url`" in tally.remedy

    def test_verify_changes_nothing(self, desk: Desk) -> None:
        desk.verify()
        assert {each.method for each in desk.box.requests} == {"GET"}

    # Files

    def test_files_travel_inside_the_import(self, desk: Desk) -> None:
        first, second, third = make_results(3)
        log = desk.journal.attach("log.txt", "text/plain", "naïve".encode())
        shot = desk.journal.attach("shot.png", "image/png", b"\x89PNG")
        desk.write(replace(first, attachments=(log, shot)), replace(second, attachments=(log,)), third)
        tally = desk.send()
        assert (tally.delivered, tally.notes) == (3, [])
        arrived = [(file.name, file.mime, file.sha256) for file in desk.box.attachments.values()]
        assert arrived == [(each.name, each.mime, each.sha256) for each in (log, shot, log)]

    def test_imports_with_files_stay_below_five_mebibytes(self, desk: Desk) -> None:
        results = [
            replace(
                result,
                attachments=tuple(
                    desk.journal.attach(f"{file}.png", "image/png", bytes([index, file]) * 400_000) for file in range(3)
                ),
            )
            for index, result in enumerate(make_results(5))
        ]
        desk.write(*results)
        assert desk.send().delivered == 5
        sizes = [part["size"] for each in _sent(desk, IMPORT) for part in each.body["parts"] if "size" in part]
        assert len(sizes) == 5
        assert max(sizes) < 5 * 2**20
        assert len(desk.box.attachments) == 15

    def test_files_that_a_result_cannot_hold_are_left_out_and_named(self, desk: Desk) -> None:
        large = desk.journal.attach("video.mp4", "video/mp4", b"\0" * (2**20 + 1))
        small = [desk.journal.attach(f"{number}.png", "image/png", b"%d" % number) for number in range(6)]
        (result,) = make_results(1)
        desk.write(replace(result, attachments=(large, *small)))
        tally = desk.send()
        assert tally.delivered == 1
        assert [file.name for file in desk.box.attachments.values()] == [f"{number}.png" for number in range(5)]
        assert [[name in note for note in tally.notes] for name in ("video.mp4", "5.png")] == [
            [True, False],
            [False, True],
        ]

    def test_an_import_that_is_too_large_all_the_same_is_halved(self, desk: Desk) -> None:
        _rule(desk, import_bytes=200_000)
        desk.write(*make_results(8, message="x" * 60_000, outcome=Outcome.FAILED))
        assert desk.send().delivered == 8

    # One run for each

    def test_a_run_without_words_takes_one_request_and_one_with_words_two(self, desk: Desk) -> None:
        _reconfigure(desk, mode="runs")
        desk.write(*make_results(6, message=""), replace(make_results(7)[6], message="a word"))
        assert desk.send().delivered == 7
        assert (len(_sent(desk, RUN)), len(_sent(desk, LOGS))) == (7, 1)
        assert desk.box.counts() == {"PASSED": 3, "FAILED": 2, "N/A": 2}

    def test_a_log_that_vansah_has_made_is_filled_in_and_not_doubled(self, desk: Desk) -> None:
        _rule(desk, makes_logs=True, steps=2)
        _reconfigure(desk, mode="runs")
        desk.write(FULL)
        tally = desk.send()
        assert (tally.delivered, tally.notes) == (1, [])
        *_, last = desk.box.requests
        assert last.method == "PUT"
        assert last.body == {"result": {"id": 1}, "actualResult": SAID}

    @pytest.mark.parametrize("trouble", ["", "401@logs", "lost-answer@logs", "404@logs"])
    def test_a_log_that_is_not_taken_leaves_the_run_and_a_note(self, desk: Desk, trouble: str) -> None:
        _rule(desk, steps=1 if trouble else 0)
        _reconfigure(desk, mode="runs")
        desk.mount.troubles.add(*([trouble] if trouble else []))
        desk.write(FULL)
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.doubtful) == (1, 0, 0)
        assert len(tally.notes) == 1
        assert "DEMO-C12" in tally.notes[0]
        assert len(desk.box.results) == 1

    @pytest.mark.parametrize("inside", [False, True])
    def test_a_duplicate_counts_as_done_and_is_noted(self, desk: Desk, inside: bool) -> None:
        _rule(desk, takes_duplicates=False, fails_inside_200=inside)
        _reconfigure(desk, mode="runs", aggregate="each", parallel=1)
        desk.write(*make_results(2, ids=({"": ("12",)},)))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (2, 0, 0)
        assert len(tally.notes) == 1
        assert "recorded already" in tally.notes[0]

    def test_an_upload_that_is_killed_after_any_receipt_of_a_batch_taken_in_part_doubles_nothing(
        self, desk: Desk
    ) -> None:
        desk.write(*make_results(2), *make_results(3, ids=({"": ("no case",)},))[2:])
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (2, 1)
        receipts = desk.folder.path / "vansah.jsonl"
        lines = receipts.read_bytes().splitlines(keepends=True)
        (begun,) = (number for number, line in enumerate(lines, 1) if b'"sending"' in line)
        for number in range(begun, len(lines)):
            receipts.write_bytes(b"".join(lines[:number]))
            desk.send()
            assert len(desk.box.results) == 2
        receipts.write_bytes(b"".join(lines))
        assert desk.send(again=True).refused == 1
        assert desk.send(again=True).doubtful == 0

    def test_a_lost_answer_to_a_run_puts_no_other_result_in_doubt(self, desk: Desk) -> None:
        _reconfigure(desk, mode="runs", parallel=1)
        desk.write(*make_results(5, message=""))
        tally = desk.send(transport=LosesAnswer(desk.mount, 3))
        assert (tally.delivered, tally.doubtful) == (4, 1)
        assert len(desk.box.results) == 5

    @pytest.mark.parametrize("trouble", ["", "401+1@run"])
    def test_a_test_of_two_cases_whose_second_is_not_taken_is_not_sent_for_its_first_again(
        self, desk: Desk, trouble: str
    ) -> None:
        _rule(desk, cases={"DEMO-C1": 1} if not trouble else {"DEMO-C1": 1, "DEMO-C2": 1})
        _reconfigure(desk, mode="runs", aggregate="each")
        desk.write(*make_results(1, ids=({"": ("1", "2")},), message=""))
        desk.mount.troubles.add(*([trouble] if trouble else []))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.doubtful, tally.refused) == (0, 1, 1, 0)
        desk.mount.troubles.clear()
        desk.send(again=True)
        assert len(desk.box.results) == 1

    def test_an_unknown_case_does_not_hold_up_the_other_runs(self, desk: Desk) -> None:
        _rule(desk, cases={f"DEMO-C{number}": 1 for number in (1, 2, 4)})
        _reconfigure(desk, mode="runs")
        desk.write(*make_results(4))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (3, 1)
        assert "DEMO-C3" in tally.refusals[0][1]

    def test_steps_are_logs_of_a_single_run_where_vansah_has_made_them(self, desk: Desk) -> None:
        _rule(desk, makes_logs=True, steps=3)
        _reconfigure(desk, mode="runs")
        steps = (Step(title="open cart"), Step(title="pay", outcome=Outcome.FAILED, message="no receipt"))
        desk.write(*make_results(1, steps=steps, message=""))
        assert desk.send().delivered == 1
        second, first = [each.body for each in desk.box.requests if each.method == "PUT"]
        assert second == {"result": {"id": 1}, "actualResult": "failed: pay: no receipt (0.0 s)"}
        assert first["actualResult"].splitlines() == [
            "passed: open cart (0.0 s)",
            "failed: pay: no receipt (0.0 s)",
        ]

    def test_no_step_makes_of_a_test_what_it_is_not(self, desk: Desk) -> None:
        steps = (Step(title="pay", outcome=Outcome.FAILED, message="no card"), Step(title="print"))
        outcomes = (Outcome.PASSED, Outcome.XFAILED, Outcome.FAILED)
        results = make_results(3, steps=steps, message="")
        desk.write(*(replace(each, outcome=outcome) for each, outcome in zip(results, outcomes, strict=True)))
        assert desk.send().delivered == 3
        arrived = list(desk.box.results.values())
        assert [each.status for each in arrived] == ["PASSED", "N/A", "FAILED"]
        scenarios = [each.body["scenario"] for each in arrived]
        told = [[step["result"]["status"] for step in scenario["steps"][:2]] for scenario in scenarios]
        assert told == [["passed", "passed"], ["skipped", "skipped"], ["failed", "passed"]]
        words = "failed: pay: no card (0.0 s)"
        assert [words in scenario["description"] for scenario in scenarios] == [True, True, False]
        assert scenarios[2]["steps"][0]["result"]["error_message"] == words

    def test_other_kinds_of_files_go_where_they_are_asked_for(self, desk: Desk) -> None:
        _reconfigure(desk, mode="runs", file_types="txt")
        files = [desk.journal.attach(name, "text/plain", name.encode()) for name in ("log.txt", "README", ".txt")]
        desk.write(*make_results(1, attachments=tuple(files)))
        assert desk.send().delivered == 1
        assert [file.name for file in desk.box.attachments.values()] == ["log.txt"]
        assert _sent(desk, LOGS)[0].body["actualResult"] == "not sent: README\nnot sent: .txt"


class TestItsSandbox:
    """It answers as the documents say, so that what passes here would pass there."""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"project": None}, "space information"),
            ({"project": {"key": "SHOP"}}, "space information"),
            ({"case": {}}, "case.key"),
            ({"case": {"key": "DEMO-9"}}, "not found"),
            ({"asset": {"type": "folder", "identifier": "5f0c"}}, "folderPath"),
            ({"asset": {"type": "issue", "key": "DEMO-1"}}, "DEMO-1"),
            ({"asset": {"type": "plannedRun", "key": "DEMO-P3", "iteration": 3}}, "Iteration 3"),
            ({"asset": {"type": "moon"}}, "asset.type"),
            ({"asset": "DEMO-9"}, "asset"),
            ({"properties": {"environment": {"name": "U"}}}, "environment"),
            ({"properties": {"release": {"name": "v9"}}}, "v9"),
            ({"result": {"id": 9}}, "result.id"),
            ({"attachments": [{"name": "a", "extension": "png", "file": "?"}]}, "base64"),
            ({"attachments": [{"name": "a", "extension": "png", "file": base64.b64encode(b"x" * 11).decode()}]}, "10"),
        ],
    )
    def test_a_wrong_run_is_refused(self, changes: Mapping[str, Any], words: str) -> None:
        answer = _ask("POST", "run", Rules(file_bytes=10), json={**RUN_BODY, **changes})
        assert (answer.status_code, answer.json()["success"]) == (400, False)
        assert words in answer.json()["message"]
        assert isinstance(answer.json()["errorCode"], int)

    @pytest.mark.parametrize(
        ("form", "report", "words"),
        [
            ({"Testformat": "cucumber_json"}, REPORT, "Testformat"),
            ({"projectKey": ""}, REPORT, "space information"),
            ({"jiraIssueKey": ""}, REPORT, "is required"),
            ({"testFolderPath": "regression/"}, REPORT, "is required"),
            ({"jiraIssueKey": "DEMO-1"}, REPORT, "DEMO-1"),
            ({"advancedTestPlanKey": "DEMO-P3"}, REPORT, "DEMO-P3"),
            ({"environmentName": "MOON"}, REPORT, "MOON"),
            ({}, "no report", "must be a list"),
            ({}, [{**REPORT[0], "elements": [{"keyword": "Scenario", "name": "x"}]}], "steps"),
        ],
    )
    def test_a_wrong_import_is_refused(self, form: Mapping[str, str], report: Any, words: str) -> None:
        files = {"Testpath": ("pytest.json", json.dumps(report), "application/json")}
        answer = _ask("POST", "cucumber/import", data={**FORM, **form}, files=files)
        assert (answer.status_code, answer.json()["success"]) == (400, False)
        assert words in answer.json()["message"]

    def test_a_file_that_is_no_json_is_refused(self) -> None:
        files = {"Testpath": ("pytest.json", "{", "application/json")}
        answer = _ask("POST", "cucumber/import", data=FORM, files=files)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, 1310)

    @pytest.mark.parametrize(
        ("query", "code"),
        [("type=list&startAt=0&limit=1", 1002), ("projectKey=DEMO&type=all", 1002)]
        + [(f"projectKey=DEMO&type=list&{page}", 1003) for page in ("startAt=0&limit=101", "startAt=-1&limit=1", "")],
    )
    def test_a_wrong_listing_is_refused(self, query: str, code: int) -> None:
        answer = _ask("GET", f"testFolders?{query}")
        assert (answer.status_code, answer.json()["errorCode"]) == (400, code)

    def test_folders_are_listed_in_pages_with_their_parents(self) -> None:
        first, second = (
            _ask("GET", f"testFolders?projectKey=DEMO&type=list&startAt={n}&limit=1").json() for n in (0, 1)
        )
        assert (first["pagination"], second["pagination"]) == ({"total": 2}, {"total": 2})
        assert second["data"][0]["parentIdentifier"] == first["data"][0]["identifier"]

    @pytest.mark.parametrize("token", ["", "wrong", f"Bearer {vansah_sandbox.TOKEN}"])
    def test_a_token_that_is_not_bare_is_refused(self, token: str) -> None:
        answer = _ask("GET", "testFolders", headers={"Authorization": token})
        assert (answer.status_code, answer.json()["errorCode"]) == (401, 1204)

    def test_version_one_knows_no_token_of_today(self) -> None:
        answer = _ask("POST", "../v1/run", json=RUN_BODY)
        assert answer.status_code == 401
        assert "iss" in answer.json()["message"]

    def test_one_request_too_many_is_refused(self) -> None:
        sandbox = vansah_sandbox.create(Rules(requests_per_minute=1), clock=lambda: 0.0)
        paths = ["testFolders?projectKey=DEMO&type=list&startAt=0&limit=1"] * 2
        answers = [_ask("GET", path, mount=Mount([sandbox])) for path in paths]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert answers[1].json()["errorCode"] == 1313

    def test_untagged_scenarios_are_skipped(self) -> None:
        elements = [{**element, "tags": []} for element in REPORT[0]["elements"][:1]] + REPORT[0]["elements"][1:]  # type: ignore[index]
        files = {"Testpath": ("pytest.json", json.dumps([{**REPORT[0], "elements": elements}]), "application/json")}
        answer = _ask("POST", "cucumber/import", data=FORM, files=files).json()
        assert (answer["imported"], answer["failed"], answer["skipped"]) == (1, 0, 1)
        assert answer["testRuns"] == [{"testCaseKey": "DEMO-C13", "status": "N/A"}]


class _Answers(WsgiAdapter):
    """Answers so many requests to a path by itself."""

    def __init__(self, mount: Mount, path: str, body: Any, *, times: int = 1) -> None:
        super().__init__(mount)
        self._path = path
        self._canned = Canned(200, json.dumps(body).encode())
        self._times = times

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._times and self._path in request.path_url:
            self._times -= 1
            return self._canned.send(request)
        return super().send(request, *args, **kwargs)


def _reconfigure(desk: Desk, **settings: Any) -> None:
    desk.vendor = replace(desk.vendor, **settings)


def _rule(desk: Desk, **rules: Any) -> None:
    """Another workspace behind the same desk."""
    desk.sandbox = vansah_sandbox.create(Rules(**rules), clock=desk.time)
    desk.box = desk.sandbox.box
    desk.mount.sandboxes["vansah"] = desk.sandbox


def _rehearsed(desk: Desk) -> list[Request]:
    seen: list[Request] = []
    tally = desk.send(rehearse=lambda _, request: seen.append(request))
    assert (tally.refused, tally.doubtful, tally.reason) == (0, 0, "")
    return seen


def _sent(desk: Desk, path: str) -> list[Any]:
    return [each for each in desk.box.requests if each.path == path and each.method == "POST"]


def _form(desk: Desk) -> dict[str, str]:
    (request,) = _sent(desk, IMPORT)
    return {part["field"]: part["value"] for part in request.body["parts"] if "value" in part}


def _ask(
    method: str, path: str, rules: Rules | None = None, *, mount: Mount | None = None, **more: Any
) -> requests.Response:
    with requests.Session() as session:
        session.mount("https://", WsgiAdapter(mount or Mount([vansah_sandbox.create(rules)])))
        session.headers["Authorization"] = vansah_sandbox.TOKEN
        return session.request(method, f"https://vansah.test/vansah/api/v2/{path}", timeout=60, **more)
