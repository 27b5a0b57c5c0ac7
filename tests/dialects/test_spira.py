"""What the marks and settings of suites written for pytest-spiratest say, without the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest


@pytest.mark.spira_id(1)
class TestMarked:
    def test_inherits(self):
        pass

    @pytest.mark.spira_id("2")
    @pytest.mark.smoke
    def test_own(self):
        pass

    @pytest.mark.tms("C3")
    def test_clash(self):
        pass


class TestNamed:
    @pytest.mark.smoke
    def test_by_mark(self):
        pass

    def test_by_class(self):
        pass


def test_by_function():
    pass


@pytest.mark.spira_id("none")
def test_wrong():
    pass
"""
SETTINGS = """
[credentials]
url = https://spira.test
token = s3cret

[markers]
smoke = 4

[test_cases]
TestNamed = 5
test_by_function = 6
default = 8

[modules]
test_marked = 7
"""


def test_cases_arrive_by_mark_and_by_its_settings(project: Project) -> None:
    project.settings("[tmsreport:qase]\nmarks = spira\n")
    project.write("spira.cfg", SETTINGS)
    project.write("test_marked.py", MARKED)
    project.write(
        "test_other.py",
        "def test_default():\n    pass\n\n\ndef test_in_module():\n    '''\n    >>> 1\n    1\n    '''\n",
    )
    ran = project.report("--doctest-modules")

    assert ran.status == 0
    assert {result.title: result.cases for result in project.arrived} == {
        "test_inherits": ("1",),
        "test_own": ("2",),
        "test_clash": ("3",),
        "test_by_mark": ("4",),
        "test_by_class": ("5",),
        "test_by_function": ("6",),
        "test_wrong": (),
        "test_default": ("8",),
        "test_in_module": ("8",),
        "test_other.test_in_module": ("8",),
    }
    assert ran.line("wrong mark").endswith(
        "none in @pytest.mark.spira_id is no case id: write the number of a test case"
    )
    assert "s3cret" not in (ran.out + str(ran.results))


def test_settings_that_cannot_be_read_say_nothing(project: Project) -> None:
    project.settings("[tmsreport:qase]\nmarks = spira\n")
    project.write("spira.cfg", "no section\n")
    project.write("test_marked.py", "def test_it():\n    pass\n")
    ran = project.report()

    assert [result.cases for result in project.arrived] == [()]
    assert "note:" not in ran.out
