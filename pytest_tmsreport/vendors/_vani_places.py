"""Editions, teams and spaces of Vani, with types: its answers hold ids as texts or numbers, and booleans as words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ..errors import VendorError, dig
from ..paging import Link
from ..render import segment
from ._vani_errors import THERE

if TYPE_CHECKING:
    from ..client import Client, Reply
    from ..paging import Params

FIELDS = ("edition_id", "edition_name", "edition_type_name", "state", "is_default", "created_time")
WHOLE = Link("next")
"""Vani shows these lists whole; one that names no next page is read once."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Edition:
    """An edition; `created` has no zone, since none is documented, and is None where it cannot be read."""

    id: str
    name: str
    kind: str = ""
    state: str = ""
    is_default: bool = False
    created: datetime | None = None


@dataclass(frozen=True)
class Place:
    """A team or a space; `team` is the id of a space's team. `can_edit` is None where it is not told."""

    id: str
    name: str
    team: str = ""
    can_edit: bool | None = None


def editions(http: Client, fields: Sequence[str] = FIELDS) -> list[Edition]:
    """The editions that the token's user belongs to: maybe none. Raises VendorError."""
    params: dict[str, str | int] = {"fields": ",".join(fields)}
    return [_edition(row) for row in _rows(http, "editions", "editions_info", params, may_lack=True)]


def edition(http: Client, edition_id: str, fields: Sequence[str] = FIELDS) -> Edition:
    """One edition. Raises VendorError."""
    reply = http.get(f"editions/{segment(edition_id)}", params={"fields": ",".join(fields)})
    return _edition(reply.pick("data.edition_info", dict))


def create_edition(
    http: Client, team_name: str, description: str = "", plan_type: Literal["FREE", "TRIAL"] = "FREE"
) -> str | None:
    """Makes an edition with a team of that name; its id, or None where it is there already. Raises VendorError.

    Where the answer is lost the second try is told that it is there.
    """
    body = {"team_name": team_name, "description": description, "plan_type": plan_type}
    try:
        reply = http.post("editions", json={key: value for key, value in body.items() if value})
    except VendorError as error:
        if error.status != THERE:
            raise
        return None
    return _id(reply, "data.edition_id")


def teams(http: Client, edition_id: str) -> list[Place]:
    """The teams of an edition. Raises VendorError."""
    return [_place(row, "team") for row in _rows(http, f"editions/{segment(edition_id)}/teams", "teams_info", {})]


def spaces(http: Client, edition_id: str, team_id: str = "") -> list[Place]:
    """The spaces of an edition, or of one of its teams. Raises VendorError."""
    params: dict[str, str | int] = {"action_type": "ALLSPACES", **({"team_id": team_id} if team_id else {})}
    return [
        _place(row, "space") for row in _rows(http, f"editions/{segment(edition_id)}/spaces", "spaces_info", params)
    ]


def read(http: Client, edition_id: str, what: Literal["team", "space"], place_id: str) -> Place:
    """A team or space by its id. Raises VendorError."""
    reply = http.get(f"editions/{segment(edition_id)}/{what}s/{segment(place_id)}")
    return _place(reply.pick(f"data.{what}_info", dict), what)


def is_true(value: Any) -> bool:
    """A boolean, or the word for one."""
    return str(value).strip().lower() == "true"


def when(text: Any) -> datetime | None:
    """`Sun, 09 Apr 2023, 08:43:02`: English names whatever the locale, and no zone."""
    words = str(text).replace(",", " ").split()
    try:
        day, month, year = int(words[1]), MONTHS.index(words[2]) + 1, int(words[3])
        hour, minute, second = map(int, words[4].split(":"))
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - no zone is documented
    except (ValueError, IndexError):
        return None


def _rows(http: Client, path: str, key: str, params: Params, *, may_lack: bool = False) -> Iterator[dict[str, Any]]:
    def ask(page: Params) -> Reply:
        reply = http.get(path, params={**params, **page})
        if may_lack and dig(reply.body, f"data.{key}") is None and dig(reply.body, "status") == "success":
            return reply.part({"data": {key: []}})
        return reply

    return http.rows(path, WHOLE, f"data.{key}", ask=ask)


def _edition(row: dict[str, Any]) -> Edition:
    return Edition(
        str(row.get("edition_id", "")),
        str(row.get("edition_name", "")),
        str(row.get("edition_type_name", "")),
        str(row.get("state", "")),
        is_true(row.get("is_default")),
        when(row.get("created_time", "")),
    )


def _place(row: dict[str, Any], what: str) -> Place:
    can_edit = is_true(row["can_edit"]) if "can_edit" in row else None
    return Place(
        str(row.get(f"{what}_id", "")), str(row.get(f"{what}_name", "")), str(row.get("team_id", "")), can_edit
    )


def _id(reply: Reply, path: str) -> str:
    """An id, be it a number or a text."""
    found = dig(reply.body, path)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else reply.pick(path, str)
