"""What stands first in a measured process, as a plugin: see `sessions`.

`BENCH_NOTES` is a file for what the process knows at its end, `BENCH_COUNTED` says between the starts of which tests
instructions are counted. `BENCH_SENDER` is the program that starts the sender, `BENCH_WAITS` makes waiting for it cost
the same however long it takes.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

LONGEST_S = 10.0
"""For those who sleep, and wait for no child."""
known: dict[str, Any] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Comes after the last test, before whatever else is done at the end."""
    known["last_test"] = time.time()


class Counted:
    """Leaves a process behind at two moments, whose own count, which it has inherited, valgrind writes at its end."""

    def __init__(self, moments: list[int]) -> None:
        self._moments = moments
        self._started = 0

    def pytest_runtest_logstart(self) -> None:
        self._started += 1
        if self._started == self._moments[0]:
            gc.freeze()  # else it is chance whether all objects there are, pytest's own, are gone through in between
        if self._started in self._moments and not os.fork():
            os._exit(0)


def pytest_configure(config: pytest.Config) -> None:
    if "BENCH_COUNTED" in os.environ:
        config.pluginmanager.register(Counted([int(number) for number in os.environ["BENCH_COUNTED"].split()]))


def _note() -> None:
    """Writes the modules that are loaded, and the most memory that this process has had. Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    traced = tracemalloc.get_traced_memory()[1]
    told = {**known, "modules": sorted(sys.modules), "peak_mib": peak_kib / 1024, "traced_peak": traced}
    Path(os.environ["BENCH_NOTES"]).write_text(json.dumps(told), encoding="utf-8")


def _sleep(seconds: float) -> None:
    """Returns when a child has ended, and not before, so that nobody looks again and again meanwhile."""
    if select.select([_HEARD], [], [], max(seconds, LONGEST_S))[0]:
        os.read(_HEARD, 1)


if "BENCH_NOTES" in os.environ:
    atexit.register(_note)
if "BENCH_SENDER" in os.environ:
    sys.executable = os.environ["BENCH_SENDER"]
if "BENCH_WAITS" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
    _HEARD, _told = os.pipe()
    os.set_blocking(_told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(_told)
    time.sleep = _sleep  # type: ignore[assignment]  # nobody here has a number that is no float
