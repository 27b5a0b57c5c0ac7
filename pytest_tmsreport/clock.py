"""A clock that tests cannot move."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Epoch seconds (UTC): the time at which it was made, plus what has passed since.

    The functions are taken when this module is imported, before freezegun or time-machine can replace them.
    """

    def __init__(self, now: Callable[[], float] = time.time, elapsed: Callable[[], float] = time.perf_counter) -> None:
        self._elapsed = elapsed
        self._offset = now() - elapsed()

    def __call__(self) -> float:
        return self._offset + self._elapsed()
