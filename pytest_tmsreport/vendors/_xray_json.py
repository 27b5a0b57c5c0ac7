"""Results in Xray's own JSON format, as `import/execution` of Cloud and of Data Center takes it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from ..aggregate import name_of
from ..journal import read
from ..model import Outcome, Result, Step
from ..nodeids import dotted
from ..render import cut, particulars, remarks, steps_as_text, trim, utc

KEY = re.compile(r"\b[A-Z][A-Z0-9_]+-[1-9][0-9]*\b")
"""A Jira issue's."""
DEFINITION = "definition "
"""What a case id begins with that is no key, but the definition by which Xray finds or makes a Generic Test."""
ISO = "%Y-%m-%dT%H:%M:%S+00:00"
SHORTEST_LOG = 500
_FIELD_ID = re.compile(r"\d+|[0-9a-f]{24}")


@dataclass(frozen=True)
class Format:
    """What the format depends on: the product, the project and the settings of the destination."""

    is_cloud: bool
    project: str
    word: Callable[[Outcome], str | int]
    custom_fields: Mapping[str, str]
    iterations: bool
    has_steps: bool
    max_text: int

    def test(self, result: Result) -> dict[str, Any]:
        """One entry of `tests`."""
        found = {
            **self._named(result),
            "start": utc(floor(result.start), ISO),
            "finish": utc(floor(result.end), ISO),
            "status": self.word(result.outcome),
            "comment": self._comment(result),
        }
        if result.attachments:
            found["evidence" if self.is_cloud else "evidences"] = [
                {"data": base64.b64encode(read(each)).decode(), "filename": each.name, "contentType": each.mime}
                for each in result.attachments
            ]
        if self.has_steps and result.steps:
            found["steps"] = [self._step(step) for step in result.steps]
        if issues := defects(result):
            found["defects"] = issues
        if iterations := self._iterations(result.parts or (result,)):
            found["iterations"] = iterations
        if custom := [
            {"id" if _FIELD_ID.fullmatch(field) else "name": field, "value": result.fields[name]}
            for name, field in self.custom_fields.items()
            if name in result.fields
        ]:
            found["customFields"] = custom
        return found

    def _step(self, step: Step) -> dict[str, Any]:
        """A step of a Manual Test; those within it stand in its words."""
        said = [step.title, *([f"expected: {step.expected}"] if step.expected else []), *steps_as_text(step.steps)]
        fields = {"status": self.word(step.outcome), "comment": "\n".join(said), "actualResult": step.message}
        return filled(fields)

    def _named(self, result: Result) -> dict[str, Any]:
        (case,) = result.case_ids
        if not case.startswith(DEFINITION):
            return {"testKey": case}
        described = {
            "projectKey": self.project,
            "summary": cut(result.title, 255),
            "type" if self.is_cloud else "testType": "Generic",
            "definition": case.removeprefix(DEFINITION),
            "labels": ["_".join(tag.split()) for tag in result.tags],
        }
        return {"testInfo": filled(described)}

    def _iterations(self, parts: Sequence[Result]) -> list[dict[str, Any]]:
        if not self.iterations or not [part for part in parts if part.parameters]:
            return []
        longest = max(self.max_text // len(parts), SHORTEST_LOG)
        return [
            filled(
                {
                    "name": cut(name_of(part), 255),
                    "parameters": [{"name": name, "value": value} for name, value in part.parameters.items()],
                    "log": trim(self._comment(part), longest),
                    "status": self.word(part.outcome),
                }
            )
            for part in parts
        ]

    def _comment(self, result: Result) -> str:
        """Which test it was and what became of it; Data Center reads a text as Jira's markup, but not a traceback."""
        trace = result.traceback
        if trace and not self.is_cloud:
            trace = f"{{noformat}}\n{trace}\n{{noformat}}"
        words = [result.message, *remarks(result), *particulars(result, sent=self.custom_fields)]
        words += steps_as_text(result.steps) if result.steps and not self.has_steps else []
        said = "\n".join(filter(None, words))
        return "\n\n".join(filter(None, (result.nodeid, said, trace)))


def definition(result: Result) -> str:
    """The dotted name of a test, without its parameters: what Xray makes of class and name in a JUnit report."""
    return dotted(result.nodeid.partition("[")[0])


def new_test(result: Result, project: str, folder: str) -> dict[str, Any]:
    """A Generic Test to be made by `import/test/bulk`."""
    return {
        "testtype": "Generic",
        "fields": {"summary": cut(result.title, 255), "project": {"key": project}},
        "unstructured_def": definition(result),
        "xray_test_repository_folder": folder,
    }


def defects(result: Result) -> list[str]:
    """The keys of the issues that the links of a result name."""
    links = [link for part in result.parts or (result,) for link in part.links if link.kind == "issue"]
    if not links:
        return []
    found = [KEY.findall(link.name) or KEY.findall(link.url) for link in links]
    return list(dict.fromkeys(keys[-1] for keys in found if keys))


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value}
