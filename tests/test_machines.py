"""Several machines, one run: sessions that share a key, or a run that was opened for them."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project, Ran

SHARED = """
[tmsreport]
run_key = {ci}-{build}
"""
COMMAND = (sys.executable, "-m", "pytest_tmsreport")


@pytest.fixture
def build(project: Project) -> Project:
    """A project of three parts with four tests each, in build 57 of a CI, whose machines share a run."""
    project.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_RUN_NUMBER": "57"}
    project.settings(SHARED)
    for part in (1, 2, 3):
        project.write(f"test_part{part}.py", f"import pytest\n{TESTS.format(part=part)}")
    return project


TESTS = """
@pytest.mark.tms("C{part}")
@pytest.mark.parametrize("number", range(4))
def test_part{part}(number):
    pass
"""


def part(number: int, *more: str) -> tuple[str, ...]:
    """The arguments of one machine."""
    return ("--tms-to", "qase", "-pno:cacheprovider", f"test_part{number}.py", *more)


def titles(project: Project, run_id: str) -> dict[str, int]:
    """How many results of each title a run has."""
    found = [result.title for result in project.box.results_of(run_id)]
    return {title: found.count(title) for title in found}


ALL = {"test_part1": 4, "test_part2": 4, "test_part3": 4}
OPEN = "run left open for the other machines; once all are done: tmsreport close qase --run"


@pytest.mark.parametrize(
    ("trouble", "more"),
    [pytest.param((), (), marks=pytest.mark.long), (("slow=0.05",), ()), ((), ("--tms-stream",))],
    ids=str,
)
def test_sessions_that_begin_at_once_report_into_one_run(
    build: Project, trouble: tuple[str, ...], more: tuple[str, ...]
) -> None:
    build.served.troubles.add(*trouble)
    started = [build.start_pytest(*part(number, *more)) for number in (1, 2, 3)]
    ran = [build.ended(process) for process in started]
    assert [each.status for each in ran] == [0, 0, 0]
    (run_id,) = build.box.runs
    assert titles(build, run_id) == ALL
    assert build.box.runs[run_id].end is None
    assert [each.line("run left open") for each in ran] == [f"{OPEN} {run_id}"] * 3


def test_the_last_of_several_machines_completes_the_run(build: Project) -> None:
    states = []
    for number in (3, 1, 2):
        build.environ |= {"TMSREPORT_SHARD": str(number), "TMSREPORT_SHARDS": "3"}
        ran = build.pytest(*part(number))
        (run,) = build.box.runs.values()
        states.append(("run left open" in ran.out, run.end is None))
    assert states == [(True, True), (True, True), (False, False)]
    assert titles(build, run.id) == ALL


@pytest.mark.long
def test_machines_that_end_at_once_never_complete_the_run_too_early(build: Project) -> None:
    started = []
    for number in (1, 2, 3):
        build.environ |= {"TMSREPORT_SHARD": str(number), "TMSREPORT_SHARDS": "3"}
        started.append(build.start_pytest(*part(number)))
    ran = [build.ended(process) for process in started]
    (run,) = build.box.runs.values()
    assert titles(build, run.id) == ALL
    assert (run.end is None) is all("run left open" in each.out for each in ran)


def test_an_open_run_is_joined_by_its_id_and_completed_by_a_job_of_its_own(build: Project) -> None:
    build.settings("")
    opened = build.run(*COMMAND, "open", "qase", "--env")
    name, _, run_id = opened.out.strip().partition("=")
    assert name == "TMSREPORT_QASE_RUN_ID"
    build.environ[name] = run_id
    for number in (1, 2, 3):
        assert "run left open" not in build.pytest(*part(number)).out
    assert build.box.runs[run_id].end is None
    closed = build.run(*COMMAND, "close", "qase")
    assert closed.out == f"qase: run {run_id} is completed\n"
    assert {key: titles(build, key) for key in build.box.runs} == {run_id: ALL}
    assert build.box.runs[run_id].end is not None


@pytest.mark.long
def test_the_last_of_several_machines_completes_a_run_that_was_opened_for_them(build: Project) -> None:
    build.settings("[tmsreport]\nshards = 3\n")
    run_id = build.environ["TMSREPORT_QASE_RUN_ID"] = build.run(*COMMAND, "open", "qase").out.strip()
    for number in (1, 2, 3):
        assert build.box.runs[run_id].end is None
        build.environ["TMSREPORT_SHARD"] = str(number)
        build.pytest(*part(number))
    assert build.box.runs[run_id].end is not None


def test_a_machine_that_does_not_know_which_it_is_says_so_and_keeps_its_results(build: Project) -> None:
    build.environ["TMSREPORT_SHARDS"] = "3"
    ran = build.pytest(*part(1))
    assert "set TMSREPORT_SHARD, from 1 to 3" in ran.out
    assert ran.line("qase: ").startswith("qase: 0 delivered, 4 kept")
    assert build.box.requests == []


def test_a_machine_that_runs_again_adds_its_results_to_the_run(build: Project) -> None:
    for number in (1, 2, 3, 2):
        build.pytest(*part(number))
    (run_id,) = build.box.runs
    assert titles(build, run_id) == {**ALL, "test_part2": 8}
    assert build.box.repeats == 0  # none was taken for the earlier one of its test, and passed over
    build.run(*COMMAND, "close", "qase")
    late = build.pytest(*part(2))
    assert late.line("qase: ").startswith("qase: 4 delivered")
    assert [(len(build.box.results_of(run.id)), run.end is None) for run in build.box.runs.values()] == [
        (16, False),
        (4, True),
    ]


@pytest.mark.long
def test_another_build_has_a_run_of_its_own(build: Project) -> None:
    build.pytest(*part(1))
    build.environ["GITHUB_RUN_NUMBER"] = "5"
    build.pytest(*part(1))
    assert [len(build.box.results_of(run_id)) for run_id in build.box.runs] == [4, 4]


def test_where_the_key_has_an_empty_hole_a_session_keeps_to_itself_and_says_so(build: Project) -> None:
    del build.environ["GITHUB_RUN_NUMBER"]
    ran = [build.pytest(*part(number)) for number in (1, 2)]
    assert all("note: '{ci}-{build}' has an empty hole here" in each.out for each in ran)
    assert [run.end is None for run in build.box.runs.values()] == [False, False]


@pytest.mark.parametrize(
    "options", [pytest.param((), id="by key"), pytest.param(("--one-run",), id="as one run", marks=pytest.mark.long)]
)
def test_journals_of_machines_without_a_network_are_sent_by_another(build: Project, options: tuple[str, ...]) -> None:
    token = build.environ.pop("TMSREPORT_QASE_TOKEN")
    for number in (1, 2, 3):
        ran = build.pytest(*part(number))
        assert ran.line("qase: ").startswith("qase: 0 delivered, 4 kept")
        assert ran.folder
        (build.root / "artefacts" / f"job {number}").mkdir(parents=True)
        shutil.move(ran.folder.path, build.root / "artefacts" / f"job {number}")
    build.environ["TMSREPORT_QASE_TOKEN"] = token
    for _ in range(2):
        sent: Ran = build.run(*COMMAND, "send", *options, "artefacts")
        assert sent.status == 0
    (run,) = build.box.runs.values()
    assert titles(build, run.id) == ALL
    assert (run.end is None) is (not options)
