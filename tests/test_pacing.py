"""A token keeps to its limit: bursts up to it, then one place as the window moves on."""

from __future__ import annotations

from pytest_tmsreport.pacing import Pacer


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_up_to_the_limit_does_not_wait_and_the_next_request_does() -> None:
    pacer = Pacer(600, Clock())
    assert [pacer.reserve() for _ in range(600)] == [0.0] * 600
    assert pacer.reserve() == 60.0


def test_the_window_moves_with_the_clock() -> None:
    clock = Clock()
    pacer = Pacer(2, clock)
    pacer.reserve()
    clock.now += 20
    pacer.reserve()
    clock.now += 10
    assert pacer.reserve() == 30.0  # after the first
    assert pacer.reserve() == 50.0  # after the second


def test_no_minute_sees_more_requests_than_the_limit() -> None:
    clock = Clock()
    pacer = Pacer(5, clock)
    sent = []
    for number in range(40):
        clock.now += pacer.reserve()
        sent.append(clock.now)
        clock.now += number % 3
    assert all(later - earlier >= 60 for earlier, later in zip(sent, sent[5:], strict=False))


def test_a_place_is_free_again_after_a_minute() -> None:
    clock = Clock()
    pacer = Pacer(1, clock)
    pacer.reserve()
    clock.now += 60
    assert pacer.reserve() == 0.0


def test_zero_is_no_limit() -> None:
    pacer = Pacer(0, Clock())
    assert {pacer.reserve() for _ in range(5000)} == {0.0}


def test_a_hold_binds_every_request() -> None:
    clock = Clock()
    pacer = Pacer(0, clock)
    pacer.hold(30)
    assert [pacer.reserve(), pacer.reserve()] == [30.0, 30.0]
    clock.now += 31
    assert pacer.reserve() == 0.0


def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    pacer = Pacer(0, Clock())
    pacer.hold(30)
    pacer.hold(5)
    assert pacer.reserve() == 30.0


def test_requests_that_waited_for_a_hold_count_from_its_end() -> None:
    pacer = Pacer(2, Clock())
    pacer.hold(30)
    assert [pacer.reserve() for _ in range(3)] == [30.0, 30.0, 90.0]


def test_the_lower_of_two_limits_holds() -> None:
    pacer = Pacer(600, Clock())
    pacer.tighten(3)
    assert [pacer.reserve() for _ in range(4)] == [0.0, 0.0, 0.0, 60.0]


def test_a_higher_limit_and_none_change_nothing() -> None:
    pacer = Pacer(2, Clock())
    pacer.tighten(100)
    pacer.tighten(0)
    assert [pacer.reserve() for _ in range(3)] == [0.0, 0.0, 60.0]


def test_a_limit_replaces_none() -> None:
    pacer = Pacer(0, Clock())
    pacer.tighten(1)
    assert [pacer.reserve(), pacer.reserve()] == [0.0, 60.0]


def test_what_was_sent_before_counts_under_the_tighter_limit() -> None:
    clock = Clock()
    pacer = Pacer(600, clock)
    for _ in range(10):
        pacer.reserve()
        clock.now += 1
    pacer.tighten(2)
    assert pacer.reserve() == 58.0  # a minute after the last but one, sent 2 s ago
