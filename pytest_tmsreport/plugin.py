"""pytest's hooks: the options, the marker, and which object listens in which process.

This module is imported in every session, so it imports next to nothing: the rest waits until a report is asked for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import Config
    from .guard import Guard
    from .sender import Origin
    from .witness import Witness

MARKER = (
    "tms(*ids, title=, description=, suite=, tags=, fields=, links=, notes=, parameters=, ignore=, **ids_of): the "
    "test's cases in test-management tools. Positional ids are for every destination; a keyword named as a destination "
    "or vendor replaces them for that one."
)
NOTHING_COLLECTED = ("showfixtures", "show_fixtures_per_test", "cacheshow", "help", "markers")
NOTHING_RUNS = ("collectonly", "setupplan", "setuponly", *NOTHING_COLLECTED)
SELECTORS = {
    "plan": "run only the tests of the cases that this plan holds",
    "run": "run only the tests of the cases that this run (cycle, execution) holds",
    "rerun-failed": "run only the tests of the cases that have failed in this run",
}
OTHER_MARKERS = Path(__file__).parent / "dialects" / "markers.txt"
"""The marks of plugins that a suite was written for: it keeps passing where they are not installed any more."""
IMPORT_PATH = tuple(sys.path)
"""As it is before `pythonpath`, conftest files and tests add to it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tmsreport", "reporting to test-management tools")
    group.addoption("--tms", action="store_true", help="report the results to every destination of the settings")
    group.addoption(
        "--tms-to",
        action="append",
        default=[],
        metavar="NAME",
        help="report to this destination, or to a vendor that is configured by environment variables (repeatable)",
    )
    group.addoption(
        "--tms-set",
        action="append",
        default=[],
        metavar="NAME.KEY=VALUE",
        help="a setting, such as qase.project=SHOP or on_loss=fail; secrets are refused (repeatable)",
    )
    group.addoption("--tms-stream", action="store_true", help="deliver while the tests run, not when all have ended")
    group.addoption(
        "--tms-dry-run", action="store_true", help="print every request that would be sent, and send none of them"
    )
    for name, words in SELECTORS.items():
        group.addoption(
            f"--tms-{name}",
            action="append",
            default=[],
            metavar="[NAME:]ID",
            help=f"{words} (repeatable: what any holds)",
        )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hooks  # noqa: PLC0415 - see above

    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """What other plugins' decorators leave in conftest files would be lost by the time of `pytest_configure`."""
    option = early_config.known_args_namespace
    if _is_wanted(option) or _may_select(option):
        from . import config, dialects  # noqa: PLC0415 - see above
        from .guard import Guard  # noqa: PLC0415

        with Guard()("foreseeing"):  # what is wrong is said in due time, when it is met again
            read_marks = config.read_marks(early_config.rootpath, os.environ, option.tms_set)
            dialects.before_conftests(early_config, read_marks)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)  # always, so that a suite passes with the flag off
    for line in OTHER_MARKERS.read_text(encoding="utf-8").splitlines():
        config.addinivalue_line("markers", line)
    if hasattr(config, "workerinput"):
        shared = config.workerinput.get("tmsreport")  # none: a worker stays silent, it never becomes a reporter
        if shared is not None:
            wanted = _wanted(config, is_worker=True)
            _watch(config, wanted, folder=Path(shared["folder"]), worker=config.workerinput["workerid"])
        if "tmsreport_selection" in config.workerinput:
            _deselect(config, json.loads(config.workerinput["tmsreport_selection"]))
        return
    reported = _wanted(config, is_worker=False) if _is_wanted(config.option) else None
    chosen = _chosen(config, reported) if _may_select(config.option) else None
    if reported:
        _watch(config, reported)
    if chosen:
        _deselect(config, chosen)


def _is_asked(option: Any) -> bool:
    return bool(option.tms or option.tms_to or option.tms_stream or option.tms_dry_run)


def _is_wanted(option: Any) -> bool:
    return _is_asked(option) and not any(getattr(option, name, False) for name in NOTHING_RUNS)


def _chooses(option: Any) -> bool:
    return bool(option.tms_plan or option.tms_run or option.tms_rerun_failed)


def _may_select(option: Any) -> bool:
    """True also where tests are only listed: the list is to be that of those which would run."""
    return (_is_asked(option) or _chooses(option)) and not any(
        getattr(option, name, False) for name in NOTHING_COLLECTED
    )


