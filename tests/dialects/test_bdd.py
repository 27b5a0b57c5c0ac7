"""pytest-bdd beside ours: real versions in environments of their own, looked at in the journal and at the tools."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project, Ran

VERSIONS = {
    "7": ("pytest==8.4.2", "pytest-bdd==7.3.0"),
    "8": ("pytest==9.0.3", "pytest-bdd==8.1.0"),  # it does not run on later ones
    "9": ("pytest==9.2.0", "pytest-bdd==9.0.1"),
}

FEATURE = '''
@shop
Feature: Cart
    A person buys what they like.

    Background:
        Given a shop

    @smoke @slow
    Scenario: Buys tea
        The tea is green.

        Given an empty cart
        When I add tea
        And I pay with
            """
            a card
            of mine
            """
        Then I get a receipt

    Scenario: Pays too little
        Given an empty cart
        When I pay too little
        Then I get a receipt
        And the cart is empty

    Scenario: Has no printer
        Given an empty cart
        When I print
        Then I get a receipt

    Scenario: Meets an unknown step
        Given an empty cart
        When I do what nobody has written
        Then I get a receipt

    Scenario Outline: Adds <count> of <what>
        Given an empty cart
        When I add <count> of <what>
        Then the cart holds <count>

        Examples:
            | count | what |
            | 1     | tea  |
            | 2     | cup  |

    Scenario: Is titled by its mark
        Given an empty cart
'''

TESTS = """
import pytest
import pytest_tmsreport as tms
from pytest_bdd import given, parsers, scenario, scenarios, then, when


@pytest.mark.tms("C7", title="By the mark", suite="Elsewhere")
@scenario("cart.feature", "Is titled by its mark")
def test_marked():
    pass


scenarios("cart.feature")


@pytest.fixture
def log():
    with tms.step("open log"):
        pass
    yield
    with tms.step("close log"):
        pass


@given("a shop")
def shop(log):
    pass


@given("an empty cart", target_fixture="cart")
def cart():
    return []


@when("I add tea")
def add_tea(cart):
    with tms.step("look for tea"):
        tms.attach(b"leaves", name="tea.bin")
    cart.append("tea")


@when(parsers.parse("I add {count:d} of {what}"))
def add(cart, count, what):
    cart += [what] * count


@then(parsers.parse("the cart holds {count:d}"))
def holds(cart, count):
    assert len(cart) == count


@when(parsers.re("I pay with.*", 16))
def pay():
    pass


@when("I pay too little")
def pay_too_little():
    with tms.step("count"):
        raise ValueError("two cents are missing")


@when("I print")
def print_it():
    pytest.skip("no printer")


@then("I get a receipt")
def receipt():
    pass


@then("the cart is empty")
def is_empty():
    pass
