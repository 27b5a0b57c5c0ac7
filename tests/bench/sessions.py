"""Sessions of pytest, and what they cost: instructions under valgrind, seconds, memory.

Instructions are those of user space, as cachegrind counts them: its count is callgrind's to 0.2 %, in half the time.
They do not depend on what else the machine does, and repeat to 0.1 %. What a process does while it waits for another
does depend on it. So where instructions are counted, valgrind slows down nothing but pytest, and its `time.sleep`
returns when a child has ended, and not before: waiting for the sender takes two looks, for one second as for sixty.
The sender is counted, and its memory taken, in a session of its own, in which `sys.executable` is a program that starts
it so; pytest itself is not slowed then.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .peers import FOREIGN
from .reporters import Reporter

VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
SENDER = "*pytest_tmsreport/__init__.py"
"""What stands among the arguments of a sender, and of no other process."""
LEFT = (".tmsreport", ".pytest_cache", "allure", "assets", "junit.xml", "report.html", "report.json", "counts")
"""What sessions leave in a suite's folder."""
MOST_S = 3600
_COUNTED = """#!/bin/sh
exec {valgrind} --log-file={counts}/%p {python} "$@"
"""
_WEIGHED = """#!{python} -IS
import os, sys
number = os.posix_spawn({python!r}, [{python!r}, *sys.argv[1:]], os.environ)
_, status, used = os.wait4(number, 0)
with open({notes!r}, "w") as file:
    file.write(f"{{used.ru_maxrss}} {{used.ru_utime + used.ru_stime}}")
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""


class CannotMeasureError(Exception):
    """A session cannot be measured here, or has broken; the text says why."""


@dataclass(frozen=True)
class Session:
    """A reporter, on or off, at a suite: the session to be measured, again and again.

    `url` is that of its stand-in. `python` is its own unless another is given.
    """

    reporter: Reporter
    folder: Path
    url: str = ""
    is_on: bool = True
    options: tuple[str, ...] = ()
    python: Path | None = None

    @property
    def _python(self) -> Path:
        return self.python or self.reporter.python

    def instructions(self, *, with_workers: bool = False) -> int:
        """What pytest executes, also in its workers if so; its sender is never counted. Raises CannotMeasureError."""
        counts = self._warmed()
        traced = ("--trace-children=yes", f"--trace-children-skip-by-arg={SENDER}", "--trace-children-skip=*/git")
        valgrind = (*VALGRIND, f"--log-file={counts}/%p", *(traced if with_workers else ()))
        self._run(*valgrind, *self._command(), BENCH_WAITS="1")
        return sum(_counts(counts))

    def instructions_between(self, first: int, last: int) -> int:
        """What pytest executes from the start of one test to that of another. Raises CannotMeasureError.

        It is quicker than two suites, and leaves out what is done for a test before and after all of them.
        """
        counts = self._prepared()
        self._run(*VALGRIND, f"--log-file={counts}/%p", *self._command(), BENCH_COUNTED=f"{first} {last}")
        before, after, _ = sorted(_counts(counts))
        return after - before

    def instructions_of_sender(self) -> int:
        """What the sender executes, by the end of the session. Raises CannotMeasureError."""
        counts = self._warmed()
        text = _COUNTED.format(valgrind=" ".join(VALGRIND), counts=counts, python=self._python)
        self._run(*self._command(), BENCH_SENDER=self._program(text))
        return sum(_counts(counts))

    def seconds(self) -> float:
        """How long it takes."""
        self._prepared()
        began = time.perf_counter()
        self._run(*self._command())
        return time.perf_counter() - began

    def cost(self, *, with_trace: bool = False) -> Cost:
        """What else it costs, from one session. Linux only. `with_trace` also has Python sum up what it allocates."""
        counts = self._prepared()
        inside, sender = counts / "inside", counts / "sender"
        program = self._program(_WEIGHED.format(python=str(self._python), notes=str(sender)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        traced = {"PYTHONTRACEMALLOC": "1"} if with_trace else {}
        self._run(*self._command(), BENCH_SENDER=program, BENCH_NOTES=str(inside), **traced)
        ended = time.time()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        known = json.loads(inside.read_text(encoding="utf-8"))
        of_sender = sender.read_text(encoding="ascii").split() if sender.exists() else ("0", "0")
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        journal = next((self.folder / ".tmsreport").glob("*/results.jsonl"), None)
        return Cost(
            peak_mib=known["peak_mib"],
            traced_peak=known["traced_peak"],
            sender_mib=int(of_sender[0]) / 1024,
            cpu_s=cpu_s - float(of_sender[1]),
            sender_cpu_s=float(of_sender[1]),
            modules=frozenset(known["modules"]),
            passing_bytes=_passing_bytes(journal) if journal else 0.0,
            files=sum(1 for path in journal.parent.rglob("*") if path.is_file()) if journal else 0,
            last_test=known["last_test"],
            ended=ended,
        )

    def _warmed(self) -> Path:
        """As below, once all that is compiled has been compiled, by a session that nobody looks at."""
        self._prepared()
        self._run(*self._command())
        return self._prepared()

    def _prepared(self) -> Path:
        """Clears what sessions before have left, and returns the folder for what is counted."""
        for name in LEFT:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for name, text in self.reporter.files.items() if self.is_on else ():
            (self.folder / name).write_text(text.replace("{url}", self.url), encoding="utf-8")
        counts = self.folder / "counts"
        counts.mkdir()
        return counts

    def _program(self, text: str) -> str:
        path = self.folder / "counts" / "program"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o700)
        return str(path)

    def _command(self) -> list[str]:
        on = self.reporter.on if self.is_on else ()
        inside = ("-pbench_inside",)
        return [str(self._python), "-m", "pytest", "-q", *inside, *self.reporter.loading, *on, *self.options]

    def _run(self, *command: str, **variables: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        own = self.reporter.environ(self.url) if self.is_on else {}
        fixed = {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONHASHSEED": "0",
            "NO_PROXY": "127.0.0.1",
        }
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={**kept, **fixed, **own, **variables},
                capture_output=True,
                text=True,
                timeout=MOST_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise CannotMeasureError(f"{command[0]} is not installed") from error
        if done.returncode not in (0, 1):  # 1: tests have failed
            raise CannotMeasureError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")


class Cost(NamedTuple):
    """What a session cost: CPU time without the sender, and its own; likewise the most memory; what it left."""

    peak_mib: float
    traced_peak: int
    sender_mib: float
    cpu_s: float
    sender_cpu_s: float
    modules: frozenset[str]
    passing_bytes: float
    files: int
    last_test: float
    ended: float


def _passing_bytes(journal: Path) -> float:
    """The bytes of a line that is about a test that has passed."""
    with journal.open("rb") as file:
        sizes = [len(line) for line in file if b'"outcome":"passed"' in line.replace(b'": "', b'":"')]
    return sum(sizes) / len(sizes) if sizes else 0.0


def is_countable() -> bool:
    """Whether there is a valgrind."""
    return shutil.which(VALGRIND[0]) is not None


def span(values: list[float], digits: int = 0) -> str:
    """The median, with the least and the most where there are several."""
    middle = f"{median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def place() -> tempfile.TemporaryDirectory[str]:
    """A folder for suites."""
    return tempfile.TemporaryDirectory(prefix="bench-")


def _counts(counts: Path) -> list[int]:
    """The count of each process. Raises CannotMeasureError where there is none."""
    found = [re.search(r"I +refs: +([\d,]+)", path.read_text("utf-8", "replace")) for path in counts.glob("[0-9]*")]
    numbers = [int(match[1].replace(",", "")) for match in found if match]
    if not numbers:
        raise CannotMeasureError("valgrind has counted nothing")
    return numbers
