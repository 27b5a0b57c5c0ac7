"""Templates with holes: which keep types, which leave their keys out, and what filters make of values."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_tmsreport.errors import ConfigError
from pytest_tmsreport.model import Outcome, Step
from pytest_tmsreport.templates import Known, filters, template, text

STEPS = (Step(title="pays", duration=0.5, steps=(Step(title="types", outcome=Outcome.FAILED, message="no"),)),)
VALUES: dict[str, Any] = {
    "title": "adds  up",
    "count": 7,
    "flag": True,
    "start": 1789380131.1204,
    "duration": 1.3604,
    "none": None,
    "empty": "",
    "tags": ("smoke", "slow"),
    "no_tags": (),
    "fields": {"severity": "high"},
    "steps": STEPS,
    "run.name": "nightly",
}
KNOWN = Known(VALUES, "[acme]", ("fields",))


def filled(value: Any) -> Any:
    return template(value, KNOWN)(VALUES)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("{count}", 7),
        ("{flag}", True),
        ("{tags}", ["smoke", "slow"]),
        ("{fields}", {"severity": "high"}),
        ("{fields.severity}", "high"),
        ("{run.name}", "nightly"),
        ("no {count} of {flag}", "no 7 of true"),
        ("{{count}} {count}", "{count} 7"),
        ("[{none}{empty}]", "[]"),
        ("{steps}", ["passed: pays (0.5 s)", "  failed: types: no (0.0 s)"]),
        (7, 7),
        (None, None),
        ([1, "{count}", "{none}"], [1, 7]),
        ({"a": "{none}", "b": "{empty}", "c": "{no_tags}", "d": {"e": "{none}"}, "f": ""}, {"d": {}, "f": ""}),
        ({"*": "{fields}", "more": 1}, {"severity": "high", "more": 1}),
        ({"*": "{none}", "more": 1}, {"more": 1}),
    ],
)
def test_a_hole_keeps_its_type_alone_and_becomes_words_among_others(value: Any, made: Any) -> None:
    assert filled(value) == made


@pytest.mark.parametrize(
    ("hole", "made"),
    [
        ("start|iso", "2026-09-14T10:02:11.120Z"),
        ("start|date", "2026-09-14 10:02:11"),
        ("start|date:%d.%m.%Y", "14.09.2026"),
        ("duration|ms", 1360),
        ("duration|seconds", 1),
        ("title|cut:5", "adds…"),
        ("title|trim:4", "add…"),
        ("tags|join:/", "smoke/slow"),
        ("tags|join", "smoke, slow"),
        ("tags | join: + ", "smoke + slow"),
        ("tags|text", "smoke\nslow"),
        ("fields|text", "severity: high"),
        ("steps|text|trim:20", "passed: pays (0.5 s…"),
        ("tags|first", "smoke"),
        ("tags|last|upper", "SLOW"),
        ("tags|each:name", [{"name": "smoke"}, {"name": "slow"}]),
        ("fields|json", '{"severity": "high"}'),
        ("count|or:8", 7),
        ("none|or:8|number", 8),
        ("title|without:adds  ", "up"),
        ("title|number", "adds  up"),
    ],
)
def test_filters_make_of_a_value_what_their_names_say(hole: str, made: Any) -> None:
    assert filled("{" + hole + "}") == made


def test_what_is_kept_stays_where_it_is_empty() -> None:
    table = {"a": "{none|keep}", "b": "{no_tags|keep}", "c": "{empty|null}", "d": "{count|null}"}
    assert filled(table) == {"a": None, "b": [], "c": None, "d": 7}


def test_every_filter_is_tried_here() -> None:
    words = "cut date each first iso join json keep last lower ms null number or seconds text trim upper without"
    assert filters() == words.split()
    assert filled("{title|lower}") == "adds  up"


def test_what_fills_a_path_is_quoted() -> None:
    assert text("runs/{title}/x", KNOWN, is_path=True)({"title": "../a b?"}) == "runs/..%2Fa%20b%3F/x"


def test_a_value_of_another_kind_than_its_example_stays_for_the_tool_to_refuse() -> None:
    assert template("{fields.severity|ms}", Known({}, "x", ("fields",)))({"fields": {"severity": "high"}}) == "high"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{titel}", "[acme]: there is no {titel} here; did you mean {title}?"),
        ("{x}", "there is no {x} here; known are:"),
        ("{title.x}", "there is no {title.x} here"),
        ({"a": ["{titel}"]}, "[acme].a.0: there is no"),
        ("{title|ct:5}", "there is no filter `ct`; did you mean `cut`?"),
        ("{title|cut:x}", "the filter `cut` needs a number"),
        ("{title|iso}", "the filters of {title|iso} make nothing of it"),
        ("a } b", "a lone '}': double it"),
        ("{}", "there is no {} here"),
    ],
)
def test_what_cannot_be_filled_is_found_when_it_is_read(value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        template(value, KNOWN)
    assert said in str(caught.value)
