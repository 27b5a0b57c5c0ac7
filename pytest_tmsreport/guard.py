"""Keeps our mistakes out of somebody's session: they are noted, and said in the summary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Guard:
    """Turns an exception of ours into a note. `notes` maps each text to how often it happened."""

    def __init__(self) -> None:
        self.notes: dict[str, int] = {}

    @contextmanager
    def __call__(self, doing: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the tests go on
            self.failed(doing, error)

    def failed(self, doing: str, error: Exception) -> None:
        """Notes an exception; for what runs many times a test, where a `try` costs nothing and a `with` does."""
        self.note(f"{doing} failed: {type(error).__name__}: {error}")

    def note(self, text: str) -> None:
        """Adds a note, once however often it happens."""
        self.notes[text] = self.notes.get(text, 0) + 1
