from decimal import Decimal

import pytest
from shop import Cart, OutOfStockError, Product, Stock


@pytest.mark.tms("C1", tags=["smoke"])
def test_a_new_cart_costs_nothing(cart: Cart) -> None:
    assert cart.total("DE") == 0


@pytest.mark.tms("C2", fields={"severity": "critical"})
class TestAdding:
    def test_adds_up_what_is_put_in(self, cart: Cart, tea: Product) -> None:
        cart.add(tea)
        cart.add(tea, 2)
        assert cart.lines == {tea: 3}

    @pytest.mark.tms("C3")
    @pytest.mark.parametrize("amount", [0, -1])
    def test_refuses_less_than_one(self, cart: Cart, tea: Product, amount: int) -> None:
        with pytest.raises(ValueError, match="one product or more"):
            cart.add(tea, amount)

    @pytest.mark.tms("C4", title="A product that is sold out cannot be added", links=["https://shop.test/issues/12"])
    def test_sold_out(self, cart: Cart, stock: Stock) -> None:
        cup = Product("cup", Decimal(9))
        cart.add(cup)
        with pytest.raises(OutOfStockError):
            cart.add(cup)
        assert stock.amounts["cup"] == 0
