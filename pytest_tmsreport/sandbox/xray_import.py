"""An import of results, as both products take it: an execution, and Tests that are found or made."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from .box import ArrivedFile, ArrivedResult
from .site import Refused, json_body
from .xray_fields import EXECUTION, Product, execution_import
from .xray_store import Issue, Store


def take_import(store: Store, product: Product) -> tuple[Issue, list[Issue]]:
    """All of the body, or nothing: one wrong test refuses the whole import."""
    body = json_body()
    faults = list(execution_import(store.rules, product, store.plans)(body, ""))
    if faults:
        raise _refusal(body, faults)
    with store.box.lock:
        info = body.get("info", {})
        _check_keys(store, body["tests"])
        if body.get("testExecutionKey"):
            execution = store.known(EXECUTION, body["testExecutionKey"])
        else:
            execution = _new_execution(store, info, body["tests"])
        execution.fields.update({key: held for key, held in info.items() if key != "project"})
        made: list[Issue] = []
        for test in body["tests"]:
            _keep(store, execution, test, made)
    return execution, made


def _check_keys(store: Store, tests: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for test in tests:
        key = test.get("testKey")
        if key is None and "testInfo" not in test:
            raise Refused(400, "Each test needs a testKey or a testInfo.")
        what = key or test["testInfo"].get("definition") or test["testInfo"]["summary"]
        if key is not None:
            store.known("Test", key)
        if what in seen:
            raise Refused(400, f"The Test {what} stands more than once in the results.", culprits=[(what, "twice")])
        seen.add(what)


def _new_execution(store: Store, info: dict[str, Any], tests: list[dict[str, Any]]) -> Issue:
    first = next((test["testKey"] for test in tests if test.get("testKey")), "")
    project = info.get("project") or first.partition("-")[0]
    if not project:
        raise Refused(400, "Error assembling issue data: project is required")
    if store.rules.required:
        raise Refused(400, f"Error assembling issue data: {store.rules.required[0]} is required")
    summary = info.get("summary") or "Execution results"
    return store.add_issue(EXECUTION, {**info, "summary": summary, "project": {"key": project}})


def _keep(store: Store, execution: Issue, test: dict[str, Any], made: list[Issue]) -> None:
    key = test.get("testKey") or _matched(store, test["testInfo"], made)
    files = [entry for name in ("evidence", "evidences") for entry in test.get(name, [])]
    for entry in files:
        content = base64.b64decode(entry["data"])
        sha256 = hashlib.sha256(content).hexdigest()
        file = ArrivedFile(
            f"{execution.key}/{key}/{sha256}", entry["filename"], entry["contentType"], len(content), sha256
        )
        store.box.add_attachment(file)
    title = store.known("Test", key).fields.get("summary", key)
    if store.box.results.pop((execution.key, key), None):  # the later import of a Test overwrites the earlier
        store.box.repeats += 1
    store.box.add_result(ArrivedResult(key, execution.key, test["status"], title, (key,), test))


def _matched(store: Store, wanted: Mapping[str, Any], made: list[Issue]) -> str:
    """The Test of that definition (Generic) or summary; made where there is none."""
    is_generic = wanted.get("type", wanted.get("testType")) == "Generic"
    for issue in store.issues.values():
        mine = issue.definition if is_generic else issue.fields.get("summary")
        theirs = wanted.get("definition") if is_generic else wanted["summary"]
        if issue.kind == "Test" and mine == theirs and issue.key.startswith(f"{wanted['projectKey']}-"):
            return issue.key
    fields = {**wanted, "project": {"key": wanted["projectKey"]}}
    made.append(store.add_issue("Test", fields, definition=wanted.get("definition")))
    return made[-1].key


def _refusal(body: Any, faults: list[tuple[str, str]]) -> Refused:
    """Xray says what is wrong first; the box says it of every test."""
    culprits = []
    for path, fault in faults:
        found = re.match(r"tests\.(\d+)", path)
        test = body["tests"][int(found[1])] if found else {}
        what = test.get("testKey") if isinstance(test, dict) else None
        culprits.append((str(what or path), f"{path} {fault}"))
    is_sentence = faults[0][1].startswith("Issue with key")
    return Refused(400, faults[0][1] if is_sentence else " ".join(faults[0]), culprits=culprits)
