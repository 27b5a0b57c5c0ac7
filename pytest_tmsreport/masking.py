"""Taking secrets out of texts before they touch a disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from .errors import ConfigError

MASK = "***"
SHORTEST_SECRET = 4
"""A shorter value would black out half of every text."""

_SHAPES = (
    r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,}",  # GitHub
    r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",  # GitLab
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",  # AWS access keys
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"\bATATT3[A-Za-z0-9_=-]{20,}",  # Atlassian
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # JSON web tokens
    r"(?i:(?<=bearer )|(?<=basic )|(?<=token: ))[A-Za-z0-9._~+/=-]{16,}",
    r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",  # user:password in a URL
)


def masker(secrets: Iterable[str], patterns: Iterable[str] = ()) -> Callable[[str], str]:
    """A function that puts `***` in place of every secret, well-known token shape and match of a user's `mask`.

    Raises ConfigError for a pattern that is no regular expression.
    """
    plain = {text for text in secrets if len(text) >= SHORTEST_SECRET}
    literal = sorted(plain | {json.dumps(text)[1:-1] for text in plain}, key=len, reverse=True)  # also within JSON
    fixed = re.compile("|".join((*map(re.escape, literal), *_SHAPES)))
    passes = [fixed, *map(_compiled, patterns)]

    def mask(text: str) -> str:
        for compiled in passes:
            text = compiled.sub(MASK, text)
        return text

    return mask


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
