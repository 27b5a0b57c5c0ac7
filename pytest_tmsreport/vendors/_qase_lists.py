"""Qase's lists: reading them to their end, and finding or making the configurations of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import dig
from ..paging import Offset

if TYPE_CHECKING:
    from ..client import Client


PAGING = Offset(size=100, total="result.filtered")


def entities(http: Client, path: str, params: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
    """Every row of a v1 listing: pages of 100, until `filtered` is reached."""
    return http.rows(path, PAGING, "result.entities", params=params)


def configuration_id(http: Client, project: str, group: str, value: str) -> int:
    """The id of a value in a group of configurations; what is missing is made, once."""
    path = f"v1/configuration/{project}"

    def known(title: str, within: int | None = None) -> dict[str, Any] | None:
        rows = list(entities(http, path, {}))
        if within is not None:
            rows = [each for row in rows if row.get("id") == within for each in row.get("configurations") or []]
        found = next((dig(each, "id") for each in rows if dig(each, "title") == title), None)
        return {"result": {"id": found}} if isinstance(found, int) else None

    def made(where: str, body: dict[str, Any], within: int | None = None) -> int:
        here = known(body["title"], within)
        if here:
            return int(here["result"]["id"])
        return http.post(where, json=body, recover=lambda: known(body["title"], within)).pick("result.id", int)

    group_id = made(f"{path}/group", {"title": group})
    return made(path, {"title": value, "group_id": group_id}, group_id)
