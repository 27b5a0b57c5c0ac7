"""The contract between a tool and the rest, and finding a vendor by name."""

from __future__ import annotations

import importlib
import io
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from dataclasses import Field as DataclassField
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, NamedTuple

from . import vendors
from .convert import Word
from .errors import ConfigError, ErrorTable, VendorError
from .model import Outcome

if TYPE_CHECKING:
    from .auth import Auth
    from .client import Client, File
    from .model import Attachment, Result, Run

ENTRY_POINTS = "pytest_tmsreport.vendors"


class Content(NamedTuple):
    """A file that a vendor makes itself, for a form."""

    name: str
    mime: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)


class Case(NamedTuple):
    """A case that a plan or a run holds.

    `ids` are all spellings by which a mark may name it, the tool's own first; `names` the node ids or automation ids of
    tests that the tool files under it without a mark; `title` is for people. `has_failed` tells that its last result in
    the run was a bad one.
    """

    ids: tuple[str, ...]
    title: str = ""
    names: tuple[str, ...] = ()
    has_failed: bool = False


def setting(
    help: str,  # noqa: A002 - the natural word
    *,
    default: Any = MISSING,
    secret: bool = False,
) -> Any:
    """A dataclass field that is a setting: `help` is its line in the manual page.

    A `secret` has no place in `repr` and is read from the environment only.
    """
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), repr=not secret, metadata={"help": help})
    return field(default=default, repr=not secret, metadata={"help": help})


