"""Files with Kiwi TCMS's runs and executions, and which it refuses."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

from .box import ArrivedFile
from .kiwi_forms import Forms
from .kiwi_store import Failed, Row

FORBIDDEN_TAGS = [
    "applet",
    "audio",
    "bgsound",
    "body",
    "canvas",
    "embed",
    "frame",
    "frameset",
    "head",
    "html",
    "iframe",
    "link",
    "meta",
    "object",
    "param",
    "source",
    "script",
    "ruby",
    "rt",
    "title",
    "track",
    "video",
    "xmp",
]


class Files:
    """The methods that take and list files."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._box = forms.box
        self._rules = forms.rules
        self._store = forms.store

    def table(self) -> dict[str, Callable[..., Any]]:
        """The methods by name."""
        return {
            "TestRun.add_attachment": lambda number, *file: self._attach("TestRun", number, *file),
            "TestExecution.add_attachment": lambda number, *file: self._attach("TestExecution", number, *file),
            "TestExecution.list_attachments": self._files,
        }

    def _attach(self, kind: str, number: int, name: str, content: str) -> None:
        if not self._store.has(kind, number):
            raise Failed(f"No {kind} matches the given query.")
        try:
            raw = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise Failed(str(error)) from error
        fault = self._refusal(name, raw)
        if fault:
            raise Failed(str({"attachment_file": [fault]}))
        made = self._store.add("File", of=kind, owner=number, name=name)
        digest = hashlib.sha256(raw).hexdigest()
        self._box.add_attachment(ArrivedFile(str(made["id"]), name, "application/octet-stream", len(raw), digest))

    def _refusal(self, name: str, raw: bytes) -> str:
        """Why a file is not taken; empty where it is."""
        low = raw.lower()
        tag = next((tag for tag in FORBIDDEN_TAGS if f"<{tag}".encode() in low), "")
        faults = {
            "The submitted file is empty.": not raw,
            f"File contains forbidden tag: <{tag}>": bool(tag),
            "File contains forbidden attribute: `onload`": b"onload=" in low,
            "Uploading executable files is forbidden": ".exe" in name,
            "The file is larger than the server allows.": len(raw) > self._rules.file_bytes,
        }
        return next((fault for fault, is_so in faults.items() if is_so), "")

    def _files(self, execution_id: int) -> list[Row]:
        found = self._store.filter("File", {"of": "TestExecution", "owner": execution_id})
        owner = {"owner_pk": self._forms.user, "owner_username": self._rules.user, "date": self._forms.now()}
        return [{"pk": row["id"], "url": f"http://kiwi.test/uploads/{row['name']}", **owner} for row in found]
