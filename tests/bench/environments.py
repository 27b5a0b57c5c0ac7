"""Pythons with other people's tools, which must not stand beside ours: made once, and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "judges"
PYTHON = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
INSTALLING_S = 300
"""Most seconds for making one of them."""


class CannotInstallError(Exception):
    """What was asked for is not to be had here; the text says why."""


def python_with(tool: str, *requirements: str) -> Path:
    """A Python in which those requirements are installed. Raises CannotInstallError."""
    wanted = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:12]
    home = CACHE / tool / f"{wanted}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not (home / PYTHON).exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=home.parent, prefix="making-"))
        try:
            _install(made, requirements)
            made.rename(home)  # whole or not at all, also where two processes do it at once
        except OSError:
            if not (home / PYTHON).exists():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return home / PYTHON


def _install(home: Path, requirements: tuple[str, ...]) -> None:
    pip = (home / PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--retries", "1")
    try:
        _run(sys.executable, "-m", "venv", home)
        _run(*pip, *requirements)
    except subprocess.CalledProcessError as error:
        words = " ".join(f"{error.stdout}\n{error.stderr}".strip().splitlines()[-1:])
        raise CannotInstallError(f"{' '.join(requirements)} cannot be installed: {words}") from error
    except subprocess.TimeoutExpired as error:
        text = f"{' '.join(requirements)} cannot be installed: pip is not done after {INSTALLING_S} s"
        raise CannotInstallError(text) from error


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALLING_S)
