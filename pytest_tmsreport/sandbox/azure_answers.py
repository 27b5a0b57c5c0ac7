"""How Azure DevOps answers: lists, their parts, addresses, and errors that name the field."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from .azure_fields import ORGANIZATION, PROJECT
from .checks import Check
from .site import Refused, json_body

Row = dict[str, Any]


def listing(rows: list[Row]) -> Response:
    """A list in its wrapper."""
    return jsonify({"count": len(rows), "value": rows})


def continued(rows: list[Row], size: int) -> Response:
    """A part of a list, and the token for the next in a header."""
    token = request.args.get("continuationToken", "0").partition(";")[0]
    if not token.isdecimal():
        raise Refused(400, "The continuation token is not valid.")
    start = int(token)
    answer = listing(rows[start : start + size])
    if start + size < len(rows):
        answer.headers["x-ms-continuationtoken"] = f"{start + size};{size}"
    return answer


def missing(what: str, culprits: list[tuple[str, str]] | None = None) -> Refused:
    """The refusal of a request for what is not there."""
    more = {"typeKey": "TestObjectNotFoundException"}
    return Refused(404, f"{what} not found.", more=more, culprits=culprits or [])


def part(rows: list[Any], most: int) -> list[Any]:
    """The rows that `$skip` and `$top` ask for, `most` where they do not say."""
    start = int(request.args.get("$skip", 0))
    return rows[start : start + int(request.args.get("$top", most))]


def checked(check: Check, body: Any = None) -> Any:
    """The JSON of the request, or this one; raises Refused for what is wrong in it, naming every result."""
    body = json_body() if body is None else body
    faults = list(check(body, ""))
    if faults:
        path, fault = faults[0]
        culprits = [(_title(body, where), f"{where} {why}") for where, why in faults]
        raise Refused(400, f"{path} {fault}.", more={"typeKey": "InvalidPropertyException"}, culprits=culprits)
    return body


def id_in(row: Row, key: str) -> str:
    """The id of what a row refers to; empty where it refers to none."""
    held = row.get(key)
    return str(held.get("id", "")) if isinstance(held, dict) else ""


def root() -> str:
    """The address of the project."""
    return f"{request.url_root.rstrip('/')}/{ORGANIZATION}/{PROJECT}"


def url(path: str) -> str:
    """The address of something in the API of the project."""
    return f"{root()}/_apis/{path}"


def _title(body: Any, path: str) -> str:
    index = path.partition(".")[0]
    row = body[int(index)] if isinstance(body, list) and index.isdecimal() else body
    return str(row.get("testCaseTitle", "")) if isinstance(row, dict) else ""
