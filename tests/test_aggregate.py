"""Several tests of one case, for tools that keep one result a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_tmsreport.aggregate import merge, part
from pytest_tmsreport.model import Attachment, Outcome, Result
from pytest_tmsreport.testing import make_results


def results(*outcomes: Outcome) -> list[Result]:
    made = make_results(len(outcomes), case_ids=("C1",), message="")
    return [
        replace(result, outcome=outcome, parameters={"n": str(number)})
        for number, (result, outcome) in enumerate(zip(made, outcomes, strict=True))
    ]


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        ((Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED), Outcome.FAILED),
        ((Outcome.FAILED, Outcome.ERROR), Outcome.ERROR),
        ((Outcome.SKIPPED, Outcome.PASSED), Outcome.PASSED),
        ((Outcome.SKIPPED, Outcome.XFAILED), Outcome.XFAILED),
        ((Outcome.PASSED, Outcome.XPASSED), Outcome.XPASSED),
    ],
)
def test_the_worst_outcome_speaks_for_the_case(outcomes: tuple[Outcome, ...], worst: Outcome) -> None:
    one = merge(results(*outcomes), "worst")
    assert one.outcome is worst
    assert [part.outcome for part in one.parts] == list(outcomes)


def test_the_last_one_speaks_where_that_is_asked_for() -> None:
    one = merge(results(Outcome.FAILED, Outcome.PASSED), "last")
    assert one.outcome is Outcome.PASSED


def test_the_message_tells_about_the_others() -> None:
    one = merge(results(Outcome.FAILED, Outcome.PASSED), "worst")
    assert one.message == "passed: test_1[n=1]"


def test_the_time_of_a_case_is_that_of_all_its_tests() -> None:
    one = merge(results(Outcome.PASSED, Outcome.PASSED), "worst")
    assert (one.start, one.duration) == (one.parts[0].start, 0.5)


def test_a_file_of_two_tests_goes_once() -> None:
    log = Attachment("log.txt", "text/plain", "a" * 64, 1)
    one = merge([replace(each, attachments=(log,)) for each in results(Outcome.PASSED, Outcome.PASSED)], "worst")
    assert one.attachments == (log,)


def test_a_test_of_two_cases_speaks_for_both() -> None:
    (result,) = make_results(1, case_ids=("C1", "C2"))
    parts = [part(result, case) for case in result.case_ids]
    assert [(each.case_ids, each.id) for each in parts] == [
        (("C1",), f"{result.id}/C1"),
        (("C2",), f"{result.id}/C2"),
    ]


def test_a_test_of_one_case_speaks_in_its_own_name() -> None:
    (result,) = make_results(1, case_ids=("C1",))
    assert part(result, "C1") is result
