"""Vani: everything is looked up, and the summary stands in a file; nothing is sent that has no place there."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_tmsreport.errors import AuthError, ConfigError, JournalError, NotFound, PermanentError, VendorError
from pytest_tmsreport.faults import FAULTS, Fault, Killed, Unreachable, Watched
from pytest_tmsreport.model import Outcome
from pytest_tmsreport.sandbox import vani as vani_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.vani import API_KEY, EDITION, SPACE, TEAM, TOKEN, Rules
from pytest_tmsreport.testing import RUN, Desk, LosesAnswer, VendorContract, make_results
from pytest_tmsreport.vendors import _vani_places as places
from pytest_tmsreport.vendors.vani import Vani

VANI = Vani(
    name="vani",
    kind="vani",
    url="https://vani.test/vani/vani/api/v1",
    token=TOKEN,
    edition="Acme",
    team="QA",
    space="Release 1.2 QA",
)
SUMMARY = """\
## pytest 2026-09-14 10:02

**failure**: 2 tests, 2026-09-14 10:02:12 to 2026-09-14 10:02:13 UTC, 1.2 s

| outcome | tests |
|---|---|
| passed | 1 |
| failed | 1 |

### Failures

`tests/test_shop.py::TestCart::test_1`: failed

    AssertionError: assert 1 == 2

pytest-tmsreport 20260914-100211-0a1b2c3d

