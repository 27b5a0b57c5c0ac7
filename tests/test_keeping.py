"""What is attached is kept as it is at that moment, or refused with words; nothing else in the folder changes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.keeping import Keeper
from pytest_tmsreport.masking import masker

if TYPE_CHECKING:
    from conftest import Project, Ran

TOKEN = "s3cret-token"


class Run:
    """A run folder and what is kept in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "attachments").mkdir()

    def keeper(self, most_mib: float = 0) -> Keeper:
        return Keeper(self.folder, masker([TOKEN], [r"BEGIN[\s\S]*?END"]), most_mib)

    def keep(self, source: Any, name: str = "", mime: str = "", *, most_mib: float = 0) -> dict[str, Any]:
        return self.keeper(most_mib).keep(source, name, mime)

    def stored(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "attachments").iterdir()}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run")


def sources(tmp_path: Path) -> Iterator[Any]:
    """The same content in every form in which it can be attached."""
    path = tmp_path / "shot.bin"
    path.write_bytes(b"\xffcontent")
    yield path
    yield str(path)
    yield b"\xffcontent"
    yield bytearray(b"\xffcontent")
    yield memoryview(b"\xffcontent")
    yield io.BytesIO(b"\xffcontent")
    packed = tmp_path / "shot.gz"
    packed.write_bytes(gzip.compress(b"\xffcontent"))
    with path.open("rb") as file, gzip.open(packed) as unpacked:
        yield file
        yield unpacked


def test_the_same_content_is_stored_once_in_whatever_form_it_comes(run: Run, tmp_path: Path) -> None:
    kept = [run.keep(source) for source in sources(tmp_path)]
    sha256 = hashlib.sha256(b"\xffcontent").hexdigest()
    assert {(each["sha256"], each["size"]) for each in kept} == {(sha256, 8)}
    assert run.stored() == {sha256: b"\xffcontent"}


def test_a_file_that_is_changed_or_deleted_later_stays_as_it_was(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"first")
    run.keep(path)
    path.write_bytes(b"second")
    run.keep(path)
    path.unlink()
    assert sorted(run.stored().values()) == [b"first", b"second"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/shadow", "shadow"),
        ("..", "attachment"),
        ("shots/", "attachment"),
        ("a\r\nContent-Type: x.txt", "a Content-Type: x.txt"),
        ("\x1b[31mred\x00.txt", "red .txt"),
        ("n" * 300 + ".txt", "n" * 199 + "…"),
        ("Ünïcode 文.txt", "Ünïcode 文.txt"),
    ],
)
def test_a_name_leads_nowhere_and_breaks_no_line(run: Run, name: str, safe: str) -> None:
    assert run.keep(b"x", name)["name"] == safe
    assert len(run.stored()) == 1


@pytest.mark.parametrize(
    ("name", "mime", "kept"),
    [
        ("a.png", "", "image/png"),
        ("a.json", "", "application/json"),
        ("server.log", "", "text/plain"),
        ("noname", "text/x-own; charset=utf-8", "text/x-own; charset=utf-8"),
        ("a.png", "image/png\r\nX-Other: 1", "image/png"),
    ],
)
def test_the_type_is_as_said_else_as_the_name_or_the_content_tells(run: Run, name: str, mime: str, kept: str) -> None:
    assert run.keep(b"words", name, mime)["mime"] == kept


@pytest.mark.parametrize(("name", "mime"), [("page.html", "text/html"), ("noname", "text/plain")])
def test_a_text_is_of_the_type_that_its_name_tells(run: Run, name: str, mime: str) -> None:
    assert run.keep("<p>words</p>", name)["mime"] == mime


def test_a_content_of_unknown_type_is_said_to_be_just_that(run: Run) -> None:
    assert run.keep(b"\xff\x00", "noname")["mime"] == "application/octet-stream"


@pytest.mark.skipif(sys.platform == "win32", reason="makes pipes and links")
def test_links_folders_pipes_sockets_and_devices_are_refused_and_none_is_waited_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))
    for name, kind in {
        "link": "a link",
        "dangling": "a link",
        "": "a folder",
        "pipe": "a pipe",
        "socket": "a socket",
        "/dev/zero": "a device",
    }.items():
        with pytest.raises(OSError, match=f"is {kind}, not an ordinary file"):
            run.keep(tmp_path / name)
    assert run.stored() == {}


@pytest.mark.skipif(sys.platform == "win32", reason="opens a device and a pipe")
def test_an_open_device_or_pipe_is_refused(run: Run) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, Path("/dev/zero").open("rb") as device:
        for source in (pipe, device):
            with pytest.raises(ValueError, match="no ordinary file"):
                run.keep(source)
    assert run.stored() == {}


def test_a_hard_link_is_an_ordinary_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "same").hardlink_to(tmp_path / "file")
    assert run.keep(tmp_path / "same")["size"] == 1


def test_a_file_beyond_the_users_limit_is_refused_with_its_size_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * 2000)
    for source in (path, path.read_bytes(), "x" * 2000):
        with pytest.raises(ValueError, match="it has 2000 bytes, `max_attachment_mb` allows 1024"):
            run.keep(source, "large", most_mib=1 / 1024)
    with path.open("rb") as file, pytest.raises(ValueError, match="more than 1024 bytes"):
        run.keep(file, most_mib=1 / 1024)
    assert run.stored() == {}
    assert run.keep(b"x" * 1024, most_mib=1 / 1024)["size"] == 1024


def test_a_source_that_fails_in_the_middle_leaves_nothing(run: Run) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            if self.closed:
                raise OSError("gone")
            self.close()
            return b"x" * size

    with pytest.raises(OSError, match="gone"):
        run.keep(Broken())
    assert run.stored() == {}


