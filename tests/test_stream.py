"""Delivery while tests run: what arrives before they end, what waits, and what is left when a session dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Result, Run
from pytest_tmsreport.sandbox import guizhan as guizhan_sandbox
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox import testrail_fields
from pytest_tmsreport.sandbox import vansah as vansah_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.qase_fields import TOKEN, Rules
from pytest_tmsreport.stream import STOP, Session
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import LosesAnswer, make_results
from pytest_tmsreport.upload import Conditions, upload
from pytest_tmsreport.vendor import Vendor
from pytest_tmsreport.vendors.guizhan import Guizhan
from pytest_tmsreport.vendors.qase import Qase
from pytest_tmsreport.vendors.testrail import TestRail
from pytest_tmsreport.vendors.vansah import Vansah

if TYPE_CHECKING:
    from conftest import Project

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
STREAM = ("--tms-to", "qase", "--tms-stream")
SOON = ("--tms-set", "stream_s=0.2")
PATIENCE_S = 60.0
"""How long something that must happen soon is waited for before the test gives up."""
QASE = Qase(name="qase", kind="qase", url="https://tms.test/qase", token=TOKEN, project="SHOP")
TESTRAIL = TestRail(
    name="testrail",
    kind="testrail",
    url="https://tr.test/testrail",
    user=testrail_fields.USER,
    token=testrail_fields.TOKEN,
    project=testrail_fields.PROJECT,
    aggregate="each",
)
VANSAH = Vansah(
    name="vansah",
    kind="vansah",
    url="https://vansah.test/vansah",
    token=vansah_sandbox.TOKEN,
    project="DEMO",
    asset="DEMO-9",
    aggregate="each",
)
GUIZHAN = Guizhan(
    name="guizhan",
    kind="guizhan",
    url="https://guizhan.test/guizhan/v1",
    token=guizhan_sandbox.TOKEN,
    project=guizhan_sandbox.PROJECT,
    channel=guizhan_sandbox.CHANNEL,
    publish=True,
)
LOOK = """
import os
import pathlib
import threading
import time
import urllib.request

import pytest


def arrived():
    with urllib.request.urlopen(os.environ["TMSREPORT_QASE_URL"] + "/") as page:
        return page.read().decode().count("<tr><td>")


def wait_for(is_so):
    ends = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < ends, "it took too long"
        threading.Event().wait(0.02)

"""
"""How a test of the inner session sees what has arrived: on the sandbox's page for people."""
SEVEN = f"""{LOOK}
@pytest.mark.parametrize("number", range(6))
def test_early(number):
    pass


def test_looks():
    wait_for(lambda: arrived() >= 4)
"""
WAITS = f"""{LOOK}
@pytest.mark.parametrize("number", range(5))
def test_early(number):
    pass


def test_waits():
    pathlib.Path("reached").touch()
    threading.Event().wait()


def test_never_runs():
    threading.Event().wait()
"""


def titles(project: Project) -> list[str]:
    return sorted(result.title for result in project.arrived)


@pytest.mark.parametrize(
    ("options", "workers"),
    [
        pytest.param(("--tms-stream", *SOON), "-n2", id="flag"),
        pytest.param(("--tms-set", "stream=true", *SOON), "-n0", id="set"),
    ],
)
def test_results_arrive_while_tests_run_and_once_each_in_one_run(
    project: Project, workers: str, options: tuple[str, ...]
) -> None:
    project.write("test_seven.py", SEVEN)
    ran = project.report(workers, *options)

    assert ran.status == 0, ran.out
    assert titles(project) == ["test_early"] * 6 + ["test_looks"]
    assert {result.id for result in project.arrived} == {result.id for result in ran.results}
    assert project.box.repeats == 0
    (run,) = project.box.runs.values()
    assert run.end is not None
    assert project.box.requests[-1].path.endswith("/complete")
    assert ran.line("qase: ").startswith("qase: 7 delivered, 0 kept, 0 refused, 0 without case | run 1 ")
    assert " before)" not in ran.line("qase: ")
    assert "note: " not in ran.out


def test_a_full_batch_does_not_wait_for_its_time(project: Project, workers: str) -> None:
    project.write("test_seven.py", SEVEN)
    ran = project.report(workers, "--tms-stream", "--tms-set", "stream_s=600", "--tms-set", "qase.batch_size=2")

    assert ran.status == 0, ran.out
    assert titles(project) == ["test_early"] * 6 + ["test_looks"]


