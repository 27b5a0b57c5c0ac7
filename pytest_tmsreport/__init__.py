"""Reports pytest results to test-management tools.

`Outcome`, `Result`, `Run` and `Attachment` are what a `conftest.py` hook or a vendor sees; `Vendor` is the contract of
a tool; `TmsError` is the root of everything this package raises. They are looked up on first use: pytest imports this
package in every session, also where nobody asked for a report.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import TmsError
    from .model import Attachment, Outcome, Result, Run
    from .vendor import Vendor

__all__ = ["Attachment", "Outcome", "Result", "Run", "TmsError", "Vendor"]

_HOMES = {
    "Attachment": "model",
    "Outcome": "model",
    "Result": "model",
    "Run": "model",
    "TmsError": "errors",
    "Vendor": "vendor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - part of the same laziness

    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
