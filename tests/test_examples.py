"""The examples that were written for another plugin or show what a test may say: what arrives of them at every tool."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

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


def arrived(example: str, folder: Path, *args: str, python: Path | None = None) -> dict[str, Any]:
    """Runs an example as it is, in this environment or in one that `beside` has made, reporting to all four tools.

    Returns what arrived at each: runs, results, files, refusals, without what differs from one session to the next.
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
    assert done.returncode == 0
    return {tool: _steady(held) for tool, held in json.loads(answer.read_text(encoding="utf-8")).items()}


def expected(example: str) -> dict[str, Any]:
    """What `tests/data` says that arrives."""
    found: dict[str, Any] = json.loads((HERE / "data" / f"{example}.json").read_text(encoding="utf-8"))
    return found


def _steady(held: dict[str, Any]) -> dict[str, Any]:
    files = {file["id"]: f"<{file['name']}>" for file in held["attachments"]}
    return {
        name: [_without(entry, files) for entry in held[name]]
        for name in ("runs", "results", "attachments", "refusals")
    }


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
        pytest.param(WITH, [], id="idle"),
        pytest.param(WITH, ["-pno:allure_pytest"], id="switched off"),
        pytest.param(WITHOUT, [], id="not installed"),
    ],
)
def test_a_suite_written_for_allure_arrives_in_full_wherever_it_runs(
    tmp_path: Path, beside: Callable[..., Path], packages: Iterable[str], options: list[str]
) -> None:
    assert arrived("from_allure", tmp_path, *options, python=beside(*packages)) == expected("from_allure")
