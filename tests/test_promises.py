"""What the README promises, as a user sees it: the command line, a real server, whole sessions."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
MANY = """
import pytest

@pytest.fixture
def broken_setup():
    raise RuntimeError("setup")

@pytest.fixture
def broken_teardown():
    yield
    raise RuntimeError("teardown")

@pytest.mark.parametrize("number", range(250))
class TestMany:
    def test_passed(self, number): pass
    def test_failed(self, number): assert number < 0
    def test_setup(self, number, broken_setup): pass
    def test_teardown(self, number, broken_teardown): pass
    @pytest.mark.skip(reason="not here")
    def test_skipped(self, number): pass
    @pytest.mark.xfail(reason="known")
    def test_xfailed(self, number): assert number < 0
    @pytest.mark.xfail(reason="mended")
    def test_xpassed(self, number): pass
    def test_skipped_inside(self, number): pytest.skip("not now")
"""


class Done(NamedTuple):
    """What a command printed and left in the sandbox."""

    status: int
    output: str
    arrived: dict[str, Any]

    def results(self) -> Counter[str]:
        """How often each test's result is there, by its own name and parameters."""
        rows = self.arrived["results"]
        return Counter(f"{row['title']}{sorted(row['body']['params'].items())}" for row in rows)


def sandboxed(
    folder: Path, *command: str, troubles: tuple[str, ...] = (), environ: dict[str, str] | None = None
) -> Done:
    """Runs a command in `tmsreport sandbox qase`."""
    file = folder / "arrived.json"
    options = [part for trouble in troubles for part in ("--trouble", trouble)]
    done = run(
        folder,
        "-m",
        "pytest_tmsreport",
        "sandbox",
        "qase",
        "--json",
        str(file),
        *options,
        "--",
        *command,
        environ=environ,
    )
    return Done(done.returncode, done.stdout + done.stderr, json.loads(file.read_text())["qase"])


def run(folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "TMSREPORT_", "QASE_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_many.py").write_text(MANY)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:asyncio -q --tb=line --no-summary\n")
    return folder


@pytest.mark.parametrize("processes", [pytest.param("0", marks=pytest.mark.long), "2"])
def test_two_thousand_tests_of_every_outcome_arrive_once_in_ten_requests(suite: Path, processes: str) -> None:
    done = sandboxed(suite, sys.executable, "-m", "pytest", "--tms-to", "qase", "-n", processes)
    assert done.status == 1, done.output
    assert len(done.results()) == 2000
    assert set(done.results().values()) == {1}
    assert done.arrived["counts"] == {"passed": 500, "failed": 250, "invalid": 500, "skipped": 750}
    sent = [request for request in done.arrived["requests"] if request["path"].endswith("/results")]
    assert len(sent) == 10
    assert len(done.arrived["runs"]) == 1


@pytest.mark.parametrize("processes", ["0", pytest.param("2", marks=pytest.mark.long)])
def test_through_every_passing_trouble_everything_arrives_once(shop: Path, processes: str) -> None:
    troubles = ("503*2", "429*3", "reset", "lost-answer")
    command = (sys.executable, "-m", "pytest", "--tms-to", "qase", "-n", processes)
    done = sandboxed(shop, *command, troubles=troubles)
    assert done.status == 0, done.output
    assert len(done.arrived["results"]) == 12
    assert set(done.results().values()) == {1}
    assert len(done.arrived["runs"]) == 1
    assert "qase: 12 delivered, 0 kept, 0 refused, 0 without case" in done.output


@pytest.mark.parametrize(
    ("on_loss", "status"), [("warn", 0), pytest.param("ignore", 0, marks=pytest.mark.long), ("fail", 10)]
)
def test_a_wrong_token_loses_nothing_and_the_command_of_the_summary_delivers_all(
    shop: Path, on_loss: str, status: int
) -> None:
    command = (sys.executable, "-m", "pytest", "--tms-to", "qase", "-p", "no:randomly")
    done = sandboxed(shop, *command, troubles=("401",), environ={"TMSREPORT_ON_LOSS": on_loss})
    assert done.status == status, done.output
    assert "qase: 0 delivered, 12 kept, 0 refused, 0 without case" in done.output
    assert "make a new token" in done.output
    printed = re.search(r"send the rest: (.*)", done.output)
    assert printed
    finish = shlex.split(printed[1])
    again = sandboxed(shop, *finish)
    assert again.status == 0, again.output
    assert len(again.arrived["results"]) == 12
    assert set(again.results().values()) == {1}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return example(tmp_path, "shop")


