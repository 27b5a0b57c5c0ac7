"""What a test costs us, in counts that no load of the machine changes; `python -m tests.bench` has the whole of it."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench import suites
from bench.reporters import BARE, OURS
from bench.sessions import Session

from pytest_tmsreport.vendors.qase import Qase

if TYPE_CHECKING:
    from pytest_tmsreport.sandbox.server import Served

K_INSTRUCTIONS_PER_TEST = 230
MODULES_WHEN_OFF = 10
MODULES_WHEN_ON = 68
JOURNAL_BYTES_PER_PASSING_TEST = 240
PEAK_BYTES_PER_TEST = 220

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read where Linux tells it")


@pytest.fixture
def bare(tmp_path: Path) -> Session:
    """pytest without a plugin, at a suite of 51 tests."""
    return Session(BARE, suites.write(tmp_path / "bare", 51), python=Path(sys.executable))


@pytest.fixture
def ours(tmp_path: Path, served: Served) -> Session:
    """The same with ours, which reports to the sandbox."""
    return Session(OURS, suites.write(tmp_path / "ours", 51), served.url, python=Path(sys.executable))


def test_a_test_costs_no_more_instructions_than_it_should(bare: Session, ours: Session) -> None:
    if not shutil.which("valgrind"):
        pytest.skip("valgrind, which counts instructions, is not installed")
    with ThreadPoolExecutor(2) as pool:
        theirs, whole = pool.map(lambda session: session.instructions_between(11, 51), (bare, ours))
    assert (whole - theirs) / 40 / 1000 < K_INSTRUCTIONS_PER_TEST


def test_few_modules_are_imported_for_us(bare: Session, ours: Session) -> None:
    before = bare.cost().modules
    assert len(replace(ours, is_on=False).cost().modules - before) <= MODULES_WHEN_OFF
    assert len(ours.cost().modules - before) <= MODULES_WHEN_ON


def test_results_travel_200_to_a_request_and_take_no_file_each(ours: Session, served: Served, tmp_path: Path) -> None:
    cost = replace(ours, folder=suites.write(tmp_path / "many", 401)).cost()
    box = served.boxes["qase"]
    assert len(box.results) == 401
    assert len(box.requests) == 2 + 3
    assert cost.files == ours.cost().files
    assert 0 < cost.passing_bytes < JOURNAL_BYTES_PER_PASSING_TEST


def test_many_requests_share_the_few_connections_that_may_be_open_at_once(ours: Session, served: Served) -> None:
    replace(ours, options=("--tms-set", "qase.batch_size=5")).cost()
    assert len(served.boxes["qase"].requests) == 2 + 11
    assert 1 <= served.connections() <= Qase.parallel


def test_memory_hardly_grows_with_the_suite(bare: Session, ours: Session, tmp_path: Path) -> None:
    def peak(session: Session, tests: int) -> int:
        folder = suites.write(tmp_path / f"{session.folder.name}-{tests}", tests)
        return replace(session, folder=folder).cost(with_trace=True).traced_peak

    growth = peak(ours, 300) - peak(ours, 100) - (peak(bare, 300) - peak(bare, 100))
    assert growth / 200 < PEAK_BYTES_PER_TEST
