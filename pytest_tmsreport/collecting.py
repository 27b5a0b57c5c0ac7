"""Which cases the tests of a project name: asked of pytest, by a short-lived child that collects them and runs none.

In that child this module is a plugin, which writes a line of JSON for each test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from . import dialects
from .config import Config, load
from .covering import not_run
from .dialects._marks import VENDORS
from .errors import SelectionError
from .journal import encode
from .markers import Marks
from .model import Result
from .render import plain

PATIENCE_S = 600.0
"""How long a collection may take."""
TO, SETS = "_TMSREPORT_COLLECTED", "_TMSREPORT_SETS"
"""The variables that tell the child where to write, and which settings were overridden."""
FINE = (int(pytest.ExitCode.OK), int(pytest.ExitCode.NO_TESTS_COLLECTED))


def collected(root: Path, environ: Mapping[str, str], config: Config) -> list[Result]:
    """The tests of the project, as far as their node ids and marks tell. Raises SelectionError with pytest's words."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "collected.jsonl"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", __name__, "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter
                command,
                cwd=root,
                env={**environ, TO: str(file), SETS: json.dumps([list(config.sets), list(config.wanted)])},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SelectionError(f"pytest cannot collect: {plain(config.mask(str(error)))}") from error
        if done.returncode not in FINE:
            told = (done.stdout.strip() or done.stderr).decode("utf-8", "replace").strip().splitlines()
            raise SelectionError(f"pytest cannot collect: {plain(config.mask(' / '.join(told[-3:])))}")
        lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
    found = []
    for nodeid, ids in map(json.loads, lines):
        found.append(not_run(nodeid, [{key: tuple(texts) for key, texts in mark.items()} for mark in ids]))
    return found


class _Collecting:
    """Listens in the child."""

    def __init__(self, config: pytest.Config, wanted: Config, file: Path) -> None:
        self._marks = Marks(config, wanted.vendor_names(), dialects.find(wanted.settings.read_marks))
        self._file = file
        config.stash.setdefault(VENDORS, frozenset(vendor.kind for vendor in wanted.destinations))

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Also of those that a plan, `-k` or `-m` would leave out."""
        words = self._marks.words(item)
        with self._file.open("a", encoding="ascii") as file:
            file.write(encode([item.nodeid, words.ids if words else []]) + "\n")


def _wanted(root: Path) -> Config:
    sets, only = json.loads(os.environ[SETS])
    return load(root, os.environ, sets=sets, only=only)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    dialects.before_conftests(early_config, _wanted(early_config.rootpath).settings.read_marks)


def pytest_configure(config: pytest.Config) -> None:
    file = os.environ.get(TO)
    if file:  # else somebody has named it as a plugin of their own
        config.pluginmanager.register(_Collecting(config, _wanted(config.rootpath), Path(file)), "tmsreport-collecting")
