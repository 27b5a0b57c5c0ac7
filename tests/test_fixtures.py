"""Fixtures as steps: whole sessions, looked at in the journal, and compared with those that report none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

ON = "[tmsreport]\nfixtures = true\n"

CONFTEST = """
import pytest
import pytest_tmsreport as tms


@pytest.fixture(scope="session")
def server():
    with tms.step("start server"):
        with tms.step("open port"):
            pass
    yield "server"
    with tms.step("stop server"):
        pass


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(server, request):
    tms.attach(request.param.encode(), name="database.log")
    yield request.param


@pytest.fixture
def user(database):
    return "ann"


@pytest.fixture
def orders(user, request):
    found = []
    request.addfinalizer(found.clear)
    return found


@pytest.fixture
def make_order(request):
    def make(name):
        request.addfinalizer(lambda: _delete(name))
        return name

    return make


def _delete(name):
    with tms.step(f"delete {name}"):
        pass


@pytest.fixture(autouse=True)
def watched():
    yield
"""

SHOP = """
import pytest_tmsreport as tms


def test_buys(orders, tmp_path, monkeypatch, make_order):
    with tms.step("buy"):
        make_order("tea")
        make_order("cup")


def test_pays(user):
    pass
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_fixtures_are_steps_of_the_phase_that_ran_them(project: Project, workers: str) -> None:
    project.settings(ON)
    project.write("conftest.py", CONFTEST)
    project.write("test_shop.py", SHOP)
    ran = project.report(workers, "--dist=loadfile") if workers == "-n2" else project.report(workers)

    assert ran.steps("test_shop.py::test_buys[sqlite]") == [
        "passed: server",
        "  passed: start server",
        "    passed: open port",
        "passed: database[sqlite]",
        "passed: watched",
        "passed: user",
        "passed: orders",
        "passed: make_order",
        "passed: buy",
        "passed: teardown of make_order",
        "  passed: delete cup",
        "  passed: delete tea",
        "passed: teardown of orders",
        "passed: teardown of watched",
    ]
    assert ran.steps("test_shop.py::test_pays[sqlite]") == [
        "passed: watched",
        "passed: user",
        "passed: teardown of watched",
    ]
    assert ran.steps("test_shop.py::test_buys[postgres]")[:2] == [  # pytest ends the one where it needs the other
        "passed: teardown of database[sqlite]",
        "passed: database[postgres]",
    ]
    assert ran.steps("test_shop.py::test_pays[postgres]") == [
        "passed: watched",
        "passed: user",
        "passed: teardown of watched",
        "passed: teardown of database[postgres]",
        "passed: teardown of server",
        "  passed: stop server",
    ]
    first = ran.last["test_shop.py::test_buys[sqlite]"]
    (log,) = first.attachments
    assert [step.title for step in first.steps if log.sha256 in step.files] == ["database[sqlite]"]
    assert ran.status == 0


def test_steps_of_fixtures_stand_in_the_order_of_time_and_within_their_phase(project: Project) -> None:
    project.settings(ON)
    project.write("conftest.py", CONFTEST)
    project.write("test_shop.py", SHOP)

    for result in project.report().results:
        starts = [step.start for step in result.steps]
        assert starts == sorted(starts)
        for step in result.steps:
            is_late = step.title.startswith("teardown of ") and not step.title.endswith("[sqlite]")
            phase = result.phases["call" if step.title == "buy" else "teardown" if is_late else "setup"]
            assert phase.start <= step.start
            assert step.start + step.duration <= phase.start + phase.duration


