"""What becomes of an upload through every fault of the table, and of one that is killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ..faults import FAULTS, Arrived, End, Fault, Killed, Unreachable, Watched
from ..pending import is_doubtful
from ..sandbox.adapter import WsgiAdapter
from .desk import Desk
from .subject import Subject
from .transports import LosesAnswer

FAULTLESS = pytest.StashKey[Watched]()


class Suffering(Subject):
    """Nothing is lost and nothing doubled, whatever goes wrong."""

    def twelve(self, folder: Path, fault: Fault | None = None) -> Desk:
        """A session of twelve results that has ended, one with a file, to be sent in three batches, one by one."""
        desk = Desk(folder, self.vendor, type(self).sandbox())
        desk.vendor = replace(desk.vendor, batch_size=min(4, desk.vendor.batch_size), parallel=1)
        results = self.results(12)
        shot = desk.journal.attach("shot.png", "image/png", b"pixels")
        results[0] = replace(results[0], attachments=(shot,))
        if fault and fault.spoils:
            results[4] = self.spoil(results[4])
        desk.write(*results)
        return desk

    @pytest.fixture
    def faultless(self, request: pytest.FixtureRequest, tmp_path: Path) -> Watched:
        """What each request of their upload does while nothing goes wrong; found out once."""
        stash = request.node.parent.stash
        if FAULTLESS not in stash:
            desk = self.twelve(tmp_path / "faultless")
            stash[FAULTLESS] = watched = Watched(desk.mount, desk.box)
            desk.send(transport=watched)
        found: Watched = stash[FAULTLESS]
        return found

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
    def test_whatever_goes_wrong_nothing_is_lost_and_nothing_doubled(
        self, tmp_path: Path, faultless: Watched, fault: Fault
    ) -> None:
        desk = self.twelve(tmp_path / "desk", fault)
        trouble = fault.spec(faultless.places()) if fault.trouble else ""
        self.suffer(desk, fault, trouble, faultless.arrived().unique)

    @pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.passes], ids=lambda fault: fault.name)
    def test_a_fault_that_passes_costs_nothing_whichever_request_it_meets(
        self, tmp_path: Path, faultless: Watched, fault: Fault
    ) -> None:
        everything = faultless.arrived().unique
        for number in range(1, len(faultless.did)):
            self.suffer(self.twelve(tmp_path / str(number)), fault, f"{fault.trouble}+{number}", everything)

    def suffer(self, desk: Desk, fault: Fault, trouble: str, everything: int) -> None:
        """Sends through a fault, and once more when it is over; `everything` is the number of results at the tool."""
        desk.mount.troubles.add(*([trouble] if trouble else []))
        way = Unreachable(desk.mount, fault.network) if fault.network else WsgiAdapter(desk.mount)
        tally = desk.send(deadline_s=180, transport=way)

        arrived = Arrived.at(desk.box)
        is_kept = tally.kept > tally.doubtful
        assert tally.delivered + tally.kept + tally.refused == 12, trouble
        assert (arrived.doubled, arrived.unique >= tally.delivered) == (0, True), trouble
        assert not tally.doubtful or (fault.is_lost and is_doubtful(desk.vendor)), trouble
        assert bool(tally.kept) is (fault.end is End.KEPT) or tally.doubtful or fault.end is End.NO_SUCCESS, trouble
        end = End.REFUSED if fault.splits and desk.vendor.batch_size == 1 else fault.end
        is_kept_instead = fault.end is End.NO_SUCCESS and tally.kept
        assert bool(tally.refused) is (end is End.REFUSED) or is_kept_instead, trouble
        assert bool(tally.reason and tally.remedy) is bool(tally.kept), trouble
        assert fault.said in tally.reason or not is_kept, trouble
        assert len(tally.refusals) == tally.refused, trouble
        assert all(fault.said in words for _, words in tally.refusals), trouble

        desk.mount.troubles.clear()
        again = desk.send(again=not fault.spoils)
        arrived = Arrived.at(desk.box)
        assert (again.kept, again.refused) == (tally.doubtful, int(fault.spoils)), trouble
        assert (arrived.doubled, len({result.run for result in desk.box.results.values()}) <= 1) == (0, True), trouble
        missing = (tally.doubtful + again.refused) * everything // 12
        assert everything - missing <= arrived.unique <= everything, trouble
        assert tally.doubtful or tally.notes or bool(desk.box.attachments) is self._takes_files(), trouble

    def test_a_kill_after_any_answer_loses_nothing_and_doubles_nothing(
        self, tmp_path: Path, faultless: Watched
    ) -> None:
        everything = faultless.arrived().unique
        for number in range(1, len(faultless.did) + 1):
            desk = self.twelve(tmp_path / str(number))
            with pytest.raises(Killed):
                desk.send(transport=LosesAnswer(desk.mount, number, Killed, for_good=True))
            tally = desk.send()
            arrived = Arrived.at(desk.box)
            assert arrived.doubled == 0, f"killed after answer {number}"
            assert (arrived.unique, tally.kept) == (everything, 0) or is_doubtful(desk.vendor), (
                f"killed after answer {number}"
            )
            assert tally.kept == tally.doubtful, f"killed after answer {number}"
