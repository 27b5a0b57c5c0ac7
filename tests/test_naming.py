"""What a run is called, and what machines that share one call it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_tmsreport.config import Settings
from pytest_tmsreport.model import Run
from pytest_tmsreport.naming import new_run

CI = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REF_NAME": "main",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_RUN_NUMBER": "57",
    "GITHUB_RUN_ID": "123",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "me/shop",
}


def named(settings: Settings, folder: Path, environ: Mapping[str, str] = CI, start: float = 1789380131.0) -> Run:
    return new_run("20260914-100211-0a1b2c3d", start, settings, environ, folder)


def test_machines_of_a_build_call_their_run_the_same_however_late_they_begin(tmp_path: Path) -> None:
    settings = Settings(run_key="{ci}-{build}")
    first, later = named(settings, tmp_path), named(settings, tmp_path, start=1789400000.0)
    assert first.key == later.key == "GitHub Actions-57"
    assert first.name != later.name
    assert named(settings, tmp_path, {**CI, "GITHUB_RUN_NUMBER": "58"}).key != first.key


def test_without_a_template_a_run_is_a_machines_own(tmp_path: Path) -> None:
    run = named(Settings(), tmp_path)
    assert (run.key, run.own_id) == ("", run.id)


@pytest.mark.parametrize("template", ["{ci}-{build}", "{build}", "shop-{ci}", "{link}"])
def test_where_a_hole_is_empty_there_is_no_key_that_strangers_could_share(template: str, tmp_path: Path) -> None:
    assert named(Settings(run_key=template), tmp_path, {}).key == ""


def test_a_key_without_holes_is_one(tmp_path: Path) -> None:
    assert named(Settings(run_key="nightly {of shop}"), tmp_path, {}).key == "nightly {of shop}"


def test_a_key_that_is_blacked_out_still_tells_builds_apart(tmp_path: Path) -> None:
    def mask(text: str) -> str:
        return text.replace("GitHub", "***").replace("5", "***")

    settings = Settings(run_key="{ci}-{build}")
    keys = {
        new_run("1", 0.0, settings, {**CI, "GITHUB_RUN_NUMBER": number}, tmp_path, mask=mask).key
        for number in ("5", "55", "555")
    }
    assert len(keys) == 3
    assert not any("GitHub" in key for key in keys)


def test_a_long_key_is_as_much_a_key_of_its_own(tmp_path: Path) -> None:
    long = "x" * 500
    first, second = (named(Settings(run_key=f"{long}{end}"), tmp_path).key for end in "ab")
    assert first != second
    assert len(first) < 100


def test_a_surrogate_in_a_branch_is_no_trouble(tmp_path: Path) -> None:
    run = named(Settings(run_key="{branch}"), tmp_path, {**CI, "GITHUB_REF_NAME": "ma\udcffin"})
    assert run.key.encode() == b"ma?in"


def test_a_run_knows_which_machine_it_is_of(tmp_path: Path) -> None:
    run = named(Settings(shards="3", shard=2), tmp_path)
    assert (run.shard, run.shards) == (2, 3)
    assert Run.from_json({"id": "1", "name": "n", "start": 0, "key": "k", "shard": 2, "shards": 3}) == Run(
        id="1", name="n", start=0, key="k", shard=2, shards=3
    )
