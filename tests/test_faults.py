"""Whole sessions over real connections, while the tool, the way to it, or this machine fails: what README's table says.

`pytest -m faults` runs all of it, `pytest tests/test_faults.py -m faults --write-faults` writes the table.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_tmsreport.errors import JournalError
from pytest_tmsreport.faults import FAULTS, Arrived, End, Fault, Moment, Place
from pytest_tmsreport.journal import RESULTS, VERSION, ReceiptBook, RunFolder
from pytest_tmsreport.pending import survey
from pytest_tmsreport.vendors.qase import Qase

if TYPE_CHECKING:
    from conftest import Project, Ran

pytestmark = pytest.mark.faults
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals and limits of POSIX, and /proc")
README = Path(__file__).resolve().parents[1] / "README.md"
SEND = (sys.executable, "-m", "pytest_tmsreport", "send")
TWELVE = """
import pathlib, threading, time

import pytest
import pytest_tmsreport as tms

@pytest.mark.parametrize("number", [pytest.param(each, marks=pytest.mark.tms(str(each))) for each in range(1, 13)])
def test_shop(number):
    tms.attach(b"pixels", "shot.png")
    BODY
"""
STOPS_AT_SEVEN = "if number == 7: pathlib.Path('reached').touch(); threading.Event().wait()"
FULL = "resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
"""No file of this process, nor of those it starts, may be larger: what does not fit fails as on a full disk."""
PATIENCE_S = 60.0
"""How long something that must happen soon is waited for before the test gives up."""
SETTINGS = """
[tmsreport]
on_loss = fail
deadline_s = {deadline_s}

[tmsreport:qase]
batch_size = 4
parallel = 1
"""
PLACES = {
    Moment.START: Place(0, "/v1/run/SHOP"),
    Moment.OPEN: Place(0, "/v1/run/SHOP"),
    Moment.ATTACH: Place(1, "/v1/attachment/SHOP"),
    Moment.SEND: Place(2, "/v2/SHOP/run/1/results"),
    Moment.MIDDLE: Place(3, "/v2/SHOP/run/1/results"),
    Moment.CLOSE: Place(5, "/v1/run/SHOP/1/complete"),
}
"""The requests of the upload of twelve such results."""
IN_SHORT = {
    "401, in the middle",
    "413, for every batch",
    "422, naming one result",
    "the answer to a batch is lost",
    "one byte a second, past the deadline",
    "the connection is closed after each answer",
}
"""What is run in every run of the tests; the others are `long`."""
OURS = (
    "SIGTERM while tests run",
    "SIGTERM while results are sent",
    "Ctrl-C while tests run",
    "Ctrl-C while results are sent",
    "Ctrl-C twice",
    "a disk that is full for a large result",
    "a disk that is full for receipts",
    "a journal folder that cannot be made",
    "a torn line and two of garbage in the journal",
    "a journal of another version",
    "two sessions in one folder at once",
    "two `tmsreport send` at once",
    "a clock that is set back by an hour",
)


class Row(NamedTuple):
    """A row of README's table: what is at the tool and what is kept when the session, or `send`, has ended."""

    delivered: int
    doubled: int
    kept: int
    said: str = ""

    def in_readme(self, name: str) -> str:
        """The row as it is written there."""
        said = self.said.replace("|", "; ") or "nothing"
        return f"| {name} | {self.delivered} | {self.doubled} | {self.kept} | {said} |"


Tell = Callable[[str, Row], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None], pytestconfig: pytest.Config) -> Tell:
    """Holds a row against README, or hands it to who writes that."""

    def check(name: str, row: Row) -> None:
        record_property("faults", [_names().index(name), row.in_readme(name)])
        if not pytestconfig.getoption("write_faults"):
            assert row.in_readme(name) in README.read_text(encoding="utf-8").splitlines()

    return check


def _names() -> list[str]:
    return [*(fault.name for fault in FAULTS), *OURS]


def test_the_table_of_the_readme_has_every_fault_once() -> None:
    rows = README.read_text(encoding="utf-8").partition("| fault |")[2].partition("<!-- end")[0].splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == _names()


def prepare(project: Project, *, body: str = "pass", deadline_s: int = 120) -> None:
    """Twelve tests, each of a case of its own, all with one file, that go to the tool in three batches, one by one."""
    project.write("test_shop.py", TWELVE.replace("BODY", body))
    project.settings(SETTINGS.format(deadline_s=deadline_s))


def left(ran: Ran) -> tuple[int, int]:
    """How many results of a session are kept to be sent, and how many are refused."""
    if ran.folder is None:
        return 0, 0
    found = survey(ran.folder, Qase(name="qase", kind="qase", token="", project="SHOP"))
    return found.pending + found.doubtful, found.refused


