"""testit-adapter-pytest: a file, variables, options, each stronger than the one before.

The file is the one that `--tmsConfigFile` or TMS_CONFIG_FILE names, else `connection_config.ini` of this folder or the
nearest above it, else the table `[testit]` of pyproject.toml. Names and precedence are those that testit-python-commons
5.2 reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._read import Found, Project, from_environment, from_ini, from_options, from_toml
from ._rules import Migration, Rule, Sections, absent, address, needless, secret, switch, text, trust, truth, words

NAME = "connection_config.ini"
FILTERED, OWN_RUN = "0", "2"
"""Adapter modes: run what the run holds (the default); make a run, and take no notice of a run's id."""
SERVICE = "no other process stands between the tests and the tool but the sender"


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    options = from_options(project, rules)
    return [
        *(_filled(each, project.environ) for each in _file(project, rules, options)),
        *from_environment(project.environ, rules),
        *options,
    ]


def _file(project: Project, rules: Sequence[Rule], options: Sequence[Found]) -> list[Found]:
    named = [each.value for each in options if each.name == "--tmsConfigFile"]
    name = named[-1] if named else project.environ.get("TMS_CONFIG_FILE")
    if name or (project.root / NAME).is_file():
        return from_ini(project, name or NAME, rules)
    above = next((folder / NAME for folder in project.root.resolve().parents if (folder / NAME).is_file()), None)
    if above:
        return from_ini(project, str(above), rules)
    proxy = [each for each in from_toml(project, "pyproject.toml", "debug") if each.name in PROXY]
    return [*from_toml(project, "pyproject.toml", "testit"), *proxy]


def _filled(found: Found, environ: Mapping[str, str]) -> Found:
    """`{VARIABLE}` stands for what the variable holds."""
    hole = re.fullmatch(r"{([a-zA-Z_]\w*)}", str(found.value))
    if hole is None or hole[1] not in environ:
        return found
    return found._replace(value=environ[hole[1]], shown=f"{found.shown} = {found.value}")


def _tags(value: Any) -> list[str]:
    written = text(value)
    return words(_json(written) if written.startswith("[") else written)


def _proxy(value: Any) -> str:
    """An address, or an object with addresses for `http` and `https`."""
    written = text(value)
    if not written.startswith("{"):
        return written
    proxies = _json(written)
    return text(proxies.get("https") or proxies.get("http") or "")  # what begins with a brace is an object, or no JSON


def _json(written: str) -> Any:
    try:
        return json.loads(written)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("its value is no JSON") from None  # the error holds the value


PROXY = Rule("testit.tmsproxy debug.tmsproxy TMS_PROXY --tmsProxy", ".proxy", _proxy)
RULES = (
    switch("--testit"),
    needless("TMS_CONFIG_FILE --tmsConfigFile", "settings stand in pytest's own file"),
    Rule("testit.url TMS_URL --tmsUrl", "url", address),
    secret("testit.privatetoken TMS_PRIVATE_TOKEN --tmsPrivateToken", "token"),
    Rule("testit.projectid TMS_PROJECT_ID --tmsProjectId", "project"),
    Rule("testit.configurationid TMS_CONFIGURATION_ID --tmsConfigurationId", "configuration"),
    Rule(
        "testit.adaptermode TMS_ADAPTER_MODE --tmsAdapterMode",
        "_mode",
        why="not needed: with `run_id` results go into that run, without it a run is made",
    ),
    Rule("testit.testrunid TMS_TEST_RUN_ID --tmsTestRunId", "run_id", passing=True),
    Rule("testit.testrunname TMS_TEST_RUN_NAME --tmsTestRunName", ".run_name"),
    Rule("testit.testruntags TMS_TEST_RUN_TAGS --tmsTestRunTags", ".tags", _tags),
    Rule(
        "testit.automaticcreationtestcases TMS_AUTOMATIC_CREATION_TEST_CASES --tmsAutomaticCreationTestCases",
        "create_cases",
        truth,
    ),
    Rule(
        "testit.automaticupdationlinkstotestcases TMS_AUTOMATIC_UPDATION_LINKS_TO_TEST_CASES"
        " --tmsAutomaticUpdationLinksToTestCases",
        "update_links",
        truth,
    ),
    PROXY,
    Rule("testit.certvalidation TMS_CERT_VALIDATION --tmsCertValidation", ".ca_bundle", trust),
    needless(
        "testit.importrealtime TMS_IMPORT_REALTIME --tmsImportRealtime",
        "results go in batches, by a process of their own",
    ),
    needless("testit.syncstorageport TMS_SYNC_STORAGE_PORT", SERVICE),
    needless("testit.legacyworkflow TMS_LEGACY_WORKFLOW", SERVICE),
    needless("debug.__dev", "the summary says what became of every result"),
    absent("testit.testrunlinks TMS_TEST_RUN_LINKS --tmsTestRunLinks", "the run is linked to its CI build"),
)


def _settle(sections: Sections) -> tuple[Sections, list[str]]:
    own = dict(sections["testit"])
    mode = own.pop("_mode", FILTERED)
    remarks = (
        ["adapter mode 0 ran the tests of the run alone; here all run that pytest selects"] if mode == FILTERED else []
    )
    if mode == OWN_RUN and own.pop("run_id", None):
        remarks.append("the id of the run is left out: adapter mode 2 takes no notice of it")
    return {**sections, "testit": own}, remarks


MIGRATION = Migration(
    plugin="testit-adapter-pytest",
    looks_in=("connection_config.ini", "[testit] of pyproject.toml", "variables TMS_…", "--tms… in addopts"),
    read=_read,
    rules=RULES,
    settle=_settle,
)
