"""Options, environment and settings files -> destinations.

One function looks a setting up, in this order: `--tms-set`, the variable `TMSREPORT_<DESTINATION>_<KEY>`, the tool's
own well-known variable (for the destination that is named as its vendor), the settings file, the default.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from dataclasses import Field as DataclassField
from inspect import get_annotations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_type_hints
from urllib.parse import urlsplit

from . import dialects
from .ci import shard_of
from .convert import Line, Word, convert
from .errors import ConfigError
from .journal import NAME
from .masking import MASK, masker
from .model import Outcome
from .sources import Source, read, source_of, variable_name
from .vendor import Vendor, find, is_secret, may_be_set, names, setting

_INTERNAL = ("name", "kind", "status", "described")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for every destination: section `[tmsreport]`."""

    destinations: tuple[Word, ...] = setting(
        "destinations that `--tms` reports to (default: every section)", default=()
    )
    run_name: str = setting(
        "name of the run; may hold {branch} {commit} {build} {ci} {date} {time}",
        default="pytest {date} {time} {branch}",
    )
    run_description: str = setting("description of the run; may hold the same", default="{link}")
    tags: tuple[str, ...] = setting("tags of the run", default=())
    run_key: str = setting("what every machine of a build calls the run they share, such as {ci}-{build}", default="")
    shards: str = setting("how many machines share the run; `ci`: as many as the CI says", default="")
    shard: int = setting("which of them this is, from 1 (default: as the CI says)", default=0)
    on_loss: Literal["ignore", "warn", "fail"] = setting("what undelivered results do to the session", default="warn")
    deadline_s: float = setting("most seconds to wait at the end of the session", default=120.0)
    stream: bool = setting("deliver while the tests run", default=False)
    stream_s: float = setting("most seconds that a result waits for others while the tests run", default=15.0)
    dir: str = setting("folder of the journals, relative to the rootdir", default=".tmsreport")
    mask: tuple[Line, ...] = setting("regular expressions of what is to be blacked out, one a line", default=())
    capture: Literal["failed", "all", "none"] = setting("whose captured output is reported", default="failed")
    attach: Literal["failed", "all", "none"] = setting("whose attached files are reported", default="all")
    max_attachment_mb: float = setting(
        "MiB of the largest file that is kept; 0: only the tool's own limit", default=0.0
    )
    screenshots: Literal["failed", "none"] = setting(
        "whether a test that fails shows what its browser shows", default="failed"
    )
    screenshot_fixtures: tuple[Word, ...] = setting(
        "fixtures that hold a Playwright page or a Selenium driver", default=("page", "driver", "selenium")
    )
    unmapped: Literal["keep", "drop"] = setting(
        "what becomes of tests without a case where a plan or run says which are to run", default="drop"
    )
    fixtures: bool = setting("fixtures below the rootdir are steps of setup and teardown", default=False)
    docstring: bool = setting("a test's docstring is its description, where no mark gives one", default=False)
    read_marks: tuple[Word, ...] = setting(
        "whose marks and words are read besides ours: `all`, `none`, or names of plugins", default=(dialects.ALL,)
    )
    ca_bundle: str = setting("file with the certificates of your own CA", default="")
    client_cert: str = setting("file with a client certificate and its key", default="")
    proxy: str = setting("URL of the proxy, in place of the environment's", default="")

    @property
    def folder(self) -> Path:
        """The path that `dir` means; where there is no such user, `~` is just a letter."""
        return Path(os.path.expanduser(self.dir))  # noqa: PTH111 - Path raises for an unknown user


@dataclass(frozen=True)
class Config:
    """What was asked for. `problems` maps a destination (or `""`: all of it) to what is wrong with its settings."""

    settings: Settings
    destinations: tuple[Vendor, ...] = ()
    wanted: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, ConfigError] = field(default_factory=dict)
    mask: Callable[[str], str] = str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    sets: tuple[str, ...] = ()

    def may_select(self) -> bool:
        """False where no destination can say which tests run."""
        return bool(self.problems) or any(vendor.select != "all" for vendor in self.destinations)

    def vendor_names(self) -> set[str]:
        """Every word that may stand as a keyword of the marker for a case id."""
        return {*names(), *self.wanted}


