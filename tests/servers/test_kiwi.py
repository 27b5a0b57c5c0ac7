"""Whole sessions against a real Kiwi TCMS server; what arrived is read back by the official tcms-api."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.client import Client
from pytest_tmsreport.errors import AuthError, NotFound, VendorError
from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Link, Outcome, Run
from pytest_tmsreport.sandbox import kiwi as kiwi_sandbox
from pytest_tmsreport.sandbox import kiwi_fields
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.kiwi_fields import Rules
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.upload import Conditions, upload
from pytest_tmsreport.vendors._kiwi_rpc import ask, batch
from pytest_tmsreport.vendors.kiwi import Kiwi

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project, Ran
    from servers.conftest import KiwiServer, Proxy

pytestmark = pytest.mark.server
SUITE = """
import pytest
import pytest_tmsreport as tms

class TestCart:
    @pytest.mark.parametrize("colour", ["red", "a<b>&amp;", "bl\\u00fc"])
    def test_add(self, colour):
        assert colour != "a<b>&amp;"

    def test_steps(self):
        with tms.step("open <cart>"):
            tms.attach(b"hello", name="log.txt")
            tms.attach(b"<html><script>1</script></html>", name="page.html")

@pytest.fixture
def broken():
    raise ValueError("no database")

def test_setup(broken):
    pass

@pytest.mark.skip(reason="not here")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_xfailed():
    assert False

@pytest.mark.tms(links=[{"url": "https://bugs.test/1", "kind": "issue"}], tags=["smoke"])
def test_linked():
    pass
"""
STATUSES = {
    "test_shop.py::TestCart::test_add": "FAILED",
    "test_shop.py::TestCart::test_steps": "PASSED",
    "test_shop.py::test_setup": "ERROR",
    "test_shop.py::test_skipped": "WAIVED",
    "test_shop.py::test_xfailed": "WAIVED",
    "test_shop.py::test_linked": "PASSED",
}
MANY = """
import pytest

@pytest.mark.parametrize("number", range(24))
def test_many(number):
    assert number % 7
