"""Qase's lists: reading them to their end, what plans and runs hold, finding or making a run's configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import dig
from ..paging import Offset
from ..render import segment
from ..vendor import Case

if TYPE_CHECKING:
    from ..client import Client


PAGING = Offset(size=100, total="result.filtered")


def entities(http: Client, path: str, params: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
    """Every row of a v1 listing: pages of 100, until `filtered` is reached."""
    return http.rows(path, PAGING, "result.entities", params=params)


def planned(http: Client, project: str, plan: str) -> Iterator[Case]:
    """The cases of a plan; Qase lists all of them in one answer."""
    for row in http.get(f"v1/plan/{project}/{segment(plan)}").pick("result.cases", list):
        if isinstance(number := dig(row, "case_id"), int):
            yield _case(project, number)


def recorded(http: Client, project: str, run_id: str, bad: Sequence[str]) -> Iterator[Case]:
    """The cases of a run; one of several results has failed where any is `bad`, as Qase does not tell tests apart."""
    numbers = http.get(f"v1/run/{project}/{segment(run_id)}", params={"include": "cases"}).pick("result.cases", list)
    rows = entities(http, f"v1/result/{project}", {"run": run_id, "status": ",".join(bad)})
    failed = {row.get("case_id") for row in rows}
    for number in numbers:
        yield _case(project, int(number), has_failed=number in failed)


def _case(project: str, number: int, *, has_failed: bool = False) -> Case:
    return Case((f"{project.upper()}-{number}", f"C{number}", str(number)), has_failed=has_failed)


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
