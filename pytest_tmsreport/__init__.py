"""Reports pytest results to test-management tools.

`Outcome`, `Result`, `Run` and `Attachment` are what a `conftest.py` hook or a vendor sees; `Vendor` is the contract of
a tool; `TmsError` is the root of everything this package raises. They are looked up on first use: pytest imports this
package in every session, also where nobody asked for a report.

`step`, `attach`, `note`, `field`, `tag`, `link`, `title`, `parameter` and `case` are what a test says while it runs;
`carry` takes its place in the nest of steps into a thread.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import TmsError
    from .model import Attachment, Outcome, Result, Run, Step
    from .recorder import attach, carry, case, field, link, note, parameter, step, tag, title
    from .vendor import Vendor

__all__ = [
    "Attachment",
    "Outcome",
    "Result",
    "Run",
    "Step",
    "TmsError",
    "Vendor",
    "attach",
    "carry",
    "case",
    "field",
    "link",
    "note",
    "parameter",
    "step",
    "tag",
    "title",
]

_HOMES = {
    "Attachment": "model",
    "Outcome": "model",
    "Result": "model",
    "Run": "model",
    "Step": "model",
    "TmsError": "errors",
    "Vendor": "vendor",
    **dict.fromkeys(
        ("attach", "carry", "case", "field", "link", "note", "parameter", "step", "tag", "title"), "recorder"
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - part of the same laziness

    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