@pytest.mark.parametrize("name", ["log.txt", "server.log", "noname", "session.har", "data.json"])
def test_a_secret_in_a_text_of_whatever_name_is_not_stored(run: Run, name: str) -> None:
    run.keep(f"before {TOKEN} after".encode(), name)
    assert list(run.stored().values()) == [b"before *** after"]


def test_a_text_in_another_coding_loses_its_secret_and_nothing_else(run: Run) -> None:
    run.keep(f"grün {TOKEN} grün".encode("latin-1"), "log.txt")
    assert list(run.stored().values()) == ["grün *** grün".encode("latin-1")]


def test_what_is_no_text_is_stored_byte_for_byte(run: Run) -> None:
    content = b"\x89PNG\r\n" + os.urandom(3 * 2**18)
    run.keep(content, "shot.png")
    assert list(run.stored().values()) == [content]


@pytest.mark.parametrize("end", ["\n", " "], ids=["lines", "one_line"])
def test_a_text_of_any_size_is_searched_wherever_the_secret_stands(run: Run, end: str) -> None:
    words = [f"{number} ünd {TOKEN} BEGIN {number}\n{number} END" for number in range(60_000)]
    masked = [f"{number} ünd *** ***" for number in range(60_000)]
    kept = run.keep(io.BytesIO(end.join(words).encode()), "log.txt")
    assert list(run.stored().values()) == [end.join(masked).encode()]
    assert kept["size"] == len(end.join(masked).encode())


def test_a_text_that_cannot_be_searched_piece_by_piece_is_refused(run: Run) -> None:
    keeper = Keeper(run.folder, masker([], ["password=.*"]))
    with pytest.raises(ValueError, match="cannot be searched for secrets"):
        keeper.keep(b"password=" + b"x" * 5_000_000, "log.txt", "")
    assert run.stored() == {}


def test_a_worker_on_another_machine_sends_small_files_in_its_reports_and_names_large_ones() -> None:
    keeper = Keeper(None)
    kept = keeper.keep(b"small", "small.bin", "")
    assert base64.b64decode(kept["data"]) == b"small"
    with pytest.raises(ValueError, match="it has 1048577 bytes, a worker that shares no folder"):
        keeper.keep(b"x" * (2**20 + 1), "large.bin", "")


def test_an_image_and_a_figure_are_drawn_as_png() -> None:
    class Figure:
        def savefig(self, stream: Any, format: str) -> None:  # noqa: A002 - matplotlib's name
            stream.write(f"figure as {format}".encode())

    class Image:
        mode = "RGB"

        def save(self, stream: Any, format: str) -> None:  # noqa: A002 - PIL's name
            stream.write(f"image as {format}".encode())

    kept = [Keeper(None).keep(source, "", "") for source in (Figure(), Image())]
    assert [(each["name"], each["mime"]) for each in kept] == [("figure.png", "image/png"), ("image.png", "image/png")]
    assert [base64.b64decode(each["data"]) for each in kept] == [b"figure as png", b"image as png"]


def test_what_is_no_file_at_all_is_refused(run: Run) -> None:
    with pytest.raises(ValueError, match="neither a path"):
        run.keep(object())


SUITE = """
import pytest
import pytest_tmsreport as tms

@pytest.fixture
def tidy():
    yield
    tms.attach(b"of a teardown", name="end.bin")

def test_passes(tidy):
    with tms.step("look"):
        tms.attach(b"of a pass", name="pass.bin")
    tms.attach(b"of both", name="both.bin")

def test_fails():
    tms.attach(b"of both", name="both.bin")
    tms.attach(b"of a failure", name="fail.bin")
    assert False

@pytest.mark.tms(ignore=True)
def test_is_ignored():
    tms.attach(b"of nobody", name="ignored.bin")
    assert False
"""


def held(ran: Ran) -> set[bytes]:
    """What is stored in the run folder."""
    assert ran.folder
    return {path.read_bytes() for path in (ran.folder.path / "attachments").iterdir()}


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("all", {b"of a pass", b"of both", b"of a failure", b"of a teardown"}),
        ("failed", {b"of both", b"of a failure"}),
        ("none", set()),
    ],
)
def test_only_the_files_of_the_results_that_are_wanted_are_reported_and_stay(
    project: Project, workers: str, wanted: str, kept: set[bytes]
) -> None:
    project.write("test_shop.py", SUITE)
    project.settings(f"[tmsreport]\nattach = {wanted}\n")
    ran = project.report(workers)
    assert held(ran) == kept
    arrived = {file.sha256 for file in project.box.attachments.values()}
    assert arrived == {hashlib.sha256(content).hexdigest() for content in kept}
    named = {file.sha256 for result in ran.results for file in result.attachments}
    assert named == arrived


def test_a_file_that_is_too_large_is_named_with_its_size_in_the_summary_and_at_the_tool(
    project: Project, workers: str
) -> None:
    lines = ["import pytest_tmsreport as tms", "def test_attaches():", "    tms.attach(b'fine', name='fine.bin')"]
    lines += [f"    tms.attach(b'x' * 2000, name='large{number}.bin')" for number in range(12)]
    project.write("test_shop.py", "\n".join(lines))
    project.settings("[tmsreport]\nmax_attachment_mb = 0.001\n")
    ran = project.report(workers)
    assert held(ran) == {b"fine"}
    why = "it has 2000 bytes, `max_attachment_mb` allows 1049"
    assert f"not attached: test_shop.py::test_attaches: large9.bin: {why}" in ran.out
    assert "not attached: and 2 more files" in ran.out
    assert f"not attached: large11.bin: {why}" in project.arrived[0].body["message"]
