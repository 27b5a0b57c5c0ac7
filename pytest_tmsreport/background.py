"""A sender that delivers while tests run, and that they cannot notice.

It is no child of the process that runs tests, so that nobody can wait for it, and outlives that process. The lock on
its log, which the system drops when it ends, tells whether it still runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from .journal import hold, is_held
from .sender import BOOT, LOG, LOOK_S, Origin, Process, Sender, own_group
from .stream import STOP

START_S = 60.0
"""How long an interpreter may take to start."""

_LEAVE = """
import os
number = os.fork()
if number:
    os.write(1, b"%d" % number)
    os._exit(0)
os.dup2(2, 1)
"""
"""Leaves a process of another parent behind, and tells its number."""


class Background(Sender):
    """A sender that follows the journal of this process, part after part, until that has ended.

    Where a session is over, `events` and `stop` are as those of any sender.
    """

    def __init__(  # noqa: PLR0913 - what it is to do, and time
        self,
        folder: Path,
        origin: Origin,
        job: Mapping[str, Any],
        deadline_s: float,
        stream_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Starts it; a result waits at most `stream_s` seconds for others. Raises OSError where that cannot be done."""
        work = {**job, "session": os.getpid(), "stream_s": stream_s}
        super().__init__(folder, origin, work, deadline_s, clock=clock, sleep=sleep)

    def _start(self, origin: Origin, log: IO[bytes], line: bytes) -> Process:
        if sys.platform == "win32":  # no process there waits for any child, but for those it names
            process = super()._start(origin, log, line)
            self._pipe.close()
            return process
        hold(log.fileno())  # what it inherits keeps the lock when this process closes its own
        starter = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            origin.command(_LEAVE + BOOT),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=self._folder,
            env=dict(origin.environ),
            **own_group(),
        )
        try:
            number, _ = starter.communicate(line, START_S)
        except subprocess.TimeoutExpired as error:
            starter.kill()
            starter.communicate()
            raise OSError(f"{origin.executable} does not start") from error
        if not number.isdigit():
            raise OSError(self._last_words())
        return _Stranger(int(number), self._folder / LOG, self._clock, self._sleep)

    def _ask_to_end(self) -> None:
        (self._folder / STOP).touch(mode=0o600)


class _Stranger:
    """Somebody else's child, known by its number and the file that it holds as long as it lives."""

    def __init__(self, pid: int, held: Path, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.pid = pid
        self._held = held
        self._clock = clock
        self._sleep = sleep

    def poll(self) -> int | None:
        """None while it runs; how it ended is not known."""
        return None if is_held(self._held) else 0

    def wait(self, timeout: float) -> int:
        ends = self._clock() + timeout
        while self.poll() is None:
            if self._clock() > ends:
                raise subprocess.TimeoutExpired("sender", timeout)
            self._sleep(LOOK_S)
        return 0

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, kind: signal.Signals) -> None:
        if self.poll() is None:  # else the number may be another's by now
            with suppress(ProcessLookupError):
                os.kill(self.pid, kind)
