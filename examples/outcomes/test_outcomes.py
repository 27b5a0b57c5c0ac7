"""One test for each outcome. Most are meant to fail: look at what is reported."""

from collections.abc import Iterator

import pytest


def test_passed() -> None:
    pass


def test_failed() -> None:
    print("what a failing test prints goes with its result")  # noqa: T201
    assert 6 * 9 == 42


@pytest.fixture
def broken_setup() -> None:
    raise ConnectionError("no database")


def test_error_in_setup(broken_setup: None) -> None:
    pass


@pytest.fixture
def broken_teardown() -> Iterator[None]:
    yield
    raise OSError("the disk is full")


def test_error_in_teardown(broken_teardown: None) -> None:
    pass


@pytest.mark.skip(reason="needs a printer")
def test_skipped() -> None:
    pass


@pytest.mark.xfail(reason="known, see BUG-7")
def test_xfailed() -> None:
    raise AssertionError


@pytest.mark.xfail(reason="mended meanwhile")
def test_xpassed() -> None:
    pass


@pytest.mark.xfail(reason="mended meanwhile", strict=True)
def test_strict_xpass_is_a_failure() -> None:
    pass
