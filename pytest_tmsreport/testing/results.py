"""Sample results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..model import Outcome, Result


def make_results(number: int, **changes: Any) -> list[Result]:
    """So many results with ids, cases and every outcome in turn."""
    outcomes = list(Outcome)
    return [
        replace(
            Result(
                id=f"11111111-1111-4111-8111-{index:012x}",
                nodeid=f"tests/test_shop.py::TestCart::test_{index}",
                title=f"test_{index}",
                outcome=outcomes[index % len(outcomes)],
                start=1789380132.0 + index,
                duration=0.25,
                message="AssertionError: assert 1 == 2" if outcomes[index % len(outcomes)].is_bad else "",
                ids=({"": (str(index + 1),)},),
                suite=("tests", "test_shop", "TestCart"),
            ),
            **changes,
        )
        for index in range(number)
    ]
