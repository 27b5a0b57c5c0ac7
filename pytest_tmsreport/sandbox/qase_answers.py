"""How Qase answers: results in an envelope, lists in parts, and errors that name the fields."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Any

from flask import Response, jsonify, request

from .checks import Check
from .site import Refused, json_body


def done(result: Any = None, *, status: int = 200) -> Response:
    """A success, with its result where there is one."""
    answer = jsonify({"status": True} if result is None else {"status": True, "result": result})
    answer.status_code = status
    return answer


def listing(rows: list[Any], *, total: int | None = None, is_paged: bool = True) -> Response:
    """The part of a list that `limit` and `offset` ask for; `total` counts what no filter has left out."""
    limit, offset = (_asked("limit", 10, 1, 100), _asked("offset", 0, 0, 100_000)) if is_paged else (len(rows), 0)
    shown = rows[offset : offset + limit]
    counts = {"total": len(rows) if total is None else total, "filtered": len(rows), "count": len(shown)}
    return done({**counts, "entities": shown})


def checked(check: Check) -> Any:
    """The JSON of the request; raises Refused for what is wrong in it."""
    body = json_body()
    faults = list(check(body, ""))
    if faults:
        raise refusal(faults)
    return body


def invalid(name: str, fault: str, *, status: int = 422) -> Refused:
    """The refusal of one field."""
    return refusal([(name, fault)], status=status)


def refusal(faults: list[tuple[str, str]], culprits: list[tuple[str, str]] | None = None, status: int = 422) -> Refused:
    """The refusal of wrong fields; `culprits` tells of which results, where it is not the request as a whole."""
    fields = [{"field": path, "error": f"The {path} {fault}."} for path, fault in faults]
    named = culprits or [("", "; ".join(f"{path} {fault}" for path, fault in faults))]
    return Refused(status, "Data is invalid.", more={"errorFields": fields}, culprits=named)


def iso(epoch_s: float) -> str:
    """A time as Qase tells it."""
    return datetime.fromtimestamp(epoch_s, tz=timezone.utc).isoformat(timespec="seconds")


def hashed(of: str) -> str:
    """What Qase calls something, made of what it is here."""
    return hashlib.sha256(of.encode("utf-8", "replace")).hexdigest()[:40]


def _asked(name: str, default: int, least: int, most: int) -> int:
    raw = request.args.get(name, str(default))
    if not (raw.isdecimal() and least <= int(raw) <= most):
        raise invalid(name, f"must be an integer from {least} to {most}", status=400)
    return int(raw)
