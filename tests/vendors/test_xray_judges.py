"""What others make of Xray: pytest-jira-xray against our sandbox, graphql-core and the vendor's types of our queries.

Then the failings of pytest-jira-xray that users report, each as a session of ours that does better.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pytest_tmsreport.sandbox import xray as xray_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sandbox.xray_fields import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, PASSWORD, USER, Rules
from pytest_tmsreport.vendors import _xray_cloud as cloud

HERE = Path(__file__).resolve()
TYPES = HERE.parents[3] / "shared" / "specs" / "xray-cloud-graphql-types-partial.graphql"
PLUGIN = ("pytest-jira-xray==0.9.4", "pytest-xdist==3.8.0")

SUITE = """
    import os
    import pytest

    @pytest.fixture
    def broken_setup():
        raise RuntimeError("setup")

    @pytest.fixture
    def broken_teardown():
        yield
        raise RuntimeError("teardown")

    @pytest.mark.MARK("SHOP-1")
    def test_passed(): pass

    @pytest.mark.MARK("SHOP-2")
    def test_failed(): assert 1 == 2

    @pytest.mark.MARK("SHOP-3")
    def test_setup(broken_setup): pass

    @pytest.mark.MARK("SHOP-4")
    def test_teardown(broken_teardown): pass

    @pytest.mark.MARK("SHOP-5")
    @pytest.mark.skip(reason="not here")
    def test_skipped(): pass

    @pytest.mark.MARK("SHOP-6")
    @pytest.mark.xfail(reason="known")
    def test_xfailed(): assert 1 == 2

    @pytest.mark.MARK("SHOP-7")
    @pytest.mark.xfail(run=False, reason="hangs")
    def test_not_run(): pass
"""
UNKNOWN = """
    import pytest

    @pytest.mark.MARK("SHOP-1")
    def test_a(): pass

    @pytest.mark.MARK("ABC-99")
    def test_b(): pass

    @pytest.mark.MARK("SHOP-3")
    def test_c(): pass
"""
CRASH = """
    import os
    import pytest

    @pytest.mark.MARK("SHOP-1")
    def test_before(): pass

    @pytest.mark.MARK("SHOP-2")
    def test_crash(): os._exit(1)

    @pytest.mark.MARK("SHOP-3")
    def test_after(): pass

    @pytest.mark.MARK("SHOP-4")
    def test_last(): pass
