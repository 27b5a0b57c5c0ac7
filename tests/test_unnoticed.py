"""Whatever a suite does to its process, and whichever plugins run beside us, nobody can tell that it is reported."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project, Ran

HOME = Path(__file__).resolve().parents[1]
OURS = (
    "requests>=2.32",
    "requests-toolbelt>=1.0",
    "tenacity>=8.3",
    "click>=8.1",
    "tomli>=2.0; python_version < '3.11'",
)
CROWD = (
    *("pytest", "pytest-xdist", "pytest-benchmark", "pytest-cov", "pytest-randomly", "pytest-socket", "pytest-timeout"),
    *("freezegun", "time-machine", "pyfakefs", "responses", "gevent", "markupsafe", "trio"),
)
"""What suites run under; each is loaded only in the sessions that are about it."""
VARIES = (
    (r"(?m)^=+ test management =+\n(?:(?![=!]{3,}).*\n)*", ""),  # our summary
    (r"(?m)^plugins: .*\n", ""),
    (r"\d+(\.\d+)?s\b", "N s"),
    (r"\d{4}-\d\d-\d\dT[\d:]+Z", "when"),
    (r"0x[0-9a-f]+", "0x"),
    (r"=+|-+|\++|~+", "="),
    (r"(?m)^(\d+|test_\w+) .*(ns|us|ms|s)\b.*$", ""),
    (r"(?m)^[.FEsxX]+ +\[100%\]$", ""),
    (r"\d{9,}", "N"),
)
"""What differs between two sessions of one suite, with us or without."""

PATCHED = """
import builtins, json, os, signal, socket, subprocess, sys, threading, time

import pytest
import requests

import pytest_tmsreport as tms


