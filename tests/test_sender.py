"""The child process for real, against the sandbox on loopback: what it is given, what it tells, and how it ends."""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.config import Settings
from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Run
from pytest_tmsreport.pending import survey
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.qase_fields import TOKEN, Rules
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sender import LOG, LOOK_S, PROGRESS, Origin, Sender, job
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.vendors.qase import Qase

if TYPE_CHECKING:
    from conftest import Project

RUN = Run(id="20260914-100211-0a1b2c3d", name="nightly", start=1789380131.0)
PATIENCE_S = 60.0
"""How long something that must happen soon is waited for before the test gives up."""

on_linux = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
on_posix = pytest.mark.skipif(os.name != "posix", reason="sessions and signals of POSIX")


@pytest.fixture
def served() -> Iterator[Served]:
    rules = Rules(projects=("SHOP", "DEMO"))
    with serve([qase_sandbox.create(rules)]) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of nine results, ended."""
    journal = Journal(tmp_path / "run", RUN, {"qase": "qase"})
    for result in make_results(9):
        journal.write(result)
    journal.end(exitstatus=0, not_run=[])
    return RunFolder(tmp_path / "run")


@pytest.fixture
def start(served: Served, folder: RunFolder, tmp_path: Path) -> Iterator[Callable[..., Sender]]:
    """Starts senders of that run, and ends those that a test leaves behind."""
    started: list[Sender] = []

    def start_one(*vendors: Qase, deadline_s: float = PATIENCE_S, origin: Origin | None = None, **how: Any) -> Sender:
        work = job(vendors or [make_vendor(served)], Settings(), **how)
        started.append(Sender(folder.path, origin or make_origin(tmp_path), work, deadline_s))
        return started[-1]

    yield start_one
    for sender in started:
        sender._process.kill()
        sender.stop()


def make_vendor(served: Served, **changes: Any) -> Qase:
    return replace(Qase(name="qase", kind="qase", url=served.url_of("qase"), token=TOKEN, project="SHOP"), **changes)


def make_origin(cwd: Path, *path: str, environ: Mapping[str, str] | None = None) -> Origin:
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return Origin.here([*path, *sys.path], {**direct, **(environ or {})}, str(cwd))


def finish(sender: Sender) -> tuple[list[dict[str, Any]], str]:
    """All that a sender tells, and why it did not end well."""
    events = [event for event in sender.events() if event]
    return events, sender.stop()


def tallies(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {tally["name"]: tally for event in events for tally in event.get("tallies", ())}


def wait_for_a_request(sender: Sender, served: Served) -> None:
    for _ in sender.events():
        if served.boxes["qase"].requests:
            return
    pytest.fail(f"the sender has ended: {sender.stop()}")


def test_it_delivers_the_run_and_tells_what_became_of_it(start: Callable[..., Sender], served: Served) -> None:
    events, why = finish(start(make_vendor(served, web_url="https://qase.test")))
    assert why == ""
    tally = tallies(events)["qase"]
    assert (tally["delivered"], tally["kept"], tally["refused"], tally["reason"]) == (9, 0, 0, "")
    assert tally["run_url"] == f"https://qase.test/run/SHOP/dashboard/{tally['run_id']}"
    assert sum(event.get("done", 0) for event in events) == 9
    assert len(served.boxes["qase"].results) == 9


def test_its_progress_is_a_file_of_one_json_line_an_event(start: Callable[..., Sender], folder: RunFolder) -> None:
    events, _ = finish(start())
    lines = (folder.path / PROGRESS).read_text("ascii").splitlines()
    assert [json.loads(line) for line in lines] == events
    assert (folder.path / LOG).read_bytes() == b""


@on_posix
def test_what_it_writes_is_for_its_owner_alone(start: Callable[..., Sender], folder: RunFolder) -> None:
    finish(start())
    made = [folder.path / name for name in ("qase.jsonl", "delivered", PROGRESS, LOG)]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o600] * 4


def test_it_serves_several_destinations_and_one_may_fail(start: Callable[..., Sender], served: Served) -> None:
    served.troubles.add("401@DEMO")
    events, why = finish(start(make_vendor(served), make_vendor(served, name="demo", project="DEMO")))
    found = tallies(events)
    assert why == ""
    assert (found["qase"]["delivered"], found["demo"]["kept"]) == (9, 9)
    assert "401" in found["demo"]["reason"]


def test_it_ends_at_its_deadline_and_says_what_is_kept(start: Callable[..., Sender], served: Served) -> None:
    served.troubles.add("503")
    events, why = finish(start(deadline_s=0.5))
    assert why == ""
    assert tallies(events)["qase"]["kept"] == 9
    assert "503" in tallies(events)["qase"]["reason"]


def test_a_rehearsal_tells_each_request_with_secrets_masked_and_sends_none(
    start: Callable[..., Sender], served: Served
) -> None:
    vendor = make_vendor(served, environment=f"env-{TOKEN}")
    events, _ = finish(start(vendor, rehearse=True))
    told = [event["rehearsed"] for event in events if "rehearsed" in event]
    assert [lines[0] for lines in told] == [
        "qase: POST v1/run/SHOP",
        "qase: POST v2/SHOP/run/0/results",
        "qase: POST v1/run/SHOP/0/complete",
    ]
    assert json.loads("\n".join(told[0][1:]))["environment_slug"] == "env-***"
    assert TOKEN not in json.dumps(events)
    assert served.boxes["qase"].requests == []


@on_linux
def test_while_it_runs_its_secret_is_in_neither_its_arguments_nor_a_file(
    start: Callable[..., Sender], served: Served, folder: RunFolder
) -> None:
    served.troubles.add("hang")
    sender = start()
    wait_for_a_request(sender, served)
    assert TOKEN.encode() not in Path(f"/proc/{sender._process.pid}/cmdline").read_bytes()
    assert TOKEN.encode() not in Path(f"/proc/{sender._process.pid}/environ").read_bytes()
    assert not [path for path in folder.path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


@on_linux
def test_nothing_that_measures_or_changes_a_python_reaches_it(
    start: Callable[..., Sender], served: Served, tmp_path: Path
) -> None:
    served.troubles.add("hang")
    unwanted = {
        "COV_CORE_SOURCE": "x",
        "COVERAGE_PROCESS_START": "x",
        "PYTHONSTARTUP": "x",
        "PYTHONPATH": "x",
        "PYTHONWARNINGS": "error",
        "PYTEST_ADDOPTS": "-x",
        "PYTEST_CURRENT_TEST": "x",
    }
    sender = start(origin=make_origin(tmp_path, environ={"SHOP_STAGE": "kept", **unwanted}))
    wait_for_a_request(sender, served)
    environ = Path(f"/proc/{sender._process.pid}/environ").read_bytes().decode().split("\0")
    names = {entry.partition("=")[0] for entry in environ}
    assert "SHOP_STAGE" in names
    assert not {name for name in names if name.startswith(("COV_", "COVERAGE_", "PYTHON", "PYTEST_"))}


@on_posix
def test_it_has_a_session_of_its_own_so_that_ctrl_c_passes_it_by(start: Callable[..., Sender], served: Served) -> None:
    served.troubles.add("hang")
    sender = start()
    wait_for_a_request(sender, served)
    assert os.getsid(sender._process.pid) == sender._process.pid != os.getsid(0)


def test_modules_in_the_working_directory_are_not_imported(
    start: Callable[..., Sender], folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "project"
    here.mkdir()
    touched = tmp_path / "imported"
    for place in (here, folder.path):
        for name in ("requests", "json", "click", "tenacity", "sitecustomize", "usercustomize", "pytest_tmsreport"):
            (place / f"{name}.py").write_text(f"open({str(touched)!r}, 'w').close()\nraise SystemExit(3)\n", "utf-8")
    monkeypatch.chdir(here)
    origin = make_origin(here, "", ".", str(here), environ={"PYTHONPATH": f"{here}{os.pathsep}"})
    events, why = finish(start(origin=origin))
    assert why == ""
    assert tallies(events)["qase"]["delivered"] == 9
    assert not touched.exists()


def test_a_path_that_a_conftest_adds_later_is_not_searched(
    start: Callable[..., Sender], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = make_origin(tmp_path)
    (tmp_path / "requests.py").write_text("raise SystemExit(3)\n", "ascii")
    monkeypatch.syspath_prepend(str(tmp_path))
    events, why = finish(start(origin=origin))
    assert (why, tallies(events)["qase"]["delivered"]) == ("", 9)


def test_one_that_hangs_is_stopped_and_everything_is_kept(
    start: Callable[..., Sender], served: Served, folder: RunFolder
) -> None:
    served.troubles.add("hang")
    sender = start()
    wait_for_a_request(sender, served)
    sender._deadline_s = -math.inf
    assert list(sender.events()) == []
    assert sender.stop() == "the sender did not end in time and was stopped"
    assert sender._process.poll() is not None
    assert survey(folder, make_vendor(served)).pending == 9


def test_one_that_waits_for_a_server_ends_by_itself_when_it_is_told_to(
    start: Callable[..., Sender], served: Served, folder: RunFolder
) -> None:
    served.troubles.add("429")
    sender = start(deadline_s=600)
    wait_for_a_request(sender, served)
    sender._pipe.close()
    assert sender._process.wait(PATIENCE_S) == 0
    assert tallies(list(sender.events()))["qase"]["kept"] == 9
    assert sender.stop() == ""
    assert survey(folder, make_vendor(served)).pending == 9


@on_posix
def test_one_that_is_killed_is_reported_and_a_second_one_delivers_all(
    start: Callable[..., Sender], served: Served, folder: RunFolder
) -> None:
    served.troubles.add("hang@results")
    sender = start()
    for _ in sender.events():
        if any(each.path.endswith("/results") for each in served.boxes["qase"].requests):
            break
    os.kill(sender._process.pid, signal.SIGKILL)
    events, why = finish(sender)
    assert not tallies(events)
    assert why.startswith("the sender ended with status -9: ")
    assert survey(folder, make_vendor(served)).pending == 9
    events, why = finish(start())
    assert (why, tallies(events)["qase"]["delivered"]) == ("", 9)
    box = served.boxes["qase"]
    assert (len(box.runs), len(box.results)) == (1, 9)


def test_one_that_cannot_be_started_is_an_error_of_the_system(start: Callable[..., Sender], tmp_path: Path) -> None:
    origin = make_origin(tmp_path)._replace(executable=str(tmp_path / "no-such-python"))
    with pytest.raises(OSError, match="no-such-python"):
        start(origin=origin)


def test_one_that_fails_is_reported_with_its_last_words(start: Callable[..., Sender], served: Served) -> None:
    events, why = finish(start(make_vendor(served, kind="nosuch")))
    assert events == []
    assert why.startswith("the sender ended with status 1: ")
    assert "there is no vendor 'nosuch'" in why


def test_one_whose_packages_are_gone_is_reported(start: Callable[..., Sender], tmp_path: Path) -> None:
    bare = make_origin(tmp_path)._replace(path=())
    events, why = finish(start(origin=bare))
    assert not tallies(events)
    assert "ModuleNotFoundError" in why


def test_it_imports_what_sends_to_its_tool_and_no_more(served: Served, folder: RunFolder) -> None:
    script = "import sys\nfrom pytest_tmsreport.sender import main\nmain()\nprint(*sys.modules)"
    line = json.dumps({**job([make_vendor(served)], Settings()), "deadline_s": PATIENCE_S})
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder.path, text=True
    ) as sender:
        assert sender.stdin
        assert sender.stdout
        sender.stdin.write(f"{line}\n")
        sender.stdin.flush()  # and not closed: that tells it to end
        imported = set(sender.stdout.read().split())
    assert len(served.boxes["qase"].results) == 9
    assert not imported & {"pytest", "_pytest", "pluggy", "click", "flask", "requests_toolbelt"}
    assert not imported & {f"pytest_tmsreport.{name}" for name in ("config", "dialects", "plugin", "reporter", "cli")}
    vendors = {name.split(".")[2].strip("_") for name in imported if name.startswith("pytest_tmsreport.vendors.")}
    assert {name.partition("_")[0] for name in vendors} == {"qase"}


PARENT = """
import sys, time
from pathlib import Path
from pytest_tmsreport.config import Settings
from pytest_tmsreport.sender import Origin, Sender, job
from pytest_tmsreport.vendors.qase import Qase

