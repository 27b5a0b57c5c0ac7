"""What the holes of a description may name: the values of a run, of a result, of a step, of a file."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..render import mark, remarks, said

if TYPE_CHECKING:
    from ..model import Outcome, Result, Run, Step
    from ..templates import Render

OPEN = ("fields", "parameters")
"""Names that may be followed by one of their keys: `{fields.severity}`."""


def of_run(run: Run) -> dict[str, Any]:
    """`{run.name}` and the like."""
    return {
        "id": run.id,
        "name": run.name,
        "start": run.start,
        "description": run.description,
        "tags": list(run.tags),
        "ci": run.ci,
        "branch": run.branch,
        "commit": run.commit,
        "build": run.build,
        "link": run.link,
        "key": run.key,
        "cases": list(run.case_ids),
        "own_id": run.own_id,
        "mark": mark(run.own_id),
    }


def of_result(result: Result, status: str | int) -> dict[str, Any]:
    """`{title}`, `{status}`, `{case}` and the like. Times are epoch seconds, `milliseconds` is the duration.

    `words` are the message and what else there is to say: notes, earlier attempts, links.
    """
    return {
        "id": result.id,
        "mark": mark(result.id),
        "nodeid": result.nodeid,
        "title": result.title,
        "outcome": result.outcome.value,
        "status": status,
        "start": round(result.start, 3),
        "end": round(result.end, 3),
        "duration": result.duration,
        "milliseconds": round(1000 * result.duration),
        "message": result.message,
        "traceback": result.traceback,
        "case": next(iter(result.case_ids), None),
        "cases": list(result.case_ids),
        "suite": list(result.suite),
        "parameters": dict(result.parameters),
        "description": result.description,
        "tags": list(result.tags),
        "fields": dict(result.fields),
        "links": [link.url for link in result.links],
        "steps": result.steps,
        "attempt": result.attempt,
        "earlier": list(result.earlier),
        "notes": list(result.notes),
        "remarks": remarks(result),
        "words": said(result),
        "worker": result.worker,
        "is_flaky": result.is_flaky,
        "is_bad": result.outcome.is_bad,
    }


def of_steps(steps: tuple[Step, ...], fill: Render, word: Callable[[Outcome], str | int]) -> list[Any]:
    """Each step as its template has it, inner ones within it by `{steps}`."""
    return [
        fill(
            {
                "title": step.title,
                "outcome": step.outcome.value,
                "status": word(step.outcome),
                "start": round(step.start, 3),
                "end": round(step.start + step.duration, 3),
                "duration": step.duration,
                "milliseconds": round(1000 * step.duration),
                "message": step.message,
                "expected": step.expected,
                "data": step.data,
                "steps": of_steps(step.steps, fill, word),
            }
        )
        for step in steps
    ]


def of_file(name: str, mime: str, size: int, content: bytes) -> dict[str, Any]:
    """`{file.name}` and the like; `{file.base64}` is its content."""
    return {"name": name, "mime": mime, "size": size, "base64": base64.b64encode(content).decode("ascii")}
