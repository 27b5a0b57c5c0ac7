"""`tmsreport migrate`: other plugins' settings become ours, load as they are printed, and show no secret."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Done
from hypothesis import given
from hypothesis import strategies as st

from pytest_tmsreport import migrations
from pytest_tmsreport.cli import main
from pytest_tmsreport.config import Config, load
from pytest_tmsreport.vendor import names
from pytest_tmsreport.vendors.qase import Qase

FOREIGN = re.compile("QASE_|XRAY_|JIRA_|FOLDER_NAME|TMS_|RP_|TCMS_|TMSREPORT_|PYTEST_|COV_|COVERAGE_")
SECRET = "c4nary-T0ken.9f3"
UUID = "15dbb164-c1aa-4cbf-830c-8c01ae14f4fb"


@dataclass
class Here:
    """A folder with other plugins' settings, and an environment."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode())

    def migrate(self, *args: str) -> Done:
        return CliRunner().invoke(main, ["migrate", "--rootdir", str(self.root), *args], env=self.environ)

    def printed(self, *args: str) -> str:
        done = self.migrate(*args)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *args: str) -> str:
        """What is said where nothing can be printed."""
        done = self.migrate(*args)
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        return done.stderr

    def loaded(self, text: str, file: str = "pytest.ini") -> Config:
        """What our settings become once a person has put them into a file and set the secrets."""
        folder = self.root / f"for {file}"
        folder.mkdir(exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
        secrets = re.findall(r"(?m)^# - (TMSREPORT_\w+): ", text)
        return load(folder, dict.fromkeys(secrets, "stand-in"))


@pytest.fixture(autouse=True)
def without_the_settings_of_the_outer_session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if FOREIGN.match(name):
            monkeypatch.delenv(name)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "project").mkdir()
    return Here(tmp_path / "project")


def qase(here: Here) -> None:
    here.write(
        "qase.config.json",
        """
        {
          "mode": "testops",
          "fallback": "report",
          "environment": "staging",
          "statusMapping": {"invalid": "failed", "skipped": "blocked"},
          "testops": {
            "api": {"token": "c4nary-T0ken.9f3", "host": "eu.qase.io", "retries": 5},
            "project": "SHOP",
            "defect": false,
            "plan": {"id": 7},
            "run": {
              "title": "Nightly #1, 100 % = all",
              "description": "First line\\n\\nlast line",
              "tags": ["smoke", " nightly "],
              "complete": true,
              "externalLink": {"type": "jiraCloud", "link": "SHOP-1"}
            },
            "batch": {"size": 100},
            "configurations": {"values": [{"name": "Browser", "value": "Firefox"}, {"name": "OS", "value": "Linux"}]}
          },
          "framework": {"pytest": {"captureLogs": true, "xfailStatus": {"xfail": "passed"}}},
          "rootSuite": "All",
          "profilers": [],
          "colour": "blue"
        }
        """,
    )


QASE = """
# For pytest.ini; made by `tmsreport migrate qase` of what qase-pytest reads here
[tmsreport]
run_name = Nightly #1, 100 % = all
run_description = First line

    last line
tags = smoke, nightly
capture = all

[tmsreport:qase]
environment = staging
project = SHOP
host = eu.qase.io
plan = 7
complete = true
defect = false
batch_size = 100
configurations = Browser=Firefox, OS=Linux
status.error = failed
status.skipped = blocked
status.xfailed = passed

# Secrets, for the environment and no file:
# - TMSREPORT_QASE_TOKEN: `testops.api.token` in qase.config.json; take it out there

# Not taken over:
# - `mode` in qase.config.json: not needed: `pytest --tms` reports; without it nothing does
# - `fallback` in qase.config.json: not needed: every run is journalled on disk, and `tmsreport show --json` prints it
# - `testops.api.retries` in qase.config.json: not needed: `deadline_s` bounds all waiting, and what fails is repeated \
as long as it lasts
# - `testops.run.externalLink` in qase.config.json: no counterpart: the run is linked to its CI build, by its \
description
# - `rootSuite` in qase.config.json: no counterpart: a hook in conftest.py can put a suite above all others
# - `colour` in qase.config.json: no counterpart: qase-pytest has no such setting
"""


def testrail(here: Here) -> None:
    here.write(
        "testrail.cfg",
        """
        [API]
        url = https://ci:c4nary-T0ken.9f3@acme.testrail.io/
        email = ci@acme.example
        password = c4nary-T0ken.9f3
        timeout = 10
        [TESTRUN]
        assignedto_id = 1
        project_id = 7
        suite_id = 0
        include_all = yes
        name = All of it, 100%%
        plan_id = 3
        [TESTCASE]
        custom_comment = By pytest
        """,
    )
    here.write(
        "tox.ini",
        """
        [tox]
        envlist = py311
        [pytest]
        addopts = -ra --testrail
            --tr-run-id=9 --tr-close-on-complete --tr-version "1 0" -k "not slow"
        """,
    )


