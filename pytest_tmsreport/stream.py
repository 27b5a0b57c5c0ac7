"""While tests run: the sender follows the journal as it grows, and sends it part by part."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable

from .journal import RunFolder
from .tally import Tally
from .vendor import Vendor

LOOK_S = 0.1
"""How often the journal is looked at."""
STOP = "stop"
"""A file of the run folder: where it is, the session wants the sender to end."""


class Session:
    """A session that writes a journal, seen from the process that sends it.

    `pid` is its process, `stream_s` the most seconds that a result waits for others, `deadline_s` the most that sending
    may take once the session is over. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        folder: RunFolder,
        pid: int,
        stream_s: float,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._pid = pid
        self._stream_s = stream_s
        self._deadline_s = deadline_s
        self._clock = clock
        self._over_at = math.inf
        self._is_over = threading.Event()

    def watch(self, grace_s: float) -> None:
        """Returns when nothing more may be sent.

        The session is over, be it killed, and `deadline_s` and `grace_s` have passed; or it asks the sender to end.
        """
        while self._folder.is_live() and _exists(self._pid) and not self._wants_an_end():
            time.sleep(LOOK_S)
        self._over_at = self._clock()
        self._is_over.set()
        while self._clock() < self.deadline() + grace_s and not self._wants_an_end():
            time.sleep(LOOK_S)

    def _wants_an_end(self) -> bool:
        return (self._folder.path / STOP).exists()

    def deadline(self) -> float:
        """When sending is to end, by `clock`.

        It moves on while the session runs, so that whatever is begun (a request, a wait) ends in time after it.
        """
        return min(self._clock(), self._over_at) + self._deadline_s

    def follow(self, vendor: Vendor, send: Callable[..., Tally]) -> Tally:
        """Sends part after part while the session runs, and in the end whatever is left; returns the last tally.

        Where results are merged, all of it waits for the end. The run of a session that was killed stays
        open: it may be that somebody wants to add to it.
        """
        doubt = None if vendor.waits_for_end else self._send_parts(vendor, send)
        self._is_over.wait()
        tally = send(closes=self._folder.end() is not None)
        tally.notes[:] = dict.fromkeys(tally.notes)  # a part may say what another has said
        if doubt and tally.doubtful and not tally.reason:
            tally.reason, tally.remedy = doubt.reason, doubt.remedy
        return tally

    def _send_parts(self, vendor: Vendor, send: Callable[..., Tally]) -> Tally | None:
        """Sends what is new, a batch at a time or every `stream_s`; returns the tally that left something in doubt."""
        doubt = None
        start = end = 0
        lines, due = -1, math.inf  # the first line is the head
        while not self._is_over.wait(LOOK_S):
            more, end = self._folder.grown(end)
            lines += more
            if lines > 0:
                due = min(due, self._clock() + self._stream_s)
            if lines < vendor.batch_size and self._clock() < due:
                continue
            tally = send(part=(start, end))
            doubt = tally if tally.doubtful else doubt
            if tally.kept <= tally.doubtful:
                start, lines, due = end, 0, math.inf
            elif tally.may_pass:
                lines, due = 0, self._clock() + self._stream_s
            else:
                break  # a person has to act; the end of the session is another try
        return doubt


def _exists(pid: int) -> bool:
    """False where there is no such process; it tells what the lock on the journal does not, once tests have forked."""
    if sys.platform == "win32":
        return True  # nothing is forked there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
