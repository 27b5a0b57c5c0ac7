"""Suites to measure with: tiny tests, 50 to a file, of which 2 % fail, 2 % are skipped and 10 % print."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

PER_FILE = 50
FAILS, IS_SKIPPED, PRINTS = 7, 23, 3
"""Which of each 50 tests fails and is skipped; which of each ten prints."""


def write(folder: Path, tests: int) -> Path:
    """A suite of so many tests in a new folder, which it returns."""
    return _write(folder, tests, "import pytest\n", _body)


def write_mapped(folder: Path, tests: int) -> Path:
    """The same, with a case of TestRail and of Xray for each test."""
    marked = "@pytest.mark.tms(testrail='C{0}', xray='SHOP-{0}')\n"
    return _write(folder, tests, "import pytest\n", lambda n: marked.format(n + 1) + _body(n))


def write_stepping(folder: Path, tests: int, steps: int, step: str) -> Path:
    """Passing tests, each with so many steps; `step` is an import and what opens one, or has no text for none."""
    imported, _, opened = step.partition("\n")
    inner = f"        with {opened}:\n            pass\n" if opened else "        pass\n"
    return _write(folder, tests, f"{imported}\n", lambda n: f"def test_{n}():\n    for n in range({steps}):\n{inner}")


def _write(folder: Path, tests: int, head: str, body: Callable[[int], str]) -> Path:
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = tms: of a case\n", encoding="utf-8")
    shutil.copy(Path(__file__).with_name("inside.py"), folder / "bench_inside.py")
    for first in range(0, tests, PER_FILE):
        numbers = range(first, min(first + PER_FILE, tests))
        text = "\n".join([head, *(body(number) for number in numbers)])
        (folder / f"test_suite_{first // PER_FILE:04}.py").write_text(text, encoding="utf-8")
    return folder


def _body(number: int) -> str:
    name = f"def test_{number}():\n"
    if number % 50 == FAILS:
        return f"{name}    assert {number} == -1\n"
    if number % 50 == IS_SKIPPED:
        return f"@pytest.mark.skip(reason='not here')\n{name}    pass\n"
    return f"{name}    print('number {number}')\n" if number % 10 == PRINTS else f"{name}    pass\n"
