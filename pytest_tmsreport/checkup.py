"""What is wrong at one destination: the way to it, its token and project, what its settings name there, its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from . import reaching
from .client import Client, Network
from .config import Settings
from .covering import Covering
from .errors import AuthError, Doubtful, NotFound, TransientError, VendorError
from .findings import Finding, Level
from .model import Result
from .reaching import Means, Watch
from .render import count, plain
from .vendor import Vendor

PATIENCE_S = 20.0
"""How long a server may take: nobody waits for a doctor longer."""
CASES_S = 300.0
"""How long a tool may take to tell which cases it has: they may be thousands."""
SHOWN = 10
"""The most cases that a finding names."""


def checkup(vendor: Vendor, settings: Settings, tests: Sequence[Result] | None, means: Means) -> Iterator[Finding]:
    """What is good and what is wrong with a destination; with its cases, too, where the `tests` are known."""
    network = Network(settings.ca_bundle, settings.client_cert, settings.proxy)
    yield Finding("good", vendor.name, "limits", _limits(vendor))
    yield from reaching.way(vendor, network)
    client, watch = reaching.opened(vendor, network, means, PATIENCE_S)
    try:
        if vendor.can("verify"):
            found = list(_tried(vendor, "project", lambda: vendor.verify(client), watch))
            words = f"{vendor.base_url} answers; token and project are right"
            yield from found or [Finding("good", vendor.name, "project", words)]
            yield from reaching.clock(vendor, watch)
            if found:
                return
        else:
            words = f"{vendor.label} offers no way to try a token"
            yield Finding("warning", vendor.name, "token", words, "run one test")
        if vendor.run_id and vendor.can("read_run"):
            yield from _tried(vendor, "run", lambda: vendor.read_run(client, vendor.run_id), watch)
        checks: list[tuple[str, Callable[[], object]]] = []
        yield from _tried(vendor, "setting", lambda: checks.extend(vendor.checks(client)), watch)
        for key, check in checks:
            yield from _setting(vendor, key, check, watch)
    finally:
        client.close()
    if tests is not None:
        client, watch = reaching.opened(vendor, network, means, CASES_S)
        try:
            yield from _cases(vendor, client, watch, tests)
            yield from _uncovered(vendor, client, watch, tests)
        finally:
            client.close()


def _limits(vendor: Vendor) -> str:
    rate = f"{vendor.requests_per_minute} requests a minute" if vendor.requests_per_minute else "any number of requests"
    size = f"files of up to {vendor.file_bytes // 2**20} MiB" if vendor.file_bytes else "no files"
    return f"{count(vendor.batch_size, 'result')} at once, {rate}, {vendor.parallel} under way, {size}"


def _tried(vendor: Vendor, check: str, look: Callable[[], object], watch: Watch, start: str = "") -> Iterator[Finding]:
    """What looking raises."""
    try:
        look()
    except VendorError as error:
        is_shut = isinstance(error, AuthError)
        if watch.broken or isinstance(error, TransientError):
            check, start = watch.check, f"{start}cannot be reached: "
        elif is_shut:
            check, start = "rights" if error.status == 403 else "token", f"{start}the token or its rights: "
        elif isinstance(error, NotFound) and check in ("project", "run"):
            start = f"the {check}: "
        level: Level = "warning" if isinstance(error, Doubtful) else "broken"
        yield Finding(level, vendor.name, check, f"{start}{error}", error.remedy or "look at the words of the server")


def _setting(vendor: Vendor, key: str, check: Callable[[], object], watch: Watch) -> Iterator[Finding]:
    """What a setting names and the tool lacks: the remedy says which setting."""
    for finding in _tried(vendor, "status" if key.startswith("status.") else "setting", check, watch, f"`{key}`: "):
        is_told = f"`{key}`" in finding.remedy or finding.check not in ("status", "setting")
        yield finding if is_told else replace(finding, remedy=f"correct `{key}`; {finding.remedy}")


def _cases(vendor: Vendor, client: Client, watch: Watch, tests: Sequence[Result]) -> Iterator[Finding]:
    named: dict[str, list[str]] = {}
    for test in tests:
        for case in vendor.case_ids(test):
            named.setdefault(case, []).append(test.nodeid)
    if not vendor.can("known_cases"):
        return
    known: set[str] = set()
    yield from _tried(vendor, "cases", lambda: known.update(vendor.known_cases(client, list(named))), watch)
    unknown = [f"{case} ({nodeids[0]})" for case, nodeids in named.items() if case not in known]
    yield Finding("good", vendor.name, "cases", f"{count(len(known), 'case')} of the tests' marks are known")
    if unknown:
        words = f"{vendor.label} does not know {count(len(unknown), 'case')}: {_some(unknown)}"
        yield Finding("warning", vendor.name, "cases", words, "correct the marks, or make the cases")


def _uncovered(vendor: Vendor, client: Client, watch: Watch, tests: Sequence[Result]) -> Iterator[Finding]:
    plan = str(getattr(vendor, "plan", "") or "")
    if not (plan and vendor.can("planned")):
        return
    bare: list[str] = []

    def look() -> None:
        cases = list(dict.fromkeys(vendor.planned(client, plan)))
        covering = Covering.of(vendor, cases)
        covered = set().union(*(covering.find(test) or () for test in tests))
        bare.extend((*case.ids, *case.names)[0] for at, case in enumerate(cases) if at not in covered)

    yield from _tried(vendor, "uncovered", look, watch, f"plan {plan}: ")
    if bare:
        words = f"no test covers {count(len(bare), 'case')} of plan {plan}: {_some(bare)}"
        yield Finding("warning", vendor.name, "uncovered", words, "mark a test with each, or take them out")


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return plain(", ".join(words[:SHOWN]), 1000) + more
