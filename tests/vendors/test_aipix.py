"""aipix: marks on a camera's timeline, one for the session or one for every failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.client import Client
from pytest_tmsreport.errors import AuthError, ConfigError, NotFound, VendorError
from pytest_tmsreport.faults import Killed
from pytest_tmsreport.model import Outcome, Result
from pytest_tmsreport.sandbox import aipix as aipix_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.aipix import LOGIN, PASSWORD, TOKEN, WORDS, Rules
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.testing import Desk, LosesAnswer, VendorContract, make_results
from pytest_tmsreport.vendors.aipix import Aipix

AIPIX = Aipix(
    name="aipix",
    kind="aipix",
    url="https://aipix.test/aipix",
    token=TOKEN,
    camera="17",
    mode="failures",
    most_marks=500,
)
SUMMARY = replace(AIPIX, mode="summary")
BY_LOGIN = replace(SUMMARY, token="", login=LOGIN, password=PASSWORD)
MARK = {
    "title": "FAILED tests/test_shop.py::TestCart::test_1: AssertionError: assert 1 == 2",
    "from": "2026-09-14T10:02:13.000000Z",
    "to": "2026-09-14T10:02:13.250000Z",
}
ALL = {
    "title": "pytest 2026-09-14 10:02: 1 passed, 1 failed, 1 error, 1 skipped, 1 xfailed, 1 xpassed",
    "from": "2026-09-14T10:02:12.000000Z",
    "to": "2026-09-14T10:02:17.250000Z",
}


def _desk(desk: Desk, vendor: Aipix, rules: Rules | None = None) -> Desk:
    """The same desk with another destination and another sandbox."""
    desk.vendor = vendor
    desk.sandbox = aipix_sandbox.create(rules)
    desk.box = desk.sandbox.box
    desk.mount = Mount([desk.sandbox])
    return desk


def _marks(desk: Desk) -> list[Any]:
    return [each.body for each in desk.box.requests if each.method == "POST" and each.path.endswith("/marks")]


def _asked(desk: Desk) -> list[str]:
    return [f"{each.method} {each.path.removeprefix('/aipix/api/v1/')}" for each in desk.box.requests]


class TestAipix(VendorContract):
    vendor = AIPIX
    sandbox = staticmethod(aipix_sandbox.create)

    def results(self, number: int, **changes: Any) -> list[Result]:
        """Failures, which are what has marks of its own; the others are tested below."""
        return [replace(each, outcome=Outcome.FAILED) for each in super().results(number, **changes)]

    def spoil(self, result: Result) -> Result:
        return replace(result, start=0.0)  # no archive goes back so far

    # What is sent

    def test_a_mark_is_sent_as_written_out_here(self, desk: Desk) -> None:
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.run_id) == (1, 0, "17")
        assert tally.notes == ["1 result not sent: `mode = failures` marks those that failed"]
        assert _marks(desk) == [MARK]

    def test_a_summary_is_sent_as_written_out_here(self, desk: Desk) -> None:
        _desk(desk, SUMMARY)
        desk.write(*make_results(6))
        tally = desk.send()
        assert (tally.delivered, tally.notes) == (6, [])
        assert _marks(desk) == [ALL]
        assert desk.send().before == 6

    def test_what_did_not_fail_is_counted_every_time_and_is_nothing_left_to_send(self, desk: Desk) -> None:
        desk.write(*make_results(6))
        first, second = desk.send(), desk.send()
        assert (first.delivered, second.before, second.requests) == (2, 2, 0)
        assert [tally.notes for tally in (first, second)] == [
            ["4 results not sent: `mode = failures` marks those that failed"]
        ] * 2
        assert first.is_complete

    def test_where_nothing_failed_nothing_is_sent(self, desk: Desk) -> None:
        desk.write(*make_results(3, outcome=Outcome.PASSED))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.requests, tally.is_complete) == (0, 0, 0, True)

    def test_beyond_the_most_marks_one_more_counts_the_rest(self, desk: Desk) -> None:
        _desk(desk, replace(AIPIX, most_marks=3))
        desk.write(*make_results(10, outcome=Outcome.ERROR))
        assert desk.send().delivered == 10
        titles = [mark["title"] for mark in _marks(desk)]
        assert len(titles) == 4
        assert titles[3] == "and 7 more failed tests of pytest 2026-09-14 10:02"

    def test_a_title_is_one_line_of_two_hundred_and_fifty_five_characters_and_keeps_the_numbers(
        self, desk: Desk
    ) -> None:
        run = replace(desk.run, name="x" * 500)
        (summary,) = SUMMARY.condense(run, make_results(6))
        (mark,) = AIPIX.condense(run, make_results(1, message="a\nb" * 200, attempt=2))
        assert len(summary.title) == len(mark.title) == 255
        assert summary.title.endswith("1 xpassed")
        assert mark.title.startswith("PASSED (attempt 2) tests/")
        assert "\n" not in mark.title

    def test_files_are_left_out_and_named(self, desk: Desk) -> None:
        _desk(desk, SUMMARY)
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        desk.write(*make_results(2, attachments=(shot,)))
        tally = desk.send()
        assert (tally.delivered, tally.files_left_out) == (2, 1)
        assert "aipix takes no files" in tally.notes[0]

    # A mark is made once

    @pytest.mark.parametrize("rules", [Rules(), Rules(whole_seconds=True), Rules(wraps=True)], ids=["", "s", "wrapped"])
    def test_a_lost_answer_is_looked_up_before_a_second_mark(self, desk: Desk, rules: Rules) -> None:
        _desk(desk, AIPIX, rules)
        desk.write(*self.results(2))
        assert desk.send(transport=LosesAnswer(desk.mount, 3)).delivered == 2
        assert len(_marks(desk)) == 2

    def test_after_a_kill_only_what_has_not_arrived_is_marked(self, desk: Desk) -> None:
        desk.write(*self.results(3))
        with pytest.raises(Killed):
            desk.send(transport=LosesAnswer(desk.mount, 4, Killed, for_good=True))
        assert desk.send().delivered == 2
        assert len(_marks(desk)) == 3

    def test_a_refused_mark_holds_up_no_other(self, desk: Desk) -> None:
        one, two, three = self.results(3)
        desk.write(one, self.spoil(two), three)
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (2, 1)
        assert "There is no archive for this period." in tally.refusals[0][1]

    # Who may

    def test_a_login_is_ended_when_all_is_sent(self, desk: Desk) -> None:
        _desk(desk, BY_LOGIN)
        desk.write(*make_results(2))
        assert desk.send().delivered == 2
        assert _asked(desk) == [
            "POST token",
            "GET users/self",
            "GET cameras/17",
            "POST cameras/17/marks",
            "POST logout",
        ]

    def test_a_login_is_ended_after_a_failure_too(self, desk: Desk) -> None:
        _desk(desk, replace(BY_LOGIN, camera="99"))
        desk.write(*make_results(2))
        assert desk.send().kept == 2
        assert _asked(desk)[-1] == "POST logout"

    def test_nobodys_session_is_ended_unasked(self, desk: Desk) -> None:
        _desk(desk, BY_LOGIN, Rules(sessions=("anna", "ben")))
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, _asked(desk)) == (2, ["POST token"])
        assert all(word in tally.reason for word in ("419", "anna", "ben"))
        assert "replace_session" in tally.remedy
        desk.vendor = replace(BY_LOGIN, replace_session=True)
        assert desk.send().delivered == 2
        assert [each.body.get("session_id") for each in desk.box.requests if each.path.endswith("/token")][-1] == "anna"

    def test_a_captcha_asks_for_a_token(self, desk: Desk) -> None:
        _desk(desk, BY_LOGIN, Rules(wants_captcha=True))
        with pytest.raises(AuthError, match="captcha") as caught:
            desk.vendor.verify(desk.client())
        assert "token" in caught.value.remedy

    def test_a_session_that_has_ended_is_renewed_once(self, desk: Desk) -> None:
        _desk(desk, BY_LOGIN)
        desk.write(*make_results(2))
        desk.mount.troubles.add("419*1+2")
        assert desk.send().delivered == 2
        assert _asked(desk).count("POST token") == 2

    @pytest.mark.parametrize(
        ("vendor", "rules", "kind", "word"),
        [
            (SUMMARY, Rules(permissions=("marks-index",)), AuthError, "marks-store"),
            (replace(SUMMARY, camera="99"), Rules(), NotFound, "404"),
            (replace(SUMMARY, camera="CI door"), Rules(), NotFound, "0 cameras"),
            (replace(SUMMARY, camera="twin"), Rules(cameras={1: "twin", 2: "twin"}), NotFound, "1, 2"),
            (replace(SUMMARY, token="wrong"), Rules(), AuthError, "Unauthenticated"),
            (replace(SUMMARY, token="wrong", language="ru"), Rules(), AuthError, WORDS["ru"]),
            (replace(BY_LOGIN, password="wrong"), Rules(), AuthError, "Unauthenticated"),
        ],
    )
    def test_what_is_wrong_is_said_before_a_mark_is_made(
        self, desk: Desk, vendor: Aipix, rules: Rules, kind: type[VendorError], word: str
    ) -> None:
        _desk(desk, vendor, rules)
        with pytest.raises(kind, match=word) as caught:
            vendor.verify(desk.client())
        assert caught.value.remedy
        desk.write(*make_results(2))
        assert (desk.send().kept, _marks(desk)) == (2, [])

    def test_an_expired_licence_keeps_everything(self, desk: Desk) -> None:
        _desk(desk, SUMMARY, Rules(has_licence=False))
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, tally.refused, tally.reason[:3]) == (2, 0, "402")

    def test_a_camera_is_found_by_its_whole_name_on_any_page(self, desk: Desk) -> None:
        cameras = {number: f"rig {number:03}" for number in range(1, 61)}
        _desk(desk, replace(SUMMARY, camera="rig 060"), Rules(cameras={**cameras, 61: "the rig 060, left"}))
        desk.write(*make_results(2))
        assert (desk.send().delivered, list(desk.box.runs)) == (2, ["60"])

    def test_errors_are_pages_for_who_does_not_accept_json(self, desk: Desk) -> None:
        client = Client(replace(SUMMARY, token="wrong"), transport=WsgiAdapter(desk.mount))
        client._session.headers["Accept"] = "text/html"
        with pytest.raises(AuthError, match="an HTML page in place of JSON"):
            client.get("users/self")

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"token": ""}, "token"),
            ({"login": "ci", "password": "x"}, "token"),
            ({"camera": "ab"}, "camera"),
            ({"most_marks": 0}, "most_marks"),
            ({"run_id": "7"}, "run_id"),
            ({"aggregate": "last"}, "aggregate"),
        ],
    )
    def test_impossible_settings_are_found_before_anything_is_sent(self, changes: dict[str, Any], word: str) -> None:
        with pytest.raises(ConfigError, match=word):
            replace(AIPIX, **changes)
