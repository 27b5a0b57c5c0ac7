"""What stands first in a measured process, as a plugin: see `sessions`.

`BENCH_NOTES` is a file for what the process knows at its end. `BENCH_SENDER` is the program that starts the sender,
`BENCH_WAITS` makes waiting for it cost the same however long it takes.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import time

import pytest

ends: list[float] = []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Comes after the last test, before whatever else is done at the end."""
    ends.append(time.time())


def _note() -> None:
    """Writes the modules that are loaded, and the most memory that this process has had, in KiB. Linux only."""
    modules = sorted(sys.modules)
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - nothing is imported for this
        peak = next(line.split()[1] for line in file if line.startswith("VmHWM"))
    with open(os.environ["BENCH_NOTES"], "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
        file.write("\n".join([peak, *map(str, ends), *modules]))


def _sleep(seconds: float) -> None:
    """Returns as soon as a child has ended, and not before, so that nobody looks again and again meanwhile."""
    if select.select([_HEARD], [], [], max(seconds, LONGEST_S))[0]:
        os.read(_HEARD, 1)


LONGEST_S = 10.0
"""For those who wait for no child."""
if "BENCH_NOTES" in os.environ:
    atexit.register(_note)
if "BENCH_SENDER" in os.environ:
    sys.executable = os.environ["BENCH_SENDER"]
if "BENCH_WAITS" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
    _HEARD, _told = os.pipe()
    os.set_blocking(_told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(_told)
    time.sleep = _sleep  # type: ignore[assignment]  # an int without `float` will not come
