"""qase-pytest: `qase.config.json`, variables, options, each stronger than the one before.

Names and precedence are those that qase-python-commons 5.1 and qase-pytest 9.0 read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..journal import NAME
from ..model import Outcome
from ..vendor import find
from ._read import Found, Project, from_environment, from_json, from_options
from ._rules import Migration, Rule, Sections, absent, needless, number, secret, text, words

TRUE = ("y", "yes", "true", "True", "TRUE", "1", 1, True)
ON_FAILURE = "`deadline_s` bounds all waiting, and what fails is repeated as long as it lasts"
JOURNAL = "every run is journalled on disk, and `tmsreport show --json` prints it"


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    found = [
        *from_json(project, "qase.config.json", rules),
        *from_environment(project.environ, rules, "QASE_"),
        *from_options(project, rules),
    ]
    return [_with_weaker(each, found) if each.name in CONFIGURATIONS else each for each in found]


def _with_weaker(last: Found, found: Sequence[Found]) -> Found:
    """Configurations add up, where everything else is replaced by what is stronger."""
    try:
        added = [_pairs(each.value) for each in found[: found.index(last) + 1] if each.name in CONFIGURATIONS]
    except ValueError:
        return last
    return last._replace(value={name: value for pairs in added for name, value in pairs.items()})


def _truth(value: Any) -> bool:
    return value in TRUE


def _capture(value: Any) -> str:
    return "all" if _truth(value) else "none"


def _pairs(value: Any) -> dict[str, str]:
    """`a=b,c=d`, an object, or a list of objects with `name` and `value`."""
    if isinstance(value, Mapping):
        return {text(key): text(held) for key, held in value.items()}
    if isinstance(value, list):
        rows = [row for row in value if isinstance(row, dict) and row.get("name") and row.get("value")]
        return {text(row["name"]): text(row["value"]) for row in rows}
    parts = [part.partition("=") for part in words(value)]
    return {key.strip(): held.strip() for key, found, held in parts if found}


def _projects(value: Any) -> dict[str, Any]:
    """Code -> settings of the project's destination, and the code of the default one."""
    rows = value.get("projects") if isinstance(value, dict) else None
    if not rows or not isinstance(rows, list):
        raise ValueError("it holds no list of projects")
    return {
        "default": text(value.get("default_project") or _inner(rows[0], "code") or ""),
        "projects": {text(_inner(row, "code") or ""): _project(row) for row in rows},
    }


def _project(row: Any) -> dict[str, Any]:
    said = {
        "environment": text(_inner(row, "environment") or ""),
        "run_id": number(_inner(row, "run", "id") or 0),
        "plan": number(_inner(row, "plan", "id") or 0),
        "complete": "complete" not in (_inner(row, "run") or {}) or _truth(_inner(row, "run", "complete")),
        "_said": [f"run.{key}" for key in ("title", "description", "tags") if _inner(row, "run", key)],
    }
    return {key: held for key, held in said.items() if held not in (None, "")}


