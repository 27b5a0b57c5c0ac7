"""Kiwi TCMS's cases: finding them by their summary, making those that are missing, and listing them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from ..errors import Rejected
from ..model import Result
from ..vendor import Case
from . import _kiwi_places as places
from ._kiwi_rpc import Call, Row, ask, batch, found, one

if TYPE_CHECKING:
    from ..client import Client
    from .kiwi import Kiwi

Item = TypeVar("Item", str, int)
AT_ONCE = 500
"""So many cases are asked for in a request: each is about a kilobyte, or as long as its text."""


def number(text: str) -> int | None:
    """The number of a case, `TC-123` or `123`; None for what is none."""
    told = re.fullmatch(r"(?:TC-)?0*([1-9][0-9]*)", text.strip(), re.IGNORECASE)
    return int(told[1]) if told else None


def known(http: Client, ids: Sequence[str]) -> set[str]:
    """Those of these ids that the server has."""
    numbers = {own for text in ids if (own := number(text))}
    there = {case.ids[0] for case in listed(http, numbers)}
    return {text for text in ids if str(number(text)) in there}


def planned(vendor: Kiwi, http: Client, plan: str) -> Iterator[Case]:
    """The cases of a plan, told by number or name; the first made of several. Raises NotFound."""
    own = places.plan_number(plan)
    there = found(http, ask("TestPlan.filter", {"pk": own} if own else {"name": plan, "product__name": vendor.product}))
    if not there:
        raise places.no_plan(vendor, plan)
    return listed(http, of_plan(http, min(int(row["id"]) for row in there)))


def nodeid(vendor: Kiwi, result: Result) -> str:
    """The node id that a case stands for: without parameters, unless they make cases of their own."""
    file, colons, inner = result.nodeid.partition("::")
    return result.nodeid if vendor.parameter_cases else file + colons + inner.partition("[")[0]


def summary(text: str) -> str:
    """A node id as the summary of a case: cut where it is too long, and then told apart by a hash of the whole."""
    text = clean(text)
    if len(text) <= places.LONGEST:
        return text
    return f"{text[: places.LONGEST - 13]}…{sha256(text.encode()).hexdigest()[:12]}"


def clean(text: str) -> str:
    """A text that every database takes: without halves of characters, and without the character 0."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def resolved(vendor: Kiwi, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
    """Result id -> number of its case, found or made."""
    wanted: dict[str, Result] = {}
    for result in results:
        wanted.setdefault(summary(nodeid(vendor, result)), result)
    there = by_summary(vendor, http, list(wanted))
    missing = {name: result for name, result in wanted.items() if name not in there}
    if missing and vendor.create_cases:
        there |= _made(vendor, http, missing)
    numbers = ((result.id, there.get(summary(nodeid(vendor, result)))) for result in results)
    return {result_id: (str(number),) for result_id, number in numbers if number}


def by_summary(vendor: Kiwi, http: Client, names: Sequence[str]) -> dict[str, int]:
    """Summary -> number of the case of the product; of several, of the one that was made first."""
    numbers: dict[str, int] = {}
    for some in _parts(names):
        for row in found(
            http, ask("TestCase.filter", {"category__product__name": vendor.product, "summary__in": some})
        ):
            name, own = str(row["summary"]), int(row["id"])
            numbers[name] = min(own, numbers.get(name, own))
    return numbers


def listed(http: Client, numbers: Collection[int], failed: Collection[int] = ()) -> Iterator[Case]:
    """The cases of these numbers, as a plan or a run names them."""
    for some in _parts(sorted(numbers)):
        for row in found(http, ask("TestCase.filter", {"pk__in": some})):
            names = dict.fromkeys(str(row.get(key) or "") for key in ("script", "summary"))
            yield Case(
                ids=(str(row["id"]), f"TC-{row['id']}"),
                title=str(row["summary"]),
                names=tuple(name for name in names if name),
                has_failed=row["id"] in failed,
            )


def of_plan(http: Client, plan: int) -> set[int]:
    """The numbers of the cases of a plan."""
    told: Row = one(http, ask("TestCase.sortkeys", {"plan": plan})).pick("result", dict)
    return {int(text) for text in told}


def _made(vendor: Kiwi, http: Client, missing: Mapping[str, Result]) -> dict[str, int]:
    facts = places.known(vendor, http)
    constant = {
        "category": places.category(http, vendor.product, vendor.category),
        "priority": places.chosen(vendor, facts.priorities, "priority", "value", vendor.priority),
        "case_status": places.chosen(vendor, facts.case_statuses, "case_status", "name", vendor.case_status),
        "is_automated": True,
    }
    numbers: dict[str, int] = {}
    for some in _parts(list(missing), vendor.batch_size):
        calls = [
            ask(
                "TestCase.create",
                {
                    "summary": name,
                    **constant,
                    "text": clean(missing[name].description),
                    "script": clean(nodeid(vendor, missing[name])),
                },
            )
            for name in some
        ]

        def left(some: Sequence[str] = some) -> Callable[[Call], bool]:
            there = by_summary(vendor, http, some)
            return lambda call: call.params[0]["summary"] not in there

        lost = []
        for name, answer in zip(some, batch(http, calls, left), strict=True):
            if isinstance(answer, Rejected):
                http.note(f"no case can be made for {name}: {answer.text}")
            elif answer.body.get("result") or http.is_rehearsal:
                numbers[name] = answer.pick("result.id", int)
            else:
                lost.append(name)
        numbers |= by_summary(vendor, http, lost)
    return numbers


def _parts(whole: Sequence[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    for start in range(0, len(whole), size):
        yield list(whole[start : start + size])
