"""The files of results arrive once each, in few requests and together, and what does not arrive is named."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests

from pytest_tmsreport.client import Client, File
from pytest_tmsreport.errors import Doubtful, JournalError
from pytest_tmsreport.model import Attachment, Result
from pytest_tmsreport.sandbox import catalog, qase_fields, testrail_fields
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox import vansah as vansah_sandbox
from pytest_tmsreport.sandbox import xray as xray_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.qase_fields import Rules as QaseRules
from pytest_tmsreport.sandbox.server import serve
from pytest_tmsreport.sandbox.site import Sandbox
from pytest_tmsreport.sandbox.xray_fields import CLIENT_ID, CLIENT_SECRET
from pytest_tmsreport.tally import lines
from pytest_tmsreport.testing import Canned, Desk, make_results
from pytest_tmsreport.vendor import Vendor
from pytest_tmsreport.vendors.qase import Qase
from pytest_tmsreport.vendors.testrail import TestRail
from pytest_tmsreport.vendors.vansah import Vansah
from pytest_tmsreport.vendors.xray import Xray

if TYPE_CHECKING:
    from conftest import Project

PATIENCE_S = 60
QASE = Qase(name="qase", kind="qase", url="https://tms.test/qase", token=qase_fields.TOKEN, project="SHOP")
TESTRAIL = TestRail(
    name="testrail",
    kind="testrail",
    url="https://tms.test/testrail",
    user=testrail_fields.USER,
    token=testrail_fields.TOKEN,
    project=testrail_fields.PROJECT,
)
VANSAH = Vansah(
    name="vansah",
    kind="vansah",
    url="https://tms.test/vansah",
    token=vansah_sandbox.TOKEN,
    project="DEMO",
    asset="DEMO-9",
)
XRAY = Xray(
    name="xray",
    kind="xray",
    url="https://tms.test/xray",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    project="SHOP",
)


@pytest.fixture
def desk_of(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(vendor: Vendor, sandbox: Sandbox) -> Desk:
        made.append(Desk(tmp_path, vendor, sandbox))
        return made[-1]

    yield make
    for desk in made:
        with suppress(JournalError):  # most tests have ended it
            desk.journal.end(exitstatus=0, not_run=[])


@pytest.fixture
def qase(desk_of: Callable[..., Desk]) -> Desk:
    return desk_of(QASE, qase_sandbox.create())


@pytest.fixture
def testrail(desk_of: Callable[..., Desk]) -> Desk:
    return desk_of(TESTRAIL, testrail_sandbox.create())


class Gate(WsgiAdapter):
    """The sandbox; a request with files waits until so many of them are under way. `most` is how many there were."""

    def __init__(self, mount: Mount, together: int) -> None:
        super().__init__(mount)
        self.most = 0
        self._meeting = threading.Barrier(together, timeout=PATIENCE_S)
        self._here = 0
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if "attachment" not in str(request.url):
            return super().send(request, *args, **kwargs)
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
        try:
            self._meeting.wait()
            return super().send(request, *args, **kwargs)
        finally:
            with self._lock:
                self._here -= 1


def file_of(desk: Desk, name: str, content: bytes | None = None) -> Attachment:
    return desk.journal.attach(name, "application/octet-stream", os.urandom(100) if content is None else content)


def with_files(desk: Desk, number: int, files: int = 1, size: int = 100) -> list[Result]:
    """So many results with so many files each, all of them different."""
    return [
        replace(
            result, attachments=tuple(file_of(desk, f"{index}-{each}.bin", os.urandom(size)) for each in range(files))
        )
        for index, result in enumerate(make_results(number))
    ]


def uploads(desk: Desk) -> list[int]:
    """How many files each request with files held."""
    found = [each.body["parts"] for each in desk.box.requests if "attachment" in f"{each.path}?{each.query}"]
    return [sum("sha256" in part for part in parts) for parts in found]


def contents(desk: Desk) -> Counter[str]:
    return Counter(file.sha256 for file in desk.box.attachments.values())


def test_the_files_of_a_batch_share_requests_up_to_what_the_tool_takes(qase: Desk) -> None:
    qase.write(*with_files(qase, 15, files=3))
    tally = qase.send()
    assert sorted(uploads(qase)) == [5, 20, 20]
    assert (tally.files, tally.files_left_out, tally.notes) == (45, 0, [])


def test_a_request_holds_no_more_bytes_than_the_tool_takes(desk_of: Callable[..., Desk]) -> None:
    class Small(Qase):
        files_bytes: ClassVar[int] = 1000

    desk = desk_of(Small(**asdict(QASE)), qase_sandbox.create())
    desk.write(*with_files(desk, 10, size=300))
    desk.send()
    assert sorted(uploads(desk)) == [1, 3, 3, 3]


def test_as_many_requests_with_files_are_under_way_as_the_tool_allows(qase: Desk) -> None:
    qase.write(*with_files(qase, 80, files=2))
    gate = Gate(qase.mount, 4)
    assert qase.send(transport=gate).files == 160
    assert gate.most == 4


def test_files_that_go_to_results_are_under_way_together_too(testrail: Desk) -> None:
    testrail.write(*with_files(testrail, 6, files=2))
    gate = Gate(testrail.mount, 4)
    assert testrail.send(transport=gate).files == 12
    assert gate.most == 4
    assert uploads(testrail) == [1] * 12


def test_one_request_at_a_time_is_enough_for_batches_and_files(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(replace(QASE, parallel=1, batch_size=3), qase_sandbox.create())
    desk.write(*with_files(desk, 10, files=30))
    gate = Gate(desk.mount, 1)
    tally = desk.send(transport=gate)
    assert (tally.delivered, tally.files, gate.most) == (10, 300, 1)


def test_a_content_that_many_batches_want_at_once_goes_once(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(replace(QASE, parallel=8, batch_size=1), qase_sandbox.create())
    shared = file_of(desk, "shared.bin")
    desk.write(*(replace(each, attachments=(shared, *each.attachments)) for each in with_files(desk, 40)))
    assert desk.send().files == 41
    assert set(contents(desk).values()) == {1}
    (remote,) = (key for key, file in desk.box.attachments.items() if file.sha256 == shared.sha256)
    assert all(remote in result.body["attachments"] for result in desk.box.results.values())


@pytest.mark.parametrize("trouble", ["503*1", "503*3@attachment", "429*2@attachment", "503*2@results", "reset*3"])
def test_a_passing_trouble_makes_no_content_arrive_twice(qase: Desk, trouble: str) -> None:
    qase.write(*with_files(qase, 30, files=3))
    qase.mount.troubles.add(trouble)
    tally = qase.send()
    assert (tally.delivered, tally.files) == (30, 90)
    assert set(contents(qase).values()) == {1}


def test_an_outage_of_files_keeps_the_results_and_a_later_upload_sends_only_what_is_missing(qase: Desk) -> None:
    qase.write(*with_files(qase, 30, files=2))
    qase.mount.troubles.add("slow=0*2@attachment", "503@attachment")  # two requests pass
    first = qase.send(deadline_s=60)
    assert (first.delivered, first.kept, first.files) == (0, 30, 40)
    assert "503" in first.reason
    qase.mount.troubles.clear()
    second = qase.send()
    assert (second.delivered, second.files) == (30, 20)
    assert set(contents(qase).values()) == {1}


def test_results_come_before_the_files_that_go_to_them(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(replace(TESTRAIL, batch_size=5), testrail_sandbox.create())
    desk.write(*with_files(desk, 20))
    desk.send()
    is_file = ["add_attachment" in each.query for each in desk.box.requests if "add_" in each.query]
    assert is_file == sorted(is_file)


def test_files_that_could_not_go_to_their_results_are_kept_and_said_and_a_later_upload_sends_them(
    testrail: Desk,
) -> None:
    testrail.write(*with_files(testrail, 10))
    testrail.mount.troubles.add("slow=0*4@add_attachment", "503@add_attachment")
    tally = testrail.send(deadline_s=60)
    assert (tally.delivered, tally.kept, tally.files, tally.files_kept) == (10, 0, 4, 6)
    said = [line.text + line.command for line in lines(tally, lambda *_: "tmsreport send run")]
    assert "4 files, 6 files kept" in said[0]
    assert "  send the rest: tmsreport send run" in said
    testrail.mount.troubles.clear()
    again = testrail.send()
    assert (again.delivered, again.files, again.files_kept) == (0, 6, 0)
    assert set(contents(testrail).values()) == {1}
    assert testrail.send().requests == 0


def test_files_are_not_begun_when_the_time_is_over(testrail: Desk) -> None:
    testrail.write(*with_files(testrail, 40))

    class Slow(WsgiAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            testrail.time.sleep(5)
            return super().send(*args, **kwargs)

    tally = testrail.send(deadline_s=60, transport=Slow(testrail.mount))
    assert tally.delivered == 40
    assert tally.files + tally.files_kept == 40
    assert tally.files_kept > 20
    assert "time allowed" in tally.reason


@pytest.mark.parametrize("name", ["qase", "testrail"])
def test_a_file_beyond_the_tools_limit_is_named_with_its_size_and_never_sent(
    desk_of: Callable[..., Desk], name: str
) -> None:
    class SmallQase(Qase):
        file_bytes: ClassVar[int] = 50

    class SmallTestRail(TestRail):
        file_bytes: ClassVar[int] = 50

    small = {
        "qase": (SmallQase(**asdict(QASE)), qase_sandbox),
        "testrail": (SmallTestRail(**asdict(TESTRAIL)), testrail_sandbox),
    }
    vendor, sandbox = small[name]
    desk = desk_of(vendor, sandbox.create())
    (result,) = make_results(1)
    large, fine = file_of(desk, "large.bin", b"x" * 51), file_of(desk, "fine.bin", b"x" * 50)
    desk.write(replace(result, attachments=(large, fine)))
    tally = desk.send()
    assert (tally.delivered, tally.files, tally.files_left_out) == (1, 1, 1)
    assert tally.notes == [f"the file 'large.bin' is left out: 51 bytes, {vendor.label} takes 50"]
    assert next(iter(lines(tally, lambda *_: ""))).text.endswith("1 file, 1 file left out, 4 requests, 0.0 s")
    assert [file.name for file in desk.box.attachments.values()] == ["fine.bin"]
    assert desk.send().requests == 0


@pytest.mark.parametrize(
    ("vendor", "sandbox", "large"), [(VANSAH, vansah_sandbox, 2**20 + 1), (XRAY, xray_sandbox, 10_000_001)]
)
def test_a_tool_that_takes_files_within_results_has_them_counted_and_its_limits_said(
    desk_of: Callable[..., Desk], vendor: Vendor, sandbox: Any, large: int
) -> None:
    desk = desk_of(vendor, sandbox.create())
    first, second, third = make_results(3)
    fine = file_of(desk, "fine.bin")
    desk.write(
        replace(first, attachments=(fine, file_of(desk, "large.bin", bytes(large)))),
        replace(second, attachments=(fine,)),
        third,
    )
    tally = desk.send()
    assert (tally.delivered, tally.files, tally.files_left_out) == (3, 2, 1)
    why = f"with its {large} bytes it is more than {vendor.label} takes with a result"
    assert tally.notes == [f"the file 'large.bin' is left out: {why}"]
    bodies = [repr(result.body) for result in desk.box.results.values()]
    assert sum("not sent: large.bin" in body for body in bodies) == 1


def test_what_a_tool_lacks_of_a_result_stands_in_the_result(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(QASE, qase_sandbox.create(QaseRules(file_bytes=100)))
    (result,) = make_results(1)
    desk.write(replace(result, attachments=(file_of(desk, "large.bin", bytes(200)), file_of(desk, "fine.bin"))))
    desk.send()
    (arrived,) = desk.box.results.values()
    assert arrived.body["message"] == "not sent: large.bin"
    assert len(arrived.body["attachments"]) == 1


def test_ten_files_that_are_left_out_are_named_and_the_others_counted(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(QASE, qase_sandbox.create(QaseRules(storage=1)))
    desk.write(*with_files(desk, 14))
    tally = desk.send()
    assert (tally.delivered, tally.files, tally.files_left_out) == (14, 0, 14)
    named, more = tally.notes
    assert named.startswith("10 files are left out: no more are sent, results are: 507")
    assert "'0-0.bin'" in named
    assert more == "and 4 more files left out"


def test_where_every_file_is_refused_the_others_are_not_tried_one_by_one(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(replace(TESTRAIL, parallel=1), testrail_sandbox.create(testrail_fields.Rules(file_bytes=10)))
    desk.write(*with_files(desk, 100))
    tally = desk.send()
    assert (tally.delivered, tally.files, tally.files_left_out) == (100, 0, 100)
    assert len(uploads(desk)) == 26


def test_a_refused_file_is_not_tried_again_by_a_later_upload(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(QASE, qase_sandbox.create(QaseRules(file_bytes=100)))
    (result,) = make_results(1)
    desk.write(replace(result, attachments=(file_of(desk, "large.bin", bytes(200)),)))
    desk.mount.troubles.add("503@results")
    assert desk.send(deadline_s=30).kept == 1
    desk.mount.troubles.clear()
    assert desk.send().delivered == 1
    assert uploads(desk) == [1]


def test_a_file_that_may_have_arrived_is_named_and_not_sent_again(desk_of: Callable[..., Desk]) -> None:
    class Unsure(Qase):
        def attach(self, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
            raise Doubtful("the answer was lost, and it may have arrived", vendor=self.name)

    desk = desk_of(Unsure(**asdict(QASE)), qase_sandbox.create())
    desk.write(*with_files(desk, 2))
    tally = desk.send()
    assert (tally.delivered, tally.files, tally.files_left_out) == (2, 0, 2)
    assert "it may have arrived: '0-0.bin', '1-0.bin'" in tally.notes[0]


def test_a_tool_that_takes_no_files_is_said_to(desk_of: Callable[..., Desk]) -> None:
    class Plain(Qase):
        def can(self, method: str) -> bool:
            return method != "attach" and super().can(method)

    desk = desk_of(Plain(**asdict(QASE)), qase_sandbox.create())
    desk.write(*with_files(desk, 2))
    tally = desk.send()
    assert (tally.delivered, tally.files_left_out) == (2, 2)
    assert tally.notes == ["2 files are left out: Qase takes no files: '0-0.bin', '1-0.bin'"]


def test_an_answer_that_names_no_file_leaves_them_out(qase: Desk) -> None:
    class Silent(WsgiAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            if "attachment" in str(request.url):
                return Canned(200, b'{"status": true, "result": []}').send(request)
            return super().send(request, *args, **kwargs)

    qase.write(*with_files(qase, 1))
    tally = qase.send(transport=Silent(qase.mount))
    assert (tally.delivered, tally.files_left_out) == (1, 1)
    assert tally.notes == ["the file '0-0.bin' is left out: the answer to its upload does not name it"]


MANY = """
import pytest
import pytest_tmsreport as tms

