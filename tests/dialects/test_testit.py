"""What suites written for Test IT's adapter say, its plugin reporting or not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from conftest import Project, Ran

PACKAGE = "testit-adapter-pytest==5.2.3"
AN_ID = "15dbb164-c1aa-4cbf-830c-8c01ae14f4fb"
CONFTEST = """
import pytest
import testit


@testit.step("look for {what}", "before anybody listens")
def look(what):
    testit.addMessage(f"found {what}")


@pytest.fixture
def cart():
    with testit.step("fill"):
        pass
    yield
    with testit.step("empty"):
        pass
"""
SUITE = """
import pytest
import testit
from conftest import look


@testit.workItemId(627)
@testit.externalId("pays-{amount}")
@testit.displayName("Pays {amount}")
@testit.title("Paying {cards[first]}")
@testit.description("Pays {amount} by {kind}.")
@testit.tags("smoke", "{cards}")
@testit.links(links=[
    {"url": "https://bugs.test/{amount}", "title": "<b>", "type": testit.LinkType.DEFECT}, {"url": "https://x.test"}
])
@testit.nameSpace("shop")
@testit.className("Checkout")
@testit.layer("e2e")
@pytest.mark.parametrize(("amount", "cards"), [(3, {"first": "visa", "kind": "card"})])
def test_says_all(amount, cards, cart):
    look(amount)
    with testit.step("outer"):
        with testit.step("inner", "of it"):
            testit.addAttachments("one.txt")
            testit.addAttachments("said", is_text=True, name="said.txt")
        testit.addAttachments(("two.txt",))
    testit.addAttachments(["three.txt"])
    testit.addAttachments(b"raw", is_text=True, name="raw.bin")
    testit.addLinks(url="https://y.test", title="Y", type=testit.LinkType.ISSUE)
    testit.addLinks(links=[{"url": "https://z.test"}, "no link"])
    testit.addWorkItemId(700)
    testit.addWorkItemId("701")
    testit.addParameter("currency", "EUR")
    testit.addTags("seen")


@testit.step
def check():
    assert 1 == 2


@testit.workItemId(800)
class TestOfAClass:
    def test_inherits(self):
        pass

    @pytest.mark.layer("unit")
    @testit.workItemId(801)
    def test_changes_its_mind(self):
        testit.addDisplayName("Another name")
        testit.addDescription("Says more.")
        testit.addExternalId("another")

    def test_fails(self):
        with testit.step("outer"):
            check()

    def test_skips(self):
        with testit.step("skipped"):
            pytest.skip("not today")
"""
NAMED = """
import pytest
import testit


class TestPage:
    def test_title(self):
        pass

    def test_links(self):
        pass
"""
FILES = ("one.txt", "two.txt", "three.txt")


class FakeServer:
    """As much of Test IT as its adapter needs; `told` are the tests and results that it sent, as JSON."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        app = Flask("testit")
        app.add_url_rule("/adapters/<path:path>", view_func=self.answer, methods=["GET", "POST"])
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, path: str) -> Response:
        statuses = {"Passed": "Succeeded", "Failed": "Failed", "Skipped": "Incomplete"}
        workflow = {"id": AN_ID, "statuses": [{"id": AN_ID, "code": code, "type": statuses[code]} for code in statuses]}
        if path.startswith("projects/"):
            flags = {"isFavorite": False, "isDeleted": False}
            project = {"id": AN_ID, "name": "shop", "globalId": 1, "workflowId": AN_ID, "workflow": workflow}
            return jsonify({**project, **flags})
        if path.startswith("workflows/"):
            return jsonify(workflow)
        if path == "attachments":
            return jsonify({"id": AN_ID, "fileId": "f", "type": "t", "size": 1.0, "name": "n"})
        if not path.endswith("/search"):
            self.told.append(lasting(request.get_json()))
        return jsonify([])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def heard(self) -> list[Any]:
        """What it was told since this was asked last."""
        told, self.told = self.told, []
        return told


