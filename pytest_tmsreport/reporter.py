"""What listens in the only process, or in xdist's controller: it journals, has it sent, and sums up."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .callers import Callers
from .clock import make_clock
from .collector import CAPTURED, Closed, Collector, Record, Told, clean, fitted, result_ids, shortened
from .config import Config, good_sets
from .delivery import Outcome, deliver, kept, stream
from .errors import TooLong
from .guard import Guard
from .journal import Journal, RunFolder, encode, line_of, new_id, prune, record_of
from .model import Outcome as Verdict
from .model import Result, Run, to_json
from .naming import new_run
from .render import count, plain, trim, without_escapes
from .sender import LOG, PROGRESS, Origin
from .sources import find_root
from .stream import STOP
from .tally import SHOWN, Line, Tally, lines, markdown
from .witness import Witness, carried, last_note

if TYPE_CHECKING:
    from .background import Background

EXIT_LOSS = 10
"""The exit status of a session that is green but for what was not delivered, under `on_loss = fail`."""


BAD = {outcome.value for outcome in Verdict if outcome.is_bad}


class Reporter:
    """Journals what it hears, has it sent when the session ends, and says what became of it."""

    def __init__(self, config: pytest.Config, wanted: Config, origin: Origin, guard: Guard, *, rehearse: bool) -> None:
        self._config = config
        self._wanted = wanted
        self._origin = origin
        self._guard = guard
        self._rehearse = rehearse
        self._clock = make_clock()
        self._start = self._clock() / 1e6
        self._run_id = new_id(self._start)
        self._base = config.rootpath / wanted.settings.folder
        self.folder = self._base / self._run_id
        self._collector = Collector(result_ids(), self._clock, carried, self._noted)
        self._journal: Journal | None = None
        self._sender: Background | None = None
        self._callers = Callers(config)
        self._written = self._lost = 0
        self._missed: set[str] = set()
        self._repeated: set[str] = set()  # tests whose attempts so far are all followed by another
        self._unattached: list[str] = []
        self._outcome: Outcome | None = None
        self._is_over = self._is_said = self._is_unkeyed = False
        self._summary: list[Line] = []

    def ask(self, witness: Witness) -> None:
        """Asks it of the tests that run in this process."""
        self._collector.said = witness.said

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        settings = self._wanted.settings
        with self._guard("opening the journal"):
            self._callers.freeze()
            root, environ, mask = self._config.rootpath, self._origin.environ, self._wanted.mask
            run = new_run(self._run_id, self._start, settings, environ, root, mask=mask)
            changed = self._callers.apply("pytest_tmsreport_run", "run", run, self._guard) or run
            self._is_unkeyed = bool(settings.run_key) and not changed.key
            masked = Run.from_json(clean(json.loads(encode(changed)), mask))
            self._journal = Journal(self.folder, masked, self._wanted.wanted)
        with self._guard("starting the sender in the background"):
            if self._journal and not self._rehearse and (self._config.option.tms_stream or settings.stream):
                self._sender = stream(self._wanted, self.folder, self._origin)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """What is wrong is said before the first test, however quiet the session, and again in the summary."""
        with self._guard("saying what is wrong with the settings"):
            terminal = self._config.pluginmanager.get_plugin("terminalreporter")
            for name, error in self._wanted.problems.items():
                text = plain(self._wanted.mask(str(error)), 500)
                if terminal is not None:
                    terminal.write_line(f"tmsreport: {name or 'settings'}: {text}", red=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["tmsreport"] = {"folder": str(self.folder)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self._collector.expect(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        for note in getattr(node, "workeroutput", {}).get("tmsreport", ()):
            self._guard.note(note)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        with self._guard("listing the tests"):
            if session.items:  # xdist's controller has none of its own
                self._collector.expect([item.nodeid for item in session.items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self._hear("hearing of a module", report, self._collector.take_module)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._hear("hearing of a test", report, self._collector.take)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        self._finish(int(exitstatus))
        if int(session.exitstatus) == 0 and self._wanted.settings.on_loss == "fail" and self._has_loss():
            session.exitstatus = EXIT_LOSS

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        with self._guard("writing the summary"):
            is_red = self._wanted.settings.on_loss != "ignore"
            terminalreporter.write_sep("=", "test management")
            for line in self._summary:
                terminalreporter.write_line(line.text, red=line.is_loss and is_red)
            self._is_said = True

    def pytest_unconfigure(self) -> None:
        """Speaks where nothing has called for a summary: no terminal plugin, `pytest.exit`, an internal error."""
        self._finish(int(pytest.ExitCode.INTERNAL_ERROR))
        if self._is_said:
            return
        with self._guard("writing the summary"):
            terminal = self._config.pluginmanager.get_plugin("terminalreporter")
            for line in self._summary:
                if terminal is not None:
                    terminal.write_line(line.text)
                else:
                    sys.stderr.write(f"{line.text}\n")

    def _finish(self, exitstatus: int) -> None:
        if self._is_over:
            return
        self._is_over = True
        not_run = self._collector.not_run()
        for unfinished in self._collector.unfinished():
            self._hear("ending a test", unfinished, lambda each: each.end())
        self._lost += len(self._missed)
        self._written += len(self._repeated)
        with self._guard("ending the journal"):
            not_run = self._collector.not_run()
            for note in self._callers.late():
                self._guard.note(note)
            if self._journal:
                self._journal.end(exitstatus=exitstatus, not_run=[self._wanted.mask(nodeid) for nodeid in not_run])
        with self._guard("sending"):
            self._outcome = self._deliver()
        with self._guard("summing up"):
            self._summary = [Line(line.masked(self._wanted.mask), line.is_loss) for line in self._sum_up(not_run)]
        with self._guard("writing the step summary"):
            self._tell_github()
        with self._guard("tidying up"):
            self._tidy()

    def _hear(self, doing: str, heard: Any, take: Callable[[Any], Iterable[Closed]]) -> None:
        """Journals the attempts that are now over; where that fails, and no more comes of the test, it is lost."""
        try:
            for closed in take(heard):
                self._record(closed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the tests go on
            self._guard.failed(doing, error)
            self._missed.add(heard.nodeid)

    def _record(self, closed: Closed) -> None:
        record = self._kept(closed)
        if self._callers.listen("pytest_tmsreport_result"):
            result = Result.from_json(json.loads(line_of(record)))
            changed = self._callers.apply("pytest_tmsreport_result", "result", result, self._guard)
            record = record_of(changed) if changed else {}
        if self._missed:
            self._missed.discard(closed.record["nodeid"])
        if not record:
            return
        self._lost += 1
        if self._journal is not None:
            try:
                self._write(self._journal, fitted(clean(record, self._wanted.mask)))
            except Exception as error:  # noqa: BLE001 - whatever it is, the tests go on
                self._guard.failed("journalling a result", error)
            else:
                self._count(record)

    def _count(self, record: Record) -> None:
        self._lost -= 1
        if record.get("superseded"):
            self._repeated.add(record["nodeid"])
        else:
            self._written += 1
            if self._repeated:
                self._repeated.discard(record["nodeid"])

    def _write(self, journal: Journal, record: Record) -> None:
        """Of what is too long for a line there is less in it."""
        try:
            return journal.append(record)
        except TooLong as error:
            why = error
        for form in shortened(record):
            with suppress(TooLong):
                return journal.append(form)
        raise why

    def _kept(self, closed: Closed) -> Record:
        """The record, its files stored, with what its test printed as text files."""
        record, captured, travelled, unattached = closed
        is_bad = record["outcome"] in BAD
        settings = self._wanted.settings
        if unattached:
            self._unattached += [f"{record['nodeid']}: {text}" for text in unattached]
        if settings.attach == "failed" and not is_bad:
            record.pop("attachments", None)
            travelled = ()
        for file, content in travelled:
            with self._guard("storing a file from another machine"):
                if self._journal:
                    self._journal.attach(file.name, file.mime, content)
        is_wanted = captured and (settings.capture == "all" or (settings.capture == "failed" and is_bad))
        if is_wanted and self._journal is not None:
            attachments = list(record.get("attachments", ()))
            for name, text in captured:
                with self._guard("keeping what a test printed"):
                    content = trim(clean(without_escapes(text), self._wanted.mask), CAPTURED).encode()
                    attachments.append(to_json(self._journal.attach(f"{name}.txt", "text/plain", content)))
            record["attachments"] = attachments
        return record

    def _noted(self, worker: str, nodeid: str) -> Told:
        path = self.folder / f"{worker}.json"
        if not path.exists():
            self._guard.note(
                f"{nodeid}: {worker} died on a machine that shares no folder, so that its marks are not known"
            )
        found = last_note(path)
        return found[1] if found and found[0] == self._wanted.mask(nodeid) else {}

    def _deliver(self) -> Outcome:
        problems = self._wanted.problems
        off = list(self._wanted.wanted) if "" in problems else list(problems)
        outcome = Outcome(
            [tally for name in off for tally in kept([name], self._written, str(problems.get(name) or problems[""]))]
        )
        if not self._written or self._journal is None:
            outcome.tallies += [Tally(vendor.name) for vendor in self._wanted.destinations]
            if self._sender:
                self._sender.stop()
            return outcome
        folder = RunFolder(self.folder)
        found = deliver(self._config, self._wanted, folder, self._origin, self._sender, rehearse=self._rehearse)
        return Outcome(outcome.tallies + found.tallies, found.rehearsed)

    def _has_loss(self) -> bool:
        if self._rehearse:
            return False
        is_complete = self._outcome is not None and all(tally.is_complete for tally in self._outcome.tallies)
        return self._lost > 0 or not is_complete

    def _sum_up(self, not_run: list[str]) -> Iterator[Line]:
        outcome = self._outcome or Outcome()
        yield from map(Line, outcome.rehearsed)
        if "" in self._wanted.problems:
            yield from self._of_settings(self._wanted.problems[""], is_homeless=not outcome.tallies)
        for tally in outcome.tallies:
            if self._rehearse and not tally.reason:
                yield Line(f"{tally.name}: dry run: nothing is sent")
            else:
                yield from lines(tally, self._command)
        yield from self._of_session(not_run)

    def _of_session(self, not_run: list[str]) -> Iterator[Line]:
        """What is to be said whichever destinations there are."""
        if self._is_unkeyed:
            yield Line(
                f"note: {self._wanted.settings.run_key!r} has an empty hole here, so that the run is shared with none"
            )
        if self._lost:
            yield Line(f"LOST: {count(self._lost, 'result')} could not be written to the journal", is_loss=True)
        if self._collector.ignored:
            yield Line(f"left out by their marks: {count(self._collector.ignored, 'test')}")
        yield from (Line(f"not attached: {plain(text)}", is_loss=True) for text in self._unattached[:SHOWN])
        if len(self._unattached) > SHOWN:
            yield Line(f"not attached: and {count(len(self._unattached) - SHOWN, 'more file')}", is_loss=True)
        for nodeid, wrong in self._collector.wrong.items():
            yield Line(f"wrong mark: {plain(nodeid)}: {plain('; '.join(wrong), 500)}", is_loss=True)
        if not_run:
            shown = ", ".join(plain(nodeid, 120) for nodeid in not_run[:3])
            more = f" and {len(not_run) - 3} more" if len(not_run) > 3 else ""
            yield Line(f"never ran: {count(len(not_run), 'test')}: {shown}{more}")
        for text, times in self._guard.notes.items():
            yield Line(f"note: {plain(text, 500)}{f' ({times} times)' if times > 1 else ''}", is_loss=True)

    def _of_settings(self, problem: Exception, *, is_homeless: bool) -> Iterator[Line]:
        """What is wrong with all of the settings; where they name no destination, how to send what was journalled."""
        yield Line(f"settings: {plain(str(problem), 500)}", is_loss=True)
        if self._written and is_homeless:
            text = f"  {count(self._written, 'result')} kept; once mended, for each destination"
            yield Line(f"{text}: ", is_loss=True, command=self._command("--to", "NAME"))

    def _tell_github(self) -> None:
        """On GitHub Actions the summary stands on the page of the job, too."""
        path = self._origin.environ.get("GITHUB_STEP_SUMMARY")
        if path and self._outcome and self._outcome.tallies and not self._rehearse:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown(self._outcome.tallies, self._command, self._wanted.mask))

    def _command(self, *options: str) -> str:
        """The command line that sends this run again, to be typed where pytest was."""
        here = self._config.invocation_params.dir
        program = ["tmsreport"] if shutil.which("tmsreport") else [sys.executable, "-m", "pytest_tmsreport"]
        root = [] if find_root(here) == self._config.rootpath else ["--rootdir", str(self._config.rootpath)]
        good = good_sets(self._wanted, self._config.rootpath, self._origin.environ)
        sets = [part for each in good for part in ("--set", each)]
        folder = str(self.folder)
        with suppress(ValueError):  # another drive
            folder = os.path.relpath(folder, here)
        return shlex.join([*program, "send", *root, *sets, *options, folder])

    def _tidy(self) -> None:
        leftovers = [*self.folder.glob("gw*.json"), self.folder / PROGRESS, self.folder / STOP]
        log = self.folder / LOG
        if log.exists() and not log.stat().st_size:
            leftovers.append(log)
        for path in leftovers:
            path.unlink(missing_ok=True)
        if self._journal and (self._rehearse or not self._written):
            shutil.rmtree(self.folder, ignore_errors=True)
        prune(self._base)