@pytest.mark.parametrize("number", range(100))
def test_attaches(number):
    for name in ("before.png", "after.png", "server.log"):
        tms.attach(f"{number} {name}".encode(), name=name)
"""


@pytest.mark.parametrize("trouble", [pytest.param("503*1", marks=pytest.mark.long), "503*1@attachment"])
def test_three_hundred_files_of_a_hundred_tests_take_a_few_requests(project: Project, trouble: str) -> None:
    project.write("test_many.py", MANY)
    project.served.troubles.add(trouble, "slow=0.05")
    ran = project.report("-q")
    assert "100 delivered" in ran.line("qase: ")
    assert "300 files" in ran.line("qase: ")
    assert len(project.box.requests) <= 60  # a fifth of one request a file
    assert Counter(file.sha256 for file in project.box.attachments.values()).most_common(1)[0][1] == 1
    assert len(project.box.attachments) == 300
    assert sum(len(result.body["attachments"]) for result in project.arrived) == 300


GAUGE = """
from dataclasses import dataclass
from pathlib import Path
from pytest_tmsreport.vendors.{module} import {name}

def peak():
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("VmHWM"))

@dataclass(frozen=True, kw_only=True)
class Gauge({name}):
    def run_url(self, run_id):  # asked for last
        Path("peak").write_text(peak(), "ascii")  # in the run folder, where a sender works
        return super().run_url(run_id)
