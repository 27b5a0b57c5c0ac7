"""What Kiwi TCMS can tell before a run is made: whether there is what settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from . import _kiwi_places as places
from ._kiwi_rpc import ask, found

if TYPE_CHECKING:
    from ..client import Client
    from .kiwi import Kiwi


def settings(vendor: Kiwi, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing; what is made where it is missing is not asked for."""
    facts = places.known(vendor, http)
    for outcome in vendor.statuses:
        yield f"status.{outcome.value}", partial(places.status, vendor, http, outcome)
    priority, case_status = vendor.priority, vendor.case_status
    yield "priority", partial(places.chosen, vendor, facts.priorities, "priority", "value", priority)
    yield "case_status", partial(places.chosen, vendor, facts.case_statuses, "case_status", "name", case_status)
    if number := places.plan_number(vendor.plan):
        yield "plan", partial(_plan, vendor, http, number)
    if vendor.parent_plan:
        yield "parent_plan", partial(_plan, vendor, http, vendor.parent_plan)


def _plan(vendor: Kiwi, http: Client, number: int) -> None:
    if not found(http, ask("TestPlan.filter", {"pk": number})):
        raise places.no_plan(vendor, f"TP-{number}")
