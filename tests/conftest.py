"""Fixtures for whole sessions: a project on disk, pytest in a process of its own, and the sandbox it reports to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from bench.environments import CACHE, INSTALLING_S, ROOT, CannotInstallError, python_with
from hypothesis import HealthCheck, settings

from pytest_tmsreport.journal import RunFolder, folders
from pytest_tmsreport.model import Attachment, Result, Step
from pytest_tmsreport.sandbox import catalog
from pytest_tmsreport.sandbox.box import ArrivedResult, Box
from pytest_tmsreport.sandbox.server import Served, serve

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or no session would hear the Ctrl-C of a test
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every session compiles the plugin, and pytest rewrites it, anew
settings.register_profile(
    "quick",
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1000, derandomize=False)
settings.load_profile("quick")  # the same examples in every run; others, and more, with --hypothesis-profile=thorough
pytest_plugins = ["pytester"]

FOREIGN = re.compile(
    "PYTEST_|TMSREPORT_|QASE_|COV_|COVERAGE_|CI$|CI_|GITHUB_|GITLAB_|JENKINS_|BUILD_|SYSTEM_|AZURE_|TF_BUILD|FORCE_COLOR"
)
"""Variables of the outer session, or of the machine, that would change the inner one."""
INI = "[pytest]\n"
NEIGHBOURS = ("asyncio", "hypothesispytest", "randomly", "rerunfailures", "socket")
"""Plugins that stand beside ours here, and are loaded only where a test is about them: they take their time."""
PATIENCE_S = 120.0
"""How long a session, or a file that it makes, is waited for before the test gives up on it."""


README = Path(__file__).resolve().parents[1] / "README.md"
ANYWHERE = "test_a_fault_that_passes_costs_nothing_whichever_request_it_meets"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-faults", action="store_true", help="write README's table of faults from what this run gives"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("write_faults") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FaultTable())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what the contract does with faults: the contract is everybody's, these marks are ours."""
    for item in items:
        if "faultless" in getattr(item, "fixturenames", ()):
            item.add_marker("faults")
        if getattr(item, "originalname", "") == ANYWHERE:
            item.add_marker("long")


