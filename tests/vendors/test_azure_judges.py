"""What Azure DevOps itself makes of our requests and of the sandbox: its Swagger files, and its official client."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.exceptions import OpenAPIError

from pytest_tmsreport.client import Client
from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Outcome, Run, Step
from pytest_tmsreport.sandbox import azure as azure_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.azure_fields import TOKEN, Rules
from pytest_tmsreport.sandbox.server import serve
from pytest_tmsreport.testing import FakeTime, make_results
from pytest_tmsreport.upload import Conditions, upload
from pytest_tmsreport.vendors.azure import Azure

if TYPE_CHECKING:
    Judges = Callable[..., Path]

HERE = Path(__file__).resolve()
SPECS = HERE.parents[3] / "shared" / "specs"
CLIENT = ("azure-devops==7.1.0b4",)
RUN = Run(
    id="20260914-100211-0a1b2c3d",
    name="nightly «main» #42",
    start=1789380131.0,
    description="https://ci.test/42",
    tags=("pytest", "nightly"),
    branch="main",
    commit="4be1c02",
)
FREE = Azure(
    name="azure",
    kind="azure",
    url="https://dev.azure.com/acme",
    token=TOKEN,
    project="Shop",
    configurations=("Ubuntu 24.04",),
    build=5544,
    stage="Test",
    phase="linux",
    job="py313",
)
PLANNED = replace(FREE, plan="31", configurations=("Windows 11",), sub_results="always")


class Recorder(WsgiAdapter):
    """The sandbox in the place of dev.azure.com; keeps every request, and every answer."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(azure_sandbox.create(rules).app)
        self.sent: list[tuple[requests.PreparedRequest, requests.Response]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(request, *args, **kwargs)
        content = answer.content
        self.sent.append((request, answer))
        is_first = [each.method for each, _ in self.sent].count("POST") == 1
        if request.method == "POST" and is_first:
            raise requests.exceptions.ConnectionError("the answer was lost")
        assert content is not None
        return answer


def exchanges_of(vendor: Azure, folder: Path, rules: Rules) -> list[tuple[requests.PreparedRequest, requests.Response]]:
    journal = Journal(folder / "run", RUN, {"azure": "azure"})
    shot = journal.attach("shot.png", "image/png", b"pixels")
    step = Step(title="pay", start=1789380132.5, duration=0.25, steps=(Step(title="type", start=1789380132.5),))
    made = make_results(8)
    made[0] = replace(made[0], attachments=(shot,), steps=(step,), traceback="frame\n" * 400)
    made[1] = replace(made[1], ids=made[2].ids)
    made[3] = replace(made[3], attempt=2, earlier=("TimeoutError",), outcome=Outcome.PASSED)
    for result in made:
        journal.write(result)
    journal.end(exitstatus=1, not_run=[])
    recorder, time = Recorder(rules), FakeTime()
    (tally,) = upload(RunFolder(journal.folder), [vendor], Conditions(transport=recorder, sleep=time.sleep, clock=time))
    assert (tally.delivered, tally.notes, tally.reason) == (8, [], "")
    client = Client(vendor, transport=recorder)
    vendor.verify(client)
    vendor.read_run(client, tally.run_id)
    vendor.finish_shard(client, tally.run_id, 1, 2)
    vendor.discard_run(client, vendor.open_run(client, replace(RUN, key="build-7")))
    everywhere = replace(vendor, configurations=())
    assert list(everywhere.planned(Client(everywhere, transport=recorder), "31"))
    assert list(vendor.recorded(client, tally.run_id))
    vendor.received(client, tally.run_id, made)
    return recorder.sent


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[requests.PreparedRequest, requests.Response]]:
    """Every exchange of two uploads that use all there is, to the very addresses of Azure DevOps."""
    rules = Rules(automated={7: "tests.test_shop.TestCart.test_6"}, page=30)
    free = exchanges_of(FREE, tmp_path_factory.mktemp("free"), rules)
    return [*free, *exchanges_of(PLANNED, tmp_path_factory.mktemp("planned"), replace(rules, lists_points=False))]


def test_uploads_that_use_all_there_is_meet_every_address(
    exchanges: list[tuple[requests.PreparedRequest, requests.Response]],
) -> None:
    home = "https://dev.azure.com/acme/Shop/_apis"
    assert {f"{request.method} {str(request.url).partition('?')[0]}" for request, _ in exchanges} == {
        f"POST {home}/test/runs",
        f"GET {home}/test/runs",
        f"GET {home}/test/runs/1",
        f"GET {home}/test/runs/2",
        f"PATCH {home}/test/runs/1",
        f"DELETE {home}/test/runs/2",
        f"GET {home}/test/Runs/1/results",
        f"POST {home}/test/Runs/1/results",
        f"PATCH {home}/test/Runs/1/results",
        f"GET {home}/test/Runs/1/attachments",
        f"POST {home}/test/Runs/1/attachments",
        f"POST {home}/test/Runs/1/Results/100000/attachments",
        f"GET {home}/testplan/configurations",
        f"GET {home}/testplan/plans/31",
        f"GET {home}/testplan/Plans/31/Suites/32/TestCase",
    }


