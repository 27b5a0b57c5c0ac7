"""Kiwi TCMS, as a server of version 12.4 answers, with the methods that came until 16; over JSON-RPC and XML-RPC."""

from __future__ import annotations

import json
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from secrets import token_hex
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import ArrivedRequest, Box, Refusal
from .kiwi_fields import PASSWORD, PRODUCT, USER, Rules
from .kiwi_methods import methods
from .kiwi_store import Failed
from .site import Sandbox, new_app

PARSE, INVALID, UNKNOWN, PARAMETERS, INTERNAL = -32700, -32600, -32601, -32602, -32603
SHUT_OUT = -32098
FREE = ("Auth.login", "Auth.logout", "KiwiTCMS.version", "system.listMethods")
JSON_TYPES = ("application/json", "application/json-rpc", "application/jsonrequest")


@dataclass
class _Caller:
    """Who calls: whether signed in, and the key of the session that the call has opened."""

    is_in: bool
    new_key: str = ""


class Fault(Exception):  # noqa: N818 - an answer, not a fault of this program
    """An error as both protocols tell it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A server with one product; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = _Box("kiwi", secrets=(rules.password,))
    return Sandbox(box, _Server(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `kiwi` at that address."""
    return {
        "TMSREPORT_KIWI_URL": url,
        "TMSREPORT_KIWI_USER": USER,
        "TMSREPORT_KIWI_PASSWORD": PASSWORD,
        "TMSREPORT_KIWI_PRODUCT": PRODUCT,
    }


def error_body(status: int, text: str) -> dict[str, Any]:
    """The JSON of an error: Kiwi TCMS's own where the answer is a success of HTTP, else words of what is before it."""
    if status == 200:
        return {"id": None, "jsonrpc": "2.0", "error": {"code": INTERNAL, "message": f"Internal error: {text}"}}
    return {"error": {"message": text}}


class _Box(Box):
    """Where the one request that brings the password is no leak."""

    def record(self, request: ArrivedRequest) -> ArrivedRequest:
        kept = super().record(request)
        kept.held_secret = kept.held_secret and "Auth.login" not in json.dumps(kept.body)
        return kept


class _Server:
    """Both protocols, and who is signed in."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._sessions: dict[str, int] = {}  # key -> calls so far
        self._methods = methods(box, rules, clock)

    def app(self) -> Flask:
        app = new_app(self._box, error_body, lambda: None, run_page="/runs/<run_id>/")
        app.add_url_rule("/json-rpc/", "json", self._json, methods=["POST"])
        app.add_url_rule("/xml-rpc/", "xml", self._xml, methods=["POST"])
        return app

    def _json(self) -> Response:
        if request.mimetype not in JSON_TYPES:
            return jsonify(_told(None, Fault(INVALID, "Invalid request: Missing header: Content-Type")))
        try:
            asked = json.loads(self._body())
        except Fault as fault:
            return jsonify(_told(None, fault))
        except ValueError as error:
            return jsonify(_told(None, Fault(PARSE, f"Parse error, unable to read the request: {error}")))
        key = request.cookies.get("sessionid", "")
        caller = _Caller(self._is_in(key))
        if isinstance(asked, list):
            answers = [self._answered(each, caller) for each in asked]
            told = [each for each in answers if each is not None]
            response = jsonify(told) if told else Response(status=204)
        else:
            answer = self._answered(asked, caller)
            response = Response(status=204) if answer is None else jsonify(answer)
            is_shut = answer is not None and "Authentication failed" in str(answer.get("error", ""))
            response.status_code = 403 if is_shut and self._rules.is_old else response.status_code
        return self._signed(response, caller)

    def _xml(self) -> Response:
        caller = _Caller(self._is_in(request.cookies.get("sessionid", "")))
        try:
            params, method = xmlrpc.client.loads(self._body(), use_builtin_types=True)
            told = xmlrpc.client.dumps((self._done(str(method), params, caller),), methodresponse=True, allow_none=True)
        except Fault as fault:
            told = xmlrpc.client.dumps(xmlrpc.client.Fault(fault.code, str(fault)), allow_none=True)
        return self._signed(Response(told, mimetype="text/xml"), caller)

    def _body(self) -> bytes:
        body = request.get_data()
        if len(body) > self._rules.most_bytes:
            raise Fault(INTERNAL, "Internal error: Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.")
        return body

    def _is_in(self, key: str) -> bool:
        """True for a session that has not ended; counts its calls."""
        with self._box.lock:
            if key not in self._sessions:
                return False
            self._sessions[key] += 1
            if self._rules.session_calls and self._sessions[key] > self._rules.session_calls:
                del self._sessions[key]
                return False
            return True

    def _signed(self, response: Response, caller: _Caller) -> Response:
        if caller.new_key:
            self._sessions[caller.new_key] = 0
            response.set_cookie("sessionid", caller.new_key, httponly=True, samesite="Lax")
        return response

    def _answered(self, asked: Any, caller: _Caller) -> dict[str, Any] | None:
        """The answer to a call; None to one without a number that may stand there, as the server has it."""
        if not isinstance(asked, dict):
            return _told(None, Fault(INVALID, "Invalid request: Single RPC call payload must be a struct"))
        number = asked.get("id")
        missing = next((key for key in ("jsonrpc", "method") if key not in asked), "")
        if missing:
            return _told(number, Fault(INVALID, f'Invalid request: Missing parameter "{missing}"'))
        try:
            result = self._done(str(asked["method"]), asked.get("params") or (), caller)
        except Fault as fault:
            return _told(number, fault)
        return {"id": number, "jsonrpc": "2.0", "result": _escaped(result)} if number else None

    def _done(self, method: str, params: Any, caller: _Caller) -> Any:
        """What a method returns. Raises Fault."""
        known = self._methods
        if method not in known:
            raise Fault(UNKNOWN, f'Method not found: "{method}"')
        if method not in FREE and (not caller.is_in or method in self._rules.forbidden):
            raise Fault(
                INTERNAL if self._rules.is_old else SHUT_OUT,
                f'{"Internal error: " if self._rules.is_old else ""}Authentication failed when calling "{method}"',
            )
        with self._box.lock:
            try:
                if method == "Auth.login":
                    return self._login(caller, *params)
                return known[method](*params)
            except TypeError as error:
                raise Fault(PARAMETERS, f"Invalid parameters: {error}") from error
            except Failed as error:
                self._box.refuse(Refusal(f"POST {method}", 200, str(error)))
                raise Fault(INTERNAL, f"Internal error: {error}") from error

    def _login(self, caller: _Caller, username: str, password: str) -> str:
        if (username, password) != (self._rules.user, self._rules.password):
            raise Failed("Wrong username or password")
        caller.new_key = token_hex(16)
        return caller.new_key


def _told(number: Any, fault: Fault) -> dict[str, Any]:
    return {"id": number, "jsonrpc": "2.0", "error": {"code": fault.code, "message": str(fault)}}


def _escaped(value: Any) -> Any:
    """A result for JSON: its texts, and those one level within lists and objects, as HTML."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list):
        return [
            _level(each) if isinstance(each, dict) else escape(each) if isinstance(each, str) else each
            for each in value
        ]
    return _level(value) if isinstance(value, dict) else value


def _level(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: escape(held) if isinstance(held, str) else held for key, held in row.items()}
