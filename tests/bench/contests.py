"""Who meets whom: for each tool the plugin that teams use today, and how it and ours are told where the sandbox is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_tmsreport.sandbox import kiwi_fields, qase_fields, reportportal, testrail_fields, xray_fields, zephyr_fields

from .environments import ROOT

if TYPE_CHECKING:
    from pytest_tmsreport.sandbox.server import Served
    from pytest_tmsreport.sandbox.site import Sandbox

XDIST = ("pytest-xdist==3.8.0",)
PYTEST = "pytest==9.2.0"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A reporter: what is installed, and how a suite is written for it and run with it.

    `mark` is the decorator of a test of case `{n}`, `name_of_test` that test's name; `files` stand beside the suite,
    with the hole `{url}`. `on` makes the options, and `environ` the variables, from the server. `results` is a part of
    the paths of the requests that bring results, `before` how many others have the same.
    """

    name: str
    requirements: tuple[str, ...]
    results: str
    before: int = 0
    on: Callable[[Served], tuple[str, ...]]
    mark: str = ""
    imports: str = ""
    name_of_test: str = "test_case_{n}"
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Callable[[Served], Mapping[str, str]] = lambda _served: {}
    is_ours: bool = False


@dataclass(frozen=True)
class Contest:
    """A tool, with the sandbox that both report to."""

    tool: str
    theirs: Contender
    results: str
    mark: str
    rules: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    counts_cases: bool = False
    """The tool numbers cases by itself, so that only titles tell which is which."""

    def sandbox(self) -> Sandbox:
        module = importlib.import_module(f"pytest_tmsreport.sandbox.{self.tool}")
        made: Sandbox = module.create(module.Rules(**self.rules)) if self.rules else module.create()
        return made

    @property
    def ours(self) -> Contender:
        variables = {f"TMSREPORT_{self.tool}_{key}".upper(): value for key, value in self.settings.items()}
        return Contender(
            name="pytest-tmsreport",
            requirements=("-e", str(ROOT), PYTEST, *XDIST),
            results=self.results,
            on=lambda _served: ("--tms-to", self.tool),
            mark=self.mark,
            environ=lambda served: {**served.environment, **variables},
            is_ours=True,
        )


