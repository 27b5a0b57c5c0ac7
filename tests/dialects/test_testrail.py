"""What the marks of suites written for pytest-testrail say, without the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest


@pytest.mark.testrail(ids=("C1", "TR-2"))
@pytest.mark.testrail_defects(defect_ids=("SHOP-12", "SHOP-13"))
def test_all():
    pass


@pytest.mark.testrail(ids=("C3",))
@pytest.mark.testrail_defects(defect_ids=("SHOP-14",))
class TestNearest:
    def test_inherits(self):
        pass

    @pytest.mark.testrail(ids=("C4",))
    def test_own(self):
        pass

    @pytest.mark.tms("C5", qase="7")
    def test_clash(self):
        pass


@pytest.mark.testrail("C6")
def test_without_their_decorator():
    pass


@pytest.mark.testrail(ids=("C7", "none", None))
@pytest.mark.testrail_defects(defect_ids=(8,))
def test_wrong():
    pass
"""


@pytest.fixture
def served() -> Iterator[Served]:
    """TestRail's sandbox."""
    with serve([testrail_sandbox.create()]) as running:
        yield running


def test_cases_and_defects_arrive(project: Project) -> None:
    project.write("test_marked.py", MARKED)
    ran = project.pytest("--strict-markers", "--tms-to", "testrail")

    assert ran.status == 0
    arrived = {result.cases: result.body for result in project.served.boxes["testrail"].results.values()}
    assert {cases: body.get("defects", "") for cases, body in arrived.items()} == {
        ("1",): "SHOP-12,SHOP-13",
        ("2",): "SHOP-12,SHOP-13",
        ("3",): "SHOP-14",
        ("4",): "SHOP-14",
        ("5",): "SHOP-14",
        ("6",): "",
        ("7",): "",
    }
    assert ran.line("wrong mark") == (
        "wrong mark: test_marked.py::test_wrong: none in @pytestrail.case is no case id: write 'C7'; "
        "None in @pytestrail.case is no case id: write 'C7'; "
        "8 in @pytestrail.defect is no issue: write its key, such as 'SHOP-12'"
    )