def broken(*args, **kwargs):
    raise AssertionError("patched")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (requests, "Session"), (requests.Session, "request"), (socket, "socket"), (socket, "create_connection"),
        (socket, "getaddrinfo"), (builtins, "open"), (json, "dumps"), (json, "loads"), (os, "open"), (os, "write"),
        (os, "replace"), (os, "getcwd"), (os.path, "exists"), (threading, "Thread"),
        (threading, "Lock"), (subprocess, "Popen"), (subprocess, "run"), (time, "time"), (time, "perf_counter"),
        (time, "monotonic"), (sys, "stdout"), (sys, "stderr"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_patches(monkeypatch, owner, name):
    monkeypatch.setattr(owner, name, broken)


def test_has_no_children():
    with pytest.raises(ChildProcessError):
        os.wait()
    children = [path for path in (f"/proc/self/task/{os.getpid()}/children",) if os.path.exists(path)]
    assert [open(path).read() for path in children] in ([], [""])


def test_has_no_threads():
    names = {thread.name for thread in threading.enumerate()}
    print(sorted(name for name in names if "tms" in name.lower()))
    assert not [name for name in names if "tms" in name.lower()]


def test_attaches(monkeypatch):
    for owner, name in ((builtins, "open"), (os, "open"), (os, "fdopen"), (json, "dumps")):
        monkeypatch.setattr(owner, name, broken)
    tms.attach("kept", name="kept.txt")


def test_fails_and_shows_what_it_printed():
    print("out")
    print("err", file=sys.stderr)
    assert [1, 2] == [1, 3]


def test_removes_its_environment():
    for name in list(os.environ):
        if name not in ("PATH", "PYTEST_XDIST_WORKER"):
            del os.environ[name]
    assert "TMSREPORT_QASE_TOKEN" not in os.environ


def test_changes_directory(tmp_path):
    os.chdir(tmp_path)


def test_changes_umask():
    os.umask(0o777)


def test_changes_signal_handlers():
    for name in ("SIGTERM", "SIGUSR1", "SIGCHLD", "SIGALRM"):
        signal.signal(getattr(signal, name), lambda *_: None)
    assert subprocess.call([sys.executable, "-c", ""]) == 0


def test_changes_the_recursion_limit():
    sys.setrecursionlimit(240)
"""

FROZEN = """
import datetime, time

import freezegun
import pytest
import time_machine


@pytest.mark.parametrize("number", range(3))
def test_freezes_time(number):
    with freezegun.freeze_time("1999-12-31 23:59:59") as clock:
        assert datetime.date.today().year == 1999
        clock.tick(3600)


@freezegun.freeze_time("2080-01-01")
def test_is_frozen_as_a_whole():
    assert datetime.date.today().year == 2080


@pytest.fixture
def long_ago():
    with time_machine.travel(0.0, tick=False):
        yield


def test_travels(long_ago):
    assert time.time() == 0.0
    assert False


def test_stays_away():
    time_machine.travel(5e9).start()
"""

FAKED = """
import os
from pathlib import Path

import pytest
import requests
import responses


def test_sees_another_file_system(fs):
    fs.create_file("/only/here.txt", contents="there")
    assert Path("/only/here.txt").read_text() == "there"
    assert not Path(__file__).exists()


def test_fails_in_another_file_system(fs):
    print("somewhere else")
    assert os.listdir("/") == ["nowhere"]


@responses.activate
def test_sees_another_network():
    responses.get("https://shop.test/", json={"price": 3})
    assert requests.get("https://shop.test/").json() == {"price": 3}
    assert len(responses.calls) == 1


@responses.activate
def test_fails_in_another_network():
    requests.get("https://elsewhere.test/")
"""

GREEN = """
import gevent
import pytest


@pytest.mark.parametrize("number", range(3))
def test_switches(number):
    assert [job.get() for job in [gevent.spawn(lambda n=n: n * 2) for n in range(3)]] == [0, 2, 4]


def test_fails_in_a_greenlet():
    gevent.spawn(lambda: 1 / 0).get()
"""

PLAIN = """
import subprocess, sys

import pytest


@pytest.mark.parametrize("number", range(4))
def test_passes(number, tmp_path):
    print("number", number)
    (tmp_path / "file").write_text("x")


def test_fails():
    print("printed")
    assert {"a": 1} == {"a": 2}


@pytest.fixture
def broken():
    yield
    raise RuntimeError("not torn down")


def test_leaves_a_mess(broken):
    pass


def test_skips():
    pytest.skip("not today")


@pytest.mark.xfail(reason="known")
def test_xfails():
    assert False


def test_starts_a_process():
    assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\\n"
"""

MEASURED = """
import subprocess, sys

import shop


def test_here():
    assert shop.double(2) == 4


def test_in_a_child():
    subprocess.run([sys.executable, "-c", "import shop; shop.triple(2)"], check=True)


def test_fails():
    assert shop.double(2) == 5
"""
SHOP = "def double(n):\n    return 2 * n\n\n\ndef triple(n):\n    return 3 * n\n\n\ndef never(n):\n    return n\n"
BENCHED = """
def test_is_measured(benchmark):
    assert benchmark(sorted, [3, 1, 2]) == [1, 2, 3]


def test_fails(benchmark):
    assert benchmark(sorted, [3, 1, 2]) == [3, 2, 1]
"""
SLOW = """
import threading

import pytest


def test_passes():
    pass


def test_hangs():
    threading.Event().wait()


def test_passes_too():
    pass
"""


OTHERS = ("click==8.3.1", "jinja2==3.1.6")
"""Projects whose suites do much to their process: streams, signals, pagers, event loops."""


@dataclass(frozen=True)
class Suite:
    """Some files, the options of the sessions that run them, and how many results they come to.

    `plugins` are the modules of those that stand beside us.
    """

    files: dict[str, str]
    results: int
    options: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()


MEASURING = {"test_it.py": MEASURED, "shop.py": SHOP, ".coveragerc": "[run]\npatch = subprocess\n"}
FALSE = dict.fromkeys(
    ("requests.py", "json.py", "click.py", "tenacity.py"), "raise RuntimeError('a module of the project')\n"
)
SUITES = {
    "patches": Suite({"test_it.py": PATCHED}, 31),
    "frozen clocks": Suite({"test_it.py": FROZEN}, 6),
    "another file system and network": Suite({"test_it.py": FAKED}, 4, plugins=("pyfakefs.pytest_plugin",)),
    "gevent": Suite({"test_it.py": GREEN, "conftest.py": "import gevent.monkey\n\ngevent.monkey.patch_all()\n"}, 4),
    "no sockets": Suite({"test_it.py": PLAIN}, 9, ("--disable-socket",), ("pytest_socket",)),
    "no terminal": Suite({"test_it.py": PLAIN}, 9, ("-pno:terminal",)),
    "no capture": Suite({"test_it.py": PLAIN}, 9, ("-pno:capture",)),
    "-s": Suite({"test_it.py": PLAIN}, 9, ("-s",)),
    "-q -q": Suite({"test_it.py": PLAIN}, 9, ("-q", "-q")),
    "--pdb": Suite({"test_it.py": PLAIN}, 5, ("--pdb",)),
    "-v -rA": Suite({"test_it.py": PLAIN}, 9, ("-v", "-rA", "--setup-show")),
    "random order": Suite({"test_it.py": PLAIN}, 9, ("-v", "--randomly-seed=7"), ("pytest_randomly",)),
    "timeouts by signal": Suite(
        {"test_it.py": SLOW}, 3, ("--timeout=1", "--timeout-method=signal"), ("pytest_timeout",)
    ),
    "coverage, of children too": Suite(MEASURING, 3, ("--cov=shop", "--cov-report=term-missing"), ("pytest_cov",)),
    "benchmarks": Suite({"test_it.py": BENCHED}, 2, ("--benchmark-disable",), ("pytest_benchmark.plugin",)),
    "false modules": Suite({"test_it.py": PLAIN, **FALSE}, 9),
}


LONG = ("no capture", "-q -q", "-v -rA", "benchmarks", "random order")
"""Those that differ from others in what pytest prints, and hardly in what is done to us."""


@pytest.fixture(scope="session")
def crowd(judges: Callable[..., Path]) -> Path:
    """A Python with those that stand beside us, and what we need ourselves."""
    return judges("crowd", *CROWD, *OURS)


def run(project: Project, python: Path, suite: Suite, *ours: str) -> Ran:
    """One session, with us or without."""
    beside = [f"-p{name}" for name in suite.plugins]
    program = "import sys; sys.path.remove(''); import pytest; sys.exit(pytest.main())"  # as the command `pytest` does
    return project.run(str(python), "-c", program, "-pno:cacheprovider", *beside, *ours, *suite.options)


def test_what_a_test_attaches_is_kept_whatever_it_has_replaced(project: Project) -> None:
    project.write("test_it.py", PATCHED)
    project.report("-k", "umask or attaches")

    assert [file.name for file in project.box.attachments.values()] == ["kept.txt"]


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_what_is_stored_after_a_change_of_the_umask_can_still_be_read_by_its_owner(project: Project) -> None:
    project.write(
        "test_it.py", "import os\n\n\ndef test_it():\n    os.umask(0o777)\n    print('said')\n    assert False\n"
    )
    ran = project.report()
    assert ran.folder

    stored = [path for path in ran.folder.path.rglob("*") if path.is_file() and path.name != ".gitignore"]
    assert {path.stat().st_mode & 0o777 for path in stored} == {0o600}
    assert len(stored) >= 3


def told(text: str) -> str:
    for pattern, placeholder in VARIES:
        text = re.sub(pattern, placeholder, text)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in SUITES]
)
def test_a_suite_ends_and_prints_the_same_with_us_and_without(project: Project, crowd: Path, name: str) -> None:
    suite = SUITES[name]
    for path, text in suite.files.items():
        project.write(path, text)
    project.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1"}
    without = run(project, crowd, suite)
    ran = run(project, crowd, suite, "-ppytest_tmsreport.plugin", "--tms-to", "qase")

    assert told(ran.out) == told(without.out)
    assert ran.status == without.status
    assert len(project.arrived) == suite.results
    assert "0 kept, 0 refused" in ran.out + ran.err
    assert "note:" not in ran.out + ran.err


def test_a_session_that_a_timeout_ends_keeps_what_has_run_and_it_can_be_sent(project: Project, crowd: Path) -> None:
    project.write("test_it.py", SLOW)
    project.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(HOME)}
    suite = Suite({}, 1, ("--timeout=1", "--timeout-method=thread"), ("pytest_timeout",))
    without = run(project, crowd, suite)
    ran = run(project, crowd, suite, "-ppytest_tmsreport.plugin", "--tms-to", "qase")

    assert ran.status == without.status == 1
    assert told(ran.out) == told(without.out)
    assert project.run(str(crowd), "-m", "pytest_tmsreport", "send").status == 0
    assert [result.title for result in project.arrived] == ["test_passes"]


@pytest.mark.parametrize("name", [pytest.param("patches", marks=pytest.mark.long), "frozen clocks"])
def test_workers_bear_it_too(project: Project, crowd: Path, name: str) -> None:
    suite = SUITES[name]
    for path, text in suite.files.items():
        project.write(path, text)
    project.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(HOME)}
    suite = Suite({}, suite.results, ("-n2", "-rA", "-q", "--tb=no"), ("xdist.plugin",))
    without = run(project, crowd, suite)
    ran = run(project, crowd, suite, "-ppytest_tmsreport.plugin", "--tms-to", "qase")

    assert sorted(told(ran.out).splitlines()) == sorted(told(without.out).splitlines())
    assert ran.status == without.status
    assert len(project.arrived) == suite.results


@pytest.mark.parametrize("name", [OTHERS[0], pytest.param(OTHERS[1], marks=pytest.mark.long)])
def test_the_suite_of_a_well_known_project_ends_the_same(
    project: Project, crowd: Path, sources: Callable[[str], Path], name: str
) -> None:
    shutil.copytree(sources(name), project.root, dirs_exist_ok=True)
    place = [str(project.root / "src"), str(HOME)]
    project.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(place)}
    suite = Suite({}, 0, ("-rA", "-q", "--tb=no", "tests"))
    without = run(project, crowd, suite)
    ran = run(project, crowd, suite, "-ppytest_tmsreport.plugin", "--tms-to", "qase")

    assert sorted(told(ran.out).splitlines()) == sorted(told(without.out).splitlines())
    assert ran.status == without.status
    assert len(without.out.splitlines()) > 500
    counted = sum(
        int(number) for number in re.findall(r"(\d+) (?:passed|failed|skipped|xfailed|xpassed|error)", without.out)
    )
    assert len(project.arrived) == counted
