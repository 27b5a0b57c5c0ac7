"""The command line: what it says, what it sends, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Done

from pytest_tmsreport import __name__ as package
from pytest_tmsreport.cli import main
from pytest_tmsreport.errors import HTTP
from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Result, Run
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.qase_fields import TOKEN, Rules
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.vendors.kiwi import Kiwi
from pytest_tmsreport.vendors.qase import Qase

FOREIGN = re.compile("TMSREPORT_|QASE_|PYTEST_|https?_proxy|all_proxy|no_proxy", re.IGNORECASE)
BASE = ".tmsreport"


@dataclass
class Project:
    """A folder with settings for `qase` and `demo`, and a server that has both their projects."""

    root: Path
    served: Served
    rules: Rules

    @property
    def box(self) -> Box:
        return self.served.boxes["qase"]

    def run(self, *args: str, **environ: str | None) -> Done:
        """A command in this process."""
        return CliRunner().invoke(main, list(args), env={"TMSREPORT_QASE_TOKEN": TOKEN, **environ})

    def start(self, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", package, *args],
            cwd=self.root,
            env={**os.environ, "TMSREPORT_QASE_TOKEN": TOKEN, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def open_journal(self, name: str, destinations: Mapping[str, str] | None = None) -> Journal:
        found = {"qase": "qase"} if destinations is None else destinations
        return Journal(self.root / BASE / name, Run(id=name, name=f"nightly {name}", start=1789380131.0), found)

    def make_run(
        self, name: str, *results: Result, destinations: Mapping[str, str] | None = None, not_run: int = 0
    ) -> RunFolder:
        """A session that has ended with these results, or with three that pass, fail and err."""
        journal = self.open_journal(name, destinations)
        for result in results or make_results(3):
            journal.write(result)
        journal.end(exitstatus=0, not_run=[f"t.py::test_{index}" for index in range(not_run)])
        return RunFolder(journal.folder)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for name in os.environ:
        if FOREIGN.match(name):
            monkeypatch.delenv(name)
    cases = dict.fromkeys(range(1, 10), "")
    rules = Rules(projects=("SHOP", "DEMO"), cases=cases)
    with serve([qase_sandbox.create(rules)]) as served:
        (tmp_path / "pytest.ini").write_text(
            "[pytest]\n[tmsreport]\n[tmsreport:qase]\nproject = SHOP\n"
            f"url = {served.url_of('qase')}\n"
            "[tmsreport:demo]\nvendor = qase\nproject = DEMO\n"
            f"url = {served.url_of('qase')}\n",
            "utf-8",
        )
        monkeypatch.chdir(tmp_path)
        yield Project(tmp_path, served, rules)


FIRST, SECOND = "20260914-100211-0a1b2c3d", "20260915-100211-0a1b2c3d"
BOTH = {"qase": "qase", "demo": "qase"}


def test_send_delivers_every_run_of_the_project(project: Project) -> None:
    project.make_run(FIRST)
    project.make_run(SECOND)
    done = project.run("send")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("qase: 3 delivered, 0 kept, 0 refused, 0 without case | run ") == 2
    assert len(project.box.results) == 6


def test_send_again_has_nothing_to_send(project: Project) -> None:
    project.make_run(FIRST)
    project.run("send")
    done = project.run("send")
    assert (done.exit_code, done.stdout) == (0, f"nothing to send in {project.root / BASE}\n")


def test_send_takes_the_name_of_a_run(project: Project) -> None:
    project.make_run(FIRST)
    project.make_run(SECOND)
    assert project.run("send", SECOND).exit_code == 0
    assert [run.title for run in project.box.runs.values()] == [f"nightly {SECOND}"]


def test_send_takes_a_folder_of_runs_from_elsewhere(project: Project, tmp_path: Path) -> None:
    project.make_run(FIRST)
    project.make_run(SECOND)
    (project.root / BASE).rename(tmp_path / "artefact")
    assert project.run("send", "artefact").exit_code == 0
    assert len(project.box.runs) == 2


def test_send_takes_the_folder_of_a_run(project: Project) -> None:
    project.make_run(FIRST)
    project.make_run(SECOND)
    assert project.run("send", str(Path(BASE) / FIRST)).exit_code == 0
    assert [run.title for run in project.box.runs.values()] == [f"nightly {FIRST}"]


@pytest.mark.parametrize("command", ["send", "show"])
def test_an_unknown_run_is_answered_with_the_nearest(project: Project, command: str) -> None:
    project.make_run(FIRST)
    done = project.run(command, FIRST.replace("0914", "0941"))
    assert done.exit_code == 2
    assert f"did you mean {FIRST}?" in done.stderr
    assert project.box.requests == []


def test_send_works_from_a_folder_below_the_project_and_from_elsewhere(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.make_run(FIRST)
    project.make_run(SECOND)
    below = project.root / "tests" / "unit"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert project.run("send", FIRST).exit_code == 0
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert project.run("send", "--rootdir", str(project.root)).exit_code == 0
    assert len(project.box.runs) == 2


def test_send_to_picks_a_destination(project: Project) -> None:
    project.make_run(FIRST, destinations=BOTH)
    done = project.run("send", "--to", "demo", TMSREPORT_DEMO_TOKEN=TOKEN)
    assert done.exit_code == 0
    assert {run.project for run in project.box.runs.values()} == {"DEMO"}


def test_send_to_reports_a_run_that_was_made_for_no_destination(project: Project) -> None:
    project.make_run(FIRST, destinations={})
    alone = project.run("send")
    assert alone.exit_code == 1
    assert "name one with --to" in alone.stdout
    assert project.run("send", "--to", "qase").exit_code == 0
    assert len(project.box.results) == 3


def test_what_is_refused_is_named_and_sent_again_only_when_asked(project: Project) -> None:
    good, bad, _ = make_results(3)
    project.make_run(FIRST, good, replace(bad, ids=({"": ("10",)},)))
    first = project.run("send")
    assert first.exit_code == 1
    assert "1 delivered, 0 kept, 1 refused" in first.stdout
    assert f"  refused: {bad.nodeid}: " in first.stdout
    assert "tmsreport send --refused" in first.stdout
    before = len(project.box.requests)
    assert project.run("send").exit_code == 1
    assert len(project.box.requests) == before
    assert isinstance(project.rules.cases, dict)
    project.rules.cases[10] = "made in the meantime"
    again = project.run("send", "--refused")
    assert (again.exit_code, len(project.box.results)) == (0, 2)


def test_what_is_kept_is_told_with_the_reason_the_remedy_and_the_command(project: Project) -> None:
    project.make_run(FIRST)
    project.served.troubles.add("401")
    done = project.run("send")
    assert done.exit_code == 1
    assert "0 delivered, 3 kept" in done.stdout
    assert "  reason: 401 " in done.stdout
    assert "  what to do: " in done.stdout
    assert "  send the rest: tmsreport send" in done.stdout
    project.served.troubles.clear()
    assert project.run("send").exit_code == 0


def test_one_destination_without_a_token_does_not_hold_up_the_other(project: Project) -> None:
    project.make_run(FIRST, destinations=BOTH)
    done = project.run("send")
    assert done.exit_code == 2
    assert "demo: `token` is missing: set TMSREPORT_DEMO_TOKEN" in done.stderr
    assert "qase: 3 delivered" in done.stdout
    assert project.run("send", TMSREPORT_DEMO_TOKEN=TOKEN).exit_code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--set", f"qase.token={TOKEN}"], "is a secret"),
        (["--set", "qase.projct=SHOP"], "did you mean `project`"),
        (["--set", "nonsense"], "KEY=VALUE"),
        (["--to", "nosuch"], "no such destination"),
    ],
)
def test_a_wrong_setting_ends_with_2_and_says_what_is_meant(project: Project, args: list[str], words: str) -> None:
    project.make_run(FIRST)
    done = project.run("send", *args)
    assert done.exit_code == 2
    assert words in done.stderr
    assert project.box.requests == []


def test_a_setting_can_be_given_for_one_command(project: Project) -> None:
    project.make_run(FIRST)
    assert project.run("send", "--set", "qase.project=DEMO").exit_code == 0
    assert {run.project for run in project.box.runs.values()} == {"DEMO"}


def test_a_dry_run_shows_what_would_be_sent_with_secrets_masked_and_sends_nothing(project: Project) -> None:
    first, *_ = make_results(1)
    project.make_run(FIRST, replace(first, message=f"wrong token {TOKEN}"))
    done = project.run("send", "--dry-run")
    assert done.exit_code == 1
    assert "qase: POST v2/SHOP/run/0/results\n" in done.stdout
    assert '"message": "wrong token ***"' in done.stdout
    assert "qase: dry run: nothing is sent\n" in done.stdout
    assert "delivered" not in done.stdout
    assert TOKEN not in done.output
    assert project.box.requests == []
    assert project.run("send").exit_code == 0
    assert project.run("send", FIRST, "--dry-run").exit_code == 0


def test_neither_url_nor_token_nor_proxy_is_taken_from_a_journal(project: Project) -> None:
    folder = project.make_run(FIRST)
    with serve([qase_sandbox.create()]) as evil:
        path = folder.path / "results.jsonl"
        head, *rest = path.read_text("ascii").splitlines()
        url = evil.url_of("qase")
        network = {"proxy": evil.url, "ca_bundle": "/etc/evil.pem", "token_file": "/etc/passwd"}
        stolen = {"url": url, "base_url": url, "host": url, "token": "stolen", **network}
        changed = {**json.loads(head), **stolen, "settings": stolen, "qase": stolen}
        changed["run"] = {**changed["run"], **stolen}
        path.write_text("\n".join([json.dumps(changed), *rest, ""]), "ascii")
        (folder.path / "qase.jsonl").write_text(json.dumps({"url": url, "proxy": evil.url}) + "\n", "ascii")
        (folder.path / "pytest.ini").write_text(
            f"[tmsreport]\nproxy = {evil.url}\n[tmsreport:qase]\nurl={url}\n", "ascii"
        )
        done = project.run("send", str(folder.path))
        assert evil.boxes["qase"].requests == []
    assert done.exit_code == 0
    assert len(project.box.results) == 3


@pytest.mark.parametrize("name", ["../../tmp/x", "results", "Qase", ""])
def test_a_journal_that_names_impossible_destinations_is_not_sent(project: Project, name: str) -> None:
    project.make_run(FIRST, destinations={name: "qase"})
    done = project.run("send")
    assert done.exit_code == 1
    assert "impossible destinations" in done.stderr
    assert project.box.requests == []


def test_a_live_session_is_left_alone(project: Project) -> None:
    journal = project.open_journal(FIRST)
    journal.write(make_results(1)[0])
    done = project.run("send")
    listed = project.run("runs")
    journal.end(exitstatus=0, not_run=[])
    assert done.exit_code == 1
    assert "still running" in done.stdout
    assert "(running)" in listed.stdout
    assert project.box.requests == []
    assert project.run("send").exit_code == 0


def test_what_a_killed_session_left_is_delivered(project: Project) -> None:
    journal = project.open_journal(FIRST)
    for result in make_results(3):
        journal.write(result)
    journal._lines.close()
    with (journal.folder / "results.jsonl").open("ab") as file:
        file.write(b'{"result": {"id": "torn')
    assert "(was killed)" in project.run("runs").stdout
    done = project.run("send")
    assert done.exit_code == 0
    assert len(project.box.results) == 3


def test_a_run_that_cannot_be_read_does_not_hold_up_the_others(project: Project) -> None:
    broken, linked = project.make_run(FIRST), project.make_run("20260914-200000-0a1b2c3d")
    project.make_run(SECOND)
    (broken.path / "results.jsonl").write_bytes(b"\xff\n")
    (linked.path / "qase.jsonl").symlink_to(project.root / "pytest.ini")
    done = project.run("send")
    assert done.exit_code == 1
    assert f"{FIRST} holds no journal" in done.stderr
    assert "qase.jsonl" in done.output
    assert [run.title for run in project.box.runs.values()] == [f"nightly {SECOND}"]
    listed = project.run("runs")
    assert (listed.exit_code, listed.stdout.count("\n")) == (0, 3)
    assert "holds no journal" in listed.stderr


def test_exit_statuses_reach_the_shell(project: Project) -> None:
    project.make_run(FIRST)
    project.served.troubles.add("401*1")
    assert project.start("send").returncode == 1
    assert project.start("send", "nosuch").returncode == 2
    done = project.start("send")
    assert (done.returncode, done.stderr) == (0, "")


def test_runs_says_what_became_of_each(project: Project) -> None:
    good, bad, _ = make_results(3)
    project.make_run(FIRST, good, replace(bad, ids=({"": ("99",)},)), not_run=2)
    project.make_run(SECOND, destinations=BOTH)
    project.run("send", FIRST)
    lines = project.run("runs").stdout.splitlines()
    assert lines == [
        f"{FIRST}  nightly {FIRST}  2 results  (2 tests never ran)",
        "  qase: 1 delivered, 1 refused, run 1",
        f"{SECOND}  nightly {SECOND}  3 results",
        "  qase: 0 delivered, 0 refused",
        "  demo: 0 delivered, 0 refused",
    ]


def test_runs_and_show_tell_of_files(project: Project) -> None:
    journal = project.open_journal(FIRST)
    files = tuple(journal.attach(name, "text/plain", name.encode()) for name in ("log.txt", "lost.txt"))
    (result,) = make_results(1, attachments=files)
    journal.write(result)
    journal.end(exitstatus=0, not_run=[])
    (journal.folder / "attachments" / files[1].sha256).unlink()
    sent = project.run("send", FIRST).stdout
    assert "| 1 file, 1 file left out, " in sent
    assert "note: the file 'lost.txt' is left out: cannot read" in sent
    assert (
        project.run("runs").stdout.splitlines()[1] == "  qase: 1 delivered, 0 refused, 1 file, 1 file left out, run 1"
    )
    assert project.run("show", FIRST).stdout.splitlines()[-1].strip() == "log.txt (7 bytes), lost.txt (8 bytes)"


def test_runs_says_where_there_are_none(project: Project) -> None:
    done = project.run("runs")
    assert (done.exit_code, done.stdout) == (0, f"no runs in {project.root / BASE}\n")


def test_show_lists_results_with_what_became_of_them(project: Project) -> None:
    good, bad, kept = make_results(3)
    project.make_run(FIRST, good, replace(bad, ids=({"": ("99",)},), nodeid="t.py::bad\x1b[2J"))
    project.make_run(SECOND, kept)
    project.run("send", FIRST)
    lines = project.run("show", FIRST).stdout.splitlines()
    assert lines[0] == f"{FIRST}  nightly {FIRST}  2026-09-14 10:02:11 UTC"
    assert lines[1] == f"  passed   {good.nodeid}  qase: delivered"
    assert lines[2].startswith("  failed   t.py::bad  qase: ")
    assert "is no case of this project" in lines[2]
    assert lines[3].strip() == bad.message
    assert project.run("show", SECOND).stdout.splitlines()[1].endswith("qase: kept")


def test_show_json_holds_all_of_a_run(project: Project) -> None:
    results = make_results(3)
    project.make_run(FIRST, *results, destinations=BOTH, not_run=1)
    project.run("send", "--to", "qase")
    found = json.loads(project.run("show", "--json", FIRST).stdout)
    assert found["run"]["name"] == f"nightly {FIRST}"
    assert [each["id"] for each in found["results"]] == [result.id for result in results]
    assert found["destinations"]["qase"] == {
        "vendor": "qase",
        "run_id": "1",
        "delivered": sorted(result.id for result in results),
        "refused": {},
        "is_completed": True,
    }
    assert found["destinations"]["demo"]["delivered"] == []
    assert found["end"] == {"exitstatus": 0, "not_run": ["t.py::test_0"]}


def test_vendors_lists_what_can_be_reported_to(project: Project) -> None:
    head, *rows = project.run("vendors").stdout.splitlines()
    assert head.split("  ")[0] == "name"
    (row,) = [row for row in rows if row.startswith("qase")]
    assert re.split("  +", row) == ["qase", "Qase", "200", "600", "32 MiB, 20 at once", Qase.proof]


def test_the_manual_page_of_a_vendor_has_every_setting_variable_and_default(project: Project) -> None:
    done = project.run("vendors", "qase")
    assert done.exit_code == 0
    page = done.stdout
    for entry in fields(Qase):
        if entry.name in ("name", "kind", "status"):
            continue
        (shown,) = re.findall(rf"^  {entry.name}(?: = (.*))?\n      (.+)\n      (.+)$", page, re.MULTILINE)
        default, help_text, variables = shown
        is_required = entry.name == "token" or (entry.default is MISSING and entry.default_factory is MISSING)
        known = entry.default if entry.default is not MISSING else ""
        expected = "required" if is_required else str(known).lower() if isinstance(known, bool) else str(known)
        assert (entry.name, default) == (entry.name, expected)
        assert help_text == entry.metadata["help"]
        assert variables.split(", ")[0] == f"TMSREPORT_<NAME>_{entry.name.upper()}"
        assert set(Qase.variables.get(entry.name, ())) <= set(variables.split(", "))
    assert "TMSREPORT_<NAME>_TOKEN_FILE" in page
    assert "TMSREPORT_<NAME>_STATUS_<OUTCOME>" in page
    for outcome, word in Qase.statuses.items():
        assert re.search(rf"^  {outcome.value} +{word}$", page, re.MULTILINE)
    for code, fault in Qase.errors.codes.items():
        assert re.search(rf"^  {code} +{re.escape(fault.meaning)}$", page, re.MULTILINE)


@pytest.mark.parametrize("args", [["vendors", "qaze"], ["explain", "qaze", "401"]])
def test_an_unknown_vendor_is_answered_with_the_nearest(project: Project, args: list[str]) -> None:
    done = project.run(*args)
    assert done.exit_code == 2
    assert "did you mean qase?" in done.stderr


@pytest.mark.parametrize("code", Kiwi.errors.codes)
def test_explain_takes_codes_that_are_words_or_begin_with_a_minus(project: Project, code: int | str) -> None:
    done = project.run("explain", "kiwi", str(code))
    assert done.exit_code == 0
    assert Kiwi.errors.codes[code].meaning in done.stdout
    assert Kiwi.errors.codes[code].remedy in done.stdout


def test_a_vendor_that_is_like_none_is_answered_with_the_list(project: Project) -> None:
    done = project.run("vendors", "zzz")
    assert done.exit_code == 2
    assert "`tmsreport vendors` lists them" in done.stderr


@pytest.mark.parametrize("code", sorted({*map(int, Qase.errors.codes), *HTTP}))
def test_explain_says_what_a_code_means_whether_it_is_retried_and_what_to_do(project: Project, code: int) -> None:
    done = project.run("explain", "qase", str(code))
    fault = Qase.errors.explain(code)
    assert fault
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"Qase {code}: {fault.meaning}",
        f"  what the plugin does: {fault.in_words()}",
        f"  what to do: {fault.remedy or 'nothing, unless it goes on'}",
    ]


@pytest.mark.parametrize(
    ("code", "next_step"), [("418", "culprits are taken out"), ("599", "retried"), ("308", "not retried")]
)
def test_explain_takes_the_nearest_family_for_a_code_that_nobody_documents(
    project: Project, code: str, next_step: str
) -> None:
    done = project.run("explain", "qase", code)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Qase does not document {code}; the nearest family says:\nQase {code}: ")
    assert next_step in done.stdout


@pytest.mark.parametrize("code", ["E17", "nonsense", "0", "7", "²", "200", "99999999999999999999", "-1"])
def test_explain_lists_the_known_codes_for_what_is_none(project: Project, code: str) -> None:
    done = project.run("explain", "qase", "--", code)
    assert done.exit_code == 2
    assert "429" in done.stderr
    assert "507" in done.stderr


CHILD = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"


def sandbox(project: Project, *args: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    return project.start("sandbox", *args, "--", sys.executable, "-c", *command)


def test_sandbox_ends_with_the_status_of_its_command(project: Project) -> None:
    assert sandbox(project, "qase", command=["raise SystemExit(7)"]).returncode == 7
    assert sandbox(project, "qase", command=["pass"]).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_sandbox_counts_a_signal_as_shells_do(project: Project) -> None:
    done = sandbox(project, "qase", command=["import os, signal; os.kill(os.getpid(), signal.SIGTERM)"])
    assert done.returncode == 128 + signal.SIGTERM


def test_sandbox_leaves_everything_behind_the_dashes_to_the_command(project: Project) -> None:
    theirs = ["--port", "99999", "--json", "their.json", "--trouble", "nonsense", "--help", "--", "-x"]
    done = sandbox(project, "qase", command=[CHILD, *theirs])
    assert done.returncode == 0
    argv, environ = json.loads(done.stdout.splitlines()[0])
    assert argv == theirs
    assert environ["TMSREPORT_QASE_TOKEN"] == TOKEN
    assert environ["TMSREPORT_QASE_PROJECT"] == "SHOP"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/qase", environ["TMSREPORT_QASE_URL"])
    assert not (project.root / "their.json").exists()


def test_sandbox_takes_options_before_and_behind_its_vendors(project: Project) -> None:
    done = sandbox(project, "--trouble", "503*1", "qase", "--json", "all.json", command=["pass"])
    assert done.returncode == 0
    assert list(json.loads((project.root / "all.json").read_text("utf-8"))) == ["qase"]


def test_send_reports_to_a_sandbox_without_settings_and_the_file_has_it_all(project: Project) -> None:
    project.make_run(FIRST)
    (project.root / "pytest.ini").unlink()
    command = ["sandbox", "qase", "--json", "all.json", "--trouble", "503*1", "--trouble", "lost-answer@results", "--"]
    done = project.start(*command, sys.executable, "-m", package, "send", "--to", "qase")
    assert done.returncode == 0
    assert "qase: 3 delivered" in done.stdout
    assert "qase: 3 results (1 failed, 1 invalid, 1 passed), 3 results sent again and taken once" in done.stdout
    found: dict[str, Any] = json.loads((project.root / "all.json").read_text("utf-8"))["qase"]
    assert len(found["results"]) == 3
    assert found["requests"][0]["status"] == 503
    assert {"method", "path", "body"} <= set(found["requests"][0])
    assert TOKEN not in (project.root / "all.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--trouble", "nonsense"], "WHAT[*TIMES][+AFTER][@PATH]"),
        (["--trouble", "429*"], "a number above zero"),
        (["qaze"], "did you mean `qase`?"),
        (["--json", "no/such/folder/all.json"], "no such folder"),
        (["--port", "70000"], "port 70000"),
    ],
)
def test_sandbox_says_what_was_typed_wrong_and_starts_nothing(
    project: Project, args: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    done = project.run("sandbox", *args, "--", sys.executable, "-c", "print('started')")
    assert done.exit_code == 2
    assert words in done.stderr
    assert "started" not in capfd.readouterr().out


def test_the_version_is_told_and_running_the_package_is_the_same_program(project: Project) -> None:
    done = project.start("--version")
    assert done.returncode == 0
    assert re.search(r"version \d+\.\d+\.\d+", done.stdout)


def test_help_names_every_command(project: Project) -> None:
    shown = project.run("-h").stdout
    assert all(f"  {name} " in shown for name in ("send", "runs", "show", "vendors", "explain", "sandbox"))
    assert "--dry-run" in project.run("send", "-h").stdout


def test_words_that_a_terminal_cannot_show_stop_nothing(project: Project) -> None:
    folder = project.make_run(FIRST).path / "results.jsonl"
    folder.write_text(folder.read_text("ascii").replace('"name":"nightly', '"name":"\\u2192 \\u591c'), "ascii")
    done = project.start("send", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2192 \\u591c" in done.stdout
    assert "3 delivered" in done.stdout


def test_a_place_for_journals_that_cannot_be_looked_into_is_no_empty_one(project: Project) -> None:
    (project.root / BASE).write_text("")
    for command in ("send", "runs"):
        done = project.run(command)
        assert done.exit_code == 2
        assert "cannot look for runs in" in done.output