For space 'Release 1.2 QA', team 'QA', edition 'Acme'.
"""


def _desk(desk: Desk, rules: Rules | None = None, **changes: Any) -> Desk:
    """The same desk with another sandbox, or other settings."""
    desk.sandbox = vani_sandbox.create(rules)
    desk.box = desk.sandbox.box
    desk.mount = Mount([desk.sandbox])
    desk.vendor = replace(desk.vendor, **changes)
    return desk


def _written(desk: Desk) -> list[Path]:
    folder = Path(desk.vendor.folder)  # type: ignore[attr-defined]  # of Vani
    return sorted(folder.glob("*.md"))


def _asked(desk: Desk) -> list[str]:
    return [f"{each.method} {each.path.removeprefix('/vani/vani/api/v1/')}" for each in desk.box.requests]


class TestVani(VendorContract):
    vendor = VANI
    sandbox = staticmethod(vani_sandbox.create)

    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        made = Desk(tmp_path, replace(VANI, folder=str(tmp_path / "out")), vani_sandbox.create())
        yield made
        with suppress(JournalError):  # most tests have ended it
            made.journal.end(exitstatus=0, not_run=[])

    def twelve(self, folder: Path, fault: Fault | None = None) -> Desk:
        desk = super().twelve(folder, fault)
        return _desk(desk, folder=str(folder / "out"))

    # Nothing arrives at Vani: what the contract looks for in its sandbox is looked for in the file.

    def test_each_result_arrives_once_and_in_one_run(self, desk: Desk) -> None:
        desk.write(*make_results(50, outcome=Outcome.FAILED))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused, tally.reason) == (50, 0, 0, "")
        (path,) = _written(desk)
        text = path.read_text(encoding="utf-8")
        assert all(text.count(f"::test_{number}`") == 1 for number in range(50))
        assert desk.box.results == {}

    def test_one_bad_result_does_not_hold_up_the_others(self, desk: Desk) -> None:
        pytest.skip("nothing is sent that Vani could refuse")

    @pytest.fixture
    def faultless(self) -> None:
        """No request brings results."""

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
    def test_whatever_goes_wrong_nothing_is_lost_and_nothing_doubled(
        self, tmp_path: Path, faultless: Watched, fault: Fault
    ) -> None:
        for number in range(3):
            desk = self.twelve(tmp_path / str(number))
            desk.mount.troubles.add(
                *([f"{fault.trouble}+{number}" if number else fault.trouble] if fault.trouble else [])
            )
            way = Unreachable(desk.mount, fault.network) if fault.network else WsgiAdapter(desk.mount)
            tally = desk.send(deadline_s=180, transport=way)
            assert (tally.delivered + tally.kept, tally.refused, tally.doubtful) == (12, 0, 0)
            assert bool(_written(desk)) is bool(tally.delivered)
            assert bool(tally.reason and tally.remedy) is bool(tally.kept)
            assert tally.delivered == 12 or not (fault.passes or fault.spoils)
            desk.mount.troubles.clear()
            assert desk.send().kept == 0
            assert len(_written(desk)) == 1

    @pytest.mark.parametrize("fault", FAULTS[:1], ids=["all"])
    def test_a_fault_that_passes_costs_nothing_whichever_request_it_meets(
        self, tmp_path: Path, faultless: Watched, fault: Fault
    ) -> None:
        pytest.skip("each fault meets each request above")

    def test_a_kill_after_any_answer_loses_nothing_and_doubles_nothing(
        self, tmp_path: Path, faultless: Watched
    ) -> None:
        for number in (1, 2, 3):
            desk = self.twelve(tmp_path / str(number))
            with pytest.raises(Killed):
                desk.send(transport=LosesAnswer(desk.mount, number, Killed, for_good=True))
            assert desk.send().delivered == 12
            assert len(_written(desk)) == 1

    # What is written

    def test_a_summary_is_written_as_it_stands_here_and_said_to_be_no_part_of_vani(self, desk: Desk) -> None:
        desk.write(*make_results(2))
        tally = desk.send()
        (path,) = _written(desk)
        assert path.name == f"{RUN.id}.md"
        assert path.read_text(encoding="utf-8") == SUMMARY
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert tally.run_id == SPACE
        where = "space 'Release 1.2 QA', team 'QA', edition 'Acme'"
        why = "nothing to Vani, whose API takes no results"
        assert tally.notes == [f"2 results written to {path}, {why}: paste it into {where}"]
        assert _asked(desk) == ["GET editions", f"GET editions/{EDITION}/teams", f"GET editions/{EDITION}/spaces"]

    def test_a_file_that_cannot_be_written_keeps_everything(self, desk: Desk, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        _desk(desk, folder=str(tmp_path / "file" / "out"))
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, tally.remedy) == (2, "set `folder`")

    def test_a_dry_run_writes_nothing(self, desk: Desk) -> None:
        desk.write(*make_results(2))
        tally = desk.send(rehearse=lambda _name, _request: None)
        assert (_written(desk), tally.notes, tally.reason) == ([], [], "")

    # What is looked up

    @pytest.mark.parametrize(
        ("changes", "run_id"),
        [
            ({"edition": EDITION, "team": str(TEAM), "space": SPACE}, SPACE),
            ({"team": "", "space": SPACE}, SPACE),
            ({"space": ""}, str(TEAM)),
            ({"team": "", "space": ""}, EDITION),
        ],
    )
    def test_places_are_found_by_id_or_name(self, desk: Desk, changes: dict[str, Any], run_id: str) -> None:
        _desk(desk, **changes)
        desk.write(*make_results(1))
        assert desk.send().run_id == run_id

    @pytest.mark.parametrize(
        ("rules", "changes", "kind", "word"),
        [
            (Rules(), {"edition": "Acne"}, NotFound, "Acme, Other"),
            (Rules(editions={}), {}, NotFound, "there is: none"),
            (Rules(editions={}, lacks_list=True), {}, NotFound, "there is: none"),
            (Rules(editions={"1": "Acme", "2": "Acme"}), {}, PermanentError, "1, 2"),
            (Rules(), {"team": "Dev"}, NotFound, "QA"),
            (Rules(), {"team": "77"}, NotFound, "404"),
            (Rules(), {"space": "Nope"}, NotFound, "Release 1.2 QA"),
            (Rules(), {"space": "77"}, NotFound, "404"),
            (Rules(teams={1: "QA", 2: "Dev"}, spaces={SPACE: ("S", 2)}), {"space": SPACE}, NotFound, "in team QA"),
            (Rules(wants_key=True), {}, AuthError, "apikey"),
            (Rules(), {"token": "old"}, AuthError, "401"),
        ],
    )
    def test_what_is_wrong_is_said_and_everything_is_kept(
        self, desk: Desk, rules: Rules, changes: dict[str, Any], kind: type[VendorError], word: str
    ) -> None:
        _desk(desk, rules, **changes)
        with pytest.raises(kind, match=word) as caught:
            desk.vendor.verify(desk.client())
        assert caught.value.remedy
        desk.write(*make_results(2))
        assert (desk.send().kept, _written(desk)) == (2, [])

    def test_the_api_key_goes_along_where_it_is_set(self, desk: Desk) -> None:
        _desk(desk, Rules(wants_key=True), api_key=API_KEY)
        desk.vendor.verify(desk.client())
        assert API_KEY not in repr(desk.vendor)

    def test_a_space_that_may_not_be_edited_is_noted(self, desk: Desk) -> None:
        _desk(desk, Rules(can_edit="false"))
        desk.write(*make_results(1))
        assert "may not edit" in desk.send().notes[0]

    # The typed client

    def test_editions_have_types(self, desk: Desk) -> None:
        first, second = places.editions(desk.client())
        born = datetime(2023, 4, 9, 8, 43, 2)  # noqa: DTZ001 - no zone is documented
        assert first == places.Edition(EDITION, "Acme", "ORG", "ACTIVE", is_default=True, created=born)
        assert not second.is_default
        assert places.edition(desk.client(), EDITION) == first
        assert places.editions(desk.client(), ["edition_id"])[0] == places.Edition(EDITION, "")
        with pytest.raises(VendorError, match="fields: colour is not valid"):
            places.editions(desk.client(), ["colour"])

    def test_ids_beyond_two_to_the_fifty_third_stay_exact(self, desk: Desk) -> None:
        (team,) = places.teams(desk.client(), EDITION)
        assert team.id == str(TEAM) == "9265000000002003007"

    @pytest.mark.parametrize(
        "text", ["", "yesterday", "Sun, 31 Feb 2023, 08:43:02", "Sun, 09 Foo 2023, 08:43:02", None]
    )
    def test_a_time_that_cannot_be_read_is_none(self, text: Any) -> None:
        assert places.when(text) is None

    def test_an_edition_is_made_once_and_only_where_that_is_asked_for(self, desk: Desk) -> None:
        _desk(desk, Rules(edition_name="called otherwise"), edition="Lab", team="", space="", create_team_edition=True)
        with pytest.raises(NotFound):
            desk.vendor.verify(desk.client())
        for number in (1, 2):
            each = desk.machine(number)
            each.write(*make_results(1))
            assert (each.send().delivered, each.send().kept) == (1, 0)
        assert _asked(desk).count("POST editions") == 1

    def test_a_lost_answer_makes_no_second_edition(self, desk: Desk) -> None:
        _desk(desk, edition="Lab", team="", space="", create_team_edition=True)
        desk.write(*make_results(1))
        assert desk.send(transport=LosesAnswer(desk.mount, 4)).delivered == 1
        assert [each.status for each in desk.box.requests if each.method == "POST"] == [200, 409]
        assert len(places.editions(desk.client())) == 3

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"edition": ""}, "edition"),
            ({"edition": "75910001", "create_team_edition": True}, "create_team_edition"),
            ({"run_id": "7"}, "run_id"),
            ({"aggregate": "worst"}, "aggregate"),
            ({"max_summary": 1}, "max_summary"),
        ],
    )
    def test_impossible_settings_are_found_before_anything_is_sent(self, changes: dict[str, Any], word: str) -> None:
        with pytest.raises(ConfigError, match=word):
            replace(VANI, **changes)
