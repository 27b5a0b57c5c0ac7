"""A till that adds up, takes money and prints receipts."""

from __future__ import annotations

from pathlib import Path


class Till:
    def __init__(self) -> None:
        self.prices: list[int] = []

    def scan(self, *prices: int) -> None:
        self.prices += prices

    @property
    def total(self) -> int:
        return sum(self.prices)

    def pay(self, cash: int) -> int:
        """The change. Raises ValueError where the cash does not do."""
        if cash < self.total:
            raise ValueError(f"{self.total - cash} is missing")
        return cash - self.total

    def print(self, path: Path) -> Path:
        path.write_text("\n".join([*map(str, self.prices), f"total {self.total}"]) + "\n", encoding="utf-8")
        return path
