"""Which cases the tests of a project name is asked of pytest, which runs none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_tmsreport.collecting import collected
from pytest_tmsreport.config import load
from pytest_tmsreport.errors import SelectionError
from pytest_tmsreport.sandbox import qase_fields

SUITE = """
import pathlib, pytest

@pytest.mark.tms("C1", qase="SHOP-2")
@pytest.mark.parametrize("colour", ["red", "blue"])
def test_paints(colour):
    pathlib.Path("was-run").touch()

@pytest.mark.xray("SHOP-7")
def test_of_another_plugin():
    pathlib.Path("was-run").touch()

def test_bare():
    pathlib.Path("was-run").touch()
"""
FOREIGN = ("PYTEST_", "TMSREPORT_", "QASE_", "COV_")
ENVIRON = {
    **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
    "TMSREPORT_QASE_URL": "http://127.0.0.1:9",
    "TMSREPORT_QASE_TOKEN": qase_fields.TOKEN,
    "TMSREPORT_QASE_PROJECT": "SHOP",
}


def test_marks_of_every_kind_are_read_also_of_what_addopts_leave_out_and_no_test_runs(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k paints -p no:asyncio\n")
    found = collected(tmp_path, ENVIRON, load(tmp_path, ENVIRON, only=["qase"]))
    assert [(test.nodeid, test.ids) for test in found] == [
        ("test_it.py::test_paints[red]", ({"": ("C1",), "qase": ("SHOP-2",)},)),
        ("test_it.py::test_paints[blue]", ({"": ("C1",), "qase": ("SHOP-2",)},)),
        ("test_it.py::test_of_another_plugin", ({"@xray": ("SHOP-7",)},)),
        ("test_it.py::test_bare", ()),
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("__")) == [
        "pytest.ini",
        "test_it.py",
    ]


def test_a_suite_that_cannot_be_collected_is_an_error_with_pytests_words(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import nowhere_at_all")
    with pytest.raises(SelectionError, match=r"pytest cannot collect: .*test_it\.py"):
        collected(tmp_path, ENVIRON, load(tmp_path, ENVIRON, only=["qase"]))


def test_the_command_names_unknown_cases_as_data_and_strictly(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE.replace("SHOP-2", "C0"))
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:asyncio\n[tmsreport:qase]\nplan = 7\n")
    environ = {key: value for key, value in ENVIRON.items() if not key.startswith("TMSREPORT_")}
    tool = [sys.executable, "-m", "pytest_tmsreport"]
    done = subprocess.run(
        [*tool, "sandbox", "qase", "--", *tool, "doctor", "qase", "--collect", "--json", "--strict"],
        cwd=tmp_path,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    told = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("[\n") :])[0]
    bad = {each["check"]: each for each in told if each["level"] != "good"}
    assert done.returncode == 1, done.stdout + done.stderr
    assert set(bad) == {"cases", "uncovered"}
    assert bad["cases"]["what"] == "Qase does not know 1 case: C0 (test_it.py::test_paints[red])"
    assert bad["uncovered"]["what"] == "no test covers 3 cases of plan 7: SHOP-1, SHOP-2, SHOP-3"
    assert all(each["why"] and each["remedy"] for each in bad.values())
