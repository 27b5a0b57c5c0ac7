"""How settings of other plugins become ours: a module for each, named as the vendor that takes the plugin's place.

A new one is a file here that offers `MIGRATION`; there is no list to edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from ._rules import Migration


def names() -> list[str]:
    """Every plugin whose settings can be taken over."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def find(name: str) -> Migration:
    """The migration of that name, one of `names()`."""
    return cast("Migration", importlib.import_module(f"{__name__}.{name}").MIGRATION)
