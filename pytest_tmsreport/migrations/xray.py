"""pytest-jira-xray: variables and options, of which each says its own.

Names are those that pytest-jira-xray 0.9 reads; it knows no file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ._read import Found, Project, from_environment, from_options
from ._rules import Migration, Rule, Sections, address, needless, secret, switch, text, trust, truth

LOGIN = "the secrets that are set say how to sign"
OUTCOMES = (
    "skipped and xfailed tests are TODO, where they were ABORTED and FAIL: `status.skipped = …` and"
    " `status.xfailed = …` name other words"
)


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    return [*from_environment(project.environ, rules, "XRAY_"), *from_options(project, rules)]


def _blanks(value: Any) -> list[str]:
    return text(value).split()


RULES = (
    switch("--jira-xray"),
    Rule("--cloud", "_cloud", truth, takes="none"),
    Rule("XRAY_API_BASE_URL", "url", address),
    Rule("XRAY_CLIENT_ID", "client_id"),
    secret("XRAY_CLIENT_SECRET", "client_secret"),
    secret("XRAY_API_KEY", "token"),
    Rule("XRAY_API_USER", "user"),
    secret("XRAY_API_PASSWORD", "password"),
    Rule("--testplan", "plan"),
    Rule("--execution", "run_id"),
    Rule("XRAY_EXECUTION_TEST_ENVIRONMENTS", "environments", _blanks),
    Rule("XRAY_EXECUTION_FIX_VERSION", "version"),
    Rule("XRAY_EXECUTION_REVISION", "revision", passing=True),
    Rule("XRAY_EXECUTION_SUMMARY", ".run_name"),
    Rule("XRAY_EXECUTION_DESC", ".run_description"),
    Rule("XRAY_API_VERIFY_SSL", ".ca_bundle", trust),
    Rule("--add-captures", ".capture", lambda _: "all", takes="none"),
    needless("--api-key-auth", LOGIN, "none"),
    needless("--client-secret-auth", LOGIN, "none"),
    needless("--allow-duplicate-ids", "several tests of one Test are allowed, and count as their worst", "none"),
    needless("--xraypath", "every run is journalled on disk, and `--tms-dry-run` prints what would be sent"),
)


def _settle(sections: Sections) -> tuple[Sections, list[str]]:
    own = dict(sections["xray"])
    is_cloud = own.pop("_cloud", False) or "client_id" in own or "getxray.app" in own.get("url", "")
    key = own.get("plan") or own.get("run_id") or ""
    project = re.fullmatch(r"([A-Z][A-Z0-9_]+)-[1-9][0-9]*", key)
    found = {"project": project[1]} if project else {}
    remarks = [f"`project` is what the key {key} begins with: pytest-jira-xray has no such setting"] if project else []
    product = {"product": "cloud" if is_cloud else "dc"}
    return {**sections, "xray": {**product, **found, **own}}, [*remarks, OUTCOMES]


MIGRATION = Migration(
    plugin="pytest-jira-xray",
    looks_in=("variables XRAY_…", "--jira-xray, --cloud, --testplan, --execution… in addopts"),
    read=_read,
    rules=RULES,
    settle=_settle,
)
