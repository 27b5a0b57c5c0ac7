"""Results and runs survive the way through JSON; anything else is refused with the name of what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.journal import encode
from pytest_tmsreport.model import Attachment, Link, Outcome, Phase, Result, Run

SHA256 = "0f" * 32

RUN = Run(
    id="20260704-101500-1a2b3c4d",
    name="nightly #7",
    start=1_783_160_100.25,
    description="all of it",
    tags=("nightly", "linux"),
    ci="GitHub Actions",
    branch="main",
    commit="c0ffee",
    build="7",
    link="https://ci.test/7",
)
RESULT = Result(
    id="r1",
    nodeid="tests/test_cart.py::test_total[eur]",
    title="test_total[eur]",
    outcome=Outcome.FAILED,
    start=1_783_160_101.5,
    duration=0.125,
    durations={"setup": 0.025, "call": 0.1},
    message="assert 3 == 4",
    traceback="def test_total():\n>       assert 3 == 4",
    ids=({"qase": ("7", "8"), "": ("C9",)}, {"": ("C1",)}),
    suite=("tests", "test_cart.py"),
    parameters={"currency": "eur"},
    description="Adds up.",
    tags=("slow",),
    fields={"severity": "major"},
    links=(Link("https://bugs.test/1", "BUG-1", "issue"),),
    attachments=(Attachment("shot.png", "image/png", SHA256, 12),),
    worker="gw1",
    attempt=2,
    superseded=True,
    earlier=("timeout",),
    case_ids=("7", "8"),
)


def through_json(value: Any) -> Any:
    return json.loads(encode(value))


def test_a_full_run_comes_back_as_it_was() -> None:
    assert Run.from_json(through_json(RUN)) == RUN


def test_a_full_result_comes_back_as_it_was() -> None:
    assert Result.from_json(through_json(RESULT)) == RESULT


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_comes_back(outcome: Outcome) -> None:
    short = Result(id="r", nodeid="t.py::t", title="t", outcome=outcome, start=1.0, duration=0.0)
    assert Result.from_json(through_json(short)) == short


def test_what_follows_from_the_rest_may_be_missing() -> None:
    times = {"setup": 0.25, "call": 0.5}
    journalled = {
        "id": "r",
        "nodeid": "a/test_b.py::Test::test_c[1]",
        "outcome": "passed",
        "start": 1.5,
        "durations": times,
    }
    assert Result.from_json(journalled) == Result(
        id="r",
        nodeid="a/test_b.py::Test::test_c[1]",
        outcome=Outcome.PASSED,
        title="test_c",
        suite=("a", "test_b", "Test"),
        start=1.5,
        duration=0.75,
        durations=times,
    )


def test_phases_follow_one_another() -> None:
    assert RESULT.phases == {"setup": Phase(1_783_160_101.5, 0.025), "call": Phase(1_783_160_101.525, 0.1)}


@pytest.mark.parametrize("changes", [{"suite": ()}, {"duration": 0.0}, {"title": "other"}])
def test_what_is_other_than_would_follow_is_written(changes: dict[str, Any]) -> None:
    result = Result(
        id="r", nodeid="a.py::b", title="b", outcome=Outcome.PASSED, start=1.75, duration=0.5, durations={"call": 0.5}
    )
    changed = replace(result, **changes)
    assert Result.from_json(through_json(changed)) == changed


def test_the_end_is_the_start_and_the_duration() -> None:
    assert RESULT.end == 1_783_160_101.625


@pytest.mark.parametrize(
    ("outcome", "attempt", "is_flaky"),
    [
        pytest.param(Outcome.PASSED, 1, False, id="passed-at-once"),
        pytest.param(Outcome.PASSED, 2, True, id="passed-at-the-second-attempt"),
        pytest.param(Outcome.FAILED, 2, False, id="failed-twice"),
    ],
)
def test_a_pass_after_a_failure_is_flaky(outcome: Outcome, attempt: int, is_flaky: bool) -> None:
    result = Result(id="r", nodeid="t", title="t", outcome=outcome, start=1, duration=0, attempt=attempt)
    assert result.is_flaky is is_flaky


def test_a_person_looks_at_failures_and_errors_only() -> None:
    assert {outcome for outcome in Outcome if outcome.is_bad} == {Outcome.FAILED, Outcome.ERROR}


@pytest.mark.parametrize("data", [None, [], "text", 7], ids=["null", "list", "text", "number"])
def test_what_is_no_object_is_neither_a_result_nor_a_run(data: Any) -> None:
    with pytest.raises(ValueError, match="result is not an object"):
        Result.from_json(data)
    with pytest.raises(ValueError, match="run is not an object"):
        Run.from_json(data)


@pytest.mark.parametrize("key", ["id", "nodeid", "outcome"])
def test_a_result_needs_these(key: str) -> None:
    data = through_json(RESULT)
    del data[key]
    with pytest.raises(ValueError, match=f"result has no usable '{key}'"):
        Result.from_json(data)


@pytest.mark.parametrize("key", ["id", "name"])
def test_a_run_needs_these(key: str) -> None:
    data = through_json(RUN)
    del data[key]
    with pytest.raises(ValueError, match=f"run has no usable '{key}'"):
        Run.from_json(data)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        pytest.param("id", 7, "id", id="id-is-a-number"),
        pytest.param("title", None, "title", id="title-is-null"),
        pytest.param("outcome", "bogus", "outcome", id="outcome-is-no-outcome"),
        pytest.param("outcome", ["passed"], "outcome", id="outcome-is-a-list"),
        pytest.param("start", "now", "start", id="start-is-a-text"),
        pytest.param("start", True, "start", id="start-is-a-bool"),
        pytest.param("start", float("nan"), "start", id="start-is-nan"),
        pytest.param("start", float("inf"), "start", id="start-is-infinite"),
        pytest.param("start", 10**400, "start", id="start-is-beyond-a-float"),
        pytest.param("start", 1e300, "start", id="start-is-beyond-every-calendar"),
        pytest.param("duration", [1], "duration", id="duration-is-a-list"),
        pytest.param("attempt", "2", "attempt", id="attempt-is-a-text"),
        pytest.param("superseded", "no", "superseded", id="superseded-is-a-text"),
        pytest.param("durations", [], "durations", id="durations-are-a-list"),
        pytest.param("durations", {"call": "3"}, "durations", id="duration-is-a-text"),
        pytest.param("message", ["x"], "message", id="message-is-a-list"),
        pytest.param("ids", {"qase": ["7"]}, "ids", id="ids-are-an-object"),
        pytest.param("ids", ["7"], "ids", id="ids-hold-a-text"),
        pytest.param("ids", [{"qase": "7"}], "qase", id="ids-of-a-vendor-are-a-text"),
        pytest.param("ids", [{"qase": [7]}], "qase", id="an-id-is-a-number"),
        pytest.param("suite", "tests", "suite", id="suite-is-a-text"),
        pytest.param("parameters", {"n": 1}, "parameters", id="a-parameter-is-a-number"),
        pytest.param("fields", [["a", "b"]], "fields", id="fields-are-a-list"),
        pytest.param("tags", [1], "tags", id="a-tag-is-a-number"),
        pytest.param("links", [{}], "url", id="a-link-has-no-url"),
        pytest.param("links", ["https://a.test"], "link", id="a-link-is-a-text"),
        pytest.param("attachments", [{"sha256": SHA256, "mime": "a/b"}], "name", id="a-file-has-no-name"),
        pytest.param("attachments", [{"name": "a", "mime": "a/b"}], "sha256", id="a-file-has-no-hash"),
    ],
)
def test_a_wrong_shape_is_named(key: str, value: Any, named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named} |'{named}'"):
        Result.from_json({**through_json(RESULT), key: value})


@pytest.mark.parametrize(
    "sha256",
    ["../../../etc/passwd", "/" + "a" * 63, "..", "", "a" * 63, "a" * 65, "A" * 64, "a" * 63 + "\n", "é" * 64],
    ids=["climbs", "absolute", "parent", "empty", "short", "long", "upper-case", "newline", "not-ascii"],
)
def test_a_hash_that_is_no_plain_file_name_is_refused(sha256: str) -> None:
    file = {"name": "a.txt", "mime": "text/plain", "sha256": sha256, "size": 1}
    with pytest.raises(ValueError, match="attachment has no usable 'sha256'"):
        Result.from_json({**through_json(RESULT), "attachments": [file]})


def test_a_later_version_may_add_keys() -> None:
    assert Result.from_json({**through_json(RESULT), "mood": "good"}) == RESULT
