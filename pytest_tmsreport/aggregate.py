"""Several tests of one case -> one result, for tools that keep one result a case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Literal

from .model import Outcome, Result

WORST_FIRST = (
    Outcome.ERROR,
    Outcome.FAILED,
    Outcome.XPASSED,
    Outcome.PASSED,
    Outcome.XFAILED,
    Outcome.SKIPPED,
)


def split(results: Iterable[Result]) -> list[Result]:
    """One result for each case of each test; `id/case` where a test has several."""
    return [
        result if len(result.case_ids) < 2 else replace(result, id=part_id(result.id, case), case_ids=(case,))
        for result in results
        for case in (result.case_ids or ("",))  # one without a case stays as it is
    ]


def part_id(result_id: str, case: str) -> str:
    """The id of what a test with several cases says of one of them."""
    return f"{result_id}/{case}"


def merge(results: Iterable[Result], how: Literal["worst", "last"]) -> list[Result]:
    """One result a case of what `split` made, in the order of the cases; its `parts` are what it stands for."""
    by_case: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        by_case.setdefault(result.case_ids or (result.id,), []).append(result)
    return [parts[0] if len(parts) == 1 else _merged(parts, how) for parts in by_case.values()]


def _merged(parts: list[Result], how: Literal["worst", "last"]) -> Result:
    chosen = parts[-1] if how == "last" else min(parts, key=lambda part: WORST_FIRST.index(part.outcome))
    others = [f"{part.outcome.value}: {name_of(part)}" for part in parts if part is not chosen]
    attachments = {each.sha256: each for each in chain.from_iterable(part.attachments for part in parts)}
    return replace(
        chosen,
        message="\n".join([*([chosen.message] if chosen.message else []), *others]),
        start=min(part.start for part in parts),
        duration=sum(part.duration for part in parts),
        attachments=tuple(attachments.values()),
        parts=tuple(parts),
    )


def name_of(result: Result) -> str:
    """A test among others of its case: its title and its parameters."""
    values = ", ".join(f"{name}={value}" for name, value in result.parameters.items())
    return f"{result.title}[{values}]" if values else result.title
