from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_tmsreport.errors import ConfigError, NotFound
from pytest_tmsreport.faults import Killed
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import reportportal as reportportal_sandbox
from pytest_tmsreport.sandbox.reportportal import Rules
from pytest_tmsreport.testing import RUN, Desk, LosesAnswer, VendorContract
from pytest_tmsreport.vendors.reportportal import ReportPortal

RP = ReportPortal(
    name="reportportal",
    kind="reportportal",
    url="https://rp.test/reportportal",
    token=reportportal_sandbox.TOKEN,
    project=reportportal_sandbox.PROJECT,
)
START = 1789380131000
"""When the run of a desk began, in epoch milliseconds."""

FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789380231.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    traceback="tests/checkout.py:41: AssertionError",
    ids=({"": ("C12", "C13")},),
    suite=("tests", "checkout", "TestCard"),
    parameters={"currency": "EUR", "voucher": ""},
    description="pays with a card",
    tags=("smoke", "payments"),
    fields={"severity": "critical", "issue_type": "PB"},
    links=(Link("https://bugs.test/1", "BUG-1", "issue"),),
    notes=("costs money",),
)


class TestReportPortal(VendorContract):
    vendor: ClassVar[ReportPortal] = RP
    sandbox = staticmethod(reportportal_sandbox.create)

    def spoil(self, result: Result) -> Result:
        return replace(result, ids=({"": ("C" * 2000,)},))

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        desk.write(FULL)
        assert desk.send().delivered == 1
        (started,) = [body for body in sent(desk, "POST", "/item/") if body["type"] == "step"]
        run_id, own = started.pop("launchUuid"), started.pop("uuid")
        assert started == {
            "name": "test_card[EUR-]",
            "startTime": "1789380231120",
            "type": "step",
            "codeRef": "tests/checkout.py:TestCard.test_card",
            "testCaseId": "C12",
            "description": "pays with a card\n\nissue: [BUG-1](https://bugs.test/1)",
            "attributes": [
                {"key": "severity", "value": "critical"},
                {"value": "smoke"},
                {"value": "payments"},
                {"key": "case", "value": "C13"},
            ],
            "parameters": [{"key": "currency", "value": "EUR"}, {"key": "voucher", "value": ""}],
        }
        (ended,) = sent(desk, "PUT", f"/item/{own}")
        assert ended == {
            "endTime": "1789380232480",
            "launchUuid": run_id,
            "status": "failed",
            "issue": {"issueType": "pb001", "comment": "costs money"},
        }
        entries = logged(desk)
        assert [each.pop("uuid") for each in entries]
        at = {"launchUuid": run_id, "itemUuid": own, "time": "1789380232480"}
        assert entries == [
            {**at, "message": "costs money", "level": "info"},
            {
                **at,
                "message": "AssertionError: receipt missing\ntests/checkout.py:41: AssertionError",
                "level": "error",
            },
        ]

    def test_a_run_is_opened_and_finished_as_written_out_here(self, desk: Desk) -> None:
        desk.journal.end(exitstatus=0, not_run=[])
        made = replace(
            desk.run, description="by hand", tags=("os:Linux Mint", "smoke"), branch="main", link="https://ci.test/7"
        )
        run_id = desk.vendor.open_run(desk.client(), made)
        (body,) = sent(desk, "POST", "/launch")
        assert body == {
            "name": "pytest 2026-09-14 10:02",
            "startTime": str(START),
            "uuid": run_id,
            "description": "by hand\n\nhttps://ci.test/7",
            "mode": "DEFAULT",
            "attributes": [
                {"key": "os", "value": "Linux Mint"},
                {"value": "smoke"},
                {"key": "branch", "value": "main"},
                {"key": "pytest-tmsreport", "value": desk.run.id, "system": True},
            ],
        }
        assert desk.vendor.run_url(run_id) == f"https://rp.test/reportportal/ui/#shop/launches/all/{run_id}"
        debug = replace(RP, mode="debug")
        assert debug.run_url(run_id) == f"https://rp.test/reportportal/ui/#shop/userdebug/all/{run_id}"

    def test_suites_stand_around_tests_and_are_finished_from_the_inside_before_the_launch(self, desk: Desk) -> None:
        desk.write(*self.results(30))
        assert desk.send().delivered == 30
        posted = [each for each in desk.box.requests if each.method == "POST" and "/item" in each.path]
        started = [(each.path, each.body) for each in posted]
        suites = [(path.rpartition("/")[2], body) for path, body in started if body["type"] == "suite"]
        assert [body["name"] for _, body in suites] == ["tests", "test_shop", "TestCart"]
        assert [above for above, _ in suites] == ["item", suites[0][1]["uuid"], suites[1][1]["uuid"]]
        assert {path.rpartition("/")[2] for path, body in started if body["type"] == "step"} == {suites[2][1]["uuid"]}
        ends = [each.path.rpartition("/")[2] for each in desk.box.requests if each.method == "PUT"][-4:]
        assert ends == [*(body["uuid"] for _, body in reversed(suites)), "finish"]
        assert desk.box.refusals == []

    def test_each_request_for_an_item_comes_once_and_a_batch_has_one_for_its_log(self, desk: Desk) -> None:
        reconfigure(desk, parallel=1)
        desk.write(*self.results(60))
        tally = desk.send()
        assert Counter(kind(each.method, each.path) for each in desk.box.requests) == {
            "POST launch": 1,
            "POST item": 63,
            "PUT item": 63,
            "POST log": 3,
            "PUT finish": 1,
        }
        assert tally.requests == 131

    def test_steps_are_items_within_their_test_with_their_files_and_messages(self, desk: Desk) -> None:
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        inner = Step(title="enter card", outcome=Outcome.FAILED, start=1789380231.5, duration=0.5, message="timeout")
        inner = replace(inner, files=(shot.sha256,))
        pay = Step(title="pay", start=1789380231.25, duration=0.75, expected="receipt", data="3 EUR", steps=(inner,))
        desk.write(replace(FULL, steps=(pay,), attachments=(shot, log)))
        assert desk.send().notes == []
        (result,) = desk.box.results.values()
        (outer,) = result.body["steps"]
        (within,) = outer["steps"]
        assert (outer["start"]["name"], outer["start"]["hasStats"]) == ("pay", False)
        assert outer["start"]["description"] == "expected: receipt\ndata: 3 EUR"
        assert (outer["end"]["status"], outer["end"]["endTime"]) == ("passed", "1789380232000")
        assert (within["start"]["name"], within["end"]["status"]) == ("enter card", "failed")
        said = [(each["level"], each["message"], each.get("file")) for each in within["logs"]]
        assert said == [("error", "timeout", None), ("info", "shot.png", {"name": "shot.png"})]
        assert [each.get("file") for each in result.body["logs"]] == [None, None, {"name": "log.txt"}]
        assert len(desk.box.results) == 1

    def test_steps_may_be_a_text_instead(self, desk: Desk) -> None:
        reconfigure(desk, steps="log")
        desk.write(replace(FULL, notes=(), steps=(Step(title="pay", duration=0.75),)))
        desk.send()
        assert next(each["message"] for each in logged(desk)) == "passed: pay (0.8 s)"
        assert not [body for body in sent(desk, "POST", "/item/") if body.get("hasStats") is False]

    def test_files_of_one_name_keep_their_contents(self, desk: Desk) -> None:
        files = [desk.journal.attach("out.txt", "text/plain", text) for text in (b"one", b"two", b"three")]
        results = self.results(3, outcome=Outcome.PASSED, message="")
        desk.write(*(replace(result, attachments=(file,)) for result, file in zip(results, files, strict=True)))
        desk.send()
        (request,) = [each for each in desk.box.requests if each.path.endswith("/log")]
        rows = {row["file"]["name"]: row["message"] for row in logged(desk)}
        parts = {part["filename"]: part["sha256"] for part in request.body["parts"] if "filename" in part}
        assert list(rows.values()) == ["out.txt"] * 3
        assert [parts[name] for name in rows] == [file.sha256 for file in files]

    def test_log_entries_beyond_a_limit_go_in_another_request(self, desk: Desk) -> None:
        reconfigure(desk, logs_at_once=2, request_bytes=5000)
        big = desk.journal.attach("big.txt", "text/plain", b"x" * 4500)
        results = self.results(5, outcome=Outcome.FAILED, message="m")
        desk.write(replace(results[0], attachments=(big,)), *results[1:])
        assert desk.send().delivered == 5
        sizes = [len(json.loads(part["value"])) for part in parts_of_logs(desk)]
        assert sizes == [1, 1, 2, 2]

    def test_what_the_tool_does_not_take_of_a_log_is_named_and_costs_no_result(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        sandbox = reportportal_sandbox.create(Rules(file_bytes=10))
        desk = Desk(tmp_path / "small", self.vendor, sandbox)
        file = desk.journal.attach("big.txt", "text/plain", b"x" * 11)
        desk.write(replace(self.results(1)[0], attachments=(file,)))
        tally = desk.send()
        assert tally.delivered == 1
        assert "big.txt of item" in tally.notes[0]
        assert "too large" in tally.notes[0]

    def test_attempts_are_retries_of_one_test_in_their_order(self, desk: Desk) -> None:
        attempts = [
            replace(FULL, id=f"a{number}", attempt=number, start=FULL.start + number, superseded=number < 3)
            for number in (1, 2, 3)
        ]
        others = self.results(40)
        last = replace(attempts[2], outcome=Outcome.PASSED)
        desk.write(*others[:19], attempts[0], *others[19:30], attempts[1], *others[30:], last)
        assert desk.send().delivered == 43
        assert desk.box.refusals == []
        (shown,) = [each for each in desk.box.results.values() if each.title == "test_card[EUR-]"]
        assert shown.status == "PASSED"
        assert [each["end"]["status"] for each in shown.body["retries"]] == ["failed", "failed"]
        assert ["retry" in each["start"] for each in [*shown.body["retries"], shown.body]] == [False, True, True]
        assert len(desk.box.results) == 41

    def test_an_attempt_without_one_before_it_is_an_attempt_all_the_same(self, desk: Desk) -> None:
        reconfigure(desk, api="v1")
        desk.write(replace(FULL, attempt=2))
        assert desk.send().delivered == 1
        assert [each.status for each in desk.box.results.values()] == ["FAILED"]

    def test_only_the_last_attempt_goes_where_that_is_wanted(self, desk: Desk) -> None:
        reconfigure(desk, attempts="last")
        desk.write(replace(FULL, id="a1", superseded=True), replace(FULL, attempt=2, earlier=("timeout",)))
        assert desk.send().delivered == 1
        (result,) = desk.box.results.values()
        assert "retry" not in result.body["start"]
        assert result.body["logs"][0]["message"] == "costs money\nattempt 1: timeout"

    def test_a_launch_that_is_continued_makes_retries_of_what_it_has(self, desk: Desk, tmp_path: Path) -> None:
        desk.write(FULL, *self.results(3))
        run_id = desk.send().run_id
        before = len(desk.box.requests)
        passed = replace(FULL, outcome=Outcome.PASSED, message="")
        settings: Any
        for number, settings in enumerate(({"rerun": True}, {"rerun_of": run_id})):
            run = replace(desk.run, id=f"again{number}")
            again = Desk(tmp_path / run.id, replace(self.vendor, **settings), desk.sandbox, run)
            again.write(replace(passed, id=f"a{number}", start=FULL.start + 60 + number))
            tally = again.send()
            assert (tally.delivered, tally.run_id, tally.notes) == (1, run_id, [])
        assert len(desk.box.runs) == 1
        (shown,) = [each for each in desk.box.results.values() if each.title == "test_card[EUR-]"]
        assert (shown.status, len(shown.body["retries"])) == ("PASSED", 2)
        assert {each.path.split("/")[3] for each in desk.box.requests[before:]} == {"v1"}

    def test_what_began_before_the_launch_by_its_own_clock_begins_with_it(self, desk: Desk) -> None:
        desk.write(replace(FULL, start=START / 1000 - 500, steps=(Step(title="early", start=1.0, duration=1.0),)))
        assert desk.send().delivered == 1
        assert desk.box.refusals == []
        (result,) = desk.box.results.values()
        assert (result.body["start"]["startTime"], result.body["end"]["endTime"]) == (str(START), str(START))

    @pytest.mark.parametrize(
        ("outcome", "settings", "fields", "issue"),
        [
            (Outcome.FAILED, {}, {}, None),
            (Outcome.PASSED, {}, {"issue_type": "PB"}, None),
            (Outcome.SKIPPED, {}, {}, {"issueType": "NOT_ISSUE"}),
            (Outcome.XFAILED, {}, {}, {"issueType": "NOT_ISSUE"}),
            (Outcome.SKIPPED, {"skipped_is_issue": True}, {}, None),
            (Outcome.SKIPPED, {}, {"issue_type": "ab001"}, {"issueType": "ab001"}),
            (Outcome.ERROR, {"defects": {"error": "System Issue"}}, {}, {"issueType": "si001"}),
            (Outcome.FAILED, {"defects": {"error": "si001"}}, {}, None),
            (Outcome.FAILED, {"defects": {"failed": "SI"}}, {"issue_type": "PB"}, {"issueType": "pb001"}),
        ],
    )
    def test_a_failure_is_taken_for_what_a_mark_or_a_setting_says(
        self, desk: Desk, outcome: Outcome, settings: Any, fields: Any, issue: Any
    ) -> None:
        reconfigure(desk, **settings)
        desk.write(replace(FULL, outcome=outcome, fields=fields, links=(), notes=()))
        assert desk.send().delivered == 1
        (result,) = desk.box.results.values()
        assert result.body["end"].get("issue") == issue

    def test_an_unknown_defect_type_is_named_and_costs_no_result(self, desk: Desk) -> None:
        desk.write(replace(FULL, fields={"issue_type": "zz"}))
        tally = desk.send()
        assert (tally.delivered, desk.box.refusals) == (1, [])
        assert tally.notes[0].startswith("defect type 'zz' is not one of the project's, and is left out: ab, ab001, ")
        (result,) = desk.box.results.values()
        assert "issue" not in result.body["end"]

    def test_issues_are_tickets_where_the_bug_tracker_is_known(self, desk: Desk) -> None:
        reconfigure(desk, bts_url="https://bugs.test", bts_project="SHOP")
        desk.write(FULL)
        assert desk.send().delivered == 1
        (result,) = desk.box.results.values()
        assert result.body["end"]["issue"]["externalSystemIssues"] == [
            {"ticketId": "BUG-1", "btsUrl": "https://bugs.test", "btsProject": "SHOP", "url": "https://bugs.test/1"}
        ]

    def test_texts_are_cut_to_what_the_tool_takes(self, desk: Desk) -> None:
        fields = {f"f{number:03}{'k' * 200}": "v" * 600 for number in range(300)} | {"empty": " "}
        long = replace(FULL, title="t" * 2000, description="d" * 70_000, fields=fields, suite=("s" * 2000, " "))
        desk.write(long)
        assert (desk.send().delivered, desk.box.refusals) == (1, [])
        (result,) = desk.box.results.values()
        start = result.body["start"]
        assert (len(start["name"]), len(start["attributes"])) == (1024, 256)
        assert 65_000 < len(start["description"]) <= 65_536
        assert {len(each["value"]) for each in start["attributes"]} == {128}

    def test_everything_stands_below_a_parent_that_is_named(self, desk: Desk, tmp_path: Path) -> None:
        desk.write(FULL)
        run_id = desk.send().run_id
        root = sent(desk, "POST", "/item")[0]["uuid"]
        vendor = replace(self.vendor, parent=root, run_id=run_id)
        other = Desk(tmp_path / "other", vendor, desk.sandbox, replace(desk.run, id="o"))
        other.write(replace(FULL, id="b", suite=("more",)))
        assert other.send().delivered == 1
        more = [each.path for each in desk.box.requests if (each.body or {}).get("name") == "more"]
        assert [path.rpartition("/")[2] for path in more] == [root]

    def test_only_what_is_not_finished_is_sent_again(self, desk: Desk) -> None:
        reconfigure(desk, batch_size=4, parallel=1)
        file = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(*(replace(result, attachments=(file,)) for result in self.results(4)))
        desk.mount.troubles.add("401+11")  # after two of the four are finished
        assert desk.send().kept == 4
        desk.mount.troubles.clear()
        before = len(desk.box.requests)
        tally = desk.send()
        assert (tally.delivered, len(desk.box.results), desk.box.repeats) == (4, 4, 0)
        asked = [each for each in desk.box.requests[before:] if each.method == "PUT" and "/item/" in each.path]
        assert len(asked) == 2 + 3  # and three suites

    def test_a_batch_that_is_halved_repeats_nothing_that_has_arrived(self, desk: Desk) -> None:
        reconfigure(desk, batch_size=8, parallel=1)
        desk.write(*self.results(8))
        desk.mount.troubles.add("400*1+9")
        assert desk.send().delivered == 8
        again = Counter(body["uuid"] for body in sent(desk, "POST", "/item/"))
        assert sorted(again.values())[-2:] == [1, 2]  # the one that was refused
        assert (desk.box.repeats, desk.box.refusals) == (0, [])

    def test_a_lost_answer_doubles_neither_items_nor_entries_nor_files(self, desk: Desk, tmp_path: Path) -> None:
        for number in (1, 4, 5, 8, 9, 10, 13, 17):  # 9 is the log
            each = Desk(tmp_path / str(number), replace(self.vendor, parallel=1), reportportal_sandbox.create())
            file = each.journal.attach("log.txt", "text/plain", b"hello")
            each.write(*(replace(result, attachments=(file,)) for result in self.results(4)))
            assert each.send(transport=LosesAnswer(each.mount, number)).delivered == 4
            assert (len(each.box.results), len(each.box.attachments)) == (4, 4)
            entries = [log["uuid"] for result in each.box.results.values() for log in result.body["logs"]]
            assert len(entries) == len(set(entries)), f"the answer to request {number} was lost"

    def test_a_kill_doubles_neither_entries_nor_files(self, tmp_path: Path) -> None:
        for number in (1, 4, 5, 8, 9, 10, 13, 17):  # 9 is the log
            each = Desk(tmp_path / str(number), replace(self.vendor, parallel=1), reportportal_sandbox.create())
            file = each.journal.attach("log.txt", "text/plain", b"hello")
            each.write(*(replace(result, attachments=(file,)) for result in self.results(4)))
            with suppress(Killed):
                each.send(transport=LosesAnswer(each.mount, number, Killed, for_good=True))
            each.send()
            assert (len(each.box.results), len(each.box.attachments)) == (4, 4), f"killed after answer {number}"
            entries = [log["uuid"] for result in each.box.results.values() for log in result.body["logs"]]
            assert len(entries) == len(set(entries)), f"killed after answer {number}"

    @pytest.mark.parametrize("conflicts", [False, True])
    def test_what_is_there_already_is_known_again(self, tmp_path: Path, conflicts: bool) -> None:
        desk = Desk(tmp_path, replace(self.vendor, api="v1"), reportportal_sandbox.create(Rules(conflicts=conflicts)))
        desk.write(*self.results(3))
        run_id = desk.send().run_id
        again = Desk(tmp_path / "again", replace(desk.vendor, run_id=run_id), desk.sandbox)
        again.write(*self.results(3))
        assert again.send().delivered == 3
        assert len(desk.box.results) == 3

    @pytest.mark.parametrize("behind", [3, 40])
    def test_a_server_whose_queue_is_behind_gets_everything_once(self, tmp_path: Path, behind: int) -> None:
        sandbox = reportportal_sandbox.create(Rules(behind=behind))
        for number in range(1, 30, 4):
            desk = Desk(tmp_path / str(number), self.vendor, sandbox, replace(RUN, id=f"run-{number}"))
            desk.write(*self.results(6))
            assert desk.send(transport=LosesAnswer(desk.mount, number)).delivered == 6
        desk = Desk(tmp_path / "last", self.vendor, sandbox, replace(RUN, id="last"))
        desk.write(*self.results(60))  # what is behind it gets done
        desk.send()
        counts = Counter(result.run for result in desk.box.results.values())
        assert sorted(counts.values())[:-1] == [6] * 8
        assert len(desk.box.runs) == 9

    def test_a_later_build_of_a_key_that_is_done_opens_the_next_launch(self, desk: Desk, tmp_path: Path) -> None:
        for number in range(3):
            run = replace(desk.run, id=f"build-{number}", key="build", shard=1, shards=1)
            each = Desk(tmp_path / run.id, self.vendor, desk.sandbox, run)
            each.write(*self.results(2))
            assert not each.send().is_left_open
        assert len(desk.box.runs) == 3
        assert all(run.end is not None for run in desk.box.runs.values())

    def test_the_last_machine_finishes_the_suites_of_all(self, desk: Desk) -> None:
        results = [replace(each, suite=("tests", f"test_{number}")) for number, each in enumerate(self.results(4))]
        for shard in (1, 2):
            each = desk.machine(shard, 2)
            each.write(*results[2 * shard - 2 : 2 * shard])
            each.send()
        items = [*sent(desk, "POST", "/item"), *sent(desk, "POST", "/item/")]
        suites = {body["uuid"] for body in items if body["type"] == "suite"}
        ended = Counter(each.path.rpartition("/")[2] for each in desk.box.requests if each.method == "PUT")
        assert len(suites) == 5
        assert {ended[own] for own in suites} == {1}

    def test_a_run_that_is_kept_open_stays_so(self, desk: Desk) -> None:
        reconfigure(desk, complete=False)
        desk.write(*self.results(2))
        assert (desk.send().delivered, [run.end for run in desk.box.runs.values()]) == (2, [None])

    @pytest.mark.parametrize("by", ["uuid", "number"])
    def test_recorded_are_all_tests_of_a_launch_and_which_failed(self, desk: Desk, by: str) -> None:
        results = [replace(each, ids=()) for each in self.results(640)]
        step = Step(title="pay", outcome=Outcome.FAILED)
        desk.write(*results, replace(FULL, steps=(step,)))
        run_id = desk.send().run_id
        client = desk.client()
        wanted = run_id if by == "uuid" else str(client.get(f"api/v1/shop/launch/uuid/{run_id}").pick("id", int))
        cases = {case.title: case for case in desk.vendor.recorded(client, wanted)}
        assert len(cases) == 641
        assert {title for title, case in cases.items() if case.has_failed} == {
            "test_card[EUR-]",
            *(result.title for result in results if result.outcome.is_bad),
        }
        assert cases["test_card[EUR-]"].ids == ("C12",)
        assert cases["test_card[EUR-]"].names == ("tests/checkout.py::TestCard::test_card[EUR-]",)
        assert cases["test_7"].names == ("tests/test_shop.py::TestCart::test_7",)

    def test_an_unknown_launch_is_not_found(self, desk: Desk) -> None:
        with pytest.raises(NotFound) as caught:
            list(desk.vendor.recorded(desk.client(), "4711"))
        assert caught.value.remedy == "was it deleted? check `run_id`"
        assert not desk.vendor.can("planned")

    def test_verify_tells_a_wrong_project_and_changes_nothing(self, desk: Desk) -> None:
        desk.verify()
        assert [each.method for each in desk.box.requests] == ["GET"]
        stranger = Desk(desk.folder.path.parent / "stranger", replace(RP, project="other"), desk.sandbox)
        stranger.write()
        with pytest.raises(NotFound, match="4040"):
            stranger.verify()

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("project", " "),
            ("token", ""),
            ("oauth_uri", "https://elsewhere.test/token"),
            ("defects", {"broken": "SI"}),
            ("logs_at_once", 0),
            ("batch_size", 0),
        ],
    )
    def test_impossible_settings_are_found_before_anything_is_sent(self, setting: str, value: Any) -> None:
        with pytest.raises(ConfigError, match=setting):
            replace(RP, **{setting: value})

    @pytest.mark.parametrize("uri", ["uat/sso/oauth/token", "https://rp.test/reportportal/uat/sso/oauth/token"])
    def test_a_user_signs_in_for_a_token_where_there_is_no_key(self, desk: Desk, uri: str) -> None:
        reconfigure(desk, token="", user="ci", password=reportportal_sandbox.PASSWORD, oauth_uri=uri)
        desk.write(*self.results(3))
        assert desk.send().delivered == 3
        asked = [each for each in desk.box.requests if each.path.endswith("/oauth/token")]
        assert [{part["field"]: part["value"] for part in each.body["parts"]} for each in asked] == [
            {"grant_type": "password", "username": "ci", "password": "***", "client_id": "ui"}
        ]

    def test_a_wrong_password_keeps_everything(self, desk: Desk) -> None:
        reconfigure(desk, token="", user="ci", password="wrong")
        desk.write(*self.results(3))
        tally = desk.send()
        assert (tally.kept, "401" in tally.reason, tally.remedy) == (3, True, "make a new key in the profile")

    @pytest.mark.parametrize("url", ["https://rp.test/ctx", "https://rp.test/ctx/", "https://rp.test/ctx/api"])
    def test_the_address_may_have_a_path(self, url: str) -> None:
        vendor = replace(RP, url=url)
        assert (vendor.base_url, vendor.run_url("u")) == (
            "https://rp.test/ctx",
            "https://rp.test/ctx/ui/#shop/launches/all/u",
        )


class TestReportPortalV1(TestReportPortal):
    vendor: ClassVar[ReportPortal] = replace(RP, api="v1")


def reconfigure(desk: Desk, **settings: Any) -> None:
    desk.vendor = replace(desk.vendor, **settings)


def sent(desk: Desk, method: str, part: str) -> list[dict[str, Any]]:
    """The bodies of the requests whose path ends so, or goes on behind a slash."""
    found = [each for each in desk.box.requests if each.method == method and part in each.path]
    return [each.body for each in found if part.endswith("/") or each.path.endswith(part)]


def parts_of_logs(desk: Desk) -> list[dict[str, Any]]:
    found = [part for each in desk.box.requests if each.path.endswith("/log") for part in each.body["parts"]]
    return [part for part in found if part["field"] == "json_request_part"]


def logged(desk: Desk) -> list[dict[str, Any]]:
    """Every log entry that was sent."""
    return [row for part in parts_of_logs(desk) for row in json.loads(part["value"])]


def kind(method: str, path: str) -> str:
    """`POST item`, `PUT finish`."""
    last = path.rpartition("/")[2]
    return f"{method} {last if last == 'finish' else path.split('/')[5]}"
