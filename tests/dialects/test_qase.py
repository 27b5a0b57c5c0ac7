"""What suites written for qase-pytest say: by marks alone, and with the package, its plugin active or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.box import ArrivedResult
from pytest_tmsreport.sandbox.qase_fields import Rules
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project, Ran

PACKAGE = "qase-pytest==9.0.0"


@pytest.fixture
def served() -> Iterator[Served]:
    """Qase's sandbox, with two projects."""
    with serve([qase_sandbox.create(Rules(projects=("SHOP", "WEB")))]) as running:
        yield running


def by_name(project: Project, ran: Ran, destination: str = "qase") -> dict[str, ArrivedResult]:
    """Test -> what of it arrived in the run of a destination."""
    assert ran.folder
    run = ran.folder.receipts(destination).run_id
    names = {result.id: result.nodeid.partition("::")[2] for result in ran.results}
    return {names[each.id]: each for each in project.arrived if each.run == run}


MARKED = """
import pytest

pytestmark = [pytest.mark.qase_tags(tags=("all",)), pytest.mark.qase_suite(title="Shop", description="Sells.")]


@pytest.mark.qase_id(id=7)
@pytest.mark.qase_title(title="Pays by card")
@pytest.mark.qase_suite(title="Shop.Checkout", description=None)
@pytest.mark.qase_fields(fields=(("severity", "critical"), ("tags", "a b, c"), ("description", "Pays."), ("own", 3)))
@pytest.mark.qase_tags(tags=("smoke",))
@pytest.mark.qase_author(author="ann")
@pytest.mark.qase_description(description="old")
@pytest.mark.qase_preconditions(preconditions="logged in")
@pytest.mark.qase_muted()
def test_all():
    pass


@pytest.mark.qase_id(id="8,9")
@pytest.mark.qase_priority(priority="high")
@pytest.mark.qase_fields(fields=(("layer", "e2e"),))
class TestNearest:
    @pytest.mark.qase_fields(fields=(("layer", "api"),))
    def test_inherits(self):
        pass

    @pytest.mark.qase_id(id=10)
    def test_own(self):
        pass

    @pytest.mark.tms("C11", title="By our own mark")
    @pytest.mark.qase_title(title="By theirs")
    def test_clash(self):
        pass


@pytest.mark.qase_ignore()
def test_ignored():
    pass


@pytest.mark.qase_project_id(project_code="SHOP", testops_ids=[12, 13])
@pytest.mark.qase_project_id(project_code="web", testops_ids=[14])
@pytest.mark.qase_id(id=15)
def test_of_two_projects():
    pass


@pytest.mark.qase_project_id(project_code="WEB", testops_ids=[16])
def test_of_another_project():
    pass


@pytest.mark.parametrize(("user", "browser"), [("ann", "firefox")])
@pytest.mark.parametrize("size", [1])
@pytest.mark.qase_ignore_parameters(parameters=("size",))
@pytest.mark.qase_parametrize_ignore(argnames="user, other")
def test_hides(user, browser, size):
    pass


tags = "qase.id=17,18", "qase.suite=A.B", "qase.severity=minor", "qase.muted", "qase.description=Shows."


def of_scenario(function):
    for tag in tags:
        function = getattr(pytest.mark, tag)(function)
    return function


@of_scenario
def test_scenario():
    pass


@pytest.mark.qase_id(id=[None, "x"])
@pytest.mark.qase_fields(fields=5)
def test_wrong():
    pass
"""


