"""What a run is called: the templates of `run_name`, `run_description` and `run_key`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from .ci import detect, shard_of
from .config import Settings
from .errors import ConfigError
from .model import Run
from .render import utc

HOLES = ("branch", "commit", "build", "ci", "date", "time", "link")
LONGEST_KEY = 100


def new_run(  # noqa: PLR0913 - what a run is made of
    run_id: str,
    start: float,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    *,
    mask: Callable[[str], str] = str,
) -> Run:
    """The run that begins now; `start` is in epoch seconds."""
    ci = detect(environ, folder)
    words = {
        "branch": ci.branch,
        "commit": ci.commit[:10],
        "build": ci.build,
        "ci": ci.name,
        "date": utc(start, "%Y-%m-%d"),
        "time": utc(start, "%H:%M:%S"),
        "link": ci.link,
    }
    shard, shards = _shard(settings, environ)
    return Run(
        id=run_id,
        name=_filled(settings.run_name, words) or f"pytest {words['date']} {words['time']}",
        start=start,
        description=_filled(settings.run_description, words),
        tags=settings.tags,
        ci=ci.name,
        branch=ci.branch,
        commit=ci.commit,
        build=ci.build,
        link=ci.link,
        key=_key(settings.run_key, words, mask),
        shard=shard,
        shards=shards,
    )


def _shard(settings: Settings, environ: Mapping[str, str]) -> tuple[int, int]:
    try:
        return shard_of(environ, settings.shards, settings.shard)
    except ConfigError:  # whoever reads the settings says it; a journal is written all the same
        return 0, 0


def _key(template: str, words: Mapping[str, str], mask: Callable[[str], str]) -> str:
    """What all machines call the run; empty where a hole has nothing to hold, lest strangers share it.

    One that is long, or that holds what is to be blacked out, is told by its hash: it must stay one of its own.
    """
    if any(not words.get(hole, hole) for hole in re.findall(r"\{(\w+)\}", template)):
        return ""
    key = _filled(template, words).encode("utf-8", "replace").decode()
    if len(key) <= LONGEST_KEY and mask(key) == key:
        return key
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _filled(template: str, words: Mapping[str, str]) -> str:
    """Known holes are filled; every other brace is just text."""
    text = re.sub(r"\{(\w+)\}", lambda hole: words.get(hole[1], hole[0]), template)
    return re.sub(r"  +", " ", text).strip()
