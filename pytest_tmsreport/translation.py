"""Settings of another plugin made ours: what becomes of each, and what is left for a person to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from dataclasses import Field as DataclassField
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from . import migrations
from .config import Settings
from .convert import convert
from .errors import ConfigError
from .masking import masker
from .migrations._read import ENVIRONMENT, Found, Project
from .migrations._rules import MOST, But, Migration, Rule, Sections
from .model import Outcome
from .render import count, plain
from .settings_text import INI, hindrance, lost, shown, written
from .sources import variable_name
from .vendor import Vendor, find, is_secret, names

_SECRET = re.compile(r"(?i)token|secret|passw|api_?key|private|credential")
_STATUSES = {f"status.{outcome.value}" for outcome in Outcome}
_SIGNS_IN = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_ASSIGNS = re.compile(r"(?i)(?:token|secret|passw(?:or)?d|api[_-]?key)\s*[=:]\s*\S")
"""A text that tells a secret: `https://ci.test/?access_token=…`."""


@dataclass
class Translation:
    """Our settings, and what is to be said of those that are none; each of the lists holds lines for a person.

    `vendor` is None where this version has no such destination; `waiting` is then what is meant for it. `variables` are
    to hold the secrets, and `mask` blacks out every secret that was seen.
    """

    name: str
    migration: Migration
    mask: Callable[[str], str]
    vendor: type[Vendor] | None
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


class _Origin(NamedTuple):
    """Where a value of ours comes from, and what is not as it was."""

    rule: Rule
    found: Found
    remark: str


def detect(root: Path, environ: Mapping[str, str]) -> list[str]:
    """A line for each plugin of which a setting is found.

    Raises ConfigError for a file that cannot be read, and, with where it looked, where nothing is found.
    """
    lines = []
    for name in migrations.names():
        migration = migrations.find(name)
        known, _ = _found(migration, Project(root, environ))
        if known:
            places = ", ".join(dict.fromkeys(each.place for _, each in known))
            lines.append(f"{name}: {count(len(known), 'setting')} of {migration.plugin}, in {places}")
    if not lines:
        looked = "; ".join(_looked(migrations.find(name)) for name in migrations.names())
        raise ConfigError(f"no other plugin's settings are found in {root} and the environment. Looked for {looked}")
    return lines


def translate(name: str, root: Path, environ: Mapping[str, str]) -> Translation:
    """What becomes of the settings of a plugin, one of `migrations.names()`.

    Raises ConfigError for a file that cannot be read, and, with where it looked, where nothing is found.
    """
    migration = migrations.find(name)
    known, unknown = _found(migration, Project(root, environ))
    if not known:
        raise ConfigError(
            f"nothing of {migration.plugin} is found in {root} and the environment. Looked for {_looked(migration)}"
        )
    mask = masker([*_secrets(known, unknown), *_secrets_in(environ)], [_SIGNS_IN.pattern])
    made = Translation(name, migration, mask, find(name) if name in names() else None)
    held = _strongest(known, made)
    made.left += [f"{each.spot}: no counterpart: {migration.plugin} has no such setting" for each in unknown]
    sections, origins = _converted(held, made)
    settled, remarks = migration.settle(sections)
    made.differs += remarks if made.vendor else []
    for section, values in settled.items():
        _place(section, values, origins, made)
    for section in settled:
        if section:
            _name_secrets(section, held, made)
    return made


def text(made: Translation, file: str = INI) -> str:
    """Sections for that file, and in comments what a person has to know."""
    sections = {name: dict(values) for name, values in made.sections.items()}
    left = list(made.left)
    for name, key in lost(sections, file):
        del sections[name][key]
        left.append(f"`{key}`: {file} cannot say it: set {variable_name(name, key)}")
    environ = dict.fromkeys(made.variables, "stand-in")  # of secrets, while it is tried whether the rest holds
    hindrances = [hindrance(name, sections, environ, file) for name in sections if name]
    blocks = [[f"For {file}; made by `tmsreport migrate {made.name}` of what {made.migration.plugin} reads here"]]
    for title, lines in (
        (
            f"This version cannot report to `{made.name}` (`tmsreport vendors` lists what it can). It waits:",
            made.waiting,
        ),
        ("To do before it works:", [each for each in hindrances if each]),
        ("Secrets, for the environment and no file:", made.secrets),
        ("Not as before:", made.differs),
        ("Not taken over:", left),
    ):
        blocks += [[title, *_listed(lines)]] if lines else []
    comments = ["\n".join(f"# {plain(made.mask(line), MOST)}" for line in block) for block in blocks]
    return "\n\n".join([f"{comments[0]}\n{written(sections, file)}".strip(), *comments[1:]]) + "\n"


def _listed(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in dict.fromkeys(lines)]


def _looked(migration: Migration) -> str:
    return f"{migration.plugin}: {', '.join(migration.looks_in)}"


def _found(migration: Migration, project: Project) -> tuple[list[tuple[Rule, Found]], list[Found]]:
    """The settings that are theirs, the weakest first, and others that stand among them."""
    known, unknown = [], []
    for each in migration.read(project, migration.rules):
        rule = next((rule for rule in migration.rules if each.name in rule), None)
        if rule is None:
            unknown.append(each)
        elif each.value not in (None, "", [], {}):
            known.append((rule, each))
    return known, unknown


def _secrets(known: Iterable[tuple[Rule, Found]], unknown: Iterable[Found]) -> Iterator[str]:
    for rule, each in known:
        if rule.is_secret:
            yield str(each.value)
        yield from _secrets_in({each.name: each.value})
    yield from _secrets_in({each.name: each.value for each in unknown})


def _secrets_in(values: Mapping[str, Any]) -> Iterator[str]:
    """What stands under a name like a secret's, at any depth, and who signs in by an address."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _secrets_in(value)
        elif isinstance(value, list):
            yield from _secrets_in({f"{name}[{index}]": each for index, each in enumerate(value)})
        elif isinstance(value, str):
            if _SECRET.search(name) and value.lower() not in ("true", "false"):
                yield value
            for login in _SIGNS_IN.findall(value):
                yield login.partition(":")[2] or login


