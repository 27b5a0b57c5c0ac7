"""Xray Server and Data Center beside the import: Jira's own API, and lists of Xray's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import PermanentError, dig
from ..paging import Pages
from ..render import segment

if TYPE_CHECKING:
    from ..client import Client

PAGING = Pages(limit="limit", size=200, until_empty=True)  # an administrator may have set a smaller page


def create(http: Client, fields: Mapping[str, Any], find: Callable[[], str | None]) -> str:
    """Makes an issue of Jira's fields and returns its key; `find` looks for it where the answer was lost."""

    def recover() -> Any:
        key = find()
        return {"key": key} if key else None

    return http.post("api/2/issue", json={"fields": fields}, recover=recover).pick("key", str)


def executions(http: Client, jql: str) -> list[tuple[str, str]]:
    """Key and description of the issues that a query finds."""
    rows = http.get("api/2/search", params={"jql": jql, "fields": "description"}).pick("issues", list)
    return [(str(dig(row, "key")), str(dig(row, "fields.description"))) for row in rows]


def read(http: Client, key: str) -> None:
    """Reads an issue. Raises NotFound where there is none."""
    http.get(f"api/2/issue/{segment(key)}", params={"fields": "summary"})


def discard(http: Client, key: str) -> None:
    """Removes a Test Execution without Tests. Raises PermanentError for one that has some."""
    if http.get(f"raven/2.0/api/testexec/{segment(key)}/test", params={"limit": 1}).body:
        raise PermanentError("it holds results", vendor=http.vendor.name, remedy="look at both executions")
    http.delete(f"api/2/issue/{segment(key)}")


def finished(http: Client, key: str, shard: int, shards: int) -> set[int]:
    """Notes in a property of the issue that a machine is done; returns all that have one.

    Each is a property of its own, so that none takes another's away.
    """
    path = f"api/2/issue/{segment(key)}/properties"
    own = f"pytest-tmsreport.done.{shards}"
    http.put(f"{path}/{own}.{shard}", json={"done": True}, may_be_empty=True)
    names = {str(dig(row, "key")) for row in http.get(path).pick("keys", list)}
    return {int(name.removeprefix(f"{own}.")) for name in names if re.fullmatch(rf"{re.escape(own)}\.\d{{1,6}}", name)}


def planned(http: Client, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The Tests of a Test Plan, and no status. Raises NotFound where there is no such plan."""
    return ((row, "") for row in http.rows(f"raven/2.0/api/testplan/{segment(key)}/test", PAGING))


def recorded(http: Client, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The Tests of a Test Execution, and their statuses. Raises NotFound where there is no such execution."""
    return ((row, str(row.get("status"))) for row in http.rows(f"raven/2.0/api/testexec/{segment(key)}/test", PAGING))


def statuses(http: Client, project: str) -> list[str]:
    """The names of the statuses. Raises NotFound for an unknown project."""
    http.get(f"api/2/project/{segment(project)}")
    rows = http.get("raven/2.0/api/settings/teststatuses").body
    if not isinstance(rows, list):
        raise PermanentError("the answer holds no list of statuses", vendor=http.vendor.name, remedy="check `url`")
    return [str(dig(row, "name")) for row in rows]


def tests(http: Client, jql: str) -> list[str]:
    """The keys of the issues that a query finds, 50 at most."""
    return [key for key, _ in executions(http, jql)]


def move(http: Client, key: str, transition: str) -> None:
    """Takes an issue through a transition."""
    path = f"api/2/issue/{segment(key)}/transitions"
    http.post(path, json={"transition": {"id": transition}}, may_be_empty=True)
