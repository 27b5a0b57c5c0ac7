"""The plugins themselves read the same files, options and variables: what they make of them is what we print."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_tmsreport.cli import main
from pytest_tmsreport.config import Config, load

Judges = Callable[..., Path]
FOREIGN = re.compile("QASE_|XRAY_|TMS_|RP_|TCMS_|TMSREPORT_|PYTEST_|COV_|COVERAGE_|PYTHONPATH")
DUMP = """
import json, os
import pytest

{reads}

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    with open("theirs.json", "w") as file:
        json.dump(told(config), file)
    pytest.exit("told", 0)
"""


@dataclass
class Here:
    """A project of the judged plugin."""

    root: Path
    environ: Mapping[str, str]

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(dedent(text).lstrip("\n"))

    def ours(self, source: str) -> Config:
        """What we make of it."""
        home = {**self.environ, "HOME": str(self.root)}
        done = CliRunner().invoke(main, ["migrate", source, "--rootdir", str(self.root)], env=home)
        assert done.exit_code == 0, done.output
        folder = self.root / "ours"
        folder.mkdir()
        (folder / "pytest.ini").write_text(done.stdout)
        config = load(folder, dict.fromkeys(re.findall(r"(?m)^# - (TMSREPORT_\w+): ", done.stdout), "stand-in"))
        assert config.problems == {}, done.stdout
        return config

    def theirs(self, python: Path, reads: str) -> dict[str, Any]:
        """What the plugin makes of it: `told(config)` in `reads`."""
        self.write("conftest.py", DUMP.format(reads=dedent(reads)))
        kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        done = subprocess.run(
            [python, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only"],
            cwd=self.root,
            env={**kept, **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told: dict[str, Any] = json.loads((self.root / "theirs.json").read_text())
        return told


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Here]:
    for name in os.environ:
        if FOREIGN.match(name):
            monkeypatch.delenv(name)

    def make(**environ: str) -> Here:
        return Here(tmp_path, environ)

    return make


QASE = """
from qase.pytest.conftest import setup_config_manager

def told(config):
    made = setup_config_manager(config).config
    testops, words = made.testops, made.status_mapping
    xfailed = made.framework.pytest.xfail_status.xfail
    return {
        "project": testops.project,
        "host": testops.api.host,
        "environment": made.environment or "",
        "plan": testops.plan.id or 0,
        "run_id": str(testops.run.id or ""),
        "complete": testops.run.complete,
        "defect": testops.defect,
        "batch_size": testops.batch.size,
        "configurations": {each.name: each.value for each in testops.configurations.values},
        "run_name": testops.run.title,
        "run_description": testops.run.description,
        "tags": testops.run.tags,
        "capture": made.framework.pytest.capture_logs,
        "skipped": words.get("skipped", "skipped"),
        "xfailed": words.get(xfailed, xfailed),
    }
"""
OPTIONS = (
    "--qase-testops-project=OPT --qase-testops-run-complete False --qase-testops-run-title 'by option'"
    " --qase-testops-run-tags='x, y' --qase-testops-batch-size=7 --qase-pytest-xfail-status-xfail=passed"
    " --qase-status-mapping skipped=invalid --qase-pytest-capture-logs=yes --qase-testops-run-id 12"
)
VARIABLES = {
    "QASE_TESTOPS_PROJECT": "ENV",
    "QASE_ENVIRONMENT": "prod",
    "QASE_TESTOPS_DEFECT": "on",  # which is no word for yes
    "QASE_TESTOPS_RUN_TAGS": "a, b",
    "QASE_TESTOPS_CONFIGURATIONS_VALUES": "OS=Linux",  # beside what the file says
    "QASE_PYTEST_XFAIL_STATUS_XFAIL": "blocked",
}


@pytest.mark.parametrize(
    ("environ", "addopts"),
    [
        pytest.param({}, "", marks=pytest.mark.long),
        pytest.param(VARIABLES, "", marks=pytest.mark.long),
        ({}, OPTIONS),
        (VARIABLES, OPTIONS),
    ],
    ids=["file", "variables", "options", "variables and options"],
)
def test_qase_pytest_agrees(
    judges: Judges, here: Callable[..., Here], addopts: str, environ: Mapping[str, str]
) -> None:
    project = here(**environ)
    project.write("pytest.ini", f"[pytest]\naddopts = -ra {addopts}")
    project.write(
        "qase.config.json",
        """
        {"mode": "testops", "environment": "staging", "statusMapping": {"skipped": "blocked"}, "testops": {
            "api": {"token": "x", "host": "eu.qase.io"}, "project": "SHOP", "defect": true, "plan": {"id": 7},
            "run": {"title": "Nightly", "description": "one\\n\\ntwo", "tags": [" smoke"], "complete": "yes"},
            "batch": {"size": 100}, "configurations": {"values": [{"name": "Browser", "value": "Firefox"}]}
        }, "framework": {"pytest": {"captureLogs": false}}}
        """,
    )
    ours = project.ours("qase")
    (made,) = ours.destinations
    keys = ("project", "host", "environment", "plan", "run_id", "complete", "defect", "batch_size", "configurations")
    told = project.theirs(judges("qase-pytest", "qase-pytest==9.0.0", "pytest==8.4.2"), QASE)
    assert told == {
        **{key: getattr(made, key) for key in keys},
        "run_name": ours.settings.run_name,
        "run_description": ours.settings.run_description,
        "tags": list(ours.settings.tags),
        "capture": ours.settings.capture == "all",
        "skipped": made.status.get("skipped", "skipped"),
        "xfailed": made.status.get("xfailed", "skipped"),
    }


BY_OPTION = (
    "--testrail --tr-testrun-project-id=9 --tr-testrun-suite-include-all --tr-testrun-name 'by option' --tr-version 1.2"
    " --tr-close-on-complete --tr-run-id=12 --tr-milestone-id 5 --tr-url https://option.test --tr-api-key key"
)
TESTRAIL = """
def told(config):
    made = config.pluginmanager.getplugin("pytest-testrail-instance")
    return {
        "url": made.client._base_url,
        "user": made.client.user,
        "token": made.client.password,
        "project": int(made.project_id),
        "suite": int(made.suite_id),
        "plan": made.testplan_id,
        "run_id": str(made.testrun_id or ""),
        "milestone": int(made.milestone_id or 0),
        "include_all": made.include_all,
        "version": made.version,
        "close": made.close_on_complete,
        "run_name": made.testrun_name,
        "run_description": made.testrun_description,
    }
