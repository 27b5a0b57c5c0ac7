"""Words for payloads and terminals keep to their limits and carry nothing that acts."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests

from pytest_tmsreport.render import count, mark, marked, particulars, plain, segment, trim, utc
from pytest_tmsreport.testing import make_results


def test_a_time_is_told_in_utc() -> None:
    assert utc(1_783_160_100.9) == "2026-07-04 10:15:00"


def test_a_time_is_told_in_the_form_that_a_tool_wants() -> None:
    assert utc(0, "%Y-%m-%dT%H:%M:%SZ") == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("length", [0, 1, 99, 100])
def test_a_text_within_the_limit_stays_as_it_is(length: int) -> None:
    assert trim("x" * length, 100) == "x" * length


@pytest.mark.parametrize("length", [101, 110, 999, 1000, 10_000, 99_999, 1_000_000])
@pytest.mark.parametrize("limit", [0, 1, 2, 10, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 80, 100])
def test_a_longer_text_never_exceeds_the_limit(length: int, limit: int) -> None:
    assert len(trim("x" * length, limit)) <= limit


@pytest.mark.parametrize("length", [201, 230, 231, 999, 1000, 1029, 10_003, 100_000])
def test_the_head_the_tail_and_the_number_of_what_is_gone_add_up(length: int) -> None:
    text = "".join(chr(0x4E00 + index % 5000) for index in range(length))
    cut = trim(text, 200)
    found = re.fullmatch(r"(.+)\n… (\d+) characters left out …\n(.+)", cut)
    assert found
    assert text.startswith(found[1])
    assert text.endswith(found[3])
    assert len(found[1]) + int(found[2]) + len(found[3]) == length


def test_a_small_limit_keeps_the_head() -> None:
    assert trim("a long title of a test", 10) == "a long ti…"


def test_no_room_is_no_text() -> None:
    assert trim("text", 0) == ""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colours"),
        pytest.param("\x1b[2J\x1b[Hgone", "gone", id="clears-the-screen"),
        pytest.param("\x1b]0;title\x07text", "text", id="sets-the-title"),
        pytest.param("\x1b]8;;https://evil.test\x1b\\link\x1b]8;;\x1b\\", "link", id="hyperlink"),
        pytest.param("cut \x1b", "cut", id="lone-escape"),
        pytest.param("a\x9b31mb", "a 31mb", id="eight-bit-escape"),
        pytest.param("safe\u202etxt.exe", "safe txt.exe", id="right-to-left-override"),
        pytest.param("\u2066a\u2069b", "a b", id="isolates"),
        pytest.param("a\x00b\x08c\x7fd", "a b c d", id="controls"),
        pytest.param("one\r\ntwo\u2028three\tfour", "one two three four", id="lines-become-one"),
        pytest.param("half \ud83d a pair", "half a pair", id="lone-surrogate"),
        pytest.param("Größe ≥ 3 — 测试", "Größe ≥ 3 — 测试", id="letters-of-all-kinds-stay"),
    ],
)
def test_a_strangers_words_do_nothing_to_the_terminal(words: str, shown: str) -> None:
    assert plain(words) == shown


@pytest.mark.parametrize("limit", [1, 5, 300])
def test_a_strangers_words_are_kept_short(limit: int) -> None:
    assert plain("x" * 10_000, limit) == "x" * (limit - 1) + "…"


def test_words_at_the_limit_are_not_cut() -> None:
    assert plain("x" * 300) == "x" * 300


@pytest.mark.parametrize(("number", "words"), [(0, "0 requests"), (1, "1 request"), (2, "2 requests")])
def test_numbers_have_their_noun(number: int, words: str) -> None:
    assert count(number, "request") == words


@pytest.mark.parametrize(
    "value", [7, "7", "a/b", "a b", "a?b#c", "..", ".", "../../admin", "%2e%2e", "%2F", "a..b", "é", "\\..\\"]
)
def test_an_id_stays_one_segment_of_the_address_that_is_requested(value: object) -> None:
    request = requests.Request("GET", f"https://tms.test/v1/run/{segment(value)}/complete").prepare()
    parts = urlsplit(str(request.url))
    outer, inner, last = parts.path.removeprefix("/v1/").split("/")
    assert (outer, last) == ("run", "complete")
    assert inner not in ("", ".", "..")
    assert not parts.query
    assert not parts.fragment


def test_a_plain_id_is_not_changed() -> None:
    assert segment("SHOP-7_b.c~d") == "SHOP-7_b.c~d"


@pytest.mark.parametrize("around", ["{}", "text\n\n{}", "<p>{}</p>", "{}\n", "pytest-tmsreport other\n{}"])
def test_a_mark_is_found_again_whatever_an_editor_puts_around_it(around: str) -> None:
    for own_id in ("8e7a2c0e-5a0a-4f0e", "8e7a2c0e/C12", "8e7a2c0e/ 12 <b>"):
        assert marked(around.format(mark(own_id))) == mark(own_id)


def test_a_text_without_a_mark_has_none() -> None:
    assert marked("nothing here") == ""


def test_what_a_tool_has_no_place_for_is_said_in_lines() -> None:
    (plain,) = make_results(1, nodeid="tests/test_cart.py::test_add", title="test_add", suite=("tests", "test_cart"))
    assert particulars(plain) == []
    told = replace(
        plain, title="Adds", suite=("Shop", "Cart"), tags=("a", "b"), fields={"layer": "api", "os": "", "x": "1"}
    )
    assert particulars(told, sent=["x"]) == ["title: Adds", "suite: Shop / Cart", "tags: a, b", "layer: api"]
    assert particulars(told, titled=True)[0] == "suite: Shop / Cart"
