"""What becomes of a run that several machines report into."""

from __future__ import annotations

import pytest

from ..pending import is_doubtful
from ..tally import Tally
from .desk import Desk
from .subject import Subject
from .transports import LosesAnswer, Meanwhile


class Sharing(Subject):
    """Machines that share a key share a run, and the last of them completes it."""

    @pytest.mark.parametrize("number", range(1, 7), ids=lambda number: f"request_{number}")
    def test_two_machines_that_open_a_run_of_one_key_at_once_report_into_one(self, desk: Desk, number: int) -> None:
        self._needs("find_run")
        results = self.results(7)
        one, other, stranger = desk.machine(1), desk.machine(2), desk.machine(3, key="build-77")
        one.write(*results[:3])
        other.write(*results[3:6])
        stranger.write(results[6])
        assert stranger.send().delivered == 1
        tallies: list[Tally] = []
        tallies.append(one.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(other.send()))))
        if len(tallies) == 1:  # it has made fewer requests
            tallies.append(other.send())
        assert [(tally.delivered, tally.kept, tally.notes) for tally in tallies] == [(3, 0, [])] * 2
        # A tool that removes no runs ends the one that came second.
        assert sum(run.end is None or bool(desk.box.results_of(run.id)) for run in desk.box.runs.values()) == 2
        assert len({tally.run_id for tally in tallies}) == 1
        assert len(desk.box.results_of(tallies[0].run_id)) == 6
        assert desk.box.runs[tallies[0].run_id].end is None
        assert all(tally.is_left_open is self.vendor.closes for tally in tallies)

    def test_a_machine_that_comes_later_joins_the_run_of_its_key(self, desk: Desk) -> None:
        self._needs("find_run")
        results = self.results(6)
        tallies = []
        for shard, part in enumerate((results[:2], results[2:4], results[4:])):
            each = desk.machine(shard)
            each.write(*part)
            tallies += [each.send(), each.send()]
        assert [(tally.delivered, tally.before) for tally in tallies] == [(2, 0), (0, 2)] * 3
        assert len(desk.box.runs) == 1
        assert len(desk.box.results) == 6

    def test_a_lost_answer_to_opening_a_run_of_a_key_makes_no_second_one(self, desk: Desk) -> None:
        self._needs("find_run")
        for number in range(1, 5):
            each = desk.machine(number, key=f"build-{number}")
            each.write(*self.results(2))
            tally = each.send(transport=LosesAnswer(desk.mount, number))
            assert tally.delivered + tally.doubtful == 2
            assert not tally.doubtful or is_doubtful(desk.vendor)
            assert len(desk.box.runs) == number

    @pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)], ids=str)
    def test_the_last_of_three_machines_completes_the_run(self, desk: Desk, order: tuple[int, ...]) -> None:
        self._close(desk)
        results = self.results(6)
        open_after = []
        for shard in order:
            each = desk.machine(shard, 3)
            each.write(*results[2 * shard - 2 : 2 * shard])
            tally = each.send()
            assert (tally.delivered, tally.notes, tally.is_run_open) == (2, [], False)
            assert len(desk.box.runs) == 1
            open_after.append((tally.is_left_open, desk.box.runs[tally.run_id].end is None))
            requests_before = len(desk.box.requests)
            assert each.send().is_left_open is tally.is_left_open
            assert len(desk.box.requests) == requests_before
        assert open_after == [(True, True), (True, True), (False, False)]

    @pytest.mark.parametrize("number", range(1, 12), ids=lambda number: f"request_{number}")
    def test_of_two_machines_that_end_at_once_one_completes_the_run_and_never_too_early(
        self, desk: Desk, number: int
    ) -> None:
        self._close(desk)
        results = self.results(6)
        first, second, third = (desk.machine(shard, 3) for shard in (1, 2, 3))
        first.write(*results[:2])
        second.write(*results[2:4])
        third.write(*results[4:])
        first.send()
        tallies: list[Tally] = []
        tallies.append(second.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(third.send()))))
        if len(tallies) == 1:
            assert desk.box.runs[tallies[0].run_id].end is None
            tallies.append(third.send())
        assert len(desk.box.results) == 6
        (run,) = desk.box.runs.values()
        is_completed = run.end is not None
        assert is_completed or self.vendor.notes_may_cross  # left open
        assert is_completed is not all(tally.is_left_open for tally in tallies)

    def test_a_machine_with_something_left_is_not_done(self, desk: Desk) -> None:
        self._close(desk)
        results = self.results(3)
        first, second = desk.machine(1, 2), desk.machine(2, 2)
        first.write(results[0], self.spoil(results[1]))
        second.write(results[2])
        assert first.send().refused == 1
        assert second.send().is_left_open
        assert [run.end for run in desk.box.runs.values()] == [None]

    def test_a_dry_run_of_a_machine_that_shares_a_run_sends_nothing_and_waits_for_nothing(self, desk: Desk) -> None:
        each = desk.machine(1, 2)
        each.write(*self.results(3))
        seen: list[str] = []
        tally = each.send(rehearse=lambda _name, request: seen.append(str(request)))
        assert (tally.reason, desk.box.requests, each.time.slept) == ("", [], [])
        assert seen
