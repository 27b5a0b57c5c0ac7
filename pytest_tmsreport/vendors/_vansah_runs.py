"""Vansah's way for one result at a time: a run of its case, and a log of what was seen."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Doubtful, Rejected, VendorError, dig
from ..journal import read
from ..model import Attachment, Outcome, Result, Step
from ..render import particulars, remarks, segment, steps_as_text
from ._vansah_errors import DUPLICATE, LOOK

if TYPE_CHECKING:
    from ..client import Client, Reply
    from .vansah import Vansah

RESULT_IDS = {"skipped": 0, "failed": 1, "passed": 2, "untested": 3}


def send(vendor: Vansah, http: Client, rows: Sequence[tuple[str, Result]]) -> None:
    """Makes a run of each case. Raises Doubtful where one is not taken and those before it are there: sent again, they
    would be doubled."""
    for number, (key, result) in enumerate(rows):
        try:
            _send(vendor, http, key, result)
        except VendorError as error:  # noqa: PERF203 - which one it was decides
            if not number:
                raise
            there = ", ".join(each for each, _ in rows[:number])
            words = f"{there} has arrived, {key} has not: {error.text}"
            raise Doubtful(words, vendor=vendor.name, request=error.request, remedy=LOOK) from error


def _send(vendor: Vansah, http: Client, key: str, result: Result) -> None:
    """Makes a run of a case, and a log of its first step where there is something to tell or to show."""
    number = RESULT_IDS[str(vendor.word(result.outcome))]
    properties = {kind: {"name": name} for kind, name in vendor.labels().items()}
    body = {
        "case": {"key": key},
        "project": {"key": vendor.project},
        "asset": _asset(vendor),
        **({"properties": properties} if properties else {}),
        "result": {"id": number},
    }
    try:
        reply = http.post("run", json=body, repeat=False)
    except Rejected as error:
        if error.code != DUPLICATE:
            raise
        http.note(f"{key}: {error.text}")
        return
    said = _said(result)
    if not said:
        return
    try:
        _log(vendor, http, reply, {"result": {"id": number}, **said}, result.steps)
    except VendorError as error:  # the run itself has arrived, and must not be sent again
        http.note(f"the run of {key} has arrived, its message and files have not: {error}")


def _asset(vendor: Vansah) -> dict[str, Any]:
    if vendor.plan:
        return {"type": "plannedRun", "key": vendor.plan, "iteration": vendor.iteration}
    if "/" in vendor.asset:
        return {"type": "folder", "folderPath": vendor.asset}
    return {"type": "issue", "key": vendor.asset}


def _said(result: Result) -> dict[str, Any]:
    steps = steps_as_text(result.steps)
    words = [result.message, *remarks(result), *particulars(result), *steps, result.traceback]
    text = "\n".join(part for part in words if part)
    attachments = [_file(each) for each in result.attachments]
    return {key: value for key, value in (("actualResult", text), ("attachments", attachments)) if value}


def _log(vendor: Vansah, http: Client, reply: Reply, said: dict[str, Any], steps: Sequence[Step]) -> None:
    logs = dig(reply.body, "data.run.logs")
    made = dig(reply.body, "data.run.logs.0.identifier")
    for log, step in list(zip(logs, steps, strict=False))[1:] if isinstance(logs, list) else ():
        if isinstance(name := dig(log, "identifier"), str):  # the steps of the test beside those of the case
            number = {Outcome.PASSED: 2, Outcome.FAILED: 1, Outcome.ERROR: 1}.get(step.outcome, 0)
            body = {"result": {"id": number}, "actualResult": "\n".join(steps_as_text([step]))}
            http.put(f"logs/{segment(name)}", json=body)
    if isinstance(made, str):  # Vansah has made one for each step
        http.put(f"logs/{segment(made)}", json=said)
        return
    run = {"identifier": reply.pick("data.run.identifier", str)}
    body = {"run": run, "project": {"key": vendor.project}, "step": {"number": 1}, **said}
    http.post("logs", json=body, repeat=False)


def _file(attachment: Attachment) -> dict[str, str]:
    name, _, extension = attachment.name.rpartition(".")
    data = base64.b64encode(read(attachment)).decode("ascii")
    return {"name": name, "extension": extension.lower(), "file": data}


def extension(attachment: Attachment) -> str:
    """What follows the last point of a file's name, in small letters."""
    name, _, extension = attachment.name.rpartition(".")
    return extension.lower() if name else ""
