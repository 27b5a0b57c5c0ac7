"""A result as a scenario of a Cucumber report; the whole of it, and those who read it, are held to in tests/vendors."""

from __future__ import annotations

from pytest_tmsreport.aggregate import name_of
from pytest_tmsreport.cucumber import report
from pytest_tmsreport.model import Step
from pytest_tmsreport.testing import make_results


def test_the_keyword_of_a_step_of_gherkin_is_said_once() -> None:
    titles = ("Given a shop", "And a cart", "When", "Whenever it rains", "open cart", "Then  I pay")
    steps = tuple(Step(title=title) for title in titles)
    (made,) = make_results(1, title="pays", steps=steps)
    ((scenario,),) = (feature["elements"] for feature in report([("C1", "passed", made)]))
    assert [(step["keyword"], step["name"]) for step in scenario["steps"]] == [
        ("Given ", "a shop"),
        ("And ", "a cart"),
        ("* ", "When"),
        ("* ", "Whenever it rains"),
        ("* ", "open cart"),
        ("Then ", "I pay"),
        ("Then ", name_of(made)),
    ]
