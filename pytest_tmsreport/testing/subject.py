"""What the contract is held against: a vendor, its stand-in, and what only the two of them know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ..errors import JournalError
from ..model import Result
from ..sandbox.site import Sandbox
from ..vendor import Vendor
from .desk import Desk
from .results import make_results


class Subject:
    """The vendor under test, with its cases, plans and bad results."""

    vendor: ClassVar[Vendor]
    sandbox: ClassVar[Callable[[], Sandbox]]
    closing: ClassVar[Vendor | None] = None
    """The vendor set up so that it completes runs, where `vendor` is not."""

    def case(self, number: int) -> str:
        """The id of a case that the sandbox knows, as a mark would name it."""
        return str(number)

    def results(self, number: int, **changes: Any) -> list[Result]:
        """So many results of every outcome, each with a case of its own."""
        made = make_results(number, **changes)
        return [replace(each, ids=({"": (self.case(place),)},)) for place, each in enumerate(made, 1)]

    def spoil(self, result: Result) -> Result:
        """The same result made so that the tool refuses it, and nothing else in its batch."""
        return replace(result, ids=({"": ("no such case",)},))

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        """Makes a plan of these cases, as marks name them, in the sandbox; returns how a user names it."""
        raise NotImplementedError(f"say how a plan is made: {self.vendor.label} lists the cases of one")

    def _needs(self, method: str) -> None:
        """Skips a test of what the vendor does not support."""
        if not self.vendor.can(method):
            pytest.skip(f"{self.vendor.label} has no {method}")

    def _close(self, desk: Desk) -> None:
        """Sets the desk up so that runs are completed."""
        desk.vendor = self.closing or self.vendor
        if not (desk.vendor.closes and desk.vendor.can("finish_shard")):
            pytest.skip(f"{self.vendor.label} does not know who is done")

    def _takes_files(self) -> bool:
        """True where the tool is sent attachments."""
        return self.vendor.can("attach") or self.vendor.files == "inline"

    def _resolved(self, text: str) -> tuple[str, ...]:
        """The case ids that a mark with this text gives a test here."""
        (result,) = make_results(1, ids=({"": (text,)},))
        return self.vendor.case_ids(result)

    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        """A desk of each test's own."""
        made = Desk(tmp_path, self.vendor, type(self).sandbox())
        yield made
        with suppress(JournalError):  # most tests have ended it
            made.journal.end(exitstatus=0, not_run=[])
