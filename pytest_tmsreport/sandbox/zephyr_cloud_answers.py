"""How Zephyr Scale Cloud answers: lists in pages, links to what there is, and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request

from .checks import Check
from .site import Refused, json_body
from .zephyr_fields import PROJECT, PROJECT_ID, Rules, words
from .zephyr_site import Case, Cycle, Row, Site


def page(rules: Rules, rows: list[Any], shown: Callable[[Any], Row] = lambda row: row) -> Response:
    """The part of a list that is asked for, each row as `shown` shows it."""
    start = request.args.get("startAt", 0, type=int)
    size = request.args.get("maxResults", 10, type=int)
    if size < 1 or start < 0 or start % size:
        raise Refused(400, "startAt must be a multiple of maxResults")
    size = min(size, rules.fewer)
    part = rows[start : start + size]
    is_last = start + size >= len(rows)
    query = urlencode({**request.args, "maxResults": size, "startAt": start + size})
    return jsonify(
        {
            "next": None if is_last else f"{request.base_url}?{query}",
            "startAt": start,
            "maxResults": size,
            "total": len(rows),
            "isLast": is_last,
            "values": [shown(row) for row in part],
        }
    )


def checked(check: Check) -> Row:
    """The JSON of the request; raises Refused for what is wrong in it."""
    body = json_body()
    faults = list(check(body, ""))
    if faults:
        what = str(body.get("testCaseKey") or "") if isinstance(body, dict) else ""
        raise Refused(400, words(faults), culprits=[(what, words(faults))])
    known: Row = body
    return known


def made(body: Row) -> Response:
    """The answer to what makes something."""
    answer = jsonify(body)
    answer.status_code = 201
    return answer


def link(path: str) -> str:
    """The address of something in the API."""
    return f"{request.url_root}v2/{path}"


def project_link() -> Row:
    """How an answer names the project."""
    return {"id": 1, "self": link("projects/1")}


def case_link(case: Case) -> Row:
    """How an answer names a case."""
    return {"id": case.id, "self": link(f"testcases/{case.key}/versions/1")}


def know_project(key: str) -> None:
    """Raises Refused for another project than the one there is."""
    if key not in (PROJECT, str(PROJECT_ID)):
        raise Refused(404, f"The project {key} was not found")


def known_case(site: Site, key: str) -> Case:
    """The case; raises Refused where there is none of that key."""
    found = site.case(key)
    if found is None:
        why = f"The test case {key} was not found"
        raise Refused(404, why, culprits=[(key, why)])
    return found


def known_cycle(site: Site, key: str) -> Cycle:
    """The cycle; raises Refused where there is none of that key or id."""
    found = site.cycle(key)
    if found is None:
        raise Refused(404, f"The test cycle {key} was not found")
    return found
