"""What a doctor has to say: what was looked at, why it matters, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["good", "warning", "broken"]

WHY: Mapping[str, str] = {
    "settings": "a destination whose settings are wrong is turned off, and its results stay in the journal",
    "network": "nothing gets to the tool: every result stays in the journal",
    "proxy": "nothing gets to the tool: every result stays in the journal",
    "tls": "no token is sent over a connection that cannot be trusted, and nothing else either",
    "clock": "runs and tests would begin and end at wrong times, and a token may be taken for one that has ended",
    "token": "the tool lets nobody in: every result stays in the journal",
    "rights": "the tool refuses what the token may not do: every result stays in the journal",
    "project": "there is no place for a run: every result stays in the journal",
    "run": "results are sent to a run that is not there: every one stays in the journal",
    "status": "the tool refuses results with a word that it does not know",
    "setting": "the tool refuses the run, or its results, for what this setting names",
    "collection": "nobody can tell which cases the tests are filed under",
    "cases": "results of a case that is not there are refused",
    "uncovered": "the plan can never be finished: nothing is ever reported for these",
    "journal": "results that cannot be written are lost",
    "undelivered": "the tool does not know these results",
}


@dataclass(frozen=True)
class Finding:
    """What was looked at: `about` names a destination, or a part of the plugin, and `check` is a key of `WHY`.

    `level` says how bad it is, `what` what was found, `remedy` what to do where it is not good.
    """

    level: Level
    about: str
    check: str
    what: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """What was found, and where."""
        return f"{self.about}: {self.what}"

    @property
    def why(self) -> str:
        """Why it matters; empty where all is good."""
        return "" if self.level == "good" else WHY[self.check]

    def to_json(self) -> dict[str, str]:
        """All of it, as JSON values."""
        keys = ("level", "about", "check", "what", "why", "remedy")
        return {key: getattr(self, key) for key in keys}
