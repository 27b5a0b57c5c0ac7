"""Qase's test runs: making one, reading it, completing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import NotFound, Rejected
from ..model import Run
from ..render import cut, mark, segment, trim, utc
from ._qase_lists import configuration_id

if TYPE_CHECKING:
    from ..client import Client
    from .qase import Qase

COMPLETED = 1  # the one run status whose number is known


def opened(vendor: Qase, http: Client, run: Run) -> str:
    """Makes a run, unless a lost answer has made it; returns its id."""
    environment = "environment_id" if vendor.environment.isdecimal() else "environment_slug"
    fields = {
        "title": cut(run.name, 255),
        "description": f"{trim(run.description, 9_000)}\n\n{mark(run.own_id)}".strip(),
        "is_autotest": True,
        "start_time": utc(run.start),
        "tags": list(run.tags),
        environment: int(vendor.environment) if vendor.environment.isdecimal() else vendor.environment,
        "milestone_id": vendor.milestone,
        "plan_id": vendor.plan,
        "configurations": [configuration_id(http, vendor.project, *pair) for pair in vendor.configurations.items()],
    }
    body = {key: value for key, value in fields.items() if value}
    try:
        reply = http.post(f"v1/run/{vendor.project}", json=body, recover=lambda: _answer_for(vendor, http, run))
    except (NotFound, Rejected):
        vendor.verify(http)  # says it more exactly where the project itself is the reason
        raise
    return str(reply.pick("result.id", int))


def status(vendor: Qase, http: Client, run_id: str) -> int:
    """The number of a run's status. Raises VendorError where the run cannot be read."""
    return http.get(f"v1/run/{vendor.project}/{segment(run_id)}").pick("result.status", int)


def closed(vendor: Qase, http: Client, run_id: str) -> None:
    """Completes a run that is not yet."""
    try:
        http.post(f"v1/run/{vendor.project}/{segment(run_id)}/complete")
    except Rejected:
        if status(vendor, http, run_id) != COMPLETED:
            raise


def _answer_for(vendor: Qase, http: Client, run: Run) -> dict[str, Any] | None:
    found = vendor.find_run(http, run)
    return {"result": {"id": int(found)}} if found else None