def is_secret(entry: DataclassField[Any]) -> bool:
    """True for a setting that must stand neither in files, arguments, journals nor logs."""
    return not entry.repr


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A kind of tool; an instance is a configured destination.

    Class variables are facts. Fields are settings, and those with a default are facts that a user may correct. Methods
    build payloads and read replies; `attach`, `condense`, `discard_run`, `find_run`, `finish_shard`, `planned`,
    `read_run`, `received`, `recorded`, `resolve` and `verify` are supported where they are overridden. A
    method raises what the client raises (`VendorError`); a reply is read with `Reply.pick`, which names what is not
    there.

    `is_repeatable` says that sending a batch a second time changes nothing: the tool takes an id of ours, or keeps one
    result a case. `files` says when attachments go: before the results that name them, after them by the ids that
    `send` returned, or inside their request (`journal.read`). `file_bytes`, `files_bytes` and `files_per_request` are
    the limits of one file, and of the files of one request (`inline`: of one result); 0: none. `one_batch_at_once`
    keeps batches in their order, one request after the other, where files may still go `parallel`.
    `headers` go with every request. `has_runs` is False for a tool that files results without one, from as many
    machines as there are. `notes_may_cross` says that `finish_shard` may lose the note of another machine that notes in
    the same moment: it is then asked again.
    `described_by` names the keys of a section that describe the tool, and make its field `described`.
    `answer_s` is how long the tool may take to answer (seconds).
    """

    __test__ = False

    label: ClassVar[str]
    proof: ClassVar[str]
    statuses: ClassVar[Mapping[Outcome, str | int]]
    needs_case: ClassVar[bool] = False
    errors: ClassVar[ErrorTable] = ErrorTable()
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    headers: ClassVar[Mapping[str, str]] = {}
    described_by: ClassVar[tuple[str, ...]] = ()
    answer_s: ClassVar[float] = 60.0
    is_repeatable: ClassVar[bool] = True
    has_runs: ClassVar[bool] = True
    notes_may_cross: ClassVar[bool] = False
    files: ClassVar[Literal["before", "after", "inline"]] = "before"
    files_per_request: ClassVar[int] = 1
    file_bytes: ClassVar[int] = 0
    files_bytes: ClassVar[int] = 0
    one_batch_at_once: ClassVar[bool] = False

    name: str = field(default="", metadata={"help": ""})
    kind: str = field(default="", metadata={"help": ""})
    url: str = setting("address of the server", default="")
    token: str = setting("API token", secret=True)
    run_id: str = setting(
        "report into this existing run; it is not opened, and completed only where `shards` is set", default=""
    )
    select: Literal["all", "plan", "run"] = setting(
        "which tests run: all, or only those of the cases that this destination's `plan`, or its `run_id`, holds",
        default="all",
    )
    status: Mapping[str, str] = setting(
        "`status.<outcome>`: the tool's word for an outcome, in place of ours", default={}
    )
    only_mapped: bool = setting("send only the tests that have a case id", default=False)
    attempts: Literal["last", "each"] = setting(
        "of a test that was run again: its last attempt, or each as a result of its own", default="last"
    )
    marks: tuple[Word, ...] = setting(
        "plugins whose marks give case ids where no `tms` mark does, the first that speaks (default: its own, allure)",
        default=(),
    )
    names: str = setting(
        "regular expression with a group `case`: ids in a test's name, where no mark gives one; each match counts",
        default="",
    )
    allow_http: bool = setting("allow http:// to a host other than this machine", default=False)
    aggregate: Literal["each", "worst", "last"] = setting(
        "several tests of one case are sent as they are, or as one: the worst, or the last", default="each"
    )
    batch_size: int = setting("most results in one request", default=100)
    batch_bytes: int = setting("most bytes of results in one request, about", default=8_000_000)
    requests_per_minute: int = setting("most requests a minute for one token; 0: no limit", default=0)
    parallel: int = setting("requests under way at once", default=1)
    max_text: int = setting("most characters of a message or traceback", default=65_536)

    @property
    def base_url(self) -> str:
        """Where every path of a request begins."""
        return self.url

    @property
    def auth(self) -> Auth:
        """Who is calling."""
        raise ConfigError(f"vendor {self.kind!r} does not say how it is signed to")

    def send(self, http: Client, run_id: str, batch: Sequence[Result]) -> Sequence[str]:
        """Delivers a batch, whole or not at all; returns the tool's ids in the batch's order, or nothing."""
        raise ConfigError(f"vendor {self.kind!r} does not say how results are sent")

    def open_run(self, http: Client, run: Run) -> str:
        """Makes a run and returns its id."""
        return ""

    def close_run(self, http: Client, run_id: str) -> None:
        """Completes a run that `open_run` made, once everything is delivered."""

    def find_run(self, http: Client, run: Run) -> str | None:
        """The id of the open run that bears `run.own_id`, or None: of several, of the one that was made first.

        It is asked for where the answer to `open_run` was lost, and where machines share a run by its key.
        """
        return None

    def discard_run(self, http: Client, run_id: str) -> None:
        """Removes a run that another machine's came before, or ends it where none can be removed.

        Raises VendorError where it holds results, or stays.
        """

    def finish_shard(self, http: Client, run_id: str, shard: int, shards: int) -> Collection[int]:
        """Notes in the run that a machine, the `shard`-th of `shards`, is done; returns the numbers of all that are."""
        return ()

    def read_run(self, http: Client, run_id: str) -> None:
        """Reads the run, and raises what reading it raises: tells a missing run from a missing case."""

    def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
        """Uploads files, to a run (`before`) or to a result (`after`).

        Returns the tool's ids in the same order; an empty one says that the file is not there.
        """
        return ()

    def refuses(self, file: Attachment) -> str:
        """Why the tool is not to be sent a file, beside its size; empty where it is."""
        return ""

    def resolve(self, http: Client, results: Sequence[Result]) -> Mapping[str, tuple[str, ...]]:
        """Finds or makes the cases of results that name none: result id -> case ids; asked before a run is opened."""
        return {}

    def leaves_out(self, result: Result) -> str:
        """Why the tool is not told of a result; empty where it is. What is left out is counted and said."""
        return ""

    def condense(self, run: Run, results: Sequence[Result]) -> Sequence[Result]:
        """What a tool that gets a run as a whole is sent of it: each stands for its `parts`, together for all results.

        It is asked once the session has ended, and `send` gets what it returns; a receipt is one for all the parts.
        """
        return results

    def received(self, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
        """Reads back what has arrived of a batch whose answer was lost: result id -> the tool's id."""
        return {}

    def planned(self, http: Client, plan: str) -> Iterable[Case]:
        """The cases of a plan, read to the end. Raises VendorError, NotFound for an unknown plan."""
        return ()

    def recorded(self, http: Client, run_id: str) -> Iterable[Case]:
        """The cases of a run, and which of them have failed there. Raises VendorError, NotFound for an unknown run."""
        return ()

    def blame(self, error: VendorError, batch: Sequence[Result]) -> Mapping[int, str]:
        """The culprits that a refusal of a batch names: index in the batch -> the tool's words."""
        return {}

    def verify(self, http: Client) -> None:
        """Raises what is wrong with the token or the project, without changing anything."""

    def checks(self, http: Client) -> Iterable[tuple[str, Callable[[], object]]]:
        """What can be tried besides, setting by setting, without changing anything; asked where `verify` was content.

        Each call raises VendorError for what the setting names and the tool lacks; Doubtful where nobody can tell.
        """
        return ()

    def known_cases(self, http: Client, ids: Sequence[str]) -> Collection[str]:
        """Those of the case ids, as `case_ids` gives them, that the tool has. Raises VendorError."""
        return ()

    def run_url(self, run_id: str) -> str:
        """Where a person looks at the run; empty if unknown."""
        return ""

    @property
    def waits_for_end(self) -> bool:
        """True where nothing can be sent before the session has ended: results become other results."""
        return self.aggregate != "each" or self.can("condense")

    @property
    def closes(self) -> bool:
        """True where `close_run` does something."""
        return self.can("close_run")

    def can(self, method: str) -> bool:
        """True where the tool supports an optional method of this contract."""
        return getattr(type(self), method) is not getattr(Vendor, method)

    def word(self, outcome: Outcome) -> str | int:
        """The tool's status for an outcome; the user's own word wins."""
        return (self.status and self.status.get(outcome.value)) or self.statuses[outcome]

    def case_ids(self, result: Result) -> tuple[str, ...]:
        """The ids of a result for this destination: of the nearest mark that speaks of it, else of another plugin's
        mark, else in its name."""
        if result.ids:
            for keys in self._id_keys:
                for mark in result.ids:
                    for key in keys:
                        if key in mark:
                            return mark[key]
        if not self.names:
            return ()
        name = result.nodeid.partition("::")[2] or result.nodeid
        return tuple(dict.fromkeys(each["case"] for each in re.finditer(self.names, name) if each["case"]))

    @cached_property
    def _id_keys(self) -> tuple[tuple[str, ...], ...]:
        """The keys of a mark that speak to this destination: those of the first group, in any mark, come first."""
        project = str(getattr(self, "project", "")).upper()
        others = ((f"@{dialect}/{project}", f"@{dialect}") for dialect in self.dialects)
        return ((self.name, self.kind, ""), *others)

    @property
    def dialects(self) -> tuple[str, ...]:
        """The other plugins whose marks give case ids here: by default the tool's own, which is named as the vendor."""
        return self.marks or (self.kind, "allure")

    def secrets(self) -> list[str]:
        """The values that must appear nowhere."""
        return [str(getattr(self, entry.name)) for entry in fields(self) if is_secret(entry)]

    @property
    def wants_case(self) -> bool:
        """True where a result without a case id is set aside."""
        return self.needs_case or self.only_mapped


