"""The methods of a Kiwi TCMS server by name, as its source has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .box import Box
from .kiwi_cases import Cases
from .kiwi_executions import Executions
from .kiwi_fields import SHORT, Rules
from .kiwi_files import Files
from .kiwi_forms import Forms
from .kiwi_runs import Runs
from .kiwi_store import Row

NEW = (
    "TestExecution.add_attachment",
    "TestExecution.list_attachments",
    "TestExecution.add_property",
    "TestRun.add_property",
)
"""What version 12.4 lacks."""


def methods(box: Box, rules: Rules, clock: Callable[[], float]) -> dict[str, Callable[..., Any]]:
    """The methods of a new server that holds the product and the cases of its rules."""
    forms = Forms(box, rules, clock)
    cases = Cases(forms)
    cases.add_product({"name": rules.product, "classification": 1})
    for number in range(1, rules.cases + 1):
        cases.add_case({"summary": f"Case {number}", "category": 1, "priority": 1, "case_status": 2})
    table: dict[str, Callable[..., Any]] = {
        **{f"{kind}.filter": _filter_of(forms, kind) for kind in SHORT},
        "Auth.login": lambda username, password: (username, password),
        "Auth.logout": lambda: None,
        "KiwiTCMS.version": lambda: "12.4" if rules.is_old else "16.2",
        "User.filter": lambda query=None: forms.shown("User", query or {"pk": forms.user}),
    }
    for part in (cases, Runs(forms), Executions(forms), Files(forms)):
        table |= part.table()
    known = {name: method for name, method in table.items() if not (rules.is_old and name in NEW)}
    known["system.listMethods"] = lambda: sorted(known)
    return known


def _filter_of(forms: Forms, kind: str) -> Callable[..., list[Row]]:
    return lambda query=None: forms.shown(kind, query)
