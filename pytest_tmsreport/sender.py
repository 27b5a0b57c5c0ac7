"""The child process that talks to the tools: starting, watching and stopping it, and what it does.

It gets its job as one JSON line on a pipe of its own, so that no secret stands in its arguments, and ends when that
pipe closes: the process that started it is gone. One that delivers while tests run follows their journal in place of a
pipe. It tells what it does by lines in `progress.jsonl` of the run folder.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from .journal import RunFolder, encode, private
from .masking import masker
from .stream import Session
from .tally import Tally
from .vendor import Vendor, find, place_of

if TYPE_CHECKING:
    from .config import Settings

PROGRESS, LOG = "progress.jsonl", "sender.log"
SOON_S, LOOK_S = 0.002, 0.02
"""How often the file is looked at: at first, and in the long run. What is soon over is to be noticed soon."""
GRACE_S = 15.0
"""How long after the deadline the sender may take to end its current request and write receipts."""
FULL = 74
"""The exit status of one that cannot tell what it did: the usual number for an error of input or output."""
LINGER_S = 5.0
"""How long a sender goes on with its current request when it is to end: the process that started it is gone."""

LOAD = """
import sys
from importlib import util
package, sys.path[:] = sys.argv[1], sys.argv[2:]
spec = util.spec_from_file_location("pytest_tmsreport", package, submodule_search_locations=[package[:-12]])
module = sys.modules["pytest_tmsreport"] = util.module_from_spec(spec)
spec.loader.exec_module(module)
"""
"""Loads this very package from where it is, and everything else from `argv`: the working directory is not searched."""
BOOT = f"""
import gc, os
gc.disable()
{LOAD}
from pytest_tmsreport.sender import main
main()
os._exit(0)
"""
"""What is imported stays: looking for garbage in it would only take time, until `main` has imported all.

