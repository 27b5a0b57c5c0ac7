"""Several tests of one case -> one result, for tools that keep one result a case."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from .model import Outcome, Result, changed

WORST_FIRST = (
    Outcome.ERROR,
    Outcome.FAILED,
    Outcome.XPASSED,
    Outcome.PASSED,
    Outcome.XFAILED,
    Outcome.SKIPPED,
)


def part(result: Result, case: str) -> Result:
    """What a test says of one of its cases: where it has several, under an id of its own."""
    return changed(result, id=part_id(result.id, case), case_ids=(case,)) if len(result.case_ids) > 1 else result


def part_id(result_id: str, case: str) -> str:
    """The id of what a test with several cases says of one of them."""
    return f"{result_id}/{case}"


def merge(parts: Sequence[Result], how: Literal["worst", "last"]) -> Result:
    """One result of all that tests say of a case, in the order in which they ended; they are its `parts`."""
    if len(parts) == 1:
        return parts[0]
    chosen = parts[-1] if how == "last" else min(parts, key=lambda part: WORST_FIRST.index(part.outcome))
    others = [f"{part.outcome.value}: {name_of(part)}" for part in parts if part is not chosen]
    attachments = {each.sha256: each for each in chain.from_iterable(part.attachments for part in parts)}
    return changed(
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