# The vendor's own specification


needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="needs ../shared/specs, Azure's own Swagger files")


def whole(name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """A definition with all that it inherits, which then takes nothing else: a misspelt field is a fault."""
    own = definitions[name]
    properties: dict[str, Any] = {}
    for parent in own.get("allOf", []):
        properties |= whole(parent["$ref"].rpartition("/")[2], definitions)["properties"]
    return {"type": "object", "properties": {**properties, **own.get("properties", {})}, "additionalProperties": False}


def renamed(value: Any) -> Any:
    """The same with references as OpenAPI 3 has them; beside a reference nothing else stands."""
    if isinstance(value, dict) and "$ref" in value:
        return {"$ref": value["$ref"].replace("#/definitions/", "#/components/schemas/")}
    if isinstance(value, dict):
        return {key: renamed(held) for key, held in value.items()}
    return [renamed(each) for each in value] if isinstance(value, list) else value


def operation(old: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """An operation of Swagger 2 in the words of OpenAPI 3."""
    given = [shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in old["parameters"]]
    kept = ("name", "in", "required")
    new: dict[str, Any] = {
        "parameters": [
            {
                **{key: each[key] for key in kept if key in each},
                "schema": {key: each[key] for key in ("type", "enum", "format") if key in each},
            }
            for each in given
            if each["in"] != "body"
        ],
        "responses": {},
    }
    for each in given:
        if each["in"] == "body":
            new["requestBody"] = {"required": True, "content": {"application/json": {"schema": each["schema"]}}}
    for status, answer in old["responses"].items():
        content = {"application/json": {"schema": answer["schema"]}} if "schema" in answer else {}
        new["responses"][status] = {"description": "", **({"content": content} if content else {})}
    return new


@cache
def specification(area: str, *, is_query: bool) -> tuple[OpenAPI, dict[str, set[str]]]:
    """Azure's own file of an area as OpenAPI 3, and the names of the parameters of each operation.

    `is_query` asks for those operations that differ from others in their parameters alone.
    """
    old = json.loads((SPECS / f"azure-devops-{area}-swagger-7.1.json").read_text(encoding="utf-8-sig"))
    schemas = {name: renamed(whole(name, old["definitions"])) for name in old["definitions"]}
    places = old["x-ms-paths"] if is_query else old["paths"]
    paths: dict[str, Any] = {}
    for path, methods in places.items():
        for method, each in methods.items():
            paths.setdefault(path.partition("?")[0], {})[method] = renamed(
                operation(copy.deepcopy(each), old["parameters"])
            )
    spec = {
        "openapi": "3.0.3",
        "info": {"title": area, "version": "7.1"},
        "servers": [{"url": "https://dev.azure.com"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "basic"}},
        },
        "security": [{"accessToken": []}],
    }
    names = {
        f"{method} {path}": {each["name"] for each in found["parameters"] if each["in"] == "query"}
        for path, methods in paths.items()
        for method, found in methods.items()
    }
    return OpenAPI.from_dict(spec), names


def spec_of(request: requests.PreparedRequest) -> tuple[OpenAPI, dict[str, set[str]]]:
    url = str(request.url)
    return specification("testplan" if "/testplan/" in url else "test", is_query="minLastUpdatedDate" in url)


@dataclass(frozen=True)
class Unwrapped:
    """An answer as the specification has it: lists stand in a wrapper of which it does not speak."""

    answer: requests.Response

    @property
    def data(self) -> bytes:
        body = self.answer.json()
        if set(body) == {"count", "value"}:
            assert body["count"] == len(body["value"])
            body = body["value"]
        return json.dumps(body).encode()

    @property
    def status_code(self) -> int:
        return self.answer.status_code

    @property
    def content_type(self) -> str:
        return "application/json"

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.answer.headers)


@needs_specs
def test_every_request_is_what_azures_own_specification_asks_for(
    exchanges: list[tuple[requests.PreparedRequest, requests.Response]],
) -> None:
    for request, _ in exchanges:
        spec, names = spec_of(request)
        spec.validate_request(RequestsOpenAPIRequest(request))
        known: set[str] = set().union(*(found for place, found in names.items() if fits(place, request)))
        assert set(parse_qs(urlsplit(str(request.url)).query)) <= known, request.url


@needs_specs
def test_every_answer_of_the_sandbox_is_what_azures_own_specification_says(
    exchanges: list[tuple[requests.PreparedRequest, requests.Response]],
) -> None:
    for request, answer in exchanges:
        assert answer.ok, (request.url, answer.text)
        if answer.content:
            spec, _ = spec_of(request)
            spec.validate_response(RequestsOpenAPIRequest(request), Unwrapped(answer))


