"""What a `conftest.py` may say about a run and its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from .model import Result, Run


@pytest.hookspec
def pytest_tmsreport_run(run: Run) -> Run | None:
    """Returns a changed run (`dataclasses.replace(run, name=…)`), or None to keep it.

    Called once, when the session begins, by the process that reports (with xdist: the controller), for each conftest
    file and plugin that is loaded before collection. `run.id` cannot be changed.
    """


@pytest.hookspec
def pytest_tmsreport_result(result: Result) -> Result | Literal[False] | None:
    """Returns a changed result, None to keep it, or False to leave it out of the report.

    Called when a test has ended, by the process that reports. `result.start` is in epoch seconds, `result.duration` in
    seconds; `result.id` cannot be changed. A hook that raises changes nothing, and the summary says so.
    """
