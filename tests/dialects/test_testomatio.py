"""What the marks of suites written for pytestomatio say, without the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest


@pytest.mark.testomatio_tags("all")
@pytest.mark.testomatio("@T1a2b3c4d")
class TestNearest:
    def test_inherits(self):
        pass

    @pytest.mark.slow
    @pytest.mark.fast
    @pytest.mark.testomatio_tags("smoke", "all")
    @pytest.mark.testomatio("@T00000002")
    def test_own(self):
        pass


@pytest.mark.testomatio("@T00000003")
@pytest.mark.tms("C7")
def test_clash():
    pass


@pytest.mark.testomatio()
def test_wrong():
    pass
"""


def test_ids_and_tags_are_heard(project: Project) -> None:
    project.environ["TESTOMATIO_TAG_MARKERS"] = "slow, other"
    project.write("pytest.ini", "[pytest]\nmarkers =\n    slow\n    fast\n")
    project.write("test_marked.py", MARKED)
    ran = project.report("--strict-markers")

    assert ran.status == 0
    found = {nodeid.rpartition("::")[2]: result for nodeid, result in ran.last.items()}
    assert {name: result.ids for name, result in found.items()} == {
        "test_inherits": ({"@testomatio": ("T1a2b3c4d",)},),
        "test_own": ({"@testomatio": ("T00000002",)},),
        "test_clash": ({"": ("C7",)}, {"@testomatio": ("T00000003",)}),
        "test_wrong": (),
    }
    assert {result.title: (result.cases, result.body["fields"].get("tags")) for result in project.arrived} == {
        "test_inherits": ((), "all"),
        "test_own": ((), "smoke,all,slow"),
        "test_clash": (("7",), None),
        "test_wrong": ((), None),
    }
    assert ran.line("wrong mark") == (
        "wrong mark: test_marked.py::test_wrong: "
        "None in @pytest.mark.testomatio is no case id: write '@T' and 8 characters"
    )
