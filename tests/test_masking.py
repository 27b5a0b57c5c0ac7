"""Secrets are blacked out, wherever they stand in a text."""

from __future__ import annotations

import json

import pytest

from pytest_tmsreport.errors import ConfigError
from pytest_tmsreport.masking import mask_json, mask_pieces, masker


def test_every_occurrence_of_a_secret_is_masked() -> None:
    assert masker(["s3cret"])("s3cret, and xs3cretx") == "***, and x***x"


@pytest.mark.parametrize("secrets", [["abcd", "abcdefgh"], ["abcdefgh", "abcd"]], ids=["short-first", "long-first"])
def test_the_longest_secret_wins_so_that_no_rest_of_it_stays(secrets: list[str]) -> None:
    assert masker(secrets)("abcdefgh abcd") == "*** ***"


def test_a_secret_is_text_and_no_pattern() -> None:
    assert masker(["a.c+("])("a.c+( abc+(") == "*** abc+("


@pytest.mark.parametrize("short", ["", "a", "abc"])
def test_a_short_secret_blacks_nothing_out(short: str) -> None:
    assert masker([short])("an abc of a test") == "an abc of a test"


def test_a_secret_of_four_characters_is_masked() -> None:
    assert masker(["abcd"])("abcd") == "***"


def test_a_secret_is_masked_where_json_escapes_it_too() -> None:
    secret = 'pa"ss\\word'
    assert masker([secret])(json.dumps({"password": secret})) == '{"password": "***"}'


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("ghp_" + "a1" * 18, "***", id="github"),
        pytest.param("github_pat_" + "a1_" * 8, "***", id="github-fine-grained"),
        pytest.param("glpat-" + "aB-3" * 5, "***", id="gitlab"),
        pytest.param("AKIA" + "ABCD1234" * 2, "***", id="aws"),
        pytest.param("xoxb-" + "1234567890", "***", id="slack"),
        pytest.param("ATATT3" + "xFfGF0" * 5, "***", id="atlassian"),
        pytest.param("sk-" + "abc123XYZ_" * 3, "***", id="sk"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "***", id="json-web-token"),
        pytest.param("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***", id="bearer"),
        pytest.param("authorization: BASIC dXNlcjpwYXNzd29yZA==", "authorization: BASIC ***", id="basic"),
        pytest.param("Token: 0123456789abcdef0123", "Token: ***", id="token-header"),
        pytest.param("https://me:pa55@host.test/x", "https://***@host.test/x", id="url"),
    ],
)
def test_well_known_shapes_are_masked_without_being_named(text: str, masked: str) -> None:
    assert masker([])(f"before {text} after") == f"before {masked} after"


@pytest.mark.parametrize(
    "text",
    [
        "https://host.test:8443/path@2x.png",
        "the basic idea of a bearer token",
        "tests/test_disk-usage-of-everything.py::test_it",
        "sk-learn",
        "eyes.eyes.eyes",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert masker(["s3cret"])(text) == text


@pytest.mark.parametrize(
    ("pattern", "text", "masked"),
    [
        pytest.param(r"card-\d+", "card-12 card-x", "*** card-x", id="plain"),
        pytest.param(r"(card|iban)-(\d+)", "iban-7", "***", id="groups"),
        pytest.param(r"(?P<kind>card)-(?P=kind)", "card-card", "***", id="named-group"),
        pytest.param(r"(a)\1", "aa ab", "*** ab", id="back-reference"),
        pytest.param(r"(?i)card-\d+", "CARD-1", "***", id="flag"),
        pytest.param("(?x) card - \\d+  # a card", "card-1", "***", id="verbose-flag"),
        pytest.param(r"card|iban", "card iban", "*** ***", id="alternatives"),
        pytest.param(r"(?<=pin=)\d+", "pin=1234", "pin=***", id="look-behind"),
    ],
)
def test_a_pattern_of_the_user_is_masked(pattern: str, text: str, masked: str) -> None:
    assert masker([], [pattern])(text) == masked


def test_patterns_do_not_disturb_each_other() -> None:
    mask = masker(["s3cret"], [r"(?i)card-(\d)\1", r"(x)(y)\2"])
    assert mask("s3cret CARD-11 xyy card-12") == "*** *** *** card-12"


@pytest.mark.parametrize("between", ["\n", " ", ""], ids=["lines", "one_line", "no_gap"])
def test_a_long_text_in_pieces_is_masked_as_it_would_be_as_a_whole(between: str) -> None:
    mask = masker(["s3cret"], [r"(?<=pin=)\d{4}", r"BEGIN[\s\S]*?END", r"\bword\b"])
    key = "key\n" * 30
    line = f"{'x' * 300} s3cret pin=1234 BEGIN{key}END word https://me:pa55@host.test/ eyes"
    text = between.join([line] * 900)
    for size in (10_007, len(text)):
        pieces = (text[start : start + size] for start in range(0, len(text), size))
        assert "".join(mask_pieces(pieces, mask)) == mask(text)


def test_a_match_that_does_not_end_is_not_cut_in_two() -> None:
    mask = masker([], ["(?s)BEGIN.*?END"])
    middle = "BEGIN" + "x" * 500_000 + "END"
    assert "".join(mask_pieces(["before ", middle, " after"], mask)) == "before *** after"
    with pytest.raises(ValueError, match="does not end"):
        list(mask_pieces((("BEGIN" if not number else "x") * 2**18 for number in range(20)), masker([], ["(?s)B.*"])))


@pytest.mark.parametrize("pattern", ["(", "*", "[a", "(?P<a", "(?z)"])
def test_a_pattern_that_is_none_is_named(pattern: str) -> None:
    with pytest.raises(ConfigError, match="`mask` holds no regular expression") as caught:
        masker([], ["fine", pattern])
    assert repr(pattern) in str(caught.value)


def test_a_greedy_pattern_leaves_json_whole() -> None:
    mask = masker([], [r"password=\S+", r"\d{6,}"])
    value = {"message": "password=abc", "rows": [{"start": 1_700_000_000.5, "tag": "1700000000"}], "none": None}
    assert mask_json(value, mask) == {
        "message": "***",
        "rows": [{"start": 1_700_000_000.5, "tag": "***"}],
        "none": None,
    }
