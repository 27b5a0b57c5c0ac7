"""The package reportportal-client as a judge; runs where it is installed, and nothing of ours is.

Reads `{"url": …, "token": …, "project": …, "user": …, "password": …, "join": …}` from stdin, goes through a whole
session, reports into the launch `join`, too, and writes what it heard as JSON to stdout.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from reportportal_client import RPClient  # type: ignore[import-not-found]
from reportportal_client.core.rp_issues import Issue  # type: ignore[import-not-found]


def now() -> str:
    return str(int(time.time() * 1000))


def session(told: dict[str, Any]) -> dict[str, Any]:
    """A launch that is opened, filled, read and finished, and what is not there."""
    where = {"endpoint": told["url"], "project": told["project"]}
    client = RPClient(**where, api_key=told["token"], log_batch_size=2)
    launch = client.start_launch("by reportportal-client", now(), attributes=[{"key": "os", "value": "linux"}])
    suite = client.start_test_item("tests", now(), "SUITE")
    test = client.start_test_item(
        "test_pay", now(), "STEP", parent_item_id=suite, code_ref="tests/a.py:test_pay", parameters={"a": "1"}
    )
    step = client.start_test_item("enter card", now(), "STEP", parent_item_id=test, has_stats=False)
    client.log(now(), "typed", "INFO", item_id=step)
    client.log(now(), "shot", "ERROR", {"name": "shot.png", "data": b"pixels", "mime": "image/png"}, test)
    client.finish_test_item(step, now(), "PASSED")
    client.finish_test_item(test, now(), "FAILED", issue=Issue("pb001", "known"))
    retry = client.start_test_item(
        "test_pay",
        now(),
        "STEP",
        parent_item_id=suite,
        code_ref="tests/a.py:test_pay",
        parameters={"a": "1"},
        retry=True,
    )
    client.finish_test_item(retry, now(), "PASSED", retry=True)
    client.finish_test_item(suite, now())
    client.update_test_item(retry, description="updated")
    client.log(now(), "of the launch", "WARN")
    finished = client.finish_launch(now())
    joined = RPClient(**where, api_key=told["token"], launch_uuid=told["join"])
    joined.start_launch("is not started", now())
    own = joined.start_test_item("theirs", now(), "STEP")
    joined.finish_test_item(own, now(), "PASSED")
    joined.finish_launch(now())
    stranger = RPClient(**where, api_key="wrong")
    signed = RPClient(
        **where,
        oauth_uri=f"{told['url']}/uat/sso/oauth/token",
        oauth_username=told["user"],
        oauth_password=told["password"],
        oauth_client_id="ui",
    )
    return {
        "launch": launch,
        "ids": all([launch, suite, test, step, retry]),
        "finished": finished,
        "info": client.get_api_info()["build"]["version"],
        "defects": sorted(client.get_project_settings()["subTypes"]),
        "launch info": {key: client.get_launch_info()[key] for key in ("uuid", "status", "name", "mode")},
        "link": client.get_launch_ui_url().partition("/ui/")[2],
        "item": isinstance(client.get_item_id_by_uuid(retry), int),
        "unknown item": client.get_item_id_by_uuid("4711"),
        "signed in": bool(signed.get_project_settings()),
        "stranger": stranger.start_launch("by a stranger", now()),
    }


if __name__ == "__main__":
    json.dump(session(json.load(sys.stdin)), sys.stdout)
