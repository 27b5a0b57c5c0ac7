"""What the marks of suites written for pytest-reportportal say, without the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest


@pytest.mark.tc_id("C1")
@pytest.mark.name("Pays")
@pytest.mark.issue(issue_id=["SHOP-1", "SHOP-2"], reason="Known.", issue_type="PB")
@pytest.mark.smoke
@pytest.mark.feature("checkout", "more")
def test_all():
    pass


@pytest.mark.feature("all")
@pytest.mark.tc_id("C", parameterized=True)
class TestParameters:
    @pytest.mark.parametrize(("b", "a"), [(1, 2)])
    def test_each(self, a, b):
        pass

    @pytest.mark.tc_id("C", parameterized=True, params=["a"])
    @pytest.mark.parametrize(("b", "a"), [(1, 2)])
    def test_one(self, a, b):
        pass

    @pytest.mark.tc_id("C", parameterized=True, params="a", use_index=True)
    @pytest.mark.parametrize(("b", "a"), [(1, 2)])
    def test_index(self, a, b):
        pass

    @pytest.mark.feature("own")
    @pytest.mark.issue("SHOP-3", url="https://bugs.test/{issue_id}")
    @pytest.mark.name(name="Says more")
    def test_without(self):
        pass


@pytest.mark.tc_id()
@pytest.mark.issue(issue_id=object())
def test_wrong():
    pass


@pytest.mark.tms("C7", tags=["ours"])
@pytest.mark.tc_id("C", parameterized=True, params=[["a"]])
@pytest.mark.parametrize("a", [1])
def test_odd(a):
    pass
"""


def ran_by(project: Project, *args: str) -> tuple[Any, dict[str, Any]]:
    project.write("test_marked.py", MARKED)
    ran = project.report("--strict-markers", *args)
    assert ran.status == 0
    return ran, {nodeid.rpartition("::")[2]: result for nodeid, result in ran.last.items()}


def test_ids_names_and_issues_are_heard(project: Project) -> None:
    project.settings("markers =\n    smoke\n    feature\n[tmsreport:qase]\nmarks = reportportal\n")
    ran, found = ran_by(project)

    assert {name: result.ids for name, result in found.items()} == {
        "test_all": ({"@reportportal": ("C1",)},),
        "test_each[1-2]": ({"@reportportal": ("C[1,2]",)},),
        "test_one[1-2]": ({"@reportportal": ("C[2]",)},),
        "test_index[1-2]": ({"@reportportal": ("C[('a', 0)]",)},),
        "test_without": ({"@reportportal": ("C",)},),
        "test_wrong": (),
        "test_odd[1]": ({"": ("C7",)},),
    }
    assert [result.cases for result in project.arrived if result.title == "Pays"] == [("1",)]
    assert (found["test_all"].title, found["test_without"].title) == ("Pays", "Says more")
    links = {link.url: link.kind for result in found.values() for link in result.links}
    assert links == dict.fromkeys(("SHOP-1", "SHOP-2", "https://bugs.test/SHOP-3"), "issue")
    assert (found["test_all"].notes, found["test_all"].fields) == (("Known.",), {"issue_type": "PB"})
    assert {name: result.tags for name, result in found.items() if result.tags} == {"test_odd[1]": ("ours",)}
    odd = "tc_id cannot be read: TypeError"
    assert ran.line("wrong mark: test_marked.py::test_odd").startswith(
        f"wrong mark: test_marked.py::test_odd[1]: {odd}"
    )
    assert ran.line("wrong mark: test_marked.py::test_wrong") == (
        "wrong mark: test_marked.py::test_wrong: @pytest.mark.tc_id names no id: write one, such as 'C7'; "
        "object in @pytest.mark.issue is no issue: write its key, such as 'SHOP-12'"
    )


def test_other_marks_are_attributes_where_the_session_is_about_reportportal(project: Project) -> None:
    project.environ |= {"RP_PROJECT": "shop", "RP_BTS_ISSUE_URL": "https://jira.test/{issue_id}"}
    project.settings("markers =\n    smoke\n    feature\n")
    _, found = ran_by(project)

    assert found["test_all"].tags == ("smoke",)
    assert found["test_all"].fields == {"issue_type": "PB", "feature": "checkout"}
    assert [link.url for link in found["test_all"].links] == ["https://jira.test/SHOP-1", "https://jira.test/SHOP-2"]
    assert (found["test_without"].tags, found["test_without"].fields) == ((), {"feature": "own"})
    assert (found["test_one[1-2]"].tags, found["test_one[1-2]"].fields) == ((), {"feature": "all"})
