"""What the marks of suites written for pytest-jira-xray say, without the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.sandbox import xray as xray_sandbox
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest


@pytest.mark.xray("SHOP-1", "SHOP-2", defects=["SHOP-12"])
def test_several():
    pass


@pytest.mark.xray(["SHOP-3", "SHOP-4"])
class TestNearest:
    def test_inherits(self):
        pass

    @pytest.mark.xray("SHOP-5")
    def test_own(self):
        pass

    @pytest.mark.tms("SHOP-6")
    def test_clash(self):
        pass


@pytest.mark.xray()
def test_of_nothing():
    pass


@pytest.mark.xray("SHOP-7", None, defects=[9])
def test_wrong():
    pass
"""


@pytest.fixture
def served() -> Iterator[Served]:
    """Xray's sandbox."""
    with serve([xray_sandbox.create()]) as running:
        yield running


def test_tests_and_defects_arrive(project: Project) -> None:
    project.settings("[tmsreport:xray]\nonly_mapped = true\n")
    project.write("test_marked.py", MARKED)
    ran = project.pytest("--strict-markers", "--tms-to", "xray")

    assert ran.status == 0
    box = project.served.boxes["xray"]
    assert {result.id: result.body.get("defects", []) for result in box.results.values()} == {
        "SHOP-1": ["SHOP-12"],
        "SHOP-2": ["SHOP-12"],
        **{f"SHOP-{number}": [] for number in range(3, 8)},
    }
    write = "write the key of a test, such as 'SHOP-12'"
    wrong = (f"None in @pytest.mark.xray is no case id: {write}", "9 in defects= of @pytest.mark.xray is no issue")
    assert ran.line("wrong mark: test_marked.py::test_of_nothing").endswith(f"@pytest.mark.xray names no test: {write}")
    assert "; ".join(wrong) in ran.line("wrong mark: test_marked.py::test_wrong")
