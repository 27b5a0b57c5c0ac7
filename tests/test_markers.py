"""What a mark says is reported, by the rules of nearest and together; what it says wrongly is named with its test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.markers import Marks

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


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
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


SAYING = """
import pytest
import pytest_tmsreport as tms


pytestmark = pytest.mark.tms(notes="of the module", parameters={"browser": "firefox", "currency": "USD"})


@pytest.mark.parametrize("currency", ["EUR"])
@pytest.mark.tms(
    notes=["slow", "costs money"],
    parameters={"currency": "euro", "amount": 3},
    links=[{"url": "https://x.test/1", "name": "BUG-1", "kind": "issue"}, "https://x.test/2"],
)
def test_says(currency):
    tms.note("said")
    tms.parameter("amount", 4)


@pytest.mark.tms(links={"url": "https://x.test/3"})
def test_one_link():
    pass


@pytest.mark.tms(notes=3, parameters=["x"], links=[{"name": "no address"}, {"url": "https://x.test/4", "size": "2"}])
def test_wrong():
    pass
"""


def test_notes_parameters_and_links_stand_on_a_mark_too(project: Project, workers: str) -> None:
    project.write("test_saying.py", SAYING)
    ran = project.report(workers)

    found = {result.title: result for result in ran.results}
    assert found["test_says"].notes == ("said", "slow", "costs money", "of the module")
    assert found["test_says"].parameters == {"browser": "firefox", "currency": "euro", "amount": "4"}
    assert [(link.url, link.name, link.kind) for link in found["test_says"].links] == [
        ("https://x.test/1", "BUG-1", "issue"),
        ("https://x.test/2", "", "link"),
    ]
    assert [link.url for link in found["test_one_link"].links] == ["https://x.test/3"]
    wrong = ran.line("wrong mark: test_saying.py::test_wrong: ")
    for words in ("notes= must be a text", "parameters= must be a dict", "links= must be a list of addresses"):
        assert words in wrong
    assert found["test_wrong"].links == ()


NAMED = """
import pytest


def test_C7_and_C8_pay():
    pass


class TestC5:
    def test_C6_pays(self):
        pass


@pytest.mark.parametrize("card", ["visa-C9", "none"])
def test_card(card):
    pass


@pytest.mark.tms("C1")
def test_C2_is_marked():
    pass


@pytest.mark.tms(vansah="D-C3")
def test_C4_is_marked_for_another():
    pass


@pytest.mark.tms(qase=[])
def test_C10_is_said_to_have_none():
    pass


def test_C11_C11():
    pass
"""


def test_names_hold_ids_where_no_mark_gives_one(project: Project, workers: str) -> None:
    project.settings("[tmsreport:qase]\nnames = C(?P<case>\\d+)|card(?=.none)\n")
    project.write("test_C99.py", NAMED)
    ran = project.report(workers)

    of = {result.id: result.nodeid.partition("::")[2] for result in ran.results}
    assert {of[arrived.id]: arrived.cases for arrived in project.arrived} == {
        "test_C7_and_C8_pay": ("7", "8"),
        "TestC5::test_C6_pays": ("5", "6"),
        "test_card[visa-C9]": ("9",),
        "test_card[none]": (),
        "test_C2_is_marked": ("1",),
        "test_C4_is_marked_for_another": ("4",),
        "test_C10_is_said_to_have_none": (),
        "test_C11_C11": ("11",),
    }


DOCUMENTED = """
import functools
import unittest

import pytest


def test_has_one():
    \"\"\"Pays by card.

    But not on Sundays.
    \"\"\"


@pytest.mark.tms(description="of the mark")
def test_is_marked():
    \"\"\"Pays by card.\"\"\"


def test_has_none():
    pass


class TestCart:
    \"\"\"Of the class.\"\"\"

    def test_method(self):
        \"\"\"Adds.\"\"\"


class TestOld(unittest.TestCase):
    def test_old(self):
        \"\"\"Is old.\"\"\"


def square(number):
    \"\"\"Squares.

    >>> square(2)
    4
    \"\"\"
    return number * number
"""


@pytest.mark.parametrize("is_on", [True, False])
def test_a_docstring_is_the_description_where_that_is_asked_for(project: Project, is_on: bool) -> None:
    if is_on:
        project.settings("[tmsreport]\ndocstring = true\n")
    project.write("test_documented.py", DOCUMENTED)
    ran = project.report("--doctest-modules")

    found = {result.title: result.description for result in ran.results if result.description}
    documented = {
        "test_has_one": "Pays by card.\n\nBut not on Sundays.",
        "test_method": "Adds.",
        "test_old": "Is old.",
    }
    assert found == {**(documented if is_on else {}), "test_is_marked": "of the mark"}
    assert len(ran.results) == 6


@pytest.mark.tms("7")
def test_a_dialect_that_fails_costs_a_test_none_of_its_words(request: pytest.FixtureRequest) -> None:
    def fails(*_: object) -> None:
        raise LookupError("no such setting")

    broken = SimpleNamespace(MARKS=(), listen=fails, read=fails, knows_unmarked=fails)
    words = Marks(request.config, ["qase"], [broken]).words(request.node)
    assert words is not None
    assert words.ids == [{"": ("7",)}]
    assert words.wrong == ("its words cannot be read: LookupError: no such setting",)