"""


@pytest.fixture
def served() -> Iterator[Served]:
    """Xray's sandbox on a free port of loopback. It has the status ABORTED: pytest-jira-xray cannot do without."""
    with serve([xray_sandbox.create(Rules(statuses=("ABORTED",)))]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    """What arrived."""
    return served.boxes["xray"]


# pytest-jira-xray against our sandbox

LOGINS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "cloud": (("--cloud", "--client-secret-auth"), {"XRAY_CLIENT_ID": CLIENT_ID, "XRAY_CLIENT_SECRET": CLIENT_SECRET}),
    "basic": ((), {"XRAY_API_USER": USER, "XRAY_API_PASSWORD": PASSWORD}),
    "token": (("--api-key-auth",), {"XRAY_API_KEY": ACCESS_TOKEN}),
}
Theirs = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def theirs(judges: Callable[..., Path], served: Served, tmp_path: Path) -> Theirs:
    """Runs a suite with pytest-jira-xray, which reports to the sandbox."""
    python = judges("pytest-jira-xray", *PLUGIN)

    def run(suite: str, login: str, *args: str) -> subprocess.CompletedProcess[str]:
        options, own = LOGINS[login]
        path = tmp_path / "theirs" / "test_suite.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(suite).replace("MARK", "xray"))
        foreign = re.compile("PYTEST_|XRAY_|.*proxy", re.IGNORECASE)
        kept = {key: value for key, value in os.environ.items() if not foreign.match(key)}
        return subprocess.run(
            [python, "-m", "pytest", "-p", "no:cacheprovider", "--jira-xray", *options, *args],
            cwd=path.parent,
            env={**kept, **own, "XRAY_API_BASE_URL": served.url_of("xray")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("login", LOGINS)
def test_the_incumbent_works_against_our_sandbox(theirs: Theirs, box: Box, login: str, workers: str) -> None:
    done = theirs(SUITE, login, workers)
    assert done.returncode == 1, done.stdout
    (run,) = box.runs
    assert f"Uploaded results to JIRA XRAY. Test Execution Id: {run}" in done.stdout
    passed, failed = ("PASSED", "FAILED") if login == "cloud" else ("PASS", "FAIL")
    assert statuses(box) == {
        "SHOP-1": passed,
        "SHOP-2": failed,
        "SHOP-3": failed,
        "SHOP-4": failed,
        "SHOP-5": "ABORTED",
        "SHOP-6": failed,
        "SHOP-7": failed,
    }


def test_the_incumbent_joins_an_execution_and_a_plan(theirs: Theirs, box: Box) -> None:
    suite = UNKNOWN.replace("ABC-99", "SHOP-2")
    theirs(suite, "token")
    (run,) = box.runs
    done = theirs(suite, "token", "--execution", run, "--testplan", "SHOP-90070")
    assert f"Test Execution Id: {run}" in done.stdout
    assert (len(box.runs), len(box.results), box.repeats) == (1, 3, 3)


def test_one_unknown_key_costs_the_incumbent_everything(theirs: Theirs, box: Box) -> None:
    done = theirs(UNKNOWN, "basic")
    assert "Test issue with key ABC-99 not found" in done.stdout
    assert not box.results


# What graphql-core and the vendor's types make of our queries

ROOTS = """
type ProjectSettings { projectId: String testEnvironments: [String] }
type CreateTestExecutionResult { testExecution: TestExecution warnings: [String] createdTestEnvironments: [String] }
type Query {
  getTests(jql: String, issueIds: [String], projectId: String, limit: Int!, start: Int): TestResults
  getTestExecutions(jql: String, issueIds: [String], projectId: String, limit: Int!, start: Int): TestExecutionResults
  getTestPlans(jql: String, issueIds: [String], projectId: String, limit: Int!, start: Int): TestPlanResults
  getProjectSettings(projectIdOrKey: String): ProjectSettings
  getStatuses: [TestStatusType]
}
type Mutation {
  createTestExecution(testIssueIds: [String], testEnvironments: [String], jira: JSON!): CreateTestExecutionResult
  deleteTestExecution(issueId: String!): String
}
"""
"""What the vendor's partial types leave out: the roots, as its pages describe them."""
QUERIES = (
    cloud.CREATE,
    cloud.EXECUTIONS,
    cloud.TESTS_OF,
    cloud.DELETE,
    cloud.TESTS,
    cloud.PROJECT,
    cloud.PLANNED,
    cloud.RECORDED,
)
WRONG = (
    "{ getTests { total } }",
    "{ getTests(limit: 1) { nothing } }",
    "{ getTests(limit: 1) }",
    "query ($n: String) { getTests(limit: $n) { total } }",
    "{ getTests(limit: 1) { total }",
)


@pytest.mark.skipif(not TYPES.is_file(), reason="needs ../shared/specs, Xray's own GraphQL types")
def test_our_queries_are_what_the_vendors_types_admit(judges: Callable[..., Path]) -> None:
    python = judges("graphql-core", "graphql-core==3.2.6")
    question = {"schema": TYPES.read_text(encoding="utf-8") + ROOTS, "queries": [*QUERIES, *WRONG]}
    done = subprocess.run(
        [python, "-I", HERE.parent / "judges" / "xray_graphql.py"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    complaints = json.loads(done.stdout)
    assert complaints[: len(QUERIES)] == [[]] * len(QUERIES)
    assert all(complaints[len(QUERIES) :])


# What users of pytest-jira-xray complain about, with ours


def report(project: Any, suite: str, *args: str, environ: Mapping[str, str] | None = None) -> Any:
    """Runs a suite in a session of ours that reports to the sandbox."""
    project.environ.update(environ or {})
    project.write("test_suite.py", suite.replace("MARK", "tms"))
    return project.pytest("--tms-to", "xray", *args)


def statuses(box: Box) -> dict[str, str]:
    return {result.id: result.status for result in box.results.values()}


def test_broken_fixtures_fail_and_what_is_expected_to_fail_does_not(project: Any, box: Box, workers: str) -> None:
    assert report(project, SUITE, workers).status == 1
    assert statuses(box) == {
        "SHOP-1": "PASSED",
        "SHOP-2": "FAILED",
        "SHOP-3": "FAILED",
        "SHOP-4": "FAILED",
        "SHOP-5": "TODO",
        "SHOP-6": "TODO",
        "SHOP-7": "TODO",
    }
    assert len(box.runs) == 1


def test_one_unknown_key_costs_one_result(project: Any, box: Box) -> None:
    done = report(project, UNKNOWN)
    assert statuses(box) == {"SHOP-1": "PASSED", "SHOP-3": "PASSED"}
    assert "xray: 2 delivered, 0 kept, 1 refused, 0 without case" in done.out
    assert "Test issue with key ABC-99 not found" in done.out


@pytest.mark.parametrize(
    "trouble",
    [
        "lost-answer",
        *(pytest.param(each, marks=pytest.mark.long) for each in ["503*1", "429*1", "504*1", "reset"]),
    ],
)
def test_one_fault_of_the_server_costs_nothing(project: Any, served: Served, box: Box, trouble: str) -> None:
    served.troubles.add(f"{trouble}@import/execution")
    report(project, SUITE)
    assert len(statuses(box)) == 7
    assert len(box.runs) == 1


@pytest.mark.long
def test_a_crashed_worker_costs_nothing_and_aborts_nothing(project: Any, box: Box) -> None:
    done = report(project, CRASH, "-n2")
    assert done.status == 1
    assert "INTERNALERROR" not in done.out
    assert statuses(box) == {"SHOP-1": "PASSED", "SHOP-2": "FAILED", "SHOP-3": "PASSED", "SHOP-4": "PASSED"}


def test_parametrised_tests_need_no_option_to_share_a_key(project: Any, box: Box) -> None:
    suite = """
        import pytest

        @pytest.mark.MARK("SHOP-1")
        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_odd(number): assert number % 2
    """
    report(project, suite, "-n2")
    (result,) = box.results.values()
    assert result.status == "FAILED"
    outcomes = {each["parameters"][0]["value"]: each["status"] for each in result.body["iterations"]}
    assert outcomes == {"1": "PASSED", "2": "FAILED", "3": "PASSED"}


def test_data_center_is_reported_to_with_the_same_variables_that_the_incumbent_reads(
    project: Any, served: Served, box: Box
) -> None:
    for name in [name for name in project.environ if name.startswith("TMSREPORT_XRAY_")]:
        del project.environ[name]
    project.settings("""
        [tmsreport:xray]
        product = dc
        project = SHOP
    """)
    environ = {
        "XRAY_API_BASE_URL": served.url_of("xray"),
        "XRAY_API_USER": USER,
        "XRAY_API_PASSWORD": PASSWORD,
        "XRAY_EXECUTION_REVISION": "4be1c02",
        "XRAY_EXECUTION_TEST_ENVIRONMENTS": "chrome linux",
    }
    done = report(project, UNKNOWN.replace("ABC-99", "SHOP-2"), environ=environ)
    assert statuses(box) == {"SHOP-1": "PASS", "SHOP-2": "PASS", "SHOP-3": "PASS"}
    (sent,) = [each.body["info"] for each in box.requests if each.path.endswith("import/execution")]
    assert sent == {"testEnvironments": ["chrome", "linux"], "revision": "4be1c02"}
    assert PASSWORD not in done.out + done.err
