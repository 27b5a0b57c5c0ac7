"""What a run is called: the templates of `run_name` and `run_description`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .ci import detect
from .config import Settings
from .model import Run
from .render import utc

HOLES = ("branch", "commit", "build", "ci", "date", "time", "link")


def new_run(run_id: str, start: float, settings: Settings, environ: Mapping[str, str], folder: Path) -> Run:
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
    )


def _filled(template: str, words: Mapping[str, str]) -> str:
    """Known holes are filled; every other brace is just text."""
    text = re.sub(r"\{(\w+)\}", lambda hole: words.get(hole[1], hole[0]), template)
    return re.sub(r"  +", " ", text).strip()
