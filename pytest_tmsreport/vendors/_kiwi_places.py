"""Where Kiwi TCMS files results: product, version, build and plan, found or made; and what the server offers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import NotFound, PermanentError, Rejected
from ..model import Outcome, Run
from ..render import cut
from ._kiwi_rpc import Call, Row, ask, batch, found, good, one, rows

if TYPE_CHECKING:
    from ..client import Client
    from .kiwi import Kiwi

LONGEST = 255
"""Most characters of the name of nearly everything."""


@dataclass(frozen=True)
class Facts:
    """What a server offers, looked up once."""

    methods: frozenset[str]
    statuses: tuple[Row, ...]
    case_statuses: tuple[Row, ...]
    priorities: tuple[Row, ...]
    products: tuple[Row, ...]
    categories: tuple[Row, ...]


@lru_cache(maxsize=8)
def facts(http: Client, product: str) -> Facts:
    """What the server offers, and the product of that name has: one request."""
    methods, *lists = batch(
        http,
        [
            ask("system.listMethods"),
            ask("TestExecutionStatus.filter", {}),
            ask("TestCaseStatus.filter", {"is_confirmed": True}),
            ask("Priority.filter", {"is_active": True}),
            ask("Product.filter", {"name": product}),
            ask("Category.filter", {"product__name": product}),
        ],
    )
    return Facts(frozenset(good(methods).pick("result", list)), *(tuple(rows(each)) for each in lists))


def known(vendor: Kiwi, http: Client) -> Facts:
    """What the server offers, and the product has."""
    return facts(http, vendor.product)


def has(vendor: Kiwi, http: Client, method: str) -> bool:
    """True where the server is new enough for a method."""
    return method in known(vendor, http).methods


def status(vendor: Kiwi, http: Client, outcome: Outcome) -> int:
    """The number of the status for an outcome. Raises PermanentError for a word of the user's that is none.

    Administrators may rename the stock ones: another of the same sign is taken for ours.
    """
    wanted = str(vendor.word(outcome))
    there = {str(row["name"]).upper(): row for row in known(vendor, http).statuses}
    if wanted.upper() in there:
        return int(there[wanted.upper()]["id"])
    sign = -1 if outcome.is_bad else 1
    alike = [row["id"] for row in there.values() if sign * row["weight"] > 0]
    if http.is_rehearsal:
        return 0
    if outcome.value in vendor.status or not alike:
        text, remedy = f"there is no status {wanted!r}, but {', '.join(there)}", f"correct `status.{outcome.value}`"
        raise PermanentError(text, vendor=vendor.name, remedy=remedy)
    return int(alike[0])


@lru_cache(maxsize=8)
def product(http: Client, name: str) -> int:
    """The number of the product, which is made where there is none."""
    there = facts(http, name).products
    if there:
        return int(there[0]["id"])
    classes = found(http, ask("Classification.filter", {}))
    kind = classes[0]["id"] if classes else _made(http, "Classification", {"name": "default"}, {})
    return _made(http, "Product", {"name": name}, {"classification": kind})


@lru_cache(maxsize=8)
def category(http: Client, name: str, wanted: str) -> int:
    """The number of a category of the product of that name: the one that is `wanted`, else the first."""
    home = product(http, name)
    there = list(facts(http, name).categories) or found(http, ask("Category.filter", {"product": home}))
    chosen = [row["id"] for row in there if wanted in ("", row["name"])]
    return int(chosen[0]) if chosen else _made(http, "Category", {"product": home, "name": wanted or "--default--"}, {})


def chosen(vendor: Kiwi, listed: tuple[Row, ...], setting: str, name: str, wanted: str) -> int:
    """The number of the row whose `name` is `wanted`, else of the first. Raises PermanentError where there is none."""
    there = {str(row[name]): int(row["id"]) for row in listed}
    if wanted and there and wanted not in there:
        text, remedy = f"there is no {wanted!r}, but {', '.join(there)}", f"correct `{setting}`"
        raise PermanentError(text, vendor=vendor.name, remedy=remedy)
    return there.get(wanted) or next(iter(there.values()), 0)


def place(vendor: Kiwi, http: Client, run: Run) -> tuple[int, int]:
    """The numbers of plan and build for a run. Raises NotFound for a plan by number that does not exist."""
    number, version = plan_number(vendor.plan), vendor.version
    name = cut(vendor.plan or f"[pytest] Plan for {vendor.product} ({version})", LONGEST)
    build = cut(vendor.build or run.build or run.commit or "unspecified", LONGEST)
    by_name = {"product__name": vendor.product, "product_version__value": version, "name": name}
    versions, plans, builds = batch(
        http,
        [
            ask("Version.filter", {"product__name": vendor.product, "value": version}),
            ask("TestPlan.filter", {"pk": number} if number else by_name),
            ask("Build.filter", {"version__product__name": vendor.product, "version__value": version, "name": build}),
        ],
    )
    plan = next(iter(sorted(rows(plans), key=lambda row: int(row["id"]))), None)
    if number and not plan and not http.is_rehearsal:
        raise no_plan(vendor)
    if plan:
        home = int(plan["product_version"])
    else:
        home = next((int(row["id"]) for row in rows(versions)), 0)
        home = home or _made(http, "Version", {"product": product(http, vendor.product), "value": version}, {})
    there = next((int(row["id"]) for row in rows(builds) if row["version"] == home), 0)
    there = there or _made(http, "Build", {"version": home, "name": build}, {})
    return int(plan["id"]) if plan else _new_plan(vendor, http, name, home), there


def plan_number(text: str) -> int:
    """The number of a plan, `TP-12` or `12`; 0 for what is a name."""
    told = re.fullmatch(r"(?:TP-)?0*([1-9][0-9]*)", text.strip(), re.IGNORECASE)
    return int(told[1]) if told else 0


def no_plan(vendor: Kiwi, plan: str = "") -> NotFound:
    """The error for a plan that does not exist."""
    return NotFound(
        f"there is no plan {plan or vendor.plan}", vendor=vendor.name, remedy="check `plan`: TP-12, 12 or a name"
    )


def _new_plan(vendor: Kiwi, http: Client, name: str, version: int) -> int:
    home = product(http, vendor.product)
    kind = _made(http, "PlanType", {"name": vendor.plan_type}, {})
    more = {"type": kind, "text": "Made by pytest-tmsreport", "is_active": True}
    if vendor.parent_plan:
        more["parent"] = vendor.parent_plan
    return _made(http, "TestPlan", {"product": home, "product_version": version, "name": name}, more)


def _made(http: Client, kind: str, query: Row, more: Row) -> int:
    """The number of what a query finds; of what is made of it, and `more`, where it finds nothing.

    Of several that machines make at once, the first counts for all of them.
    """

    def there() -> int:
        return min((int(row["id"]) for row in found(http, ask(f"{kind}.filter", query))), default=0)

    def lost() -> Row | None:
        number = there()
        return {"result": {"id": number}} if number else None

    if number := there():
        return number
    try:
        own = one(http, Call(f"{kind}.create", ({**query, **more},)), lost).pick("result.id", int)
    except Rejected:
        if number := there():
            return number
        raise
    return there() or own
