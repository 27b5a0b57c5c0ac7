"""The examples that were written for another plugin or show what a test may say: what arrives of them at every tool."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TOOLS = ("qase", "vansah", "testrail", "xray")
FOREIGN = ("PYTEST_", "TMSREPORT_", "QASE_", "COV_", "CI", "GITHUB_", "GITLAB_", "JENKINS_", "BUILD_")
TIMES = ("start", "end", "start_time", "end_time", "finish", "duration", "elapsed")
VARIES = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}": "<result>",
    r"\d{8}-\d{6}-[0-9a-f]{8}": "<run>",
    r"\(\d+\.\d s\)": "(0.0 s)",
}
"""What differs from one session to the next, within texts."""


def arrived(example: str, folder: Path, *args: str, python: Path | None = None, status: int = 0) -> dict[str, Any]:
    """Runs an example as it is, in this environment or in one that `beside` has made, reporting to all four tools.

    Returns what arrived at each: runs, results, files and where they went, refusals, without what differs from one
    session to the next.
    """
    project, answer = folder / example, folder / "arrived.json"
    shutil.copytree(ROOT / "examples" / example, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    if python is not None:
        environ |= {"PYTHONPATH": str(ROOT), "PYTEST_PLUGINS": "pytest_tmsreport.plugin"}
    command: list[str | Path] = [python or sys.executable, "-m"]
    tools = [word for tool in TOOLS for word in ("--tms-to", tool)]
    done = subprocess.run(
        [*command, "pytest_tmsreport", "sandbox", *TOOLS, "--json", answer, "--", *command, "pytest", *tools, *args],
        cwd=project,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201 - shown where the test fails
    assert done.returncode == status
    return {tool: _steady(held) for tool, held in json.loads(answer.read_text(encoding="utf-8")).items()}


def expected(example: str) -> dict[str, Any]:
    """What `tests/data` says that arrives."""
    found: dict[str, Any] = json.loads((HERE / "data" / f"{example}.json").read_text(encoding="utf-8"))
    return found


def _steady(held: dict[str, Any]) -> dict[str, Any]:
    files = {file["id"]: f"<{file['name']}>" for file in held["attachments"]}
    held["attachments"].sort(key=lambda file: (file["name"], file["sha256"]))  # they go up together
    shown = ("runs", "results", "attachments", "refusals")
    return {
        **{name: [_without(entry, files) for entry in held[name]] for name in shown},
        "uploads": sorted(upload for request in held["requests"] for upload in _uploads(request)),
    }


def _uploads(request: dict[str, Any]) -> Iterator[str]:
    """Each file of a form, and the address that it went to."""
    parts = request["body"].get("parts", ()) if isinstance(request["body"], dict) else ()
    for part in parts:
        if part.get("filename", "pytest.json") != "pytest.json":  # that is made of the results
            yield f"{part['filename']} -> {request['path']}{'?' if request['query'] else ''}{request['query']}"


def _without(value: Any, files: dict[str, str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without(each, files, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(each, files) for each in value]
    if name in TIMES and value is not None:
        return "<time>"
    if isinstance(value, str):
        for pattern, word in VARIES.items():
            value = re.sub(pattern, word, value)
        return files.get(value, value)
    return value


WITH, WITHOUT = ("allure-pytest", "allure-pytest==2.16.2"), ("allure-python-commons", "allure-python-commons==2.16.2")


@pytest.mark.parametrize(
    ("packages", "options"),
    [
        pytest.param(WITH, ["--alluredir=allure-results"], id="at work"),
        pytest.param(WITH, [], id="idle", marks=pytest.mark.long),
        pytest.param(WITH, ["-pno:allure_pytest"], id="switched off", marks=pytest.mark.long),
        pytest.param(WITHOUT, [], id="not installed"),
    ],
)
def test_a_suite_written_for_allure_arrives_in_full_wherever_it_runs(
    tmp_path: Path, beside: Callable[..., Path], packages: Iterable[str], options: list[str]
) -> None:
    assert arrived("from_allure", tmp_path, *options, python=beside(*packages)) == expected("from_allure")


def test_a_suite_written_for_qase_pytest_arrives_in_full(tmp_path: Path, beside: Callable[..., Path]) -> None:
    python = beside("qase-pytest", "qase-pytest==9.0.0")
    assert arrived("from_qase", tmp_path, python=python) == expected("from_qase")


def test_steps_files_and_words_reach_every_tool_in_its_own_shape_and_in_full(tmp_path: Path) -> None:
    found = arrived("steps", tmp_path, "--tb=short", status=1)  # one of its tests is meant to fail
    assert found == expected("steps")


@pytest.fixture
def own_tool() -> Iterator[str]:
    """The address of the home-made tool, which runs as its own program."""
    program: list[str | Path] = [sys.executable, ROOT / "examples" / "own_tool" / "tool.py", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8") as running:
        assert running.stdout
        yield running.stdout.readline().strip()
        running.kill()


def own_session(url: str, folder: Path, *args: str, key: str = "a-key-of-the-team") -> subprocess.CompletedProcess[str]:
    project = folder / "own_tool"
    shutil.copytree(ROOT / "examples" / "own_tool", project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environ |= {"TMSREPORT_BENCH_URL": url, "TMSREPORT_BENCH_TOKEN": key}
    command = [sys.executable, "-m", "pytest", "-q", "--tms", *args]
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, encoding="utf-8", check=False)
    print(done.stdout, done.stderr)  # noqa: T201 - shown where the test fails
    return done


def own_answer(url: str, path: str) -> Any:
    answer = requests.get(f"{url}/{path}", headers={"Authorization": "Bearer a-session-of-an-hour"}, timeout=10)
    return answer.json()["data"]


def test_a_home_made_tool_that_toml_describes_gets_everything(own_tool: str, tmp_path: Path, workers: str) -> None:
    done = own_session(own_tool, tmp_path, workers)
    assert done.returncode == 0
    assert "bench: 6 delivered, 0 kept, 0 refused, 0 without case | run 1 http://127.0.0.1:8800/runs/1" in done.stdout
    (run,) = own_answer(own_tool, "runs")
    assert (run["number"], run["is_open"]) == (1, False)
    rows = own_answer(own_tool, "rows")
    assert sorted((row.get("case", ""), row["outcome"], row["files"]) for row in rows) == [
        ("", "green", []),
        ("cart-1", "green", []),
        ("cart-2", "green", []),
        ("cart-2", "green", []),
        ("till-1", "green", [["receipt.txt", 6]]),
        ("till-2", "grey", []),
    ]
    assert {row["why"] for row in rows if "why" in row} == {"the printer is away"}
    (steps,) = {tuple(row["steps"]) for row in rows if "steps" in row}
    assert steps[0].startswith("passed: weighs the tea")


def test_only_what_the_plan_of_a_home_made_tool_asks_for_is_run(own_tool: str, tmp_path: Path) -> None:
    done = own_session(own_tool, tmp_path, "-n2", "--tms-plan", "7")
    assert done.returncode == 0
    assert "bench: 4 delivered, 0 kept" in done.stdout
    assert {row["case"] for row in own_answer(own_tool, "rows")} == {"cart-1", "cart-2", "till-1"}
    other = own_session(own_tool, tmp_path / "other", "--tms-plan", "8")
    assert other.returncode == 4
    assert "there is no plan 8" in other.stderr


def test_a_home_made_tool_that_wants_another_token_says_what_to_do(own_tool: str, tmp_path: Path) -> None:
    done = own_session(own_tool, tmp_path, key="wrong")
    assert "bench: 0 delivered, 6 kept" in done.stdout
    assert "what to do: set TMSREPORT_BENCH_TOKEN to the key of the team" in done.stdout


def test_the_files_of_an_example_arrive_as_they_were_when_they_were_attached() -> None:
    log = "open\n{}close\n"
    sources = {
        "request.json": b'{"card": "4000"}\n',
        "answer.txt": b"the bank says: declined\n",
        "receipt.png": b"\x89PNG\r\n\x1a\n a picture of a receipt",
        "test_card_without_credit.log": log.format("add 2 tea\nask for 4000\ndeclined\n").encode(),
        "test_card_with_credit.log": log.format("add 2 tea\nask for 4111\naccepted\n").encode(),
        "test_cart_adds_up.log": log.format("add 1 tea\nadd 2 tea\n").encode(),
    }
    for tool, held in expected("steps").items():
        hashes = [(file["name"], file["sha256"]) for file in held["attachments"]]
        assert set(hashes) == {(name, hashlib.sha256(content).hexdigest()) for name, content in sources.items()}, tool
        assert len(hashes) == (6 if tool == "qase" else 7)  # results share files there; elsewhere each has its own