def test_marks_alone_say_all_that_they_said_with_the_package(project: Project) -> None:
    project.settings(
        "[tmsreport:qase]\n[tmsreport:web]\nvendor = qase\nproject = WEB\n[tmsreport:deaf]\nmarks = xray\n"
    )
    for name in ("WEB", "DEAF"):
        for key in ("TOKEN", "URL"):
            project.environ[f"TMSREPORT_{name}_{key}"] = project.environ[f"TMSREPORT_QASE_{key}"]
    project.environ |= {"TMSREPORT_DEAF_VENDOR": "qase", "TMSREPORT_DEAF_PROJECT": "SHOP"}
    project.write("test_marked.py", MARKED)
    ran = project.pytest("--tms", "-n2")

    assert ran.status == 0
    arrived = by_name(project, ran)
    assert arrived["test_all"].title == "Pays by card"
    assert arrived["test_all"].body["fields"] == {
        "severity": "critical",
        "own": "3",
        "preconditions": "logged in",
        "author": "ann",
        "muted": "true",
        "description": "Pays.",
        "tags": "a b,c,smoke,all",
    }
    assert suite(arrived["test_all"]) == ["Shop", "Checkout"]
    assert suite(arrived["TestNearest::test_own"]) == ["Shop"]
    assert arrived["TestNearest::test_inherits"].body["fields"] == {"layer": "api", "priority": "high", "tags": "all"}
    assert arrived["TestNearest::test_clash"].title == "By our own mark"
    assert arrived["test_hides[1-ann-firefox]"].body["params"] == {"browser": "firefox"}
    assert arrived["test_scenario"].body["fields"] == {
        "severity": "minor",
        "muted": "true",
        "description": "Shows.",
        "tags": "all",
    }
    assert suite(arrived["test_scenario"]) == ["Shop"]  # the mark is nearer than the tag of a scenario
    cases = {
        "test_all": ("7",),
        "TestNearest::test_inherits": ("8", "9"),
        "TestNearest::test_own": ("10",),
        "TestNearest::test_clash": ("11",),
        "test_of_two_projects": ("12", "13"),
        "test_of_another_project": (),
        "test_hides[1-ann-firefox]": (),
        "test_scenario": ("17", "18"),
        "test_wrong": (),
    }
    assert {name: result.cases for name, result in arrived.items()} == cases
    of_web = {"test_of_two_projects": ("14",), "test_of_another_project": ("16",)}
    assert {name: result.cases for name, result in by_name(project, ran, "web").items()} == {**cases, **of_web}
    deaf = {name: result.cases for name, result in by_name(project, ran, "deaf").items()}
    assert deaf == {**dict.fromkeys(cases, ()), "TestNearest::test_clash": ("11",), "test_ignored": ()}

    assert ran.out.count("1 result left out by a mark of the tool's own plugin") == 2
    assert ran.line("wrong mark") == (
        "wrong mark: test_marked.py::test_wrong: None in @qase.id is no case id: write a number; "
        "x in @qase.id is no case id: write a number; @qase.fields takes pairs of a name and a value, not 5"
    )


def suite(result: ArrivedResult) -> list[str]:
    return [each["title"] for each in result.body["relations"]["suite"]["data"]]


CONFTEST = """
from qase.pytest import qase


@qase.step("before anybody listens", expected="heard")
def early():
    qase.attach((b"early", "text/plain", "early.txt"))
"""
SUITE = """
import enum
import threading

import pytest
from conftest import early
from qase.pytest import ContextManager, contextdecorator, qase


class Mime(enum.Enum):
    JSON = "application/json"


@pytest.fixture
def cart():
    with qase.step("fill"):
        qase.attach(("typed.txt", "text/x-own"))
    yield
    with qase.step("empty"):
        pass


@qase.step("pay", "a receipt")
def pay(amount):
    with qase.step("sign", expected="a name"):
        qase.attach(({"amount": amount}, Mime.JSON, "paid.json"), "data.txt")


@contextdecorator
def of_their_own():
    yield


@qase.id([1, 2])
@qase.title("Pays")
@qase.suite("Shop.Checkout")
@qase.fields(("severity", "critical"))
@qase.tags("smoke")
def test_pays(cart):
    early()
    with qase.step("choose"), of_their_own():
        pay(3)
        pay(4)
    qase.param("currency", "EUR")
    qase.attach("data.txt", ("text", "text/plain", "said.txt"))


def test_fails():
    with qase.step("outer"):
        with qase.step("inner"):
            assert 1 == 2


def test_raises_what_their_plugin_takes_for_its_own():
    with qase.step("looks for a name"):
        None.name


def test_skips():
    with qase.step("skipped"):
        pytest.skip("not today")


def test_is_wrong():
    qase.attach("missing.txt", ["a list"])
    with pytest.raises(TypeError):
        qase.step()


@qase.ignore()
def test_ignored():
    with qase.step("not for Qase"):
        pass


@qase.parametrize_ignore("size", [1])
def test_hides(size):
    assert ContextManager.__exit__


@pytest.mark.xfail
def test_expected():
    with qase.step("fails"):
        raise ValueError
"""
STEPS = {
    "test_pays": [
        ("fill", "passed", "", ["typed.txt"], []),
        ("before anybody listens", "passed", "heard", ["early.txt"], []),
        (
            "choose",
            "passed",
            "",
            [],
            [
                ("pay", "passed", "a receipt", [], [("sign", "passed", "a name", ["paid.json", "data.txt"], [])]),
                ("pay", "passed", "a receipt", [], [("sign", "passed", "a name", ["paid.json", "data.txt"], [])]),
            ],
        ),
        ("empty", "passed", "", [], []),
    ],
    "test_fails": [("outer", "failed", "", [], [("inner", "failed", "", [], [])])],
    "test_raises_what_their_plugin_takes_for_its_own": [("looks for a name", "failed", "", [], [])],
    "test_skips": [("skipped", "skipped", "", [], [])],
    "test_is_wrong": [],
    "test_hides[1]": [],
    "test_expected": [("fails", "failed", "", [], [])],
}


