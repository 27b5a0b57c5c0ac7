"""The bench in its short form: what it counts, not how long it takes."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from bench.environments import ROOT
from bench.plot import draw

SVG = "{http://www.w3.org/2000/svg}"


def bench(*arguments: str) -> list[dict[str, str]]:
    """The table that it prints: a dictionary for each row."""
    command = [sys.executable, "-m", "tests.bench", *arguments, "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if "cannot be installed" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    head, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if "---" not in line
    ]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_bench_tells_what_each_reporter_loses() -> None:
    told = bench("peers", "testrail")
    assert [row["reporter"] for row in told] == ["pytest-tmsreport", "pytest-testrail 3.1.1"]
    assert [row["runs of `-n 4`"] for row in told] == ["1", "4"]
    assert [row["lost to one 503"] for row in told] == ["0 of 12", "12 of 12"]
    assert [row["lost to a kill"] for row in told] == ["0 of 6", "6 of 6"]
    assert [row["wrong statuses"] for row in told] == ["0 of 9", "4 of 9"]
    assert told[0]["lost with a worker"] == "0 of 12"
    assert told[1]["lost with a worker"] != "0 of 12"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read where Linux tells it")
def test_the_bench_tells_how_results_are_sent_and_what_is_kept_of_them() -> None:
    assert [row["requests"] for row in bench("upload")] == ["4", "4"]  # 201 results, and the run's opening and closing
    assert [row["tests"] for row in bench("memory")] == ["100", "300"]


def test_a_plot_is_to_scale_and_names_every_line() -> None:
    lines = {"one": [(1, 10), (2, 20)], "a <half>": [(1, 5), (2, 10)]}
    plot = ET.fromstring(draw("seconds", "tests", lines))  # noqa: S314 - our own
    half, whole = (
        [[float(number) for number in point.split(",")] for point in line.attrib["points"].split()]
        for line in plot.iter(f"{SVG}polyline")
    )
    assert {"one", "a <half>"} <= {text.text for text in plot.iter(f"{SVG}text")}
    assert half[1][1] == whole[0][1], "ten is as high in both"
    assert [x for x, _ in half] == [x for x, _ in whole]
    assert whole[1][1] < half[1][1], "upwards is more"