SEEN = """
import json
import os
import pathlib
import re
import threading

import pytest


def children():
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            yield int((process / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()
        except OSError:
            yield False


def test_sees():
    with pytest.raises(ChildProcessError):
        os.wait()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    files = []
    for number in os.listdir("/proc/self/fd"):
        try:
            files.append(re.sub(r"[0-9a-f-]*[0-9][0-9a-f-]*", "N", os.readlink(f"/proc/self/fd/{number}")))
        except FileNotFoundError:
            continue  # the listing's own
    seen = {"files": sorted(files), "threads": threading.active_count(), "tasks": len(os.listdir("/proc/self/task"))}
    pathlib.Path("seen.json").write_text(json.dumps({**seen, "children": sum(children())}))
"""


@on_linux
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_test_sees_no_child_no_thread_and_no_open_file_more(project: Project, workers: str) -> None:
    project.write("test_seen.py", SEEN)

    def seen(*options: str) -> dict[str, Any]:
        assert project.pytest(workers, *options).status == 0
        found: dict[str, Any] = json.loads((project.root / "seen.json").read_text())
        return found

    without, at_the_end, streaming = seen(), seen("--tms-to", "qase"), seen(*STREAM, *SOON)
    assert streaming == at_the_end
    ours = [file for file in streaming["files"] if ".tmsreport" in file]
    assert [file for file in streaming["files"] if file not in ours] == without["files"]
    assert len(ours) == 1
    assert {**streaming, "files": 0} == {**without, "files": 0}


def test_the_flag_alone_reports_to_what_the_settings_name(project: Project) -> None:
    project.settings("[tmsreport:qase]\n")
    project.write("test_seven.py", SEVEN)
    ran = project.pytest("--tms-stream", *SOON)

    assert ran.status == 0, ran.out
    assert len(project.arrived) == 7


def test_of_a_test_that_is_run_again_the_last_attempt_arrives_alone(project: Project, workers: str) -> None:
    project.neighbours = ("rerunfailures",)
    project.write(
        "test_again.py",
        """
        TRIES = []

        def test_first():
            pass

        def test_flaky():
            TRIES.append(1)
            assert len(TRIES) == 3

        def test_never_passes():
            assert False
        """,
    )
    ran = project.report(workers, "--dist=loadfile", "--reruns=2", "--tms-stream", "--tms-set", "stream_s=0")

    assert ran.status == 1, ran.out
    statuses = {result.title: result.status for result in project.arrived}
    assert statuses == {"test_first": "passed", "test_flaky": "passed", "test_never_passes": "failed"}
    assert (len(project.arrived), len(ran.results)) == (3, 7)
    assert ran.line("qase: ").startswith("qase: 3 delivered, 0 kept,")


@on_linux
@pytest.mark.parametrize("hurt", ["pytest", "group"])
def test_when_pytest_is_killed_its_sender_delivers_the_rest_and_leaves_the_run_open(
    project: Project, workers: str, hurt: str
) -> None:
    project.write("test_waits.py", WAITS)
    process = project.start_pytest(*STREAM, workers, "--tms-set", "stream_s=600")
    (folder,) = kill(project, process, hurt)

    project.wait_until(lambda: not project.processes())
    assert titles(project) == ["test_early"] * len(list(folder.results()))
    (run,) = project.box.runs.values()
    assert run.end is None
    sent = project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert sent.status == 0
    assert project.box.runs[run.id].end is not None
    assert (len(project.box.runs), project.box.repeats) == (1, 0)


def kill(project: Project, process: Any, hurt: str = "pytest") -> list[RunFolder]:
    """Kills pytest, or its whole group, when most of its tests have ended; returns the journals."""
    project.wait_for(process, (project.root / "reached").exists)
    folders = project.journals()
    project.wait_for(process, lambda: len(list(folders[0].results())) >= 4)  # a worker's reports come a little later
    (os.kill if hurt == "pytest" else os.killpg)(process.pid, signal.SIGKILL)
    process.communicate()
    return folders


