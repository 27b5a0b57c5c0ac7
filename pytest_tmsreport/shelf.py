"""Results that must all be known before the first is sent: their places in the journal are kept, and not they."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Literal, overload

from .aggregate import merge, part, part_id
from .journal import Receipts, RunFolder
from .model import Result
from .pending import ready
from .vendor import Vendor


class Shelf:
    """Where the results are that are to go to a tool, and which of them speak of a case; each is read when it is sent.

    `left` counts, of the tests with several cases, what is to be sent of each.
    """

    def __init__(self, folder: RunFolder, vendor: Vendor, receipts: Receipts) -> None:
        self.left: dict[str, int] = {}
        self._folder = folder
        self._vendor = vendor
        self._receipts = receipts
        self._places = array("Q")
        self._homeless: dict[int, str] = {}  # the ids of those without a case
        self._found: Mapping[str, tuple[str, ...]] = {}
        self._first: dict[str | int, int] = {}  # case -> place; a test without a case is its own
        self._more: dict[str | int, list[int]] = {}

    def add(self, place: int, result: Result) -> None:
        """Keeps the place of a result."""
        self._places.append(place)
        if result.case_ids:
            self._file(place, result.id, result.case_ids)
        else:
            self._homeless[place] = result.id

    @property
    def homeless(self) -> Sequence[Result]:
        """The results without a case."""
        return _Read(self._folder, self._vendor, array("Q", self._homeless))

    def resolve(self, found: Mapping[str, tuple[str, ...]]) -> int:
        """Files those without a case under what was found (result id -> case ids); returns how many cannot be sent."""
        self._found = found
        unfiled = 0
        for place, id_ in self._homeless.items():
            if found.get(id_) or not self._vendor.wants_case:
                self._file(place, id_, found.get(id_, ()))
            else:
                unfiled += 1
        return unfiled

    def cases(self) -> list[str]:
        """Every case that there is a result for, in the order of the journal."""
        return [case for case in self._order() if isinstance(case, str)]

    def results(self) -> Iterator[Result]:
        """The results one by one, in the order in which they were added."""
        found = map(self._ready, self._folder.at(self._places))
        return (result for result in found if result.case_ids or not self._vendor.wants_case)

    def merged(self, how: Literal["worst", "last"]) -> Iterator[Result]:
        """One result for each case."""
        order = self._order()
        results = self._folder.at(chain.from_iterable(map(self._of, order)))
        for case in order:
            mine = islice(results, len(self._of(case)))
            yield merge([part(self._ready(result), str(case)) for result in mine], how)

    def _ready(self, result: Result) -> Result:
        case_ids = self._vendor.case_ids(result) or self._found.get(result.id, ())
        return ready(self._vendor, result, case_ids)

    def _file(self, place: int, id_: str, case_ids: Sequence[str]) -> None:
        parts = case_ids if self._vendor.aggregate != "each" and len(case_ids) > 1 else ()
        for case in case_ids or (place,):
            if parts and part_id(id_, str(case)) in self._receipts.sent:
                continue
            if parts:
                self.left[id_] = self.left.get(id_, 0) + 1
            if case in self._first:
                first = self._first[case]
                self._first[case] = min(first, place)
                self._more.setdefault(case, []).append(max(first, place))
            else:
                self._first[case] = place

    def _of(self, case: str | int) -> list[int]:
        """The places of the results of a case, in the order of the journal."""
        first, more = self._first[case], self._more.get(case)
        return [first, *sorted(more)] if more else [first]

    def _order(self) -> list[str | int]:
        return sorted(self._first, key=self._first.__getitem__)


class _Read(Sequence[Result]):
    """Results without a case, each read when it is looked at."""

    def __init__(self, folder: RunFolder, vendor: Vendor, places: Sequence[int]) -> None:
        self._folder = folder
        self._vendor = vendor
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Result]:
        return (ready(self._vendor, result, ()) for result in self._folder.at(self._places))

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        if isinstance(index, slice):
            return list(_Read(self._folder, self._vendor, self._places[index]))
        return next(iter(_Read(self._folder, self._vendor, [self._places[index]])))
