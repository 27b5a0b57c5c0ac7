"""Vani, as its resource pages show it: editions, teams and spaces. There is no place for results in its API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import Box
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app

TOKEN, API_KEY = "1000.0123456789abcdef.0123456789abcdef", "vk-0123456789abcdef"
EDITION, TEAM, SPACE = "75910001", 9265000000002003007, "9120000000000120001"
FIELDS = frozenset(
    {
        *("state", "created_time", "last_modified_time", "edition_type_name", "edition_name", "edition_role_name"),
        *("edition_id", "edition_owner_id", "is_default", "uri"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What there is: edition id -> name, team id -> name and space id -> name and team, all of the first edition.

    `wants_key` asks for the API key as well; `lacks_list` leaves the list of editions out where there are none;
    `edition_name` is what an edition that is made is called, empty for the name of its team.
    """

    token: str = field(default=TOKEN, repr=False)
    wants_key: bool = False
    editions: Mapping[str, str] = field(default_factory=lambda: {EDITION: "Acme", "75910002": "Other"})
    teams: Mapping[int, str] = field(default_factory=lambda: {TEAM: "QA"})
    spaces: Mapping[str, tuple[str, int]] = field(default_factory=lambda: {SPACE: ("Release 1.2 QA", TEAM)})
    can_edit: str = "true"
    lacks_list: bool = False
    edition_name: str = ""
    requests_per_minute: int = 600


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A Vani with one user; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("vani", secrets=(rules.token, API_KEY))
    return Sandbox(box, _Vani(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `vani` at that address."""
    return {
        "TMSREPORT_VANI_URL": f"{url}/vani/api/v1",
        "TMSREPORT_VANI_TOKEN": TOKEN,
        "TMSREPORT_VANI_EDITION": "Acme",
        "TMSREPORT_VANI_SPACE": "Release 1.2 QA",
    }


def error_body(_: int, words: str) -> dict[str, Any]:
    """The JSON of an error."""
    return {"message": words, "status": "failure"}


class _Vani:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._rate = RateLimit(rules.requests_per_minute, clock)
        self._editions = dict(rules.editions)
        self._made: dict[str, str] = {}  # team -> edition

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit)
        for method, path, view in (
            ("GET", "", self.editions),
            ("POST", "", self.add_edition),
            ("GET", "/<edition>", self.edition),
            ("GET", "/<edition>/users/me/permission", self.permission),
            ("GET", "/<edition>/teams", self.teams),
            ("GET", "/<edition>/teams/<int:team>", self.team),
            ("GET", "/<edition>/spaces", self.spaces),
            ("GET", "/<edition>/spaces/<space>", self.space),
        ):
            rule = f"/vani/api/v1/editions{path}"
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method], provide_automatic_options=False)
        return app

    def editions(self) -> Response:
        rows = [self._edition(each) for each in self._editions]
        if not rows:
            none: dict[str, Any] = {} if self._rules.lacks_list else {"editions_info": []}
            return _fine(none, "You are not part of any edition")
        return _fine({"editions_info": rows}, "Editions fetched successfully")

    def edition(self, edition: str) -> Response:
        self._known(edition)
        return _fine({"edition_info": self._edition(edition)})

    def add_edition(self) -> Response:
        body = json_body()
        if not body.get("team_name") or body.get("plan_type", "FREE") not in ("FREE", "TRIAL"):
            raise Refused(400, "team_name is required, and plan_type is FREE or TRIAL")
        with self._box.lock:
            if body["team_name"] in self._made:
                raise Refused(409, "Edition already created")
            edition = str(75920001 + len(self._made))
            self._made[body["team_name"]] = edition
            self._editions[edition] = self._rules.edition_name or body["team_name"]
        made = {"current_user_id": "96380001", "edition_id": int(edition), "team_id": TEAM + 1}
        return _fine({**made, "team_name": body["team_name"]}, "Edition created successfully")

    def permission(self, edition: str) -> Response:
        self._known(edition)
        info = {"current_user_id": "96380001", "edition_id": edition, "role": "ORG_ADMIN"}
        return _fine({"user_permission_info": info})

    def teams(self, edition: str) -> Response:
        self._known(edition)
        made = [{"team_id": TEAM + 1, "team_name": name} for name, where in self._made.items() if where == edition]
        return _fine({"teams_info": [*(self._team(each) for each in self._teams(edition)), *made]})

    def team(self, edition: str, team: int) -> Response:
        if team not in self._teams(edition):
            raise Refused(404, "Team not found")
        return _fine({"team_info": self._team(team)})

    def spaces(self, edition: str) -> Response:
        self._known(edition)
        if request.args.get("action_type") != "ALLSPACES":
            raise Refused(400, "action_type is not valid")
        team = request.args.get("team_id", "")
        known = self._rules.spaces if self._teams(edition) else {}
        rows = [self._space(each) for each, (_, where) in known.items() if team in ("", str(where))]
        return _fine({"spaces_info": rows})

    def space(self, edition: str, space: str) -> Response:
        if not self._teams(edition) or space not in self._rules.spaces:
            raise Refused(404, "Space not found")
        return _fine({"space_info": self._space(space)})

    def _admit(self) -> None:
        if self._rate.take()[1]:
            raise Refused(429, "Too many requests")
        if request.headers.get("Authorization") != f"Bearer {self._rules.token}":
            raise Refused(401, "Invalid token")
        if self._rules.wants_key and request.headers.get("x-vani-apikey") != API_KEY:
            raise Refused(401, "Invalid apikey")

    def _known(self, edition: str) -> None:
        if edition not in self._editions:
            raise Refused(401, "You are not part of this edition")

    def _teams(self, edition: str) -> Mapping[int, str]:
        self._known(edition)
        return self._rules.teams if edition == next(iter(self._rules.editions), "") else {}

    def _edition(self, edition: str) -> dict[str, Any]:
        wanted = set(filter(None, request.args.get("fields", "").split(","))) or FIELDS
        if not wanted <= FIELDS:
            raise Refused(400, f"fields: {', '.join(sorted(wanted - FIELDS))} is not valid")
        whole = {
            "edition_id": edition,
            "edition_name": self._editions[edition],
            "edition_type_name": "ORG",
            "state": "ACTIVE",
            "is_default": "true" if edition == EDITION else "false",
            "created_time": "Sun, 09 Apr 2023, 08:43:02",
            "uri": f"/vani/api/v1/editions/{edition}",
        }
        return {key: value for key, value in whole.items() if key in wanted}

    def _team(self, team: int) -> dict[str, Any]:
        return {"team_id": team, "team_name": self._rules.teams[team]}

    def _space(self, space: str) -> dict[str, Any]:
        name, team = self._rules.spaces[space]
        about = {"space_id": space, "space_name": name, "team_id": str(team), "status": "ACTIVE"}
        return {**about, "can_edit": self._rules.can_edit}


def _fine(data: dict[str, Any], message: str = "Fetched successfully") -> Response:
    return jsonify({"data": data, "message": message, "request_uri": request.full_path, "status": "success"})
