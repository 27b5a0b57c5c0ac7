"""What can be wrong with the settings of a Vansah destination, before a request and by a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import _vansah_import as imports
from . import _vansah_runs as runs
from ._vansah_errors import holds

if TYPE_CHECKING:
    from .vansah import Vansah

SPACE = "[A-Z][A-Z0-9_]*"


def wrong(vendor: Vansah) -> Iterator[str]:
    """What is to be changed."""
    words = tuple(runs.RESULT_IDS) if vendor.mode == "runs" else imports.STEP_WORDS
    plans = "".join(f"{plan} " for plan in (vendor.plan, vendor.advanced_plan) if plan)
    rules = {
        "`url` ends before `/api`: it is always v2": re.search("[^/]/api", vendor.url),
        "`project` is the key of a space, such as DEMO": not re.fullmatch(SPACE, vendor.project),
        "there must be an `asset` or a `plan`, and not both": bool(vendor.plan) == bool(vendor.asset),
        "`asset` is an issue (DEMO-9) or a folder (login/)": not re.fullmatch(rf"|{SPACE}-\d+|.*/.*", vendor.asset),
        "a plan has a key such as DEMO-P3": not re.fullmatch(rf"({SPACE}-P\d+ )*", plans),
        "`advanced_plan` needs `mode = import`": vendor.advanced_plan and vendor.mode == "runs",
        "`advanced_plan` takes the place of `plan`": vendor.advanced_plan and vendor.plan,
        "`iteration` is 1 or more": vendor.iteration < 1,
        "`batch_size` is 1 to 200": not 1 <= vendor.batch_size <= 200,
        "the shortest name has two letters": any(len(name) < 2 for name in vendor.labels().values()),
        f"a word of `status` is one of {', '.join(words)}": not set(vendor.status.values()) <= set(words),
    }
    return (why for why, is_so in rules.items() if is_so)


def named(vendor: Vansah, text: str) -> list[str]:
    """The settings whose values a refusal names, where it names no case: such a one meets every result alike."""
    if re.search(rf"{vendor.project}-C\d", text):
        return []
    plans = {"plan": vendor.plan, "advanced_plan": vendor.advanced_plan}
    values = {"asset": vendor.asset.strip("/"), **plans, **vendor.labels()}
    return [key for key, value in values.items() if value and holds(text, value)]
