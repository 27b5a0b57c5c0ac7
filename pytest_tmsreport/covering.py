"""Which of a tool's cases a test belongs to, by what marks and by what tests are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .model import Outcome, Result
from .nodeids import dotted
from .vendor import Case, Vendor


class Covering(NamedTuple):
    """The cases of a destination, by what marks and by what tests are called."""

    vendor: Vendor
    by_id: Mapping[str, set[int]]
    by_name: Mapping[str, set[int]]

    @classmethod
    def of(cls, vendor: Vendor, cases: Sequence[Case]) -> Covering:
        by_id: dict[str, set[int]] = {}
        by_name: dict[str, set[int]] = {}
        for at, case in enumerate(cases):
            for text in case.ids:
                by_id.setdefault(text.casefold(), set()).add(at)
            for text in case.names:
                by_name.setdefault(text, set()).add(at)
        return cls(vendor, by_id, by_name)

    def find(self, result: Result) -> set[int] | None:
        """The places of the cases that a test belongs to; None for one that names none and is called as none."""
        ids = self.vendor.case_ids(result)
        if ids:
            return set().union(*(self.by_id.get(each.casefold(), ()) for each in ids))
        function = result.nodeid.partition("[")[0]
        names = (result.nodeid, dotted(result.nodeid), function, dotted(function))
        return set().union(*(self.by_name.get(each, ()) for each in names)) or None


def not_run(nodeid: str, ids: Sequence[Mapping[str, tuple[str, ...]]]) -> Result:
    """A test that has not run, of which only its node id and what its marks say of ids can be read."""
    return Result(id="", nodeid=nodeid, title="", outcome=Outcome.PASSED, start=0.0, duration=0.0, ids=tuple(ids))
