"""What a migration states: the settings of a plugin, and what becomes of each here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from ..render import plain
from ._read import Found, Project

Sections = Mapping[str, Mapping[str, Any]]
"""Settings as in a file: name of a section (`""` for what holds for all destinations) -> key -> value."""
MOST = 10_000
"""Most characters of a line."""
ON = ("1", "true", "yes", "on", "y", "t")
OFF = ("0", "false", "no", "off", "n", "f")


class But(NamedTuple):
    """A value, and what is not as it was before."""

    value: Any
    remark: str


def text(value: Any) -> str:
    """A text or number as text, line by line without control characters. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("its value is no text")  # noqa: TRY004 - the one error of all that change values
    return "\n".join(plain(line, MOST) for line in str(value).strip().splitlines())


def number(value: Any) -> int | None:
    """A number that names something; None for 0, which names nothing. Raises ValueError for anything else."""
    written = text(value)
    if not written.isdecimal():
        raise ValueError("its value is no number")
    return int(written) or None


def truth(value: Any) -> bool:
    """What an INI file, a variable or JSON says of yes and no. Raises ValueError for anything else."""
    written = str(value).strip().lower()
    if written not in ON + OFF:
        raise ValueError("its value is neither true nor false")
    return written in ON


def words(value: Any) -> list[str]:
    """A list, or a text with commas. Raises ValueError for anything else."""
    parts = value if isinstance(value, list) else text(value).split(",")
    return [text(part) for part in parts if text(part)]


def address(value: Any) -> str | But:
    """The address of a server, without the user and password that may stand in it, which no setting of ours may hold.

    Raises ValueError for what is none.
    """
    written = text(value)
    try:
        parts = urlsplit(written if "://" in written else f"//{written}")._replace(query="", fragment="")
    except ValueError:
        raise ValueError("its value is no address") from None  # the error's own words show the address
    host = parts.netloc.rpartition("@")[2]
    bare = parts._replace(netloc=host).geturl().removeprefix("//").rstrip("/")
    if host == parts.netloc:
        return bare
    return But(bare, "a user or password stood in the address and is left out: the secrets take their place")


def trust(value: Any) -> str | None:
    """A file with certificates; None where certificates are checked as usual. Raises ValueError where they are not."""
    written = str(value).lower() if isinstance(value, bool) else text(value)
    if written.lower() in OFF:
        raise ValueError("certificates are always checked here; name the file of your own CA in `ca_bundle`")
    return None if written.lower() in ON else written


@dataclass(frozen=True)
class Rule:
    """One setting of theirs and what becomes of it here.

    `names` are all its names, with blanks between them: `section.key` of a file, `VARIABLE`, `--option`. `to` is ours:
    `project` of the destination, `.run_name` of what holds for all, `_mode` for `settle` alone. `change` makes
    our value of theirs; None says what holds anyway, and ValueError why it cannot be. `why` says why nothing of ours is
    like it, and `remark` what is not as it was. An option `takes` one value, none, or many; a `passing` setting belongs
    to one session, so that what the environment says of it goes into no file.
    """

    names: str
    to: str = ""
    change: Callable[[Any], Any] = text
    why: str = ""
    remark: str = ""
    takes: Literal["one", "none", "many"] = "one"
    is_secret: bool = False
    passing: bool = False

    def __contains__(self, name: str) -> bool:
        return name in self.names.split()


def secret(names: str, to: str) -> Rule:
    """A setting that is never shown."""
    return Rule(names, to, is_secret=True)


def needless(names: str, why: str, takes: Literal["one", "none", "many"] = "one") -> Rule:
    """A setting that nobody misses here."""
    return Rule(names, why=f"not needed: {why}", takes=takes)


def absent(names: str, why: str, takes: Literal["one", "none", "many"] = "one") -> Rule:
    """A setting without a counterpart."""
    return Rule(names, why=f"no counterpart: {why}", takes=takes)


def switch(names: str) -> Rule:
    """The option that switches the plugin on."""
    return needless(names, "`--tms` takes its place, on the command line or in addopts", "none")


def as_they_are(sections: Sections) -> tuple[Sections, list[str]]:
    """Settings that need no look at one another."""
    return sections, []


@dataclass(frozen=True, kw_only=True)
class Migration:
    """A plugin's settings: where they stand, and what becomes of them.

    `looks_in` names the places for a person, `read` gets what stands there, the weakest first. `settle` sees to what
    depends on more than one setting: it gets our sections, may change and split that of the destination, and returns
    them with remarks on what is not as it was.
    """

    plugin: str
    looks_in: Sequence[str]
    read: Callable[[Project, Sequence[Rule]], list[Found]]
    rules: Sequence[Rule]
    settle: Callable[[Sections], tuple[Sections, list[str]]] = as_they_are
