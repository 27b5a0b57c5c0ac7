"""A small suite of a team with a tool of its own."""

from __future__ import annotations

import pytest

import pytest_tmsreport as tms


@pytest.mark.tms("cart-1")
def test_an_empty_cart_costs_nothing() -> None:
    assert sum([]) == 0


@pytest.mark.tms("cart-2")
@pytest.mark.parametrize("amount", [1, 2])
def test_tea_costs_three(amount: int) -> None:
    with tms.step("weighs the tea"):
        assert amount * 3 in (3, 6)


@pytest.mark.tms("till-1")
def test_a_receipt_is_printed() -> None:
    tms.attach(b"tea 3\n", "receipt.txt")


@pytest.mark.tms("till-2")
@pytest.mark.skip(reason="the printer is away")
def test_a_receipt_is_printed_twice() -> None:
    raise AssertionError


def test_that_nobody_planned() -> None:
    assert True
