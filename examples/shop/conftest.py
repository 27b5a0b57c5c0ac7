from decimal import Decimal

import pytest
from shop import Cart, Product, Stock


@pytest.fixture
def tea() -> Product:
    return Product("tea", Decimal("4.20"))


@pytest.fixture
def stock() -> Stock:
    return Stock({"tea": 10, "cup": 1})


@pytest.fixture
def cart(stock: Stock) -> Cart:
    return Cart(stock)
