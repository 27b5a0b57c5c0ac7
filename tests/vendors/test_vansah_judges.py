"""What others make of our import: pytest-bdd writes the same shape, and a reader of Cucumber JSON counts the same.

Vansah itself offers no client of API v2 in a package index, and no schema.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_tmsreport.client import Request
from pytest_tmsreport.model import Outcome
from pytest_tmsreport.sandbox import vansah as vansah_sandbox
from pytest_tmsreport.sandbox.server import serve
from pytest_tmsreport.testing import Desk, make_results
from pytest_tmsreport.vendors.vansah import Vansah

HERE = Path(__file__).resolve()
TOOLS = ("pytest-bdd==9.0.1", "cucumber-json-to-junit-xml==0.0.10")
OF_CUCUMBER_ITSELF = {"embeddings"}
"""Keys that pytest-bdd has no use for, and Cucumber's own reports hold."""


@pytest.fixture(scope="session")
def judge(judges: Callable[..., Path]) -> Path:
    return judges("vansah", *TOOLS)


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The report of an upload, as it is about to be sent."""
    vendor = Vansah(
        name="vansah",
        kind="vansah",
        url="https://vansah.test/vansah",
        token=vansah_sandbox.TOKEN,
        project="DEMO",
        asset="DEMO-9",
    )
    desk = Desk(tmp_path_factory.mktemp("vansah"), vendor, vansah_sandbox.create())
    shot = desk.journal.attach("shot.png", "image/png", b"pixels")
    results = [
        replace(result, traceback='shop.py:7: <AssertionError> & "quotes"' if result.outcome.is_bad else "")
        for result in make_results(12)
    ]
    other = replace(results[1], id="other", nodeid="tests/test_else.py::test_x", ids=({"": ("99",)},))
    desk.write(replace(results[0], attachments=(shot,)), *results[1:], other)
    seen: list[Request] = []
    desk.send(rehearse=lambda _, request: seen.append(request))
    ((_, file),) = seen[-1].files
    return json.load(file.open())


@pytest.fixture(scope="session")
def verdict(judge: Path, ours: Any) -> Any:
    script = HERE.parent / "judges" / "cucumber_json.py"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [judge, "-I", script], input=json.dumps(ours), capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def differences(theirs: list[Any], own: Any, path: str = "") -> Iterator[str]:
    """Where a value of ours has another type, lacks a key, or has one too many, next to their values at that place."""
    kinds = {type(each) for each in theirs}
    if kinds and type(own) not in kinds:
        yield f"{path} is {type(own).__name__}, theirs is {', '.join(kind.__name__ for kind in kinds)}"
    elif isinstance(own, list):
        for each in own:
            yield from differences([item for held in theirs for item in held], each, f"{path}[]")
    elif isinstance(own, dict) and theirs:
        yield from (f"{path}.{key} is missing" for key in set.intersection(*map(set, theirs)) - own.keys())
        yield from (
            f"{path}.{key} is no key of theirs" for key in own.keys() - set().union(*theirs) - OF_CUCUMBER_ITSELF
        )
        for key, value in own.items():
            yield from differences([each[key] for each in theirs if key in each], value, f"{path}.{key}")


def test_our_report_has_every_key_of_pytest_bdds_and_values_of_the_same_types(ours: Any, verdict: Any) -> None:
    assert len(ours) == 2
    assert list(differences([verdict["bdd"]], ours)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda scenario: scenario.pop("tags"),
        lambda scenario: scenario.update(line="1"),
        lambda scenario: scenario.update(status="passed"),
        lambda scenario: scenario["steps"][0]["result"].update(duration=0.25),
        lambda scenario: scenario["steps"][0].pop("match"),
    ],
)
def test_the_comparison_does_see_what_is_wrong(ours: Any, verdict: Any, spoil: Any) -> None:
    spoiled = deepcopy(ours)
    spoil(spoiled[0]["elements"][0])
    assert len(list(differences([verdict["bdd"]], spoiled))) == 1


def test_a_reader_of_cucumber_json_counts_what_was_tested(verdict: Any) -> None:
    outcomes = [result.outcome for result in make_results(12)]
    skipped = sum(outcome in (Outcome.SKIPPED, Outcome.XFAILED) for outcome in outcomes)
    bad = sum(outcome.is_bad for outcome in outcomes)
    junit = verdict["junit"]
    assert (junit["tests"], junit["failures"]) == (13, bad + 1)
    assert junit["time"] == pytest.approx(0.25 * (13 - skipped))
    assert any("<AssertionError>" in message for message in junit["messages"])


def test_the_sandbox_takes_the_report_of_pytest_bdd_as_well(verdict: Any) -> None:
    """But for the `@` that Cucumber writes before a tag, and pytest-bdd does not."""
    report = deepcopy(verdict["bdd"])
    for scenario in report[0]["elements"]:
        for tag in scenario["tags"]:
            tag["name"] = f"@{tag['name']}"
    with serve([vansah_sandbox.create()]) as served, requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{served.url_of('vansah')}/api/v2/cucumber/import",
            headers={"Authorization": vansah_sandbox.TOKEN},
            data={"Testformat": "Cucumber_json", "projectKey": "DEMO", "jiraIssueKey": "DEMO-9"},
            files={"Testpath": ("bdd.json", json.dumps(report), "application/json")},
            timeout=60,
        ).json()
    assert answer["testRuns"] == [
        {"testCaseKey": "DEMO-C12", "status": "PASSED"},
        {"testCaseKey": "DEMO-C13", "status": "FAILED"},
    ]
