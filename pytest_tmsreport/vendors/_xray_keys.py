"""Which Tests there are, asked of Jira's search, which refuses a query that names one that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..errors import PermanentError
from ._xray_json import KEY

AT_ONCE = 50
"""So many keys stand in one query: it is part of an address, and Data Center shows 50 issues at once."""


def existing(keys: Sequence[str], find: Callable[[str], Iterable[str]]) -> set[str]:
    """Those of the keys that `find` knows, which gets a query in JQL. Raises PermanentError for what names no key."""
    wanted = [key for key in dict.fromkeys(keys) if KEY.fullmatch(key)]
    found: set[str] = set()
    for start in range(0, len(wanted), AT_ONCE):
        part = set(wanted[start : start + AT_ONCE])
        while part:
            try:
                found |= part & set(find(f"key in ({', '.join(sorted(part))})"))
                break
            except PermanentError as error:
                missing = part & set(KEY.findall(error.text))
                if not missing:
                    raise
                part -= missing
    return found