@on_linux
def test_a_send_waits_for_the_sender_of_a_killed_session(project: Project) -> None:
    project.write("test_waits.py", WAITS)
    project.served.troubles.add("slow=0.5")
    process = project.start_pytest(*STREAM, "-n0", "--tms-set", "stream_s=600")
    kill(project, process)
    sent = project.run(sys.executable, "-m", "pytest_tmsreport", "send")

    assert sent.status == 0, sent.out
    assert "waiting for that to end" in sent.out
    assert titles(project) == ["test_early"] * 5
    assert [run.end is None for run in project.box.runs.values()] == [False]


@on_linux
def test_when_pytest_is_killed_and_the_server_hangs_its_sender_ends_within_its_time(project: Project) -> None:
    project.write("test_waits.py", WAITS)
    project.served.troubles.add("hang*99")
    process = project.start_pytest(*STREAM, "-n0", "--tms-set", "stream_s=0", "--tms-set", "deadline_s=1")
    kill(project, process)

    project.wait_until(lambda: not project.processes())
    assert project.arrived == []
    project.served.troubles.clear()
    assert project.run(sys.executable, "-m", "pytest_tmsreport", "send").status == 0
    assert titles(project) == ["test_early"] * 5
    assert len(project.box.runs) == 1


@on_linux
def test_a_sender_that_is_killed_is_replaced_when_the_tests_have_ended(project: Project) -> None:
    project.write(
        "test_goes_on.py",
        f"""{LOOK}
@pytest.mark.parametrize("number", range(5))
def test_early(number):
    pass

def test_goes_on():
    wait_for(pathlib.Path("go").exists)
""",
    )
    process = project.start_pytest(*STREAM, *SOON)
    project.wait_for(process, lambda: len(project.arrived) >= 3)
    os.kill(project.sender(), signal.SIGKILL)
    (project.root / "go").touch()
    ran = project.ended(process)

    assert ran.status == 0, ran.out
    assert titles(project) == ["test_early"] * 5 + ["test_goes_on"]
    assert ran.line("qase: ").startswith("qase: 6 delivered, 0 kept, 0 refused, 0 without case | run 1 ")
    assert "the sender in the background ended early" in ran.line("note: ")
    assert project.processes() == {}


ENDS = {
    "first failure": (("-x",), "assert False", 1),
    "exit": ((), "pytest.exit('enough', returncode=7)", 7),
    "internal error": ((), "pathlib.Path('break').touch()", 3),
    "worker crash": (("-n2",), "os._exit(9)", 1),
    "all well": ((), "pass", 0),
}


@on_linux
@pytest.mark.parametrize("end", ENDS)
def test_however_a_session_ends_all_is_delivered_and_no_process_is_left(project: Project, end: str) -> None:
    options, code, status = ENDS[end]
    project.write(
        "test_ends.py",
        f"""{LOOK}
def test_first():
    pass

def test_second():
    wait_for(lambda: arrived() >= 1)

def test_ends():
    {code}

def test_after():
    pass
""",
    )
    project.write(
        "conftest.py",
        """
        import pathlib

        def pytest_runtest_logstart(nodeid):
            if pathlib.Path("break").exists():
                raise RuntimeError("a broken plugin")
        """,
    )
    ran = project.report("--tms-stream", *SOON, *options)

    assert ran.status == status, ran.out
    assert project.processes() == {}
    ended = {result.title for result in ran.results}
    assert {"test_first", "test_second"} <= ended
    assert {result.title for result in project.arrived} == ended
    assert [run.end is None for run in project.box.runs.values()] == [False]
    assert ran.line("qase: ").startswith(f"qase: {len(ended)} delivered, 0 kept, 0 refused, 0 without case | run 1 ")


@on_linux
def test_ctrl_c_delivers_what_has_ended_and_no_process_is_left(project: Project, workers: str) -> None:
    project.write("test_waits.py", WAITS)
    process = project.start_pytest(*STREAM, workers, "--tms-set", "stream_s=600")
    project.wait_for(process, (project.root / "reached").exists)
    os.killpg(process.pid, signal.SIGINT)
    ran = project.ended(process)

    assert ran.status == pytest.ExitCode.INTERRUPTED
    assert project.processes() == {}
    assert titles(project) == ["test_early"] * len(ran.results)
    assert ran.line("qase: ").startswith(f"qase: {len(ran.results)} delivered, 0 kept,")


