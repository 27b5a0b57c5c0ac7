"""Any tool with an API of JSON over HTTP, described by a table of TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from ..auth import Auth, Header, TokenExchange, basic, bearer
from ..errors import ConfigError, TransientError, dig
from ..journal import read
from ..model import Outcome, Result
from ..templates import Known, text
from ..vendor import Vendor, setting
from ._rest_methods import METHODS, asked, at, id_in
from ._rest_reading import TOP, Call, Description, description
from ._rest_values import of_file, of_result, of_steps

if TYPE_CHECKING:
    from ..client import Client


@dataclass(frozen=True, kw_only=True)
class Rest(Vendor):
    """A tool that has no vendor of its own here: its API is described in `tmsreport.toml`, beside the settings.

    `[acme]` holds `vendor = "rest"`, `url` and other settings, `status`, `headers`, `run_url`, `label`, and `auth`, one
    of `{ header = "X-Key", value = "Key {token}" }`, `{ bearer = true }` (the default), `{ basic = "user" }`,
    `{ none = true }`, and `{ exchange = "auth/login", body = { key = "{token}" }, token = "access_token", lifetime_s =
    3600 }`, which fetches a bearer token.

    `[acme.calls.NAME]` describes a request: `request = "POST runs/{run_id}/results"`, `params`, `body`. Only `send` is
    a must. With `item` it sends batches, `{items}` in its body; without, one result a request. `rows` and `id` say
    where an answer keeps the tool's ids; `step` and `file` are what `{steps}` and `{files}` hold; `repeatable = true`
    says that the tool takes `{id}`, and a result that comes again once. The others are supported where they are
    described: `open_run` (`id`), `close_run`, `discard_run`, `find_run` (`rows`, `id`, `run`: where a run shows
    `{run.mark}` or `{run.own_id}`), `read_run`, `verify`, `attach` (`when` is before or after; `field` and `form` for
    multipart, or `body` with `{file.base64}`; `id`), `received` (`rows`, `result`: where a row shows `{id}` or
    `{mark}`), `planned` and `recorded` (`rows`, `id`, `title`, `names`, `failed`). Lists take `paging = { style =
    "offset" }`, or `pages`, `link`, `token`.

    `[acme.errors]` says where an answer keeps its words (`message`), its code (`code`), what a success looks like
    (`success = "ok"`, or `success = "code == 0"`), and what codes mean: `codes = { E17 = "TransientError" }`, or a
    table with `kind`, `meaning`, `remedy` and `wait_s`.

    A hole keeps the type of its value, takes filters (`{start|iso}`, `{duration|ms}`, `{message|trim:500}`,
    `{steps|text}`), and leaves its key out where it is empty. What is wrong is said, with its place, before the first
    test.
    """

    label: ClassVar[str] = "Any API (TOML)"
    proof: ClassVar[str] = "a twin of Qase's vendor, whose requests are equal; a home-made tool"
    statuses: ClassVar[Mapping[Outcome, str | int]] = {outcome: outcome.value for outcome in Outcome}
    described_by: ClassVar[tuple[str, ...]] = TOP
    tool: ClassVar[Description]

    token: str = setting("API token, or password; none where `auth = { none = true }`", default="", secret=True)
    needs_case_id: bool = setting("a result without a case id is set aside", default=False)
    described: Mapping[str, Any] = field(default_factory=dict, metadata={"help": ""})

    def __new__(cls, **values: Any) -> Rest:  # noqa: PYI034 - of a subclass
        """The kind of vendor that the description makes: what it does not describe is not supported."""
        if cls is Rest and values.get("described"):
            return super().__new__(_kind(json.dumps(values["described"]), str(values.get("name", ""))))
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if not self.described:
            raise ConfigError(f"[{self.name}] describes no API: add [{self.name}.calls.send] to tmsreport.toml")
        if not (self.token or self.tool.auth.get("none")):
            raise ConfigError(f"`token` is missing: set TMSREPORT_{self.name.upper()}_TOKEN in the environment")

    @property
    def wants_case(self) -> bool:
        return self.needs_case_id or self.only_mapped

    @property
    def auth(self) -> Auth:
        how = self.tool.auth
        if "header" in how:
            return Header(how["header"], self._filled(how.get("value", "{token}")))
        if "basic" in how:
            return basic(how["basic"], self.token)
        if "exchange" in how:
            body = {key: self._filled(value) for key, value in how.get("body", {}).items()}
            lifetime_s = float(how.get("lifetime_s", 3600))
            return TokenExchange(how["exchange"].removeprefix("POST "), body, lifetime_s, how.get("token", "token"))
        return bearer(self.token)

    def _filled(self, words: str) -> str:
        return text(str(words), Known({"token": ""}, "auth"))({"token": self.token})

    def run_url(self, run_id: str) -> str:
        return self.tool.run_url({"run_id": run_id}) if self.tool.run_url and run_id else ""

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        call = self.tool.calls["send"]
        rows = [{**self._values(call, result), "run_id": run_id} for result in batch]
        if call.item is None:
            sent = [
                asked(http, call, row, **self._care(http, run_id, [each]))
                for row, each in zip(rows, batch, strict=True)
            ]
            return [id_in(http, reply, call) for reply in sent] if "id" in call.words else []
        items = {"run_id": run_id, "items": [call.item(row) for row in rows]}
        reply = asked(http, call, items, **self._care(http, run_id, batch))
        if "id" not in call.words or http.is_rehearsal:
            return []
        found = dig(reply.body, call.says("rows")) if call.says("rows") else reply.body
        if not isinstance(found, list) or len(found) != len(batch):
            raise reply.odd(f"the answer has not one row for each of {len(batch)} results")
        return [str(dig(row, call.says("id"))) for row in found]

    def _care(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, Any]:
        """What is to be done before a request of results is sent again whose answer was lost."""
        call = self.tool.calls["send"]
        if self.is_repeatable or call.method != "POST":
            return {}
        if "received" not in self.tool.calls:
            return {"repeat": False}

        def lost() -> Any:
            found = self.received(http, run_id, batch)
            if len(found) < len(batch):
                if found:
                    words = f"{len(found)} of {len(batch)} results of a request whose answer was lost are there"
                    raise TransientError(words, vendor=self.name, remedy="send the rest later", answered=False)
                return None
            rows = [at(call.says("id", "id"), found[each.id]) for each in batch]
            return rows[0] if call.item is None else at(call.says("rows"), rows) if call.says("rows") else rows

        return {"recover": lost}

    def _values(self, call: Call, result: Result) -> dict[str, Any]:
        values = of_result(result, self.word(result.outcome))
        if call.step:
            values["steps"] = of_steps(result.steps, call.step, self.word)
        if call.file:
            each = [of_file(one.name, one.mime, one.size, read(one)) for one in result.attachments]
            values["files"] = [call.file({f"file.{key}": value for key, value in one.items()}) for one in each]
        else:
            values["files"] = [one.remote_id for one in result.attachments if one.remote_id]
        return values


@lru_cache(maxsize=64)
def _kind(table: str, name: str) -> type[Rest]:
    """The vendor that a description makes: it has just those methods that are described. Raises ConfigError."""
    tool = description(json.loads(table), name)
    attach, send = tool.calls.get("attach"), tool.calls["send"]
    facts: dict[str, Any] = {
        "tool": tool,
        "label": tool.label,
        "errors": tool.errors,
        "headers": tool.headers,
        "answer_s": tool.answer_s,
        "has_runs": "open_run" in tool.calls,
        "is_repeatable": bool(send.words.get("repeatable", False)),
        "files": "inline" if send.file else attach.says("when", "after") if attach else "before",
        "files_per_request": int(attach.words.get("per_request", 1)) if attach else 1,
        "file_bytes": int((attach or send).words.get("most_bytes", 0)),
        "__module__": __name__,
        "__doc__": Rest.__doc__,
    }
    if send.item is None:
        facts["__annotations__"] = {"batch_size": int}
        facts["batch_size"] = setting("most results in one request: the description has one", default=1)
    facts |= {name: method for name, method in METHODS.items() if name in tool.calls}
    return dataclass(frozen=True, kw_only=True)(type(Rest.__name__, (Rest,), facts))
