"""What Azure's stand-in remembers of test runs beside the box."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .azure_answers import Row, missing
from .azure_fields import FIRST_RESULT, Rules
from .azure_plans import Point
from .box import Box


@dataclass
class Run:
    """A run as it is now; `slots` are the results that it has made for points: their ids and what is known of them."""

    id: int
    fields: Row
    state: str
    updated: float
    slots: dict[int, Row] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_RESULT))
    revision: int = 1


class Store:
    """The runs by id."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.box = box
        self.rules = rules
        self.clock = clock
        self.runs: dict[int, Run] = {}

    def known(self, run: int) -> Run:
        """The run; raises Refused where there is none."""
        if run not in self.runs:
            raise missing(f"Test run {run}")
        return self.runs[run]

    def rows(self, run: Run) -> list[Row]:
        """The results of a run by id: those that came, and the slots that still wait for theirs."""
        with self.box.lock:
            arrived = {int(each.id): each.body for each in self.box.results_of(str(run.id))}
        open_slots = {key: {**slot, "id": key} for key, slot in run.slots.items()}
        return [row for _, row in sorted({**open_slots, **arrived}.items())]

    def slot(self, point: Point) -> Row:
        """What a result that a run has made for a point holds from the start."""
        configuration = {"id": str(point.configuration), "name": self.rules.configurations[point.configuration]}
        found: Row = {
            "state": "Pending",
            "outcome": "Unspecified",
            "testCase": {"id": str(point.case)},
            "testPoint": {"id": str(point.id)},
            "testCaseTitle": f"Case {point.case}",
            "configuration": configuration,
        }
        if point.case in self.rules.automated:
            found["automatedTestName"] = self.rules.automated[point.case]
        return found
