"""What plans and runs hold: asked for once, before tests are collected, by a short-lived child process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .config import Config
from .errors import SelectionError, TmsError, VendorError
from .journal import encode
from .masking import masker
from .render import plain
from .sender import GRACE_S, LOAD, Origin, job, own_group, revived
from .vendor import Case, Vendor, find

if TYPE_CHECKING:
    from .client import Client

BOOT = f"{LOAD}\nfrom pytest_tmsreport.planning import main\nmain()\n"
TOLD = 300
"""Most characters of what a child that failed has said."""


Kind = Literal["plan", "run", "failed"]


class Wish(NamedTuple):
    """What is to be run: the cases of a plan, those of a run, or those that failed in a run, of a destination."""

    destination: str
    kind: Kind
    id: str

    def __str__(self) -> str:
        words = {"plan": "plan", "run": "run", "failed": "what failed in run"}
        return f"{words[self.kind]} {self.id} of {self.destination}"


@dataclass(frozen=True)
class Chosen:
    """The cases to be run: `cases` maps a destination to its own, `vendors` are those destinations."""

    wishes: tuple[Wish, ...]
    vendors: tuple[Vendor, ...]
    cases: dict[str, tuple[Case, ...]]


def choose(wishes: Sequence[Wish], config: Config, origin: Origin, root: Path) -> Chosen:
    """What the wishes come to, asked of the tools; cases of several add up.

    Raises SelectionError where a tool cannot list, cannot be reached or refuses, and for a plan or a run that is
    unknown or holds no case. Where the wish is for what has failed, there may be none.
    """
    vendors = {vendor.name: vendor for vendor in config.destinations}
    for wish in wishes:
        _check(wish, vendors, config)
    needed = [vendors[name] for name in dict.fromkeys(wish.destination for wish in wishes)]
    cases: dict[str, dict[Case, None]] = {vendor.name: {} for vendor in needed}
    for wish, held in zip(wishes, _asked(wishes, needed, config, origin, root), strict=True):
        if not held and wish.kind != "failed":
            raise SelectionError(f"{wish} holds no case, so that nothing would run\n  what to do: add cases to it")
        cases[wish.destination].update((case, None) for case in held if wish.kind != "failed" or case.has_failed)
    return Chosen(tuple(wishes), tuple(needed), {name: tuple(held) for name, held in cases.items()})


def _check(wish: Wish, vendors: dict[str, Vendor], config: Config) -> None:
    problem = config.problems.get(wish.destination) or config.problems.get("")
    if problem:
        raise SelectionError(f"{wish} cannot be read: {problem}") from problem
    vendor = vendors[wish.destination]
    if not vendor.can("planned" if wish.kind == "plan" else "recorded"):
        what = "plan" if wish.kind == "plan" else "run"
        raise SelectionError(
            f"{wish} cannot be read: {vendor.label} offers no list of the cases of a {what}\n"
            "  what to do: choose tests with `-m` or `-k`, or by the plan of another destination"
        )


def _asked(
    wishes: Sequence[Wish], vendors: Sequence[Vendor], config: Config, origin: Origin, root: Path
) -> list[list[Case]]:
    seconds = config.settings.deadline_s
    work = {**job(vendors, config.settings, secrets=config.secrets), "wishes": wishes, "deadline_s": seconds}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            origin.command(BOOT),
            input=encode(work).encode("ascii") + b"\n",
            capture_output=True,
            cwd=root,
            env=dict(origin.environ),
            timeout=seconds + GRACE_S,
            check=False,
            **own_group(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SelectionError(f"{wishes[0]} cannot be read: {plain(config.mask(str(error)))}") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise SelectionError(f"{wishes[0]} cannot be read: {plain(config.mask(words[0]), TOLD)}") from error
    if "error" in answer:
        remedy = f"\n  what to do: {answer['remedy']}" if answer["remedy"] else ""
        raise SelectionError(f"{Wish(*answer['wish'])} cannot be read: {answer['error']}{remedy}")
    return [[case_from(each) for each in cases] for cases in answer["cases"]]


def case_from(data: dict[str, Any]) -> Case:
    """Reads a case that was made JSON."""
    return Case(tuple(data["ids"]), data["title"], tuple(data["names"]), data["has_failed"])


def main() -> None:
    """The child: reads its job from stdin, and writes the cases, or what went wrong, to stdout as JSON."""
    given = json.loads(sys.stdin.buffer.readline())
    ends = time.monotonic() + given["deadline_s"]
    mask = masker(given["secrets"], given["mask"])

    from .client import Client, Network  # noqa: PLC0415 - the process that runs tests never imports requests

    found: list[list[dict[str, Any]]] = []
    clients: dict[str, Client] = {}
    for each in given["vendors"]:
        vendor = find(each["kind"])(**revived(each))
        clients[vendor.name] = Client(vendor, network=Network(*given["network"]), deadline=lambda: ends)
    answer: dict[str, Any] = {"cases": found}
    try:
        for each in given["wishes"]:
            wish = Wish(*each)
            found.append([case._asdict() for case in _read(wish, clients[wish.destination])])
    except TmsError as error:
        remedy = error.remedy if isinstance(error, VendorError) else ""
        words, advice = (plain(mask(text), 500) for text in (str(error), remedy))
        answer = {"wish": given["wishes"][len(found)], "error": words, "remedy": advice}
    sys.stdout.write(encode(answer))


def _read(wish: Wish, client: Client) -> Iterable[Case]:
    vendor = client.vendor
    return vendor.planned(client, wish.id) if wish.kind == "plan" else vendor.recorded(client, wish.id)