def load(
    root: Path,
    environ: Mapping[str, str],
    *,
    sets: Sequence[str] = (),
    only: Sequence[str] = (),
    is_session: bool = False,
) -> Config:
    """Everything that can be found out before a test runs; `only` names the destinations, else all of the settings.

    `is_session` says that tests are to run, so that it must be known which of several machines this is.
    Raises ConfigError for what was typed wrong: an override, or a destination that does not exist. What is wrong in
    files and variables is a problem of its destination, and stops no other.
    """
    problems: dict[str, ConfigError] = {}
    sections: Mapping[str, Mapping[str, Any]] = {}
    file = ""
    described: Collection[str] = ()
    try:
        sections, file, described = read(root)
    except ConfigError as error:
        problems[""] = error
    source = Source(environ, sections, file, sets, described)
    configured = [name for name in source.sections if name]
    if not problems:  # a file that cannot be read may hold what was named
        _check_typed(configured, source, only)
    settings, wrong = _settings(source)
    wrong = wrong or _wrong_dialect(settings, source) or _wrong_sharing(settings, environ, is_session=is_session)
    if wrong:
        problems.setdefault("", wrong)
    chosen = dict.fromkeys(only or settings.destinations or configured)
    secrets = [*_secret_values(source, chosen), _password(settings.proxy)]
    try:
        mask = masker(secrets, settings.mask)
    except ConfigError as error:
        problems.setdefault("", error)
        mask = masker(secrets)
    wanted = {}
    destinations = []
    for name in chosen:
        found = source.look_up(name, "vendor")
        kind = str(found[0]) if found else name
        if NAME.fullmatch(name):
            wanted[name] = kind if NAME.fullmatch(kind) else name
        try:
            destinations.append(_joinable(destination(name, kind, source), settings))
        except ConfigError as error:
            problems[name] = error
    if "" in problems:
        destinations = []
    return Config(settings, tuple(destinations), wanted, problems, mask, tuple(secrets), tuple(sets))


def good_sets(config: Config, root: Path, environ: Mapping[str, str]) -> list[str]:
    """The overrides on the command line that are worth typing again: without one that is itself what is wrong."""

    def problems(sets: Sequence[str]) -> set[str]:
        try:
            found = load(root, environ, sets=sets, only=tuple(config.wanted), is_session=True).problems
        except ConfigError as error:
            return {str(error)}
        return {f"{name}: {error}" for name, error in found.items()}

    if not config.problems:
        return list(config.sets)
    now = problems(config.sets)
    return [each for each in config.sets if not problems([other for other in config.sets if other != each]) < now]


def read_marks(root: Path, environ: Mapping[str, str], sets: Sequence[str]) -> tuple[str, ...]:
    """Whose words are read besides ours: that has to be known early. Raises ConfigError for wrong settings."""
    settings, wrong = _settings(source_of(root, environ, sets))
    if wrong:
        raise wrong
    return settings.read_marks


def destination(name: str, kind: str, source: Source) -> Vendor:
    """A configured vendor. Raises ConfigError that says which setting to add or change, and where."""
    if not NAME.fullmatch(name) or name in _keys(Settings):
        rule = "small letters and digits, but neither a setting's name nor `results`"
        raise ConfigError(f"{name!r} cannot name a destination: use {rule}")
    try:
        vendor = find(kind)
    except ConfigError as error:
        near = _nearest(kind, names())
        raise ConfigError(f"{error}{near}; say `vendor = …` in {source.where(name)}") from error
    keys = _keys(vendor)
    section = source.sections.get(name, {})
    _check_keys((key for key in section if key not in vendor.described_by), name, keys, source.place(name))
    found = _found(name, kind, vendor, source)
    for key, entry in keys.items():
        if key not in found and entry.default is MISSING and entry.default_factory is MISSING:
            raise ConfigError(_missing(name, key, source, of_secret=is_secret(entry)))
    values = {key: convert(*raw, _hint(vendor, key), f"{name}.{key}") for key, raw in found.items()}
    if vendor.described_by:
        values["described"] = {key: section[key] for key in vendor.described_by if key in section}
    made = vendor(name=name, kind=kind, status=_statuses(name, source), **values)
    _check_secrets(made)
    _check_url(made, source)
    _check_names(made, source)
    return made


def trace(name: str, source: Source) -> list[tuple[str, str, str]]:
    """A destination's settings that are not defaults: key, value, where it was found. Secrets are masked."""
    chosen = source.look_up(name, "vendor")
    kind = str(chosen[0]) if chosen else name
    vendor = find(kind)
    rows = []
    for key, (value, where) in _found(name, kind, vendor, source).items():
        rows.append((key, MASK if is_secret(_keys(vendor)[key]) else str(value), where))
    for outcome in Outcome:
        raw = source.look_up(name, f"status.{outcome.value}")
        rows += [(f"status.{outcome.value}", str(raw[0]), raw[1])] if raw else []
    return rows


