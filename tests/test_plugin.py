"""What a user types and what is printed; what is there when nothing was asked for."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

ONE = "def test_one(): pass\n"
TWO = "def test_one(): pass\ndef test_two(): assert False\n"
NOT_NEEDED = ("requests", "urllib3", "tenacity", "click", "flask", "werkzeug", "requests_toolbelt")
SUMMARY = re.compile(
    r"qase: \d+ delivered, \d+ kept, \d+ refused, \d+ without case"
    r" \| (run \S+ http\S+|no run) \| \d+ requests?, \d+\.\d s"
)
DELIVERED = "qase: 1 delivered, 0 kept, 0 refused, 0 without case | run 1 http://127.0.0.1:"


def test_an_installed_plugin_that_is_not_asked_for_is_only_options_a_marker_and_hooks(project: Project) -> None:
    project.settings("[tmsreport:qase]\nproject = SHOP\n")
    project.write(
        "test_off.py",
        """
        import sys
        import pytest

        @pytest.mark.tms("C1", qase="C2", title="A title")
        def test_off():
            ours = {name for name in sys.modules if name.startswith("pytest_tmsreport")}
            assert ours == {"pytest_tmsreport", "pytest_tmsreport.plugin", "pytest_tmsreport.hooks"}
        """,
    )
    project.write(
        "conftest.py",
        f"""
        import sys

        def pytest_tmsreport_run(run):
            raise RuntimeError("nothing is reported")

        def pytest_unconfigure():
            assert not set({NOT_NEEDED!r}) & set(sys.modules)
        """,
    )
    before = project.files()
    ran = project.pytest("--strict-markers", "--strict-config", "-W", "error")

    assert ran.status == 0
    assert "test management" not in ran.out
    assert project.files() == before
    assert not project.box.requests


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_process_that_runs_tests_imports_no_client_and_no_server(project: Project, workers: str) -> None:
    project.write(
        "test_on.py",
        f"""
        import sys

        def test_on():
            assert not set({NOT_NEEDED!r}) & set(sys.modules)
            assert not {{"pytest_tmsreport.client", "pytest_tmsreport.upload"}} & set(sys.modules)

        def test_that_it_is_about_one_tool():
            parts = [name.split(".")[2] for name in sys.modules if name.startswith("pytest_tmsreport.vendors.")]
            assert "qase" in parts
            assert {{part.strip("_").partition("_")[0] for part in parts}} == {{"qase"}}
        """,
    )
    project.write(
        "conftest.py",
        f"""
        import pathlib, sys

        def pytest_unconfigure(config):
            name = getattr(config, "workerinput", {{}}).get("workerid", "main")
            found = sorted(set({NOT_NEEDED!r}) & set(sys.modules))
            pathlib.Path(f"imported-{{name}}").write_text(" ".join(found))
        """,
    )
    ran = project.report(workers, "-W", "error", "--tms-set", "on_loss=fail")

    assert ran.status == 0
    assert ran.line("qase: ").startswith(DELIVERED.replace("1 delivered", "2 delivered"))
    names = ["imported-main", *(["imported-gw0", "imported-gw1"] if workers == "-n2" else [])]
    assert {path.name: path.read_text() for path in project.root.glob("imported-*")} == dict.fromkeys(names, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tms", "qase"], "--tms takes no name: write `--tms-to qase`"),
        (["--tms-to", "qse"], "qse: there is no such destination; did you mean `qase`?"),
        (["--tms-to", "qase", "--tms-set", "qase.token=x"], "`token` is a secret and stands in --tms-set"),
        (["--tms-to", "qase", "--tms-set", "qase.projct=X"], "unknown key `projct`; did you mean `project`?"),
        (["--tms-to", "qase", "--tms-set", "onloss=fail"], "unknown key `onloss`; did you mean `on_loss`?"),
        (["--tms-to", "qase", "--tms-set", "qsae.project=X"], "unknown destination 'qsae'; did you mean `qase`?"),
    ],
)
def test_what_was_typed_wrong_is_answered_with_what_is_right(
    project: Project, arguments: list[str], words: str
) -> None:
    project.write("test_one.py", ONE)
    ran = project.pytest(*arguments)

    assert ran.status == pytest.ExitCode.USAGE_ERROR
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert project.files() == {"pytest.ini", "test_one.py"}
    assert not project.box.requests


def test_a_report_to_nowhere_is_answered_with_the_lines_to_add(project: Project) -> None:
    ran = project.pytest("--tms")

    assert ran.status == pytest.ExitCode.USAGE_ERROR
    assert "[tmsreport:qase]\n" in ran.err
    assert "TMSREPORT_QASE_TOKEN" in ran.err
    assert "tmsreport sandbox qase -- pytest --tms-to qase" in ran.err


def test_a_folder_that_is_named_as_a_vendor_can_be_tested(project: Project) -> None:
    project.settings("[tmsreport:qase]\n")
    project.write("qase/test_one.py", ONE)
    ran = project.pytest("--tms", "qase")

    assert ran.line("qase: ").startswith(DELIVERED)


def test_a_mask_that_matches_the_run_leaves_the_command_as_it_is_to_be_typed(project: Project) -> None:
    project.settings("[tmsreport]\nmask = \\d{6,}\n[tmsreport:qase]\n")
    project.write("test_one.py", ONE)
    project.served.troubles.add("401")
    ran = project.pytest("--tms")

    assert ran.folder
    assert ran.line("send the rest: ").endswith(ran.folder.name)


def test_a_destination_with_broken_settings_is_off_and_the_others_are_served(project: Project) -> None:
    project.settings(
        """
        [tmsreport:broken]
        vendor = qase
        projekt = SHOP
        [tmsreport:qase]
        """
    )
    project.environ["TMSREPORT_BROKEN_TOKEN"] = "another-token"
    project.write("test_one.py", ONE)
    ran = project.pytest("--tms", "-n2", "-q")

    assert ran.status == 0
    problem = "unknown key `projekt`; did you mean `project`?"
    header, summary = ran.out.split("test management")
    assert "tmsreport: broken: " in header
    assert problem in header
    assert "broken: 0 delivered, 1 kept, 0 refused, 0 without case | no run | 0 requests, 0.0 s" in summary
    assert problem in summary
    assert ran.line("qase: ").startswith(DELIVERED)
    assert ran.line("send the rest: ")


def test_broken_settings_stop_the_session_where_no_loss_is_allowed(project: Project, workers: str) -> None:
    project.settings("[tmsreport]\non_loss = fail\n[tmsreport:qase]\nprojekt = SHOP\n")
    project.write("test_one.py", "open('ran', 'w')\n" + ONE)
    ran = project.pytest("--tms", workers)

    assert ran.status == pytest.ExitCode.USAGE_ERROR
    assert "tmsreport: qase: " in ran.err
    assert "unknown key `projekt`; did you mean `project`?" in ran.err
    assert not (project.root / "ran").exists()


@pytest.mark.parametrize("option", [pytest.param("-v", marks=pytest.mark.long), "-qq", "--no-summary"])
def test_a_summary_is_printed_however_quiet_the_session_is(project: Project, option: str) -> None:
    project.write("test_one.py", ONE)
    ran = project.report(option)

    assert SUMMARY.fullmatch(ran.line("qase: "))
    assert ran.line("qase: ").startswith(DELIVERED)
    assert not ran.err


def test_a_session_without_a_terminal_sums_up_on_stderr(project: Project) -> None:
    project.write("test_one.py", ONE)
    ran = project.report("-p", "no:terminal", "-p", "no:xdist")

    assert SUMMARY.fullmatch(ran.line("qase: "))
    assert "qase: " in ran.err
    assert ran.status == 0


@pytest.mark.parametrize(
    "option",
    [
        "--collect-only",
        pytest.param("--fixtures", marks=pytest.mark.long),
        "--setup-plan",
        "--setup-only",
        pytest.param("--markers", marks=pytest.mark.long),
        "--help",
        "--cache-show",
    ],
)
def test_what_runs_no_test_makes_and_sends_nothing(project: Project, option: str) -> None:
    project.write("test_one.py", ONE)
    ran = project.report(option)

    assert ran.status == 0
    assert project.files() == {"pytest.ini", "test_one.py"}
    assert not project.box.requests
    assert "test management\n" not in ran.out
    assert "0 delivered" not in ran.out + ran.err


def test_a_session_that_selects_no_test_makes_no_run(project: Project, workers: str) -> None:
    project.write("test_one.py", ONE)
    ran = project.report(workers, "-k", "nothing")

    assert ran.status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert ran.line("qase: ") == ("qase: 0 delivered, 0 kept, 0 refused, 0 without case | no run | 0 requests, 0.0 s")
    assert not project.box.requests
    assert ran.folder is None


@pytest.mark.parametrize(
    ("on_loss", "workers", "status"),
    [
        pytest.param("ignore", "-n0", 0, marks=pytest.mark.long),
        ("warn", "-n0", 0),
        pytest.param("fail", "-n0", 10, marks=pytest.mark.long),
        ("fail", "-n2", 10),
    ],
)
def test_a_refused_token_loses_nothing_and_the_printed_command_delivers_all(
    project: Project, on_loss: str, workers: str, status: int
) -> None:
    project.settings(f"[tmsreport]\non_loss = {on_loss}\n")
    project.write("test_one.py", ONE)
    project.served.troubles.add("401")
    ran = project.report(workers, "--color=yes")

    assert ran.status == status
    assert not project.arrived
    red = "\x1b[31m" if on_loss != "ignore" else ""
    assert f"{red}qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | 1 request, " in ran.out
    assert "what to do: make a new token" in ran.out
    command = shlex.split(re.search("send the rest: ([^\x1b\n]*)", ran.out)[1])  # type: ignore[index]
    assert command[1:3] == ["-m", "pytest_tmsreport"] or command[0] == "tmsreport"

    project.served.troubles.clear()
    sent = project.run(*command)
    assert sent.status == 0
    assert "qase: 1 delivered, 0 kept, 0 refused, 0 without case | run 1 " in sent.out
    assert [result.title for result in project.arrived] == ["test_one"]
    assert project.box.runs["1"].end is not None


@pytest.mark.parametrize("trouble", ["", "401"])
def test_on_github_the_summary_is_added_to_the_page_of_the_job(project: Project, workers: str, trouble: str) -> None:
    page = project.root / "page.md"
    page.write_text("# Earlier steps\n")
    project.environ["GITHUB_STEP_SUMMARY"] = str(page)
    project.write("test_one.py", ONE)
    if trouble:
        project.served.troubles.add(trouble)
    project.report(workers)

    heading, *lines = page.read_text().splitlines()
    assert heading == "# Earlier steps"
    assert lines[0] == "### Test management"
    assert sum("Test management" in line for line in lines) == 1
    (row,) = (line for line in lines if line.startswith("| qase "))
    if trouble:
        assert row == "| qase | 0 | 1 | 0 | 0 | 0 |  |"
        assert "- what to do: make a new token" in page.read_text()
        assert "tmsreport send" in page.read_text().replace("\\_", "_")
    else:
        assert row.startswith("| qase | 1 | 0 | 0 | 0 | 0 | [1](http://127.0.0.1:")


def test_a_page_of_the_job_that_cannot_be_written_costs_nothing(project: Project) -> None:
    project.environ["GITHUB_STEP_SUMMARY"] = str(project.root / "no" / "such" / "folder.md")
    project.write("test_one.py", ONE)
    ran = project.report()

    assert ran.status == 0
    assert DELIVERED in ran.out


def test_a_loss_leaves_the_status_of_a_failed_session_alone(project: Project) -> None:
    project.settings("[tmsreport]\non_loss = fail\n")
    project.write("test_two.py", TWO)
    project.served.troubles.add("401")

    assert project.report().status == pytest.ExitCode.TESTS_FAILED


def test_a_rehearsal_prints_each_request_and_sends_none(project: Project) -> None:
    project.write("test_two.py", TWO)
    ran = project.report("--tms-dry-run")

    assert not project.box.requests
    assert "qase: POST v1/run/SHOP" in ran.out
    assert '"title": "test_two"' in ran.out
    assert "qase: dry run: nothing is sent" in ran.out
    assert ran.folder is None
    assert ran.status == pytest.ExitCode.TESTS_FAILED


def test_settings_that_cannot_be_read_keep_the_results_and_say_how_to_send_them(project: Project) -> None:
    (project.root / "tox.ini").write_text("[tmsreport]\non_loss = warn\n")
    (project.root / "pytest.ini").write_text("[pytest]\n[tmsreport:qase]\nproject = SHOP\n")
    project.write("test_one.py", ONE)
    ran = project.pytest("--tms")

    assert "settings of tmsreport stand in two files" in ran.out
    assert "1 result kept; once mended, for each destination: " in ran.out
    assert "send --to NAME" in ran.out


def test_the_command_that_sends_the_rest_leaves_out_the_option_that_was_wrong(project: Project) -> None:
    project.write("test_one.py", ONE)
    ran = project.report("--tms-set", "read_marks=alure", "--tms-set", "qase.batch_size=5")
    assert "did you mean `allure`?" in ran.out
    sent = project.run(*shlex.split(ran.line("send the rest: ").partition(": ")[2]))
    assert (sent.status, len(project.box.results)) == (0, 1)
    assert "--set qase.batch_size=5" in ran.out


def test_a_mask_that_matches_numbers_does_not_end_a_rehearsal(project: Project) -> None:
    project.settings("[tmsreport]\nmask = \\d{6,}\n")
    project.write("test_one.py", ONE)
    ran = project.report("--tms-dry-run")

    assert "qase: POST v2/SHOP/run/0/results" in ran.out
    assert "qase: dry run: nothing is sent" in ran.out


def test_a_folder_of_a_user_that_is_not_known_here_is_just_a_name(project: Project) -> None:
    project.write("test_one.py", "def test_passes(): pass")
    ran = project.report("--tms-set", "dir=~nobody-of-that-name/runs")
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept,")
    assert (project.root / "~nobody-of-that-name" / "runs").is_dir()
