"""Guizhan Resources, as its API pages show it: channels and versions of a project, codes in the body."""

from __future__ import annotations

import hashlib
import io
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box, read_json
from .checks import Check, each, one_of, record, text
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app

TOKEN = "gz_0123456789abcdef0123456789abcdef"  # noqa: S105 - of the sandbox
PROJECT, CHANNEL = "shop", "test-reports"
SCOPES = frozenset({"project:read", "project:version:create", "project:channel:create"})
CODES = {
    200: 1000,
    400: 1000,
    401: 2000,
    403: 2200,
    404: 5,
    405: 2,
    408: 6,
    413: 1002,
    422: 1000,
    429: 11,
    500: 1,
    502: 6,
    503: 6,
}
PLATFORMS = (
    *("bukkit", "spigot", "paper", "folia", "purpur", "forge", "fabric", "quilt", "neoforge"),
    *("resourcepack", "datapack", "other"),
)
PAGE_SIZE = 20
LONGEST = 64


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the project holds and allows; `file_bytes` is the limit of a file, `channels` are slugs."""

    token: str = field(default=TOKEN, repr=False)
    project: str = PROJECT
    channels: tuple[str, ...] = ("release", CHANNEL)
    most_channels: int = 50
    scopes: frozenset[str] = SCOPES
    is_locked: bool = False
    requests_per_minute: int = 600
    file_bytes: int = 500 * 2**20


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A site with one project; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("guizhan", secrets=(rules.token,))
    return Sandbox(box, _Site(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `guizhan` at that address."""
    return {
        "TMSREPORT_GUIZHAN_URL": f"{url}/v1",
        "TMSREPORT_GUIZHAN_TOKEN": TOKEN,
        "TMSREPORT_GUIZHAN_PROJECT": PROJECT,
        "TMSREPORT_GUIZHAN_CHANNEL": CHANNEL,
        "TMSREPORT_GUIZHAN_PUBLISH": "true",
    }


def error_body(status: int, words: str) -> dict[str, Any]:
    """The JSON of an error."""
    return {"code": CODES.get(status, 1), "message": words}


