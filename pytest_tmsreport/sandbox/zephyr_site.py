"""What a Jira with Zephyr Scale remembers: cases, cycles, executions, folders; the same for each of its APIs."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box, read_json
from .site import Refused
from .zephyr_fields import CASE, CYCLES, EXECUTED, LAST_CASE, PROJECT, Rules, imported, words

Row = dict[str, Any]
LISTED = 5000


@dataclass
class Case:
    """A test case."""

    id: int
    key: str
    name: str
    folder: int = 0


@dataclass
class Cycle:
    """A test cycle, or a test run of DC; `items` are its cases, `links` its web links, `fields` all else."""

    id: int
    key: str
    name: str
    status: str
    fields: Row
    items: list[str] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)


@dataclass
class Execution:
    """One result of a case in a cycle, in the words of neither API."""

    id: int
    cycle: str
    case: str
    status: str
    environment: str
    comment: str
    end: str
    body: Row


class Site:
    """Safe to share between threads by the lock of its box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self.box = box
        self.rules = rules
        self.clock = clock
        self.ids = itertools.count(1001)
        self.cycles: dict[str, Cycle] = {}
        self.executions: dict[int, Execution] = {}
        self.folders: dict[int, Row] = {}
        self._cases: dict[str, Case] = {}
        self._numbers = itertools.count(1)
        self.plans = {key: list(cycles) for key, cycles in rules.plans.items()}
        for key, name in (rules.cases or {}).items():
            self._cases[key] = Case(next(self.ids), key, name)

    @property
    def statuses(self) -> Mapping[str, Mapping[str, int]]:
        """Kind -> name -> number."""
        kinds = {"TEST_EXECUTION": (*EXECUTED, *self.rules.statuses), "TEST_CYCLE": CYCLES}
        return {
            kind: {name: start + place for place, name in enumerate(names)}
            for (kind, names), start in zip(kinds.items(), (1, 101), strict=True)
        }

    def cases(self) -> list[Case]:
        """Those there are; where any key passes, those of which somebody has spoken, and the first 5,000."""
        if self.rules.cases is None and len(self._cases) < LISTED:
            for number in range(1, LISTED + 1):
                self.case(f"{PROJECT}-T{number}")
        return list(self._cases.values())

    def case(self, key: str) -> Case | None:
        """The case of that key."""
        with self.box.lock:
            passes = self.rules.cases is None and CASE.fullmatch(key) and key.startswith(f"{PROJECT}-T")
            if key not in self._cases and passes and int(key.rpartition("T")[2]) < LAST_CASE:
                self._cases[key] = Case(next(self.ids), key, f"Case {key}")
            return self._cases.get(key)

    def add_case(self, name: str) -> Case:
        """Makes a case."""
        with self.box.lock:
            made = Case(next(self.ids), f"{PROJECT}-T{LAST_CASE + len(self._cases)}", name)
            self._cases[made.key] = made
            return made

    def add_cycle(self, name: str, fields: Row, *, status: str = "Not Executed") -> Cycle:
        """Makes a cycle."""
        with self.box.lock:
            made = Cycle(next(self.ids), f"{PROJECT}-R{next(self._numbers)}", name, status, fields)
            self.cycles[made.key] = made
            self.box.add_run(ArrivedRun(made.key, name, self.clock(), PROJECT, fields))
            return made

    def cycle(self, key_or_id: str) -> Cycle | None:
        """The cycle of that key, or number."""
        by_id = (each for each in self.cycles.values() if str(each.id) == key_or_id)
        return self.cycles.get(key_or_id) or next(by_id, None)

    def remove(self, cycle: Cycle) -> None:
        """Removes a cycle with all that it holds."""
        with self.box.lock:
            self.cycles.pop(cycle.key)
            self.box.runs.pop(cycle.key, None)
            for found in self.executions_of(cycle.key):
                del self.executions[found.id]
                self.box.results.pop((cycle.key, str(found.id)), None)

    def finish(self, cycle: Cycle, status: str) -> None:
        """Gives a cycle a status; a done one has ended."""
        cycle.status = status
        run = self.box.runs.get(cycle.key)
        if run is not None:
            run.end = self.clock() if status == "Done" else None

    def add_execution(self, cycle: Cycle, case: Case, said: Row, body: Row) -> Execution:
        """Keeps a result; `said` has the words that all APIs share, `body` is as it was sent."""
        with self.box.lock:
            made = Execution(
                next(self.ids),
                cycle.key,
                case.key,
                said.get("status") or "Not Executed",
                said.get("environment") or "",
                said.get("comment") or "",
                said.get("end") or "",
                body,
            )
            self.executions[made.id] = made
            if case.key not in cycle.items:
                cycle.items.append(case.key)
            self.box.add_result(ArrivedResult(str(made.id), cycle.key, made.status, case.name, (case.key,), body))
            return made

    def executions_of(self, cycle: str) -> list[Execution]:
        """The results of a cycle, in the order in which they came."""
        with self.box.lock:
            return [each for each in self.executions.values() if each.cycle == cycle]

    def last_of(self, cycle: str) -> dict[tuple[str, str], Execution]:
        """The last result of each case and environment."""
        return {(each.case, each.environment): each for each in self.executions_of(cycle)}

    def add_file(self, name: str, mime: str, content: bytes) -> int:
        """Keeps a file; one that is too large is refused."""
        if len(content) > self.rules.file_bytes:
            raise Refused(413, f"The file has {len(content)} bytes, and {self.rules.file_bytes} are allowed.")
        number = next(self.ids)
        digest = hashlib.sha256(content).hexdigest()
        self.box.add_attachment(ArrivedFile(str(number), name, mime, len(content), digest))
        return number

    def add_folder(self, name: str, kind: str, parent: int) -> int:
        """Makes a folder."""
        with self.box.lock:
            number = next(self.ids)
            self.folders[number] = {"id": number, "name": name, "kind": kind, "parent": parent}
            return number

    def folder_at(self, path: str, kind: str) -> int:
        """The number of the folder of that path; 0 where there is none."""
        at = 0
        for name in filter(None, path.split("/")):
            found = [
                number
                for number, each in self.folders.items()
                if (each["name"], each["kind"], each["parent"]) == (name, kind, at)
            ]
            if not found:
                return 0
            at = found[0]
        return at

    def take_import(self, fields: Callable[[Row], Row]) -> Cycle:
        """Makes a cycle of the file of the request at hand; `fields` checks the part that describes it."""
        executions = self._unpacked()
        part = request.files.get("testCycle")
        told = part.read() if part else (request.form.get("testCycle") or "{}").encode()
        try:
            described = fields(read_json(told))
        except ValueError as error:
            raise Refused(400, "The part testCycle is no JSON.") from error
        mapped = [(entry, self._matched(entry.get("testCase") or {})) for entry in executions]
        if not any(case for _, case in mapped):
            raise Refused(400, "Couldn't find any mapped test cases")
        cycle = self.add_cycle(described.pop("name", "Automated test cycle"), described)
        for entry, case in mapped:
            if case is not None:  # the others are passed over without a word
                status = {"Passed": "Pass", "Failed": "Fail"}[entry["result"]]
                said = {"status": status, "comment": entry["testCase"].get("comment", "")}
                self.add_execution(cycle, case, said, entry)
        return cycle

    def _unpacked(self) -> Sequence[Row]:
        file = request.files.get("file")
        content = file.read() if file else b""
        if len(content) > self.rules.file_bytes:
            raise Refused(413, f"The file may have {self.rules.file_bytes} bytes.")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                held = [json.loads(archive.read(name)) for name in archive.namelist()]
        except (zipfile.BadZipFile, ValueError) as error:
            raise Refused(400, "Invalid ZIP file") from error
        faults = [fault for each in held for fault in imported()(each, "")]
        if faults:
            raise Refused(400, f"Invalid Custom Format JSON file: {words(faults)}")
        return [entry for each in held for entry in each["executions"]]

    def _matched(self, wanted: Mapping[str, str]) -> Case | None:
        if wanted.get("key"):
            return self.case(wanted["key"])
        found = next((case for case in self._cases.values() if case.name == wanted.get("name")), None)
        creates = request.args.get("autoCreateTestCases") == "true"
        return self.add_case(wanted["name"]) if found is None and creates and wanted.get("name") else found
