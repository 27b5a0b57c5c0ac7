"""Azure's attachments of test runs and results."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
from collections.abc import Iterable

from flask import Response, jsonify, request

from .azure_answers import Row, checked, listing, missing, url
from .azure_fields import HERE, attachment
from .azure_store import Store
from .box import ArrivedFile
from .site import Refused, Route


class Attachments:
    """The endpoints that list and take files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules
        self._ids = itertools.count(1)
        self._files: dict[str, list[Row]] = {}

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", f"{HERE}/test/runs/<int:run>/attachments", self.files),
            ("POST", f"{HERE}/test/runs/<int:run>/attachments", self.attach),
            ("GET", f"{HERE}/test/runs/<int:run>/results/<int:row>/attachments", self.files),
            ("POST", f"{HERE}/test/runs/<int:run>/results/<int:row>/attachments", self.attach),
        )

    def files(self, project: str, run: int, row: int = 0) -> Response:
        self._store.known(run)
        return listing(self._files.get(f"{run}/{row}", []))

    def attach(self, project: str, run: int, row: int = 0) -> Response:
        found = self._store.known(run)
        if row and row not in [each["id"] for each in self._store.rows(found)]:
            raise missing(f"Test result {row}")
        if (request.content_length or 0) > self._rules.max_file_bytes:
            raise Refused(413, "The request is too large.")
        body = checked(attachment())
        try:
            content = base64.b64decode(body["stream"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused(400, "The stream is not valid base64.") from error
        with self._box.lock:
            number = next(self._ids)
            place = url(f"test/Runs/{run}/{f'Results/{row}/' if row else ''}Attachments/{number}")
            entry = {"id": number, "url": place, "fileName": body["fileName"], "size": len(content)}
            entry |= {"comment": body.get("comment", ""), "attachmentType": "generalAttachment"}
            self._files.setdefault(f"{run}/{row}", []).append(entry)
            is_ours = not row and body["fileName"].startswith("pytest-tmsreport-done-")
            if not is_ours:  # a note of a machine is no file of a result
                sha256 = hashlib.sha256(content).hexdigest()
                mime = entry["comment"].partition(",")[0]
                self._box.add_attachment(ArrivedFile(str(number), entry["fileName"], mime, len(content), sha256))
        return jsonify({"id": number, "url": place})
