"""Guizhan Resources: a run is a version with a changelog and an archive; nothing is public unasked."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from pytest_tmsreport.errors import AuthError, ConfigError, NotFound, PermanentError, VendorError
from pytest_tmsreport.faults import Fault
from pytest_tmsreport.model import Outcome
from pytest_tmsreport.sandbox import guizhan as guizhan_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.guizhan import CHANNEL, PROJECT, TOKEN, Rules
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.testing import Desk, LosesAnswer, VendorContract, make_results
from pytest_tmsreport.vendors.guizhan import Guizhan

GUIZHAN = Guizhan(
    name="guizhan",
    kind="guizhan",
    url="https://guizhan.test/guizhan/v1",
    token=TOKEN,
    project=PROJECT,
    channel=CHANNEL,
    publish=True,
)
CHANGELOG = """\
## pytest 2026-09-14 10:02

**failure**: 2 tests, 2026-09-14 10:02:12 to 2026-09-14 10:02:13 UTC, 1.2 s

| outcome | tests |
|---|---|
| passed | 1 |
| failed | 1 |

### Failures

`tests/test_shop.py::TestCart::test_1`: failed

    AssertionError: assert 1 == 2

pytest-tmsreport 20260914-100211-0a1b2c3d"""
DATA = {
    "channel": CHANNEL,
    "version": "tests.20260914-100211-0a1b2c3d.06b75e4",
    "name": "pytest 2026-09-14 10:02",
    "files": [{"name": "report.zip"}],
    "changelog": CHANGELOG,
    "minecraft_versions": [],
    "platforms": ["other"],
    "dependencies": [],
}


class Kept(WsgiAdapter):
    """The sandbox; keeps the bodies of forms."""

    def __init__(self, mount: Mount) -> None:
        super().__init__(mount)
        self.archives: list[zipfile.ZipFile] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if request.method == "POST":
            form: Any = request.body
            body = form.read()
            start = body.index(b"PK\x03\x04")
            self.archives.append(zipfile.ZipFile(io.BytesIO(body[start:])))
            request.body = body
        return super().send(request, *args, **kwargs)


def _desk(desk: Desk, rules: Rules | None = None, **changes: Any) -> Desk:
    """The same desk with another sandbox, or other settings."""
    desk.sandbox = guizhan_sandbox.create(rules)
    desk.box = desk.sandbox.box
    desk.mount = Mount([desk.sandbox])
    desk.vendor = replace(desk.vendor, **changes)
    return desk


class TestGuizhan(VendorContract):
    vendor = GUIZHAN
    sandbox = staticmethod(guizhan_sandbox.create)

    # A version is taken or refused as a whole: no single result can be what Guizhan does not take.

    def suffer(self, desk: Desk, fault: Fault, trouble: str, everything: int) -> None:
        if fault.spoils:
            pytest.skip("no result spoils a version")
        super().suffer(desk, fault, trouble, everything)

    def test_one_bad_result_does_not_hold_up_the_others(self, desk: Desk) -> None:
        desk.write(*self.results(9))
        desk.mount.troubles.add("400*1@versions")
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 0, 9)
        again = desk.send(again=True)
        assert (again.delivered, again.refused) == (9, 0)

    # What is sent

    def test_a_version_is_sent_as_written_out_here(self, desk: Desk) -> None:
        desk.write(*make_results(2))
        assert desk.send().delivered == 2
        look, made = desk.box.requests
        assert (look.method, look.path) == ("GET", "/guizhan/v1/projects/shop/channels")
        assert (made.method, made.path) == ("POST", "/guizhan/v1/projects/shop/versions")
        data, file = made.body["parts"]
        assert (data["field"], json.loads(data["value"])) == ("data", DATA)
        assert (file["field"], file["filename"], file["mime"]) == ("report.zip", "report.zip", "application/zip")

    def test_the_archive_holds_junit_xml_json_and_each_content_once(self, desk: Desk) -> None:
        outcomes = [replace(each, message=f"why \x00{each.title}") for each in make_results(6)]
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        evil = desk.journal.attach("../../evil .txt", "text/plain", b"evil")
        outcomes[0] = replace(outcomes[0], attachments=(log, evil), nodeid="tests/test_shop.py::test_0[a::b]")
        outcomes[1] = replace(outcomes[1], attachments=(replace(log, name="other.txt"),))
        desk.write(*outcomes)
        way = Kept(desk.mount)
        assert desk.send(transport=way).files == 2
        (archive,) = way.archives
        names = archive.namelist()
        assert names[:2] == ["junit.xml", "results.json"]
        assert [name.rpartition("/")[2] for name in names[2:]] == ["other.txt", "evil .txt"]
        assert not [name for name in names if ".." in name]
        suite = ET.fromstring(archive.read("junit.xml"))[0]  # noqa: S314 - ours
        assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "2"]
        assert [suite[0].get(key) for key in ("classname", "name")] == ["tests.test_shop", "test_0[a::b]"]
        assert [[each.tag for each in case] for case in suite] == [
            [],
            ["failure"],
            ["error"],
            ["skipped"],
            ["skipped"],
            [],
        ]
        told = json.loads(archive.read("results.json"))
        assert told["run"]["name"] == desk.run.name
        assert [row["outcome"] for row in told["results"]] == [outcome.value for outcome in Outcome]
        assert archive.read(told["results"][1]["attachments"][0]["path"]) == b"hello"

    def test_a_long_changelog_counts_the_failures_it_has_no_room_for(self, desk: Desk) -> None:
        desk.vendor = replace(GUIZHAN, max_changelog=2000)
        desk.write(*make_results(50, outcome=Outcome.FAILED, message="x" * 500))
        assert desk.send().delivered == 50
        (run,) = desk.box.runs.values()
        assert len(run.body["changelog"]) <= 2000
        assert "and 47 more failures" in run.body["changelog"]

    def test_words_of_tests_are_no_markdown(self, desk: Desk) -> None:
        desk.run = replace(desk.run, name="<b>*x*</b>")
        whole = GUIZHAN.condense(desk.run, make_results(2, message="# not\na heading", outcome=Outcome.FAILED))
        assert "\\<b\\>\\*x\\*" in whole[0].description
        assert "    # not\n    a heading" in whole[0].description

    def test_nothing_is_published_unasked_and_a_dry_run_shows_what_would_be(self, desk: Desk) -> None:
        desk.vendor = replace(GUIZHAN, publish=False)
        desk.write(*make_results(3))
        tally = desk.send()
        assert (tally.kept, tally.requests) == (3, 0)
        assert "publish = true" in tally.remedy
        seen: list[str] = []
        desk.send(rehearse=lambda _, request: seen.append(str(request)))
        assert seen == ["GET projects/shop/channels", "POST projects/shop/versions"]
        desk.vendor = GUIZHAN
        assert desk.send().delivered == 3

    # What comes back

    def test_a_version_that_is_there_already_counts_as_delivered(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        tally = desk.send(transport=LosesAnswer(desk.mount, 2))
        assert (tally.delivered, tally.refused, len(desk.box.runs)) == (3, 0, 1)
        assert [each.status for each in desk.box.requests] == [200, 200, 409]

    def test_other_results_of_the_same_run_are_never_taken_for_those_that_are_there(self, desk: Desk) -> None:
        run_id = GUIZHAN.open_run(desk.client(), desk.run)
        for results in (make_results(2), make_results(3), make_results(3)):
            GUIZHAN.send(desk.client(), run_id, GUIZHAN.condense(desk.run, results))
        assert [len(desk.box.results_of(name)) for name in desk.box.runs] == [2, 3]

    def test_a_channel_on_the_third_page_is_found(self, desk: Desk) -> None:
        _desk(desk, Rules(channels=(*(f"c{number}" for number in range(49)), CHANNEL)))
        GUIZHAN.verify(desk.client())
        assert len(desk.box.requests) == 3

    def test_a_wrong_channel_is_named_with_those_there_are(self, desk: Desk) -> None:
        desk.vendor = replace(GUIZHAN, channel="nightly")
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, "test-reports" in tally.reason, "nightly" in tally.reason) == (2, True, True)
        with pytest.raises(NotFound):
            desk.vendor.verify(desk.client())
        assert not desk.box.runs

    @pytest.mark.parametrize(
        ("rules", "changes", "kind", "code"),
        [
            (Rules(), {"project": "nope"}, NotFound, 5000),
            (Rules(), {"token": "gz_" + 32 * "0"}, AuthError, 4000),
            (Rules(), {"token": "gz_cut"}, AuthError, 2002),
            (Rules(), {"scheme": ""}, AuthError, 2001),
            (Rules(), {"url": "https://guizhan.test/guizhan"}, VendorError, 5),
            (Rules(scopes=frozenset({"project:read"})), {}, AuthError, 2201),
            (Rules(is_locked=True), {}, PermanentError, 5003),
        ],
    )
    def test_what_is_wrong_with_token_or_project_is_said_and_everything_is_kept(
        self, desk: Desk, rules: Rules, changes: dict[str, Any], kind: type[VendorError], code: int
    ) -> None:
        _desk(desk, rules, **changes)
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, bool(tally.remedy)) == (2, True)
        assert tally.reason.startswith(str(code))
        with pytest.raises(kind):
            desk.vendor.send(desk.client(), "tests.1", desk.vendor.condense(desk.run, make_results(1)))

    def test_a_scheme_may_be_another_word_or_none(self) -> None:
        assert replace(GUIZHAN, scheme="Token").auth.value == f"Token {TOKEN}"
        assert replace(GUIZHAN, scheme="").auth.value == TOKEN

    def test_a_limit_without_a_time_is_waited_for_thirty_seconds(self, desk: Desk) -> None:
        desk.write(*make_results(1))
        desk.mount.troubles.add("429=none*2")
        assert desk.send().delivered == 1
        assert [seconds for seconds in desk.time.slept if seconds] == [30.0, 30.0]

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"version": "no blanks"}, "version"),
            ({"version": "x" * 31}, "version"),
            ({"platforms": ("papper",)}, "papper"),
            ({"channel": ""}, "channel"),
            ({"run_id": "7"}, "run_id"),
            ({"aggregate": "worst"}, "aggregate"),
            ({"max_changelog": 10}, "max_changelog"),
        ],
    )
    def test_impossible_settings_are_found_before_anything_is_sent(self, changes: dict[str, Any], word: str) -> None:
        with pytest.raises(ConfigError, match=word):
            replace(GUIZHAN, **changes)