def said(ran: Ran) -> str:
    """Why a session kept, refused or lost something, without what differs from run to run."""
    lines = [line.strip() for line in ran.out.splitlines()]
    words = [line.removeprefix("reason: ") for line in lines if line.startswith("reason: ")]
    words += [line for line in lines if line.startswith(("LOST: ", "never ran: "))]
    refused = [re.sub(r"^refused: \S+: ", "", line) for line in lines if line.startswith("refused: test_shop.py::")]
    words += [f"{left(ran)[1]} refused: {line}" for line in refused[:1]]
    text = "; ".join(words)
    for pattern, stands in (
        (r": \S+ is asked for", ""),
        (r" \((GET|POST) \S+\)", ""),
        (r"(127\.0\.0\.1|localhost):\d+", r"\1"),
        (r"after \d+\.\d s", "in time"),
        (r"timeout=\d+\.\d+", "timeout=…"),
        (r": test_shop.py::.*", ""),
        (r"(certificate verify failed): .*", r"\1"),
        (r"results\.\d+", "results.N"),
        (r"/\S*/project/", ""),
        (r"\d{8}-\d{6}-[0-9a-f]{8}", "RUN"),
    ):
        text = re.sub(pattern, stands, text)
    return text


def row_of(project: Project, ran: Ran) -> Row:
    arrived = Arrived.at(project.box)
    return Row(arrived.unique, arrived.doubled, left(ran)[0], said(ran))


def finish(project: Project, ran: Ran) -> Ran:
    """Runs the command that the summary names."""
    return project.run(*shlex.split(ran.line("send the ").partition(": ")[2]))


def test_the_requests_of_an_upload_are_these(project: Project, workers: str) -> None:
    prepare(project)
    ran = project.report(workers)
    asked = [request.path.removeprefix("/qase") for request in project.box.requests]
    assert ran.status == 0
    assert [asked[place.number] for place in PLACES.values()] == [place.path for place in PLACES.values()]
    assert (len(asked), Arrived.at(project.box)) == (6, (12, 0))


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=[] if fault.name in IN_SHORT else [pytest.mark.long]) for fault in FAULTS],
    ids=lambda fault: fault.name,
)
def test_a_session_loses_nothing_and_doubles_nothing(
    project: Project, fault: Fault, workers: str, tell: Tell, request: pytest.FixtureRequest
) -> None:
    prepare(project, deadline_s=3 if fault.end is End.KEPT else 120)
    if fault.spoils:
        project.write("test_shop.py", TWELVE.replace("BODY", "pass").replace("range(1, 13)", "[*range(1, 12), 'none']"))
    if fault.trouble:
        project.served.troubles.add(fault.spec(PLACES))
    usual = project.environ
    with _way(fault.network, request) as environ:
        project.environ = {**usual, **environ}
        ran = project.report(workers)

    row = row_of(project, ran)
    kept, refused = left(ran)
    confirmed = 12 - kept - refused
    assert (row.doubled, row.delivered >= confirmed) == (0, True)
    assert ran.line("qase: ").startswith(f"qase: {confirmed} delivered, {kept} kept, {refused} refused, 0 without case")
    assert bool(kept) is (fault.end is End.KEPT) or fault.end is End.NO_SUCCESS
    assert bool(refused) is (fault.end is End.REFUSED)
    assert ran.status == (10 if kept or refused else 0)
    assert fault.said in row.said
    tell(fault.name, row)

    project.environ = usual
    project.served.troubles.clear()
    if ran.status:
        assert finish(project, ran).status == int(fault.spoils)
    assert Arrived.at(project.box) == (12 - fault.spoils, 0)


@contextmanager
def _way(network: str, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Variables that lead every request to where nothing gets through."""
    strange = {"TMSREPORT_QASE_ALLOW_HTTP": "true", "TMSREPORT_QASE_URL": "http://nowhere.invalid"}
    with socket.socket() as held, ExitStack() as stack:
        held.bind(("127.0.0.1", 0))  # a port of our own on which nobody listens
        closed = f"http://127.0.0.1:{held.getsockname()[1]}"
        if network == "tls":
            yield {"TMSREPORT_QASE_URL": stack.enter_context(_untrusted(request.getfixturevalue("tls")))}
        else:
            environ = {"TMSREPORT_QASE_URL": closed} if network == "refused" else strange if network else {}
            yield {**environ, **({"TMSREPORT_PROXY": closed} if network == "proxy" else {})}


@contextmanager
def _untrusted(tls: ssl.SSLContext) -> Iterator[str]:
    """The address of a server whose certificate nobody vouches for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            with suppress(OSError):  # until it is closed
                while True:
                    connection, _ = listening.accept()
                    with suppress(OSError), connection:  # the client does not like what it is shown
                        tls.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=greet)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


