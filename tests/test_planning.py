"""What plans and runs hold, asked of a sandbox by the child process."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_tmsreport.config import Config, load
from pytest_tmsreport.errors import SelectionError
from pytest_tmsreport.planning import Wish, choose
from pytest_tmsreport.sandbox.server import Served
from pytest_tmsreport.sender import Origin
from pytest_tmsreport.vendor import Case

SEVEN = tuple(Case((f"SHOP-{number}", f"C{number}", str(number))) for number in (1, 2, 3))


@pytest.fixture
def config(served: Served, tmp_path: Path) -> Config:
    return load(tmp_path, served.environment, only=["qase"])


@pytest.fixture
def origin() -> Origin:
    return Origin.here(sys.path, os.environ, os.getcwd())  # noqa: PTH109 - as the plugin asks for it


def test_several_wishes_are_granted_by_one_child_and_add_up(
    config: Config, origin: Origin, served: Served, tmp_path: Path
) -> None:
    wishes = [Wish("qase", "plan", "7"), Wish("qase", "plan", "7")]
    chosen = choose(wishes, config, origin, tmp_path)
    assert chosen.cases == {"qase": SEVEN}
    assert [vendor.name for vendor in chosen.vendors] == ["qase"]
    assert len(served.boxes["qase"].requests) == 2


def test_the_wish_that_cannot_be_granted_is_the_one_that_is_named(
    config: Config, origin: Origin, tmp_path: Path
) -> None:
    wishes = [Wish("qase", "plan", "7"), Wish("qase", "failed", "77"), Wish("qase", "plan", "78")]
    with pytest.raises(SelectionError, match=r"\Awhat failed in run 77 of qase cannot be read: 404") as caught:
        choose(wishes, config, origin, tmp_path)
    assert "what to do: " in str(caught.value)


@pytest.mark.parametrize(
    ("program", "said"), [("/no/such/python", "No such file"), ("false", "status 1"), ("echo", "status 0")]
)
def test_a_child_that_cannot_do_its_work_is_an_error(
    config: Config, origin: Origin, tmp_path: Path, program: str, said: str
) -> None:
    with pytest.raises(SelectionError, match=f"plan 7 of qase cannot be read: .*{said}"):
        choose([Wish("qase", "plan", "7")], config, origin._replace(executable=program), tmp_path)


def test_neither_settings_nor_secrets_are_told_to_the_world(config: Config, origin: Origin, tmp_path: Path) -> None:
    token = config.destinations[0].token
    wrong = replace(config.destinations[0], token=f"{token}-wrong", url=f"{config.destinations[0].url}/{token}")
    with pytest.raises(SelectionError) as caught:
        choose([Wish("qase", "plan", "7")], replace(config, destinations=(wrong,)), origin, tmp_path)
    assert token not in str(caught.value)
