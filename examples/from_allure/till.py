"""A till: it sells, takes money and prints receipts."""

from __future__ import annotations

from pathlib import Path

PRICES = {"tea": 4, "cup": 9}
WAYS = ("card", "voucher")


class DeclinedError(Exception):
    """The money was not taken."""


class Till:
    def __init__(self, log: Path) -> None:
        self.log = log
        self.lines: list[tuple[str, int]] = []
        self.paid = 0
        self._write("open")

    def scan(self, name: str, amount: int = 1) -> None:
        self.lines.append((name, amount))
        self._write(f"{amount} x {name}")

    @property
    def total(self) -> int:
        return sum(PRICES[name] * amount for name, amount in self.lines)

    def pay(self, amount: int, way: str, pin: str) -> None:
        """Raises DeclinedError for a way that the shop does not take, or a PIN that is none."""
        if way not in WAYS or not pin.isdecimal():
            raise DeclinedError(f"{way} is not taken")
        self.paid += amount
        self._write(f"paid {amount} by {way}")

    def receipt(self) -> str:
        return "".join(f"{amount} x {name}\n" for name, amount in self.lines) + f"total {self.total}\n"

    def close(self) -> None:
        self._write("close")

    def _write(self, line: str) -> None:
        with self.log.open("a", encoding="utf-8", newline="\n") as log:
            log.write(f"{line}\n")
