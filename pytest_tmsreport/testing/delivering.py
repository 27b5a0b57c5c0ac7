"""What becomes of results and files while nothing is wrong with the tool but a token, a limit, or an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ..errors import PermanentError, TransientError, VendorError
from ..model import Outcome
from .desk import Desk
from .subject import Subject
from .transports import Canned


class Delivering(Subject):
    """Each result arrives once, in one run; nothing secret does; errors are called what they are."""

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


def _nested(paths: Mapping[str, Any], message: str, text: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for path, value in {**paths, message: text}.items():
        inner = body
        *outer, last = path.split(".")
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return body
