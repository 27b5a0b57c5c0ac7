"""What can be wrong with the settings of an Azure destination, before a request and by the server's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from . import _azure_plans as plans
from ._azure_rows import WORDS

if TYPE_CHECKING:
    from ..client import Client
    from .azure import Azure


def wrong(vendor: Azure) -> Iterator[str]:
    """What is to be changed."""
    rules = {
        "`plan` is PLAN or PLAN/SUITE, such as 31 or 31/32": vendor.plan and not plans.PLACE.fullmatch(vendor.plan),
        "without `plan` there can be one of `configurations`": len(vendor.configurations) > 1 and not vendor.plan,
        "`batch_size` is 1 to 1000": not 1 <= vendor.batch_size <= 1000,
        "`max_trace` is 100 or more": vendor.max_trace < 100,
        f"a word of `status` is one of {', '.join(WORDS)}": not set(vendor.status.values()) <= set(WORDS),
    }
    return (why for why, is_so in rules.items() if is_so)


def settings(vendor: Azure, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing."""
    if vendor.plan:
        yield "plan", lambda: (plans.place(vendor, http, vendor.plan), plans.cases(http, vendor.plan))
    if vendor.configurations:
        yield "configurations", lambda: plans.check_configurations(http)
    if vendor.build:
        yield "build", lambda: http.get(plans.at(vendor, f"build/builds/{vendor.build}"))
