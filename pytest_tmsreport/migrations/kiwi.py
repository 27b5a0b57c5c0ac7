"""kiwitcms-pytest-plugin: who signs in stands in `~/.tcms.conf` (else `/etc/tcms.conf`), all else in variables.

Names are those that tcms-api 15 reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._read import Found, Project, from_environment, from_ini, from_options
from ._rules import But, Migration, Rule, Sections, absent, address, number, secret, switch

FILES = ("/etc/tcms.conf", "c:/tcms.conf")
"""Read where the home has none, in this order."""


def _read(project: Project, rules: Sequence[Rule]) -> list[Found]:
    home = project.environ.get("HOME") or project.environ.get("USERPROFILE") or "~"
    places = [Path(home).expanduser() / ".tcms.conf", *map(Path, FILES)]
    file = next((path for path in places if path.is_file()), places[0])
    return [
        *from_ini(project, str(file), rules, interpolates=True),
        *from_environment(project.environ, rules, "TCMS_"),
        *from_options(project, rules),
    ]


def _server(value: Any) -> str | But:
    """The address without the path of the interface."""
    found = address(value)
    kept, remark = found if isinstance(found, But) else (found, "")
    root = re.sub(r"/(?:xml|json)-rpc/?\Z", "", kept)
    return But(root, remark) if remark else root


def _as_before(sections: Sections) -> tuple[Sections, list[str]]:
    """Cases as they are: that plugin files each set of parameters under a case of its own."""
    own = {name: {**keys, "parameter_cases": True} if name else keys for name, keys in sections.items()}
    return own, ["parametrised tests keep the cases that the plugin made; without `parameter_cases` they share one"]


RULES = (
    switch("--kiwitcms"),
    Rule("tcms.url", "url", _server),
    Rule("tcms.username", "user"),
    secret("tcms.password", "password"),
    Rule("TCMS_PRODUCT", "product"),
    Rule("TCMS_PRODUCT_VERSION", "version"),
    Rule("TCMS_BUILD", "build", passing=True),
    Rule("TCMS_RUN_ID", "run_id", number, passing=True),
    Rule("TCMS_PLAN_ID", "plan", number),
    Rule("TCMS_PARENT_PLAN", "parent_plan", number),
    Rule("TCMS_DEFAULT_TESTER_ID", "tester", number),
    absent("tcms.use_kerberos", "signing in is by user and password"),
    absent("TCMS_PREFIX", "names stand as they are; `run_name` may begin with any word"),
)
MIGRATION = Migration(
    plugin="kiwitcms-pytest-plugin",
    looks_in=("~/.tcms.conf", "/etc/tcms.conf", "variables TCMS_…", "--kiwitcms in addopts"),
    read=_read,
    rules=RULES,
    settle=_as_before,
)
