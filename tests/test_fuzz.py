"""Whatever servers, journals, settings, commands and tests may say: no crash, no loss, and no success that is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pytest_tmsreport.cli import main
from pytest_tmsreport.collector import clean, fitted
from pytest_tmsreport.config import load
from pytest_tmsreport.errors import JournalError
from pytest_tmsreport.journal import ATTACHMENTS, RESULTS, Journal, RunFolder, record_of
from pytest_tmsreport.masking import masker
from pytest_tmsreport.model import Attachment, Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import catalog
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.catalog import names
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import Canned, Desk, make_results
from pytest_tmsreport.vendor import Vendor

SECRET = "canary-3f9a17c2d4e8"
CASES = {"xray": "SHOP-{}", "vansah": "DEMO-C{}"}
"""How cases are named in those sandboxes where a number will not do."""

odd = st.text(st.characters(codec=None, exclude_categories=()), max_size=60) | st.sampled_from(
    ["", " ", "\0", "\ud800", "../../etc/passwd", "\x1b]0;owned\x07", "C1", "💥" * 20, "a" * 5000, "\u202etxt.exe", "-"]
)
"""Texts with everything that Python lets stand in one."""
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "id",
    "result",
    "results",
    "status",
    "data",
    "success",
    "error",
    "message",
    "key",
    "errorFields",
    "hash",
    "jobId",
)
known_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 500) | st.sampled_from(["ok", "fail", "1", "", "SHOP-1", "queued"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=15,
)
bodies = st.one_of(
    known_json.map(lambda value: json.dumps(value).encode()),
    plain_json.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"<html>log in</html>", b'{"status": true, "result": ', b"[" * 5000, b"9" * 5000, b"\xff\xfe"]
    ),
)
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "Content-Type", "Date", "Location", "X-RateLimit-Remaining", "Content-Encoding"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    max_size=3,
)
statuses = st.sampled_from([200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 409, 413, 418, 422, 429, 500, 502, 503])


class Scripted(Canned):
    """Gives prepared answers in turn, the last of them for ever."""

    def __init__(self, answers: list[tuple[int, bytes, dict[str, str]]]) -> None:
        super().__init__(*answers[0])
        self._rest = [Canned(*answer) for answer in answers]

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = self._rest.pop(0) if len(self._rest) > 1 else self._rest[0]
        return answer.send(request, *args, **kwargs)


@contextmanager
def at_a_desk(name: str) -> Iterator[Desk]:
    """A journal for that vendor, configured as its sandbox says, in a folder of its own."""
    with TemporaryDirectory() as place:
        sandbox = catalog.create(name)
        environ = {**sandbox.environment(f"https://tms.test/{name}"), "TMSREPORT_VANI_FOLDER": place}
        config = load(Path(place), environ, only=[name])
        (vendor,) = config.destinations
        desk = Desk(Path(place), vendor, sandbox)
        yield desk
        with suppress(JournalError):  # most have ended it
            desk.journal.end(exitstatus=0, not_run=[])


def some(vendor: Vendor, number: int = 3) -> list[Result]:
    form = CASES.get(vendor.name, "{}")
    return [replace(each, ids=({"": (form.format(place),)},)) for place, each in enumerate(make_results(number), 1)]


def counted(tally: Tally) -> int:
    return tally.delivered + tally.before + tally.kept + tally.refused + tally.without_case


@pytest.mark.parametrize("name", names())
@given(answers=st.lists(st.tuples(statuses, bodies, headers), min_size=1, max_size=5))
def test_whatever_a_server_answers_nothing_is_lost_and_it_can_be_sent_again(
    name: str, answers: list[tuple[int, bytes, dict[str, str]]]
) -> None:
    with at_a_desk(name) as desk:
        results = some(desk.vendor)
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(replace(results[0], attachments=(log,)), *results[1:])
        tally = desk.send(transport=Scripted(answers), deadline_s=30)
        assert counted(tally) == len(results)
        assert "unexpected" not in tally.reason
        assert tally.delivered == 0 or any(200 <= status < 300 for status, _, _ in answers)
        if not tally.is_complete and not tally.refused:
            assert tally.reason
        again = desk.send(again=True, even_if_doubled=True)
        assert counted(again) == len(results)
        assert "unexpected" not in again.reason
        arrived = {result.id.partition("/")[0] for result in desk.box.results.values()}
        assert len(arrived) >= again.delivered or desk.vendor.waits_for_end


results = st.builds(
    Result,
    id=st.uuids(version=4).map(str),
    nodeid=odd.filter(bool),
    title=odd.filter(bool),
    outcome=st.sampled_from(Outcome),
    start=st.floats(0, 4e9),
    duration=st.floats(0, 1e6),
    message=odd,
    traceback=odd,
    ids=st.lists(st.dictionaries(st.just(""), st.tuples(odd), max_size=1), max_size=2).map(tuple),
    suite=st.lists(odd, max_size=3).map(tuple),
    parameters=st.dictionaries(odd, odd, max_size=2),
    description=odd,
    tags=st.lists(odd, max_size=2).map(tuple),
    fields=st.dictionaries(odd, odd, max_size=2),
    links=st.lists(st.builds(Link, odd, odd, odd), max_size=2).map(tuple),
    notes=st.lists(odd, max_size=2).map(tuple),
    earlier=st.lists(odd, max_size=1).map(tuple),
    steps=st.lists(
        st.builds(
            Step,
            title=odd,
            outcome=st.sampled_from(Outcome),
            message=odd,
            expected=odd,
            data=odd,
            start=st.floats(0, 4e9),
            duration=st.floats(0, 1e5),
        ),
        max_size=2,
    ).map(tuple),
)


@pytest.mark.parametrize("name", names())
@given(batch=st.lists(results, min_size=1, max_size=4, unique_by=lambda result: result.id))
def test_whatever_a_test_is_called_and_says_the_others_arrive(name: str, batch: list[Result]) -> None:
    with at_a_desk(name) as desk:
        good = some(desk.vendor, 1)[0]
        for result in [*batch, replace(good, id="22222222-2222-4222-8222-222222222222")]:
            desk.journal.append(fitted(clean(record_of(result), masker([SECRET]))))
        desk.journal.end(exitstatus=0, not_run=[])
        tally = desk.send(deadline_s=600)
        assert "unexpected" not in tally.reason
        assert counted(tally) == len(batch) + 1
        assert tally.kept == 0, tally.reason
        assert "22222222-2222-4222-8222-222222222222" not in {nodeid for nodeid, _ in tally.refusals}


@pytest.mark.parametrize("name", names())
def test_ten_megabytes_of_a_message_arrive_cut(name: str) -> None:
    with at_a_desk(name) as desk:
        (result,) = some(desk.vendor, 1)
        huge = "x" * 10_000_000
        result = replace(result, nodeid=huge, title=huge, message=huge, traceback=huge, description=huge)
        desk.journal.append(fitted(record_of(replace(result, outcome=Outcome.FAILED))))
        desk.journal.end(exitstatus=0, not_run=[])
        assert desk.send().delivered == 1
        assert max(len(json.dumps(each.body, default=str)) for each in desk.box.requests) < 1_000_000


lines = st.one_of(
    st.binary(max_size=200),
    plain_json.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(["version", "run", "result", "end", "sent", "refused", "attached", "opened", "destinations"]),
        plain_json,
        max_size=3,
    ).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {
            "result": st.dictionaries(
                st.sampled_from(
                    ["id", "nodeid", "title", "outcome", "start", "duration", "attachments", "steps", "ids"]
                ),
                plain_json | st.just("passed"),
            )
        }
    ).map(lambda value: json.dumps(value).encode()),
)


@given(rubbish=st.lists(lines, max_size=8), receipts=st.lists(lines, max_size=4))
def test_whatever_stands_in_a_journal_its_good_lines_arrive(rubbish: list[bytes], receipts: list[bytes]) -> None:
    with at_a_desk("qase") as desk:
        desk.write(*some(desk.vendor))
        journal = desk.folder.path / RESULTS
        head, *rest = journal.read_bytes().splitlines()
        mixed = [line.replace(b"\n", b" ") for line in rubbish]
        journal.write_bytes(b"\n".join([head, *mixed, *rest]) + b"\n")
        own = [line for line in receipts if b"sent" not in line and b"refused" not in line]
        (desk.folder.path / "qase.jsonl").write_bytes(b"\n".join(line.replace(b"\n", b" ") for line in own) + b"\n")
        tally = desk.send(deadline_s=600)
        assert "unexpected" not in tally.reason
        assert {each.id for each in some(desk.vendor)} <= {*desk.arrived()} or tally.reason


def planted(folder: Path, secret: Path, name: str = "qase") -> Journal:
    """A run folder as an attacker would hand it over: with links and names that lead out of it."""
    digest = "ab" * 32
    with at_a_desk(name) as desk:
        journal = Journal(folder, desk.run, {"qase": "qase"})
        (result,) = some(desk.vendor, 1)
    (folder / ATTACHMENTS / digest).symlink_to(secret)
    climbing = Attachment("../../../up.txt", "text/plain", digest, secret.stat().st_size)
    journal.write(replace(result, attachments=(climbing,), links=(Link("https://evil.test/"),)))
    journal.end(exitstatus=0, not_run=[])
    return journal


def test_a_journal_of_a_stranger_reads_no_file_beside_it(tmp_path: Path) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text(SECRET)
    planted(tmp_path / "runs" / "20260914-100211-0a1b2c3d", secret)
    with at_a_desk("qase") as desk:
        desk.folder = RunFolder(tmp_path / "runs" / "20260914-100211-0a1b2c3d")
        tally = desk.send()
        assert tally.delivered == 1
        assert [note for note in tally.notes if "up.txt" in note]
        assert SECRET not in repr(desk.box)
        assert desk.box.attachments == {}


@given(run=plain_json, destinations=plain_json)
def test_a_strangers_head_of_a_journal_is_read_or_an_error_of_the_journal(run: Any, destinations: Any) -> None:
    with TemporaryDirectory() as place:
        head = {"version": 1, "run": run, "destinations": destinations}
        (Path(place) / RESULTS).write_bytes(json.dumps(head).encode() + b"\n")
        with suppress(JournalError):
            assert RunFolder(Path(place)).head().run.id


keys = st.sampled_from(
    ["project", "url", "token", "batch_size", "on_loss", "mask", "vendor", "status.failed", "read_marks", "names", "x"]
)


@given(
    sections=st.dictionaries(
        st.sampled_from(["tmsreport", "tmsreport:qase", "tmsreport:web", "tmsreport:results", "pytest"]),
        st.dictionaries(keys, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), max_size=4),
        max_size=3,
    ),
    token=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)
def test_whatever_stands_in_the_settings_is_read_or_is_a_problem_with_words(
    sections: dict[str, dict[str, str]], token: str
) -> None:
    with TemporaryDirectory() as place:
        text = "\n".join(
            f"[{name}]\n" + "\n".join(f"{key} = {value}" for key, value in held.items())
            for name, held in sections.items()
        )
        (Path(place) / "pytest.ini").write_text(text, encoding="utf-8")
        config = load(Path(place), {"TMSREPORT_QASE_TOKEN": token})
        assert all(str(problem) for problem in config.problems.values())
        if len(token.strip()) > 8:
            assert not [each for each in config.problems.values() if token.strip() in str(each)]


words = st.sampled_from(
    ["send", "runs", "show", "vendors", "explain", "doctor", "qase", "401", "--json", "--to", "--set", "--rootdir", "."]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(arguments=st.lists(words, max_size=4))
def test_whatever_is_typed_ends_with_words_and_no_traceback(arguments: list[str]) -> None:
    with TemporaryDirectory() as place:
        done = CliRunner().invoke(main, arguments, env={"TMSREPORT_DIR": place})
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert done.exit_code in (0, 1, 2)
        assert done.output or not arguments


def test_what_a_hostile_server_sends_after_a_page_is_not_followed() -> None:
    with at_a_desk("qase") as desk:
        desk.write(*some(desk.vendor))
        evil = Scripted([(302, b"", {"Location": "https://evil.test/steal"})])
        tally = desk.send(transport=evil, deadline_s=5)
        assert tally.delivered == 0
        assert tally.kept == 3
        assert "evil.test" not in repr(evil.paths)


def test_the_sandbox_of_every_vendor_takes_what_the_fuzz_begins_with() -> None:
    for name in names():
        with at_a_desk(name) as desk:
            desk.write(*some(desk.vendor))
            assert desk.send(transport=WsgiAdapter(desk.mount)).delivered == 3, name