"""


@pytest.mark.parametrize(
    "addopts",
    [
        "--testrail",
        "--testrail --tr-config other.cfg",
        BY_OPTION,
    ],
)
def test_pytest_testrail_agrees(judges: Judges, here: Callable[..., Here], addopts: str) -> None:
    project = here()
    project.write("tox.ini", f"[pytest]\naddopts = -ra {addopts}")
    for name, url in (("testrail.cfg", "https://acme.testrail.io/"), ("other.cfg", "https://other.test")):
        project.write(
            name,
            f"""
            [DEFAULT]
            name = Run of %(project_id)s, 100%%
            [API]
            URL = {url}
            email = ci@acme.example
            password = pass
            [TESTRUN]
            project_id = 7
            suite_id = 2
            include_all = off
            description: two
                lines
            milestone_id = 3
            """,
        )
    ours = project.ours("testrail")
    (made,) = ours.destinations
    told = project.theirs(judges("pytest-testrail", "pytest-testrail==3.1.1", "pytest==8.4.2"), TESTRAIL)
    assert told.pop("token") == ("key" if "key" in addopts else "pass")  # the one that our advice names
    keys = ("url", "user", "project", "suite", "plan", "run_id", "milestone", "include_all", "version", "close")
    assert told == {
        **{key: getattr(made, key) for key in keys},
        "run_name": ours.settings.run_name,
        "run_description": ours.settings.run_description,
    }


XRAY = """
from pytest_xray.helper import TestExecution, get_base_options

def told(config):
    option = config.getoption
    made = TestExecution(test_execution_key=option("--execution"), test_plan_key=option("--testplan"))
    base = get_base_options()
    return {
        "product": "cloud" if option("--cloud") else "dc",
        "url": base["BASE_URL"].rstrip("/"),
        "ca_bundle": "" if base["VERIFY"] is True else base["VERIFY"],
        "run_id": made.test_execution_key or "",
        "plan": made.test_plan_key,
        "environments": made.test_environments,
        "version": made.fix_version or "",
        "run_name": made.summary,
        "run_description": made.description,
    }
"""


@pytest.mark.parametrize("addopts", ["--jira-xray --testplan SHOP-7", "--jira-xray --cloud --execution=SHOP-12"])
def test_pytest_jira_xray_agrees(judges: Judges, here: Callable[..., Here], addopts: str) -> None:
    project = here(
        XRAY_API_BASE_URL="https://jira.test/",
        XRAY_API_VERIFY_SSL="ca.pem",
        XRAY_EXECUTION_TEST_ENVIRONMENTS=" chrome\t linux ",
        XRAY_EXECUTION_FIX_VERSION=" 1.0 beta ",
        XRAY_EXECUTION_SUMMARY="Smoke",
        XRAY_EXECUTION_DESC="of it all",
        XRAY_CLIENT_SECRET="secret",
        **({"XRAY_CLIENT_ID": "id"} if "cloud" in addopts else {"XRAY_API_KEY": "key"}),
    )
    project.write("ca.pem", "")
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}")
    ours = project.ours("xray")
    (made,) = ours.destinations
    told = project.theirs(judges("pytest-jira-xray", "pytest-jira-xray==0.9.4", "pytest-xdist==3.8.0"), XRAY)
    assert told == {
        **{key: getattr(made, key) for key in ("product", "url", "run_id", "plan", "version")},
        "environments": list(getattr(made, "environments", ())),
        **{key: getattr(ours.settings, key) for key in ("ca_bundle", "run_name", "run_description")},
    }


TEST_IT = """
from testit_python_commons.app_properties import AppProperties
from testit_python_commons.services.test_run_metadata import parse_test_run_tags

