import sys
from decimal import Decimal

import pytest
from shop import Cart, Product

pytestmark = pytest.mark.tms(suite=["shop", "prices"])


@pytest.mark.tms("C5")
@pytest.mark.parametrize(
    ("country", "total"),
    [("DE", Decimal("5.00")), ("FR", Decimal("5.04")), ("DK", Decimal("5.25"))],
)
def test_tax_of_each_country(cart: Cart, tea: Product, country: str, total: Decimal) -> None:
    cart.add(tea)
    assert cart.total(country) == total


@pytest.mark.tms("C6", "C7", description="One test may cover several cases.")
def test_a_voucher_reduces_the_price_before_tax(cart: Cart, tea: Product) -> None:
    cart.add(tea, 2)
    assert cart.total("DE", voucher_percent=50) == Decimal("5.00")


def test_without_a_case_is_matched_by_its_name(cart: Cart) -> None:
    with pytest.raises(KeyError):
        cart.total("XX")


@pytest.mark.tms("C8")
@pytest.mark.skipif(sys.version_info < (4,), reason="prices of the next generation")
def test_next_generation() -> None:
    raise AssertionError


@pytest.mark.tms("C9")
@pytest.mark.xfail(reason="vouchers above 100 % are not refused yet", strict=True)
def test_a_voucher_never_pays_the_customer(cart: Cart, tea: Product) -> None:
    cart.add(tea)
    assert cart.total("DE", voucher_percent=150) >= 0
