"""A run on disk comes back as it was written, whatever was torn, added or exchanged in between."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_tmsreport.errors import JournalError
from pytest_tmsreport.journal import (
    LINE_BYTES,
    Journal,
    Kept,
    ReceiptBook,
    Receipts,
    RunFolder,
    StoredFile,
    folders,
    hold,
    holding,
    is_held,
    new_id,
    prune,
)
from pytest_tmsreport.model import Attachment, Link, Outcome, Result, Run

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")
RUN = Run(id="20260704-101500-1a2b3c4d", name="nightly", start=1_783_160_100.0, branch="main")
FIRST = Result(id="r1", nodeid="t.py::one", title="one", outcome=Outcome.PASSED, start=1.0, duration=0.5)
SECOND = Result(
    id="r2",
    nodeid="t.py::two[a]",
    title="two",
    outcome=Outcome.FAILED,
    start=2.0,
    duration=0.25,
    durations={"call": 0.25},
    message="assert 1 == 2",
    ids=({"qase": ("7",)},),
    parameters={"x": "a"},
    links=(Link("https://bugs.test/1"),),
    worker="gw0",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".tmsreport" / RUN.id


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    made = Journal(folder, RUN, {"qase": "qase", "web": "qase"})
    yield made
    made.end(exitstatus=0, not_run=[])


def read(folder: Path) -> tuple[list[Result], int]:
    """The results of a run folder, and how many lines could not be read."""
    garbage: list[None] = []
    results = list(RunFolder(folder).results(lambda: garbage.append(None)))
    return results, len(garbage)


def append(folder: Path, content: bytes, name: str = "results.jsonl") -> None:
    with (folder / name).open("ab") as file:
        file.write(content)


@pytest.mark.usefixtures("journal")
def test_a_run_and_its_destinations_come_back(folder: Path) -> None:
    head = RunFolder(folder).head()
    assert head.run == RUN
    assert head.destinations == {"qase": "qase", "web": "qase"}


def test_results_come_back_as_they_were_in_their_order(journal: Journal, folder: Path) -> None:
    journal.write(SECOND)
    journal.write(FIRST)
    assert read(folder) == ([SECOND, FIRST], 0)


def test_a_result_is_on_disk_before_the_session_ends(journal: Journal, folder: Path) -> None:
    journal.write(FIRST)
    assert read(folder) == ([FIRST], 0)
    assert RunFolder(folder).end() is None


def test_the_end_tells_the_exit_status_and_what_never_ran(folder: Path) -> None:
    Journal(folder, RUN, {}).end(exitstatus=2, not_run=["t.py::three"])
    assert RunFolder(folder).end() == {"exitstatus": 2, "not_run": ["t.py::three"]}
    assert read(folder) == ([], 0)


def test_writing_after_the_end_is_an_error_of_the_journal(folder: Path) -> None:
    journal = Journal(folder, RUN, {})
    journal.end(exitstatus=0, not_run=[])
    with pytest.raises(JournalError, match="cannot write"):
        journal.write(FIRST)


@pytest.mark.parametrize(
    "text",
    ["\ud800 alone", "a\x00b", "line\nline\r\n", "\u2028\u2029\x85", "🎉 测试", '"\\', "\x1b[31m"],
    ids=["surrogate", "nul", "newlines", "separators", "astral", "quotes", "escape"],
)
def test_every_text_survives(text: str, journal: Journal, folder: Path) -> None:
    odd = replace(FIRST, title=text, message=text, parameters={text: text}, tags=(text,))
    journal.write(odd)
    journal.write(SECOND)
    assert read(folder) == ([odd, SECOND], 0)


@posix
def test_folders_and_files_are_for_their_owner_only(journal: Journal, folder: Path) -> None:
    file = journal.attach("a.txt", "text/plain", b"hello")
    with holding(folder, "qase") as book:
        book.write(opened="12")
    RunFolder(folder).mark_delivered()

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert {mode(path) for path in (folder.parent, folder, folder / "attachments")} == {0o700}
    written = ("results.jsonl", "qase.jsonl", "delivered", f"attachments/{file.sha256}")
    assert {name: mode(folder / name) for name in written} == dict.fromkeys(written, 0o600)


@pytest.mark.usefixtures("journal")
def test_the_folder_hides_itself_from_git(folder: Path) -> None:
    assert (folder.parent / ".gitignore").read_text(encoding="ascii") == "*\n"


def test_a_gitignore_that_is_there_stays(folder: Path) -> None:
    folder.parent.mkdir()
    (folder.parent / ".gitignore").write_text("mine\n", encoding="ascii")
    Journal(folder, RUN, {}).end(exitstatus=0, not_run=[])
    assert (folder.parent / ".gitignore").read_text(encoding="ascii") == "mine\n"


@pytest.mark.usefixtures("journal")
def test_two_sessions_never_share_a_folder(folder: Path) -> None:
    with pytest.raises(JournalError, match="cannot write the journal"):
        Journal(folder, RUN, {})


def test_a_place_that_cannot_hold_a_folder_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalError, match="set `dir` or TMSREPORT_DIR"):
        Journal(tmp_path / "file" / RUN.id, RUN, {})


@posix
def test_a_folder_without_the_right_to_write_is_an_error(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    tmp_path.chmod(0o500)
    with pytest.raises(JournalError, match="cannot write the journal"):
        Journal(tmp_path / ".tmsreport" / RUN.id, RUN, {})


def test_a_torn_last_line_is_left_out(journal: Journal, folder: Path) -> None:
    journal.write(FIRST)
    append(folder, b'{"result":{"id":"r2","nodeid"')
    assert read(folder) == ([FIRST], 0)


def test_what_it_has_grown_by_is_told_in_whole_lines(journal: Journal, folder: Path) -> None:
    head, start = RunFolder(folder).grown(0)
    journal.write(FIRST)
    journal.write(SECOND)
    append(folder, b'{"result":{"id":"r3"')
    lines, end = RunFolder(folder).grown(start)
    assert (head, lines) == (1, 2)
    assert RunFolder(folder).grown(end) == (0, end)
    append(folder, b"}\n")
    assert RunFolder(folder).grown(end) == (1, (folder / "results.jsonl").stat().st_size)


def test_a_part_of_it_holds_the_results_between_two_places(journal: Journal, folder: Path) -> None:
    journal.write(FIRST)
    _, start = RunFolder(folder).grown(0)
    journal.write(SECOND)
    _, end = RunFolder(folder).grown(start)
    journal.write(FIRST)
    assert list(RunFolder(folder).results(part=(start, end))) == [SECOND]


def test_results_are_kept_for_the_next_reader_as_far_as_there_is_room(journal: Journal, folder: Path) -> None:
    _, start = RunFolder(folder).grown(0)
    journal.write(FIRST)
    _, second = RunFolder(folder).grown(0)
    journal.write(SECOND)
    reader = RunFolder(folder, Kept(room=second - start))
    assert list(reader.placed()) == [(start, FIRST), (second, SECOND)]
    assert list(reader.placed()) == list(RunFolder(folder).placed())
    (folder / "results.jsonl").write_bytes(b"")
    assert list(reader.at([start])) == [FIRST]
    with pytest.raises(JournalError, match="has changed"):
        list(reader.at([second]))


def test_nothing_has_grown_where_there_is_no_journal(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).grown(7) == (0, 7)


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"",
        b"null",
        b"7",
        b"[]",
        b"{}",
        b'{"result":null}',
        b'{"result":{"id":"x"}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"result":{"id":"x","nodeid":"x","title":"x","outcome":"passed","start":1' + b"0" * 400 + b"}}",
    ],
    ids=["text", "empty", "null", "number", "list", "object", "null-result", "short-result", "bytes", "deep", "large"],
)
def test_a_line_that_cannot_be_read_is_counted_and_passed_over(line: bytes, journal: Journal, folder: Path) -> None:
    journal.write(FIRST)
    append(folder, line + b"\n")
    journal.write(SECOND)
    assert read(folder) == ([FIRST, SECOND], 1)


@pytest.mark.parametrize("size", [LINE_BYTES, LINE_BYTES + 1, 3 * LINE_BYTES], ids=["at", "above", "far-above"])
def test_a_huge_line_is_counted_and_passed_over(size: int, journal: Journal, folder: Path) -> None:
    append(folder, b"x" * size + b"\n")
    journal.write(SECOND)
    assert read(folder) == ([SECOND], 1)


def test_a_line_after_a_torn_one_can_be_read(folder: Path) -> None:
    Journal(folder, RUN, {}).end(exitstatus=0, not_run=[])
    with holding(folder, "qase") as book:
        book.write(sent=["r1"])
    append(folder, b'{"sent":["r2', "qase.jsonl")
    with holding(folder, "qase") as book:
        book.write(sent=["r3"])
        book.write(sent=["r4"])
    assert RunFolder(folder).receipts("qase").sent == {"r1", "r3", "r4"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage\n",
        b"[1]\n",
        b'{"version":2,"run":{"id":"r","name":"n"},"destinations":{}}\n',
        b'{"run":{"id":"r","name":"n"},"destinations":{}}\n',
        b'{"version":1,"destinations":{}}\n',
        b'{"version":1,"run":{"id":"r"},"destinations":{}}\n',
        b'{"version":1,"run":{"id":"r","name":"n"},"destinations":7}\n',
        b'{"version":1,"run":{"id":"r","name":"n"},"destinations":{"../x":"qase"}}\n',
        b'{"version":1,"run":{"id":"r","name":"n"},"destinations":{"web":"os.path"}}\n',
        b'{"version":1,"run":{"id":"r","name":"n"},"destinations":{"results":"qase"}}\n',
        b'{"version":1,"run":{"id":"r","name":"n"},"destinations":{}}',
    ],
    ids=[
        "empty",
        "garbage",
        "list",
        "later-version",
        "no-version",
        "no-run",
        "run-without-name",
        "destinations-number",
        "destination-climbs",
        "vendor-is-a-module",
        "destination-takes-the-journals-name",
        "torn-head",
    ],
)
def test_what_is_no_journal_of_this_version_is_refused(content: bytes, tmp_path: Path) -> None:
    append(tmp_path, content)
    with pytest.raises(JournalError, match="holds no journal of this program"):
        RunFolder(tmp_path).head()


def test_another_version_is_named(tmp_path: Path) -> None:
    append(tmp_path, b'{"version":2}\n')
    with pytest.raises(JournalError, match="its version is 2, this is version 1"):
        RunFolder(tmp_path).head()


@pytest.mark.usefixtures("journal")
def test_receipts_add_up(folder: Path) -> None:
    with holding(folder, "qase") as book:
        book.write(opening=True)
        book.write(opened="12")
        book.write(sent=["r1"], attached={"aa": "remote-1"})
        book.write(refused={"r2": "no such case", "r3": "too long"})
    with holding(folder, "qase") as book:
        book.write(sent=["r3"])
        book.write(closed=True)
    assert RunFolder(folder).receipts("qase") == Receipts(
        opening=True,
        run_id="12",
        sent={"r1", "r3"},
        attached={"aa": "remote-1"},
        refused={"r2": "no such case"},
        closed=True,
    )


@pytest.mark.usefixtures("journal")
def test_receipts_that_are_known_get_what_was_written_since(folder: Path) -> None:
    with holding(folder, "qase") as book:
        book.write(opened="12", sent=["r1"])
    append(folder, b'{"sent":["torn', "qase.jsonl")
    known = RunFolder(folder).receipts("qase")
    with holding(folder, "qase") as book:
        book.write(sent=["r2"], refused={"r3": "too long"})
    assert RunFolder(folder).receipts("qase", known) == RunFolder(folder).receipts("qase")
    assert (known.run_id, known.sent, known.refused) == ("12", {"r1", "r2"}, {"r3": "too long"})


@pytest.mark.usefixtures("journal")
def test_each_destination_has_its_own_receipts(folder: Path) -> None:
    with holding(folder, "qase") as one, holding(folder, "web") as other:
        one.write(sent=["r1"])
        other.write(sent=["r2"])
    assert RunFolder(folder).receipts("qase").sent == {"r1"}
    assert RunFolder(folder).receipts("web").sent == {"r2"}


@pytest.mark.usefixtures("journal")
def test_a_destination_that_nothing_was_sent_to_has_no_receipts(folder: Path) -> None:
    assert RunFolder(folder).receipts("qase") == Receipts()


@pytest.mark.parametrize(
    "line",
    [b"garbage", b"null", b"[]", b'{"sent":"r9"}', b'{"opened":7}', b'{"attached":["x"]}', b'{"refused":"r9"}'],
    ids=["text", "null", "list", "sent-text", "opened-number", "attached-list", "refused-text"],
)
@pytest.mark.usefixtures("journal")
def test_a_strange_receipt_confirms_nothing(line: bytes, folder: Path) -> None:
    append(folder, line + b"\n", "qase.jsonl")
    assert RunFolder(folder).receipts("qase") == Receipts()


@pytest.mark.usefixtures("journal")
def test_a_second_upload_of_the_same_run_to_the_same_destination_is_refused(folder: Path) -> None:
    with holding(folder, "qase"), pytest.raises(JournalError, match=r"another process is sending .* to qase right now"):
        ReceiptBook(folder, "qase")


@pytest.mark.usefixtures("journal")
def test_the_next_upload_may_begin_when_the_first_has_ended(folder: Path) -> None:
    with holding(folder, "qase") as book:
        book.write(sent=["r1"])
    with holding(folder, "qase") as book:
        book.write(sent=["r2"])
    assert RunFolder(folder).receipts("qase").sent == {"r1", "r2"}


@pytest.mark.usefixtures("journal")
def test_an_upload_that_fails_lets_the_next_one_in(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), holding(folder, "qase"):
        raise RuntimeError("on purpose")
    with holding(folder, "qase"):
        pass


@pytest.mark.usefixtures("journal")
def test_receipts_that_cannot_be_written_are_an_error(folder: Path) -> None:
    (folder / "qase.jsonl").mkdir()
    with pytest.raises(JournalError, match="cannot write receipts"):
        ReceiptBook(folder, "qase")


@posix
@pytest.mark.usefixtures("journal")
def test_receipts_are_not_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"")
    (folder / "qase.jsonl").symlink_to(target)
    with pytest.raises(JournalError, match="cannot write receipts"):
        ReceiptBook(folder, "qase")
    with pytest.raises(JournalError, match="cannot read"):
        RunFolder(folder).receipts("qase")


@posix
@pytest.mark.usefixtures("journal")
def test_a_journal_is_not_read_through_a_link(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "results.jsonl").symlink_to(folder / "results.jsonl")
    with pytest.raises(JournalError, match="cannot read"):
        RunFolder(other).head()


def test_a_session_is_live_until_it_ends(folder: Path) -> None:
    journal = Journal(folder, RUN, {})
    assert RunFolder(folder).is_live()
    journal.end(exitstatus=0, not_run=[])
    assert not RunFolder(folder).is_live()


def test_a_killed_session_is_not_live(folder: Path) -> None:
    script = (
        "import os, pathlib, sys\n"
        "from pytest_tmsreport.journal import Journal, RunFolder\n"
        "from pytest_tmsreport.model import Run\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "journal = Journal(folder, Run(id='r', name='n', start=1.0), {})\n"
        "print(RunFolder(folder).is_live(), flush=True)\n"
        "os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout.strip(), done.returncode) == ("True", 9)
    assert not RunFolder(folder).is_live()
    assert RunFolder(folder).head().run.name == "n"


def test_looking_whether_a_run_is_live_does_not_disturb_it(journal: Journal, folder: Path) -> None:
    assert RunFolder(folder).is_live()
    journal.write(FIRST)
    assert RunFolder(folder).is_live()
    assert read(folder) == ([FIRST], 0)


def test_several_may_look_at_once_who_holds_a_file_and_one_that_is_missing_is_held_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert not is_held(path)
    assert not path.exists()
    path.touch()
    with path.open("rb+") as looking:
        hold(looking.fileno(), alone=False)
        assert os.name != "posix" or not is_held(path)
    with path.open("rb+") as holding_it:
        hold(holding_it.fileno())
        assert is_held(path)
    assert not is_held(path)


def stored(journal: Journal, content: bytes = b"hello") -> StoredFile:
    return RunFolder(journal.folder).file(journal.attach("a.txt", "text/plain", content))


def test_an_attachment_comes_back(journal: Journal) -> None:
    file = stored(journal)
    assert (file.name, file.mime, file.size) == ("a.txt", "text/plain", 5)
    with file.open() as handle:
        assert handle.read() == b"hello"


def test_a_large_attachment_comes_back(journal: Journal) -> None:
    content = os.urandom(3 * 2**20 + 7)
    with stored(journal, content).open() as handle:
        assert handle.read() == content


def test_an_empty_attachment_comes_back(journal: Journal) -> None:
    with stored(journal, b"").open() as handle:
        assert handle.read() == b""


def test_the_same_content_is_stored_once_under_both_names(journal: Journal, folder: Path) -> None:
    files = [journal.attach(name, "text/plain", b"hello") for name in ("a.txt", "b.txt")]
    assert [file.name for file in files] == ["a.txt", "b.txt"]
    assert [path.name for path in (folder / "attachments").iterdir()] == [files[0].sha256]


@pytest.mark.parametrize("content", [b"hellO", b"hell", b"hello!", b""], ids=["changed", "cut", "longer", "emptied"])
def test_an_attachment_that_changed_is_refused(content: bytes, journal: Journal) -> None:
    file = stored(journal)
    file.path.write_bytes(content)
    with pytest.raises(JournalError, match=r"'a\.txt' of the journal is not what was stored"):
        file.open()


def test_an_attachment_with_another_size_is_refused(journal: Journal) -> None:
    file = stored(journal)
    wrong = RunFolder(journal.folder).file(replace(file.attachment, size=4))
    with pytest.raises(JournalError, match="is not what was stored"):
        wrong.open()


def test_an_attachment_that_is_gone_is_refused(journal: Journal) -> None:
    file = stored(journal)
    file.path.unlink()
    with pytest.raises(JournalError, match=r"cannot read the file 'a\.txt'"):
        file.open()


@pytest.mark.parametrize("sha256", ["", ".", "..", "abc", "../results.jsonl"])
def test_an_attachment_whose_name_is_no_hash_is_refused(sha256: str, journal: Journal) -> None:
    with pytest.raises(JournalError, match=r"'a\.txt' of the journal"):
        RunFolder(journal.folder).file(Attachment("a.txt", "text/plain", sha256, 5)).open()


@posix
def test_an_attachment_that_became_a_link_is_refused(journal: Journal, tmp_path: Path) -> None:
    file = stored(journal)
    same = tmp_path / "same"
    same.write_bytes(b"hello")
    file.path.unlink()
    file.path.symlink_to(same)
    with pytest.raises(JournalError, match=r"cannot read the file 'a\.txt'"):
        file.open()


@posix
@pytest.mark.parametrize("content", [b"hello", b""], ids=["of-text", "of-nothing"])
def test_an_attachment_that_became_a_pipe_is_refused_without_waiting(content: bytes, journal: Journal) -> None:
    file = stored(journal, content)
    file.path.unlink()
    os.mkfifo(file.path)
    with pytest.raises(JournalError, match=r"'a\.txt' of the journal"):
        file.open()


def test_an_attachment_that_became_a_folder_is_refused(journal: Journal) -> None:
    file = stored(journal)
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(JournalError, match=r"'a\.txt' of the journal"):
        file.open()


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process may grow beyond `room` bytes; what does not fit fails as on a full disk."""
    resource: Any = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_costs_the_results_that_do_not_fit_and_no_other(journal: Journal, folder: Path) -> None:
    journal.write(FIRST)
    error = None
    with full_disk((folder / "results.jsonl").stat().st_size + 5_000):
        try:
            journal.write(replace(SECOND, message="x" * 10_000))
        except JournalError as caught:
            error = caught
        journal.write(replace(SECOND, id="r3"))
    assert "cannot write" in str(error)
    journal.write(replace(SECOND, id="r4"))
    assert read(folder) == ([FIRST, replace(SECOND, id="r3"), replace(SECOND, id="r4")], 0)