@on_linux
def test_ctrl_c_while_the_rest_is_awaited_keeps_it(project: Project) -> None:
    project.write("test_one.py", "def test_one(): pass\n")
    project.served.troubles.add("hang")
    process = project.start_pytest(*STREAM, *SOON)
    project.wait_for(process, lambda: bool(project.box.requests))
    (folder,) = project.journals()
    project.wait_for(process, lambda: folder.end() is not None)
    os.killpg(process.pid, signal.SIGINT)
    ran = project.ended(process)

    assert project.processes() == {}
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | ")
    assert "interrupted while sending" in ran.line("reason: ")
    assert project.run(sys.executable, "-m", "pytest_tmsreport", "send").status == 0
    assert titles(project) == ["test_one"]


@on_linux
@pytest.mark.parametrize(("on_loss", "status"), [pytest.param("warn", 0, marks=pytest.mark.long), ("fail", 10)])
def test_a_destination_that_hangs_holds_up_no_other(project: Project, on_loss: str, status: int) -> None:
    project.settings(
        "[tmsreport]\ndeadline_s = 1\nstream_s = 0.2\n[tmsreport:qase]\n[tmsreport:stuck]\nvendor = qase\n"
    )
    url = project.environ["TMSREPORT_QASE_URL"]
    project.environ |= {"TMSREPORT_STUCK_URL": f"{url}/stuck", "TMSREPORT_STUCK_TOKEN": "a-token"}
    project.environ |= {"TMSREPORT_STUCK_PROJECT": "STUCK"}
    project.served.troubles.add("hang*99@stuck")
    project.write("test_seven.py", SEVEN)
    ran = project.pytest("--tms", "--tms-stream", "--tms-set", f"on_loss={on_loss}")

    assert ran.status == status, ran.out
    assert project.processes() == {}
    assert ran.line("qase: ").startswith("qase: 7 delivered, 0 kept, 0 refused, 0 without case | run 1 ")
    assert ran.line("stuck: ").startswith("stuck: 0 delivered, 7 kept, 0 refused, 0 without case | no run | ")
    assert [run.end is None for run in project.box.runs.values()] == [False]


def test_a_refused_token_is_tried_once_while_tests_run_and_once_when_they_have_ended(project: Project) -> None:
    project.served.troubles.add("401*99")
    project.write(
        "test_many.py",
        f"""{LOOK}
def test_first():
    pass

@pytest.mark.parametrize("number", range(9))
def test_later(number):
    threading.Event().wait(0.2)
""",
    )
    ran = project.report("--tms-stream", "--tms-set", "stream_s=0")

    assert ran.status == 0
    assert len(project.box.requests) == 2
    assert ran.line("qase: ").startswith("qase: 0 delivered, 10 kept, 0 refused, 0 without case | no run | 2 requests")
    assert "401" in ran.line("reason: ")


@on_linux
def test_a_dry_run_is_an_ordinary_one(project: Project) -> None:
    project.write(
        "test_one.py",
        "import pathlib\n\ndef test_one():\n    assert not list(pathlib.Path('.tmsreport').glob('*/sender.log'))\n",
    )
    ran = project.report("--tms-stream", "--tms-dry-run")

    assert ran.status == 0
    assert "qase: POST v1/run/SHOP" in ran.out
    assert "qase: dry run: nothing is sent" in ran.out
    assert project.box.requests == []
    assert project.processes() == {}


@on_linux
def test_a_session_without_tests_makes_no_run_and_leaves_nothing(project: Project, workers: str) -> None:
    project.write("test_none.py", "")
    ran = project.report("--tms-stream", workers)

    assert ran.status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert project.box.requests == []
    assert project.processes() == {}
    assert project.journals() == []


def test_a_sender_that_cannot_start_is_noted_and_loses_nothing(project: Project) -> None:
    project.write("test_one.py", "def test_one(): pass\n")
    project.write("conftest.py", "import sys\n\nsys.executable = '/nowhere/python'\n")
    ran = project.report("-p", "no:xdist", "--tms-stream")

    assert ran.status == 0
    assert ran.line("note: starting the sender in the background failed: ")
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept,")
    assert project.run(sys.executable, "-m", "pytest_tmsreport", "send").status == 0
    assert titles(project) == ["test_one"]


