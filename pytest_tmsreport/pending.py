"""What is still to be sent: results less receipts, for one destination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .journal import Receipts, RunFolder
from .model import Result
from .render import trim
from .vendor import Vendor


@dataclass
class Survey:
    """What a pass over a journal counted for a destination. `garbage` counts unreadable lines."""

    pending: int = 0
    delivered: int = 0
    refused: int = 0
    without_case: int = 0
    garbage: int = 0
    nodeids: dict[str, str] = field(default_factory=dict)


def pending(
    folder: RunFolder, vendor: Vendor, receipts: Receipts, *, again: bool = False, survey: Survey | None = None
) -> Iterator[Result]:
    """The results to send, in journal order, ready for the vendor: case ids resolved, texts trimmed.

    Of a test that was run again only the last attempt counts, unless the destination wants each. `again` includes what
    was refused before. Counts go to `survey`.
    """
    seen = survey or Survey()
    last = _last_attempts(folder) if vendor.attempts == "last" else {}

    def garbage() -> None:
        seen.garbage += 1

    for result in folder.results(garbage):
        if result.superseded and last.get(result.nodeid, result.attempt) > result.attempt:
            continue
        case_ids = vendor.case_ids(result)
        if result.id in receipts.sent:
            seen.delivered += 1
        elif vendor.wants_case and not case_ids:
            seen.without_case += 1
        elif result.id in receipts.refused and not again:
            seen.refused += 1
            seen.nodeids[result.id] = result.nodeid
        else:
            seen.pending += 1
            yield replace(
                result,
                case_ids=case_ids,
                message=trim(result.message, vendor.max_text),
                traceback=trim(result.traceback, vendor.max_text),
            )


def survey(folder: RunFolder, vendor: Vendor) -> Survey:
    """Counts without sending anything."""
    found = Survey()
    for _ in pending(folder, vendor, folder.receipts(vendor.name), survey=found):
        pass
    return found


def _last_attempts(folder: RunFolder) -> dict[str, int]:
    """Node id -> number of the last attempt, for tests that were run again."""
    found: dict[str, int] = {}
    again: set[str] = set()
    for result in folder.results():
        if result.superseded:
            again.add(result.nodeid)
        if result.nodeid in again:
            found[result.nodeid] = max(result.attempt, found.get(result.nodeid, 0))
    return found
