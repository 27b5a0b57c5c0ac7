"""Journals gathered from several machines: found wherever they lie, and made into one run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result as Done

from pytest_tmsreport.cli import main
from pytest_tmsreport.errors import JournalError
from pytest_tmsreport.gather import folders_below, gather, without_copies
from pytest_tmsreport.journal import Journal, ReceiptBook, RunFolder
from pytest_tmsreport.model import Outcome, Result, Run
from pytest_tmsreport.sandbox import catalog
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.testing import make_results

FOREIGN = re.compile("TMSREPORT_|QASE_|TR_CLI|TESTRAIL|XRAY_|VANSAH_|GITHUB_|GITLAB_|CI")


def machine(place: Path, number: int, *results: Result, key: str = "", to: str = "qase", is_over: bool = True) -> Path:
    """The journal of a machine whose session had these results, or three of its own."""
    run = Run(id=f"20260914-10021{number}-0a1b2c3d", name=f"on machine {number}", start=1789380130.0 + number, key=key)
    folder = place / f"job-{number}" / ".tmsreport" / run.id
    journal = Journal(folder, run, {to: to})
    for result in results or results_of(number):
        journal.write(result)
    journal.end(exitstatus=number % 2, not_run=[f"t.py::test_{number}"])
    if not is_over:  # it was killed
        lines = (folder / "results.jsonl").read_text().splitlines(keepends=True)
        (folder / "results.jsonl").write_text("".join(lines[:-1]))
    return folder


def results_of(number: int) -> list[Result]:
    """Three results that no other machine has."""
    return [replace(each, id=f"{number}{each.id[1:]}", nodeid=f"m{number}/{each.nodeid}") for each in make_results(3)]


def names(folders: list[RunFolder]) -> list[str]:
    return [folder.name for folder in folders]


# Finding them


def test_journals_are_found_anywhere_below_a_folder_the_oldest_first(tmp_path: Path) -> None:
    deep = tmp_path / "artefacts" / "a" / "b"
    second, first = machine(deep, 2), machine(tmp_path / "artefacts", 1)
    assert names(folders_below(tmp_path)) == [first.name, second.name]
    assert names(folders_below(first)) == [first.name]
    assert folders_below(tmp_path / "nothing there") == []


def test_a_link_is_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    machine(tmp_path / "elsewhere", 1)
    given = tmp_path / "given"
    given.mkdir()
    (given / "linked").symlink_to(tmp_path / "elsewhere")
    assert folders_below(given) == []


def test_of_copies_of_a_journal_the_one_that_holds_most_is_taken(tmp_path: Path) -> None:
    early = machine(tmp_path / "early", 1, is_over=False)
    late = tmp_path / "late" / "renamed by somebody"
    shutil.copytree(early, late)
    with (late / "results.jsonl").open("a") as file:
        file.write('{"end":{"exitstatus":0,"not_run":[]}}\n')
    other = machine(tmp_path, 2)
    kept, copies = without_copies(folders_below(tmp_path))
    assert {folder.path for folder in kept} == {late, other}
    assert [(copy.path, original.path) for copy, original in copies] == [(early, late)]


def test_what_is_no_journal_is_kept_to_be_spoken_of(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.jsonl").write_text("nonsense\n")
    assert len(without_copies(folders_below(tmp_path))[0]) == 2


# Making one of them


def test_one_journal_holds_the_results_and_files_of_all(tmp_path: Path) -> None:
    one, other = machine(tmp_path, 1), machine(tmp_path, 2, is_over=False)
    journal = Journal(tmp_path / "third", Run(id="20260914-100213-0a1b2c3d", name="3", start=1789380133.0), {})
    log = journal.attach("log.txt", "text/plain", b"hello")
    journal.write(replace(results_of(3)[0], attachments=(log,)))
    journal.end(exitstatus=0, not_run=[])
    made = gather(folders_below(tmp_path), tmp_path / "base")
    assert [each.nodeid for each in made.results()] == [
        *(each.nodeid for each in RunFolder(one).results()),
        *(each.nodeid for each in RunFolder(other).results()),
        results_of(3)[0].nodeid,
    ]
    assert made.head().run.name == "on machine 1"
    assert dict(made.head().destinations) == {"qase": "qase"}
    assert made.end() == {"exitstatus": 1, "not_run": ["t.py::test_1"]}
    with made.file(log).open() as file:
        assert file.read() == b"hello"


def test_the_same_journals_are_gathered_once(tmp_path: Path) -> None:
    machine(tmp_path / "x", 1)
    machine(tmp_path / "x", 2)
    first = gather(folders_below(tmp_path / "x"), tmp_path / "base")
    again = gather(folders_below(tmp_path / "x"), tmp_path / "base")
    assert first == again
    assert len(list(again.results())) == 6
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == [first.name]


def test_what_a_machine_has_delivered_is_not_due_and_its_open_run_is_joined(tmp_path: Path) -> None:
    one, other = machine(tmp_path, 1), machine(tmp_path, 2)
    mine, theirs = results_of(1)[0], results_of(2)[0]
    book = ReceiptBook(one, "qase")
    book.write(opened="12")
    book.write(sent=[mine.id, theirs.id])  # a journal speaks for its own results alone
    book.write(refused={f"{results_of(1)[1].id}/C7": "no such case", theirs.id: "says who?"})
    book.close()
    found = gather([RunFolder(one), RunFolder(other)], tmp_path / "base").receipts("qase")
    assert (found.run_id, found.sent) == ("12", {mine.id})
    assert found.refused == {f"{results_of(1)[1].id}/C7": "no such case"}


def test_a_run_that_is_completed_is_not_joined(tmp_path: Path) -> None:
    one, other = machine(tmp_path, 1), machine(tmp_path, 2)
    book = ReceiptBook(one, "qase")
    book.write(opened="12")
    book.write(closed=True)
    book.close()
    assert gather([RunFolder(one), RunFolder(other)], tmp_path / "base").receipts("qase").run_id == ""


def test_machines_that_have_reported_into_several_runs_are_not_made_one(tmp_path: Path) -> None:
    folders = [RunFolder(machine(tmp_path, number)) for number in (1, 2)]
    for number, folder in enumerate(folders):
        book = ReceiptBook(folder.path, "qase")
        book.write(opened=str(number))
        book.close()
    with pytest.raises(JournalError, match="several runs of qase already, 0 and 1"):
        gather(folders, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_a_session_that_still_runs_is_waited_for_by_a_person(tmp_path: Path) -> None:
    run = Run(id="20260914-100213-0a1b2c3d", name="3", start=1789380133.0)
    journal = Journal(tmp_path / "live", run, {})
    with pytest.raises(JournalError, match="still at work"):
        gather([RunFolder(journal.folder)], tmp_path / "base")
    journal.end(exitstatus=0, not_run=[])


def test_an_id_that_another_journal_has_too_costs_no_result(tmp_path: Path) -> None:
    same = results_of(1)
    forged = [replace(each, outcome=Outcome.PASSED) for each in same]
    folders = [RunFolder(machine(tmp_path, 1, *same)), RunFolder(machine(tmp_path, 2, *forged))]
    made = list(gather(folders, tmp_path / "base").results())
    assert len({each.id for each in made}) == len(made) == 6


def test_a_file_that_is_not_what_was_stored_is_not_taken_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x" / "run", Run(id="1", name="1", start=0.0), {})
    log, key = (journal.attach(name, "text/plain", name.encode()) for name in ("log", "key"))
    journal.write(replace(results_of(1)[0], attachments=(log, key)))
    journal.end(exitstatus=0, not_run=[])
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    (journal.folder / "attachments" / log.sha256).write_text("another content")
    (journal.folder / "attachments" / key.sha256).unlink()
    (journal.folder / "attachments" / key.sha256).symlink_to(secret)
    made = gather(folders_below(tmp_path / "x"), tmp_path / "base")
    assert list((made.path / "attachments").iterdir()) == []


@pytest.mark.parametrize("run_id", ["../../evil", "/etc/evil", "a\\b", "\ud800", "x" * 5000])
def test_the_name_of_a_run_leads_nowhere(tmp_path: Path, run_id: str) -> None:
    folder = machine(tmp_path / "x", 1)
    text = (folder / "results.jsonl").read_text()
    (folder / "results.jsonl").write_text(
        text.replace(f'"{folder.name}"', f'"{run_id}"'.encode("unicode_escape").decode())
    )
    made = gather([RunFolder(folder)], tmp_path / "base")
    assert made.path.parent == tmp_path / "base"
    assert {path.name for path in tmp_path.iterdir()} == {"x", "base"}


# By the command line


class Desk:
    """A project without journals of its own, and a tool that is served."""

    def __init__(self, root: Path, served: Served) -> None:
        self.given = root.parent / "artefacts"
        self._root = root
        self._served = served

    def run(self, *args: str, **environ: str) -> Done:
        left_out = {name: None for name in os.environ if FOREIGN.match(name)}
        return CliRunner().invoke(main, list(args), env={**left_out, **self._served.environment, **environ})

    @property
    def runs(self) -> dict[str, tuple[int, bool]]:
        """Of each run at the tool: how many results it has, and whether it is completed."""
        (box,) = self._served.boxes.values()
        return {run.id: (len(box.results_of(run.id)), run.end is not None) for run in box.runs.values()}


@pytest.fixture(params=["qase"])
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Desk]:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n[tmsreport]\n")
    monkeypatch.chdir(root)
    with serve([catalog.create(request.param)]) as served:
        yield Desk(root, served)


def test_journals_of_one_key_join_one_run_and_others_have_their_own(desk: Desk) -> None:
    for number, key in ((1, "build-7"), (2, "build-7"), (3, ""), (4, "build-77")):
        machine(desk.given, number, key=key)
    done = desk.run("send", str(desk.given))
    assert done.exit_code == 0, done.output
    assert desk.runs == {"1": (6, False), "2": (3, True), "3": (3, False)}
    assert done.output.count("run left open for the other machines; once all are done: tmsreport close qase") == 3
    assert desk.run("send", str(desk.given)).exit_code == 0
    assert desk.runs == {"1": (6, False), "2": (3, True), "3": (3, False)}


def test_one_run_is_made_of_any_journals_and_completed(desk: Desk) -> None:
    machine(desk.given, 1, key="build-7")
    machine(desk.given, 2)
    for _ in range(2):
        done = desk.run("send", "--one-run", str(desk.given))
        assert done.exit_code == 0, done.output
        assert desk.runs == {"1": (6, True)}
    assert "qase: 0 delivered, 0 kept, 0 refused, 0 without case (6 before)" in done.output


def test_one_run_of_journals_of_the_project_takes_their_place(desk: Desk) -> None:
    for number in (1, 2):
        folder = machine(desk.given, number)
        shutil.move(folder, Path(".tmsreport") / folder.name)
    assert desk.run("send", "--one-run").exit_code == 0
    assert desk.run("send").output.startswith("nothing to send")
    assert desk.runs == {"1": (6, True)}


def test_what_is_left_of_one_run_is_sent_by_the_command_that_is_shown(desk: Desk) -> None:
    machine(desk.given, 1)
    machine(desk.given, 2)
    failed = desk.run("send", "--one-run", str(desk.given), TMSREPORT_QASE_TOKEN="wrong")
    assert failed.exit_code == 1
    (line,) = (line for line in failed.output.splitlines() if "send the rest" in line)
    assert desk.run(*line.partition("tmsreport ")[2].split()).exit_code == 0
    assert desk.runs == {"1": (6, True)}


@pytest.mark.parametrize("desk", ["xray"], indirect=True)
def test_of_tests_of_one_case_on_several_machines_the_worst_counts_in_one_run(desk: Desk) -> None:
    bad, good = (
        replace(results_of(number)[0], outcome=outcome, ids=({"": ("SHOP-7",)},))
        for number, outcome in ((1, Outcome.FAILED), (2, Outcome.PASSED))
    )
    machine(desk.given, 1, bad, to="xray")
    machine(desk.given, 2, good, to="xray")
    assert desk.run("send", "--one-run", str(desk.given)).exit_code == 0
    (box,) = desk._served.boxes.values()
    assert [result.status for result in box.results.values()] == ["FAILED"]


def test_a_copy_is_named_and_not_sent(desk: Desk) -> None:
    folder = machine(desk.given, 1)
    shutil.copytree(folder, desk.given / "copy")
    done = desk.run("send", str(desk.given))
    assert done.exit_code == 0
    assert done.output.count(": a copy of ") == 1
    assert desk.runs == {"1": (3, True)}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only for root")
def test_where_receipts_cannot_be_written_it_is_said_what_to_do(desk: Desk) -> None:
    folder = machine(desk.given, 1)
    folder.chmod(0o500)
    done = desk.run("send", str(desk.given))
    assert done.exit_code == 1
    assert "cannot write receipts to" in done.output
    assert desk.runs == {}
    assert desk.run("send", "--one-run", str(desk.given)).exit_code == 0
    assert desk.runs == {"1": (3, True)}
    folder.chmod(0o700)


def test_receipts_that_are_no_file_are_said_and_stop_no_other_journal(desk: Desk) -> None:
    folder = machine(desk.given, 1)
    (folder / "qase.jsonl").mkdir()
    machine(desk.given, 2)
    done = desk.run("send", str(desk.given))
    assert done.exit_code == 1
    assert "cannot read" in done.output
    assert desk.runs == {"1": (3, True)}


def test_names_of_folders_are_made_safe_for_a_terminal(desk: Desk) -> None:
    folder = machine(desk.given, 1)
    folder.rename(folder.parent / "\x1b[31mred\x07")
    done = desk.run("send", str(desk.given), TMSREPORT_QASE_TOKEN="wrong")
    assert done.exit_code == 1
    assert "red" in done.output
    assert "\x1b" not in done.output
    assert "\x07" not in done.output


def test_a_link_in_a_strangers_folder_makes_no_file_elsewhere(desk: Desk) -> None:
    folder = machine(desk.given, 1)
    elsewhere = desk.given.parent / "a file of the user"
    (folder / "delivered").symlink_to(elsewhere)
    done = desk.run("send", str(desk.given))
    assert "3 delivered" in done.output
    assert not elsewhere.exists()


def test_the_type_of_a_strangers_file_reaches_neither_the_terminal_nor_a_form(desk: Desk) -> None:
    place = desk.given / "job"
    place.parent.mkdir()
    journal = Journal(place, Run(id="20260914-100211-0a1b2c3d", name="evil", start=1789380131.0), {"qase": "qase"})
    evil = replace(journal.attach("log.txt", "text/plain", b"hello"), mime="text/\x1b]0;owned\x07plain\r\nX-Evil: 1")
    journal.write(replace(make_results(1)[0], attachments=(evil,)))
    journal.end(exitstatus=0, not_run=[])
    done = desk.run("send", "--dry-run", str(desk.given))
    assert "file log.txt, application/octet-stream, 5 bytes" in done.output
    assert "\x1b" not in done.output
    assert desk.run("send", str(desk.given)).exit_code == 0
    (box,) = desk._served.boxes.values()
    assert [(file.name, file.size) for file in box.attachments.values()] == [("log.txt", 5)]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_cannot_be_looked_into_is_said_and_stops_no_other(desk: Desk) -> None:
    machine(desk.given, 1)
    closed = machine(desk.given, 2)
    closed.chmod(0)
    done = desk.run("send", str(desk.given))
    closed.chmod(0o700)
    assert done.exit_code == 1
    assert "3 delivered" in done.output
    assert f"cannot read {closed}" in done.output


def test_gathering_that_was_cut_off_at_its_end_is_finished_by_the_next(desk: Desk) -> None:
    base = Path(".tmsreport")
    for number in (1, 2):
        folder = machine(desk.given, number)
        shutil.move(folder, base / folder.name)
    given = [str(path) for path in sorted(base.iterdir())]
    assert desk.run("send", "--one-run", *given).exit_code == 0
    for each in given:
        Path(each, "delivered").unlink()
    assert desk.run("send", "--one-run", *given).exit_code == 0
    assert desk.run("send").output.startswith("nothing to send")
    assert desk.runs == {"1": (6, True)}


def test_an_attempt_that_was_never_followed_counts_though_another_machine_has_one_that_was(desk: Desk) -> None:
    first, last = make_results(2, nodeid="t.py::test_flaky", outcome=Outcome.PASSED, ids=())
    failed = replace(first, outcome=Outcome.FAILED, superseded=True)
    machine(desk.given, 1, failed, is_over=False)
    machine(desk.given, 2, *(replace(each, id=f"2{each.id[1:]}") for each in (failed, replace(last, attempt=2))))
    assert desk.run("send", "--one-run", str(desk.given)).exit_code == 0
    (box,) = desk._served.boxes.values()
    assert sorted(result.status for result in box.results.values()) == ["failed", "passed"]