class Live:
    """A session in this process that is sent while it goes on, to sandboxes in memory."""

    def __init__(
        self,
        folder: Path,
        mount: Mount,
        vendors: Sequence[Vendor],
        transport: WsgiAdapter | None,
        written: Sequence[Result],
        **how: Any,
    ) -> None:
        run = Run(id="20260914-100211-0a1b2c3d", name="nightly", start=1789380131.0)
        self.journal = Journal(folder, run, {vendor.name: vendor.kind for vendor in vendors})
        self.write(*written)
        self.folder = RunFolder(folder)
        self._session = Session(self.folder, **{"pid": os.getpid(), "stream_s": 0.0, "deadline_s": 60.0, **how})
        self._tallies: list[Tally] = []
        conditions = Conditions(
            transport=transport or WsgiAdapter(mount), follow=self._session.follow, deadline=self._session.deadline
        )
        self._threads = [
            threading.Thread(target=self._session.watch, args=(0.0,)),
            threading.Thread(target=lambda: self._tallies.extend(upload(self.folder, vendors, conditions))),
        ]
        for thread in self._threads:
            thread.start()

    def write(self, *results: Result) -> None:
        """Tests have ended."""
        for result in results:
            self.journal.write(result)

    def end(self) -> Tally:
        """The session has ended: what became of it at its first destination."""
        self.journal.end(exitstatus=0, not_run=[])
        return self.tally()

    def tally(self) -> Tally:
        """What became of it, once its sender has ended."""
        self._threads[1].join(PATIENCE_S)
        return self._tallies[0]

    def close(self) -> None:
        """Ends the threads."""
        (self.folder.path / STOP).touch()
        self.journal._lines.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Begins such sessions, and ends those that a test leaves behind."""
    begun: list[Live] = []

    def begin(
        mount: Mount,
        *vendors: Vendor,
        transport: WsgiAdapter | None = None,
        written: Sequence[Result] = (),
        **how: Any,
    ) -> Live:
        begun.append(Live(tmp_path / "run", mount, vendors, transport, written, **how))
        return begun[-1]

    yield begin
    for each in begun:
        each.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends, "it took too long"
        threading.Event().wait(0.02)


def test_where_results_of_a_case_are_merged_all_of_them_wait_for_the_end(live: Callable[..., Live]) -> None:
    sandbox = qase_sandbox.create(Rules(projects=("SHOP", "DEMO"), cases=dict.fromkeys(range(1, 10), "")))
    merging = replace(QASE, name="demo", project="DEMO", aggregate="worst")
    session = live(Mount([sandbox]), QASE, merging)
    for number, result in enumerate(make_results(4), 1):
        session.write(result)
        wait_until(lambda wanted=number: len(sandbox.box.results) >= wanted)  # type: ignore[misc]
    session.end()
    sent = [each.path.split("/")[3] for each in sandbox.box.requests if each.path.endswith("/results")]
    assert (sent.count("SHOP"), sent.count("DEMO")) == (4, 1)
    assert len(sandbox.box.results) == 8


def test_a_tool_that_gets_a_run_as_a_whole_gets_it_once_in_the_end(live: Callable[..., Live]) -> None:
    site = guizhan_sandbox.create()
    sandbox = qase_sandbox.create()
    session = live(Mount([sandbox, site]), GUIZHAN, QASE)
    for number, result in enumerate(make_results(3), 1):
        session.write(result)
        wait_until(lambda wanted=number: len(sandbox.box.results) >= wanted)  # type: ignore[misc]
    assert not site.box.requests
    tally = session.end()
    assert (tally.delivered, tally.kept, len(site.box.runs), len(site.box.results)) == (3, 0, 1, 3)


def test_an_attempt_that_is_followed_by_another_is_not_sent(live: Callable[..., Live]) -> None:
    sandbox = qase_sandbox.create()
    session = live(Mount([sandbox]), QASE)
    last, other = make_results(2)
    session.write(replace(last, id="22222222-2222-4222-8222-222222222222", superseded=True), other)
    wait_until(lambda: len(sandbox.box.results) > 0)
    assert [result.title for result in sandbox.box.results.values()] == [other.title]
    session.write(replace(last, attempt=2))
    wait_until(lambda: len(sandbox.box.results) > 1)
    assert session.end().is_complete
    assert {result.id for result in sandbox.box.results.values()} == {last.id, other.id}


def test_an_attempt_whose_successor_never_came_is_sent_in_the_end(live: Callable[..., Live]) -> None:
    sandbox = qase_sandbox.create()
    session = live(Mount([sandbox]), QASE)
    first, other = make_results(2)
    session.write(replace(first, superseded=True), other)
    wait_until(lambda: len(sandbox.box.results) > 0)
    assert session.end().is_complete
    assert {result.id for result in sandbox.box.results.values()} == {first.id, other.id}


def test_what_names_no_case_waits_where_the_tool_has_to_find_it_and_the_run_grows_meanwhile(
    live: Callable[..., Live],
) -> None:
    nameless = replace(make_results(5)[4], nodeid="tests/shop.py::test_nameless", ids=())
    sandbox = testrail_sandbox.create(testrail_fields.Rules(automation={900: nameless.nodeid}))
    session = live(Mount([sandbox]), TESTRAIL)
    session.write(nameless)
    for number, result in enumerate(make_results(3), 1):
        session.write(result)
        wait_until(lambda wanted=number: len(sandbox.box.results) >= wanted)  # type: ignore[misc]
    assert {result.cases for result in sandbox.box.results.values()} == {("1",), ("2",), ("3",)}
    assert session.end().delivered + 3 == 4
    assert {result.cases for result in sandbox.box.results.values()} == {("1",), ("2",), ("3",), ("900",)}
    assert (len(sandbox.box.results), len(sandbox.box.runs), sandbox.box.repeats) == (4, 1, 0)


def test_what_a_part_cannot_deliver_goes_with_the_next(live: Callable[..., Live]) -> None:
    sandbox = qase_sandbox.create()
    mount = Mount([sandbox], ["503"])
    session = live(mount, QASE, deadline_s=0.2)
    session.write(*make_results(2))
    wait_until(lambda: len(sandbox.box.requests) >= 5)
    mount.troubles.clear()
    session.write(*make_results(3)[2:])
    wait_until(lambda: len(sandbox.box.results) == 3)
    assert session.end().is_complete
    assert (len(sandbox.box.results), len(sandbox.box.runs), sandbox.box.repeats) == (3, 1, 0)


def test_what_a_lost_answer_leaves_in_doubt_is_kept_with_its_reason_and_the_rest_goes_on(
    live: Callable[..., Live],
) -> None:
    sandbox = vansah_sandbox.create()
    mount = Mount([sandbox])
    session = live(mount, VANSAH, transport=LosesAnswer(mount, 2))  # the first asks whether all is well
    first, second = make_results(2)
    session.write(first)
    wait_until(lambda: len(sandbox.box.results) == 1)
    session.write(second)
    wait_until(lambda: len(sandbox.box.results) == 2)
    tally = session.end()
    assert (tally.before, tally.kept, tally.doubtful) == (1, 1, 1)
    assert "the answer was lost" in tally.reason
    assert len(sandbox.box.results) == 2


def test_the_run_of_a_session_that_was_killed_stays_open_and_is_completed_by_the_next_upload(
    live: Callable[..., Live],
) -> None:
    sandbox = qase_sandbox.create()
    mount = Mount([sandbox])
    session = live(mount, QASE, stream_s=600.0)
    session.write(*make_results(3))
    session.journal._lines.close()  # as the system does it
    tally = session.tally()
    assert (tally.delivered, tally.kept) == (3, 0)
    assert tally.notes == ["everything is delivered, and the run is left open: its session was killed"]
    (run,) = sandbox.box.runs.values()
    assert (run.end, session.folder.is_delivered) == (None, False)
    upload(session.folder, [QASE], Conditions(transport=WsgiAdapter(mount)))
    assert sandbox.box.runs[run.id].end is not None
    assert session.folder.is_delivered


@pytest.mark.skipif(os.name != "posix", reason="only there processes inherit locks")
def test_a_session_is_over_when_its_process_is_gone_though_one_that_it_forked_holds_the_journal(
    live: Callable[..., Live],
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    sandbox = qase_sandbox.create()
    session = live(Mount([sandbox]), QASE, written=make_results(2), pid=gone.pid, stream_s=600.0)
    wait_until(lambda: len(sandbox.box.results) == 2)
    assert session.folder.is_live()
