"""Other people's writer and reader of Cucumber JSON as judges; runs where they are installed, and nothing of ours is.

Reads a report of ours from stdin, and writes one JSON value to stdout: `bdd` is the report that pytest-bdd writes of a
small suite, `junit` what cucumber-json-to-junit-xml counts in ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

FEATURE = """\
@payments
Feature: Checkout
  Somebody pays.

  @DEMO-C12
  Scenario: pays with a card
    Given a cart
    Then the receipt is shown

  @DEMO-C13 @smoke
  Scenario: pays with a voucher
    Given a cart
    Then the voucher is gone
"""
TESTS = """\
from pytest_bdd import given, scenarios, then

scenarios("checkout.feature")

@given("a cart")
def _():
    pass

@then("the receipt is shown")
def _():
    pass

@then("the voucher is gone")
def _():
    assert "gone" == "there"
"""
TO_JUNIT = "from cucumber_json_to_junit_xml.cucumber_json_to_junit import main; main()"


def written(folder: Path) -> Any:
    """What pytest-bdd writes."""
    (folder / "checkout.feature").write_text(FEATURE, encoding="utf-8")
    (folder / "test_checkout.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={folder}", "--cucumberjson=bdd.json", str(folder)]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode != 1:  # one passes and one fails
        raise SystemExit(done.stdout + done.stderr)
    return json.loads((folder / "bdd.json").read_text(encoding="utf-8"))


def counted(folder: Path, report: Any) -> dict[str, Any]:
    """What the reader counts."""
    (folder / "ours.json").write_text(json.dumps(report), encoding="utf-8")
    command = [sys.executable, "-c", TO_JUNIT, "ours.json", "ours.xml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    suite = ET.parse(folder / "ours.xml").getroot()  # noqa: S314 - of our own making
    return {
        "tests": int(suite.attrib["tests"]),
        "failures": int(suite.attrib["failures"]),
        "time": float(suite.attrib["time"]),
        "messages": [failure.attrib["message"] for failure in suite.iter("failure")],
    }


def main() -> None:
    """Answers one question."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        answer = {"bdd": written(folder), "junit": counted(folder, json.load(sys.stdin))}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