@pytest.fixture
def with_package(project: Project, beside: Callable[..., Path]) -> Project:
    """A project with the suite, and the package in its environment.

    There is no `pip` in it: their plugin asks for versions ten times before the first test.
    """
    project.python = beside("qase-pytest", PACKAGE)
    project.environ["PATH"] = str(project.root)
    project.write("pytest.ini", "[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    project.write("conftest.py", CONFTEST)
    project.write("test_suite.py", SUITE)
    project.write("data.txt", "data")
    project.write("typed.txt", "typed")
    return project


def test_their_plugin_does_the_same_beside_ours_and_both_hear_the_same(with_package: Project) -> None:
    project = with_package
    alone = project.pytest("--qase-mode=report")
    reported = theirs(project)
    project.move(project.python)
    both = project.report("--qase-mode=report")

    assert theirs(project) == reported
    assert both.printed == alone.printed
    assert (alone.status, both.status) == (1, 1)
    assert "note: hearing" not in both.out
    assert "wrong mark" not in both.out
    assert_all_arrived(project, both)


def test_without_their_plugin_all_is_heard_and_nothing_stays_in_their_package(with_package: Project) -> None:
    project = with_package
    project.move(project.python)
    project.write(
        "session.py",
        """
        import pytest
        from qase.pytest import ContextManager, qase

        def state():
            return [vars(qase)[name] for name in ("attach", "param", "step")], sorted(vars(ContextManager))

        before = state()
        status = pytest.main(["-pno:qase_pytest", "--tms-to", "qase"])
        assert state() == before, "something is left"
        raise SystemExit(status)
        """,
    )
    off = project.run(str(project.python), "session.py")

    assert off.status == 1
    assert "AttributeError: 'NoneType' object has no attribute 'name'" in off.out
    assert "something is left" not in off.err
    assert_all_arrived(project, off)


def assert_all_arrived(project: Project, ran: Ran) -> None:
    arrived = by_name(project, ran)
    files = {each.id: each.name for each in project.box.attachments.values()}
    found = {name: [shape(step, files) for step in each.body["steps"]] for name, each in arrived.items()}
    assert found == STEPS
    paid = arrived["test_pays"]
    assert (paid.title, paid.cases, suite(paid)) == ("Pays", ("1", "2"), ["Shop", "Checkout"])
    assert paid.body["fields"] == {"severity": "critical", "tags": "smoke"}
    assert paid.body["params"] == {"currency": "EUR"}
    assert [files[each] for each in paid.body["attachments"]] == ["said.txt"]
    assert arrived["test_hides[1]"].body["params"] == {}
    notes = arrived["test_is_wrong"].body["message"]
    assert "not attached: missing.txt" in notes
    assert "['a list'] is neither a path" in notes
    (last,) = ran.last["test_suite.py::test_ignored"].steps
    assert last.title == "not for Qase"
    assert {each.name: each.mime for each in ran.last["test_suite.py::test_pays"].attachments} == {
        "data.txt": "text/plain",
        "typed.txt": "text/x-own",
        "early.txt": "text/plain",
        "paid.json": "application/json",
        "said.txt": "text/plain",
    }


def shape(step: dict[str, Any], files: dict[str, str]) -> Any:
    """A step without its times: title, status, what was expected, names of files, inner steps."""
    said, execution = step["data"], step["execution"]
    names = [files[each] for each in execution.get("attachments", ())]
    inner = [shape(each, files) for each in step["steps"]]
    return said["action"], execution["status"], said.get("expected_result", ""), names, inner


def theirs(project: Project) -> Any:
    """The report that their plugin wrote, without ids and times; it is taken away."""
    varying = ("id", "parent_id", "start_time", "end_time", "duration", "thread", "file_path", "stacktrace")

    def lasting(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: lasting(held) for key, held in value.items() if key not in varying}
        return [lasting(each) for each in value] if isinstance(value, list) else value

    paths = sorted((project.root / "build/qase-report/results").glob("*.json"))
    found = [lasting(json.loads(path.read_text())) for path in paths]
    for path in paths:
        path.unlink()
    return sorted(found, key=json.dumps)
