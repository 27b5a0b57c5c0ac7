"""As it was written for qase-pytest: nothing here knows of another plugin."""

from __future__ import annotations

from pathlib import Path

import pytest
from qase.pytest import qase
from till import Till


@pytest.fixture
def till() -> Till:
    with qase.step("open the till", expected="it is empty"):
        return Till()


@qase.step("scan two products")
def scan_two(till: Till) -> None:
    till.scan(3, 4)


@qase.id(1)
@qase.title("Cash is taken and change given")
@qase.suite("Till.Payment")
@qase.fields(("severity", "critical"), ("layer", "unit"), ("description", "The everyday case."))
@qase.tags("smoke")
def test_pays(till: Till, tmp_path: Path) -> None:
    scan_two(till)
    with qase.step("pay", expected="3 back"):
        assert till.pay(10) == 3
        with qase.step("print the receipt"):
            receipt = till.print(tmp_path / "receipt.txt")
            qase.attach((str(receipt), "text/plain"))
    qase.attach(({"total": till.total}, "application/json", "till.json"))
    qase.param("currency", "EUR")


@qase.id([2, 3])
@qase.priority("high")
@qase.muted()
@pytest.mark.parametrize(("price", "cash"), [(5, 4), (1, 0)])
def test_refuses_too_little(till: Till, price: int, cash: int) -> None:
    till.scan(price)
    with qase.step("pay too little", expected="it is refused"), pytest.raises(ValueError, match="1 is missing"):
        till.pay(cash)


@qase.parametrize_ignore("cash", [7, 8])
def test_takes_more(till: Till, cash: int) -> None:
    scan_two(till)
    assert till.pay(cash) == cash - 7


@qase.project_id("SHOP", 4)
@qase.project_id("WEB", 9)
@pytest.mark.skip(reason="no printer here")
def test_prints() -> None:
    """Not run."""


@qase.ignore()
def test_is_of_no_interest_to_qase(till: Till) -> None:
    assert till.total == 0