def names() -> list[str]:
    """Every known vendor: ours, and those that installed packages add by entry point."""
    return sorted({*_ours(), *_added(tuple(sys.path))})


@cache
def find(name: str, place: str | None = None) -> type[Vendor]:
    """The vendor of that name. Raises ConfigError for an unknown one, or one that cannot be imported.

    `place` is what `place_of` has told of it elsewhere: then no package is asked whether it adds one.
    """
    added = _added(tuple(sys.path)).get(name) if place is None else place
    if added:
        return _checked(name, _imported(name, EntryPoint(name, added, ENTRY_POINTS).load))
    if name not in _ours():
        raise ConfigError(f"there is no vendor {name!r}; known are: {', '.join(names())}")
    module = _imported(name, lambda: importlib.import_module(f"{vendors.__name__}.{name}"))
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__]
    return _checked(name, next((kind for kind in kinds if issubclass(kind, Vendor)), None))


def place_of(vendor: Vendor) -> str:
    """Where another package has that kind of vendor, as its entry point says it; empty for one of ours."""
    is_ours = type(vendor).__module__ == f"{vendors.__name__}.{vendor.kind}"
    return "" if is_ours else _added(tuple(sys.path)).get(vendor.kind, "")


def may_be_set(name: str, environ: Mapping[str, str]) -> bool:
    """False where no variable can be a setting of a vendor: then nothing of it has to be imported to find one.

    A vendor of ours spells its own variables out, in its module or in that of its settings.
    """
    if name in _added(tuple(sys.path)) or any(each.startswith(f"TMSREPORT_{name.upper()}_") for each in environ):
        return True
    home = Path(vendors.__path__[0])
    files = [file for file in (home / f"{name}.py", home / f"_{name}_settings.py") if file.exists()]
    words = (word for file in files for word in re.findall('"([A-Z][A-Z0-9_]+)"', file.read_text(encoding="utf-8")))
    return not files or any(environ.get(word) for word in words)  # where there are no sources, nobody can tell


@cache
def _ours() -> frozenset[str]:
    return frozenset(each.name for each in pkgutil.iter_modules(vendors.__path__) if not each.name.startswith("_"))


@cache  # every distribution is asked
def _added(path: tuple[str, ...]) -> Mapping[str, str]:  # noqa: ARG001 - the key of the cache
    """Name -> place, of the first package on the import path that adds a vendor of that name."""
    return {entry.name: entry.value for entry in reversed(tuple(entry_points(group=ENTRY_POINTS)))}


def _imported(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception as error:  # whatever another package's module does
        raise ConfigError(f"vendor {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _checked(name: str, kind: Any) -> type[Vendor]:
    if not (isinstance(kind, type) and issubclass(kind, Vendor)):
        raise ConfigError(f"vendor {name!r} is not a subclass of pytest_tmsreport.Vendor")
    return kind
