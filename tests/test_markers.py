"""What a mark says is reported, by the rules of nearest and together; what it says wrongly is named with its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

MARKED = """
import pytest

pytestmark = pytest.mark.tms("C1", qase="C11", tags="module", fields={"layer": "unit", "owner": "all"}, links="https://x.test/m")


def test_of_the_module():
    pass


@pytest.mark.tms("C2", tags=["function", "module"], fields={"owner": "ann"}, links=["https://x.test/f"])
def test_of_its_own():
    pass


@pytest.mark.tms(qase=["SHOP-3", 4], web="C5", description="Says more.", title="Its title", suite="Elsewhere")
def test_by_destination():
    pass


@pytest.mark.tms(web="C6")
def test_of_one_destination_only():
    pass


@pytest.mark.tms(tags="ignored")
@pytest.mark.tms(ignore=True)
def test_left_out():
    pass


@pytest.mark.tms("C8", title="Class", suite=["Cart", "Sum"])
class TestOfAClass:
    def test_inherits(self):
        pass

    @pytest.mark.tms(title="Own")
    def test_title(self):
        pass

    @pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.tms("C9")), 2])
    def test_parameters(self, number):
        pass
"""


def test_the_nearest_ids_win_and_everything_else_adds_up(project: Project, workers: str) -> None:
    project.settings("[tmsreport:qase]\n[tmsreport:web]\nvendor = qase\nproject = SHOP\n")
    project.environ["TMSREPORT_WEB_TOKEN"] = project.environ["TMSREPORT_QASE_TOKEN"]
    project.environ["TMSREPORT_WEB_URL"] = project.environ["TMSREPORT_QASE_URL"]
    project.write("test_marked.py", MARKED)
    ran = project.pytest("--tms", workers)

    opened = {name: ran.folder.receipts(name).run_id for name in ("qase", "web")} if ran.folder else {}
    cases = {
        name: {
            result.nodeid.partition("::")[2]: sent.cases
            for result in ran.results
            for sent in project.arrived
            if sent.id == result.id and sent.run == run
        }
        for name, run in opened.items()
    }
    assert cases == {
        "qase": {
            "test_of_the_module": ("11",),
            "test_of_its_own": ("2",),
            "test_by_destination": ("3", "4"),
            "test_of_one_destination_only": ("11",),
            "TestOfAClass::test_inherits": ("8",),
            "TestOfAClass::test_title": ("8",),
            "TestOfAClass::test_parameters[1]": ("9",),
            "TestOfAClass::test_parameters[2]": ("8",),
        },
        "web": {
            "test_of_the_module": ("11",),
            "test_of_its_own": ("2",),
            "test_by_destination": ("5",),
            "test_of_one_destination_only": ("6",),
            "TestOfAClass::test_inherits": ("8",),
            "TestOfAClass::test_title": ("8",),
            "TestOfAClass::test_parameters[1]": ("9",),
            "TestOfAClass::test_parameters[2]": ("8",),
        },
    }
    found = {nodeid.partition("::")[2]: result for nodeid, result in ran.last.items()}
    own = found["test_of_its_own"]
    assert sorted(own.tags) == ["function", "module"]
    assert own.fields == {"layer": "unit", "owner": "ann"}
    assert [link.url for link in own.links] == ["https://x.test/f", "https://x.test/m"]
    by_destination = found["test_by_destination"]
    assert (by_destination.title, by_destination.suite) == ("Its title", ("Elsewhere",))
    assert by_destination.description == "Says more."
    titles = [
        (found[f"TestOfAClass::{name}"].title, found[f"TestOfAClass::{name}"].suite)
        for name in ("test_inherits", "test_title")
    ]
    assert titles == [("Class", ("Cart", "Sum")), ("Own", ("Cart", "Sum"))]
    assert ran.line("left out") == "left out by their marks: 1 test"
    assert ran.status == 0


WRONG = """
import pathlib

import pytest


@pytest.mark.tms("C7", qsae="C1", title=7, tags=3, fields=["x"], links=4, suite=5, description=6)
def test_all_wrong():
    pathlib.Path("ran").touch()


@pytest.mark.tms(None, True, "", ["C1"])
def test_no_ids():
    pathlib.Path("ran").touch()


@pytest.mark.tms("C1")
def test_right():
    pathlib.Path("ran").touch()
"""


def test_what_a_mark_says_wrongly_is_named_and_the_rest_counts(project: Project) -> None:
    project.write("test_wrong.py", WRONG)
    ran = project.report("-n2")

    assert ran.status == 0
    wrong = ran.line("wrong mark: test_wrong.py::test_all_wrong: ")
    for words in (
        "qsae= is neither a destination, nor a vendor",
        "title= must be a text, not 7",
        "tags= must be a text or a list of texts, not 3",
        "fields= must be a dict, not ['x']",
        "links= must be a list of addresses, or of dicts with url, name and kind, not 4",
    ):
        assert words in wrong
    assert "None in its positional arguments is no case id" in ran.line("wrong mark: test_wrong.py::test_no_ids: ")
    assert len(project.arrived) == 3
    assert {result.title: result.cases for result in project.arrived} == {
        "test_all_wrong": ("7",),
        "test_no_ids": (),
        "test_right": ("1",),
    }


def test_a_wrong_mark_stops_the_session_before_any_test_where_no_loss_is_allowed(
    project: Project, workers: str
) -> None:
    project.settings("[tmsreport]\non_loss = fail\n")
    project.write("test_wrong.py", WRONG)
    ran = project.report(workers)

    assert ran.status == pytest.ExitCode.INTERRUPTED
    assert "wrong tms mark of test_wrong.py::test_all_wrong: qsae= is neither a destination" in ran.out
    assert "wrong tms mark of test_wrong.py::test_no_ids: None in its positional arguments" in ran.out
    assert not (project.root / "ran").exists()
    assert not project.box.requests
    assert ran.line("qase: ").startswith("qase: 0 delivered, 0 kept, 0 refused, 0 without case | no run")
    assert ran.folder is None


def test_a_wrong_mark_of_a_test_that_is_not_selected_stops_nothing(project: Project) -> None:
    project.settings("[tmsreport]\non_loss = fail\n")
    project.write("test_wrong.py", WRONG)

    assert project.report("-k", "right").status == 0
