"""pytest-zephyr-scale-integration: a file `.env`, variables, and options.

Names and precedence are those that release 0.1.32 reads: a variable is stronger than the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._read import Found, Project, from_environment, from_options
from ._rules import Migration, Rule, Sections, absent, address, secret, switch

FILE = ".env"
NAMES = "(?P<case>T[0-9]+)"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^#\n]*?))\s*(?:#.*)?")
OUTCOMES = (
    "skipped and xfailed tests are Not Executed, where they were Fail: see `status.skipped`, `status.xfailed`",
    "errors of setup and teardown are Fail, where they were nothing or Pass",
)
KEYS = "`names` finds the keys in the names of tests as the plugin does, but not in those of files"


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    return [
        *_from_file(project, rules),
        *from_environment(project.environ, rules),
        *from_options(project, rules),
    ]


def _from_file(project: Project, rules: Sequence[Rule]) -> list[Found]:
    path = project.root / FILE
    try:
        held = path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeError):  # it is no more the plugin's than ours
        return []
    lines = (_LINE.fullmatch(line) for line in held.splitlines())
    pairs = ((each[1], each[2] or each[3] or each[4] or "") for each in lines if each)
    return [Found(name, value, FILE) for name, value in pairs if value and any(name in rule for rule in rules)]


RULES = (
    switch("--zephyr"),
    Rule("JIRA_URL", "url", address),
    absent("JIRA_PROJECT_ID", "`project` is the key of the project, such as SHOP"),
    Rule("FOLDER_NAME", "folder"),
    secret("--jira_token", "token"),
    Rule("--zephyr_test_run_name", ".run_name"),
    absent("--zephyr_test_run_id", "a cycle is named by its key, `run_id = SHOP-R5`, not by its number"),
    absent("--executed_by_email", "`executed_by` is the key of a user, not an address"),
)


def _settle(sections: Sections) -> tuple[Sections, list[str]]:
    own = dict(sections["zephyr"])
    return {**sections, "zephyr": {"product": "dc", "names": NAMES, **own}}, [KEYS, *OUTCOMES]


MIGRATION = Migration(
    plugin="pytest-zephyr-scale-integration",
    looks_in=(FILE, "variables JIRA_URL, FOLDER_NAME", "--zephyr… in addopts"),
    read=_read,
    rules=RULES,
    settle=_settle,
)