def _found(name: str, kind: str, vendor: type[Vendor], source: Source) -> dict[str, tuple[Any, str]]:
    found = {}
    for key, entry in _keys(vendor).items():
        own = vendor.variables.get(key, ()) if name == kind else ()
        raw = _secret(name, key, own, source) if is_secret(entry) else source.look_up(name, key, own)
        if raw is not None:
            found[key] = raw
    return found


def _missing(name: str, key: str, source: Source, *, of_secret: bool) -> str:
    variable = variable_name(name, key)
    if of_secret:
        return f"`{key}` is missing: set {variable} in the environment, or name a file in {variable}_FILE"
    return f"`{key}` is missing: add `{key} = …` to {source.where(name)}, or set {variable}"


def manual(vendor: type[Vendor]) -> list[tuple[str, str, str, list[str]]]:
    """A vendor's settings for its manual page: key, help, default, variables."""
    rows = []
    for key, entry in _keys(vendor).items():
        default = "required" if entry.default is MISSING and entry.default_factory is MISSING else ""
        if not default and entry.default not in ("", MISSING) and not is_secret(entry):
            default = str(entry.default).lower() if isinstance(entry.default, bool) else str(entry.default)
        variables = [variable_name("<NAME>", key), *vendor.variables.get(key, ())]
        if is_secret(entry):
            variables.insert(1, variable_name("<NAME>", key) + "_FILE")
        rows.append((key, entry.metadata.get("help", ""), default, variables))
    return rows


def _settings(source: Source) -> tuple[Settings, ConfigError | None]:
    values: dict[str, Any] = {}
    first: ConfigError | None = None
    try:
        _check_keys(source.sections.get("", {}), "", _keys(Settings), source.place(""))
    except ConfigError as error:
        first = error
    for key in _keys(Settings):
        found = source.look_up("", key)
        if found is not None:
            try:
                values[key] = convert(*found, _hint(Settings, key), key)
            except ConfigError as error:
                first = first or error
    return Settings(**values), first


def _wrong_dialect(settings: Settings, source: Source) -> ConfigError | None:
    known = [dialects.ALL, dialects.NONE, *dialects.names()]
    unknown = next((name for name in settings.read_marks if name not in known), None)
    if unknown is None:
        return None
    where = source.where("")
    return ConfigError(
        f"`read_marks` in {where} names {unknown!r}{_nearest(unknown, known)}; known: {', '.join(known)}"
    )


def _wrong_sharing(settings: Settings, environ: Mapping[str, str], *, is_session: bool) -> ConfigError | None:
    if "{time}" in settings.run_key:
        return ConfigError("`run_key` holds {time}, which is another on each machine: use {build}")
    if is_session:
        try:
            shard_of(environ, settings.shards, settings.shard)
        except ConfigError as error:
            return error
    return None


def _joinable(made: Vendor, settings: Settings) -> Vendor:
    """The same destination. Raises ConfigError where machines that share a run would not find it there."""
    if settings.run_key and made.has_runs and not made.run_id and not made.can("find_run"):
        variable = variable_name(made.name, "run_id")
        raise ConfigError(
            f"{made.label} cannot find a run by its key: take `run_key` out, or name the run with {variable}"
        )
    return made


def _check_typed(configured: Sequence[str], source: Source, only: Sequence[str]) -> None:
    """Raises ConfigError for a destination or an override on the command line that cannot be meant."""
    for name in only:
        if name not in configured and name not in names() and not source.look_up(name, "vendor"):
            known = sorted({*configured, *names()})
            raise ConfigError(
                f"{name}: there is no such destination{_nearest(name, known)}; add a section "
                f"{source.where(name)} with `vendor = …`, or name one of: {', '.join(known)}"
            )
    for name, given in source.overrides.items():
        if not name:
            _check_keys(given, "", _keys(Settings), "--tms-set")
            continue
        if name not in (*configured, *names(), *only):
            raise ConfigError(f"--tms-set names an unknown destination {name!r}{_nearest(name, configured or names())}")
        found = source.look_up(name, "vendor")
        _check_keys(given, name, _keys(find(str(found[0]) if found else name)), "--tms-set")