def told(config):
    made = AppProperties.load_properties(config.option)
    return {
        "run_name": made.get("testrunname"),
        "tags": parse_test_run_tags(made.get("testruntags")),
        "proxy": made.get("tmsproxy") or "",
    }
"""
UUID = "15dbb164-c1aa-4cbf-830c-8c01ae14f4fb"
CONNECTION = f"""
    [testit]
    url = https://demo.test
    privateToken = x
    projectId = {UUID}
    configurationId = {UUID}
    testRunId = {UUID}
    """


@pytest.mark.parametrize(
    ("files", "environ", "addopts"),
    [
        ("pyproject.toml", {}, ""),
        ("pyproject.toml connection_config.ini", {"NAME": "of a variable"}, ""),
        ("pyproject.toml connection_config.ini", {"TMS_TEST_RUN_TAGS": "a, b"}, "--tmsTestRunName 'by option'"),
        ("pyproject.toml connection_config.ini", {"TMS_CONFIG_FILE": "other.ini"}, ""),
        ("pyproject.toml", {"TMS_CONFIG_FILE": "none.ini", "TMS_TEST_RUN_NAME": "of CI"}, "--tmsConfigFile other.ini"),
    ],
)
def test_test_it_agrees(
    judges: Judges, here: Callable[..., Here], files: str, environ: Mapping[str, str], addopts: str
) -> None:
    project = here(**environ)
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}")
    pairs = [line.strip().partition(" = ") for line in CONNECTION.splitlines() if " = " in line]
    toml = "\n".join(f'{key} = "{value}"' for key, _, value in pairs)
    project.write("pyproject.toml", f'[testit]\n{toml}\ntestRunName = "toml"\n[debug]\ntmsproxy = "http://proxy.test"')
    if "ini" in files:
        project.write("connection_config.ini", f'{CONNECTION}testRunName = {{NAME}}\n    testRunTags = ["c", " d"]')
    project.write("other.ini", f"{CONNECTION}testRunName = other 100%\n    [debug]\n    tmsProxy = http://other.test")
    ours = project.ours("testit").settings
    python = judges("testit", "testit-adapter-pytest==5.2.3", "pytest==8.4.2")
    assert project.theirs(python, TEST_IT) == {
        "run_name": ours.run_name,
        "tags": list(ours.tags),
        "proxy": ours.proxy,
    }


REPORTPORTAL = """
from pytest_reportportal.config import AgentConfig

def told(config):
    made = AgentConfig(config)
    return {
        "run_name": made.rp_launch,
        "run_description": made.rp_launch_description,
        "tags": made.rp_launch_attributes,
        "ca_bundle": "" if made.rp_verify_ssl is True else made.rp_verify_ssl,
    }
"""


@pytest.mark.parametrize(
    "addopts",
    [
        "",
        pytest.param("-o rp_launch=over", marks=pytest.mark.long),
        "--rp-launch-attributes x:y 'z 1' --rp-launch=option",
    ],
)
@pytest.mark.parametrize("environ", [{}, {"RP_LAUNCH_ATTRIBUTES": "a;b c; a ;", "RP_VERIFY_SSL": "ca.pem"}])
def test_pytest_reportportal_agrees(
    judges: Judges, here: Callable[..., Here], addopts: str, environ: Mapping[str, str]
) -> None:
    project = here(RP_API_KEY="a-key-of-2026", **environ)
    project.write(
        "setup.cfg",
        f"""
        [tool:pytest]
        addopts = {addopts}
        rp_launch = Nightly
        rp_launch_description = one
            two
        rp_launch_attributes = "os:Linux Mint" smoke
        rp_endpoint = https://rp.test
        rp_project = shop
        rp_verify_ssl = True
        """,
    )
    ours = project.ours("reportportal").settings
    # 5.6.13 reads the same, but asks for a certifi that not every index has; pytest before 9.2 ignores -o in addopts
    python = judges("reportportal", "pytest-reportportal==5.6.12", "pytest==9.2.0")
    assert project.theirs(python, REPORTPORTAL) == {
        "run_name": ours.run_name,
        "run_description": ours.run_description,
        "tags": list(ours.tags),
        "ca_bundle": ours.ca_bundle,
    }