def test_an_attachment_that_the_disk_had_no_room_for_is_not_left_in_parts(journal: Journal) -> None:
    content = b"x" * 100_000
    error = None
    with full_disk(5_000):
        try:
            journal.attach("a.txt", "text/plain", content)
        except JournalError as caught:
            error = caught
    assert "cannot store 'a.txt'" in str(error)
    with stored(journal, content).open() as handle:
        assert handle.read() == content


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[int, bool], Path]:
    def make(number: int, is_delivered: bool) -> Path:
        folder = tmp_path / f"20260704-{number:06}-00000000"
        Journal(folder, replace(RUN, id=folder.name), {}).end(exitstatus=0, not_run=[])
        if is_delivered:
            RunFolder(folder).mark_delivered()
        return folder

    return make


def test_the_last_ten_delivered_runs_stay_and_every_undelivered_one(
    runs: Callable[[int, bool], Path], tmp_path: Path
) -> None:
    made = [runs(number, number % 3 != 0) for number in range(24)]
    delivered = [folder for number, folder in enumerate(made) if number % 3]
    stay = {*delivered[-10:], *(folder for number, folder in enumerate(made) if number % 3 == 0)}
    prune(tmp_path)
    assert {folder for folder in made if folder.exists()} == stay


def test_ten_delivered_runs_are_not_too_many(runs: Callable[[int, bool], Path], tmp_path: Path) -> None:
    made = [runs(number, True) for number in range(10)]
    prune(tmp_path)
    assert all(folder.exists() for folder in made)