TESTRAIL = """
# For pytest.ini; made by `tmsreport migrate testrail` of what pytest-testrail reads here
[tmsreport]
run_name = All of it, 100%

[tmsreport:testrail]
url = https://acme.testrail.io
user = ci@acme.example
project = 7
include_all = true
plan = 3
version = 1 0

# Secrets, for the environment and no file:
# - TMSREPORT_TESTRAIL_TOKEN: `password` in [API] of testrail.cfg; take it out there

# Not as before:
# - skipped and xfailed tests are 4 (retest); `status.skipped = 2` and `status.xfailed = 2` say blocked, as before
# - `--tr-run-id` is left out: pytest-testrail took the plan where both were given
# - `--tr-close-on-complete` is left out: only a plan as a whole can be closed
# - `url` in [API] of testrail.cfg: a user or password stood in the address and is left out: the secrets take their \
place
# - `plan_id` in [TESTRUN] of testrail.cfg: the run becomes a new entry of the plan, where pytest-testrail reported \
into the runs that the plan has

# Not taken over:
# - `timeout` in [API] of testrail.cfg: not needed: `deadline_s` bounds all waiting
# - `assignedto_id` in [TESTRUN] of testrail.cfg: no counterpart: the run is assigned to nobody
# - `custom_comment` in [TESTCASE] of testrail.cfg: no counterpart: `tms.note` adds to the comment of a result
# - `--testrail` in addopts of tox.ini: not needed: `--tms` takes its place, on the command line or in addopts
# - `suite_id` in [TESTRUN] of testrail.cfg: not needed: it says what holds anyway
"""


def xray(here: Here) -> None:
    here.environ.update(
        XRAY_API_BASE_URL="https://xray.cloud.getxray.app",
        XRAY_CLIENT_ID="0123456789ABCDEF",
        XRAY_CLIENT_SECRET=SECRET,
        XRAY_EXECUTION_TEST_ENVIRONMENTS="chrome  linux",
        XRAY_EXECUTION_FIX_VERSION="1.0",
        XRAY_EXECUTION_REVISION="5f0c1d",
        XRAY_EXECUTION_SUMMARY="Smoke",
        XRAY_EXECUTION_DESC=f"https://ci.test/?access_token={SECRET}",
        XRAY_API_VERIFY_SSL="ca.pem",
        XRAY_COLOUR="blue",
    )
    here.write(
        "pyproject.toml",
        """
        [tool.pytest.ini_options]
        addopts = ["--jira-xray", "--client-secret-auth", "--testplan", "SHOP-70", "--add-captures"]
        """,
    )


XRAY = """
# For pytest.ini; made by `tmsreport migrate xray` of what pytest-jira-xray reads here
[tmsreport]
run_name = Smoke
ca_bundle = ca.pem
capture = all

[tmsreport:xray]
product = cloud
project = SHOP
url = https://xray.cloud.getxray.app
client_id = 0123456789ABCDEF
plan = SHOP-70
environments = chrome, linux
version = 1.0

# Secrets, for the environment and no file:
# - TMSREPORT_RUN_DESCRIPTION: `XRAY_EXECUTION_DESC` in the environment, which seems to hold a secret
# - TMSREPORT_XRAY_CLIENT_SECRET: `XRAY_CLIENT_SECRET` in the environment; it may stay there, and is read here, too

# Not as before:
# - `project` is what the key SHOP-70 begins with: pytest-jira-xray has no such setting
# - skipped and xfailed tests are TODO, where they were ABORTED and FAIL: `status.skipped = …` and \
`status.xfailed = …` name other words

# Not taken over:
# - `--jira-xray` in addopts of pyproject.toml: not needed: `--tms` takes its place, on the command line or in addopts
# - `--client-secret-auth` in addopts of pyproject.toml: not needed: the secrets that are set say how to sign
# - `XRAY_COLOUR` in the environment: no counterpart: pytest-jira-xray has no such setting
# - `XRAY_EXECUTION_REVISION` in the environment: belongs to one session: leave it there, it is read here, too
"""


def testit(here: Here) -> None:
    here.environ.update(TOKEN_OF_CI=SECRET, TMS_ADAPTER_MODE="2")
    here.write(
        "connection_config.ini",
        f"""
        [testit]
        URL = https://demo.testit.software
        privateToken = {{TOKEN_OF_CI}}
        projectId = {UUID}
        configurationId = {UUID}
        testRunId = {UUID}
        testRunName = Nightly 100%
        testRunTags = ["smoke", "nightly"]
        certValidation = true
        importRealtime = false
        [debug]
        tmsProxy = {{"https": "http://ci:{SECRET}@proxy.test:8080"}}
        """,
    )


TESTIT = f"""
# For pytest.ini; made by `tmsreport migrate testit` of what testit-adapter-pytest reads here
[tmsreport]
run_name = Nightly 100%
tags = smoke, nightly

[tmsreport:testit]
url = https://demo.testit.software
area = {UUID}

# Secrets, for the environment and no file:
# - TMSREPORT_PROXY: `tmsproxy` in [debug] of connection_config.ini, which seems to hold a secret
# - TMSREPORT_TESTIT_TOKEN: `privatetoken = {{TOKEN_OF_CI}}` in [testit] of connection_config.ini; take it out there

# Not as before:
# - the id of the run is left out: adapter mode 2 takes no notice of it

# Not taken over:
# - `importrealtime` in [testit] of connection_config.ini: not needed: results go in batches, by a process of their own
# - `TMS_ADAPTER_MODE` in the environment: not needed: with `run_id` results go into that run, without it a run is made
# - `certvalidation` in [testit] of connection_config.ini: not needed: it says what holds anyway
# - `configurationid` in [testit] of connection_config.ini: no counterpart: there is no `configuration` here
"""


