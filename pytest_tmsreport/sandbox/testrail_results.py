"""TestRail's tests, their results, and the files with those."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping

from flask import Response, jsonify, request

from .box import ArrivedFile, ArrivedResult
from .checks import Check, each, record
from .site import Refused
from .testrail_answers import Row, checked, invalid, page, unknown_case
from .testrail_fields import AN_ID, UNTESTED, result_fields
from .testrail_store import Store


class Results:
    """The methods that list tests, and list and take results and files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = store.rules
        self._fields = result_fields(store.statuses)

    def get_tests(self, run_id: int) -> Response:
        store, run = self._store, self._store.known_run(run_id)
        tests = []
        with store.box.lock:
            latest = {row["test_id"]: row["status_id"] for row in store.results.values()}
            for case in sorted(store.cases_of(run)):
                test = store.test(run["id"], case)
                own = {key: value for key, value in store.cases[case].items() if key not in ("id", "section_id")}
                row = {"id": test, "case_id": case, "run_id": run["id"], "status_id": latest.get(test, UNTESTED)}
                tests.append({**own, **row})
        if "status_id" in request.args:
            tests = [test for test in tests if str(test["status_id"]) in request.args["status_id"].split(",")]
        return page(self._rules, "tests", tests)

    def get_results(self, test_id: int) -> Response:
        return self._listed([test_id])

    def get_results_for_case(self, run_id: int, case_id: int) -> Response:
        run = self._store.known_run(run_id)
        if case_id not in self._store.cases_of(run):
            raise unknown_case(f"case C{case_id}")
        return self._listed([self._store.test(run["id"], case_id)])

    def get_results_for_run(self, run_id: int) -> Response:
        run = self._store.known_run(run_id)
        return self._listed([self._store.test(run["id"], case) for case in self._store.cases_of(run)])

    def add_result(self, test_id: int) -> Response:
        run_id, _ = self._store.tests.get(test_id, (0, 0))
        body = self._checked_result()
        return jsonify(self._add(self._store.changeable_run(run_id), [{**body, "test_id": test_id}])[0])

    def add_result_for_case(self, run_id: int, case_id: int) -> Response:
        body = self._checked_result()
        return jsonify(self._add(self._store.changeable_run(run_id), [{**body, "case_id": case_id}])[0])

    def add_results(self, run_id: int) -> Response:
        return jsonify(self._add(self._store.changeable_run(run_id), self._checked_results("test_id")))

    def add_results_for_cases(self, run_id: int) -> Response:
        return jsonify(self._add(self._store.changeable_run(run_id), self._checked_results("case_id")))

    def add_attachment_to_result(self, result_id: int) -> Response:
        if result_id not in self._store.results:
            raise invalid("result_id", "is not a valid test result")
        return self._attached({"result_id": result_id, "test_id": self._store.results[result_id]["test_id"]})

    def add_attachment_to_run(self, run_id: int) -> Response:
        return self._attached({"run_id": self._store.known_run(run_id)["id"]})

    def get_attachments_for_run(self, run_id: int) -> Response:
        self._store.known_run(run_id)
        rows = [row for row in self._store.files.values() if self._run_of(row) == run_id]
        return page(self._rules, "attachments", rows)

    def get_attachments_for_test(self, test_id: int) -> Response:
        return jsonify([row for row in self._store.files.values() if row.get("test_id") == test_id])

    def _listed(self, tests: Iterable[int]) -> Response:
        wanted = set(tests)
        rows = [row for row in reversed(self._store.results.values()) if row["test_id"] in wanted]
        return page(self._rules, "results", rows)

    def _checked_result(self) -> Row:
        body: Row = checked(self._result({}))
        return body

    def _checked_results(self, key: str) -> list[Row]:
        rows: list[Row] = checked(record({"results": each(self._result({key: AN_ID}))}))["results"]
        if not rows:
            raise invalid("results", "cannot be empty but no valid tests or cases found")
        return rows

    def _result(self, required: Mapping[str, Check]) -> Check:
        return record({**required, "status_id": self._fields["status_id"]}, self._fields)

    def _add(self, run: Row, rows: list[Row]) -> list[Row]:
        """All of them, or none."""
        with self._store.box.lock:
            cases = self._store.cases_of(run)
            placed = [self._placed(run, row) for row in rows]
            for row, case in zip(rows, placed, strict=True):
                if case not in cases:
                    raise unknown_case(f"case C{case}" if "case_id" in row else f"test T{row['test_id']}")
            return [self._kept(run["id"], case, row) for row, case in zip(rows, placed, strict=True)]

    def _placed(self, run: Row, row: Row) -> int:
        if "case_id" in row:
            return int(row["case_id"])
        of_run, case = self._store.tests.get(row["test_id"], (0, 0))
        return case if of_run == run["id"] else 0

    def _kept(self, run: int, case: int, row: Row) -> Row:
        store, key = self._store, next(self._store.ids)
        texts = {name: row.get(name) for name in ("comment", "version", "elapsed", "defects", "assignedto_id")}
        custom = {name: value for name, value in row.items() if name.startswith("custom_")}
        made = {"id": key, "test_id": store.test(run, case), "status_id": row["status_id"]}
        store.results[key] = {**made, "created_by": 1, "created_on": round(store.clock()), **texts, **custom}
        title, status = store.cases[case]["title"], store.statuses[row["status_id"]]
        store.box.add_result(ArrivedResult(str(key), str(run), status, title, (str(case),), row))
        return store.results[key]

    def _attached(self, of: Row) -> Response:
        file = request.files.get("attachment")
        if file is None:
            raise invalid("attachment", "is a required field")
        content = file.read()
        if len(content) > self._rules.file_bytes:
            raise Refused(413, f"A file may hold {self._rules.file_bytes} bytes.")
        with self._store.box.lock:
            key: int | str = str(uuid.uuid4()) if self._rules.has_text_ids else next(self._store.ids)
            name, sha256 = file.filename or "", hashlib.sha256(content).hexdigest()
            self._store.files[str(key)] = {"id": key, "name": name, "filename": name, "size": len(content), **of}
            self._store.box.add_attachment(ArrivedFile(str(key), name, file.mimetype, len(content), sha256))
        return jsonify({"attachment_id": key})

    def _run_of(self, file: Row) -> int:
        return int(file.get("run_id") or self._store.tests.get(file["test_id"], (0, 0))[0])
