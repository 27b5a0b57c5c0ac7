"""What TestRail is told in words: case numbers, automation ids, time spans, comments; and how its listings are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING, Any

from ..model import Result
from ..nodeids import dotted
from ..paging import Offset
from ..render import as_markdown, cut

if TYPE_CHECKING:
    from ..client import Client

Row = dict[str, Any]
_NUMBER = re.compile(r"C?0*([1-9][0-9]*)", re.IGNORECASE)
PAGING = Offset(size=250, more="_links.next", bare_first=True)


def rows(http: Client, path: str, key: str) -> Iterator[Row]:
    """Every row of a listing: page by page, or the bare list of a server before 6.7."""
    return http.rows(path, PAGING, key)


def number(case: str) -> int | None:
    """The number of a case id, `C123` or `123`; None for what is none."""
    found = _NUMBER.fullmatch(case.strip())
    return int(found[1]) if found else None


def no_case(text: str) -> str:
    """How to write what is no case id."""
    return f"{text!r} is no case id: write C123 or 123"


def automation_id(result: Result) -> str:
    """`tests/test_cart.py::TestCart::test_add[red]` as `tests.test_cart.TestCart.test_add[red]`."""
    return dotted(result.nodeid)


def plain(text: object) -> str:
    """An automation id without what the editor puts around it."""
    return re.sub(r"^<p>|</p>$", "", unescape(str(text)).strip(), flags=re.IGNORECASE).strip()


def title(result: Result) -> str:
    """The title of a case that is made: each set of parameters has one of its own."""
    _, bracket, values = result.nodeid.partition("[")
    return cut(f"{result.title}{bracket}{values}" if "[" not in result.title else result.title, 250)


def typed(text: str) -> Any:
    """A setting's text as the value of a custom field: a number, true, false, or text; in quotes it is text."""
    if re.fullmatch("-?[0-9]+", text):
        return int(text)
    words = {"true": True, "false": False}
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if is_quoted else words.get(text.lower(), text)


def timespan(seconds: float) -> str:
    """`1m 45s`: whole seconds, one at least; empty for no time at all, which TestRail refuses."""
    whole = max(round(seconds), 1) if seconds > 0 else 0
    if 0 < whole < 60:
        return f"{whole}s"
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return " ".join(f"{amount}{unit}" for amount, unit in parts if amount)


def comment(result: Result, *, with_steps: bool = True) -> str:
    """What TestRail shows with a result, as Markdown; indented is what must stay as it is."""
    sent = [name for name in result.fields if name.startswith("custom_")] if result.fields else ()
    return as_markdown(result, sent=sent, with_steps=with_steps)