def _strongest(known: Iterable[tuple[Rule, Found]], made: Translation) -> list[tuple[Rule, Found]]:
    """What counts of each setting, in the order of the rules; of what counts for nothing, `left` tells why."""
    held: dict[Rule, Found] = {}
    for rule, each in known:
        if rule.why:
            made.left.append(f"{each.spot}: {rule.why}")
        elif rule in held:
            made.left.append(f"{held[rule].spot}: not needed: {each.spot} is stronger")
        if rule.to:
            held[rule] = each
    return [(rule, held[rule]) for rule in made.migration.rules if rule in held]


def _converted(held: Iterable[tuple[Rule, Found]], made: Translation) -> tuple[Sections, dict[str, _Origin]]:
    """Our sections with our values, and our key -> where its value comes from."""
    sections: dict[str, dict[str, Any]] = {"": {}, made.name: {}}
    origins: dict[str, _Origin] = {}
    for rule, each in held:
        if rule.is_secret:
            continue
        if rule.to in origins:
            made.left.append(f"{each.spot}: not needed: {origins[rule.to].found.spot} is stronger")
            continue
        try:
            value = rule.change(each.value)
        except ValueError as error:
            made.left.append(f"{each.spot}: no counterpart: {error}")
            continue
        value, remark = value if isinstance(value, But) else (value, rule.remark)
        if value is None or value == "":
            made.left.append(f"{each.spot}: not needed: it says what holds anyway")
            continue
        sections["" if rule.to.startswith(".") else made.name][rule.to.lstrip(".")] = value
        origins[rule.to] = _Origin(rule, each, remark)
    return sections, origins


