"""What Vansah can tell before a result is sent: whether there is the asset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import Doubtful, NotFound
from ..paging import Offset

if TYPE_CHECKING:
    from ..client import Client
    from .vansah import Vansah

PAGING = Offset("startAt", "limit", 100, total="pagination.total")


def asset(vendor: Vansah, http: Client) -> None:
    """Raises NotFound for a folder that there is not, Doubtful for an issue that Vansah does not list."""
    if "/" not in vendor.asset:
        if vendor.asset not in {row.get("name") for row in _rows(vendor, http, "issue")}:
            words = f"the issue {vendor.asset} is not among those that Vansah lists"
            raise Doubtful(words, vendor=vendor.name, remedy="look whether it is there, and whether tests are for it")
        return
    rows = {str(row.get("identifier")): row for row in _rows(vendor, http, "list")}
    paths = {"/".join(_path(rows, key)) for key in rows}
    if vendor.asset.strip("/").casefold() not in map(str.casefold, paths):
        words = f"there is no folder {vendor.asset}, but {', '.join(sorted(paths)[:20]) or 'none'}"
        raise NotFound(words, vendor=vendor.name, remedy="correct `asset`: name it from the top")


def _rows(vendor: Vansah, http: Client, kind: str) -> Iterator[dict[str, object]]:
    return http.rows("testFolders", PAGING, "data", params={"projectKey": vendor.project, "type": kind})


def _path(rows: dict[str, dict[str, object]], key: str) -> list[str]:
    """The names from the top down; each folder counts once, whatever the answer says of parents."""
    names: list[str] = []
    seen: set[str] = set()
    while key in rows and key not in seen:
        seen.add(key)
        names.insert(0, str(rows[key].get("name")))
        key = str(rows[key].get("parentIdentifier"))
    return names
