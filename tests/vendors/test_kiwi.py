from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.errors import ConfigError, NotFound
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import kiwi as kiwi_sandbox
from pytest_tmsreport.sandbox.kiwi_fields import PASSWORD, PRODUCT, USER, Rules
from pytest_tmsreport.testing import Desk, LosesAnswer, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendors._kiwi_rpc import ask, batch
from pytest_tmsreport.vendors.kiwi import Kiwi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_tmsreport.faults import Fault
    from pytest_tmsreport.tally import Tally

KIWI = Kiwi(name="kiwi", kind="kiwi", url="https://kiwi.test/kiwi", user=USER, password=PASSWORD, product=PRODUCT)
FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-<b>]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789372931.1204,
    duration=65.3604,
    message="AssertionError: <receipt> missing",
    traceback=">   assert receipt\ntests/checkout.py:41: AssertionError",
    ids=({"": ("TC-12",)},),
    suite=("tests", "checkout", "TestCard"),
    parameters={"currency": "EUR"},
    description="pays with a card",
    tags=("smoke",),
    fields={"severity": "critical"},
    links=(Link("https://bugs.test/BUG-1", "", "issue"), Link("https://docs.test/1", "manual"), Link("BUG-2")),
    attempt=2,
    earlier=("TimeoutError: no receipt",),
    steps=(Step(title="open cart", outcome=Outcome.PASSED, duration=0.5),),
)
COMMENT = """\
`tests/checkout.py::TestCard::test_card[EUR-<b>]`: failed

pays with a card

    AssertionError: <receipt> missing

    passed: open cart (0.5 s)

    >   assert receipt
    tests/checkout.py:41: AssertionError

- currency: EUR
- tags: smoke
- severity: critical
- attempt 1: TimeoutError: no receipt
- issue: https://bugs.test/BUG-1
- link: manual https://docs.test/1
- link: BUG-2

pytest-tmsreport 8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11"""
GOLDEN = [
    ("TestExecution.update", 1, {"status": 5, "start_date": "2026-09-14 08:02:11", "stop_date": "2026-09-14 08:03:16"}),
    ("TestExecution.add_property", 1, "currency", "EUR"),
    ("TestExecution.add_property", 1, "severity", "critical"),
    (
        "TestExecution.add_link",
        {"execution": 1, "url": "https://bugs.test/BUG-1", "name": "", "is_defect": True},
    ),
    (
        "TestExecution.add_link",
        {"execution": 1, "url": "https://docs.test/1", "name": "manual", "is_defect": False},
    ),
    ("TestExecution.add_comment", 1, COMMENT),
]
GOLDEN_RUN = {
    "summary": "pytest 2026-09-14 10:02",
    "notes": "https://ci.test/42\n\nbranch main, commit 4be1c02, build 42\n\npytest-tmsreport 20260914-100211-0a1b2c3d",
    "plan": 1,
    "build": 3,
    "manager": USER,
    "start_date": "2026-09-14 10:02:11",
}


