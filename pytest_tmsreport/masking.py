"""Taking secrets out of texts before they touch a disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .errors import ConfigError

MASK = "***"
SHORTEST_SECRET = 4
"""A shorter value would black out half of every text."""

_TOKENS = (
    ("gh", "[pousr]_[A-Za-z0-9]{36,}"),  # GitHub
    ("github_pat_", "[A-Za-z0-9_]{22,}"),
    ("glpat-", "[A-Za-z0-9_-]{20,}"),  # GitLab
    ("A", r"(?:KIA|SIA)[A-Z0-9]{16}\b"),  # AWS access keys
    ("xox", "[abprs]-[A-Za-z0-9-]{10,}"),  # Slack
    ("ATATT3", "[A-Za-z0-9_=-]{20,}"),  # Atlassian
    ("sk-", "[A-Za-z0-9_-]{20,}"),
    ("ey", r"[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),  # JSON web tokens
)
"""How words of well-known shapes begin, and go on."""
_SHAPES = (
    *((start, re.compile(rf"{start}(?<=\b{start}){rest}"), MASK) for start, rest in _TOKENS),
    (" ", re.compile(r" (?i:(?<=bearer )|(?<=basic )|(?<=token: ))[A-Za-z0-9._~+/=-]{16,}"), f" {MASK}"),
    ("://", re.compile(r"://[^/\s:@]+:[^/\s@]+(?=@)"), f"://{MASK}"),  # user:password in a URL
)
"""Plain text that each pattern begins with, for `in` and `re` find that many times faster; patterns, and what is put in
their place."""
BORDER, BORDERS, LONGEST = 2**16, 8, 2**22
"""A match of fewer than `BORDER` characters is found wherever it lies in a long text; `BORDERS` places are tried for a
cut."""


def masker(secrets: Iterable[str], patterns: Iterable[str] = ()) -> Callable[[str], str]:
    """A function that puts `***` in place of every secret, well-known token shape and match of a user's `mask`.

    Raises ConfigError for a pattern that is no regular expression.
    """
    plain = {text for text in secrets if len(text) >= SHORTEST_SECRET}
    literal = sorted(plain | {json.dumps(text)[1:-1] for text in plain}, key=len, reverse=True)  # also within JSON
    passes = [*_SHAPES, *(("", _compiled(pattern), MASK) for pattern in patterns)]

    def mask(text: str) -> str:
        for secret in literal:
            text = text.replace(secret, MASK)
        for start, compiled, masked in passes:
            if start in text:
                text = compiled.sub(masked, text)
        return text

    return mask


def mask_pieces(pieces: Iterable[str], mask: Callable[[str], str]) -> Iterator[str]:
    """A text of any length, masked without ever being in memory as a whole.

    Raises ValueError where a match of more than `LONGEST` characters leaves no place to cut it.
    """
    held, enough = "", 4 * BORDER
    for piece in pieces:
        held += piece
        while len(held) >= enough:
            masked, end = _up_to_a_border(held, mask)
            yield masked
            held = held[end:]
            enough = 4 * BORDER if end else 2 * len(held)
            if enough > LONGEST:
                raise ValueError("it cannot be searched for secrets: a match of a mask does not end")
    yield mask(held)


def _up_to_a_border(text: str, mask: Callable[[str], str]) -> tuple[str, int]:
    """The beginning of a text, masked, and where it ends: no match goes over that, and `BORDER` characters follow."""
    whole = mask(text)
    for end in range(len(text) - BORDER, BORDER, -((len(text) - 2 * BORDER) // BORDERS)):
        after_line = text.rfind("\n", end - BORDER // BORDERS, end) + 1 or end
        masked = mask(text[:after_line])
        if masked + mask(text[after_line:]) == whole:
            return masked, after_line
    return "", 0


def mask_json(value: Any, mask: Callable[[str], str]) -> Any:
    """A JSON value with every text in it masked. In its encoded form a pattern could eat a quote or a number."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, (list, tuple)):
        return [mask_json(each, mask) for each in value]
    if isinstance(value, dict):
        return {mask(key): mask_json(held, mask) for key, held in value.items()}
    return value


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"`mask` holds no regular expression: {pattern!r}: {error}") from error