"""
INI = "[pytest]\nmarkers =\n    shop\n    smoke\n    slow\n"


@pytest.fixture(params=["7", pytest.param("8", marks=pytest.mark.long), "9"])
def bdd(request: pytest.FixtureRequest, project: Project, beside: Callable[..., Path]) -> Project:
    """A project of scenarios."""
    project.move(beside("pytest-bdd", *VERSIONS[request.param]))
    project.write("pytest.ini", INI)
    project.write("cart.feature", FEATURE)
    project.write("test_cart.py", TESTS)
    return project


def steps(ran: Ran) -> dict[str, list[str]]:
    """Title -> its steps, the long words of pytest-bdd on an unknown step cut off."""
    return {
        result.title: [line.partition("Error: Step definition")[0] for line in ran.steps(nodeid)]
        for nodeid, result in ran.last.items()
    }


def test_each_given_when_and_then_is_a_step_and_what_was_not_reached_is_skipped(bdd: Project, workers: str) -> None:
    ran = bdd.report(workers)

    background = ["passed: Given a shop", "  passed: open log", "passed: Given an empty cart"]
    found = steps(ran)
    assert found.pop("Meets an unknown step") == [
        *background,
        "failed: When I do what nobody has written: StepDefinitionNotFound",
        "skipped: Then I get a receipt: not reached",
        "passed: close log",
    ]
    assert found == {
        "Buys tea": [
            *background,
            "passed: When I add tea",
            "  passed: look for tea",
            "passed: And I pay with",
            "passed: Then I get a receipt",
            "passed: close log",
        ],
        "Pays too little": [
            *background,
            "failed: When I pay too little: ValueError: two cents are missing",
            "  failed: count: ValueError: two cents are missing",
            "skipped: Then I get a receipt: not reached",
            "skipped: And the cart is empty: not reached",
            "passed: close log",
        ],
        "Has no printer": [
            *background,
            "skipped: When I print: no printer",
            "skipped: Then I get a receipt: not reached",
            "passed: close log",
        ],
        "Adds 1 of tea": [
            *background,
            "passed: When I add 1 of tea",
            "passed: Then the cart holds 1",
            "passed: close log",
        ],
        "Adds 2 of cup": [
            *background,
            "passed: When I add 2 of cup",
            "passed: Then the cart holds 2",
            "passed: close log",
        ],
        "By the mark": [*background, "passed: close log"],
    }
    assert len(bdd.arrived) == 7


def test_feature_scenario_tags_and_examples_say_what_the_test_is(bdd: Project) -> None:
    ran = bdd.report()

    found = {result.title: result for result in ran.results}
    assert {title: result.suite for title, result in found.items()} == {
        **dict.fromkeys(found, ("Cart",)),
        "By the mark": ("Elsewhere",),
    }
    assert found["Buys tea"].tags == ("shop", "slow", "smoke")
    assert found["Pays too little"].tags == ("shop",)
    assert found["Buys tea"].description == "A person buys what they like.\n\nThe tea is green."
    assert found["Adds 2 of cup"].parameters == {"count": "2", "what": "cup"}
    assert found["Buys tea"].parameters == {}
    pays = next(step for step in found["Buys tea"].steps if step.title == "And I pay with")
    assert pays.data == "a card\nof mine"
    adds = next(step for step in found["Buys tea"].steps if step.title == "When I add tea")
    assert [file.sha256 for file in found["Buys tea"].attachments] == list(adds.steps[0].files)
    (marked,) = (arrived for arrived in bdd.arrived if arrived.title == "By the mark")
    assert marked.cases == ("7",)
    outcomes = {title: result.outcome.value for title, result in found.items()}
    assert outcomes == {
        **dict.fromkeys(found, "passed"),
        "Pays too little": "failed",
        "Meets an unknown step": "failed",
        "Has no printer": "skipped",
    }


def test_pytest_says_the_same_with_and_without(bdd: Project) -> None:
    def told(*args: str) -> str:
        out = bdd.pytest("-p", "no:cacheprovider", "-vv", "--gherkin-terminal-reporter", *args).out
        out = re.sub(r"=+ test management =+\n.*?(?======)", "", out, flags=re.DOTALL)
        return re.sub(r"\d+\.\d+s|0x[0-9a-f]+", "", out)

    assert told("--tms-to", "qase") == told()


def test_where_other_words_are_not_to_be_read_a_scenario_is_a_test_like_any_other(bdd: Project) -> None:
    bdd.write("pytest.ini", f"{INI}[tmsreport]\nread_marks = none\n")
    ran = bdd.report("-k", "buys")
    assert ran.steps("test_cart.py::test_buys_tea") == [
        "passed: open log",
        "passed: look for tea",
        "passed: close log",
    ]
    (result,) = ran.results
    assert (result.title, result.suite) == ("test_buys_tea", ("test_cart",))


TABLE = """
Feature: Prices

    Rule: Tea is cheap

        @cheap @qase.id=42 @qase.muted
        Scenario: Adds up
            When I add
                | what | price |
                | tea  | 2     |
                | cup  | 3     |
"""


@pytest.mark.parametrize("version", [pytest.param("8", marks=pytest.mark.long), "9"])
def test_a_table_is_the_data_of_its_step_and_a_rule_a_suite_within_its_feature(
    project: Project, beside: Callable[..., Path], version: str
) -> None:
    project.move(beside("pytest-bdd", *VERSIONS[version]))
    project.write("prices.feature", TABLE)
    project.write("pytest.ini", "[pytest]\nmarkers = cheap\n[tmsreport]\nfixtures = true\n")
    project.write(
        "test_prices.py",
        """
        import pytest
        from pytest_bdd import scenarios, when

        scenarios("prices.feature")

        @pytest.fixture
        def till():
            yield

        @when("I add")
        def add(datatable, till):
            assert len(datatable) == 3
        """,
    )
    ran = project.report()
    (result,) = ran.results
    assert (result.suite, result.tags) == (("Prices", "Tea is cheap"), ("cheap",))
    assert (result.fields, project.arrived[0].cases) == ({"muted": "true"}, ("42",))  # for qase-pytest
    assert result.steps[0].data == "| what | price |\n| tea | 2 |\n| cup | 3 |"
    assert ran.steps(result.nodeid) == ["passed: When I add", "  passed: till", "passed: teardown of till"]
