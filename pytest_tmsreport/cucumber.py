"""Results as a Cucumber JSON report, for tools that import one."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from .aggregate import name_of
from .journal import read
from .model import Attachment, Outcome, Result, Step
from .render import cut, particulars, remarks, steps_as_text

FAILED = "failed"
KEYWORDS = ("Given", "When", "Then", "And", "But")


def report(rows: Iterable[tuple[str, str, Result]]) -> list[dict[str, Any]]:
    """A feature for each module, a scenario for each row: tag without `@`, status, result.

    A scenario has the test's steps, and a last one that says what became of the test.

    Every key that pytest-bdd and cucumber-js write is there, with values of the same type; a line is 1 where Gherkin
    would tell one.
    """
    features: dict[str, dict[str, Any]] = {}
    for tag, status, result in rows:
        uri = result.nodeid.partition("::")[0]
        features.setdefault(uri, _feature(uri))["elements"].append(_scenario(tag, status, result))
    return list(features.values())


def _feature(uri: str) -> dict[str, Any]:
    return {
        "keyword": "Feature",
        "uri": uri,
        "name": uri,
        "id": uri.lower().replace(" ", "-"),
        "line": 1,
        "description": "",
        "language": "en",
        "tags": [],
        "elements": [],
    }


def _scenario(tag: str, status: str, result: Result) -> dict[str, Any]:
    name = cut(name_of(result), 255)
    untold = [each for each in result.steps if status not in (FAILED, _status(each))]
    words = [result.message, *remarks(result), *particulars(result, titled=True), *steps_as_text(untold)]
    words.append(result.traceback)
    said = "\n".join(part for part in words if part)
    step = _step("Then ", name, result.nodeid, status, result.duration)
    if status == FAILED:  # only a failure has a place for words: the others tell theirs in the description
        step["result"]["error_message"] = said or result.outcome.value
    if result.attachments:
        step["embeddings"] = [_embedding(each) for each in result.attachments]
    return {
        "keyword": "Scenario",
        "id": result.nodeid,
        "name": name,
        "line": 1,
        "description": "\n\n".join(part for part in (result.description, "" if status == FAILED else said) if part),
        "tags": [{"name": f"@{tag}", "line": 1}],
        "type": "scenario",
        "steps": [*(_recorded(each, result.nodeid, status) for each in result.steps), step],
    }


def _status(step: Step) -> str:
    return {Outcome.FAILED: FAILED, Outcome.ERROR: FAILED, Outcome.PASSED: "passed"}.get(step.outcome, "skipped")


def _recorded(step: Step, location: str, whole: str) -> dict[str, Any]:
    """A step of the test; those within it stand in its text, since Cucumber's do not nest.

    Whoever reads the report finds out what became of a test by its steps: those of one that did not fail all say it.
    """
    status = _status(step) if whole == FAILED else whole
    keyword, _, name = step.title.partition(" ")
    said = (f"{keyword} ", name) if keyword in KEYWORDS and name else ("* ", step.title)
    made = _step(said[0], cut(said[1], 255), location, status, step.duration)
    if status == FAILED:
        made["result"]["error_message"] = "\n".join(steps_as_text([step]))
    return made


def _step(keyword: str, name: str, location: str, status: str, duration_s: float) -> dict[str, Any]:
    return {
        "keyword": keyword,
        "name": name,
        "line": 1,
        "match": {"location": location},
        "result": {"status": status, "duration": round(1_000_000_000 * duration_s)},
    }


def _embedding(attachment: Attachment) -> dict[str, str]:
    data = base64.b64encode(read(attachment)).decode("ascii")
    return {"mime_type": attachment.mime, "name": attachment.name, "data": data}
