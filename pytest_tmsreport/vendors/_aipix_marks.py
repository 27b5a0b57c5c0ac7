"""Marks on the timeline of a camera: making one, and finding it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..model import Result
from ..render import segment, utc
from ._aipix_cameras import LISTS, bare

if TYPE_CHECKING:
    from ..client import Client

TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def made(http: Client, camera: str, result: Result) -> str:
    """Makes the mark of a result, unless it is there already; returns its id."""
    path = f"cameras/{segment(camera)}/marks"
    reply = http.post(path, json=_body(result), recover=lambda: found(http, camera, result))
    return str(bare(reply).pick("id", int))


def found(http: Client, camera: str, result: Result) -> dict[str, Any] | None:
    """The mark of a result, if it is there; a server may keep whole seconds."""
    body = _body(result)
    params: dict[str, str | int] = {"from": body["from"][:19] + ".000000Z", "to": body["to"], "types[]": "mark"}
    rows = http.rows(f"cameras/{segment(camera)}/marks", LISTS, "data", params=params)
    same = (body["title"], body["from"][:19])
    return next((row for row in rows if (row.get("title"), str(row.get("from"))[:19]) == same), None)


def _body(result: Result) -> dict[str, str]:
    return {"title": result.title, "from": utc(result.start, TIME), "to": utc(result.end, TIME)}
