"""Vani by Zoho: a run's summary as Markdown for a space, in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from ..auth import Header, bearer
from ..digest import whole
from ..errors import ConfigError, ErrorTable, NotFound, PermanentError
from ..journal import private
from ..model import Outcome, Result, Run
from ..render import count
from ..vendor import Vendor, setting
from . import _vani_places as places
from ._vani_errors import TABLE

if TYPE_CHECKING:
    from ..client import Client

Found = TypeVar("Found", places.Edition, places.Place)


@dataclass(frozen=True, kw_only=True)
class Vani(Vendor):
    """Vani by Zoho, a canvas for teams, API v1 (https://www.vanihq.com/resources).

    Vani is no test-management tool, and its documented API has no place for a result, a comment or a file. What it can
    do is done: token, edition, team and space are looked up, by id or by name; a run's summary with its failures is
    written as Markdown to a file, `<run>.md` in `folder`; and the summary of the session says to which space a person
    may paste it. `delivered` means that a result stands in that file: nothing of it is sent to Vani. Attached files are
    left out and counted. It is written once the session has ended; `run_key` and `run_id` are nothing to Vani.

    An edition that is missing is an error; with `create_team_edition = true` it is made, once, with a team of its name:
    an edition of that name, or with such a team, is never made again, and an answer that it is there (409) makes none.

    Unconfirmed in its documents, and so a setting or handled as said: other regions (`url`); the second header
    (`api_key`, sent where it is set); the addresses of OAuth (paste an access token: it lasts an hour, as Zoho's do;
    none is renewed); the scope for spaces (a missing one is named as 403); the keys of lists of teams and spaces
    (`teams_info`, `spaces_info`; where they are others, name them by id); the body of an error (four places are
    searched); limits (30 s are waited where none is told); the zone of times (none is assumed).
    """

    label: ClassVar[str] = "Vani"
    proof: ClassVar[str] = "documentation"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {outcome: outcome.value for outcome in Outcome}
    has_runs: ClassVar[bool] = False
    errors: ClassVar[ErrorTable] = TABLE

    url: str = setting("address of the API", default="https://api.app.vanihq.com/vani/api/v1")
    token: str = setting("OAuth access token", secret=True)
    api_key: str = setting("API key, which the newer API wants beside the token", default="", secret=True)
    edition: str = setting("id or name of the edition")
    team: str = setting("id or name of a team of it", default="")
    space: str = setting("id or name of the space that the summary is for", default="")
    folder: str = setting("where summaries are written to", default=".tmsreport/vani")
    create_team_edition: bool = setting("make the edition where there is none, with a team of its name", default=False)
    plan_type: Literal["FREE", "TRIAL"] = setting("plan of an edition that is made", default="FREE")
    max_summary: int = setting("most characters of a summary", default=20_000)
    batch_size: int = setting("most runs in one file: each has its own", default=1)

    def __post_init__(self) -> None:
        wrong = {
            "`edition` is an id or a name": not self.edition,
            "`create_team_edition` needs the name of the edition, not an id": self.create_team_edition
            and self.edition.isdecimal(),
            "`max_summary` is 1000 or more": self.max_summary < 1000,
            "`batch_size` is 1: each run has a file": self.batch_size != 1,
            "`run_id` is nothing to Vani": self.run_id,
            "`aggregate` is `each`: Vani has no cases": self.aggregate != "each",
            "`api_key` holds characters that no key has": not (self.api_key.isascii() and self.api_key.isprintable()),
        }
        for why, is_so in wrong.items():
            if is_so:
                raise ConfigError(f"{self.name}: {why}")
        if self.api_key:
            object.__setattr__(self, "headers", {"x-vani-apikey": self.api_key})
        with suppress(OSError):  # where there is no working directory any more, writing says so
            object.__setattr__(self, "folder", str(Path(self.folder).expanduser().absolute()))  # the sender has another

    @property
    def auth(self) -> Header:
        return bearer(self.token)

    def verify(self, http: Client) -> None:
        found = self._edition(http)
        if found is None:
            raise self._missing("edition", self.edition, (each.name for each in places.editions(http)))
        self._look(http, found.id)

    def open_run(self, http: Client, run: Run) -> str:
        """Looks whether everything is there, and makes the edition where that is asked for; the id of the place."""
        found = self._edition(http) or self._created(http)
        return self._look(http, found.id)

    def condense(self, run: Run, results: Sequence[Result]) -> Sequence[Result]:
        return [whole(run, results, self.max_summary)]

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        for run in () if http.is_rehearsal else batch:
            path = Path(self.folder) / f"{re.sub('[^0-9A-Za-z-]', '-', run.id)}.md"
            try:
                _write(path, f"{run.description}\n\nFor {self._where()}.\n")
            except OSError as error:
                raise PermanentError(
                    f"the summary cannot be written: {error}", vendor=self.name, remedy="set `folder`"
                ) from error
            stand = f"{count(len(run.parts), 'result')} written to {path}"
            http.note(f"{stand}, nothing to Vani, whose API takes no results: paste it into {self._where()}")
        return [run.id for run in batch]

    def _where(self) -> str:
        named = {"space": self.space, "team": self.team, "edition": self.edition}
        return ", ".join(f"{what} {name!r}" for what, name in named.items() if name)

    def _edition(self, http: Client) -> places.Edition | None:
        """The edition by its id or name; where it may be made, also by its team. Raises PermanentError for several."""
        known = places.editions(http)
        found = [each for each in known if each.id == self.edition] or [
            each for each in known if each.name == self.edition
        ]
        if not found and self.create_team_edition:
            found = [each for each in known if self.edition in {team.name for team in places.teams(http, each.id)}]
        if http.is_rehearsal:
            return places.Edition(self.edition, self.edition)
        return self._only("edition", self.edition, found)

    def _created(self, http: Client) -> places.Edition:
        if not self.create_team_edition:
            raise self._missing("edition", self.edition, (each.name for each in places.editions(http)))
        made = places.create_edition(http, self.edition, plan_type=self.plan_type)
        if made is not None:
            http.note(f"edition {self.edition!r} is made: name it as `edition = {made}`")
            return places.edition(http, made)
        found = self._edition(http)
        if found is None:
            raise self._missing("edition", self.edition, ())
        return found

    def _look(self, http: Client, edition: str) -> str:
        """The id of the innermost place that is named. Raises NotFound."""
        team = self._place(http, edition, "team", self.team) if self.team else None
        if not self.space:
            return team.id if team else edition
        space = self._place(http, edition, "space", self.space, team.id if team else "")
        if team and space.team and space.team != team.id and not http.is_rehearsal:
            raise self._missing("space", f"{self.space} in team {self.team}", ())
        if space.can_edit is False:
            http.note(f"this token's user may not edit the space {self.space!r}")
        return space.id

    def _place(
        self, http: Client, edition: str, what: Literal["team", "space"], name: str, team: str = ""
    ) -> places.Place:
        if name.isdecimal():
            return places.read(http, edition, what, name)
        known = places.teams(http, edition) if what == "team" else places.spaces(http, edition, team)
        if http.is_rehearsal:
            return places.Place(name, name)
        found = self._only(what, name, [each for each in known if each.name == name])
        if found is None:
            raise self._missing(what, name, (each.name for each in known))
        return found

    def _only(self, what: str, name: str, found: Sequence[Found]) -> Found | None:
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise PermanentError(
                f"{len(found)} {what}s are called {name!r}: {ids}",
                vendor=self.name,
                remedy=f"name the {what} by its id",
            )
        return found[0] if found else None

    def _missing(self, what: str, name: str, known: Iterable[str]) -> NotFound:
        names = ", ".join(sorted(known)[:20]) or "none"
        more = ", or `create_team_edition = true`" if what == "edition" else ""
        return NotFound(
            f"there is no {what} {name!r} for this token; there is: {names}",
            vendor=self.name,
            remedy=f"correct `{what}`{more}",
        )


def _write(path: Path, text: str) -> None:
    """Writes a file whole or not at all, for its owner alone. Raises OSError."""
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
        (path.parent / ".gitignore").write_text("*\n", encoding="ascii")
    part = path.with_suffix(".part")
    with open(part, "w", encoding="utf-8", errors="replace", opener=private) as file:
        file.write(text)
    part.replace(path)
