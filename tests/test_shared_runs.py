"""`tmsreport open` and `tmsreport close`: a run there before the first machine, and completed after the last."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result as Done
from flask import Flask

from pytest_tmsreport.cli import main
from pytest_tmsreport.errors import ConfigError
from pytest_tmsreport.sandbox import catalog, xray
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sandbox.site import Sandbox
from pytest_tmsreport.shared_runs import Said, Task, close_runs, open_runs

CI = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_NUMBER": "57", "GITHUB_REF_NAME": "main", "GITHUB_SHA": "c0ffee"}
KEYED = {**CI, "TMSREPORT_RUN_KEY": "{ci}-{build}"}


@pytest.fixture
def tools() -> Iterator[Served]:
    """All four tools."""
    with serve([catalog.create(name) for name in ("qase", "testrail", "vansah", "xray")]) as running:
        yield running


class Desk:
    """Runs commands against tools that are served."""

    def __init__(self, root: Path, tools: Served) -> None:
        self._root = root
        self._tools = tools

    def box(self, name: str) -> Box:
        return self._tools.boxes[name]

    def task(self, names: tuple[str, ...], environ: Mapping[str, str] | None = None, deadline_s: float = 30.0) -> Task:
        return Task(self._root, {**self._tools.environment, **(environ or {})}, (), names, deadline_s)

    def open(self, *names: str, environ: Mapping[str, str] | None = None, as_env: bool = False) -> Said:
        return open_runs(self.task(names, environ), as_env=as_env)

    def close(self, *names: str, environ: Mapping[str, str] | None = None, ids: tuple[str, ...] = ()) -> Said:
        return close_runs(self.task(names, environ), ids)


@pytest.fixture
def desk(tmp_path: Path, tools: Served) -> Desk:
    return Desk(tmp_path, tools)


def test_the_id_of_one_destination_stands_alone(desk: Desk) -> None:
    said = desk.open("qase", environ={"TMSREPORT_RUN_NAME": "{branch} #{build}", **CI})
    assert said == Said(out=["1"])
    run = desk.box("qase").runs["1"]
    assert (run.title, run.end) == ("main #57", None)


def test_the_ids_of_several_destinations_say_whose_they_are(desk: Desk) -> None:
    said = desk.open("qase", "testrail", "xray")
    runs = [next(iter(desk.box(name).runs)) for name in ("qase", "testrail", "xray")]
    assert said == Said(out=[f"qase={runs[0]}", f"testrail={runs[1]}", f"xray={runs[2]}"])
    assert desk.box("testrail").runs[runs[1]].body["include_all"] is True


def test_the_ids_are_said_as_variables_for_the_next_jobs(desk: Desk) -> None:
    assert desk.open("qase", as_env=True).out == ["TMSREPORT_QASE_RUN_ID=1"]
    assert desk.open("qase", "testrail", as_env=True).out[0] == "TMSREPORT_QASE_RUN_ID=2"


def test_what_fails_at_one_destination_is_said_and_stops_no_other(desk: Desk) -> None:
    said = desk.open("qase", "testrail", environ={"TMSREPORT_QASE_TOKEN": "of somebody else"})
    assert said.out == [f"testrail={next(iter(desk.box('testrail').runs))}"]
    assert said.err[0].startswith("qase: 401")
    assert said.err[1].startswith("  what to do:")
    assert said.status == 1
    wrong = desk.open("qase", "testrail", environ={"TMSREPORT_QASE_TOKEN": ""})
    assert wrong.err[0].startswith("qase: `token` is missing")
    assert (len(wrong.out), wrong.status) == (1, 2)


def test_a_tool_without_runs_has_none_to_open_or_to_complete(desk: Desk) -> None:
    said = desk.open("qase", "vansah")
    assert (said.out, said.status) == (["qase=1"], 0)
    assert said.err == ["vansah: Vansah has no runs: any number of machines may report to it"]
    assert desk.close("vansah").out == ["vansah: Vansah completes no run with these settings"]


def test_a_run_that_is_named_already_is_not_opened_again(desk: Desk) -> None:
    said = desk.open("qase", environ={"TMSREPORT_QASE_RUN_ID": "12"})
    assert (said.out, said.status) == ([], 2)
    assert "`run_id` is 12 already" in said.err[0]
    assert desk.box("qase").runs == {}


def test_opening_twice_by_one_key_opens_one_run(desk: Desk) -> None:
    assert [desk.open("qase", environ=KEYED).out for _ in range(2)] == [["1"], ["1"]]
    assert desk.open("qase", environ={**KEYED, "GITHUB_RUN_NUMBER": "5"}).out == ["2"]


def test_opening_twice_without_a_key_opens_two(desk: Desk) -> None:
    assert [desk.open("qase").out for _ in range(2)] == [["1"], ["2"]]


def test_the_job_that_opens_is_none_of_the_machines(desk: Desk) -> None:
    assert desk.open("qase", environ={"TMSREPORT_SHARDS": "3"}).out == ["1"]
    assert desk.close("qase", environ={"TMSREPORT_SHARDS": "3"}, ids=("1",)).status == 0


def test_a_lost_answer_opens_no_second_run(desk: Desk, tools: Served) -> None:
    tools.troubles.add("lost-answer*1@run/SHOP")
    assert desk.open("qase").out == ["1"]
    assert len(desk.box("qase").runs) == 1


def test_an_id_that_would_add_a_line_to_a_file_of_variables_is_refused(tmp_path: Path) -> None:
    app = Flask("hostile")
    made = {"createTestExecution": {"testExecution": {"jira": {"key": "SHOP-1\nPATH=/tmp/evil"}}}}
    app.add_url_rule("/api/v2/authenticate", "authenticate", lambda: '"token"', methods=["POST"])
    app.add_url_rule("/api/v2/graphql", "graphql", lambda: {"data": made}, methods=["POST"])
    hostile = Sandbox(Box("xray"), app, lambda _status, text: {"error": text}, xray.environment)
    with serve([hostile]) as served:
        said = open_runs(Task(tmp_path, served.environment, (), ("xray",), 30.0), as_env=True)
    assert (said.out, said.status) == ([], 1)
    assert "'SHOP-1 PATH=/tmp/evil'" in said.err[0]


@pytest.mark.parametrize(
    ("names", "ids", "environ"),
    [
        (("qase",), ("1",), {}),
        (("qase", "testrail"), ("qase=1", "testrail=1001"), {"TMSREPORT_TESTRAIL_CLOSE": "true"}),
        (("qase",), (), {"TMSREPORT_QASE_RUN_ID": "1"}),
    ],
    ids=["the id", "name and id", "the variable"],
)
def test_a_run_is_completed_by_its_id(
    desk: Desk, names: tuple[str, ...], ids: tuple[str, ...], environ: dict[str, str]
) -> None:
    desk.open(*names)
    said = desk.close(*names, ids=ids, environ=environ)
    assert (said.err, said.status) == ([], 0)
    assert [line.endswith(" is completed") for line in said.out] == [True] * len(names)
    assert all(run.end is not None for name in names for run in desk.box(name).runs.values())
    assert desk.close(*names, ids=ids, environ=environ).status == 0  # completed already, which is no error


def test_a_run_is_completed_by_its_key(desk: Desk) -> None:
    desk.open("qase", environ=KEYED)
    desk.open("qase", environ={**KEYED, "GITHUB_RUN_NUMBER": "5"})
    assert desk.close("qase", environ=KEYED).out == ["qase: run 1 is completed"]
    assert [run.end is None for run in desk.box("qase").runs.values()] == [False, True]
    again = desk.close("qase", environ=KEYED)
    assert again.out == ["qase: there is no open run of the key 'GitHub Actions-57': nothing to complete"]
    assert again.status == 0


def test_a_run_that_nobody_has_named_is_asked_for(desk: Desk) -> None:
    said = desk.close("qase")
    assert (said.out, said.status) == ([], 2)
    assert "--run ID" in said.err[0]
    with pytest.raises(ConfigError, match="--run NAME=7, of qase, testrail"):
        desk.close("qase", "testrail", ids=("7",))


def test_a_run_that_is_not_there_is_said(desk: Desk) -> None:
    said = desk.close("qase", ids=("4711",))
    assert (said.out, said.status) == ([], 1)
    assert said.err[0].startswith("qase: 404")


def test_a_tool_whose_settings_leave_runs_open_keeps_them_so(desk: Desk) -> None:
    (run_id,) = desk.open("testrail").out
    said = desk.close("testrail", ids=(run_id,))
    assert (said.out, said.status) == (["testrail: TestRail completes no run with these settings"], 0)
    assert desk.box("testrail").runs[run_id].end is None


def command(tools: Served, *args: str, **environ: str) -> Done:
    left_out = {name: None for name in os.environ if name.startswith(("TMSREPORT_", "QASE_", "GITHUB_", "CI"))}
    return CliRunner().invoke(main, list(args), env={**left_out, **tools.environment, **environ})


def test_a_shell_gets_the_id_and_nothing_else(tools: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    opened = command(tools, "open", "qase")
    assert (opened.stdout, opened.stderr, opened.exit_code) == ("1\n", "", 0)
    closed = command(tools, "close", "qase", "--run", "1")
    assert (closed.stdout, closed.exit_code) == ("qase: run 1 is completed\n", 0)
    wrong = command(tools, "open", "qase", TMSREPORT_QASE_TOKEN="wrong")
    assert (wrong.stdout, wrong.exit_code) == ("", 1)
    assert wrong.stderr.startswith("qase: 401")
    nowhere = command(tools, "open")
    assert (nowhere.stdout, nowhere.exit_code) == ("", 2)
    assert "no settings name a destination" in nowhere.stderr
