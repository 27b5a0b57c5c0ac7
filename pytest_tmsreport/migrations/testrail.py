"""pytest-testrail: `testrail.cfg`, or the file that `--tr-config` names, and options, which are stronger.

Names and precedence are those that pytest-testrail 3.1 reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._read import Found, Project, from_ini, from_options
from ._rules import Migration, Rule, Sections, absent, address, needless, number, secret, switch, truth

PLAN = "the run becomes a new entry of the plan, where pytest-testrail reported into the runs that the plan has"
BLOCKED = (
    "skipped and xfailed tests are 4 (retest); `status.skipped = 2` and `status.xfailed = 2` say blocked, as before"
)


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    options = from_options(project, rules)
    named = [each.value for each in options if each.name == "--tr-config"]
    return [*from_ini(project, named[-1] if named else "testrail.cfg", rules, interpolates=True), *options]


RULES = (
    switch("--testrail"),
    needless("--tr-config", "settings stand in pytest's own file"),
    Rule("API.url --tr-url", "url", address),
    Rule("API.email --tr-email", "user"),
    secret("API.api_key --tr-api-key", "token"),
    secret("API.password --tr-password", "token"),
    Rule("TESTRUN.project_id --tr-testrun-project-id", "project", number),
    Rule("TESTRUN.suite_id --tr-testrun-suite-id", "suite", number),
    Rule("TESTRUN.include_all --tr-testrun-suite-include-all", "include_all", truth, takes="none"),
    Rule("TESTRUN.name --tr-testrun-name", ".run_name"),
    Rule("TESTRUN.description --tr-testrun-description", ".run_description"),
    Rule("--tr-run-id", "run_id", number),
    Rule("TESTRUN.plan_id --tr-plan-id", "plan", number, remark=PLAN),
    Rule("TESTRUN.milestone_id --tr-milestone-id", "milestone", number),
    Rule("--tr-version", "version"),
    Rule("--tr-close-on-complete", "close", truth, takes="none"),
    needless("API.timeout --tr-timeout", "`deadline_s` bounds all waiting"),
    absent("TESTRUN.assignedto_id --tr-testrun-assignedto-id", "the run is assigned to nobody"),
    absent(
        "API.no_ssl_cert_check --tr-no-ssl-cert-check",
        "certificates are always checked; name the file of your own CA in `ca_bundle`",
        "none",
    ),
    absent("--tr-dont-publish-blocked", "results of blocked cases are sent", "none"),
    absent("--tr-skip-missing", "a run that lacks a case is given it, and its tests run", "none"),
    absent("TESTCASE.custom_comment --tc-custom-comment", "`tms.note` adds to the comment of a result"),
)


def _settle(sections: Sections) -> tuple[Sections, list[str]]:
    own = dict(sections["testrail"])
    remarks = [BLOCKED]
    if own.get("plan") and own.pop("run_id", None):
        remarks.append("`--tr-run-id` is left out: pytest-testrail took the plan where both were given")
    if own.get("plan") and own.pop("close", None):
        remarks.append("`--tr-close-on-complete` is left out: only a plan as a whole can be closed")
    return {**sections, "testrail": own}, remarks


MIGRATION = Migration(
    plugin="pytest-testrail",
    looks_in=("testrail.cfg", "--tr-… in addopts"),
    read=_read,
    rules=RULES,
    settle=_settle,
)