def test_folders_that_are_no_runs_are_left_alone(runs: Callable[[int, bool], Path], tmp_path: Path) -> None:
    (tmp_path / "0-notes").mkdir()
    (tmp_path / "0-notes" / "delivered").write_bytes(b"")
    for number in range(12):
        runs(number, True)
    prune(tmp_path)
    assert (tmp_path / "0-notes").exists()


def test_runs_are_listed_oldest_first(runs: Callable[[int, bool], Path], tmp_path: Path) -> None:
    made = [runs(number, False) for number in (3, 1, 2)]
    assert [folder.path for folder in folders(tmp_path)] == sorted(made)


def test_a_run_folder_lists_itself(runs: Callable[[int, bool], Path]) -> None:
    folder = runs(1, False)
    assert [found.path for found in folders(folder)] == [folder]


def test_a_folder_that_is_not_there_holds_no_runs(tmp_path: Path) -> None:
    assert folders(tmp_path / "gone") == []


def test_a_run_is_delivered_when_it_says_so(runs: Callable[[int, bool], Path]) -> None:
    assert not RunFolder(runs(1, False)).is_delivered
    assert RunFolder(runs(2, True)).is_delivered


def test_ids_of_runs_sort_by_time_and_differ_within_a_second() -> None:
    ids = [new_id(start) for start in (0.0, 1_783_160_100.0, 1_783_160_101.9)]
    assert ids == sorted(ids)
    assert ids[1].startswith("20260704-101500-")
    assert new_id(1.0) != new_id(1.0)


def test_nothing_of_a_journal_is_more_than_ascii_lines(journal: Journal, folder: Path) -> None:
    journal.write(replace(FIRST, title="测试\u2028\ud800"))
    lines = (folder / "results.jsonl").read_bytes().decode("ascii").splitlines()
    assert [list(json.loads(line)) for line in lines] == [["version", "run", "destinations"], ["result"]]


def test_receipts_of_a_batch_that_stands_for_any_number_of_tests_come_back(journal: Journal) -> None:
    ids = [f"11111111-1111-4111-8111-{number:012x}" for number in range(150_000)]
    with holding(journal.folder, "qase") as book:
        book.write(sent=ids, remote=dict.fromkeys(ids, "17"))
        book.write(refused={"r1": "no such case"})
    found = RunFolder(journal.folder).receipts("qase")
    assert found.sent == set(ids)
    assert found.remote == dict.fromkeys(ids, "17")
    assert found.refused == {"r1": "no such case"}
