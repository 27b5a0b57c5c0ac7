"""What is measured: pytest alone, ours, and what others write or send, each at the least that it can be asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_tmsreport.sandbox import qase_fields

from .contests import PYTEST, PYTEST_REPORTPORTAL, QASE_PYTEST, XDIST
from .environments import ROOT, CannotInstallError, python_with

OURS_REQUIRES = ("-e", str(ROOT), PYTEST, *XDIST)


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """A reporter: what is installed, the plugins that make it up, and how it is switched on.

    `on` are options, and `environ` makes variables of the address of a stand-in: that of the tools, or of somebody
    who says yes to everything where `is_content`. `files` stand in the suite's folder, with the hole `{url}`. `step`
    is an import and, on a line of its own, what opens a step.
    """

    name: str
    requirements: tuple[str, ...] = OURS_REQUIRES
    plugins: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    is_content: bool = False
    environ: Callable[[str], Mapping[str, str]] = lambda _url: {}
    files: Mapping[str, str] = field(default_factory=dict)
    step: str = ""

    @property
    def python(self) -> Path:
        """Raises CannotInstallError."""
        return python_with("peers", *self.requirements)

    @property
    def loading(self) -> tuple[str, ...]:
        """The options that load its plugins: without them nothing is, as nobody else's is to be measured."""
        return tuple(f"-p{name}" for name in self.plugins)


TOOLS = ("qase", "testrail", "xray")
PATIENT = ("--tms-set", "deadline_s=3000")
BARE = Reporter(name="pytest alone")
OURS = Reporter(
    name="pytest-tmsreport",
    plugins=("pytest_tmsreport.plugin",),
    on=("--tms-to", "qase", *PATIENT),
    environ=lambda url: _variables(url, "qase"),
    step="import pytest_tmsreport\npytest_tmsreport.step('a step')",
)
OURS_THRICE = replace(
    OURS,
    on=(*(word for tool in TOOLS for word in ("--tms-to", tool)), *PATIENT),
    environ=lambda url: {name: value for tool in TOOLS for name, value in _variables(url, tool).items()},
)
PEERS = (
    Reporter(name="junitxml of pytest", on=("--junitxml=junit.xml",)),
    Reporter(
        name="pytest-html 4.2.0",
        requirements=("pytest-html==4.2.0", PYTEST, *XDIST),
        plugins=("pytest_html.plugin", "pytest_html.fixtures", "pytest_metadata.plugin"),
        on=("--html=report.html",),
    ),
    Reporter(
        name="pytest-json-ctrf 0.6.1",
        requirements=("pytest-json-ctrf==0.6.1", PYTEST, *XDIST),
        plugins=("ctrf.main",),
        on=("--ctrf=report.json",),
    ),
    Reporter(
        name="allure-pytest 2.16.2",
        requirements=("allure-pytest==2.16.2", PYTEST, *XDIST),
        plugins=("allure_pytest.plugin",),
        on=("--alluredir=allure",),
        step="import allure\nallure.step('a step')",
    ),
    Reporter(
        name="buildkite-test-collector 1.9.0",
        requirements=("buildkite-test-collector==1.9.0", PYTEST, *XDIST),  # 1.9.1 wants a certifi that is not out
        plugins=("buildkite_test_collector.pytest_plugin",),
        environ=lambda url: {"BUILDKITE_ANALYTICS_TOKEN": "a-token", "BUILDKITE_ANALYTICS_API_URL": url},
        is_content=True,
    ),
    Reporter(
        name=PYTEST_REPORTPORTAL.name,
        requirements=PYTEST_REPORTPORTAL.requirements,
        plugins=("pytest_reportportal.plugin",),
        on=("--reportportal",),
        environ=lambda _url: {"AGENT_NO_ANALYTICS": "1"},
        files=PYTEST_REPORTPORTAL.files,
        step="from reportportal_client import step\nstep('a step')",
    ),
    Reporter(
        name=QASE_PYTEST.name,
        requirements=QASE_PYTEST.requirements,
        plugins=("xdist.plugin", "qase.pytest.conftest"),  # without xdist it breaks
        on=(
            "--qase-mode=testops",
            f"--qase-testops-project={qase_fields.PROJECT}",
            f"--qase-testops-api-token={qase_fields.TOKEN}",
        ),
        files=QASE_PYTEST.files,
        step="from qase.pytest import qase\nqase.step('a step')",
    ),
)


def named(names: Collection[str]) -> list[Reporter]:
    """Ours and others by the first word of their names; all of them where none is named."""
    return [each for each in (OURS, *PEERS) if not names or short(each) in names]


def short(reporter: Reporter) -> str:
    """The word by which a reporter is asked for."""
    return reporter.name.partition(" ")[0]


def row_of(reporter: Reporter, cells: Callable[[Reporter], list[str]], columns: int) -> str:
    """A reporter's row of so many columns; where it cannot be installed, that is told in place of its figures."""
    try:
        found = cells(reporter)
    except CannotInstallError as error:
        found = [f"not measured: {error}", *[""] * (columns - 2)]
    return f"| {reporter.name} | {' | '.join(found)} |"


def _variables(url: str, tool: str) -> dict[str, str]:
    """Those that lead a destination to its sandbox, without limits to wait for."""
    module = importlib.import_module(f"pytest_tmsreport.sandbox.{tool}")
    found: dict[str, str] = module.environment(f"{url}/{tool}")
    return {**found, f"TMSREPORT_{tool.upper()}_REQUESTS_PER_MINUTE": "0"}