def test_nothing_is_said_of_fixtures_where_nobody_asked(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("test_shop.py", SHOP)
    assert project.report().steps("test_shop.py::test_pays[postgres]") == ["passed: stop server"]


FAILING = """
import pytest
import pytest_tmsreport as tms


@pytest.fixture
def no_setup():
    with tms.step("connect"):
        raise OSError("refused")
    yield


@pytest.fixture
def no_printer():
    pytest.skip("no printer")


@pytest.fixture(scope="module")
def server():
    yield
    raise RuntimeError("port is in use")


@pytest.fixture
def first():
    yield
    raise ValueError("first")


@pytest.fixture
def fine(first):
    yield


@pytest.fixture
def second(fine):
    yield
    with tms.step("clean"):
        raise ValueError("second")


def test_setup_fails(no_setup):
    pass


def test_is_skipped(no_printer):
    pass


def test_one_teardown_fails(first, fine):
    pass


def test_two_teardowns_fail(second):
    assert False


def test_module_teardown_fails(server):
    pass
"""


def test_a_fixture_that_fails_is_a_failed_step_that_says_why(project: Project, workers: str) -> None:
    project.settings(ON)
    project.write("test_failing.py", FAILING)
    ran = project.report(workers, "--dist=loadfile") if workers == "-n2" else project.report(workers)

    found = {nodeid.partition("::")[2]: ran.steps(nodeid) for nodeid in ran.last}
    assert found == {
        "test_setup_fails": ["failed: no_setup: OSError: refused", "  failed: connect: OSError: refused"],
        "test_is_skipped": ["skipped: no_printer: no printer"],
        "test_one_teardown_fails": [
            "passed: first",
            "passed: fine",
            "passed: teardown of fine",
            "failed: teardown of first: ValueError: first",
        ],
        "test_two_teardowns_fail": [
            "passed: first",
            "passed: fine",
            "passed: second",
            "failed: teardown of second: ValueError: second",
            "  failed: clean: ValueError: second",
            "passed: teardown of fine",
            "failed: teardown of first: ValueError: first",
        ],
        "test_module_teardown_fails": [
            "passed: server",
            "failed: teardown of server: RuntimeError: port is in use",
        ],
    }


def test_what_pytest_does_and_prints_is_the_same_with_and_without(project: Project) -> None:
    project.write("test_failing.py", FAILING)
    project.write("conftest.py", CONFTEST)
    project.write("test_shop.py", SHOP)

    def printed(*args: str) -> str:
        out = project.pytest("-p", "no:cacheprovider", "--setup-show", "-rA", *args).out
        out = re.sub(r"=+ test management =+\n.*?(?======)", "", out, flags=re.DOTALL)
        out = re.sub(r"(?m)^plugins: .*|0x[0-9a-f]+", "", out)
        return re.sub(r"\d+\.\d+s", "", out)

    without = printed()
    project.settings(ON)
    assert "6 passed" in without
    assert printed("--tms-to", "qase") == without
    assert not re.search(r"pytest_tmsreport[/\\]\w+\.py", project.report("--full-trace").out)


def test_a_fixture_of_an_installed_package_is_no_step(project: Project) -> None:
    project.settings("[tmsreport]\nfixtures = true\n")
    project.write(".venv/lib/python3/site-packages/shelf.py", "import pytest\n@pytest.fixture\ndef shelf(): yield 1\n")
    project.write("tools/own.py", "import pytest\n@pytest.fixture\ndef own(): yield 1\n")
    project.write(
        "conftest.py",
        """
        import sys
        sys.path[:0] = [".venv/lib/python3/site-packages", "."]
        pytest_plugins = ["shelf", "tools.own"]
        """,
    )
    project.write("test_shop.py", "def test_uses(own, shelf, capsys): pass\n")
    assert project.report().steps("test_shop.py::test_uses") == ["passed: own", "passed: teardown of own"]


def test_a_parameter_that_changes_tears_down_in_the_test_that_needs_the_next(project: Project) -> None:
    project.settings(ON)
    project.write(
        "test_shop.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def currency(request):
            yield request.param
            if request.param == "EUR":
                raise RuntimeError("no euros")

        @pytest.mark.parametrize("currency", ["EUR"], indirect=True)
        def test_first(currency):
            pass

        @pytest.fixture
        def needs(currency):
            yield

        @pytest.mark.parametrize("currency", ["USD"], indirect=True)
        def test_second(needs, request):
            pass
        """,
    )
    ran = project.report()
    assert ran.steps("test_shop.py::test_first[EUR]") == ["passed: currency[EUR]"]
    assert ran.steps("test_shop.py::test_second[USD]") == ["failed: teardown of currency[EUR]: RuntimeError: no euros"]


def test_asyncio_fixtures_are_steps_that_hold_what_is_said_in_them(project: Project) -> None:
    project.settings(ON)
    project.neighbours = ("asyncio",)
    project.write(
        "test_async.py",
        """
        import asyncio

        import pytest
        import pytest_asyncio
        import pytest_tmsreport as tms

        @pytest_asyncio.fixture
        async def client():
            with tms.step("connect"):
                await asyncio.sleep(0)
            yield "client"
            with tms.step("disconnect"):
                await asyncio.sleep(0)

        @pytest_asyncio.fixture
        async def page(client):
            return client + " page"

        @pytest.mark.asyncio
        async def test_opens(page):
            with tms.step("look"):
                assert page == "client page"
        """,
    )
    assert project.report().steps("test_async.py::test_opens") == [
        "passed: client",
        "  passed: connect",
        "passed: page",
        "passed: look",
        "passed: teardown of client",
        "  passed: disconnect",
    ]


def test_a_step_that_stays_open_over_a_yield_leaves_the_others_where_they_are(project: Project) -> None:
    project.settings(ON)
    project.write(
        "test_shop.py",
        """
        import pytest
        import pytest_tmsreport as tms

        @pytest.fixture
        def database():
            with tms.step("database is up"):
                yield
                with tms.step("dump"):
                    pass
            with tms.step("remove"):
                pass

        @pytest.fixture
        def user(database):
            yield

        def test_buys(user):
            with tms.step("buy"):
                pass
        """,
    )
    assert project.report().steps("test_shop.py::test_buys") == [
        "passed: database",
        "  passed: database is up",
        "passed: user",
        "passed: buy",
        "passed: teardown of user",
        "passed: teardown of database",
        "  passed: dump",
        "  passed: remove",
    ]


@pytest.mark.parametrize("scope", ["function", "module"])
def test_a_test_that_is_run_again_sets_its_fixtures_up_again(project: Project, scope: str) -> None:
    project.settings(ON)
    project.neighbours = ("rerunfailures",)
    project.write(
        "test_shop.py",
        f"""
        import pytest

        tries = []

        @pytest.fixture(scope={scope!r})
        def flaky(request):
            request.addfinalizer(lambda: None)
            tries.append(1)
            assert len(tries) >= 3
            yield

        @pytest.fixture
        def steady(request):
            request.addfinalizer(lambda: None)

        def test_first(steady, flaky):
            pass

        def test_second(steady, flaky):
            pass
        """,
    )
    ran = project.report("--reruns", "2")
    assert ran.status == 0, ran.out
    assert [line.partition("\n")[0] for line in ran.steps("test_shop.py::test_first")] == [
        *(["passed: flaky", "passed: steady"] if scope == "module" else ["passed: steady", "passed: flaky"]),
        *(["passed: teardown of flaky", "passed: teardown of steady"] if scope == "function" else []),
        *(["passed: teardown of steady"] if scope == "module" else []),
    ]
