"""Pages: the descriptions that allure takes as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

_BREAKS = {"li": "\n- ", "td": " ", "th": " "}
_BLOCKS = ("p", "div", "br", "hr", "tr", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6")
_UNSEEN = ("script", "style")


class Reader(HTMLParser):
    """Finds what a reader of the page sees."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_unseen = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._is_unseen = tag in _UNSEEN
        self.found.append(_BREAKS.get(tag, "\n" if tag in _BLOCKS else ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_unseen = False
        self.found.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._is_unseen:
            self.found.append(re.sub(r"\s+", " ", data))
