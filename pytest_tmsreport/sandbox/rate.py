"""A server's limit of requests in any 60 seconds, or in another window."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0


class RateLimit:
    """Counts the requests of the last 60 (`window_s`) seconds of `clock`; those it refuses do not count."""

    def __init__(self, per_minute: int, clock: Callable[[], float], *, window_s: float = WINDOW_S) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._window_s = window_s
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self) -> tuple[int, float]:
        """How many requests remain after this one, and the seconds to wait where it is one too many (else 0)."""
        with self._lock:
            now = self._clock()
            while self._taken and self._taken[0] <= now - self._window_s:
                self._taken.popleft()
            if len(self._taken) >= self.per_minute:
                return 0, self._taken[0] + self._window_s - now
            self._taken.append(now)
            return self.per_minute - len(self._taken), 0.0
