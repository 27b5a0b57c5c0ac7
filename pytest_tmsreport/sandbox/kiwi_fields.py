"""What a Kiwi TCMS server holds and allows; of each kind of row what is shown, what is required, and what is unique."""

from __future__ import annotations

from dataclasses import dataclass, field

USER = "sandbox"
PASSWORD = "sandbox-kiwi-password"  # noqa: S105 - opens nothing but this stand-in
PRODUCT = "Shop"
SHORT = {
    "Classification": ("name",),
    "Product": ("name", "description", "classification"),
    "Version": ("value", "product", "product__name"),
    "Build": ("name", "version", "version__value", "is_active"),
    "Category": ("name", "product", "description"),
    "Priority": ("value", "is_active"),
    "PlanType": ("name", "description"),
    "TestCaseStatus": ("name", "description", "is_confirmed"),
    "TestExecutionStatus": ("name", "weight", "icon", "color"),
    "User": ("email", "first_name", "is_active", "is_staff", "is_superuser", "last_name", "username"),
    "TestPlan": (
        *("name", "text", "create_date", "is_active", "extra_link", "product_version", "product_version__value"),
        *("product", "product__name", "author", "author__username", "type", "type__name", "parent"),
    ),
    "TestCase": (
        *(
            "create_date",
            "is_automated",
            "script",
            "arguments",
            "extra_link",
            "summary",
            "requirement",
            "notes",
            "text",
        ),
        *("case_status", "case_status__name", "category", "category__name", "priority", "priority__value", "author"),
        *("author__username", "default_tester", "default_tester__username", "reviewer", "reviewer__username"),
        *("setup_duration", "testing_duration", "expected_duration"),
    ),
    "TestRun": (
        *("plan__product_version", "plan__product_version__value", "start_date", "stop_date", "planned_start"),
        *("planned_stop", "summary", "notes", "plan", "plan__product", "plan__name", "build", "build__name", "manager"),
        *("manager__username", "default_tester", "default_tester__username"),
    ),
    "TestExecution": (
        *("assignee", "assignee__username", "tested_by", "tested_by__username", "case_text_version", "start_date"),
        *("stop_date", "sortkey", "run", "case", "case__summary", "build", "build__name", "status", "status__name"),
        *("status__icon", "status__color", "expected_duration", "actual_duration"),
    ),
}
"""What a filter shows of each kind beside its number."""
UNIQUE = {
    "Product": ("name",),
    "Version": ("product", "value"),
    "Build": ("version", "name"),
    "Category": ("product", "name"),
}
REQUIRED = {
    "Classification": ("name",),
    "PlanType": ("name",),
    **UNIQUE,
    "TestPlan": ("name", "product", "product_version", "type"),
    "TestCase": ("summary", "category", "priority", "case_status"),
    "TestRun": ("summary", "plan", "build", "manager"),
}
LONGEST = {"summary": 255, "name": 255, "value": 192}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this server holds and allows; sizes are in bytes, `session_calls` ends a session after so many (0: never).

    `is_old` is version 12.4: no files and properties of executions, and one code for every error. The product holds
    `cases` confirmed cases, numbered from 1. `forbidden` are methods that the user has no right to.
    """

    user: str = USER
    password: str = field(default=PASSWORD, repr=False)
    product: str = PRODUCT
    cases: int = 1000
    is_old: bool = False
    session_calls: int = 0
    forbidden: tuple[str, ...] = ()
    max_bytes: int = 7_864_320
    file_bytes: int = 5 * 2**20

    @property
    def most_bytes(self) -> int:
        """Of one request."""
        return 2_621_440 if self.is_old else self.max_bytes