class _Site:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_minute, clock)
        self._channels = list(rules.channels)

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit)
        for method, path, view in (
            ("GET", "/v1/projects/<project>", self.project),
            ("GET", "/v1/projects/<project>/channels", self.channels),
            ("POST", "/v1/projects/<project>/channels", self.add_channel),
            ("POST", "/v1/projects/<project>/versions", self.add_version),
        ):
            app.add_url_rule(path, f"{method} {path}", view, methods=[method], provide_automatic_options=False)
        return app

    def project(self, project: str) -> Response:
        self._in_project(project, "project:read")
        return _fine({"id": "p1", "slug": project, "name": project.title()})

    def channels(self, project: str) -> Response:
        self._in_project(project, "project:read")
        page, size = (request.args.get(key, str(usual)) for key, usual in (("page", 1), ("page_size", PAGE_SIZE)))
        if not (page.isdecimal() and size.isdecimal() and int(page) and 0 < int(size) <= 100):
            raise _refused(400, 1000, "page and page_size must be numbers")
        start = (int(page) - 1) * int(size)
        rows = [self._channel(slug) for slug in self._channels]
        pagination = {"page_size": int(size), "page": int(page), "total_items": len(rows)}
        return _fine(rows[start : start + int(size)], pagination=pagination)

    def add_channel(self, project: str) -> Response:
        self._in_project(project, "project:channel:create")
        body = json_body()
        _check(record({"slug": text(shortest=1), "name": text(longest=LONGEST)}), body)
        if body["slug"] in self._channels:
            raise _refused(409, 5201, "channel already exists")
        if len(self._channels) >= self._rules.most_channels:
            raise _refused(400, 5202, "too many channels")
        self._channels.append(body["slug"])
        return _fine(self._channel(body["slug"]), 201)

    def add_version(self, project: str) -> Response:
        self._in_project(project, "project:version:create")
        try:
            data = read_json(request.form.get("data", "").encode())
        except (ValueError, RecursionError) as error:
            raise _refused(400, 1001, "invalid JSON body") from error
        _check(VERSION, data)
        if data["channel"] not in {name for slug in self._channels for name in (slug, self._channel(slug)["id"])}:
            raise _refused(404, 5200, "channel not found")
        contents = [self._content(each["name"]) for each in data["files"]]
        with self._box.lock:
            if data["version"] in self._box.runs:
                raise _refused(409, 5301, "version already exists")
            now = self._clock()
            self._box.add_run(ArrivedRun(data["version"], data["name"], now, project, data, end=now))
            for content in contents:
                self._open(data["version"], content)
        shown = {key: data.get(key) for key in ("version", "name", "changelog", "platforms", "dependencies")}
        return _fine({"id": f"v{len(self._box.runs)}", **shown})

    def _admit(self) -> None:
        if self._rate.take()[1]:
            raise _refused(429, 11, "too many requests")
        given = request.headers.get("Authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:
            raise _refused(401, 2000, "not authenticated")
        if scheme != "Bearer" or not token:
            raise _refused(401, 2001, "invalid authorization header")
        if not re.fullmatch(r"gz_[0-9a-f]{32}", token):
            raise _refused(401, 2002, "invalid token format")
        if token != self._rules.token:
            raise _refused(401, 4000, "token not found")

    def _in_project(self, project: str, scope: str) -> None:
        if project != self._rules.project:
            raise _refused(404, 5000, "project not found")
        if scope not in self._rules.scopes:
            raise _refused(403, 2201, "missing required token scope")
        if self._rules.is_locked and request.method != "GET":
            raise _refused(403, 5003, "project locked")

    def _channel(self, slug: str) -> dict[str, Any]:
        return {"id": f"ch{self._channels.index(slug)}", "slug": slug, "name": slug.title(), "is_default": False}

    def _content(self, part: str) -> bytes:
        """A file that a version names; only those that can be opened are taken."""
        file = request.files.get(part)
        if file is None or not (file.filename or "").endswith((".jar", ".zip")):
            raise _refused(400, 1002, f"invalid upload payload: {part} must be a part with a .jar or .zip")
        content: bytes = file.read()
        if len(content) > self._rules.file_bytes or not zipfile.is_zipfile(io.BytesIO(content)):
            raise _refused(413, 1002, f"invalid upload payload: {part} is too large, or no archive")
        return content

    def _open(self, version: str, content: bytes) -> None:
        """Keeps the results and files of a report, if the archive is one: the site itself would not look."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if "results.json" not in archive.namelist():
                return
            for row in read_json(archive.read("results.json"))["results"]:
                self._box.add_result(ArrivedResult(row["id"], version, row["outcome"], row["nodeid"], (), row))
                for file in row.get("attachments", []):
                    if file["path"]:
                        held = archive.read(file["path"])
                        key = f"{len(self._box.attachments) + 1} {file['path']}"
                        digest = hashlib.sha256(held).hexdigest()
                        self._box.add_attachment(ArrivedFile(key, file["name"], file["mime"], len(held), digest))


VERSION = record(
    {
        "channel": text(shortest=1),
        "version": text(shortest=1, longest=LONGEST),
        "name": text(shortest=1, longest=LONGEST),
        "files": each(record({"name": text(shortest=1)})),
    },
    {
        "changelog": text(),
        "minecraft_versions": each(text(shortest=1)),
        "platforms": each(one_of(PLATFORMS)),
        "dependencies": each(record({"type": one_of(("required", "optional", "incompatible", "embedded"))})),
    },
)


def _check(check: Check, body: Any) -> None:
    faults = [f"{path} {fault}".strip() for path, fault in check(body, "")]
    if faults:
        raise _refused(400, 1000, f"invalid parameters: {'; '.join(faults[:10])}")


def _fine(data: Any, status: int = 200, **more: Mapping[str, Any]) -> Response:
    answer = jsonify({"code": 0, "message": "OK", "data": data, **more})
    answer.status_code = status
    return answer


def _refused(status: int, code: int, words: str) -> Refused:
    return Refused(status, words, more={"code": code})
