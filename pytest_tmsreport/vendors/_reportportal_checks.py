"""What can be wrong with the settings of a ReportPortal destination, before a request and by the server's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from ..errors import PermanentError
from ..model import Outcome
from ..render import segment
from . import _reportportal_runs as runs
from ._reportportal_defects import check_defect

if TYPE_CHECKING:
    from ..client import Client
    from .reportportal import ReportPortal

STATUSES = ("passed", "failed", "stopped", "skipped", "interrupted", "cancelled", "info", "warn")


def wrong(vendor: ReportPortal) -> Iterator[str]:
    """What is to be changed."""
    name = vendor.name
    if not vendor.project.strip():
        yield f"`project` of {name} is empty"
    if not vendor.token and not (vendor.user and vendor.password):
        variable = f"TMSREPORT_{name.upper()}_TOKEN"
        yield f"{name} has no `token`, an API key: set {variable}, or `user` and its password for OAuth"
    if "://" in vendor.oauth_uri and not vendor.oauth_uri.startswith(f"{vendor.base_url}/"):
        yield f"`oauth_uri` of {name} is on another server than `url`: no password is sent there"
    unknown = sorted(set(vendor.defects) - {outcome.value for outcome in Outcome})
    if unknown:
        yield f"`defects` of {name} names {unknown[0]!r}, which is no outcome"
    if not vendor.logs_at_once or not vendor.batch_size:
        yield f"`logs_at_once` and `batch_size` of {name} must be above zero"


def settings(vendor: ReportPortal, http: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    """Setting -> what raises VendorError where it names nothing."""
    for outcome, word in vendor.defects.items():
        yield f"defects.{outcome}", partial(check_defect, vendor, http, word)
    if vendor.rerun_of:
        yield "rerun_of", partial(runs.launch, vendor, http, vendor.rerun_of)
    if vendor.parent:
        yield "parent", partial(http.get, f"{vendor.reads}/item/uuid/{segment(vendor.parent)}")
    for outcome, word in vendor.status.items():
        yield f"status.{outcome}", partial(_check_status, vendor, word)


def _check_status(vendor: ReportPortal, word: str) -> None:
    if word.lower() not in STATUSES:
        words = f"ReportPortal has no status {word!r}; it has {', '.join(STATUSES)}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `status.<outcome>`")