QASE_PYTEST = Contender(
    name="qase-pytest 9.0.0",
    requirements=("qase-pytest==9.0.0", PYTEST, *XDIST),
    results="/results",
    on=lambda _served: (
        "--qase-mode=testops",
        f"--qase-testops-project={qase_fields.PROJECT}",
        f"--qase-testops-api-token={qase_fields.TOKEN}",
    ),
    imports="from qase.pytest import qase",
    mark="@qase.id({n})",
    # It speaks to hosts by https only: the address is another here, its code is not.
    files={
        "conftest.py": """
import qase.commons.client.api_v1_client as one
import qase.commons.client.api_v2_client as two

def redirect(module, version):
    real = module.ApiClient
    def made(configuration):
        configuration.host = "{url}/qase/" + version
        return real(configuration)
    module.ApiClient = made

redirect(one, "v1")
redirect(two, "v2")
"""
    },
)
PYTEST_TESTRAIL = Contender(
    name="pytest-testrail 3.1.1",
    requirements=("pytest-testrail==3.1.1", PYTEST, *XDIST),
    results="add_results_for_cases",
    on=lambda served: (
        "--testrail",
        f"--tr-url={served.url_of('testrail')}",
        f"--tr-email={testrail_fields.USER}",
        f"--tr-api-key={testrail_fields.TOKEN}",
        f"--tr-testrun-project-id={testrail_fields.PROJECT}",
        "--tr-testrun-suite-id=1",
    ),
    imports="from pytest_testrail.plugin import pytestrail",
    mark='@pytestrail.case("C{n}")',
)
PYTEST_JIRA_XRAY = Contender(
    name="pytest-jira-xray 0.9.4",
    requirements=("pytest-jira-xray==0.9.4", PYTEST, *XDIST),
    results="import/execution",
    on=lambda _served: ("--jira-xray", "--cloud", "--client-secret-auth"),
    mark='@pytest.mark.xray("SHOP-{n}")',
    environ=lambda served: {
        "XRAY_API_BASE_URL": served.url_of("xray"),
        "XRAY_CLIENT_ID": xray_fields.CLIENT_ID,
        "XRAY_CLIENT_SECRET": xray_fields.CLIENT_SECRET,
    },
)
PYTEST_ZEPHYR = Contender(
    name="pytest-zephyr-scale-integration 0.1.32",
    requirements=("pytest-zephyr-scale-integration==0.1.32", PYTEST, *XDIST),
    results="1.0/testresult",
    on=lambda _served: ("--zephyr", "--jira_token", zephyr_fields.TOKEN),
    name_of_test="test_T{n}",
    environ=lambda served: {
        "JIRA_PROJECT_ID": str(zephyr_fields.PROJECT_ID),
        "JIRA_URL": served.url_of("zephyr"),
    },
)
PYTEST_REPORTPORTAL = Contender(
    name="pytest-reportportal 5.6.12",
    requirements=("pytest-reportportal==5.6.12", PYTEST, *XDIST),
    results="/item/",
    on=lambda _served: ("--reportportal",),
    files={
        "pytest.ini": f"""[pytest]
rp_endpoint = {{url}}/reportportal
rp_project = {reportportal.PROJECT}
rp_api_key = {reportportal.TOKEN}
rp_launch = theirs
"""
    },
    environ=lambda _served: {"AGENT_NO_ANALYTICS": "1"},
)
KIWITCMS_PYTEST_PLUGIN = Contender(
    name="kiwitcms-pytest-plugin 15.4",
    requirements=("kiwitcms-pytest-plugin==15.4", "tcms-api==15.0", PYTEST, *XDIST),
    results="xml-rpc",
    before=60,
    on=lambda _served: ("-p", "tcms_pytest_plugin", "--kiwitcms"),
    files={
        ".tcms.conf": (
            f"[tcms]\nurl = {{url}}/kiwi/xml-rpc/\nusername = {kiwi_fields.USER}\npassword = {kiwi_fields.PASSWORD}\n"
        )
    },
    environ=lambda _served: {
        "HOME": ".",
        "TCMS_PRODUCT": kiwi_fields.PRODUCT,
        "TCMS_PRODUCT_VERSION": "1.0",
        "TCMS_BUILD": "41",
    },
)
CONTESTS = (
    Contest("qase", QASE_PYTEST, "/results", "@pytest.mark.tms('{n}')"),
    Contest("testrail", PYTEST_TESTRAIL, "add_results_for_cases", "@pytest.mark.tms('C{n}')"),
    Contest("xray", PYTEST_JIRA_XRAY, "import/execution", "@pytest.mark.tms('SHOP-{n}')", {"statuses": ("ABORTED",)}),
    Contest("zephyr", PYTEST_ZEPHYR, "testresults", "@pytest.mark.tms('SHOP-T{n}')", settings={"product": "dc"}),
    Contest("kiwi", KIWITCMS_PYTEST_PLUGIN, "TestExecution.update", "", counts_cases=True),
    Contest("reportportal", PYTEST_REPORTPORTAL, "/item/", "@pytest.mark.tms('{n}')"),
)


def write_suite(folder: Path, contender: Contender, url: str, tests: Mapping[int, str]) -> None:
    """Writes a suite for a reporter: the body of each case's test, and whatever it needs beside it."""
    head = ["import os, threading, time", "import pytest", contender.imports, FIXTURES]
    for number, body in tests.items():
        decorators, _, lines = body.rpartition("\n---\n")
        test = contender.name_of_test.format(n=number)
        arguments = ", ".join(each for each in ("breaks_before", "breaks_after") if each in lines)
        indented = "\n".join(f"    {line}" for line in lines.splitlines())
        head.append(f"{contender.mark.format(n=number)}\n{decorators}\ndef {test}({arguments}):\n{indented}\n")
    folder.mkdir(parents=True)
    (folder / "test_suite.py").write_text("\n".join(head), encoding="utf-8")
    for name, text in {"pytest.ini": "[pytest]\n", **contender.files}.items():
        (folder / name).write_text(text.replace("{url}", url), encoding="utf-8")


FIXTURES = """
@pytest.fixture
def breaks_before():
    raise RuntimeError("before")

@pytest.fixture
def breaks_after():
    yield
    raise RuntimeError("after")
"""