# Our side


def stop_at_seven(project: Project, number: int, *, group: bool = False, sending: str = "") -> subprocess.Popen[str]:
    """Starts the twelve tests, and signals pytest, or all of its group, when the seventh is reached."""
    prepare(project, body=STOPS_AT_SEVEN)
    project.served.troubles.add(*([sending] if sending else []))
    process = project.start_pytest("--tms-to", "qase", "-n0")
    project.wait_for(process, (project.root / "reached").exists)
    (os.killpg if group else os.kill)(process.pid, number)
    return process


def stop_while_sending(project: Project, number: int, trouble: str, *, group: bool = False) -> Ran:
    """Runs the twelve tests, and signals pytest when the second batch has met that trouble."""
    prepare(project)
    project.served.troubles.add(f"{trouble}+{PLACES[Moment.MIDDLE].number}")
    process = project.start_pytest("--tms-to", "qase", "-n0")
    project.wait_for(process, lambda: len(project.box.requests) > PLACES[Moment.MIDDLE].number)
    (os.killpg if group else os.kill)(process.pid, number)
    return project.ended(process)


def send(project: Project, *arguments: str) -> Ran:
    """Sends the rest, when whatever was wrong is over."""
    project.served.troubles.clear()
    return project.run(*SEND, *arguments)


@on_linux
def test_a_sigterm_keeps_what_has_ended(project: Project, tell: Tell) -> None:
    ran = project.ended(stop_at_seven(project, signal.SIGTERM))
    assert ran.status == -signal.SIGTERM
    listed = project.run(*SEND[:-1], "runs").line(f"{ran.folder.name}" if ran.folder else "")
    assert "(was killed)" in listed
    tell("SIGTERM while tests run", row_of(project, ran)._replace(said="`tmsreport runs`: (was killed)"))
    assert send(project).status == 0
    assert Arrived.at(project.box) == (6, 0)


@on_linux
@pytest.mark.long
def test_a_sigterm_while_results_are_sent_keeps_the_rest(project: Project, tell: Tell) -> None:
    ran = stop_while_sending(project, signal.SIGTERM, "429=60")
    assert ran.status == -signal.SIGTERM
    assert ran.folder
    wait_for_the_sender(ran.folder)
    listed = project.run(*SEND[:-1], "runs").line("qase: ").removeprefix("qase: ")
    tell("SIGTERM while results are sent", row_of(project, ran)._replace(said=f"`tmsreport runs`: {listed}"))
    assert send(project).status == 0
    assert Arrived.at(project.box) == (12, 0)


