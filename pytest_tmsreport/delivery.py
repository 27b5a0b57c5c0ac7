"""The end of a session: starts the sender, watches it, and counts what became of the run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .config import Config
from .errors import JournalError
from .journal import RunFolder
from .pending import survey
from .sender import LOG, Origin, Sender, job
from .tally import Tally
from .vendor import Vendor

if TYPE_CHECKING:
    from .background import Background


@dataclass
class Outcome:
    """A tally for each destination; of a dry run, the requests that would have been sent, in lines."""

    tallies: list[Tally] = field(default_factory=list)
    rehearsed: list[str] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """The destinations that have a tally."""
        return {tally.name for tally in self.tallies}


def stream(wanted: Config, folder: Path, origin: Origin) -> Background | None:
    """Starts a sender that delivers while tests run; None where there is nothing to send to. Raises OSError."""
    if not wanted.destinations:
        return None
    from .background import Background  # noqa: PLC0415 - few sessions stream

    settings = wanted.settings
    work = job(wanted.destinations, settings, secrets=wanted.secrets)
    return Background(folder, origin, work, settings.deadline_s, settings.stream_s)


def deliver(  # noqa: PLR0913 - all that it takes
    config: pytest.Config,
    wanted: Config,
    folder: RunFolder,
    origin: Origin,
    background: Background | None = None,
    *,
    rehearse: bool,
) -> Outcome:
    """Sends a run folder by a child process and waits for it, at most `deadline_s`.

    One that has been at work in the `background` is waited for instead; what it leaves by an early end is sent as well.
    Whatever happens to the sender, each destination has a tally: what is not known to be delivered counts as kept.
    """
    found = Outcome()
    progress = _Progress(config)
    why = _watch(background, found, progress) if background else ""
    rest = [vendor for vendor in wanted.destinations if vendor.name not in found.names]
    if rest and not why:
        try:
            work = job(rest, wanted.settings, secrets=wanted.secrets, rehearse=rehearse)
            sender = Sender(folder.path, origin, work, wanted.settings.deadline_s)
        except OSError as error:
            why = f"the sender cannot be started: {error}"
        else:
            why = _watch(sender, found, progress)
    for tally in found.tallies:  # all of it in this session
        tally.delivered, tally.before = tally.delivered + tally.before, 0
        if background and any(tally.name == vendor.name for vendor in rest):
            tally.notes.append(
                "the sender in the background ended early; what it left was sent when the tests had ended"
            )
    found.tallies += [_counted(folder, vendor, why) for vendor in rest if vendor.name not in found.names]
    return found


def _watch(sender: Sender, found: Outcome, progress: _Progress) -> str:
    """Follows a sender to its end; returns why it did not end well."""
    why = ""
    try:
        for event in sender.events():
            found.tallies += [Tally.from_json(each) for each in event.get("tallies", ())]
            found.rehearsed += event.get("rehearsed", ())
            progress.add(event.get("done", 0))
    except KeyboardInterrupt:
        why = "interrupted while sending"
    finally:
        progress.clear()
        stopped = sender.stop()
    return why or stopped


def _counted(folder: RunFolder, vendor: Vendor, why: str) -> Tally:
    log = folder.path / LOG
    has_words = log.exists() and log.stat().st_size > 0  # an empty one is about to be removed
    remedy = f"see {log}" if has_words else ""
    tally = Tally(vendor.name, reason=why or "the sender ended without a word", remedy=remedy)
    try:
        counts = survey(folder, vendor)
        receipts = folder.receipts(vendor.name)
    except JournalError as error:
        tally.reason = f"{tally.reason}; {error}"
        return tally
    tally.delivered, tally.kept, tally.doubtful = counts.delivered, counts.pending + counts.doubtful, counts.doubtful
    tally.refused, tally.without_case = counts.refused, counts.without_case
    tally.files_kept = sum(len(result.attachments) for result in counts.files_due)
    tally.run_id = vendor.run_id or receipts.run_id
    return tally


class _Progress:
    """A live line on a terminal, and nothing elsewhere."""

    def __init__(self, config: pytest.Config) -> None:
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        is_wanted = terminal is not None and terminal.isatty and config.get_verbosity() >= 0
        self._terminal = terminal if is_wanted else None
        self._done = 0
        self._shown = -1

    def add(self, done: int) -> None:
        self._done += done
        if self._terminal and self._done != self._shown:
            self._shown = self._done
            self._terminal.rewrite(f"tmsreport: {self._done} delivered, still sending …", erase=True)

    def clear(self) -> None:
        if self._terminal:
            self._terminal.rewrite("", erase=True)


def kept(names: Iterable[str], count: int, reason: str) -> list[Tally]:
    """The tallies of destinations that are turned off."""
    return [Tally(name, kept=count, reason=reason) for name in names]
