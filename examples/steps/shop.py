"""A shop that asks a bank before it sells, and writes a log."""

from __future__ import annotations

from pathlib import Path

ANSWERS = {"4111": "accepted", "4000": "declined"}


class DeclinedError(Exception):
    """The bank does not pay."""


class Shop:
    def __init__(self, log: Path) -> None:
        self.log = log
        self.cart: dict[str, int] = {}
        self._write("open")

    def add(self, product: str, amount: int) -> None:
        self.cart[product] = self.cart.get(product, 0) + amount
        self._write(f"add {amount} {product}")

    def ask_bank(self, card: str) -> str:
        self._write(f"ask for {card}")
        return ANSWERS[card]

    def sell(self, answer: str) -> None:
        """Empties the cart. Raises DeclinedError where the bank does not pay."""
        self._write(answer)
        if answer != "accepted":
            raise DeclinedError(f"the bank says {answer!r}")
        self.cart.clear()

    def close(self) -> None:
        self._write("close")

    def _write(self, line: str) -> None:
        with self.log.open("a", encoding="ascii", newline="\n") as file:
            file.write(f"{line}\n")
