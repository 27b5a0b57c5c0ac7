"""What became of a run at one destination, and the words for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from .render import count, plain

SHOWN = 10
"""The most refusals, or files left out, that a summary names."""


@dataclass
class Tally:
    """Counts for one destination.

    `delivered`, `kept`, `refused` and `without_case` count results, `before` those that earlier uploads delivered,
    `doubtful` those among the kept that may have arrived; `files` counts what the tool took of what was attached,
    `files_kept` what is still to be sent, `files_left_out` what it does not get; `is_run_open` says that the run
    is still to be completed, `is_left_open` that this is left to others, who may still report into it; `refusals` pairs
    node ids with reasons; `reason` says why anything was kept, `remedy` what a person can do; `may_pass` that it may go
    away by itself.
    """

    name: str
    delivered: int = 0
    before: int = 0
    kept: int = 0
    refused: int = 0
    doubtful: int = 0
    without_case: int = 0
    files: int = 0
    files_kept: int = 0
    files_left_out: int = 0
    run_id: str = ""
    run_url: str = ""
    requests: int = 0
    seconds: float = 0.0
    is_run_open: bool = False
    is_left_open: bool = False
    reason: str = ""
    remedy: str = ""
    may_pass: bool = False
    refusals: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """True where nothing is left to send."""
        return not self.kept and not self.refused and not self.reason

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tally:
        """Reads what `to_json` wrote."""
        return cls(**{**data, "refusals": [tuple(each) for each in data.get("refusals", ())]})


class Line(NamedTuple):
    """A line of the summary; one that `is_loss` says that something was not delivered.

    `command` ends the line, and is to be typed as it stands.
    """

    text: str
    is_loss: bool = False
    command: str = ""

    def masked(self, mask: Callable[[str], str]) -> str:
        """The whole line; no mask of the user's may spoil the command."""
        return mask(self.text) + self.command


def lines(tally: Tally, command: Callable[..., str]) -> Iterable[Line]:
    """The summary of one destination; `command` makes the command line that sends its run again, with options."""
    counts = (
        f"{tally.delivered} delivered, {tally.kept} kept, {tally.refused} refused, {tally.without_case} without case"
    )
    before = f" ({tally.before} before)" if tally.before else ""
    run = " ".join(part for part in (f"run {tally.run_id}" if tally.run_id else "no run", tally.run_url) if part)
    files = of_files(tally.files, tally.files_kept, tally.files_left_out)
    effort = ", ".join([*files, count(tally.requests, "request"), f"{tally.seconds:.1f} s"])
    yield Line(plain(f"{tally.name}: {counts}{before} | {run} | {effort}", 1000), not tally.is_complete)
    for note in tally.notes:
        yield Line(f"  note: {plain(note, 500)}")
    if tally.reason:
        yield Line(f"  reason: {plain(tally.reason, 500)}", is_loss=True)
    if tally.remedy:
        yield Line(f"  what to do: {plain(tally.remedy, 500)}", is_loss=True)
    for nodeid, reason in tally.refusals[:SHOWN]:
        yield Line(f"  refused: {plain(nodeid)}: {plain(reason)}", is_loss=True)
    if len(tally.refusals) > SHOWN:
        yield Line(f"  refused: and {len(tally.refusals) - SHOWN} more", is_loss=True)
    if tally.is_left_open:
        command_line = shlex.join(["tmsreport", "close", tally.name, "--run", plain(tally.run_id)])
        yield Line("  run left open for the other machines; once all are done: ", command=command_line)
    if tally.kept > tally.doubtful or tally.files_kept:
        yield Line("  send the rest: ", is_loss=True, command=command())
    if tally.refused:
        yield Line("  send the refused again, once mended: ", is_loss=True, command=command("--refused"))
    if tally.doubtful:
        text = f"  possibly doubled if re-sent: {count(tally.doubtful, 'result')}; look there, then drop them, or: "
        yield Line(text, is_loss=True, command=command("--even-if-doubled"))


def of_files(taken: int, kept: int, left_out: int) -> list[str]:
    """`3 files`, `1 file kept`, `1 file left out`: what there is of it."""
    numbers = {"": taken, " kept": kept, " left out": left_out}
    return [f"{count(number, 'file')}{words}" for words, number in numbers.items() if number]


def markdown(tallies: Iterable[Tally], command: Callable[..., str], mask: Callable[[str], str] = str) -> str:
    """The summary of all destinations for a page, such as the step summary of GitHub Actions."""
    rows = ["### Test management", "", "| destination | delivered | kept | refused | without case | files | run |"]
    rows.append("|---|---|---|---|---|---|---|")
    told = []
    for tally in tallies:
        run = f"[{_cell(tally.run_id)}]({tally.run_url})" if tally.run_url else _cell(tally.run_id)
        counts = f"{tally.delivered} | {tally.kept} | {tally.refused} | {tally.without_case} | {tally.files}"
        rows.append(f"| {tally.name} | {counts} | {run} |")
        told += [line.masked(mask).strip() for line in lines(tally, command)][1:]
    return "\n".join([*rows, *(["", *(f"- {_cell(text)}" for text in told)] if told else [])]) + "\n\n"


def _cell(text: str) -> str:
    """A stranger's words, made safe for a table of Markdown."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", plain(text, 500))
