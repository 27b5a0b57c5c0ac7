"""A token that a test lets slip stands nowhere when the session is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

TOKEN = "canary-3f9a17c2d4e8"
LEAKING = """
import logging
import os
import sys

import pytest

import pytest_tmsreport as tms

TOKEN = os.environ["CANARY"]


@pytest.mark.tms("C1", title=f"Title {TOKEN}", description=TOKEN, tags=[TOKEN], fields={TOKEN: TOKEN}, suite=TOKEN)
@pytest.mark.parametrize("secret", [TOKEN, TOKEN.encode(), [TOKEN]])
def test_leaks(secret):
    print("out", TOKEN)
    print("err", TOKEN, file=sys.stderr)
    os.write(1, TOKEN.encode())
    logging.getLogger().debug("log %s", TOKEN)
    local = TOKEN
    assert local == "x", f"message {TOKEN}"


@tms.step("pay with {secret}", expected=TOKEN, data=TOKEN)
def pay(secret):
    tms.attach(f"receipt {secret}", name=f"{secret}.txt")
    raise RuntimeError(f"refused {secret}")


def test_says_it(tmp_path, record_property):
    (tmp_path / "any.bin").write_text(f"file {TOKEN} {os.environ['TMSREPORT_QASE_TOKEN']}")
    record_property(TOKEN, TOKEN)
    for say in (tms.note, tms.tag, tms.title, tms.link, lambda text: tms.field(text, text)):
        say(f"said {TOKEN}")
    tms.attach(tmp_path / "any.bin")
    tms.attach(b"bytes " + TOKEN.encode(), mime="image/svg+xml")
    tms.parameter(TOKEN, TOKEN)
    with tms.step(f"open {TOKEN}"):
        pay(TOKEN)


@pytest.fixture
def deadly():
    if "PYTEST_XDIST_WORKER" in os.environ:
        os._exit(3)


@pytest.mark.tms("C2", title=f"Title {TOKEN}")
@pytest.mark.parametrize("secret", [TOKEN])
def test_crashes(secret, deadly):
    pass


@pytest.mark.skip(reason=TOKEN)
def test_skips():
    pass


@pytest.mark.xfail(reason=TOKEN)
def test_xfails():
    assert False


@pytest.mark.tms(wrong=TOKEN)
def test_marked_wrongly():
    raise ValueError(f"https://user:{TOKEN}@host.test/")


def test_speaks_of_others():
    print("ghp_" + "a" * 36, "order 12345-X")
    assert False, "Authorization: Bearer " + "b" * 40
"""
HOOK = """
import os
from dataclasses import replace


def pytest_tmsreport_run(run):
    return replace(run, name=f"run {os.environ['CANARY']}", description=os.environ["CANARY"])


def pytest_tmsreport_result(result):
    if result.title == "test_skips":
        raise RuntimeError(os.environ["CANARY"])
    return replace(result, description=f"{result.description} {os.environ['CANARY']}")
"""


@pytest.mark.parametrize(("workers", "trouble"), [("-n0", "401"), ("-n2", "")])
def test_a_token_that_tests_print_is_left_in_no_file_and_sent_nowhere(
    project: Project, workers: str, trouble: str
) -> None:
    project.environ["CANARY"] = project.environ["TMSREPORT_OTHER_TOKEN"] = TOKEN
    project.settings(
        "[tmsreport]\ncapture = all\nmask = order\\s\\d+\n[tmsreport:qase]\n[tmsreport:other]\nvendor = qase\n"
    )
    project.write("test_leaking.py", LEAKING)
    project.write("conftest.py", HOOK)
    project.served.troubles.add(*([trouble] if trouble else []))
    ran = project.report(workers, "-vv", "--log-level=DEBUG", "-p", "no:cacheprovider")

    assert ran.folder
    assert len(ran.results) == 9
    for path in project.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert TOKEN.encode() not in content, path
            assert project.environ["TMSREPORT_QASE_TOKEN"].encode() not in content, path
    told = repr(project.box.to_json())
    assert TOKEN not in told
    assert not [request for request in project.box.requests if request.held_secret]
    kept = b"".join(path.read_bytes() for path in ran.folder.path.rglob("*") if path.is_file())
    for absent in (b"order 12345", b"ghp_aaaa", b"bbbbbbbb"):
        assert absent not in kept
    for present in (
        b"message ***",
        b"out ***",
        b"log ***",
        b"Bearer ***",
        b"***-X",
        b"Title ***",
        b"receipt ***",
        b"file *** ***",
        b"bytes ***",
    ):
        assert present in kept
    for present in (b"pay with ***", b"open ***", b"refused ***", b"said ***"):
        assert present in kept
    summary = ran.out.partition("test management")[2].partition("short test summary")[0]
    assert "qase: " in summary
    assert TOKEN not in summary
    assert len(project.arrived) == (0 if trouble else 9)
    head = ran.folder.head().run
    assert (head.name, head.description) == ("run ***", "***")
    if not trouble:
        assert sorted(result.cases for result in project.arrived if result.cases) == [("1",)] * 3 + [("2",)]


def test_only_their_owner_can_read_what_a_session_leaves(project: Project) -> None:
    project.write("test_one.py", "def test_one():\n    print('x')\n    assert False\n")
    ran = project.report("--tms-set", "deadline_s=9")

    assert ran.folder
    for path in (ran.folder.path, *ran.folder.path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
