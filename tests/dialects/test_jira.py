"""What the marks of suites written for pytest-jira say, without the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest


@pytest.mark.jira("SHOP-1", run=False)
class TestTogether:
    @pytest.mark.jira("SHOP-2", "SHOP-3", skipif=False)
    def test_several(self):
        pass


@pytest.mark.jira()
def test_of_nothing():
    pass


@pytest.mark.jira(4)
def test_wrong():
    pass
"""


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("none", "{key}"),
        ("jira.cfg", "{key} https://jira.test/browse/{key}"),
        ("variable", "{key} https://other.test/browse/{key}"),
    ],
)
def test_issues_arrive_as_links(project: Project, source: str, address: str) -> None:
    if source != "none":
        project.write("jira.cfg", "[DEFAULT]\nurl = https://jira.test/\nusername = ann\n")
    if source == "variable":
        project.environ["PYTEST_JIRA_URL"] = "https://other.test"
    project.write("test_marked.py", MARKED)
    ran = project.report("--strict-markers")

    assert ran.status == 0
    (several,) = [result for result in project.arrived if result.title == "test_several"]
    issues = [f"issue: {address.format(key=key)}" for key in ("SHOP-2", "SHOP-3", "SHOP-1")]
    assert several.body["message"].splitlines() == issues
    write = "write its key, such as 'SHOP-12'"
    assert [line.strip() for line in ran.out.splitlines() if "wrong mark" in line] == [
        f"wrong mark: test_marked.py::test_of_nothing: @pytest.mark.jira names no issue: {write}",
        f"wrong mark: test_marked.py::test_wrong: 4 in @pytest.mark.jira is no issue: {write}",
    ]