def example(tmp_path: Path, name: str) -> Path:
    """A copy of an example, with a journal of its own."""
    return Path(shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns(".*", "__*")))


def test_the_example_of_every_outcome_prints_what_the_readme_shows(tmp_path: Path) -> None:
    folder = example(tmp_path, "outcomes")
    done = sandboxed(folder, sys.executable, "-m", "pytest", "-q", "--tb=no", "--tms-to", "qase")
    assert done.status == 1, done.output
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition(".FE.EsxXF")[2].partition("```")[0]
    for line in shown.strip().splitlines()[2:]:
        words = re.sub(r"http\S+|\d+\.\d+ ?s", "", line).strip()
        assert words == "…" or words in re.sub(r"http\S+|\d+\.\d+ ?s", "", done.output)


def test_the_readme_lists_every_tool_as_the_command_line_does() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = run(ROOT, "-m", "pytest_tmsreport", "vendors").stdout.splitlines()
    rows = [re.split(r"  +", line.strip()) for line in printed[1:]]
    assert rows
    for name, *cells in rows:
        assert f"| `{name}` | {' | '.join(cells)} |" in readme


def test_the_commands_of_the_readme_are_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    setup = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/"
    assert f"{setup}tmsreport sandbox qase -- .venv/bin/pytest examples/shop --tms-to qase\n" in readme
    assert f"{setup}pytest\n" in readme
    assert "readme_command" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


VENDORS = ("qase", "vansah", "testrail", "xray")
MAPPED = """
import pytest

@pytest.mark.parametrize("n", [pytest.param(n, marks=pytest.mark.tms(str(n))) for n in range(1, 201)])
class TestMapped:
    def test_a(self, n): pass
    def test_b(self, n): assert n % 10
    def test_c(self, n): pass
    @pytest.mark.skip(reason="not here")
    def test_d(self, n): pass
    def test_e(self, n): pass
"""


def to_all(folder: Path, *troubles: str) -> tuple[str, dict[str, Any]]:
    """Runs the tests of a folder with two workers, and reports to every tool at once: output, and what arrived."""
    file = folder / "arrived.json"
    options = [part for trouble in troubles for part in ("--trouble", trouble)]
    to = [part for vendor in VENDORS for part in ("--tms-to", vendor)]
    command = [sys.executable, "-m", "pytest", "-n", "2", *to]
    done = run(folder, "-m", "pytest_tmsreport", "sandbox", *VENDORS, "--json", str(file), *options, "--", *command)
    return done.stdout + done.stderr, json.loads(file.read_text())


def test_a_thousand_results_reach_four_tools_once_each_through_trouble_at_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "test_mapped.py").write_text(MAPPED)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:asyncio -p no:randomly -q --tb=no --no-summary\n")
    troubles = [f"{trouble}@/{vendor}" for vendor in VENDORS for trouble in ("503*2", "429*3", "reset")]
    output, arrived = to_all(tmp_path, *troubles)
    for vendor in VENDORS:
        assert f"{vendor}: 1000 delivered, 0 kept, 0 refused, 0 without case" in output
        assert len(arrived[vendor]["runs"]) == 1
        assert arrived[vendor]["repeats"] == 0
    assert len(arrived["qase"]["results"]) == 1000
    for vendor in VENDORS[1:]:  # they keep one result a case
        assert len(arrived[vendor]["results"]) == 200
        assert sorted(arrived[vendor]["counts"].values()) == [20, 180]
        sending = [each for each in arrived[vendor]["requests"] if each["status"] == 200 and each["method"] == "POST"]
        assert len(sending) <= 3, sending


def test_one_tool_that_refuses_the_token_touches_no_other(shop: Path) -> None:
    output, arrived = to_all(shop, "401@/vansah")
    assert "vansah: 0 delivered, 11 kept, 0 refused, 1 without case" in output
    assert "make a new token" in output
    assert arrived["vansah"]["results"] == []
    for vendor, delivered in (("qase", 12), ("testrail", 12), ("xray", 11)):
        assert f"{vendor}: {delivered} delivered, 0 kept, 0 refused" in output