def lasting(value: Any) -> Any:
    """The value without times."""
    if isinstance(value, dict):
        return {key: lasting(held) for key, held in value.items() if "duration" not in key.lower() and key != "traces"}
    return [lasting(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def their_server() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.close()


@pytest.fixture
def with_package(project: Project, beside: Callable[..., Path]) -> Project:
    """A project with the suite, and the adapter in its environment."""
    project.python = beside("testit", PACKAGE)
    project.environ["TMS_LEGACY_WORKFLOW"] = "true"  # else the adapter downloads a program, and starts it
    project.write(
        "pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\nmarkers = layer\n[tmsreport:qase]\nmarks = testit\n"
    )
    project.write("conftest.py", CONFTEST)
    project.write("test_suite.py", SUITE)
    for name in FILES:
        project.write(name, name)
    return project


def test_their_plugin_does_the_same_beside_ours_and_both_hear_the_same(
    with_package: Project, their_server: FakeServer
) -> None:
    project = with_package
    options = (
        *("--testit", f"--tmsUrl={their_server.url}", "--tmsPrivateToken=t", f"--tmsProjectId={AN_ID}"),
        *(f"--tmsConfigurationId={AN_ID}", f"--tmsTestRunId={AN_ID}", "--tmsAdapterMode=1"),
        "--tmsImportRealtime=false",
    )
    alone = project.pytest(*options)
    told = their_server.heard()
    project.move(project.python)
    both = project.report(*options)

    assert told
    assert their_server.heard() == told
    assert (both.status, both.printed) == (alone.status, alone.printed)
    assert_all_arrived(project, both)


def test_without_their_plugin_all_is_heard_and_nothing_stays_in_their_package(with_package: Project) -> None:
    project = with_package
    project.move(project.python)
    project.write("test_named.py", NAMED)
    project.write(
        "session.py",
        """
        import pytest
        import testit
        from testit_python_commons import dynamic_methods
        from testit_python_commons.services.plugin_manager import TmsPluginManager
        from testit_python_commons.step import StepContext

        def state():
            return vars(testit).copy(), vars(dynamic_methods).copy(), vars(StepContext).copy()

        before = state()
        status = pytest.main(["--tms-to", "qase"])
        assert state() == before, "something is left"
        assert not TmsPluginManager.get_plugin_manager().get_plugins(), "somebody is left"
        raise SystemExit(status)
        """,
    )
    off = project.run(str(project.python), "session.py")

    assert " is left" not in off.err
    assert off.status == 1
    assert_all_arrived(project, off)
    named = [result for result in off.results if result.nodeid.startswith("test_named.py")]
    assert [(result.title, result.links) for result in named] == [("test_title", ()), ("test_links", ())]


def assert_all_arrived(project: Project, ran: Ran) -> None:
    found = {nodeid.rpartition("::")[2].partition("[")[0]: result for nodeid, result in ran.last.items()}
    said = found["test_says_all"]
    assert (said.title, said.suite, said.description) == ("Pays 3", ("shop", "Checkout"), "Pays 3 by card.")
    assert said.fields == {"externalId": "pays-3", "layer": "e2e", "title": "Paying visa"}
    assert said.tags == ("seen", "smoke", "{'first': 'visa', 'kind': 'card'}")
    assert [(link.url, link.name, link.kind) for link in said.links] == [
        ("https://y.test", "Y", "issue"),
        ("https://z.test", "", "link"),
        ("https://bugs.test/3", "<b>", "issue"),
        ("https://x.test", "", "link"),
    ]
    assert said.parameters["currency"] == "EUR"
    assert said.notes == ("found 3",)
    names = {each.sha256: each.name for each in said.attachments}
    assert list(names.values()) == ["one.txt", "said.txt", "two.txt", "three.txt", "raw.bin"]
    assert [shape(step, names) for step in said.steps] == [
        ("fill", "", [], []),
        ("look for 3", "before anybody listens\nwhat = 3", [], []),
        ("outer", "", ["two.txt"], [("inner", "of it", ["one.txt", "said.txt"], [])]),
        ("empty", "", [], []),
    ]
    changed = found["test_changes_its_mind"]
    assert (changed.title, changed.description) == ("Another name", "Says more.")
    assert changed.fields == {"externalId": "another", "layer": "unit"}
    (outer,) = found["test_fails"].steps
    assert [(step.title, step.outcome) for step in (outer, *outer.steps)] == [("outer", "failed"), ("check", "failed")]
    assert outer.message.startswith("AssertionError: assert 1 == 2")
    assert [step.outcome for step in found["test_skips"].steps] == ["skipped"]
    cases = {result.title: result.cases for result in project.arrived}
    assert cases["Pays 3"] == ("627", "700", "701")
    assert cases["Another name"] == ("801",)
    assert cases["test_inherits"] == cases["test_fails"] == cases["test_skips"] == ("800",)
    assert "note: hearing" not in ran.out
    assert "wrong mark" not in ran.out


def shape(step: Any, names: dict[str, str]) -> Any:
    """A step without its times: title, data, names of files, inner steps."""
    return step.title, step.data, [names[each] for each in step.files], [shape(each, names) for each in step.steps]
