"""The defect types of a ReportPortal project, and which of them a result bears."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..errors import PermanentError
from ._reportportal_items import DEFECT

if TYPE_CHECKING:
    from ..client import Client
    from ..model import Result
    from .reportportal import ReportPortal

_DEFECTS: WeakKeyDictionary[Client, dict[str, str]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def locator(vendor: ReportPortal, http: Client, result: Result) -> str:
    """The locator of the defect type that the mark, or the setting for the outcome, names; empty where none is."""
    word = result.fields.get(DEFECT) or vendor.defects.get(result.outcome.value, "")
    if not word or str(vendor.word(result.outcome)).lower() not in ("failed", "skipped"):
        return ""
    if word.upper() == "NOT_ISSUE":
        return "NOT_ISSUE"
    known = _known(vendor, http)
    if known and word.lower() not in known:
        http.note(f"defect type {word!r} is not one of the project's, and is left out: {', '.join(sorted(known))}")
        return ""
    return known.get(word.lower(), word)


def check_defect(vendor: ReportPortal, http: Client, word: str) -> None:
    """Raises PermanentError for a word that is no defect type of the project."""
    known = _known(vendor, http)
    if word.lower() not in (*known, "not_issue"):
        words = f"{word!r} is no defect type of the project: {', '.join(sorted(known))}"
        raise PermanentError(words, vendor=vendor.name, remedy="correct `defects`")


def _known(vendor: ReportPortal, http: Client) -> dict[str, str]:
    """Locator, short and long name of each of the project's defect types -> its locator; read once."""
    with _LOCK:
        known = _DEFECTS.get(http)
        if known is None:
            groups = http.get(f"{vendor.reads}/settings").pick("subTypes", dict)
            rows = [row for group in groups.values() if isinstance(group, list) for row in group]
            words = ("longName", "shortName", "locator")
            known = {str(row.get(word)).lower(): str(row["locator"]) for word in words for row in rows}
            _DEFECTS[http] = known
    return known
