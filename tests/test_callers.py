"""What a conftest.py makes of our hooks: called alike with and without xdist, and never at the cost of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

HOOKS = """
from dataclasses import replace

import pytest


def pytest_tmsreport_run(run):
    return replace(run, name="nightly", tags=(*run.tags, "smoke"), id="another")


def pytest_tmsreport_result(result):
    if result.title == "test_changed":
        return replace(result, title="A better title", fields={"team": "shop"}, id="another")
    if result.title == "test_left_out":
        return False
    if result.title == "test_raises":
        raise RuntimeError("broken hook")
    if result.title == "test_ends_itself":
        pytest.fail("not in a hook")
    if result.title == "test_wrong_type":
        return "a text"
    if result.title == "test_unfit":
        return replace(result, outcome="great")
    return None
"""
TESTS = "".join(
    f"def test_{name}(): pass\n"
    for name in ("changed", "kept", "left_out", "raises", "ends_itself", "wrong_type", "unfit")
)


def test_hooks_change_leave_out_and_lose_nothing(project: Project, workers: str) -> None:
    project.write("conftest.py", HOOKS)
    project.write("test_hooks.py", TESTS)
    ran = project.report(workers)

    titles = ["A better title", "test_ends_itself", "test_kept", "test_raises", "test_unfit", "test_wrong_type"]
    assert sorted(result.title for result in project.arrived) == titles
    assert all(result.id != "another" for result in project.arrived)
    (changed,) = (result for result in project.arrived if result.title == "A better title")
    assert changed.body["fields"] == {"team": "shop"}
    (run,) = project.box.runs.values()
    assert (run.title, run.body["tags"]) == ("nightly", ["smoke"])
    assert ran.folder
    assert ran.folder.head().run.id == ran.folder.name
    start = "note: pytest_tmsreport_result raised"
    assert ran.line(f"{start} RuntimeError: broken hook; the result is reported unchanged")
    assert ran.line(f"{start} Failed: not in a hook; the result is reported unchanged")
    assert ran.line(f"{start} TypeError: it returned str, not Result; the result is reported unchanged")
    assert ran.line(f"{start} ValueError: result has no usable 'outcome'; the result is reported unchanged")
    assert ran.line("qase: ").startswith("qase: 6 delivered, 0 kept,")
    assert ran.status == 0


def test_hooks_of_several_plugins_are_called_one_after_the_other(project: Project) -> None:
    hook = """
from dataclasses import replace


def pytest_tmsreport_result(result):
    return replace(result, title=result.title + "{letter}")


def pytest_tmsreport_run(run):
    raise OSError("no name")
"""
    project.write("conftest.py", "pytest_plugins = ['first']\n" + hook.format(letter="a"))
    project.write("first.py", hook.format(letter="b"))
    project.write("test_one.py", "def test_one(): pass\n")
    project.environ["PYTHONPATH"] = str(project.root)
    ran = project.report()

    (sent,) = project.arrived
    assert sorted(sent.title.removeprefix("test_one")) == ["a", "b"]
    assert ran.line("note: pytest_tmsreport_run raised OSError: no name; the run is reported unchanged (2 times)")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_hooks_that_load_during_collection_are_named_and_not_called(project: Project, workers: str) -> None:
    project.write("unit/deep/conftest.py", "def pytest_tmsreport_result(result):\n    raise RuntimeError('called')\n")
    project.write("unit/deep/test_one.py", "def test_one(): pass\n")
    ran = project.report(workers)

    place = project.root / "unit/deep/conftest.py"
    assert ran.line(f"note: pytest_tmsreport_result in {place} is not called: move it to a conftest.py")
    assert "raised" not in ran.out
    assert ran.line("qase: ").startswith("qase: 1 delivered")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_hooks_below_the_arguments_are_called_in_every_mode(project: Project, workers: str) -> None:
    project.write("unit/conftest.py", "def pytest_tmsreport_result(result):\n    return False\n")
    project.write("unit/test_one.py", "def test_one(): pass\n")
    ran = project.report(workers, "unit")

    assert not project.arrived
    assert "note" not in ran.out