def _chosen(config: pytest.Config, reported: Config | None) -> dict[str, Any] | None:
    if reported and not reported.may_select() and not _chooses(config.option):
        return None
    from .selection import chosen_by  # noqa: PLC0415 - see above

    return chosen_by(config, reported, _origin())


def _deselect(config: pytest.Config, chosen: dict[str, Any]) -> None:
    from .selection import Selection  # noqa: PLC0415 - see above

    config.pluginmanager.register(Selection(config, chosen), "tmsreport-selection")


def _origin() -> Origin:
    from .sender import Origin  # noqa: PLC0415 - see above

    return Origin.here(IMPORT_PATH, os.environ, os.getcwd())  # noqa: PTH109 - a plain text is wanted


def _watch(config: pytest.Config, wanted: Config, folder: Path | None = None, worker: str = "") -> None:
    from .guard import Guard  # noqa: PLC0415 - see above
    from .witness import Courier, Witness  # noqa: PLC0415

    guard = Guard()
    folder = folder if folder and folder.is_dir() else None  # a worker on another machine has none
    note = folder / f"{worker}.json" if folder else None
    reporter = None
    if not worker:
        from .reporter import Reporter  # noqa: PLC0415 - see above

        reporter = Reporter(config, wanted, _origin(), guard, rehearse=config.option.tms_dry_run)
        config.pluginmanager.register(reporter, "tmsreport-reporter")
        folder = reporter.folder
    witness = Witness(config, wanted, guard, note=note, folder=folder)
    for name, listener in _listeners(config, wanted, witness, guard):
        config.pluginmanager.register(listener, name)
    config.pluginmanager.register(witness, "tmsreport-witness")
    if reporter:
        reporter.ask(witness)
    else:
        config.pluginmanager.register(Courier(witness, guard, takes_notes=note is not None), "tmsreport-courier")


def _listeners(config: pytest.Config, wanted: Config, witness: Witness, guard: Guard) -> Iterator[tuple[str, object]]:
    """What makes steps and files of that which tests do not say themselves."""
    settings = wanted.settings
    from .subtests import Subtests  # noqa: PLC0415 - see above

    yield "tmsreport-subtests", Subtests(config.pluginmanager, witness, guard)
    if settings.fixtures:
        from .fixtures import Fixtures  # noqa: PLC0415 - see above

        yield "tmsreport-fixtures", Fixtures(config.rootpath, guard)
    if settings.screenshots == "failed":
        from .screenshots import Screenshots  # noqa: PLC0415 - see above

        yield "tmsreport-screenshots", Screenshots(settings.screenshot_fixtures, guard)


def _wanted(config: pytest.Config, *, is_worker: bool) -> Config:
    from .config import load  # noqa: PLC0415 - see above
    from .errors import ConfigError  # noqa: PLC0415

    option = config.option
    try:
        wanted = load(config.rootpath, os.environ, sets=option.tms_set, only=option.tms_to, is_session=True)
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from error
    if not is_worker:
        _refuse_a_stray_name(config, wanted)
        if not wanted.wanted and not wanted.problems:
            raise pytest.UsageError(NOTHING_CONFIGURED)
        if wanted.problems and wanted.settings.on_loss == "fail":
            raise pytest.UsageError("\n".join(_problem(*each) for each in wanted.problems.items()))
    return wanted


def _problem(name: str, error: Any) -> str:
    return f"tmsreport: {name + ': ' if name else ''}{error}"


def _refuse_a_stray_name(config: pytest.Config, wanted: Config) -> None:
    """`--tms qase` looks right, and pytest would answer that there is no such file."""
    for argument in config.args:
        if argument in wanted.vendor_names() and not (config.invocation_params.dir / argument).exists():
            raise pytest.UsageError(f"--tms takes no name: write `--tms-to {argument}`")


NOTHING_CONFIGURED = """\
--tms has nowhere to report to: no settings name a destination. Add to pytest.ini, for example

    [tmsreport:qase]
    project = SHOP

and set TMSREPORT_QASE_TOKEN in the environment (`tmsreport vendors` lists the tools and their settings).
To try it without any account:

    tmsreport sandbox qase -- pytest --tms-to qase"""