"""


def aim(project: Project, url: str, server: KiwiServer, product: str, **settings: str) -> None:
    """Lets sessions of the project report there."""
    told = {"URL": url, "USER": server.user, "PASSWORD": server.password, "PRODUCT": product, **settings}
    project.environ.update({f"TMSREPORT_KIWI_{name}": value for name, value in told.items()})


def report(project: Project, *args: str) -> Ran:
    return project.pytest("--tms-to", "kiwi", *args)


def vendor(server: KiwiServer, product: str, **settings: Any) -> Kiwi:
    own = {"user": server.user, "password": server.password, "product": product}
    return Kiwi(name="kiwi", kind="kiwi", url=server.url, **{**own, **settings})


def statuses(run: Any) -> dict[str, str]:
    return {row["case"]: row["status"] for row in run["executions"]}


def test_a_session_arrives_as_it_was_and_the_next_makes_no_case_twice(
    project: Project, kiwi_server: KiwiServer, product: str, workers: str
) -> None:
    aim(project, kiwi_server.url, kiwi_server, product, BUILD="41", VERSION="1.0")
    project.write("test_shop.py", SUITE)
    for number in (1, 2):
        ran = report(project, workers)
        assert "kiwi: 8 delivered, 0 kept, 0 refused, 0 without case" in ran.out
        assert "the file 'page.html' went as 'page.html.zip'" in ran.out
        read = kiwi_server.read(product)
        assert (read["products"], len(read["plans"]), read["in plans"], len(read["runs"])) == (1, 1, 6, number)
        assert sorted(case[0] for case in read["cases"]) == sorted(STATUSES)
    for run in read["runs"]:
        assert statuses(run) == STATUSES
        assert (run["build__name"], run["plan__name"], run["manager__username"], run["is_ended"]) == (
            "41",
            f"[pytest] Plan for {product} (1.0)",
            "admin",
            True,
        )
        told = {row["case"].rpartition("::")[2]: row for row in run["executions"]}
        assert all(len(row["comments"]) == 1 for row in told.values())
        assert "passed: test_add[colour=red]" in told["test_add"]["comments"][0]
        assert "assert 'a<b>&amp;' != 'a<b>&amp;'" in told["test_add"]["comments"][0]
        assert "passed: open <cart>" in told["test_steps"]["comments"][0]
        assert "no database" in told["test_setup"]["comments"][0]
        assert told["test_linked"]["links"] == [["https://bugs.test/1", True]]
        assert told["test_linked"]["seconds"] >= 0


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(
            "503 Auth, reset system, 429 TestCase, lost Product, lost Version, lost TestPlan, lost Build, "
            "lost TestCase.create, lost TestRun.create",
            id="making",
        ),
        pytest.param(
            "lost TestRun.add_case, lost TestExecution.update, lost TestExecution.update, reset TestExecution.get, "
            "502 TestExecution.update, lost TestRun.update",
            id="results",
        ),
    ],
)
def test_what_goes_wrong_on_the_way_costs_nothing_and_doubles_nothing(
    project: Project, kiwi_server: KiwiServer, proxy: Proxy, product: str, faults: str
) -> None:
    aim(project, proxy.url, kiwi_server, product, VERSION="1.0", BUILD="41", PARAMETER_CASES="true", BATCH_SIZE="10")
    proxy.faults += [tuple(each.split()) for each in faults.split(", ")]
    project.write("test_many.py", MANY)
    ran = report(project)
    assert "kiwi: 24 delivered, 0 kept, 0 refused, 0 without case" in ran.out
    assert proxy.faults == []
    once_and_whole(kiwi_server.read(product))


def once_and_whole(read: Any) -> None:
    """All cases, one run, a comment at each execution."""
    assert (read["products"], len(read["plans"]), len(read["cases"]), len(read["runs"])) == (1, 1, 24, 1)
    (run,) = read["runs"]
    assert Counter(statuses(run).values()) == {"FAILED": 4, "PASSED": 20}
    assert [len(row["comments"]) for row in run["executions"]] == [1] * 24


@pytest.mark.parametrize("word", ["TestCase.create", "TestExecution.update"])
def test_what_a_killed_sender_leaves_is_sent_once(
    project: Project, kiwi_server: KiwiServer, proxy: Proxy, product: str, word: str
) -> None:
    aim(project, proxy.url, kiwi_server, product, PARAMETER_CASES="true", BATCH_SIZE="10")
    project.write("test_many.py", MANY)
    session = project.start_pytest("--tms-to", "kiwi", "-n0")
    project.wait_for(session, lambda: any(word in each for each in proxy.seen))
    os.kill(project.sender(), signal.SIGKILL)
    project.ended(session)
    project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    once_and_whole(kiwi_server.read(product))


def test_a_user_without_rights_is_told_so_and_everything_is_kept(
    project: Project, kiwi_server: KiwiServer, product: str
) -> None:
    aim(project, kiwi_server.url, kiwi_server, product, USER="guest")
    project.write("test_many.py", MANY)
    ran = report(project)
    assert "kiwi: 0 delivered, 24 kept, 0 refused, 0 without case" in ran.out
    assert "the user lacks a right" in ran.out
    aim(project, kiwi_server.url, kiwi_server, product, PASSWORD="not-this-one")
    done = project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert "the user or the password is wrong" in done.out
    aim(project, kiwi_server.url, kiwi_server, product, PARAMETER_CASES="true")
    project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    once_and_whole(kiwi_server.read(product))


def test_one_bad_result_of_a_batch_costs_that_one_only(kiwi_server: KiwiServer, product: str, tmp_path: Path) -> None:
    kiwi = vendor(kiwi_server, product)
    http = Client(kiwi)
    results = make_results(12, ids=())
    (case,) = kiwi.resolve(http, results[:1])[results[0].id]
    unconfirmed = batch(http, [ask("TestCase.update", int(case), {"case_status": 1})])
    assert not isinstance(unconfirmed[0], VendorError)
    marked = [
        replace(results[1], ids=({"": ("TC-99999999",)},)),
        replace(results[2], ids=({"": ("CALC-1",)},)),
        replace(results[3], message="halves \ud800 and \0", outcome=Outcome.FAILED),
        replace(results[4], links=(Link("https://x.test/" + "x" * 300, "long"), Link("BUG-1", "", "issue"))),
        replace(results[5], nodeid=f"tests/test_x.py::test_{'long' * 100}"),
        replace(results[6], nodeid=f"tests/test_x.py::test_{'long' * 101}"),
    ]
    folder = tmp_path / "run"
    journal = Journal(folder, Run(id="r1", name="nightly", start=1789380131.0, tags=("a <b>",)), {"kiwi": "kiwi"})
    for result in [results[0], *marked, *results[7:]]:
        journal.write(result)
    journal.end(exitstatus=0, not_run=[])
    (tally,) = upload(RunFolder(folder), [kiwi], Conditions())
    assert (tally.delivered, tally.kept, tally.refused, tally.notes) == (9, 0, 3, [])
    told = {nodeid.rpartition("_")[2]: words for nodeid, words in tally.refusals}
    assert f"TC-{case} status is not confirmed" in told["0"]
    assert told["1"] == "there is no case TC-99999999"
    assert "write TC-123 or 123" in told["2"]
    read = kiwi_server.read(product)
    assert [run["tags"] for run in read["runs"]] == [["a <b>"]]
    assert len({summary for summary, *_ in read["cases"] if "longlong" in summary}) == 2
    assert len(read["runs"][0]["executions"]) == 9
    http.close()


def test_plans_and_runs_tell_their_cases(kiwi_server: KiwiServer, product: str) -> None:
    kiwi = vendor(kiwi_server, product, plan="Smoke <1>")
    http = Client(kiwi)
    results = make_results(6, ids=())
    found = kiwi.resolve(http, results)
    cases = [replace(each, case_ids=found[each.id]) for each in results]
    run_id = kiwi.open_run(http, Run(id="r2", name="nightly", start=1789380131.0, key="build-7"))
    assert len(kiwi.send(http, run_id, cases)) == 6
    assert kiwi.received(http, run_id, cases).keys() == {each.id for each in cases}
    assert kiwi.find_run(http, Run(id="r3", name="other", start=0.0, key="build-7")) == run_id
    assert kiwi.find_run(http, Run(id="r4", name="other", start=0.0, key="build-70")) is None
    assert kiwi.finish_shard(http, run_id, 2, 3) == {2}
    assert kiwi.finish_shard(http, run_id, 1, 3) == {1, 2}
    planned = {case.names[0]: case for case in kiwi.planned(http, "Smoke <1>")}
    assert planned.keys() == {each.nodeid for each in results}
    assert all(f"TC-{case.ids[0]}" == case.ids[1] for case in planned.values())
    failed = {case.names[0] for case in kiwi.recorded(http, f"TR-{run_id}") if case.has_failed}
    assert failed == {each.nodeid for each in results if each.outcome.is_bad}
    for wrong in ("TP-99999999", "no such plan"):
        with pytest.raises(NotFound, match="there is no plan"):
            kiwi.planned(http, wrong)
    with pytest.raises(NotFound, match="there is no run"):
        kiwi.recorded(http, "99999999")
    kiwi.close_run(http, run_id)
    assert kiwi.find_run(http, Run(id="r3", name="other", start=0.0, key="build-7")) is None
    http.close()


def test_a_session_that_has_ended_is_renewed(kiwi_server: KiwiServer, product: str) -> None:
    kiwi = vendor(kiwi_server, product)
    http = Client(kiwi)
    kiwi.verify(http)
    batch(http, [ask("Auth.logout")])
    before = http.requests
    assert kiwi.resolve(http, make_results(2, ids=())).keys()
    assert http.requests - before > 2
    with pytest.raises(AuthError):
        vendor(kiwi_server, product, password="wrong").verify(Client(vendor(kiwi_server, product, password="wrong")))
    http.close()


def shape(value: Any) -> Any:
    """The kinds of values, with the names of an object's fields; of a list, what its first row is."""
    if isinstance(value, dict):
        return {key: shape(held) for key, held in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def conversation(kiwi: Kiwi, http: Client) -> list[tuple[str, Any]]:  # noqa: PLR0915 - one life, from start to end
    """A whole life of a product, what goes wrong included: each method, and the shape of its answer or its words."""
    told: list[tuple[str, Any]] = []

    def say(method: str, *params: Any) -> Any:
        (answer,) = batch(http, [ask(method, *params)])
        if isinstance(answer, VendorError):
            told.append((method, answer.text))
            return None
        result = answer.body["result"]
        told.append((method, shape(result)))
        return result

    home = say("Product.create", {"name": kiwi.product, "classification": 1})["id"]
    say("Product.create", {"name": kiwi.product, "classification": 1})
    for method in ("Product.filter", "Category.filter", "Version.filter"):
        say(method, {"name" if method == "Product.filter" else "product__name": kiwi.product})
    version = say("Version.create", {"product": home, "value": "1.0"})["id"]
    say("Version.create", {"product": home, "value": "1.0"})
    build = say("Build.create", {"version": version, "name": "41"})["id"]
    say("Build.create", {"version": version, "name": "41"})
    say("Build.filter", {"version": version})
    kind = say("PlanType.filter", {"name": "Integration"})[0]["id"]
    plan = say("TestPlan.create", {"name": "p", "text": "", "product": home, "product_version": version, "type": kind})[
        "id"
    ]
    say("TestPlan.filter", {"pk": plan})
    category = say("Category.filter", {"product": home})[0]["id"]
    values = {"summary": "a<b>", "category": category, "priority": 1, "case_status": 2, "is_automated": True}
    case = say("TestCase.create", values)["id"]
    say("TestCase.create", {**values, "summary": "x" * 256})
    proposed = say("TestCase.create", {**values, "case_status": 1})["id"]
    say("TestCase.filter", {"pk__in": [case], "category__product__name": kiwi.product})
    say("TestCase.filter", {"nothing": 1})
    say("TestPlan.add_case", plan, case)
    run = say("TestRun.create", {"summary": "r", "manager": kiwi.user, "plan": plan, "build": build})["id"]
    say("TestRun.create", {"summary": "", "plan": plan, "build": build, "manager": kiwi.user})
    say("TestRun.create", {"summary": "r", "plan": 99999999, "build": build, "manager": kiwi.user})
    say("TestRun.filter", {"pk": run, "stop_date__isnull": True})
    say("TestRun.add_case", run, proposed)
    say("TestRun.add_case", run, 99999999)
    say("TestRun.add_case", 99999999, case)
    execution = say("TestRun.add_case", run, case)[0]["id"]
    dates = {"start_date": "2026-09-14 10:00:00", "stop_date": "2026-09-14 10:00:05"}
    say("TestExecution.update", execution, {"status": 5, **dates})
    say("TestExecution.update", execution, {"status": 999})
    say("TestExecution.update", 99999999, {"status": 5})
    say("TestExecution.filter", {"run": run, "case__in": [case]})
    say("TestExecution.add_comment", execution, "a<b>")
    say("TestExecution.get_comments", execution)
    say("TestExecution.add_comment", execution, "half \ud800")
    say("TestExecution.add_link", {"execution": execution, "url": "https://x.test/1", "name": "n", "is_defect": True})
    say("TestExecution.add_link", {"execution": execution, "url": "BUG-1"})
    say("TestExecution.add_link", {"execution": execution, "url": "https://x.test/1", "name": "n" * 65})
    say("TestExecution.get_links", {"execution__in": [execution]})
    say("TestRun.add_tag", run, "done")
    say("Tag.filter", {"run": run})
    say("TestRun.get_cases", run)
    for name, content in (("a.txt", "aGVsbG8="), ("a.exe", "aGVsbG8="), ("a.txt", "PGh0bWw+"), ("a.txt", "")):
        say("TestRun.add_attachment", run, name, content)
    say("TestRun.add_attachment", 99999999, "a.txt", "aGVsbG8=")
    say("TestRun.update", run, {"stop_date": "2026-09-14 11:00:00"})
    for method in ("TestExecutionStatus.filter", "TestCaseStatus.filter", "Priority.filter", "Classification.filter"):
        say(method, {})
    for method in ("User.filter", "KiwiTCMS.version"):
        say(method)
    return told


def without_numbers(told: list[tuple[str, Any]], *unlike: str) -> list[tuple[str, Any]]:
    """What differs from server to server is taken out: numbers in words, and the choices of an unknown field."""
    return [
        (method, re.sub("[0-9]+", "#", words.partition(" Choices are")[0]))
        if isinstance(words, str)
        else (method, words)
        for method, words in told
        if method not in unlike
    ]


def test_the_sandbox_answers_as_the_server_does(kiwi_server: KiwiServer, product: str) -> None:
    real = vendor(kiwi_server, product)
    sandbox = kiwi_sandbox.create(Rules(is_old=True, cases=0))
    ours = replace(real, url="https://kiwi.test/kiwi", user=kiwi_fields.USER, password=kiwi_fields.PASSWORD)
    there, here = Client(real), Client(ours, transport=WsgiAdapter(Mount([sandbox])))
    assert without_numbers(conversation(ours, here)) == without_numbers(conversation(real, there))
    there.close()
    here.close()


def test_every_method_that_the_old_sandbox_has_is_one_of_the_server(kiwi_server: KiwiServer, product: str) -> None:
    real = vendor(kiwi_server, product)
    http = Client(real)
    (answer,) = batch(http, [ask("system.listMethods")])
    assert not isinstance(answer, VendorError)
    listed = set(answer.pick("result", list))
    sandbox = kiwi_sandbox.create(Rules(is_old=True, cases=0))
    ours = replace(real, url="https://kiwi.test/kiwi", user=kiwi_fields.USER, password=kiwi_fields.PASSWORD)
    (own,) = batch(Client(ours, transport=WsgiAdapter(Mount([sandbox]))), [ask("system.listMethods")])
    assert not isinstance(own, VendorError)
    assert set(own.pick("result", list)) <= listed
    http.close()