class FaultTable:
    """Writes the rows that tests tell as the property `faults` into README, each in the place of its old one."""

    def __init__(self) -> None:
        self._rows: dict[int, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            rows: list[Any] = [value for name, value in report.user_properties if name == "faults"]
            self._rows.update(rows)

    def pytest_sessionfinish(self) -> None:
        text = README.read_text(encoding="utf-8")
        before, head, rest = text.partition("| fault | delivered | doubled | kept | said |\n|---|---|---|---|---|\n")
        table, end, after = rest.partition("<!-- end of the faults -->")
        names = [row.partition(" | ")[0] for row in self._rows.values()]
        rows = [row for row in table.splitlines() if row.partition(" | ")[0] not in names]
        for place, row in sorted(self._rows.items()):
            rows.insert(place, row)
        README.write_text("".join([before, head, *(f"{row}\n" for row in rows), end, after]), encoding="utf-8")


@dataclass(frozen=True)
class Ran:
    """A session that has ended. `folder` is its journal, if it left one."""

    status: int
    out: str
    err: str
    folder: RunFolder | None

    @property
    def results(self) -> list[Result]:
        """What its journal holds."""
        return list(self.folder.results()) if self.folder else []

    @property
    def last(self) -> dict[str, Result]:
        """Node id -> the last attempt."""
        return {result.nodeid: result for result in self.results if not result.superseded}

    @property
    def not_run(self) -> list[str]:
        """The tests that the journal says never ran."""
        end = self.folder.end() if self.folder else None
        return list(end["not_run"]) if end else []

    @property
    def printed(self) -> list[str]:
        """The lines of its output, without our summary, and without what differs from session to session."""
        told = f"{self.out}\n{self.err}"
        text = re.sub(r"^=+ test management =+\n.*?^(?==)", "", told, flags=re.DOTALL | re.MULTILINE)
        return [re.sub(r"\d+\.\d+s|\[[\d:]+\]|\d+ms|0x[0-9a-f]+|==+", "…", line) for line in text.splitlines()]

    def text(self, file: Attachment) -> str:
        """What an attachment of one of the results holds."""
        assert self.folder
        with self.folder.file(file).open() as opened:
            return opened.read().decode()

    def steps(self, nodeid: str) -> list[str]:
        """The steps of a test's last attempt: `outcome: title: message`, inner ones indented."""
        return list(_outline(self.last[nodeid].steps))

    def line(self, start: str) -> str:
        """The one line of its output that begins so."""
        (found,) = (line for line in (self.out + self.err).splitlines() if line.strip().startswith(start))
        return found.strip()


def _outline(steps: Iterable[Step], depth: int = 0) -> Iterator[str]:
    for step in steps:
        yield f"{'  ' * depth}{step.outcome.value}: {step.title}{f': {step.message}' if step.message else ''}"
        yield from _outline(step.steps, depth + 1)


class Project:
    """A folder with tests, and the sandbox its sessions report to.

    `root` is the working directory of every session, `environ` its environment, `python` what runs it; of the
    `NEIGHBOURS`, those in `neighbours` are loaded.
    """

    def __init__(self, root: Path, served: Served, environ: Mapping[str, str]) -> None:
        self.root = root
        self.python: Path = Path(sys.executable)
        self.neighbours: tuple[str, ...] = ()
        self.served = served
        self.environ = dict(environ)
        self._known: set[Path] = set()
        self.write("pytest.ini", INI)

    @property
    def box(self) -> Box:
        """What arrived."""
        return self.served.boxes["qase"]

    @property
    def arrived(self) -> list[ArrivedResult]:
        """The results that arrived, in whichever run."""
        return list(self.box.results.values())

    def write(self, name: str, text: str) -> None:
        """Writes a file; its folders are made."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # it knows files by second and size

    def settings(self, text: str) -> None:
        """Writes the settings file, with these lines below pytest's own."""
        self.write("pytest.ini", INI + dedent(text))

    def report(self, *args: str) -> Ran:
        """Runs pytest, reporting to the sandbox."""
        return self.pytest("--tms-to", "qase", *args)

    def pytest(self, *args: str) -> Ran:
        """Runs pytest with no more than these arguments."""
        return self.ended(self.start_pytest(*args))

    def run(self, *command: str) -> Ran:
        """Runs any command in the project."""
        return self.ended(self.start(*command))

    def ended(self, process: subprocess.Popen[str]) -> Ran:
        """Waits for a command to end."""
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill(process)
            raise
        print(process.args, out, err, sep="\n")  # noqa: T201 - shown where the test fails
        found = [folder for folder in self.journals() if folder.path not in self._known]
        return Ran(process.returncode, out, err, found[0] if found else None)

    def start_pytest(self, *args: str) -> subprocess.Popen[str]:
        """Starts pytest."""
        without = [f"-pno:{name}" for name in NEIGHBOURS if name not in self.neighbours]
        return self.start(str(self.python), "-m", "pytest", *without, *args)

    def move(self, python: Path) -> None:
        """From now on, sessions run in an environment that `beside` has made, with the plugin as it is here."""
        self.python = python
        self.environ |= {"PYTHONPATH": str(ROOT), "PYTEST_PLUGINS": "pytest_tmsreport.plugin"}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Starts a command in the project, as the leader of a process group of its own."""
        self._known = {folder.path for folder in self.journals()}
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def wait_for(self, process: subprocess.Popen[str], is_so: Callable[[], bool]) -> None:
        """Returns when it is so; fails where the process ends before."""
        ends = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < ends, "it took too long"
            with suppress(subprocess.TimeoutExpired):
                assert process.wait(timeout=0.02) is None, "it ended before"

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Returns when it is so."""
        ends = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < ends, "it took too long"
            threading.Event().wait(0.02)

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Ends a process and those it started, without a word."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def processes(self) -> dict[int, Path]:
        """The processes that work in the project or speak of it, by their number: where each works. Linux only."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile, or is somebody else's
                place = (process / "cwd").readlink()
                speaks = str(self.root).encode() in (process / "cmdline").read_bytes()
                if speaks or place.is_relative_to(self.root):
                    found[int(process.name)] = place
        return found

    def sender(self) -> int:
        """The number of the sender's process. Linux only."""
        (found,) = (number for number, place in self.processes().items() if place.parent.name == ".tmsreport")
        return found

    def journals(self) -> list[RunFolder]:
        """The run folders in the usual place."""
        return folders(self.root / ".tmsreport")

    def files(self) -> set[str]:
        """Every file below the root, but for what Python and pytest cache."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        names = (path.relative_to(self.root).as_posix() for path in found)
        return {name for name in names if "__pycache__" not in name and ".pytest_cache" not in name}


@pytest.fixture
def served() -> Iterator[Served]:
    """Qase's sandbox on a free port of loopback."""
    with serve([catalog.create("qase")]) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, served: Served) -> Project:
    """A project whose environment leads to the sandbox."""
    kept = {key: value for key, value in os.environ.items() if not FOREIGN.match(key)}
    root = tmp_path / "project"
    root.mkdir()
    own = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HOME": str(tmp_path)}
    return Project(root, served, {**kept, **own, **served.environment})