Taking all of it apart at the end would, too, while somebody waits; what `main` has written is on disk.
"""
_GUESSERS = ("chardet", "charset_normalizer")


class Origin(NamedTuple):
    """The interpreter, import path and environment of the process, as they were before any test or conftest ran."""

    executable: str
    path: tuple[str, ...]
    environ: Mapping[str, str]

    @classmethod
    def here(cls, path: Sequence[str], environ: Mapping[str, str], cwd: str) -> Origin:
        """Leaves out the working directory, and what would measure or change the child."""
        unwanted = ("COV_", "COVERAGE_", "PYTHON", "PYTEST_")
        return cls(
            sys.executable,
            tuple(entry for entry in path if entry and os.path.realpath(entry) != os.path.realpath(cwd)),
            {name: value for name, value in environ.items() if not name.startswith(unwanted)},
        )

    def command(self, code: str = BOOT) -> list[str]:
        """The command line of a Python that runs `code`, which finds this very package."""
        return [self.executable, "-I", "-c", code, str(Path(__file__).with_name("__init__.py")), *self.path]


class Process(Protocol):
    """What a sender's process can be asked for, as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Sender:
    """A running sender, seen from the process that started it.

    `clock` (monotonic seconds) and `sleep` are taken before any test can replace them.
    """

    def __init__(  # noqa: PLR0913 - what it is to do, and time
        self,
        folder: Path,
        origin: Origin,
        job: Mapping[str, Any],
        deadline_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Starts it. Raises OSError where that cannot be done."""
        self._folder = folder
        self._clock = clock
        self._sleep = sleep
        self._deadline_s = deadline_s
        told = folder / PROGRESS
        self._offset = told.stat().st_size if told.exists() else 0  # what one before it has told
        self._rest = b""
        line = encode({**job, "deadline_s": deadline_s}).encode("ascii") + b"\n"
        with open(folder / LOG, "ab", opener=private) as log:
            self._process = self._start(origin, log, line)

    def events(self) -> Iterator[dict[str, Any]]:
        """What it tells, until it has ended or its time is over; between two looks, an empty event."""
        began = self._clock()
        ends = began + self._deadline_s + GRACE_S
        is_over = False
        while not is_over:
            is_over = self._process.poll() is not None or self._clock() > ends
            yield from self._news()
            if not is_over:
                yield {}
                self._sleep(min(max(SOON_S, (self._clock() - began) / 100), LOOK_S))

    def stop(self) -> str:
        """Ends it if it still runs; returns why it did not end well by itself, or nothing."""
        is_hanging = self._process.poll() is None
        with suppress(OSError):
            self._ask_to_end()
        for end in (None, self._process.terminate, self._process.kill):
            if end:
                end()
            try:
                status = self._process.wait(timeout=3)
                break
            except (subprocess.TimeoutExpired, KeyboardInterrupt):  # a Ctrl-C here is for us to hurry
                continue
        else:
            return "the sender cannot be ended"
        if is_hanging:
            return "the sender did not end in time and was stopped"
        if status == FULL:
            return f"the sender could not write to {self._folder}: is the disk full?"
        return f"the sender ended with status {status}: {self._last_words()}" if status else ""

    def _start(self, origin: Origin, log: IO[bytes], line: bytes) -> Process:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            origin.command(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=self._folder,
            env=dict(origin.environ),
            **own_group(),
        )
        assert process.stdin is not None  # noqa: S101 - for the type checker
        self._pipe = process.stdin
        with suppress(OSError):  # it died at once; `events` says so
            self._pipe.write(line)
            self._pipe.flush()
        return process

    def _ask_to_end(self) -> None:
        """Tells it to write its receipts and end."""
        self._pipe.close()

    def _news(self) -> Iterator[dict[str, Any]]:
        try:
            with (self._folder / PROGRESS).open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                yield json.loads(line)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = (self._folder / LOG).read_text("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else f"see {self._folder / LOG}"
        return "it left no word"


def job(
    vendors: Sequence[Vendor], settings: Settings, *, secrets: Sequence[str] = (), rehearse: bool = False
) -> dict[str, Any]:
    """What a sender is to do, as JSON; holds the secrets."""
    return {
        "vendors": [asdict(vendor) for vendor in vendors],
        "places": [place_of(vendor) for vendor in vendors],
        "network": [settings.ca_bundle, settings.client_cert, settings.proxy],
        "secrets": [*secrets, *(secret for vendor in vendors for secret in vendor.secrets())],
        "mask": list(settings.mask),
        "rehearse": rehearse,
    }


@contextmanager
def _nobody_guessing() -> Iterator[None]:
    """Meanwhile nothing is found that guesses an encoding. Answers are JSON, and `requests` does without where it is
    imported so, which spares a tenth of that; a vendor of somebody's own may ask for them later."""
    hidden = [name for name in _GUESSERS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: not to be found
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
        yield
    for name in hidden:
        del sys.modules[name]


def main() -> None:
    """The child: one upload of the run folder that is its working directory."""
    os.umask(0o077)  # whatever the tests have left
    given = json.loads(sys.stdin.buffer.readline())
    stopped = threading.Event()
    folder = RunFolder(Path.cwd())
    ends = time.monotonic() + given["deadline_s"]
    session = Session(folder, given["session"], given["stream_s"], given["deadline_s"]) if "session" in given else None
    deadline = session.deadline if session else lambda: ends
    threading.Thread(target=_watch, args=(session, stopped), daemon=True).start()

    with _nobody_guessing():
        from .client import Network, Request  # noqa: PLC0415 - the process that runs tests never imports requests
    from .upload import Conditions, upload  # noqa: PLC0415

    vendors = [
        find(each["kind"], place)(**revived(each))
        for each, place in zip(given["vendors"], given["places"], strict=True)
    ]
    getattr(gc, "freeze", int)()  # PyPy has none
    gc.set_threshold(50_000)  # results come and go by the thousand, and hardly any stand in a circle
    gc.enable()
    mask = masker(given["secrets"], given["mask"])
    writing = threading.Lock()
    with open(PROGRESS, "ab", buffering=0, opener=private) as progress:

        def tell(event: dict[str, Any]) -> None:
            line = encode(event).encode("ascii") + b"\n"
            with writing:
                if progress.write(line) != len(line):
                    raise OSError("there is no room for what is to be told")

        def hint(name: str, done: int) -> None:
            with suppress(OSError):  # it is for the eye only
                tell({"name": name, "done": done})

        def rehearse(name: str, request: Request) -> None:
            first, *rest = request.shown(mask)
            tell({"rehearsed": [f"{name}: {first}", *rest]})

        conditions = Conditions(
            network=Network(*given["network"]),
            deadline=lambda: 0.0 if stopped.is_set() else deadline(),
            sleep=stopped.wait,
            mask=mask,
            rehearse=rehearse if given["rehearse"] else None,
            progress=hint,
        )
        if session:
            conditions = conditions._replace(follow=session.follow)
        tallies: list[Tally] = upload(folder, vendors, conditions)
        try:
            tell({"tallies": [tally.to_json() for tally in tallies]})
        except OSError:
            sys.exit(FULL)


def _watch(session: Session | None, stopped: threading.Event) -> None:
    if session:
        session.watch(GRACE_S)
    else:
        while os.read(0, 1):  # until its end: the parent is gone; a blocked sys.stdin would disturb ours
            continue
    stopped.set()
    time.sleep(LINGER_S)
    os._exit(1)  # a server that never answers must not keep us; every receipt is on disk already


def revived(values: Mapping[str, Any]) -> dict[str, Any]:
    """A vendor's settings as they were before they became JSON."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def own_group() -> dict[str, Any]:
    """Ctrl-C is for pytest, not for a sender that is writing receipts."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
    return {"start_new_session": True}