def fits(place: str, request: requests.PreparedRequest) -> bool:
    method, _, path = place.partition(" ")
    there, here = path.split("/"), urlsplit(str(request.url)).path.split("/")
    return (
        method == str(request.method).lower()
        and len(there) == len(here)
        and all(one.startswith("{") or one == other for one, other in zip(there, here, strict=True))
    )


def _without_token(request: requests.PreparedRequest) -> None:
    del request.headers["Authorization"]


def _without_version(request: requests.PreparedRequest) -> None:
    request.url = str(request.url).partition("?")[0]


def _with_a_misspelt_field(request: requests.PreparedRequest) -> None:
    body = json.loads(request.body or b"")
    body[0]["stacktrace"] = "x"
    request.body = json.dumps(body).encode()


def _with_a_number_for_a_text(request: requests.PreparedRequest) -> None:
    body = json.loads(request.body or b"")
    body[0]["testCase"] = {"id": 7}
    request.body = json.dumps(body).encode()


def _with_an_unknown_kind(request: requests.PreparedRequest) -> None:
    body = json.loads(request.body or b"")
    body[0]["resultGroupType"] = "parametrised"
    request.body = json.dumps(body).encode()


@needs_specs
@pytest.mark.parametrize(
    "spoil",
    [_without_token, _without_version, _with_a_misspelt_field, _with_a_number_for_a_text, _with_an_unknown_kind],
)
def test_the_specification_does_refuse_what_is_wrong(
    exchanges: list[tuple[requests.PreparedRequest, requests.Response]],
    spoil: Callable[[requests.PreparedRequest], None],
) -> None:
    request = next(each for each, _ in exchanges if each.method == "POST" and "/results?" in str(each.url)).copy()
    spoil(request)
    with pytest.raises(OpenAPIError):
        spec_of(request)[0].validate_request(RequestsOpenAPIRequest(request))


# The vendor's own client


@pytest.fixture
def url() -> Iterator[tuple[str, Any]]:
    with serve([azure_sandbox.create(Rules(page=30))]) as served:
        yield f"{served.url_of('azure')}/acme", served.boxes["azure"]


def test_the_official_client_finds_in_the_sandbox_what_it_knows_from_azure(
    judges: Judges, url: tuple[str, Any], tmp_path: Path
) -> None:
    address, box = url
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [judges("azure-devops", *CLIENT), "-I", HERE.parent / "judges" / "azure_client.py"],
        input=json.dumps({"url": address, "project": "Shop", "token": TOKEN}),
        capture_output=True,
        text=True,
        check=False,
        env={**direct, "HOME": str(tmp_path), "AZURE_DEVOPS_CACHE_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    refused = told.pop("refused")
    assert told == {
        "plan": ["by the official client", [7, 8], "child"],
        "configurations": ["Windows 11", "Ubuntu 24.04"],
        "slots": [[100_000, "7", True], [100_001, "8", True]],
        "added": [100_000, 100_001],
        "one": "Failed",
        "file": [True, "log.txt", 5],
        "statistics": {"Passed": 1, "Failed": 1},
        "queried": ["free"],
        "completed": ["Completed", 2, 1, 0],
        "left": ["free"],
    }
    assert refused["unknown run"].endswith("Test run 4711 not found.")
    assert refused["unknown plan"].endswith("Test plan 4711 not found.")
    assert refused["no test point"].endswith("Test point 0 not found.")
    assert "TF400813" in refused["wrong token"]
    assert box.counts() == {"Passed": 1, "Failed": 1}


def test_ours_reports_into_a_plan_that_the_official_client_made_and_it_reads_what_arrived(
    judges: Judges, url: tuple[str, Any], tmp_path: Path
) -> None:
    address, box = url
    vendor = replace(PLANNED, url=address, plan="31", configurations=())
    journal = Journal(tmp_path / "run", RUN, {"azure": "azure"})
    for result in make_results(5):
        journal.write(result)
    journal.end(exitstatus=0, not_run=[])
    (tally,) = upload(RunFolder(journal.folder), [vendor])
    assert (tally.delivered, tally.reason) == (5, "")
    script = (
        "import json, sys; from azure.devops.connection import Connection;"
        "from msrest.authentication import BasicAuthentication;"
        "c = Connection(base_url=sys.argv[1], creds=BasicAuthentication('', sys.argv[2])).clients.get_test_client();"
        "run = c.get_test_run_by_id('Shop', int(sys.argv[3]));"
        "rows = c.get_test_results('Shop', run.id);"
        "print(json.dumps([run.state, run.plan.id, [[r.test_case.id, r.outcome, r.duration_in_ms] for r in rows]]))"
    )
    done = subprocess.run(
        [judges("azure-devops", *CLIENT), "-I", "-c", script, address, TOKEN, tally.run_id],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "AZURE_DEVOPS_CACHE_DIR": str(tmp_path), "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    words = ["Passed", "Failed", "Failed", "NotExecuted", "NotExecuted"]
    assert json.loads(done.stdout) == ["Completed", "31", [[str(n), word, 250.0] for n, word in enumerate(words, 1)]]
    assert not box.refusals
