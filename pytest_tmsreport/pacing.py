"""Keeping to a tool's request limit: one pacer a token, shared by every thread that signs with it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0


class Pacer:
    """At most `per_minute` requests in any 60 seconds (0: no limit); bursts are allowed up to that number.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=per_minute or 1)
        self._held_until = 0.0
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Takes the next place in the window; returns the seconds to wait until it comes."""
        with self._lock:
            now = self._clock()
            at = max(now, self._held_until)
            if self._per_minute and len(self._taken) == self._per_minute:
                at = max(at, self._taken[0] + WINDOW_S)
            self._taken.append(at)
            return at - now

    def hold(self, seconds: float) -> None:
        """Lets nobody send for that long: the server said so."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def tighten(self, per_minute: int) -> None:
        """Keeps to the lower of two limits, where two destinations share a token."""
        with self._lock:
            if per_minute and (not self._per_minute or per_minute < self._per_minute):
                self._per_minute = per_minute
                self._taken = deque(self._taken, maxlen=per_minute)