def reportportal(here: Here) -> None:
    here.environ.update(RP_LAUNCH_DESCRIPTION="By hand", RP_LAUNCH_UUID=UUID)
    here.write(
        "pytest.ini",
        f"""
        [pytest]
        addopts = --reportportal --rp-launch "Night shift"
        rp_endpoint = https://rp.test
        rp_project = shop
        rp_api_key = {SECRET}
        rp_launch = Nightly
        rp_launch_attributes = "os:Linux Mint" smoke smoke
        rp_mode = DEBUG
        rp_verify_ssl = False
        rp_log_level = INFO
        rp_display = {SECRET}
        """,
    )


REPORTPORTAL = """
# For pytest.ini; made by `tmsreport migrate reportportal` of what pytest-reportportal reads here
[tmsreport]
run_name = Night shift
run_description = By hand
tags = os:Linux Mint, smoke

[tmsreport:reportportal]
url = https://rp.test
project = shop
mode = DEBUG

# Secrets, for the environment and no file:
# - TMSREPORT_REPORTPORTAL_TOKEN: `rp_api_key` in pytest.ini; take it out there

# Not taken over:
# - `rp_log_level` in pytest.ini: not needed: captured logs go with the result, not one by one
# - `--reportportal` in addopts of pytest.ini: not needed: `--tms` takes its place, on the command line or in addopts
# - `rp_launch` in pytest.ini: not needed: `--rp-launch` in addopts of pytest.ini is stronger
# - `rp_display` in pytest.ini: no counterpart: pytest-reportportal has no such setting
# - `rp_verify_ssl` in pytest.ini: no counterpart: certificates are always checked here; name the file of your own CA \
in `ca_bundle`
# - `RP_LAUNCH_UUID` in the environment: belongs to one session: leave it there, it is read here, too
"""


def kiwi(here: Here) -> None:
    home = here.root.parent / "home"
    here.environ.update(TCMS_PRODUCT="Shop", TCMS_BUILD="41", TCMS_PREFIX="[shop]")
    here.write(
        str(home / ".tcms.conf"),
        f"""
        [tcms]
        url = https://kiwi.test/xml-rpc/
        username = ci
        password = {SECRET}%%
        """,
    )


KIWI = """
# For pytest.ini; made by `tmsreport migrate kiwi` of what kiwitcms-pytest-plugin reads here
[tmsreport:kiwi]
url = https://kiwi.test
user = ci
product = Shop
parameter_cases = true

# Secrets, for the environment and no file:
# - TMSREPORT_KIWI_PASSWORD: `password` in [tcms] of HOME/.tcms.conf; take it out there

# Not as before:
# - parametrised tests keep the cases that the plugin made; without `parameter_cases` they share one

# Not taken over:
# - `TCMS_PREFIX` in the environment: no counterpart: names stand as they are; `run_name` may begin with any word
# - `TCMS_BUILD` in the environment: belongs to one session: leave it there, it is read here, too
"""


def zephyr(here: Here) -> None:
    here.write(
        ".env",
        """
        # of Jira
        JIRA_PROJECT_ID=12345 # a number
        export JIRA_URL='https://jira.acme.test/'
        FOLDER_NAME="Regress 1.0"
        COLOUR=blue
        """,
    )
    here.environ["FOLDER_NAME"] = "Regress 2.0"
    here.environ["PYTEST_ADDOPTS"] = f"--zephyr --zephyr_test_run_name=Smoke --jira_token={SECRET}"


ZEPHYR = """
# For pytest.ini; made by `tmsreport migrate zephyr` of what pytest-zephyr-scale-integration reads here
[tmsreport]
run_name = Smoke

[tmsreport:zephyr]
product = dc
names = (?P<case>T[0-9]+)
jira_url = https://jira.acme.test
folder = Regress 2.0

# To do before it works:
# - `project` is missing: add `project = …` to [tmsreport:zephyr], or set TMSREPORT_ZEPHYR_PROJECT

# Secrets, for the environment and no file:
# - TMSREPORT_ZEPHYR_TOKEN: `--jira_token` in PYTEST_ADDOPTS; take it out there

# Not as before:
# - `names` finds the keys in the names of tests as the plugin does, but not in those of files
# - skipped and xfailed tests are Not Executed, where they were Fail: see `status.skipped`, `status.xfailed`
# - errors of setup and teardown are Fail, where they were nothing or Pass

# Not taken over:
# - `JIRA_PROJECT_ID` in .env: no counterpart: `project` is the key of the project, such as SHOP
# - `FOLDER_NAME` in .env: not needed: `FOLDER_NAME` in the environment is stronger
# - `--zephyr` in PYTEST_ADDOPTS: not needed: `--tms` takes its place, on the command line or in addopts
"""

SOURCES: Mapping[str, Callable[[Here], None]] = {
    "kiwi": kiwi,
    "qase": qase,
    "reportportal": reportportal,
    "testit": testit,
    "testrail": testrail,
    "xray": xray,
    "zephyr": zephyr,
}
STAND_IN = """
from dataclasses import dataclass
from typing import ClassVar

from pytest_tmsreport import Outcome, Vendor
from pytest_tmsreport.vendor import setting


@dataclass(frozen=True, kw_only=True)
class StandIn(Vendor):
    label: ClassVar[str] = "Stand-in"
    proof: ClassVar[str] = "nothing"
    statuses: ClassVar[dict] = {outcome: outcome.value for outcome in Outcome}
    variables: ClassVar[dict] = {"area": ("TMS_PROJECT_ID", "TCMS_PRODUCT")}
    area: str = setting("what others call a project")
    user: str = setting("who signs in, which is nobody's business", default="", secret=True)
"""