folder, url, token = sys.argv[1:]
vendor = Qase(name="qase", kind="qase", url=url, token=token, project="SHOP")
sender = Sender(Path(folder), Origin.here(sys.path, {}, "/nowhere"), job([vendor], Settings()), 600)
print(sender._process.pid, flush=True)
for _ in sender.events():
    pass
"""


@on_linux
@pytest.mark.parametrize("trouble", ["hang", "503"])
def test_it_ends_by_itself_when_the_process_that_started_it_is_killed(
    served: Served, folder: RunFolder, trouble: str
) -> None:
    served.troubles.add(trouble)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder.path), served.url_of("qase"), TOKEN],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        handle = os.pidfd_open(pid)
        try:
            wait_until(lambda: bool(served.boxes["qase"].requests))
            assert select.select([handle], [], [], 0)[0] == []  # it is at work
            parent.kill()
            assert select.select([handle], [], [], PATIENCE_S)[0] == [handle]
        finally:
            os.close(handle)
            parent.kill()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert survey(folder, make_vendor(served)).pending == 9


def wait_until(is_true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < ends, "it did not happen"
        threading.Event().wait(LOOK_S)


def test_a_vendor_of_ones_own_may_guess_encodings_although_ours_do_without(project: Project, tmp_path: Path) -> None:
    package = tmp_path / "guess"
    (package / "guess-1.dist-info").mkdir(parents=True)
    (package / "guess-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: guess\nVersion: 1\n")
    (package / "guess-1.dist-info" / "entry_points.txt").write_text("[pytest_tmsreport.vendors]\nguess = guess:Guess\n")
    (package / "guess.py").write_text(
        "from charset_normalizer import from_bytes\n"
        "from pytest_tmsreport.vendors.qase import Qase\n"
        "class Guess(Qase):\n"
        "    def run_url(self, run_id):\n"
        "        return f'https://x.test/{from_bytes(run_id.encode()).best()}'\n"
    )
    own = {key.replace("QASE", "GUESS"): value for key, value in project.environ.items()}
    project.environ |= own | {"PYTHONPATH": str(package)}
    project.write("test_one.py", "def test_one():\n    pass\n")
    ran = project.pytest("--tms-to", "guess")
    assert ran.line("guess: ").startswith(
        "guess: 1 delivered, 0 kept, 0 refused, 0 without case | run 1 https://x.test/1 |"
    )
