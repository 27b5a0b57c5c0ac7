from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, judges: Callable[..., Path]) -> Path:
    """Wheel and sdist, built as an index would receive them."""
    folder = tmp_path_factory.mktemp("dist")
    builder = judges("build", "build", "hatchling>=1.26")
    _run(builder, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return folder


def test_a_wheel_in_an_empty_environment_runs_a_session_and_keeps_its_results(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    python = _environment(tmp_path / "env", str(wheel))
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_it.py").write_text("def test_it(): pass\n")
    environ = {
        "TMSREPORT_QASE_TOKEN": "a-token",
        "TMSREPORT_QASE_PROJECT": "SHOP",
        "TMSREPORT_QASE_URL": "http://127.0.0.1:9",
    }
    done = _run(python, "-m", "pytest", "--tms-to", "qase", "--tms-set", "deadline_s=0", cwd=suite, environ=environ)
    assert "1 passed" in done
    assert "qase: 0 delivered, 1 kept, 0 refused, 0 without case" in done
    assert len(list((suite / ".tmsreport").glob("*/results.jsonl"))) == 1


def test_a_vendor_of_another_package_keeps_the_contract_from_its_wheel(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    python = _environment(tmp_path / "env", f"{wheel}[sandbox]")
    example = ROOT / "examples" / "vendor_package"
    _run(python, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(tmp_path), str(example))
    (theirs,) = tmp_path.glob("*.whl")
    _run(python, "-m", "pip", "install", "-q", str(theirs))
    shutil.copytree(example / "tests", tmp_path / "tests")  # without the package beside it
    done = _run(python, "-m", "pytest", "-p", "no:cacheprovider", "tests", cwd=tmp_path)
    assert re.search(r"== \d\d+ passed, \d+ skipped in", done)
    assert "lantern  " in _run(python, "-m", "pytest_tmsreport", "vendors")


def test_the_wheel_holds_the_package_alone_and_its_types_are_public(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pytest_tmsreport/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"pytest_tmsreport"}


def test_the_sdist_holds_tests_and_examples_too(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "CHANGELOG.md", "examples/shop/shop.py", "tests/test_packaging.py"} <= names


def test_the_top_level_of_the_repository_holds_nothing_else() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("this is no git checkout")
    top = {name.split("/")[0] for name in tracked.stdout.split()}
    assert top == {
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "examples",
        "pyproject.toml",
        "pytest_tmsreport",
        "tests",
    }


def _environment(folder: Path, *packages: str) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _run(python, "-m", "pip", "install", "-q", *packages)
    return python


def _run(python: Path, *arguments: str, cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "TMSREPORT_", "QASE_"))}
    done = subprocess.run(
        [str(python), *arguments],
        cwd=cwd,
        env={**kept, **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
