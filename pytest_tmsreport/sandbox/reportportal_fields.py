"""What ReportPortal checks of a request's JSON before it does anything, as its guide and its models state it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .checks import Check, both, each, flag, nullable, one_of, record, text

PROJECT = "shop"
TOKEN = "sandbox-reportportal-key"  # noqa: S105 - opens nothing but the sandbox
USER, PASSWORD, CLIENT = "ci", "sandbox-reportportal-password", "ui"
MEBIBYTE = 2**20
TYPES = (
    *("suite", "story", "test", "scenario", "step", "before_class", "before_groups", "before_method", "before_suite"),
    *("before_test", "after_class", "after_groups", "after_method", "after_suite", "after_test"),
)
SUITES = ("suite", "story")
STATUSES = ("passed", "failed", "stopped", "skipped", "interrupted", "cancelled", "info", "warn")
DEFECTS = {
    "PRODUCT_BUG": ("pb001", "PB", "Product Bug"),
    "AUTOMATION_BUG": ("ab001", "AB", "Automation Bug"),
    "SYSTEM_ISSUE": ("si001", "SI", "System Issue"),
    "NO_DEFECT": ("nd001", "ND", "No Defect"),
    "TO_INVESTIGATE": ("ti001", "TI", "To Investigate"),
}
_FORMS = ("%Y-%m-%d %H:%M:%S", "%a, %d %b %Y %H:%M:%S %Z")


@dataclass(frozen=True)
class Rules:
    """A server's contents and limits.

    `behind` is how many requests the asynchronous API lags; `conflicts` says that a second thing of one id is answered
    by 409 and not by an error of the data base.
    """

    token: str = TOKEN
    password: str = PASSWORD
    project: str = PROJECT
    behind: int = 0
    conflicts: bool = False
    page_size: int = 300
    file_bytes: int = 64 * MEBIBYTE
    request_bytes: int = 65 * MEBIBYTE


def moment(value: Any) -> int | None:
    """Epoch milliseconds of whatever the server takes for a time; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    if not isinstance(value, str):
        return None
    for read in (_iso, *(lambda each, form=form: datetime.strptime(each, form) for form in _FORMS)):  # noqa: DTZ007
        try:
            found = read(value)
        except ValueError:
            continue
        aware = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        return int(aware.timestamp() * 1000)
    return None


def _iso(value: str) -> datetime:
    value = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", value.replace("Z", "+00:00"))
    return datetime.fromisoformat(value)


def _time(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if moment(value) is None:
        yield path, "is no time"


def _word(options: tuple[str, ...]) -> Check:
    """One of them, in any case."""
    inner = one_of(options)

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        yield from inner(value.lower() if isinstance(value, str) else value, path)

    return check


def _most(number: int) -> Check:
    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, list) and len(value) > number:
            yield path, f"may not hold more than {number}"

    return check


def _not_blank(longest: int) -> Check:
    inner = text(longest=longest)

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        found = list(inner(value, path))
        if not found and not value.strip():
            found = [(path, "must not be blank")]
        yield from found

    return check


def _level(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not (isinstance(value, str) and re.fullmatch("[A-Za-z0-9 ]{3,16}", value)):
        yield path, "must have 3 to 16 letters and digits"


_ATTRIBUTE = record({"value": text(shortest=1, longest=512)}, {"key": nullable(text(longest=512)), "system": flag})
_ATTRIBUTES = nullable(both(_most(256), each(_ATTRIBUTE)))
_DESCRIPTION = nullable(text(longest=65_536))
_TICKET = record({name: _not_blank(1024) for name in ("ticketId", "btsUrl", "btsProject", "url")})
_ISSUE = record(
    {"issueType": _not_blank(128)},
    {
        "comment": nullable(text(longest=65_536)),
        "autoAnalyzed": flag,
        "ignoreAnalyzer": flag,
        "externalSystemIssues": nullable(both(_most(300), each(_TICKET))),
    },
)
_NO_FLAG = nullable(flag)
_PARAMETER = record({"key": text(), "value": text()})
LAUNCH = record(
    {"name": _not_blank(256), "startTime": _time},
    {
        "description": nullable(text(longest=2048)),
        "attributes": _ATTRIBUTES,
        "mode": nullable(_word(("default", "debug"))),
        "rerun": _NO_FLAG,
        "uuid": nullable(text(shortest=1)),
    },
)
ITEM = record(
    {"name": _not_blank(1024), "startTime": _time, "type": _word(TYPES), "launchUuid": _not_blank(256)},
    {
        "description": _DESCRIPTION,
        "attributes": _ATTRIBUTES,
        "parameters": nullable(each(_PARAMETER)),
        "uniqueId": nullable(text(longest=1024)),
        "uuid": nullable(text(shortest=1)),
        "hasStats": _NO_FLAG,
        "retry": _NO_FLAG,
    },
)
ITEM_END = record(
    {"endTime": _time, "launchUuid": _not_blank(256)},
    {"description": _DESCRIPTION, "attributes": _ATTRIBUTES, "issue": nullable(_ISSUE), "retry": _NO_FLAG},
)
LAUNCH_END = record({"endTime": _time}, {"attributes": _ATTRIBUTES})
LOG = record(
    {"launchUuid": _not_blank(256), "time": _time},
    {"level": nullable(_level), "message": nullable(text()), "file": nullable(record({"name": _not_blank(1024)}))},
)
