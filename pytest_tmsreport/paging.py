"""How a tool hands out a long list, as plain data: `Client.rows` reads it to its end.

Every style ends in the same ways: a page is empty, a page repeats what an earlier one held (a server that does not
know the parameters), or the server says that it was the last. What never ends is an error, not a full memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from .errors import dig

Params = Mapping[str, str | int]
MOST_PAGES = 10_000
MOST_ROWS = 1_000_000


class Seen(NamedTuple):
    """What a page tells of the next: `rows` on it, `total` of them so far, `page` its number among those read, from 1;
    `headers` and `body` of the answer, and the path it came from."""

    rows: int
    total: int
    page: int
    headers: Mapping[str, str]
    body: Any
    path: str


class Paging(Protocol):
    """A style of paging."""

    def first(self) -> Params:
        """The parameters of the first page, added to those of the request."""
        ...

    def after(self, seen: Seen) -> Params | None:
        """Those of the page after one that was read; None where that was the last. Raises ValueError."""
        ...


class Offset(NamedTuple):
    """`offset` and `limit`, under whatever names (`startAt`, `maxResults`; `$skip`, `$top`).

    `total` is the dotted path of the number of all rows, `is_last` of a flag, `more` of something that is there where
    more follows. Where none is named, a page that is not full is the last. With `bare_first` the first page is asked
    for without parameters, as suits servers that are older than their paging.
    """

    offset: str = "offset"
    limit: str = "limit"
    size: int = 100
    total: str = ""
    is_last: str = ""
    more: str = ""
    bare_first: bool = False

    def first(self) -> Params:
        return {} if self.bare_first else {self.limit: self.size, self.offset: 0}

    def after(self, seen: Seen) -> Params | None:
        if self.is_last:
            is_over = bool(dig(seen.body, self.is_last))
        elif self.more:
            is_over = not dig(seen.body, self.more)
        elif self.total:
            is_over = seen.total >= _number(seen.body, self.total)
        else:
            is_over = seen.rows < self.size
        return None if is_over else {self.limit: self.size, self.offset: seen.total}


class Pages(NamedTuple):
    """Pages by number, the first being `start`.

    `last` is the dotted path of the number of pages, `total` of the number of all rows. Where neither is named, a page
    that is not full is the last; with `until_empty` one without rows, as suits servers that show fewer than asked for,
    and where the named number may be missing. A bare list, which has no place for a named number, is all there is.
    """

    page: str = "page"
    limit: str = "per_page"
    size: int = 100
    start: int = 1
    last: str = ""
    total: str = ""
    until_empty: bool = False

    def first(self) -> Params:
        return {self.limit: self.size, self.page: self.start}

    def after(self, seen: Seen) -> Params | None:
        named = self.last or self.total
        if named and isinstance(seen.body, list):
            is_over = True
        elif named and self.until_empty and dig(seen.body, named) is None:
            is_over = False
        elif self.last:
            is_over = seen.page >= _number(seen.body, self.last)
        elif self.total:
            is_over = seen.total >= _number(seen.body, self.total)
        else:
            is_over = seen.rows < self.size and not self.until_empty
        return None if is_over else {self.limit: self.size, self.page: self.start + seen.page}


class Link(NamedTuple):
    """The answer names the next page, at the dotted path `next`; `start` are the parameters of the first.

    Of the link only its parameters are used, so that no answer can send the token elsewhere. Raises ValueError for
    one to another host or path, which would be read for nothing.
    """

    next: str = "next"
    start: Params = MappingProxyType({})

    def first(self) -> Params:
        return self.start

    def after(self, seen: Seen) -> Params | None:
        link = dig(seen.body, self.next)
        if not link:
            return None
        parts = urlsplit(str(link))
        there, here = parts.netloc + parts.path, "".join(urlsplit(seen.path)[1:3])
        if (parts.netloc and there != here) or not here.endswith(parts.path):
            raise ValueError(f"its next page is elsewhere: {link}")
        return dict(parse_qsl(parts.query, keep_blank_values=True))


class Token(NamedTuple):
    """The answer holds a token of the next page, in a header or at the dotted path `path`; it goes as `param`."""

    param: str
    header: str = ""
    path: str = ""

    def first(self) -> Params:
        return {}

    def after(self, seen: Seen) -> Params | None:
        token = seen.headers.get(self.header) if self.header else dig(seen.body, self.path)
        return {self.param: str(token)} if token else None


def _number(body: Any, path: str) -> int:
    """A count in an answer. Raises ValueError where there is none."""
    found = str(dig(body, path))
    if not found.isdecimal():
        raise ValueError(f"it holds no number at {path!r}")
    return int(found)
