"""Where settings stand: on the command line, in the environment, and in sections of one of pytest's files."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .errors import ConfigError

PREFIX = "TMSREPORT"
DESCRIPTIONS = "tmsreport.toml"
"""Beside the settings: tables that describe tools, which INI cannot say. A table of it is a destination."""
FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


class Source:
    """Where settings are looked up: overrides, the environment and one file's sections."""

    def __init__(
        self,
        environ: Mapping[str, str],
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        file: str = "",
        sets: Iterable[str] = (),
        described: Collection[str] = (),
    ) -> None:
        """`described` names the sections that stand in `tmsreport.toml` alone.

        Raises ConfigError for an override that is not `key=value` or `destination.key=value`.
        """
        self.environ = environ
        self.sections = {name: dict(section) for name, section in (sections or {}).items()}
        self.file = file
        self.described = frozenset(described)
        self.overrides: dict[str, dict[str, str]] = {}
        for text in sets:
            key, found, value = text.partition("=")
            outer, dot, inner = key.strip().partition(".")
            if not found or not outer or (dot and not inner):
                raise ConfigError(f"--tms-set takes KEY=VALUE or DESTINATION.KEY=VALUE, not {text!r}")
            section, name = (outer, inner) if dot else ("", outer)
            self.overrides.setdefault(section, {})[name] = value

    def place(self, section: str) -> str:
        """A section and the file in which it stands."""
        return f"{self.where(section)} of {DESCRIPTIONS if section in self.described else self.file}"

    def where(self, section: str) -> str:
        """The section of the settings file, as a person writes it."""
        if section in self.described:
            return f"[{section}]"
        if self.file.endswith(".toml"):
            table = "tool.tmsreport" if self.file.endswith("pyproject.toml") else "tmsreport"
            return f"[{table}.{section}]" if section else f"[{table}]"
        return f"[tmsreport:{section}]" if section else "[tmsreport]"

    def look_up(self, section: str, key: str, own: Sequence[str] = ()) -> tuple[Any, str] | None:
        """A setting's raw value and where it was found."""
        if key in self.overrides.get(section, {}):
            return self.overrides[section][key], f"--tms-set {section + '.' if section else ''}{key}"
        for variable in (variable_name(section, key), *own):
            if self.environ.get(variable):
                return self.environ[variable], variable
        if key in self.sections.get(section, {}):
            return self.sections[section][key], self.place(section)
        return None


def variable_name(section: str, key: str) -> str:
    """The environment variable of a setting."""
    return "_".join(part for part in (PREFIX, section, key.replace(".", "_")) if part).upper()


def source_of(root: Path, environ: Mapping[str, str], sets: Sequence[str] = ()) -> Source:
    """Where the settings of a project are looked up. Raises ConfigError for a file or override that cannot be read."""
    sections, file, described = read(root)
    return Source(environ, sections, file, sets, described)


class Found(NamedTuple):
    """The sections of a project, the file they are in, and those of them that stand in `tmsreport.toml` alone."""

    sections: dict[str, dict[str, Any]]
    file: str
    described: frozenset[str]


def read(root: Path) -> Found:
    """Our sections of the one settings file in `root` that has any, and its name; the global section is `""`.

    What `tmsreport.toml` says of a destination is added to them; the settings file wins. Raises ConfigError for a file
    that cannot be parsed although it mentions us, and for two files that have sections.
    """
    found = [(name, sections) for name in FILES if (sections := _sections(root / name))]
    if len(found) > 1:
        both = " and ".join(str(root / name) for name, _ in found)
        raise ConfigError(f"settings of tmsreport stand in two files, {both}: keep them in one")
    file, sections = found[0] if found else ("", {})
    described = _descriptions(root / DESCRIPTIONS)
    merged = {**sections, **{name: {**table, **sections.get(name, {})} for name, table in described.items()}}
    return Found(merged, file or (DESCRIPTIONS if described else ""), frozenset(described.keys() - sections.keys()))


def _descriptions(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of `tmsreport.toml`. Raises ConfigError for what is none."""
    if not path.exists():
        return {}
    try:
        data = _toml(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    for name, table in data.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{path} holds `{name}` outside of a table: put it below [NAME], the tool it is about")
    return {name: _flat_statuses(table) for name, table in data.items()}


def parse(file: str, text: str) -> dict[str, dict[str, Any]]:
    """Our sections in the text of a file of that name. Raises ValueError for what is none."""
    return _toml_sections(file, text) if file.endswith(".toml") else _ini_sections(text)


def find_root(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that has settings of ours; else `start`."""
    for folder in (start, *start.parents):
        if (folder / DESCRIPTIONS).exists() or any(_headers(folder / name) for name in FILES):
            return folder
    return start


def _sections(path: Path) -> dict[str, dict[str, Any]]:
    headers = _headers(path)
    if not headers:
        return {}
    right = Source({}, file=path.name)
    if wrong := headers - {right.where(""), right.where("…").partition("…")[0]}:
        found = min(wrong)
        raise ConfigError(f"{path} has a section of tmsreport under a wrong name, {found}…: write {right.where('')}")
    try:
        return parse(path.name, path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _headers(path: Path) -> set[str]:
    """How the sections of a file that are meant for us begin: `[tmsreport]`, `[tmsreport:`, `[tool.tmsreport.`."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return set()
    spaces = r"[ \t]*" if path.suffix == ".toml" else ""  # an indented line of an INI file belongs to the one above
    own = rf'^{spaces}\[{spaces}((?:tool{spaces}[.:]{spaces})?"?tmsreport"?{spaces}[\].:])'
    return {"[" + re.sub(r'[ \t"]', "", found) for found in re.findall(own, text, re.MULTILINE)}


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - most projects have no such file of ours
    else:
        import tomli as tomllib  # noqa: PLC0415 - as above
    return tomllib.loads(text)


def _toml_sections(file: str, text: str) -> dict[str, dict[str, Any]]:
    data = _toml(text)
    table = data.get("tool", {}).get("tmsreport") if file == "pyproject.toml" else data.get("tmsreport")
    if table is None:
        return {}
    sections: dict[str, dict[str, Any]] = {"": {}}
    for key, value in table.items():
        if isinstance(value, dict):
            sections[key] = _flat_statuses(value)
        else:
            sections[""][key] = value
    return sections


def _flat_statuses(table: dict[str, Any]) -> dict[str, Any]:
    status = table.get("status")
    if not isinstance(status, dict):
        return table
    rest = {key: value for key, value in table.items() if key != "status"}
    return {**rest, **{f"status.{outcome}": word for outcome, word in status.items()}}


def _ini_sections(text: str) -> dict[str, dict[str, Any]]:
    import configparser  # noqa: PLC0415 - as above

    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), inline_comment_prefixes=None, strict=False, allow_no_value=True
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(_only_ours(text))
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    sections: dict[str, dict[str, Any]] = {}
    for title in parser.sections():
        name = title.removeprefix("tmsreport").removeprefix(":").strip()
        held = sections.setdefault(name, {})
        for key, value in parser.items(title):
            if value is None:
                raise ValueError(f"in [{title}], {key!r} is followed by no `=`")
            held[key] = value
    return sections


def _only_ours(text: str) -> str:
    """The lines of our sections: what other tools write between theirs is none of our business."""
    kept = []
    is_ours = False
    for line in text.splitlines():
        if line.startswith("["):
            is_ours = re.match(r"\[tmsreport(:[^\]]*)?\]", line) is not None
            line = line.split("]")[0] + "]"  # noqa: PLW2901 - a comment may follow, as iniconfig allows
        if is_ours:
            kept.append(line)
    return "\n".join(kept)