def _place(section: str, values: Mapping[str, Any], origins: Mapping[str, _Origin], made: Translation) -> None:
    """Keeps what the section can hold; says of the rest what becomes of it."""
    kind = made.vendor if section else Settings
    known = _fields(kind) if kind else {}
    kept: dict[str, Any] = {}
    for key, value in values.items():
        origin = origins.get(key if section else f".{key}") if section in ("", made.name) else None
        spot = origin.found.spot if origin else f"`{key}`"
        if kind is None:
            made.waiting.append(spot)
            continue
        ours = _ours(kind, key, origin.rule if origin else None)
        variable = variable_name(section, ours)
        unfit = _unfit(kind, ours, value)
        if unfit:
            made.left.append(f"{spot}: no counterpart: {unfit}")
        elif origin and origin.rule.passing and origin.found.place == ENVIRONMENT:
            is_read = _is_read(section, ours, origin.found, made)
            read = "leave it there, it is read here, too" if is_read else f"set {variable}"
            made.left.append(f"{spot}: belongs to one session: {read}")
        elif ours in known and is_secret(known[ours]):
            made.variables.append(variable)
            made.secrets.append(f"{variable}: {spot}")
        elif made.mask(shown(value)) != shown(value) or _ASSIGNS.search(shown(value)):
            made.secrets.append(f"{variable}: {spot}, which seems to hold a secret")
        else:
            kept[ours] = value
            made.differs += [f"{spot}: {origin.remark}"] if origin and origin.remark else []
    if kept or (section and kind):
        made.sections[section] = kept


def _name_secrets(section: str, held: Iterable[tuple[Rule, Found]], made: Translation) -> None:
    """Says which variables are to hold the secrets of a destination, and where they are now."""
    given = [(rule, found) for rule, found in held if rule.is_secret]
    if made.vendor is None:
        made.waiting += [f"{found.spot}, a secret" for _, found in given]
        return
    known = _fields(made.vendor)
    taken: dict[str, Found] = {}
    for rule, found in given:
        key = _ours(made.vendor, rule.to, rule)
        if key not in known:
            made.left.append(f"{found.spot}: no counterpart: {made.vendor.label} has no `{key}` here")
        elif key in taken:
            made.left.append(f"{found.spot}: not needed: {taken[key].spot} is stronger")
        else:
            taken[key] = found
    needed = [key for key, entry in known.items() if is_secret(entry) and entry.default is MISSING]
    for key in dict.fromkeys([*taken, *needed]):
        variable = variable_name(section, key)
        made.variables.append(variable)
        now = "found nowhere"
        if key in taken:
            is_read = _is_read(section, key, taken[key], made)
            advice = "; take it out there" if taken[key].place != ENVIRONMENT else ""
            now = taken[key].spot + ("; it may stay there, and is read here, too" if is_read else advice)
        made.secrets.append(f"{variable}: {now}")


def _is_read(section: str, key: str, found: Found, made: Translation) -> bool:
    """True where the destination reads their variable, too."""
    if made.vendor is None or section != made.name:
        return False
    return found.place == ENVIRONMENT and found.name in made.vendor.variables.get(key, ())


def _ours(kind: type, key: str, rule: Rule | None) -> str:
    """The key of ours: where the vendor reads one of their variables, it is the one that it reads it for."""
    variables: Mapping[str, Sequence[str]] = kind.variables if issubclass(kind, Vendor) else {}
    return next((ours for ours, own in variables.items() if rule and any(name in rule for name in own)), key)


def _unfit(kind: type, key: str, value: Any) -> str:
    """Why a setting cannot be: there is none of that name, or it takes other values."""
    if key == "vendor" or key in _STATUSES:
        return ""
    if key not in _fields(kind):
        return f"there is no `{key}` here"
    try:
        convert(value, "", get_type_hints(kind)[key], key)
    except ConfigError:
        return f"`{key}` takes no such value"
    return ""


def _fields(kind: type) -> dict[str, DataclassField[Any]]:
    return {entry.name: entry for entry in fields(kind) if entry.name not in ("name", "kind", "status")}
