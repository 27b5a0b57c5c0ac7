"""Zephyr Scale Cloud's test cycles: opening one, finding it again, saying who is done, completing it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import PermanentError, VendorError, dig
from ..model import Run
from ..paging import Link
from ..render import bears, cut, segment, utc
from ._zephyr_words import ISO, NAME, Row, described, filled, number

if TYPE_CHECKING:
    from ..client import Client, Reply
    from .zephyr import Zephyr

PAGES = Link("next", {"maxResults": 1000, "startAt": 0})
_DONE = re.compile(r"pytest-tmsreport: machine ([0-9]{1,6}) of ([0-9]{1,6}) is done")


def opened(vendor: Zephyr, http: Client, run: Run) -> str:
    """Makes a cycle, links it to the plan, and returns its key."""
    body = {**cycle(vendor, http), "projectKey": vendor.project, "name": cut(run.name, NAME)}
    body |= {"description": described(run), "plannedStartDate": utc(run.start, ISO)}
    body |= {"ownerId": vendor.executed_by} if vendor.executed_by else {}

    def lost() -> Row | None:
        key = found(vendor, http, run)
        return {"key": key} if key else None

    key = http.post("testcycles", json=body, recover=lost).pick("key", str)
    if vendor.plan:
        try:
            http.post(f"testplans/{vendor.plan}/links/testcycles", json={"testCycleIdOrKey": key})
        except VendorError as error:  # the cycle is there, and results can go to it
            http.note(f"cycle {key} is not linked to the plan {vendor.plan}: {error}")
    return key


def cycle(vendor: Zephyr, http: Client) -> Row:
    """What settings say of a new cycle."""
    folder = _folder(vendor, http) if vendor.path else 0
    version = int(vendor.version or 0)
    return filled({"folderId": folder, "jiraProjectVersion": version, "customFields": dict(vendor.cycle_fields)})


def found(vendor: Zephyr, http: Client, run: Run) -> str | None:
    """The key of the open cycle that bears our mark, and was made first: Zephyr counts its cycles up."""
    over = _status(http, vendor.project, "TEST_CYCLE", vendor.done) if vendor.done and run.key else None
    keys = [
        str(row["key"])
        for row in listed(vendor, http)
        if bears(str(row.get("description")), run.own_id) and (over is None or dig(row, "status.id") != over)
    ]
    return min(keys, key=number, default=None)


def listed(vendor: Zephyr, http: Client) -> Iterator[Row]:
    """All cycles of the project, or of the folder."""
    folder = {"folderId": _folder(vendor, http)} if vendor.path else {}
    return http.rows("testcycles", PAGES, "values", params={"projectKey": vendor.project, **folder})


def read(http: Client, key: str) -> Reply:
    """A cycle. Raises NotFound where there is none."""
    return http.get(f"testcycles/{segment(key)}")


def finished(http: Client, key: str, shard: int, shards: int) -> set[int]:
    """Says by a web link of the cycle that a machine is done; returns all that have one.

    Nobody's link takes another's away, and who lists them after the last was made sees them all.
    """
    path = f"testcycles/{segment(key)}/links"

    def there() -> set[int]:
        links = dig(http.get(path).body, "webLinks") or []
        said = (_DONE.fullmatch(str(dig(link, "description"))) for link in links)
        return {int(each[1]) for each in said if each and int(each[2]) == shards}

    done = there()
    if shard not in done:
        words = f"pytest-tmsreport: machine {shard} of {shards} is done"
        url = f"{http.vendor.base_url}/testcycles/{segment(key)}#machine-{shard}-of-{shards}"
        http.post(f"{path}/weblinks", json={"url": url, "description": words}, may_be_empty=True)
        done = there()
    return done


def completed(vendor: Zephyr, http: Client, key: str) -> None:
    """Gives a cycle its last status, and leaves all else as it is: what a change leaves out is cleared."""
    over = _status(http, vendor.project, "TEST_CYCLE", vendor.done)
    if over is None and not http.is_rehearsal:
        words, remedy = f"the project has no status {vendor.done!r} of cycles", "name one with `done`"
        raise PermanentError(words, vendor=vendor.name, remedy=remedy)
    held: Mapping[str, Any] = read(http, key).body
    if dig(held, "status.id") != over:
        http.put(f"testcycles/{segment(key)}", json={**held, "status": {"id": over}}, may_be_empty=True)


@lru_cache(maxsize=64)
def statuses(http: Client, project: str, kind: str) -> Mapping[str, int]:
    """Name -> number of the statuses of a kind (`TEST_CYCLE`, `TEST_EXECUTION`), read once."""
    asked = {"projectKey": project, "statusType": kind}
    return {str(row.get("name")): int(row["id"]) for row in http.rows("statuses", PAGES, "values", params=asked)}


def folders(http: Client, project: str, kind: str) -> dict[tuple[int, str], int]:
    """Number of the outer folder (0: none) and name -> number."""
    asked = {"projectKey": project, "folderType": kind}
    rows = http.rows("folders", PAGES, "values", params=asked)
    return {(row.get("parentId") or 0, str(row.get("name"))): int(row["id"]) for row in rows}


def _status(http: Client, project: str, kind: str, name: str) -> int | None:
    return statuses(http, project, kind).get(name)


@lru_cache(maxsize=8)
def _folder_of(http: Client, project: str, path: tuple[str, ...]) -> int:
    known = folders(http, project, "TEST_CYCLE")
    at = 0
    for name in path:
        key = (at, name)
        if key not in known:
            body = filled({"name": name, "projectKey": project, "folderType": "TEST_CYCLE", "parentId": at})

            def lost(key: tuple[int, str] = key) -> Row | None:
                there = folders(http, project, "TEST_CYCLE").get(key)
                return {"id": there} if there else None

            known[key] = http.post("folders", json=body, recover=lost).pick("id", int)
        at = known[key]
    return at


def _folder(vendor: Zephyr, http: Client) -> int:
    """The number of the cycle's folder; what is missing of its path is made."""
    return _folder_of(http, vendor.project, tuple(vendor.path))
