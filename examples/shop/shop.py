"""A small shop: prices, a cart, vouchers and stock."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
TAX = {"DE": Decimal("0.19"), "FR": Decimal("0.20"), "DK": Decimal("0.25")}


class OutOfStockError(Exception):
    """There are not as many as the customer wants."""


@dataclass(frozen=True)
class Product:
    name: str
    price: Decimal


@dataclass
class Stock:
    """How many of each product there are."""

    amounts: dict[str, int] = field(default_factory=dict)

    def take(self, product: Product, amount: int) -> None:
        """Reserves products. Raises OutOfStockError, and takes none, where there are too few."""
        if self.amounts.get(product.name, 0) < amount:
            raise OutOfStockError(f"{amount} x {product.name} wanted, {self.amounts.get(product.name, 0)} left")
        self.amounts[product.name] -= amount


@dataclass
class Cart:
    """What a customer is about to buy."""

    stock: Stock
    lines: dict[Product, int] = field(default_factory=dict)

    def add(self, product: Product, amount: int = 1) -> None:
        """Puts products into the cart, and reserves them."""
        if amount < 1:
            raise ValueError("a cart takes one product or more")
        self.stock.take(product, amount)
        self.lines[product] = self.lines.get(product, 0) + amount

    def total(self, country: str, voucher_percent: int = 0) -> Decimal:
        """The price to pay with tax, rounded to a cent. Raises KeyError for a country that the shop does not serve."""
        net = sum((product.price * amount for product, amount in self.lines.items()), Decimal(0))
        reduced = net * (100 - voucher_percent) / 100
        return (reduced * (1 + TAX[country])).quantize(CENT, ROUND_HALF_UP)
