"""How TestRail answers: lists in pages, and errors that name the field."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from .checks import Check
from .site import Refused, json_body
from .testrail_fields import Rules

PAGE_ROWS = 250
Row = dict[str, Any]


def page(rules: Rules, key: str, rows: list[Row]) -> Response:
    """The part of a list that is asked for, with links to the next and the one before; an old server has no pages."""
    if rules.is_old:
        return jsonify(rows)
    limit, offset = _asked("limit", PAGE_ROWS, 1, PAGE_ROWS), _asked("offset", 0, 0, 10**9)
    shown = rows[offset : offset + limit]
    kept = "".join(f"&{name}={value}" for name, value in request.args.items() if name not in ("limit", "offset"))

    def link(start: int) -> str | None:
        return f"{request.path}{kept}&limit={limit}&offset={start}" if 0 <= start < len(rows) else None

    links = {"next": link(offset + limit), "prev": link(offset - limit)}
    return jsonify({"offset": offset, "limit": limit, "size": len(shown), "_links": links, key: shown})


def checked(check: Check) -> Any:
    """The JSON of the request at hand. Raises Refused for the first field that is wrong."""
    body = json_body()
    for path, fault in check(body, ""):
        raise invalid(path, fault.replace("is required", "is a required field"))
    return body


def invalid(path: str, fault: str) -> Refused:
    """The refusal of a field."""
    return Refused(400, f"Field :{path} {fault}.")


def unknown_case(what: str) -> Refused:
    """The refusal of results for what its run does not hold."""
    reason = f"{what} unknown or not part of the test run"
    text = f"Field :results contains one or more invalid results ({reason})"
    return Refused(400, text, culprits=[(what.rsplit(maxsplit=1)[-1], reason)])


def _asked(name: str, default: int, least: int, most: int) -> int:
    raw = request.args.get(name, str(default))
    if not (raw.isdecimal() and least <= int(raw) <= most):
        raise invalid(name, f"must be from {least} to {most}")
    return int(raw)
