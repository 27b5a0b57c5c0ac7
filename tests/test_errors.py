"""An error says what happened, what it means and what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_tmsreport import errors
from pytest_tmsreport.errors import (
    HTTP,
    AuthError,
    ConfigError,
    Doubtful,
    ErrorTable,
    Fault,
    JournalError,
    NotFound,
    PartlyRejected,
    PermanentError,
    RateLimited,
    Rejected,
    SelectionError,
    TmsError,
    TooLarge,
    TooLong,
    TransientError,
    VendorError,
    dig,
)

MISSING_CASE = Fault(Rejected, "the case does not exist", "check the id")
BUSY = Fault(TransientError, "maintenance")
LOCKED = Fault(AuthError, "the account is locked")
TABLE = ErrorTable(code=("error.code",), codes={"E17": MISSING_CASE, 1001: LOCKED, 409: BUSY})

PARENTS: dict[type[TmsError], type[Exception]] = {
    TmsError: Exception,
    ConfigError: TmsError,
    JournalError: TmsError,
    TooLong: JournalError,
    SelectionError: TmsError,
    VendorError: TmsError,
    TransientError: VendorError,
    RateLimited: TransientError,
    Doubtful: VendorError,
    PermanentError: VendorError,
    AuthError: PermanentError,
    NotFound: PermanentError,
    Rejected: PermanentError,
    TooLarge: Rejected,
    PartlyRejected: PermanentError,
}


def test_every_error_has_its_place_in_the_tree() -> None:
    ours = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)}
    assert {each: each.__base__ for each in ours} == PARENTS


@pytest.mark.parametrize(
    ("status", "body", "fault", "code"),
    [
        pytest.param(400, {"error": {"code": "E17"}}, MISSING_CASE, "E17", id="own-word-before-http"),
        pytest.param(401, {"error": {"code": 1001}}, LOCKED, 1001, id="own-number-before-http"),
        pytest.param(200, {"error": {"code": "E17"}}, MISSING_CASE, "E17", id="own-word-in-a-200"),
        pytest.param(409, {}, BUSY, 409, id="narrowed-status"),
        pytest.param(429, {}, HTTP[429], 429, id="http"),
        pytest.param(401, {"error": {"code": "E99"}}, HTTP[401], 401, id="unknown-own-word"),
        pytest.param(401, {"error": {"code": ["E17"]}}, HTTP[401], 401, id="own-word-is-a-list"),
        pytest.param(401, "text", HTTP[401], 401, id="no-json-object"),
        pytest.param(401, None, HTTP[401], 401, id="no-json"),
    ],
)
def test_the_tools_own_code_comes_before_http(status: int, body: Any, fault: Fault, code: int | str) -> None:
    assert TABLE.pick(status, body) == (fault, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"type": "Known", "message": "TF7: too fast"}, "Known", id="both-are-known"),
        pytest.param({"type": "Other", "message": "TF7: too fast"}, "TF7", id="the-words-hold-the-known-one"),
        pytest.param({"type": "Other", "message": "TF8: too slow"}, "Other", id="none-is-known"),
        pytest.param({"message": "TF8: too slow"}, "TF8", id="only-the-words-hold-one"),
    ],
)
def test_of_several_codes_the_one_that_the_table_knows_counts(body: Any, code: str) -> None:
    table = ErrorTable(code=("type",), code_in_message=r"\bTF\d+", codes={"Known": LOCKED, "TF7": BUSY})
    assert table.pick(418, body)[1] == code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(200, Rejected, id="failure-in-a-200"),
        pytest.param(302, PermanentError, id="redirect"),
        pytest.param(418, Rejected, id="unknown-4xx"),
        pytest.param(499, Rejected, id="last-4xx"),
        pytest.param(520, TransientError, id="unknown-5xx"),
        pytest.param(599, TransientError, id="last-5xx"),
    ],
)
def test_an_unknown_status_belongs_to_its_family(status: int, kind: type[VendorError]) -> None:
    fault, code = ErrorTable().pick(status, None)
    assert (fault.kind, code) == (kind, status)


def test_an_unknown_code_is_told_with_the_meaning_of_the_family() -> None:
    fault, code = TABLE.pick(418, {"error": {"code": "E99"}})
    assert (fault, code) == (HTTP[400], "E99")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, AuthError),
        (403, AuthError),
        (404, NotFound),
        (408, TransientError),
        (410, NotFound),
        (413, TooLarge),
        (422, Rejected),
        (429, RateLimited),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_http_says_by_itself_what_to_do(status: int, kind: type[VendorError]) -> None:
    fault = ErrorTable().pick(status, {})[0]
    assert fault.kind is kind


@pytest.mark.parametrize(
    ("code", "fault"), [("E17", MISSING_CASE), (409, BUSY), (404, HTTP[404]), ("E99", None), (299, None)]
)
def test_a_code_can_be_looked_up(code: int | str, fault: Fault | None) -> None:
    assert TABLE.explain(code) == fault


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"message": "no such run", "error": "x"}, "no such run", id="first-path"),
        pytest.param({"message": "", "error": "x"}, "x", id="next-path-where-the-first-is-empty"),
        pytest.param({"error": {"reason": "bad", "where": "title"}}, "bad: title", id="object"),
        pytest.param({"error": ["a", "b"]}, "a; b", id="list"),
        pytest.param({"error": 7}, "7", id="number"),
        pytest.param(
            {
                "message": "invalid",
                "fields": [{"field": "title", "error": "too long"}, {"field": "id", "error": "bad"}],
            },
            "invalid | title: too long; id: bad",
            id="details-of-fields",
        ),
        pytest.param({"fields": ["x"]}, "x", id="details-alone"),
        pytest.param({"other": 1}, "", id="nothing-readable"),
        pytest.param(["a"], "", id="body-is-a-list"),
        pytest.param(None, "", id="no-body"),
    ],
)
def test_the_tools_words_are_one_line(body: Any, words: str) -> None:
    assert ErrorTable(details="fields").words(body) == words


def test_a_long_list_of_details_is_cut() -> None:
    assert ErrorTable().words({"error": [str(number) for number in range(1000)]}) == "0; 1; 2; 3; 4; 5; 6; 7; 8; 9"


@pytest.mark.parametrize(
    ("body", "is_failure"),
    [
        pytest.param({"ok": False}, True, id="false"),
        pytest.param({"ok": 0}, True, id="zero"),
        pytest.param({"ok": True}, False, id="true"),
        pytest.param({"ok": None}, False, id="null"),
        pytest.param({}, False, id="missing"),
        pytest.param([], False, id="list"),
    ],
)
def test_an_answer_can_fail_inside(body: Any, is_failure: bool) -> None:
    assert ErrorTable(success="ok").failed_inside(body) is is_failure


def test_an_answer_does_not_fail_inside_where_the_tool_has_no_such_thing() -> None:
    assert not ErrorTable().failed_inside({"ok": False, "": False})


BATCHES = ErrorTable(
    message=("error.message",),
    code=("error.code",),
    failure="error",
    phrases={"not let in": -32098, "is locked": "busy"},
    codes={
        -32098: Fault(AuthError, "nobody is signed in", "sign in"),
        "busy": Fault(TransientError, "the database is busy"),
        -32603: Fault(Rejected, "not taken"),
    },
)
WELL: Any = {"result": 1}
BAD: Any = {"error": {"code": -32603, "message": "a field is wrong"}}
SHUT: Any = {"error": {"code": -32603, "message": "you are not let in"}}
JAMMED: Any = {"error": {"code": -32603, "message": "the table is locked"}}


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        pytest.param(WELL, None, id="fine"),
        pytest.param(BAD, BAD, id="an-error-alone"),
        pytest.param([WELL, BAD], None, id="one-of-a-batch-is-refused"),
        pytest.param([BAD, BAD], None, id="all-of-a-batch-are-refused"),
        pytest.param([WELL, SHUT], None, id="a-right-lacks-for-one"),
        pytest.param([SHUT, SHUT], SHUT, id="nobody-is-let-in"),
        pytest.param([WELL, JAMMED, BAD], JAMMED, id="some-may-be-tried-again"),
        pytest.param([], None, id="an-empty-batch"),
    ],
)
def test_a_batch_failed_where_it_may_be_tried_again_or_nobody_was_let_in(body: Any, failure: Any) -> None:
    assert BATCHES.failure_in(body) == failure


@pytest.mark.parametrize(("body", "code"), [(BAD, -32603), (SHUT, -32098), (JAMMED, "busy")])
def test_words_may_tell_more_than_a_code(body: Any, code: int | str) -> None:
    assert BATCHES.pick(200, body) == (BATCHES.codes[code], code)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("result.id", 7),
        ("items.1.name", "b"),
        ("items.2.name", None),
        ("items.x", None),
        ("items.-1", None),
        ("result.id.deeper", None),
        ("nothing", None),
    ],
)
def test_a_dotted_path_finds_a_value_or_nothing(path: str, value: Any) -> None:
    assert dig({"result": {"id": 7}, "items": [{"name": "a"}, {"name": "b"}]}, path) == value


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (RateLimited, "after the wait the server asks for"),
        (TransientError, "growing waits"),
        (TooLarge, "split"),
        (Rejected, "culprits are taken out"),
        (AuthError, "this destination stops"),
        (NotFound, "this destination stops"),
        (PermanentError, "this destination stops"),
    ],
)
def test_a_fault_says_what_the_plugin_does_next(kind: type[VendorError], words: str) -> None:
    assert words in Fault(kind, "meaning").in_words()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(VendorError("no answer"), "no answer", id="text-alone"),
        pytest.param(VendorError("down", status=503, request="GET v1/run"), "503 down (GET v1/run)", id="status"),
        pytest.param(VendorError("bad", status=400, code="E17", request="POST a"), "E17 bad (POST a)", id="own-code"),
        pytest.param(VendorError("bad", status=400, code=400), "400 bad", id="code-is-the-status"),
    ],
)
def test_an_error_shows_its_number_its_words_and_its_request(error: VendorError, text: str) -> None:
    assert str(error) == text


def test_no_fault_is_left_without_words() -> None:
    assert all(fault.meaning for fault in HTTP.values())
    assert all(fault.remedy for fault in HTTP.values() if not issubclass(fault.kind, TransientError))
