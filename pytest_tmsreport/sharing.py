"""Pieces of work that several threads do together, each piece once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Executor


class Piece:
    """Work that is done by the first thread that begins it; whoever needs it waits for its end."""

    def __init__(self, work: Callable[[], None]) -> None:
        """`work` must wait for no other piece."""
        self._work = work
        self._begun = threading.Lock()  # never given back
        self._ended = threading.Event()
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Does it, unless another thread has begun."""
        if self._begun.acquire(blocking=False):
            try:
                self._work()
            except BaseException as error:  # noqa: BLE001 - it is for those who wait
                self._error = error
            finally:
                self._ended.set()

    def end(self) -> BaseException | None:
        """Waits until it is done; returns what it raised."""
        self._ended.wait()
        return self._error


def together(pieces: Collection[Piece], pool: Executor) -> None:
    """Does pieces in this thread and in those of the pool that are free; then raises what the first to fail raised.

    Safe in a thread of the pool itself: nobody waits for a piece that has not been begun.
    """
    for piece in pieces:
        pool.submit(piece.begin)
    for piece in pieces:
        piece.begin()
    errors = [error for piece in pieces if (error := piece.end())]
    if errors:
        raise errors[0]
