"""The bench against other plugins, in its short form: what it counts, not how long it takes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from bench.environments import ROOT


def test_the_bench_tells_what_each_reporter_loses() -> None:
    command = [sys.executable, "-m", "tests.bench", "peers", "testrail", "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if "cannot be installed" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    head, ours, theirs = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if "---" not in line
    ]
    told = [dict(zip(head, row, strict=True)) for row in (ours, theirs)]
    assert [row["reporter"] for row in told] == ["pytest-tmsreport", "pytest-testrail 3.1.1"]
    assert [row["runs of `-n 4`"] for row in told] == ["1", "4"]
    assert [row["lost to one 503"] for row in told] == ["0 of 12", "12 of 12"]
    assert [row["lost to a kill"] for row in told] == ["0 of 6", "6 of 6"]
    assert [row["wrong statuses"] for row in told] == ["0 of 9", "4 of 9"]
    assert told[0]["lost with a worker"] == "0 of 12"
    assert told[1]["lost with a worker"] != "0 of 12"
