"""Pieces of work are done once each, by whoever is free, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pytest_tmsreport.sharing import Piece, together

PATIENCE_S = 60


def test_a_piece_that_many_want_is_done_once_and_all_of_them_wait_for_its_end() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        done.append("once")

    piece = Piece(work)
    with ThreadPoolExecutor(3) as pool:
        wanting = [pool.submit(together, [piece], pool) for _ in range(3)]
        assert begun.wait(PATIENCE_S)
        assert not any(each.done() for each in wanting)
        go_on.set()
        for each in wanting:
            each.result(PATIENCE_S)
    assert done == ["once"]


def test_pieces_are_done_by_all_threads_of_the_pool_at_once() -> None:
    meeting = threading.Barrier(4, timeout=PATIENCE_S)

    def work() -> None:
        meeting.wait()  # none goes on before four have come

    with ThreadPoolExecutor(4) as pool:
        pool.submit(together, [Piece(work) for _ in range(8)], pool).result(PATIENCE_S)


def test_a_pool_whose_every_thread_shares_its_work_comes_to_an_end() -> None:
    done: Counter[int] = Counter()
    lock = threading.Lock()

    def work(number: int) -> None:
        with lock:
            done[number] += 1

    pieces = [Piece(partial(work, number)) for number in range(100)]
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(together, pieces[start:], pool) for start in range(0, 100, 5)]
        for each in waiting:
            each.result(PATIENCE_S)
    assert done == Counter(range(100))


def test_what_a_piece_raises_comes_to_everybody_who_wants_it_after_the_others_are_done() -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError("no")

    failing, fine = Piece(fail), Piece(partial(done.append, "fine"))
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                together([failing, fine], pool)
    assert done == ["fine"]