"""
ATTACHES_LARGE = """
import pytest
import pytest_tmsreport as tms

@pytest.mark.tms("C1")
def test_attaches():
    tms.attach("{file}")
    with open("{file}", "rb") as file:
        tms.attach(file)
"""


@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("qase", "video.mp4", marks=pytest.mark.long),
        ("qase", "server.log"),
        pytest.param("testrail", "video.mp4", marks=pytest.mark.long),
    ],
)
def test_the_memory_of_tests_and_sender_does_not_grow_with_the_size_of_a_file(
    project: Project, tmp_path: Path, name: str, file: str
) -> None:
    status = Path("/proc/self/status")
    if not status.exists() or "VmHWM" not in status.read_text("ascii"):
        pytest.skip("this system does not tell a process's peak of memory in /proc")
    # A vendor of another package, so that the sender itself tells its peak when it has sent everything.
    package = tmp_path / "gauge"
    (package / "gauge-1.dist-info").mkdir(parents=True)
    (package / "gauge-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: gauge\nVersion: 1\n")
    (package / "gauge-1.dist-info" / "entry_points.txt").write_text("[pytest_tmsreport.vendors]\ngauge = gauge:Gauge\n")
    kind = {"qase": "Qase", "testrail": "TestRail"}[name]
    (package / "gauge.py").write_text(GAUGE.format(module=name, name=kind))
    project.write("test_large.py", ATTACHES_LARGE.format(file=file))
    project.write(
        "conftest.py",
        """
        from pathlib import Path
        from gauge import peak

        def pytest_unconfigure():
            Path("peak").write_text(peak(), "ascii")
        """,
    )
    with serve([catalog.create(name)]) as served:
        project.environ.update({key.replace(name.upper(), "GAUGE"): held for key, held in served.environment.items()})
        project.environ["PYTHONPATH"] = str(package)
        peaks = []
        for size in (2**10, 30 * 2**20):
            line = os.urandom(2**10) if file.endswith("mp4") else b"2026-09-14 10:02:11 INFO all is well here  \n" * 24
            (project.root / file).write_bytes(line[: 2**10] * (size // 2**10))
            ran = project.pytest("--tms-to", "gauge")
            assert ran.folder
            peaks.append([int((folder / "peak").read_text("ascii")) for folder in (project.root, ran.folder.path)])
        assert sorted(each.size for each in served.boxes[name].attachments.values()) == [2**10, 30 * 2**20]
    (tests, sender), (tests_large, sender_large) = peaks
    assert tests_large - tests < 16 * 2**10  # KiB
    assert sender_large - sender < 16 * 2**10