def wait_for_the_sender(folder: RunFolder) -> None:
    """Returns when nobody sends that run any more."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        assert time.monotonic() < ends, "it is still at work"
        with suppress(JournalError):
            ReceiptBook(folder.path, "qase").close()
            return
        os.sched_yield()


@on_linux
@pytest.mark.long
def test_ctrl_c_sends_what_has_ended(project: Project, tell: Tell) -> None:
    ran = project.ended(stop_at_seven(project, signal.SIGINT, group=True))
    assert ran.status == pytest.ExitCode.INTERRUPTED
    tell("Ctrl-C while tests run", row_of(project, ran))
    assert Arrived.at(project.box) == (6, 0)


@on_linux
@pytest.mark.long
def test_ctrl_c_while_results_are_sent_keeps_the_rest(project: Project, tell: Tell) -> None:
    ran = stop_while_sending(project, signal.SIGINT, "hang", group=True)
    assert ran.status == 10
    tell("Ctrl-C while results are sent", row_of(project, ran))
    project.served.troubles.clear()
    assert finish(project, ran).status == 0
    assert Arrived.at(project.box) == (12, 0)


@on_linux
def test_a_second_ctrl_c_while_what_has_ended_is_sent_keeps_it(project: Project, tell: Tell) -> None:
    process = stop_at_seven(project, signal.SIGINT, group=True, sending=f"hang+{PLACES[Moment.SEND].number}")
    project.wait_for(process, lambda: len(project.box.requests) > PLACES[Moment.SEND].number)
    os.killpg(process.pid, signal.SIGINT)
    ran = project.ended(process)
    assert ran.status == pytest.ExitCode.INTERRUPTED
    tell("Ctrl-C twice", row_of(project, ran))
    project.served.troubles.clear()
    assert finish(project, ran).status == 0
    assert Arrived.at(project.box) == (6, 0)


@on_linux
def test_a_full_disk_loses_what_does_not_fit_and_says_so(project: Project, tell: Tell) -> None:
    prepare(project, body="if number == 7: pytest.skip('x' * 8_000)")
    project.write("conftest.py", f"import resource\n{FULL.format(room=9_000)}")
    ran = project.report("-n0")
    assert ran.status == 10
    tell("a disk that is full for a large result", row_of(project, ran))
    assert "11 passed, 1 skipped" in ran.out
    assert Arrived.at(project.box) == (11, 0)


@on_linux
def test_a_disk_that_is_full_for_receipts_doubles_nothing(project: Project, tell: Tell) -> None:
    prepare(project)
    project.write(
        "conftest.py",
        f"""
        import pytest, resource

        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionfinish():
            {FULL.format(room=250)}
        """,
    )
    ran = project.report("-n0")
    assert ran.status == 10
    tell("a disk that is full for receipts", row_of(project, ran))
    assert finish(project, ran).status == 0
    assert Arrived.at(project.box) == (12, 0)


def test_a_journal_that_cannot_be_made_is_said_and_the_tests_run(project: Project, tell: Tell, workers: str) -> None:
    prepare(project)
    ran = project.report(workers, "--tms-set", "dir=pytest.ini/below")
    assert ran.status == 10
    assert "12 passed" in ran.out
    assert "cannot write the journal" in ran.out
    tell("a journal folder that cannot be made", row_of(project, ran))


def kept_session(project: Project) -> tuple[Ran, Path]:
    """A session of which nothing could be sent, and the file of its results."""
    prepare(project)
    project.served.troubles.add("401")
    ran = project.report("-n0")
    assert ran.folder
    project.served.troubles.clear()
    project.box.requests.clear()
    return ran, ran.folder.path / RESULTS


@pytest.mark.long
def test_lines_of_a_journal_that_cannot_be_read_are_counted(project: Project, tell: Tell) -> None:
    ran, path = kept_session(project)
    head, *results, _ = path.read_bytes().splitlines(keepends=True)
    garbage = [b'{"result": {"id": 7}}\n', b"\xff\n"]
    path.write_bytes(b"".join([head, *results[:5], *garbage, *results[5:-1], results[-1][:50]]))
    sent = send(project)
    assert sent.status == 0
    note = sent.line("note: ").removeprefix("note: ")
    tell("a torn line and two of garbage in the journal", row_of(project, ran)._replace(said=note))


@pytest.mark.long
def test_a_journal_of_another_version_is_left_as_it_is(project: Project, tell: Tell) -> None:
    ran, path = kept_session(project)
    path.write_bytes(path.read_bytes().replace(f'"version":{VERSION}'.encode(), b'"version":0', 1))
    before = path.read_bytes()
    sent = send(project)
    assert sent.status == 1
    words = sent.err.strip().partition("this program: ")[2]
    tell("a journal of another version", row_of(project, ran)._replace(said=words))
    assert path.read_bytes() == before


@pytest.mark.long
def test_two_sessions_in_one_folder_keep_to_themselves(project: Project, tell: Tell) -> None:
    prepare(project)
    for process in [project.start_pytest("--tms-to", "qase", "-n0") for _ in range(2)]:
        assert project.ended(process).status == 0
    first, second = (project.box.results_of(run) for run in project.box.runs)
    counts = [Row(len({result.cases for result in of_one}), len(of_one) - 12, 0) for of_one in (first, second)]
    assert counts[0] == counts[1]
    tell("two sessions in one folder at once", counts[0])


def test_of_two_that_send_at_once_one_waits_for_the_other(project: Project, tell: Tell) -> None:
    ran, _ = kept_session(project)
    project.served.troubles.add("429=2*1")
    first = project.start(*SEND)
    project.wait_for(first, lambda: bool(project.box.requests))
    second = project.run(*SEND)
    assert (second.status, project.ended(first).status) == (1, 0)
    tell("two `tmsreport send` at once", row_of(project, ran)._replace(said=said(second)))


def test_a_clock_that_is_set_back_changes_nothing(project: Project, tell: Tell) -> None:
    back = "import time\nreal = time.time\ntime.time = lambda: real() - 3600\n"
    prepare(project, body="if number == 5: " + "; ".join(back.splitlines()))
    project.served.troubles.add("429=date*1", "401+1")
    ran = project.report("-n0")
    starts = [result.start for result in ran.results]
    assert (len(starts), starts) == (12, sorted(starts))
    project.served.troubles.clear()
    program = f"{back}from pytest_tmsreport.cli import main\nmain(['send'])\n"
    assert project.run(sys.executable, "-c", program).status == 0
    tell("a clock that is set back by an hour", row_of(project, ran)._replace(said=""))