def test_every_source_is_tried_here() -> None:
    assert migrations.names() == sorted(SOURCES)


@pytest.mark.parametrize(
    ("source", "golden"),
    [
        ("kiwi", KIWI),
        ("qase", QASE),
        ("reportportal", REPORTPORTAL),
        ("testrail", TESTRAIL),
        ("xray", XRAY),
        ("zephyr", ZEPHYR),
    ],
)
def test_the_settings_of_a_plugin_become_ours(here: Here, source: str, golden: str) -> None:
    SOURCES[source](here)
    assert here.printed(source).replace(str(here.root.parent / "home"), "HOME") == golden.lstrip("\n")


@pytest.mark.parametrize(("source", "golden"), [("testit", TESTIT)])
def test_a_vendor_that_is_installed_later_gets_the_settings_that_it_has(here: Here, source: str, golden: str) -> None:
    SOURCES[source](here)
    dist = here.root.parent / "dist"
    here.write(f"{dist}/stand_in.py", STAND_IN)
    here.write(f"{dist}/stand_in-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n")
    here.write(
        f"{dist}/stand_in-1.dist-info/entry_points.txt", f"[pytest_tmsreport.vendors]\n{source} = stand_in:StandIn"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest_tmsreport", "migrate", source],
        cwd=here.root,
        env={**os.environ, **here.environ, "PYTHONPATH": str(dist)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.replace(str(here.root.parent / "home"), "HOME") == golden.lstrip("\n")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("file", ["pytest.ini", "pyproject.toml"])
def test_what_is_printed_loads(here: Here, source: str, file: str) -> None:
    SOURCES[source](here)
    text = here.printed(source, *(["--toml"] if file.endswith("toml") else []))
    config = here.loaded(text, file)
    lacking = [name for name in [source] if name == "zephyr"]  # its plugin knows a project by its number alone
    assert list(config.problems) == lacking
    assert [made.name for made in config.destinations] == [
        name for name in [source] if name in names() and name not in lacking
    ]


def test_both_files_say_the_same(here: Here) -> None:
    qase(here)
    ini, toml = here.loaded(here.printed("qase")), here.loaded(here.printed("qase", "--toml"), "pyproject.toml")
    assert ini.settings == toml.settings
    assert ini.destinations == toml.destinations
    assert ini.settings.run_description == "First line\n\nlast line"
    assert 'description = "First line\\n\\nlast line"\ntags = ["smoke", "nightly"]\n' in here.printed("qase", "--toml")


@pytest.mark.parametrize("source", [name for name in migrations.names() if name not in names()])
def test_where_the_destination_is_not_there_yet_the_rest_is_printed_and_it_is_said(here: Here, source: str) -> None:
    SOURCES[source](here)
    text = here.printed(source)
    assert f"# This version cannot report to `{source}`" in text
    assert f"[tmsreport:{source}]" not in text
    assert f"TMSREPORT_{source.upper()}_" not in text
    assert ", a secret\n" in text


CANARIES = {
    "qase": {
        "qase.config.json": json.dumps(
            {
                "token": SECRET,
                "environment": f"https://{SECRET}@host.test",
                "statusMapping": {SECRET: SECRET},
                "testops": {
                    "apiToken": SECRET,
                    "project": SECRET,
                    "api": {"token": SECRET, "host": f"https://x:{SECRET}@qase.io"},
                    "run": {"title": f"token={SECRET}", "tags": ["a", SECRET], "id": SECRET},
                    "configurations": {"values": [{"name": "Key", "value": SECRET}]},
                },
                "testops_multi": {"projects": [{"code": "SHOP", "token": SECRET}]},
                SECRET: SECRET,
            }
        ),
        "pytest.ini": f"[pytest]\naddopts = --qase-testops-api-token={SECRET} --qase-root-suite {SECRET} {SECRET}",
    },
    "testrail": {
        "testrail.cfg": f"""
            [API]
            url = ci:{SECRET}@acme.testrail.io
            email = {SECRET}
            api_key = {SECRET}
            [TESTRUN]
            name = run with {SECRET}
            project_id = {SECRET}
            [{SECRET}]
            {SECRET} = {SECRET}
            """,
        "pytest.ini": f"[pytest]\naddopts = --tr-password={SECRET} --tr-version https://{SECRET}@host.test",
    },
    "xray": {"pytest.ini": f"[pytest]\naddopts = --jira-xray --testplan {SECRET} --execution=SHOP-{SECRET}"},
    "testit": {
        "connection_config.ini": f"""
            [testit]
            url = https://{SECRET}@demo.test/?privateToken={SECRET}#{SECRET}
            privateToken = {SECRET}
            projectId = {SECRET}
            testRunName = {SECRET}
            testRunTags = ["{SECRET}"]
            tmsProxy = {{"http": "{SECRET}"
            [debug]
            tmsProxy = ci:{SECRET}@proxy.test
            """
    },
    "reportportal": {
        "setup.cfg": f"""
            [tool:pytest]
            addopts = -o rp_oauth_password={SECRET} --rp-api-key {SECRET}
            rp_uuid = {SECRET}
            rp_launch = {SECRET}
            rp_launch_description = password: {SECRET}
            rp_launch_attributes = key:{SECRET}
            rp_verify_ssl = {SECRET}
            rp_{SECRET} = {SECRET}
            """
    },
    "kiwi": {"../home/.tcms.conf": f"[tcms]\nurl = http://[{SECRET}\nusername = {SECRET}\npassword = {SECRET}"},
    "zephyr": {
        ".env": f"JIRA_URL=https://ci:{SECRET}@jira.test\nFOLDER_NAME=https://x:{SECRET}@a.test\nJIRA_PROJECT_ID={SECRET}",
        "pytest.ini": f"[pytest]\naddopts = --zephyr --jira_token={SECRET}",
    },
}


VARIABLES = {
    "xray": {
        "XRAY_API_KEY": SECRET,
        "XRAY_API_USER": SECRET,
        "XRAY_API_BASE_URL": f"https://jira.test/?{SECRET}",
        "XRAY_EXECUTION_SUMMARY": f"see https://x:{SECRET}@ci.test",
        "XRAY_API_VERIFY_SSL": SECRET,
    },
    "kiwi": {"TCMS_PRODUCT": SECRET, "TCMS_PREFIX": SECRET},
}


@pytest.mark.parametrize("source", CANARIES)
@pytest.mark.parametrize("style", [[], ["--toml"]])
def test_a_secret_that_stands_everywhere_is_printed_nowhere(here: Here, source: str, style: list[str]) -> None:
    for name, held in CANARIES[source].items():
        here.write(name, held)
    here.environ.update(VARIABLES.get(source, {}))
    assert SECRET not in here.printed(source, *style)
    assert SECRET not in here.printed()


@pytest.mark.parametrize(
    ("source", "name", "held"),
    [
        ("qase", "qase.config.json", {"testops": {"api": {"key": SECRET}}}),
        ("qase", "qase.config.json", {"testops": {"project": {"token": SECRET}}}),
        ("qase", "qase.config.json", {"testops": {"run": {"title": f"https://ci.test/?api_key={SECRET}"}}}),
        ("qase", "qase.config.json", {"testops": {"run": {"tags": [f"Bearer {SECRET}{SECRET}"]}}}),
        ("qase", "qase.config.json", {"testops": {"run": {"description": f"https://{SECRET}@ci.test"}}}),
        ("qase", "qase.config.json", {"testops": {"configurations": {"values": [{"name": "Token", "value": SECRET}]}}}),
        ("testrail", "testrail.cfg", f"[API]\nurl = https://ci:{SECRET}@acme.testrail.io"),
        ("testrail", "testrail.cfg", f"[API]\nurl = https://{SECRET}@acme.testrail.io"),
        ("testrail", "testrail.cfg", f"[API]\nurl = ci:{SECRET}@acme.testrail.io"),
        ("testrail", "testrail.cfg", f"[API]\nurl = https://acme.testrail.io/?key={SECRET}#{SECRET}"),
        ("testrail", "testrail.cfg", f"[API]\nurl = a\nkey = {SECRET}\n[DEFAULT]\nproject_id = {SECRET}"),
        ("testrail", "pytest.ini", f"[pytest]\naddopts = --testrail --tr-api-key={SECRET} --tr-secret={SECRET}"),
        (
            "testit",
            "connection_config.ini",
            f'[testit]\nurl = a\ntmsProxy = {{"http": "http://x:{SECRET}@proxy.test"}}',
        ),
        ("testit", "pyproject.toml", f'[testit]\nurl = "https://[{SECRET}"'),
        ("reportportal", "pytest.ini", f"[pytest]\nrp_launch = a\nrp_oauth_client_secret = {SECRET}"),
        ("kiwi", "../home/.tcms.conf", f"[tcms]\nurl = https://x:{SECRET}@kiwi.test/xml-rpc/"),
    ],
)
def test_a_secret_in_an_odd_place_is_not_printed(here: Here, source: str, name: str, held: Any) -> None:
    here.environ.update(QASE_TESTOPS_PROJECT="SHOP")
    here.write(name, held if isinstance(held, str) else json.dumps(held))
    assert SECRET not in here.printed(source)
    assert SECRET not in here.printed(source, "--toml")


def test_what_seems_to_be_a_secret_is_to_be_set_as_a_variable(here: Here) -> None:
    here.environ.update(QASE_TESTOPS_PROJECT="SHOP", QASE_TESTOPS_RUN_TITLE=f"with {SECRET}", DEPLOY_TOKEN=SECRET)
    text = here.printed("qase")
    assert "# - TMSREPORT_RUN_NAME: `QASE_TESTOPS_RUN_TITLE` in the environment, which seems to hold a secret\n" in text
    assert "run_name" not in text


@pytest.mark.parametrize(
    ("source", "name", "held", "said"),
    [
        (
            "qase",
            "qase.config.json",
            '{\n"testops":\n  {"api": SECRET}}',
            "qase.config.json is no JSON: Expecting value (line 3,",
        ),
        ("qase", "qase.config.json", '["SECRET"]', "qase.config.json must hold a JSON object"),
        ("qase", "qase.config.json", b'{\n"token": "SECRET\xff"}', "qase.config.json is no text (byte 19, line 2)"),
        ("qase", "qase.config.json", '{"a":' * 9999, "qase.config.json is nested too deeply, or"),
        ("qase", "qase.config.json", f'{{"a": {"9" * 5000}}}', "or holds a number without end"),
        ("testit", "pyproject.toml", f"a = {'[' * 9999}", "pyproject.toml is n"),
        ("testrail", "testrail.cfg", "[API]\npassword SECRET", "testrail.cfg is no INI file: ParsingError (line 2)"),
        (
            "testrail",
            "testrail.cfg",
            "password = SECRET",
            "testrail.cfg is no INI file: MissingSectionHeaderError (line 1)",
        ),
        (
            "testrail",
            "testrail.cfg",
            "[API]\nurl = a\nurl = SECRET",
            "testrail.cfg is no INI file: DuplicateOptionError (line 3)",
        ),
        (
            "testrail",
            "testrail.cfg",
            "[API]\npassword = SECRET%",
            "testrail.cfg holds a wrong `%` in `password` of [API]",
        ),
        ("testrail", "testrail.cfg", b"\x89PNG\r\n\x1a\n\x00SECRET", "testrail.cfg is no text (byte 1, line 1)"),
        (
            "testit",
            "pyproject.toml",
            "[testit]\nprivateToken = SECRET",
            "pyproject.toml is no TOML (at line 2, column 16)",
        ),
        ("testit", "connection_config.ini", "[testit\nSECRET", "connection_config.ini is no INI file: MissingSection"),
        (
            "reportportal",
            "pytest.ini",
            "[pytest]\nrp_api_key SECRET",
            "pytest.ini is no INI file: ParsingError (line 2)",
        ),
        ("xray", "pytest.ini", "[pytest]\naddopts = --testplan 'SECRET", "addopts of pytest.ini cannot be split"),
        (
            "xray",
            "pytest.ini",
            "[pytest]\naddopts = --testplan",
            "addopts of pytest.ini: argument --testplan: expected one",
        ),
        (
            "xray",
            "pytest.ini",
            "[pytest]\naddopts = --jira-xray=SECRET",
            "argument --jira-xray: ignored explicit argument",
        ),
        ("kiwi", "../home/.tcms.conf", "[tcms]\npassword SECRET", ".tcms.conf is no INI file: ParsingError (line 2)"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_nothing_else_is_printed(
    here: Here, source: str, name: str, held: str | bytes, said: str
) -> None:
    here.environ.update(QASE_TESTOPS_PROJECT="SHOP", TMS_URL="https://a.test", XRAY_API_USER="ci", TCMS_PRODUCT="Shop")
    here.write(name, held)
    for message in (here.refused(source), here.refused()):
        assert said in message
        assert "SECRET" not in message


def test_without_a_name_it_says_whose_settings_are_found(here: Here) -> None:
    for put in SOURCES.values():
        put(here)
    lines = here.printed().splitlines()
    assert lines[:3] == [
        f"kiwi: 6 settings of kiwitcms-pytest-plugin, in [tcms] of {here.root.parent}/home/.tcms.conf, the environment",
        "qase: 20 settings of qase-pytest, in qase.config.json",
        "reportportal: 12 settings of pytest-reportportal, in pytest.ini, addopts of pytest.ini, the environment",
    ]
    # pytest.ini hides the addopts of the other files, as it does for pytest
    assert [line.partition(":")[0] for line in lines[3:-1]] == ["testit", "testrail", "xray", "zephyr"]
    assert lines[-1] == "`tmsreport migrate NAME` prints what they become"


def test_nothing_found_says_where_it_looked(here: Here) -> None:
    message = here.refused()
    for place in ("qase.config.json", "testrail.cfg", "connection_config.ini", "~/.tcms.conf", "XRAY_…", "rp_…"):
        assert place in message
    message = here.refused("testrail")
    assert f"nothing of pytest-testrail is found in {here.root}" in message
    assert "testrail.cfg" in message


def test_an_unknown_name_gets_the_nearest_and_all(here: Here) -> None:
    message = here.refused("testrial")
    assert "did you mean testrail? known are: kiwi, qase, reportportal, testit, testrail, xray, zephyr" in message


def test_the_folder_is_the_current_one_unless_another_is_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    qase(here)
    monkeypatch.chdir(here.root)
    assert CliRunner().invoke(main, ["migrate", "qase"]).stdout == here.printed("qase")


def test_qase_options_are_stronger_than_variables_and_those_than_the_file(here: Here) -> None:
    qase(here)
    here.environ["QASE_TESTOPS_PROJECT"] = "ENV"
    here.environ["QASE_TESTOPS_API_TOKEN"] = SECRET
    text = here.printed("qase")
    assert "project = ENV\n" in text
    assert (
        "- `testops.project` in qase.config.json: not needed: `QASE_TESTOPS_PROJECT` in the environment is str" in text
    )
    assert "QASE_TOKEN: `QASE_TESTOPS_API_TOKEN` in the environment; it may stay there, and is read here, too\n" in text
    here.write("pytest.ini", "[pytest]\naddopts = --qase-testops-project=INI")
    assert "project = INI\n" in here.printed("qase")
    here.environ["PYTEST_ADDOPTS"] = "--qase-testops-project ADD"
    assert "project = ADD\n" in here.printed("qase")


def test_testrail_options_are_stronger_than_the_file_that_one_of_them_names(here: Here) -> None:
    testrail(here)
    here.write(
        "ci/tr.cfg", "[API]\nurl = https://ci.test\nemail = file@acme.example\napi_key = x\n[TESTRUN]\nproject_id = 8"
    )
    here.write("pytest.ini", "[pytest]\naddopts = --tr-config ci/tr.cfg --tr-email=option@acme.example")
    text = here.printed("testrail")
    assert "url = https://ci.test\nuser = option@acme.example\nproject = 8\n" in text
    assert "TMSREPORT_TESTRAIL_TOKEN: `api_key` in [API] of ci/tr.cfg; take it out there" in text


def test_reportportal_variables_are_stronger_than_options_and_those_than_the_file(here: Here) -> None:
    for name, held in (
        ("file", "rp_launch = file"),
        ("override", "rp_launch = file\naddopts = -o rp_launch=override"),
        ("option", "rp_launch = file\naddopts = -o rp_launch=override --rp-launch option"),
    ):
        here.write("pytest.ini", f"[pytest]\n{held}")
        assert f"run_name = {name}\n" in here.printed("reportportal")
    here.environ["RP_LAUNCH"] = "variable"
    assert "run_name = variable\n" in here.printed("reportportal")


def test_test_it_reads_one_file_the_named_one_else_its_own_else_pyproject(here: Here) -> None:
    here.write("pyproject.toml", '[testit]\ntestRunName = "toml"\n[debug]\ntmsProxy = "http://proxy.test"')
    assert "run_name = toml\nproxy = http://proxy.test\n" in here.printed("testit")
    here.write("../connection_config.ini", "[testit]\ntestRunName = above")
    text = here.printed("testit")
    assert "run_name = above\n" in text
    assert "proxy" not in text
    here.write("connection_config.ini", "[testit]\ntestRunName = own")
    assert "run_name = own\n" in here.printed("testit")
    here.write("named.ini", "[testit]\ntestRunName = named")
    here.environ["TMS_CONFIG_FILE"] = "named.ini"
    assert "run_name = named\n" in here.printed("testit")
    here.environ["TMS_TEST_RUN_NAME"] = "variable"
    assert "run_name = variable\n" in here.printed("testit")
    here.write("pytest.ini", "[pytest]\naddopts = --tmsTestRunName option")
    assert "run_name = option\n" in here.printed("testit")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pytest.ini", "[pytest]\nrp_launch = here"),
        ("pytest.toml", '[pytest]\nrp_launch = "here"'),
        ("pyproject.toml", '[tool.pytest]\nrp_launch = "here"'),
        ("pyproject.toml", '[tool.pytest.ini_options]\nrp_launch = "here"'),
        ("tox.ini", "[pytest]\nrp_launch = here"),
        ("setup.cfg", "[tool:pytest]\nrp_launch = here"),
    ],
)
def test_the_file_is_the_one_that_pytest_reads(here: Here, file: str, text: str) -> None:
    here.write(file, text)
    assert "run_name = here\n" in here.printed("reportportal")


def test_each_project_of_qase_is_a_destination_of_its_own(here: Here) -> None:
    projects = [
        {"code": "SHOP", "run": {"id": 5, "title": "Shop", "complete": False}, "plan": {"id": 3}},
        {"code": "2ND", "environment": "prod"},
    ]
    own = {"api": {"token": SECRET}, "project": "OLD", "batch": {"size": 50}}
    config = {
        "mode": "testops_multi",
        "testops": own,
        "testops_multi": {"default_project": "SHOP", "projects": projects},
    }
    here.write("qase.config.json", json.dumps(config))
    text = here.printed("qase")
    made = here.loaded(text)
    assert made.problems == {}
    shop, second = made.destinations
    assert (shop.name, second.name) == ("shop", "qase2nd")
    assert shop == Qase(
        name="shop", kind="qase", token="stand-in", project="SHOP", batch_size=50, run_id="5", plan=3, complete=False
    )
    assert second == Qase(
        name="qase2nd",
        kind="qase",
        token="stand-in",
        project="2ND",
        batch_size=50,
        environment="prod",
        complete=True,
        only_mapped=True,
    )
    assert "`run.title` of SHOP is left out" in text
    assert "TMSREPORT_SHOP_TOKEN: `testops.api.token`" in text
    config["mode"] = "testops"
    here.write("qase.config.json", json.dumps(config))
    text = here.printed("qase")
    assert "[tmsreport:qase]\nproject = OLD\n" in text
    assert "`testops_multi` is left out" in text


def test_what_only_toml_can_say_is_named_for_an_ini_file(here: Here) -> None:
    here.environ.update(QASE_TESTOPS_PROJECT="SHOP", QASE_TESTOPS_RUN_DESCRIPTION="one\n# two")
    here.write("qase.config.json", json.dumps({"testops": {"run": {"tags": ["a,b", "c"]}}}))
    text = here.printed("qase")
    assert "# - `tags`: pytest.ini cannot say it: set TMSREPORT_TAGS\n" in text
    assert here.loaded(text).settings.tags == ()
    config = here.loaded(here.printed("qase", "--toml"), "pyproject.toml")
    assert config.settings.tags == ("a,b", "c")
    assert config.settings.run_description == "one\n# two"


def test_what_is_missing_or_wrong_is_to_be_done(here: Here) -> None:
    here.environ["XRAY_API_USER"] = "ci"
    text = here.printed("xray")
    assert (
        "# To do before it works:\n# - `project` is missing: add `project = …` to [tmsreport:xray], or set TMS" in text
    )
    here.environ.update(QASE_TESTOPS_PROJECT="no code", QASE_TESTOPS_BATCH_SIZE="many", QASE_TESTOPS_PLAN_ID="-1")
    text = here.printed("qase")
    assert "To do before it works:\n# - `project` of qase is 'no code'; a code has 2 to 10 letters and digits" in text
    assert "`QASE_TESTOPS_BATCH_SIZE` in the environment: no counterpart: its value is no number" in text
    assert "TMSREPORT_QASE_TOKEN: found nowhere" in text


def test_a_strange_value_breaks_out_of_no_line(here: Here) -> None:
    here.environ.update(
        QASE_TESTOPS_PROJECT="SHOP",
        QASE_TESTOPS_RUN_TITLE="a\u2028[tmsreport:evil]\x1b[31m\x85project = X",
        QASE_ENVIRONMENT="b\r\n[tmsreport:worse]\nurl = https://evil.test",
    )
    for style, file in (([], "pytest.ini"), (["--toml"], "pyproject.toml")):
        text = here.printed("qase", *style)
        assert "\x1b" not in text
        config = here.loaded(text, file)
        assert list(config.wanted) == ["qase"]
        assert config.settings.run_name.splitlines()[0] == "a"


@pytest.mark.parametrize("name", migrations.names())
def test_each_setting_is_told_once_and_each_that_is_not_taken_over_has_a_reason(name: str) -> None:
    rules = migrations.find(name).rules
    told = [each for rule in rules for each in rule.names.split()]
    assert len(told) == len(set(told))
    assert all(rule.to or rule.why.startswith(("not needed: ", "no counterpart: ")) for rule in rules)


def test_the_readme_names_every_source() -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\| settings: `tmsreport migrate (\w+)` \|", readme)) == set(migrations.names())


odd = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | st.sampled_from(
    [
        "7",
        "true",
        "off",
        "a,b",
        "k=v",
        "SHOP-7",
        "https://x:y@z.test/a",
        "{",
        '["a"]',
        "%",
        "a\n# b",
        "[tmsreport]",
        "-x",
    ]
)
FLAG = "true"
"""What the options say that take no value."""
ENOUGH = {
    "qase": {"testops.project": "SHOP", "testops.api.token": SECRET},
    "testrail": {"API.url": "https://a.test", "API.email": "a", "TESTRUN.project_id": "7", "API.api_key": SECRET},
    "xray": {"XRAY_CLIENT_ID": "a", "XRAY_CLIENT_SECRET": SECRET, "--testplan": "SHOP-7"},
}
"""What makes a destination, where there is one."""


@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data())
def test_whatever_the_settings_hold_it_is_refused_or_loads_and_secrets_stay_unseen(
    source: str, data: st.DataObject
) -> None:
    rules = migrations.find(source).rules
    every = [name for rule in rules for name in rule.names.split()]
    drawn = data.draw(st.dictionaries(st.sampled_from(every), odd, min_size=1, max_size=12))
    values = {**ENOUGH.get(source, {}), **drawn}
    for rule in rules:
        fixed = SECRET if rule.is_secret else FLAG if rule.takes == "none" else None
        values.update({name: fixed for name in rule.names.split() if fixed is not None and name in values})
    with TemporaryDirectory() as place:
        here = Here(Path(place) / "project", {"HOME": f"{place}/home", "PYTEST_ADDOPTS": ""})
        put(here, values)
        done = here.migrate(source, *data.draw(st.sampled_from([[], ["--toml"]])))
        assert (done.exit_code, type(done.exception)) in {(0, type(None)), (2, SystemExit)}
        assert SECRET not in done.output
        if done.exit_code == 0:
            config = here.loaded(done.stdout, "pyproject.toml" if "[tool.tms" in done.stdout else "pytest.ini")
            assert config.problems == {} or "# To do before it works:" in done.stdout
            assert "" not in config.problems


def put(here: Here, values: Mapping[str, str]) -> None:
    """Writes settings to where each belongs."""
    here.write("pytest.ini", "[pytest]\n")
    own: dict[str, Any] = {}
    for name, value in values.items():
        if name.isupper():
            here.environ[name] = value
        elif name.startswith("--"):
            here.environ["PYTEST_ADDOPTS"] += f" {name}" + ("" if value is FLAG else f"={shlex.quote(value)}")
        elif name.startswith("rp_"):
            here.write("pytest.ini", f"{(here.root / 'pytest.ini').read_text()}{name} = {value}\n")
        else:
            *outer, key = name.split(".")
            inner = own
            for each in outer:
                inner = inner.setdefault(each, {})
            inner[key] = value
    here.write("qase.config.json", json.dumps(own))
    ini = "\n".join(
        f"[{section}]\n" + "\n".join(f"{key} = {value}" for key, value in held.items())
        for section, held in own.items()
        if isinstance(held, dict)
    )
    for name in ("testrail.cfg", "connection_config.ini", "../home/.tcms.conf"):
        here.write(name, ini)
