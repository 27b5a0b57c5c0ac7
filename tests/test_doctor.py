"""The doctor finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pytest_tmsreport.doctor import examine
from pytest_tmsreport.findings import Finding
from pytest_tmsreport.journal import Journal
from pytest_tmsreport.model import Run
from pytest_tmsreport.reaching import Means
from pytest_tmsreport.sandbox import qase, qase_fields
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.testing import make_results

ENVIRON = {
    "TMSREPORT_QASE_URL": "https://qase.test/qase",
    "TMSREPORT_QASE_TOKEN": qase_fields.TOKEN,
    "TMSREPORT_QASE_PROJECT": "SHOP",
}


def findings(root: Path, environ: dict[str, str], *troubles: str, only: tuple[str, ...] = ("qase",)) -> list[Finding]:
    mount = Mount([qase.create()], troubles)
    found = list(examine(root, environ, only=only, means=Means(WsgiAdapter(mount))))
    assert not [each for each in mount.sandboxes["qase"].box.requests if each.method != "GET"]
    return found


def levels(found: list[Finding]) -> set[str]:
    return {finding.level for finding in found}


def test_where_all_is_well_it_says_where_each_setting_came_from_and_shows_no_secret(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[tmsreport:qase]\nenvironment = staging\nstatus.xfailed = passed\n")
    found = findings(tmp_path, ENVIRON)
    texts = [finding.text for finding in found]
    assert levels(found) == {"good"}
    assert "qase: project = SHOP (TMSREPORT_QASE_PROJECT)" in texts
    assert "qase: environment = staging ([tmsreport:qase] of pytest.ini)" in texts
    assert "qase: status.xfailed = passed ([tmsreport:qase] of pytest.ini)" in texts
    assert "qase: token = *** (TMSREPORT_QASE_TOKEN)" in texts
    assert "qase: https://qase.test/qase answers; token and project are right" in texts
    assert qase_fields.TOKEN not in "".join(texts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TMSREPORT_QASE_TOKEN": "another-token"}, "the token or its rights: 401"),
        ({"TMSREPORT_QASE_PROJECT": "NOPE"}, "the project: 404"),
        ({"TMSREPORT_QASE_RUN_ID": "77"}, "404"),
        ({"TMSREPORT_QASE_PROJECT": "A"}, "a code has 2 to 10 letters"),
        ({"TMSREPORT_QASE_TOKEN": ""}, "`token` is missing"),
        ({"TMSREPORT_QASE_URL": "http://qase.example"}, "plain http"),
        ({"TMSREPORT_QASE_BATCH_SIZE": "many"}, "must be a number"),
    ],
)
def test_a_planted_fault_is_found_and_named(changes: dict[str, str], words: str, tmp_path: Path) -> None:
    broken = [finding for finding in findings(tmp_path, {**ENVIRON, **changes}) if finding.level == "broken"]
    assert len(broken) == 1
    assert words in broken[0].text
    assert broken[0].remedy


def test_a_right_that_is_missing_is_found(tmp_path: Path) -> None:
    (broken,) = [each for each in findings(tmp_path, ENVIRON, "403") if each.level == "broken"]
    assert "the token or its rights: 403" in broken.text


def test_a_project_without_settings_is_told_how_to_begin(tmp_path: Path) -> None:
    (broken,) = [each for each in findings(tmp_path, {}, only=()) if each.level == "broken"]
    assert "no destination" in broken.text
    assert "[tmsreport:NAME]" in broken.remedy


def test_settings_in_two_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[tmsreport]\non_loss = fail\n")
    (tmp_path / "tox.ini").write_text("[tmsreport]\non_loss = warn\n")
    (broken,) = findings(tmp_path, ENVIRON)
    assert "two files" in broken.text


def test_a_run_that_is_not_delivered_is_named_with_the_command_that_sends_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".tmsreport" / "one", Run(id="one", name="one", start=0.0), {"qase": "qase"})
    for result in make_results(3):
        journal.write(result)
    journal.end(exitstatus=0, not_run=[])
    (warning,) = [each for each in findings(tmp_path, ENVIRON) if each.level == "warning"]
    assert "one is not delivered: 3 results to qase" in warning.text
    assert warning.remedy.startswith("tmsreport send ")


def test_a_journal_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / ".tmsreport").write_text("in the way")
    (broken,) = [each for each in findings(tmp_path, ENVIRON) if each.level == "broken"]
    assert "cannot be written" in broken.text
    assert not stat.S_ISDIR((tmp_path / ".tmsreport").stat().st_mode)
