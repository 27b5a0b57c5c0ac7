"""Qase's attachments, which results name by their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from flask import Response, request

from .box import ArrivedFile
from .qase_answers import done, hashed, invalid
from .qase_store import Store
from .site import Refused, Route


class Attachments:
    """The endpoint that takes files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of it."""
        return (("POST", "/v1/attachment/<code>", self.add_attachments),)

    def add_attachments(self, code: str) -> Response:
        self._store.known_project(code)
        rules = self._rules
        if (request.content_length or 0) > rules.files_bytes:
            raise Refused(413, f"A request may hold {rules.files_bytes} bytes.")
        files = [(file, file.read()) for file in request.files.getlist("file[]")]
        if not files:
            raise invalid("file", "is required", status=400)
        if len(files) > rules.files_per_request:
            raise Refused(413, f"A request may hold {rules.files_per_request} files, not {len(files)}.")
        for file, content in files:
            if len(content) > rules.file_bytes:
                raise Refused(413, f"{file.filename} is larger than {rules.file_bytes} bytes.")
        with self._box.lock:
            stored = sum(file.size for file in self._box.attachments.values())
            if stored + sum(len(content) for _, content in files) > rules.storage:
                raise Refused(507, "There is no space left in the storage of your workspace.")
            rows = [self._kept(file.filename or "", file.mimetype, content) for file, content in files]
        return done(rows)

    def _kept(self, name: str, mime: str, content: bytes) -> dict[str, str]:
        sha256 = hashlib.sha256(content).hexdigest()
        key = hashed(f"file {len(self._box.attachments)} {sha256}")
        self._box.add_attachment(ArrivedFile(key, name, mime, len(content), sha256))
        return {
            "hash": key,
            "filename": name,
            "mime": mime,
            "extension": name.rpartition(".")[2] if "." in name else "",
            "url": f"{request.url_root}attachment/{key}",
            "team": "sandbox",
        }