@pytest.fixture(params=["-n0", pytest.param("-n2", marks=pytest.mark.long)])
def workers(request: pytest.FixtureRequest) -> str:
    """The option for as many xdist workers: none, and two, which is `long`.

    What is to run both ways each time, as it is about what workers tell, names them itself.
    """
    return str(request.param)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a self-signed certificate for 127.0.0.1, its key, and both in one."""
    if not shutil.which("openssl"):
        pytest.skip("the openssl command, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sandbox -addext subjectAltName=IP:127.0.0.1"
    made = subprocess.run(
        [*command.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"openssl cannot make a certificate: {made.stderr.decode()}")
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return folder


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """The server's side of a connection that shows that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "both.pem")
    return context


@pytest.fixture(scope="session")
def judges() -> Callable[..., Path]:
    """A function of a tool's name and requirements: a Python in which they are installed; made once, and kept."""

    def found(tool: str, *requirements: str) -> Path:
        try:
            return python_with(tool, *requirements)
        except CannotInstallError as error:
            pytest.skip(str(error))

    return found


@pytest.fixture(scope="session")
def sources() -> Callable[[str], Path]:
    """A function of a project and its version: the folder of its source distribution; fetched once, and kept."""

    def unpacked(requirement: str) -> Path:
        home = CACHE.parent / "sources" / requirement
        if not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home.parent) as place:
                fetch = (
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "-q",
                    "--no-deps",
                    "--no-binary",
                    ":all:",
                    "-d",
                    place,
                )
                subprocess.run([*fetch, requirement], check=True, timeout=INSTALLING_S, capture_output=True)
                (archive,) = Path(place).iterdir()
                shutil.unpack_archive(archive, place, filter="data")
                (folder,) = (path for path in Path(place).iterdir() if path.is_dir())
                with suppress(OSError):  # another process was faster
                    folder.rename(home)
        return home

    return unpacked


@pytest.fixture(scope="session")
def beside(judges: Callable[..., Path]) -> Callable[..., Path]:
    """The same, with what our plugin needs to run there, its sandbox and xdist included (see `Project.move`)."""
    rules = [each.replace('"', "'") for each in requires("pytest-tmsreport") or ()]
    ours = [re.sub("; extra == '(sandbox|xdist)'", "", each) for each in rules]
    needed = [each for each in ours if "extra ==" not in each]
    return lambda tool, *requirements: judges(tool, *requirements, *needed)
