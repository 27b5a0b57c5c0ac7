"""What is still to be sent: results less receipts, for one destination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .aggregate import part_id
from .journal import Receipts, RunFolder
from .model import Attachment, Result, changed
from .render import trim
from .vendor import Vendor


@dataclass
class Survey:
    """What a pass over a journal counted for a destination.

    `doubtful` results may have arrived, `garbage` counts unreadable lines, `ignored` are left out by a mark of the
    tool's own plugin, `left_out` counts what the tool is not told of, by the reason, `refusals` pairs node ids
    with reasons; `files_due` are delivered results with those of their files that are not.
    """

    pending: int = 0
    delivered: int = 0
    refused: int = 0
    doubtful: int = 0
    without_case: int = 0
    garbage: int = 0
    ignored: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    files_due: list[Result] = field(default_factory=list)


def pending(  # noqa: PLR0913 - what is asked for, and where counts go
    folder: RunFolder,
    vendor: Vendor,
    receipts: Receipts,
    *,
    again: bool = False,
    even_if_doubled: bool = False,
    survey: Survey | None = None,
    part: tuple[int, int] | None = None,
) -> Iterator[tuple[int, Result]]:
    """The results to send, each after its place in the journal, ready for the vendor: case ids resolved, texts trimmed.

    They come in the journal's order, but for attempts whose successor never came: those are the last.
    Of a test that was run again only the last attempt counts, unless the destination wants each. `again` includes what
    was refused before, `even_if_doubled` what may have arrived. Counts go to `survey`. Of a session that still runs
    a `part` of the journal can be asked for (bytes, at ends of lines), without what has to wait for its end.
    """
    seen = survey or Survey()
    is_one = vendor.aggregate == "each"
    needs_case = vendor.wants_case and not vendor.can("resolve")
    for place, result in _of_this_tool(folder, vendor, seen, part):
        case_ids = vendor.case_ids(result)
        ids = [result.id]
        if len(case_ids) > 1 and not is_one:
            ids = [part_id(result.id, case) for case in case_ids]
        if receipts.sent.issuperset(ids):
            seen.delivered += 1
            if vendor.files == "after" and result.attachments:
                parts = (replace(result, id=each, case_ids=case_ids) for each in ids)
                seen.files_due += [due for part in parts if (due := _with_files_due(part, receipts)).attachments]
        elif not case_ids and needs_case:
            seen.without_case += 1
        elif receipts.refused and not again and not receipts.refused.keys().isdisjoint(ids):
            seen.refused += 1
            seen.refusals.append(
                (result.nodeid, next(receipts.refused[each] for each in ids if each in receipts.refused))
            )
        elif receipts.sending and not even_if_doubled and not receipts.sending.isdisjoint(ids) and is_doubtful(vendor):
            seen.doubtful += 1
        else:
            seen.pending += 1
            yield place, ready(vendor, result, case_ids)


def ready(vendor: Vendor, result: Result, case_ids: tuple[str, ...]) -> Result:
    """A result as the vendor is to see it: with its case ids, and its texts trimmed."""
    changes: dict[str, Any] = {"case_ids": case_ids} if case_ids != result.case_ids else {}
    if len(result.message) > vendor.max_text or len(result.traceback) > vendor.max_text:
        changes["message"] = trim(result.message, vendor.max_text)
        changes["traceback"] = trim(result.traceback, vendor.max_text)
    return changed(result, **changes) if changes else result


def _of_this_tool(
    folder: RunFolder, vendor: Vendor, seen: Survey, part: tuple[int, int] | None
) -> Iterator[tuple[int, Result]]:
    """The results that are meant for the tool: the attempts that count for it, and what no mark keeps from it."""
    leaves_out = vendor.leaves_out if vendor.can("leaves_out") else None
    for place, result in _attempts(folder, vendor, seen, part):
        if result.ignored_by and set(result.ignored_by).intersection(vendor.dialects):
            seen.ignored += 1
        elif leaves_out and (why := leaves_out(result)):
            seen.left_out[why] += 1
        else:
            yield place, result


def _attempts(
    folder: RunFolder, vendor: Vendor, seen: Survey, part: tuple[int, int] | None
) -> Iterator[tuple[int, Result]]:
    """The attempts that count for the tool: where that is the last one, a superseded one is put off to the end."""

    def garbage() -> None:
        seen.garbage += 1

    put_off: list[tuple[int, str, int]] = []
    last: dict[str, int] = {}  # of the tests that were run again
    takes_last = vendor.attempts == "last"
    for place, result in folder.placed(garbage, part):
        if part and _is_early(result, vendor):
            continue
        if takes_last and result.attempt > 1:
            last[result.nodeid] = max(result.attempt, last.get(result.nodeid, 0))
        if takes_last and result.superseded:
            put_off.append((place, result.nodeid, result.attempt))
        else:
            yield place, result
    places = [place for place, nodeid, attempt in put_off if last.get(nodeid, 0) <= attempt]
    yield from zip(places, folder.at(places), strict=True)


def _is_early(result: Result, vendor: Vendor) -> bool:
    """True for what waits for the end of the session: another attempt follows, or its case is still to be found."""
    is_followed = result.superseded and vendor.attempts == "last"
    return is_followed or (vendor.can("resolve") and not vendor.case_ids(result))


def is_doubtful(vendor: Vendor) -> bool:
    """True for a tool that neither knows a result again nor tells whether it has one."""
    return not vendor.is_repeatable and not vendor.can("received")


def file_key(result: Result, attachment: Attachment) -> str:
    """What the receipt of a file names where files go to their results."""
    return f"{result.id}:{attachment.sha256}"


def _with_files_due(result: Result, receipts: Receipts) -> Result:
    due = (each for each in result.attachments if file_key(result, each) not in receipts.attached)
    return replace(result, attachments=tuple(due))


def survey(folder: RunFolder, vendor: Vendor) -> Survey:
    """Counts without sending anything."""
    found = Survey()
    for _ in pending(folder, vendor, folder.receipts(vendor.name), survey=found):
        pass
    return found
