"""A clock that tests cannot move."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Tells whole microseconds since 1970 (UTC): in whole numbers times are cheap to keep, to send and to write."""


def make_clock(now: Clock = time.time_ns, elapsed: Clock = time.perf_counter_ns) -> Clock:
    """Tells the time at which it was made, plus what has passed since; both functions tell nanoseconds.

    They are taken when this module is imported, before freezegun or time-machine can replace them.
    """
    offset = now() // 1000 - elapsed() // 1000
    return lambda: offset + elapsed() // 1000
