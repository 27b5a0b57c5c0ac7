"""Which vendors have a sandbox."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import TYPE_CHECKING

from .. import vendors
from ..errors import ConfigError
from . import __name__ as here
from . import __path__ as places

if TYPE_CHECKING:
    from .site import Sandbox


def names() -> list[str]:
    """Every vendor with a sandbox: a module here that is named as a vendor's."""
    ours = {module.name for module in pkgutil.iter_modules(places)}
    return sorted(ours & {module.name for module in pkgutil.iter_modules(vendors.__path__)})


def create(name: str) -> Sandbox:
    """That vendor's sandbox with its usual contents. Raises ConfigError for an unknown name, or without Flask."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1, 0.5)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise ConfigError(f"there is no sandbox for {name!r}; {hint}There is one for: {', '.join(names())}")
    try:
        module = importlib.import_module(f"{here}.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("flask", "werkzeug", "jinja2"):
            raise
        raise ConfigError("the sandbox needs Flask: pip install 'pytest-tmsreport[sandbox]'") from error
    made: Sandbox = module.create()
    return made
