"""pytest-reportportal: pytest's own file, options, variables, each stronger than the one before.

Names and precedence are those that pytest-reportportal 5.6 reads; `rp_uuid` is what older ones called `rp_api_key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._read import Found, Project, from_environment, from_options, from_pytest
from ._rules import Migration, Rule, absent, address, needless, secret, trust, truth, words

WAITING = "`deadline_s` bounds all waiting, and what fails is repeated as long as it lasts"
BATCHES = "captured logs go with the result, not one by one"
TREE = "suites are folders, modules and classes, or what a mark says"
ISSUES = "an issue is a link with its whole address: `links=[…]` of a mark, or `tms.link`"


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    return [
        *from_pytest(project, rules, "rp_"),
        *from_options(project, rules),
        *from_environment(project.environ, rules),
    ]


def _attributes(value: Any) -> list[str]:
    """A list, or a variable's text with semicolons."""
    found = words(value if isinstance(value, list) else str(value).split(";"))
    return list(dict.fromkeys(found))


def _many(stem: str) -> str:
    """A setting's name in pytest's file, in the environment, and as an option."""
    return f"{stem} {stem.upper()} --{stem.replace('_', '-')}"


def _two(stem: str) -> str:
    """The same for one that is no option."""
    return f"{stem} {stem.upper()}"


RULES = (
    needless("--reportportal RP_ENABLED", "`--tms` takes its place, on the command line or in addopts", "none"),
    Rule(_many("rp_endpoint"), "url", address),
    Rule(_many("rp_project"), "project"),
    secret(_many("rp_api_key"), "token"),
    secret(_two("rp_uuid"), "token"),
    Rule(_two("rp_oauth_uri"), "oauth_uri", address),
    Rule(_two("rp_oauth_username"), "user"),
    secret(_two("rp_oauth_password"), "password"),
    Rule(_two("rp_oauth_client_id"), "client_id"),
    secret(_two("rp_oauth_client_secret"), "client_secret"),
    Rule(_two("rp_oauth_scope"), "oauth_scope"),
    Rule(_many("rp_launch"), ".run_name"),
    Rule(_many("rp_launch_description"), ".run_description"),
    Rule(_many("rp_launch_attributes"), ".tags", _attributes, takes="many"),
    Rule(_many("rp_launch_uuid"), "run_id", passing=True),
    Rule(_many("rp_launch_id"), "run_id", passing=True),
    Rule(_many("rp_mode"), "mode"),
    Rule(_two("rp_is_skipped_an_issue"), "skipped_is_issue", truth),
    Rule(_two("rp_verify_ssl"), ".ca_bundle", trust),
    Rule(_two("rp_report_fixtures"), ".fixtures", truth),
    Rule(_many("rp_rerun"), "rerun", truth, takes="none"),
    Rule(_many("rp_rerun_of"), "rerun_of", passing=True),
    Rule(_many("rp_parent_item_id"), "parent", passing=True),
    Rule(_two("rp_bts_url"), "bts_url", address),
    Rule(_two("rp_bts_project"), "bts_project"),
    absent(_many("rp_tests_attributes"), "`tags` of a mark on a module or class, or a hook in conftest.py", "many"),
    needless(_two("rp_ignore_attributes"), "pytest's marks are no tags", "many"),
    *(absent(_two(f"rp_{each}"), ISSUES) for each in ("bts_issue_url", "issue_system_url")),
    needless(_two("rp_issue_id_marks"), ISSUES),
    *(
        needless(_two(f"rp_hierarchy_{each}"), TREE)
        for each in ("code", "dirs", "dirs_level", "dir_path_separator", "test_file")
    ),
    *(needless(_many(f"rp_{each}"), BATCHES) for each in ("log_level", "log_format")),
    *(
        needless(_two(f"rp_{each}"), BATCHES)
        for each in ("log_batch_size", "log_batch_payload_limit", "log_batch_payload_size", "log_custom_levels")
    ),
    needless(_many("rp_thread_logging"), "nothing is patched to hear threads", "none"),
    *(
        needless(_two(f"rp_{each}"), WAITING)
        for each in ("api_retries", "launch_timeout", "connect_timeout", "read_timeout", "client_type")
    ),
    *(needless(_many(f"rp_launch_uuid_{each}"), "the summary names the run") for each in ("print", "print_output")),
)
MIGRATION = Migration(
    plugin="pytest-reportportal",
    looks_in=("rp_… in pytest's file", "--rp-… in addopts", "variables RP_…"),
    read=_read,
    rules=RULES,
)