def _inner(value: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(value or {}, dict):
            raise ValueError(f"what should hold a `{key}` is no object")  # noqa: TRY004 - as of all that change values
        value = (value or {}).get(key)
    return value


CONFIGURATIONS = Rule(
    "testops.configurations.values QASE_TESTOPS_CONFIGURATIONS_VALUES --qase-testops-configurations-values",
    "configurations",
    _pairs,
)
RULES = (
    Rule("mode QASE_MODE --qase-mode", "_mode", why="not needed: `pytest --tms` reports; without it nothing does"),
    needless("fallback QASE_FALLBACK --qase-fallback", JOURNAL),
    Rule("environment QASE_ENVIRONMENT --qase-environment", "environment"),
    Rule("testops.project QASE_TESTOPS_PROJECT --qase-testops-project", "project"),
    Rule("testops.api.host QASE_TESTOPS_API_HOST --qase-testops-api-host", "host"),
    secret("testops.api.token QASE_TESTOPS_API_TOKEN --qase-testops-api-token", "token"),
    Rule("testops.plan.id QASE_TESTOPS_PLAN_ID --qase-testops-plan-id", "plan", number),
    Rule("testops.run.id QASE_TESTOPS_RUN_ID --qase-testops-run-id", "run_id", number, passing=True),
    Rule("testops.run.title QASE_TESTOPS_RUN_TITLE --qase-testops-run-title", ".run_name"),
    Rule("testops.run.description QASE_TESTOPS_RUN_DESCRIPTION --qase-testops-run-description", ".run_description"),
    Rule("testops.run.tags QASE_TESTOPS_RUN_TAGS --qase-testops-run-tags", ".tags", words),
    Rule("testops.run.complete QASE_TESTOPS_RUN_COMPLETE --qase-testops-run-complete", "complete", _truth),
    Rule("testops.defect QASE_TESTOPS_DEFECT --qase-testops-defect", "defect", _truth),
    Rule("testops.batch.size QASE_TESTOPS_BATCH_SIZE --qase-testops-batch-size", "batch_size", number),
    CONFIGURATIONS,
    needless(
        "testops.configurations.createIfNotExists QASE_TESTOPS_CONFIGURATIONS_CREATE_IF_NOT_EXISTS"
        " --qase-testops-configurations-create-if-not-exists",
        "what `configurations` names is made where it is missing",
    ),
    Rule("testops_multi", "_multi", _projects),
    Rule("statusMapping QASE_STATUS_MAPPING --qase-status-mapping", "_words", _pairs),
    Rule(
        "framework.pytest.xfailStatus.xfail QASE_PYTEST_XFAIL_STATUS_XFAIL --qase-pytest-xfail-status-xfail", "_xfail"
    ),
    Rule(
        "framework.pytest.xfailStatus.xpass QASE_PYTEST_XFAIL_STATUS_XPASS --qase-pytest-xfail-status-xpass", "_xpass"
    ),
    Rule(
        "framework.pytest.captureLogs QASE_PYTEST_CAPTURE_LOGS --qase-pytest-capture-logs",
        ".capture",
        _capture,
    ),
    absent("rootSuite QASE_ROOT_SUITE --qase-root-suite", "a hook in conftest.py can put a suite above all others"),
    absent("excludeParams QASE_EXCLUDE_PARAMS --qase-exclude-params", "a hook in conftest.py can take parameters out"),
    absent(
        "testops.statusFilter QASE_TESTOPS_STATUS_FILTER --qase-testops-status-filter",
        "a hook in conftest.py can leave results out",
    ),
    absent(
        "testops.showPublicReportLink QASE_TESTOPS_SHOW_PUBLIC_REPORT_LINK --qase-testops-show-public-report-link",
        "no public link is made",
    ),
    absent(
        "testops.run.externalLink QASE_TESTOPS_RUN_EXTERNAL_LINK_TYPE QASE_TESTOPS_RUN_EXTERNAL_LINK_URL"
        " --qase-testops-run-external-link-type --qase-testops-run-external-link-url",
        "the run is linked to its CI build, by its description",
    ),
    absent(
        "profilers QASE_PROFILERS QASE_PROFILER_NETWORK_EXCLUDE_HOSTS --qase-profilers",
        "nothing is patched to watch what tests do",
    ),
    needless(
        "executionPlan.path QASE_EXECUTION_PLAN_PATH --qase-execution-plan-path", "qase-pytest makes no use of it"
    ),
    needless("testops.api.timeout QASE_TESTOPS_API_TIMEOUT", ON_FAILURE),
    needless("testops.api.retries QASE_TESTOPS_API_RETRIES", ON_FAILURE),
    needless("testops.api.retryBackoff QASE_TESTOPS_API_RETRY_BACKOFF", ON_FAILURE),
    needless("report.driver QASE_REPORT_DRIVER --qase-report-driver", JOURNAL),
    needless("report.connection.path QASE_REPORT_CONNECTION_PATH --qase-report-connection-local-path", JOURNAL),
    needless("report.connection.format QASE_REPORT_CONNECTION_FORMAT --qase-report-connection-local-format", JOURNAL),
    needless("debug QASE_DEBUG --qase-debug", "the summary says what became of every result"),
    needless("logging.console QASE_LOGGING_CONSOLE --qase-logging-console", "nothing is logged to the console"),
    needless("logging.file QASE_LOGGING_FILE --qase-logging-file", "no log file is written"),
)


def _settle(sections: Sections) -> tuple[Sections, list[str]]:
    own = dict(sections["qase"])
    mode, multi = own.pop("_mode", ""), own.pop("_multi", {})
    own.update(_statuses(own.pop("_words", {}), own.pop("_xfail", "skipped"), own.pop("_xpass", "passed")))
    if mode != "testops_multi" or not multi:
        unused = ["`testops_multi` is left out: it counts only where `mode` is testops_multi"] if multi else []
        return {**sections, "qase": own}, unused
    return _split(sections, own, multi)


def _statuses(mapping: Mapping[str, str], xfail: str, xpass: str) -> dict[str, str]:
    """Their words for outcomes, where they are not ours."""
    said = {
        Outcome.PASSED: "passed",
        Outcome.FAILED: "failed",
        Outcome.ERROR: "invalid",
        Outcome.SKIPPED: "skipped",
        Outcome.XFAILED: xfail,
        Outcome.XPASSED: xpass,
    }
    ours = find("qase").statuses
    found = {outcome: mapping.get(word, word) for outcome, word in said.items()}
    return {f"status.{outcome.value}": word for outcome, word in found.items() if word != ours[outcome]}


def _split(sections: Sections, own: Mapping[str, Any], multi: Mapping[str, Any]) -> tuple[Sections, list[str]]:
    """A destination for each project."""
    shared = {key: value for key, value in own.items() if key not in ("project", "run_id", "plan", "complete")}
    made: dict[str, Mapping[str, Any]] = {"": sections[""]}
    remarks = [f"{multi['default']} gets every result; qase-pytest kept from it those that name other projects alone"]
    for code, row in multi["projects"].items():
        said = {key: value for key, value in row.items() if key != "_said"}
        mapped = {} if code == multi["default"] else {"only_mapped": True}
        made[_name(code)] = {"vendor": "qase", "project": code, **shared, **said, **mapped}
        remarks += [f"`{key}` of {code} is left out: `run_name` and its like hold for all" for key in row["_said"]]
    return made, remarks


def _name(code: str) -> str:
    """A destination's name, of a project's code."""
    return code.lower() if NAME.fullmatch(code.lower()) else f"qase{code.lower()}"


MIGRATION = Migration(
    plugin="qase-pytest",
    looks_in=("qase.config.json", "variables QASE_…", "--qase-… in addopts"),
    read=_read,
    rules=RULES,
    settle=_settle,
)