def _check_keys(given: Iterable[str], section: str, known: Mapping[str, DataclassField[Any]], where: str) -> None:
    own = ["vendor", *(f"status.{outcome.value}" for outcome in Outcome)] if section else []
    for key in given:
        plain = key.removesuffix("_file")
        if plain in known and is_secret(known[plain]):
            variable = variable_name(section, plain)
            raise ConfigError(
                f"`{key}` is a secret and stands in {where}: take it out (and replace it, others have seen it); "
                f"set {variable}, or name a file with {variable}_FILE"
            )
        if key not in known and key not in own:
            raise ConfigError(f"{where} holds an unknown key `{key}`{_nearest(key, (*known, *own))}")


def _statuses(name: str, source: Source) -> dict[str, str]:
    found = {outcome.value: source.look_up(name, f"status.{outcome.value}") for outcome in Outcome}
    return {outcome: str(raw[0]).strip() for outcome, raw in found.items() if raw is not None}


def _secret(name: str, key: str, own: Sequence[str], source: Source) -> tuple[str, str] | None:
    variable = variable_name(name, key)
    for each in (variable, f"{variable}_FILE", *own):
        held = source.environ.get(each, "").strip()
        if held and each.endswith("_FILE"):
            try:
                held = Path(held).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                raise ConfigError(f"{each} names a file that cannot be read: {error}") from error
        if held:
            return held, each
    return None


def _check_secrets(made: Vendor) -> None:
    for key, entry in _keys(type(made)).items():
        if not is_secret(entry):
            continue
        value = getattr(made, key)
        if not (value.isascii() and value.isprintable()):
            variable = variable_name(made.name, key)
            raise ConfigError(f"{variable} holds characters that no token has (a line break, a quote from elsewhere?)")


def _check_url(made: Vendor, source: Source) -> None:
    where = f"`url` in {source.where(made.name)} or {variable_name(made.name, 'url')}"
    try:
        parts = urlsplit(made.base_url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"{where} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{where} is {made.base_url!r}; it must begin with https:// and name a host")
    if parts.username or parts.password:
        raise ConfigError(f"{where} holds a user or password: set the secrets' own variables")
    if parts.scheme == "http" and not made.allow_http and not _is_loopback(host):
        raise ConfigError(
            f"{where} is plain http, which shows the token to the network: use https, or `allow_http = true`"
        )


def _check_names(made: Vendor, source: Source) -> None:
    where = f"`names` in {source.where(made.name)} or {variable_name(made.name, 'names')}"
    try:
        compiled = re.compile(made.names)
    except re.error as error:
        raise ConfigError(f"{where} is no regular expression: {made.names!r}: {error}") from error
    if made.names and "case" not in compiled.groupindex:
        raise ConfigError(f"{where} is {made.names!r}; it needs a group for the id: (?P<case>…)")
    known = dialects.names()
    for name in made.marks:
        if name not in known:
            raise ConfigError(
                f"`marks` in {source.where(made.name)} names {name!r}{_nearest(name, known)}; known: {', '.join(known)}"
            )


def _is_loopback(host: str) -> bool:
    import ipaddress  # noqa: PLC0415 - few addresses are without TLS

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret_values(source: Source, chosen: Iterable[str]) -> list[str]:
    """The values of all secrets in sight, also of destinations that are not reported to."""
    found = []
    named = {*source.sections, *source.overrides, *chosen} - {""}
    for name in named | {each for each in names() if may_be_set(each, source.environ)}:
        raw = source.look_up(name, "vendor")
        try:
            vendor = find(str(raw[0]) if raw else name)
        except ConfigError:
            continue
        for key, entry in _keys(vendor).items():
            if is_secret(entry):
                try:
                    secret = _secret(name, key, vendor.variables.get(key, ()), source)
                except ConfigError:
                    continue
                found += [secret[0]] if secret else []
    return found


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:  # no address: the first request says so
        return ""


def _nearest(word: str, options: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - nothing is misspelled, as a rule

    near = difflib.get_close_matches(word, list(options), 1, 0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def _keys(kind: type) -> dict[str, DataclassField[Any]]:
    return {entry.name: entry for entry in fields(kind) if entry.name not in _INTERNAL}


def _hint(kind: type, key: str) -> Any:
    """The type of one setting. Each is a text that has to be compiled, so that it is not done for all there are."""
    owner = next(each for each in kind.__mro__ if key in get_annotations(each))
    told = SimpleNamespace(__annotations__={key: get_annotations(owner)[key]})
    return get_type_hints(told, vars(sys.modules[owner.__module__]))[key]