class TestKiwi(VendorContract):
    vendor = KIWI
    sandbox = staticmethod(kiwi_sandbox.create)

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        """Makes a plan of these cases in the sandbox; returns how a user names it."""
        made = _do(desk, "TestPlan.create", {"name": "of these", "product": 1, "product_version": 1, "type": 2})
        for case in cases:
            _do(desk, "TestPlan.add_case", made["id"], int(case.removeprefix("TC-")))
        return str(made["id"])

    def suffer(self, desk: Desk, fault: Fault, trouble: str, everything: int) -> None:
        """Whatever goes wrong, each execution has one comment of ours, too."""
        super().suffer(desk, fault, trouble, everything)
        assert _comments(desk) <= {1}, trouble

    # What is sent

    def test_a_full_result_is_sent_as_written_out_here(self, desk: Desk) -> None:
        desk.write(FULL)
        assert desk.send().delivered == 1
        assert [call for call in _calls(desk) if call[0].startswith("TestExecution.") and "filter" not in call[0]][
            -len(GOLDEN) :
        ] == GOLDEN

    def test_a_run_is_opened_as_written_out_here(self, desk: Desk) -> None:
        run = replace(desk.run, description="https://ci.test/42", branch="main", commit="4be1c02", build="42")
        run = replace(run, tags=("nightly",))
        run_id = _with(version="1.0").open_run(desk.client(), run)
        (values,) = [call[1] for call in _calls(desk) if call[0] == "TestRun.create"]
        assert values == GOLDEN_RUN
        assert ("TestRun.add_tag", int(run_id), "nightly") in _calls(desk)
        assert ("TestRun.add_property", int(run_id), "branch", "main") in _calls(desk)
        assert desk.vendor.run_url(run_id) == f"https://kiwi.test/kiwi/runs/{run_id}/"

    def test_a_thousand_results_take_two_requests_for_each_hundred_and_few_beside(self, desk: Desk) -> None:
        desk.write(*make_results(1000, ids=()))
        tally = desk.send()
        # login, facts, cases: 2 looks and 10 to make them, places, plan: type, 3 looks and the making, run, 2 of its
        # plan, 10 batches, end
        assert (tally.delivered, tally.requests) == (1000, 43)
        again = desk.machine(2)
        again.write(*make_results(1000, ids=()))
        assert again.send().requests < 32

    def test_statuses_that_were_renamed_are_found_by_their_weight(self, desk: Desk) -> None:
        desk.vendor = _with(status={"skipped": "blocked"})
        desk.write(*make_results(6))
        assert desk.send().delivered == 6
        assert desk.box.counts() == {"PASSED": 2, "FAILED": 1, "ERROR": 1, "BLOCKED": 1, "WAIVED": 1}

    def test_a_status_that_the_server_lacks_stops_and_names_those_it_has(self, desk: Desk) -> None:
        desk.vendor = _with(status={"failed": "burned"})
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.delivered, tally.kept) == (0, 2)
        assert "'burned'" in tally.reason
        assert "WAIVED" in tally.reason
        assert tally.remedy == "correct `status.failed`"

    def test_times_are_in_the_zone_of_the_server(self, desk: Desk) -> None:
        desk.vendor = _with(time_zone="Europe/Sofia")
        desk.write(FULL)
        desk.send()
        (values,) = [call[2] for call in _calls(desk) if call[0] == "TestExecution.update"]
        assert (values["start_date"], values["stop_date"]) == ("2026-09-14 11:02:11", "2026-09-14 11:03:16")
        with pytest.raises(ConfigError, match="Europe/Sofia"):
            _with(time_zone="Nowhere")

    # Cases

    def test_parametrised_tests_share_a_case_whose_comment_names_each(self, desk: Desk) -> None:
        results = [
            replace(each, nodeid=f"tests/t[1].py::test_add[{value}]", title="test_add", parameters={"colour": value})
            for each, value in zip(make_results(3, ids=()), "abc", strict=True)
        ]
        desk.write(*results)
        assert desk.send().delivered == 3
        (arrived,) = desk.box.results.values()
        assert (arrived.title, arrived.status) == ("tests/t[1].py::test_add", "ERROR")
        assert "passed: test_add[colour=a]" in arrived.body["comments"][0]
        assert "failed: test_add[colour=b]" in arrived.body["comments"][0]

    def test_each_set_of_parameters_has_a_case_of_its_own_where_that_is_asked_for(self, desk: Desk) -> None:
        desk.vendor = _with(parameter_cases=True)
        desk.write(*[replace(each, nodeid=f"t.py::test_add[{each.id}]") for each in make_results(3, ids=())])
        assert desk.send().delivered == 3
        assert len({arrived.cases for arrived in desk.box.results.values()}) == 3

    def test_what_stands_as_html_in_answers_is_found_again(self, desk: Desk) -> None:
        for number in (1, 2):
            each = desk.machine(number, key=f"build-{number}")
            each.vendor = _with(parameter_cases=True, product="A & <B>")
            each.write(replace(FULL, ids=()))
            assert each.send().delivered == 1
        made = [call for call in _calls(desk) if call[0] == "TestCase.create"]
        assert [call[1]["summary"] for call in made] == [FULL.nodeid]
        assert len([call for call in _calls(desk) if call[0] == "Product.create"]) == 1

    def test_without_create_cases_a_test_without_a_case_is_counted_and_nothing_is_made(self, desk: Desk) -> None:
        desk.vendor = _with(create_cases=False)
        desk.write(*make_results(2, ids=()))
        tally = desk.send()
        assert (tally.delivered, tally.without_case) == (0, 2)
        assert not [call for call in _calls(desk) if call[0].endswith(".create")]

    @pytest.mark.parametrize("text", ["0", "TC-0", "C7", "SHOP-7", "7.5", "²"])
    def test_what_is_no_case_id_is_refused_with_a_word_on_how_to_write_one(self, desk: Desk, text: str) -> None:
        first, second = make_results(2)
        desk.write(first, replace(second, ids=({"": (text,)},)))
        tally = desk.send()
        assert (tally.delivered, tally.refused) == (1, 1)
        assert tally.refusals[0][1] == f"{text!r} is no case id: write TC-123 or 123"

    def test_a_case_may_be_named_in_two_ways_and_counts_once(self, desk: Desk) -> None:
        one, two, three = make_results(3)
        marks: list[tuple[dict[str, tuple[str, ...]], ...]] = [
            ({"": ("TC-7",)},),
            ({"": ("7",)},),
            ({"": ("tc-007",)},),
        ]
        desk.write(*[replace(each, ids=ids) for each, ids in zip((one, two, three), marks, strict=True)])
        assert desk.send().delivered == 3
        assert [result.cases for result in desk.box.results.values()] == [("7",)]

    def test_a_refusal_in_a_batch_costs_that_result_alone_and_no_file_of_the_others(self, desk: Desk) -> None:
        results = make_results(4)
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        desk.write(
            replace(results[0], ids=({"": ("TC-90001",)},)), *(replace(e, attachments=(log,)) for e in results[1:])
        )
        tally = desk.send()
        assert (tally.delivered, tally.refused, tally.files) == (3, 1, 3)
        assert tally.refusals[0][1] == "there is no case TC-90001"
        assert len(desk.box.attachments) == 3

    # Signing in

    def test_a_session_that_ends_between_two_batches_is_opened_again_once(self, desk: Desk) -> None:
        _reopen(desk, Rules(session_calls=6))
        desk.vendor = _with(batch_size=3)
        desk.write(*make_results(12))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.reason) == (12, 0, "")
        assert len([each for each in desk.box.requests if each.query == "Auth.login"]) > 1

    @pytest.mark.parametrize("is_old", [True, False])
    @pytest.mark.parametrize("method", ["TestRun.create", "TestRun.add_case", "TestExecution.add_comment"])
    def test_a_right_that_lacks_stops_and_keeps_everything(self, desk: Desk, method: str, is_old: bool) -> None:
        _reopen(desk, Rules(forbidden=(method,), is_old=is_old))
        desk.write(*make_results(5))
        tally = desk.send()
        assert (tally.delivered, tally.kept, tally.refused) == (0, 5, 0)
        assert "the user lacks a right" in tally.reason
        assert method in tally.reason

    # Files

    def test_what_the_server_refuses_in_a_file_goes_as_an_archive_and_is_said(self, desk: Desk) -> None:
        files = [
            desk.journal.attach(name, "text/plain", content)
            for name, content in (("a.html", b"<HTML>"), ("run.exe", b"MZ"), ('ü"\n.txt', b"x"), ("empty.txt", b""))
        ]
        desk.write(replace(FULL, attachments=tuple(files)))
        tally = desk.send()
        assert tally.delivered == 1
        assert sorted(file.name for file in desk.box.attachments.values()) == ["a.html.zip", "run-exe.zip", "u__.txt"]
        assert any("the file 'a.html' went as 'a.html.zip'" in note for note in tally.notes)
        assert any("empty" in note for note in tally.notes)

    def test_an_old_server_has_files_at_the_run_and_no_properties(self, desk: Desk) -> None:
        _reopen(desk, Rules(is_old=True))
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        large = desk.journal.attach("large.bin", "application/octet-stream", b"\0" * 2_000_000)
        desk.write(replace(FULL, attachments=(log, large)))
        tally = desk.send()
        assert (tally.delivered, tally.kept) == (1, 0)
        assert [file.name for file in desk.box.attachments.values()] == ["TE-1-log.txt"]
        assert any("more than the server reads at once" in note for note in tally.notes)
        assert not [call for call in _calls(desk) if call[0].endswith("add_property")]

    # Runs and plans

    @pytest.mark.parametrize("number", range(4, 9))
    def test_the_empty_twin_of_a_shared_run_is_ended_and_called_empty(self, desk: Desk, number: int) -> None:
        one, other = desk.machine(1), desk.machine(2)
        one.write(*make_results(2))
        other.write(*make_results(4)[2:])
        tallies: list[Tally] = []
        tallies.append(one.send(transport=Meanwhile(desk.mount, number, lambda: tallies.append(other.send()))))
        if len(tallies) == 1:
            tallies.append(other.send())
        empty = [run for run in desk.box.runs.values() if not desk.box.results_of(run.id)]
        assert all(run.end for run in empty)
        assert len(desk.box.runs) - len(empty) == 1

    @pytest.mark.parametrize("number", range(1, 16))
    def test_whichever_answer_is_lost_places_cases_and_comments_are_there_once(self, desk: Desk, number: int) -> None:
        desk.vendor = _with(product="New", version="2", build="7", plan="Mine", category="Cards")
        desk.write(*[replace(each, links=FULL.links) for each in make_results(3, ids=())])
        assert desk.send(transport=LosesAnswer(desk.mount, number)).delivered == 3
        counts = {kind: len(_do(desk, f"{kind}.filter", {})) for kind in ("Product", "TestPlan", "TestRun")}
        assert counts == {"Product": 2, "TestPlan": 1, "TestRun": 1}
        assert len(_do(desk, "TestCase.filter", {"category__product__name": "New"})) == 3
        assert len(_do(desk, "TestExecution.get_links", {})) == 6
        assert _comments(desk) == {1}

    def test_a_run_that_is_joined_by_its_number_keeps_its_plan(self, desk: Desk) -> None:
        run_id = desk.vendor.open_run(desk.client(), replace(desk.run, id="other"))
        desk.vendor = _with(run_id=f"TR-{run_id}")
        desk.write(*make_results(2))
        assert desk.send().delivered == 2
        assert [result.run for result in desk.box.results.values()] == [run_id, run_id]
        assert desk.box.runs[run_id].end is None

    def test_a_run_that_is_gone_is_named(self, desk: Desk) -> None:
        desk.vendor = _with(run_id="77")
        desk.write(*make_results(2))
        tally = desk.send()
        assert (tally.kept, tally.reason) == (2, "there is no run 77")

    def test_a_plan_tells_its_cases_by_number_and_by_name(self, desk: Desk) -> None:
        told = self.plan(desk, ["TC-7", "12"])
        for name in (told, f"TP-{told}", "of these"):
            found = list(desk.vendor.planned(desk.client(), name))
            assert [case.ids for case in found] == [("7", "TC-7"), ("12", "TC-12")]
        assert found[0].names == ("Case 7",)
        with pytest.raises(NotFound, match="there is no plan TP-99"):
            desk.vendor.planned(desk.client(), "TP-99")
        assert list(desk.vendor.planned(desk.client(), self.plan(desk, []))) == []

    def test_a_long_plan_is_read_to_its_end(self, desk: Desk) -> None:
        told = self.plan(desk, [str(number) for number in range(1, 901)])
        assert len({case.ids for case in desk.vendor.planned(desk.client(), told)}) == 900

    def test_a_run_tells_its_cases_and_those_that_failed(self, desk: Desk) -> None:
        desk.write(*make_results(6, ids=()))
        tally = desk.send()
        found = {case.names[0]: case.has_failed for case in desk.vendor.recorded(desk.client(), tally.run_id)}
        assert found == {each.nodeid: each.outcome.is_bad for each in make_results(6)}
        with pytest.raises(NotFound, match="there is no run"):
            desk.vendor.recorded(desk.client(), "99")

    def test_a_node_id_too_long_for_a_summary_is_whole_in_the_script(self, desk: Desk) -> None:
        long = [f"t.py::test_{'x' * 300}{letter}" for letter in "ab"]
        desk.write(*[replace(each, nodeid=name) for each, name in zip(make_results(2, ids=()), long, strict=True)])
        tally = desk.send()
        assert [case.names[0] for case in desk.vendor.recorded(desk.client(), tally.run_id)] == long

    @pytest.mark.parametrize("url", ["https://kiwi.test", "https://kiwi.test/", "https://kiwi.test/xml-rpc/"])
    def test_the_address_may_be_that_of_the_interface(self, url: str) -> None:
        assert replace(KIWI, url=url).base_url == "https://kiwi.test"


def _with(**settings: Any) -> Kiwi:
    return replace(KIWI, **settings)


def _reopen(desk: Desk, rules: Rules) -> None:
    """Puts another server in the place of the desk's."""
    made = kiwi_sandbox.create(rules)
    desk.sandbox, desk.box = made, made.box
    desk.mount.sandboxes["kiwi"] = made


def _calls(desk: Desk) -> list[tuple[Any, ...]]:
    bodies = [each.body for each in desk.box.requests]
    rows = [row for body in bodies for row in (body if isinstance(body, list) else [body])]
    return [(row["method"], *row["params"]) for row in rows]


def _do(desk: Desk, method: str, *params: Any) -> Any:
    (answer,) = batch(desk.client(), [ask(method, *params)])
    if isinstance(answer, Exception):
        raise answer
    return answer.body["result"]


def _comments(desk: Desk) -> set[int]:
    """How many comments there are at the executions."""
    return {len(result.body["comments"]) for result in desk.box.results.values()}
