"""What a test says while it runs: whole sessions, looked at in the journal."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pytest_tmsreport as tms
from pytest_tmsreport.clock import make_clock
from pytest_tmsreport.config import destination
from pytest_tmsreport.model import Outcome, Step
from pytest_tmsreport.recorder import Recording, end, record
from pytest_tmsreport.render import steps_as_text
from pytest_tmsreport.sandbox import catalog
from pytest_tmsreport.sources import Source
from pytest_tmsreport.testing import Desk, make_results

if TYPE_CHECKING:
    from conftest import Project


@pytest.fixture
def recording() -> Iterator[Recording]:
    """A recording that is on, as during a test of a reporting session."""
    made = Recording(make_clock())
    record(made)
    yield made
    record(None)


def steps_of(recording: Recording) -> list[dict[str, Any]]:
    return [step.to_json(recording.clock()) for step in recording.steps]


def tree(recording: Recording) -> list[Any]:
    """The steps so far: title, or title and inner steps."""

    def of(steps: list[dict[str, Any]]) -> list[Any]:
        return [(step["title"], of(step["steps"])) if "steps" in step else step["title"] for step in steps]

    return of(steps_of(recording))


def test_steps_nest_as_they_are_written(recording: Recording) -> None:
    with tms.step("open cart"):
        with tms.step("add tea"):
            pass
        with tms.step("add cup"):
            pass
    with tms.step("pay"):
        pass
    assert tree(recording) == [("open cart", ["add tea", "add cup"]), "pay"]


def test_a_step_that_an_exception_leaves_is_failed_and_says_why(recording: Recording) -> None:
    with pytest.raises(ValueError, match="no money"), tms.step("pay", expected="receipt", data={"amount": 3}):
        raise ValueError("no money")
    (step,) = steps_of(recording)
    assert (step["outcome"], step["message"]) == ("failed", "ValueError: no money")
    assert (step["expected"], step["data"]) == ("receipt", "{'amount': 3}")


@pytest.mark.parametrize("title", ["", " \n"])
def test_a_step_without_a_title_says_so(recording: Recording, title: str) -> None:
    with tms.step(title):
        pass
    assert tree(recording) == ["(no title)"]


@pytest.mark.parametrize(("leave", "outcome"), [(pytest.skip, "skipped"), (pytest.xfail, "xfailed")])
def test_a_step_that_is_skipped_or_xfailed_is_no_failure(recording: Recording, leave: Any, outcome: str) -> None:
    with pytest.raises((pytest.skip.Exception, pytest.xfail.Exception)), tms.step("print"):
        leave("no printer")
    (step,) = steps_of(recording)
    assert (step["outcome"], step["message"]) == (outcome, "no printer")


def test_the_arguments_of_a_function_stand_in_the_title(recording: Recording) -> None:
    class Shop:
        @tms.step("pay {amount} by {way}")
        def pay(self, amount: int, way: str = "card") -> int:
            return amount

    assert Shop().pay(3) == 3
    assert Shop().pay(amount=4, way="cash") == 4
    assert tree(recording) == ["pay 3 by card", "pay 4 by cash"]


@pytest.mark.parametrize("title", ["{unknown}", "{", "{0}", "{self.x}", "{a!z}"])
def test_a_title_that_cannot_be_filled_stays_as_it_is(recording: Recording, title: str) -> None:
    @tms.step(title)
    def work(a: int) -> None:
        pass

    work(1)
    assert tree(recording) == [title]


@pytest.mark.usefixtures("recording")
def test_a_function_keeps_its_name_its_result_and_its_exception() -> None:
    @tms.step("divide")
    def divide(a: int, b: int) -> float:
        """Divides."""
        return a / b

    assert (divide.__name__, divide.__doc__, divide(4, 2)) == ("divide", "Divides.", 2)
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


def test_tasks_that_run_at_once_do_not_mix_their_steps(recording: Recording) -> None:
    @tms.step("outer {name}")
    async def work(name: str) -> None:
        await asyncio.sleep(0)
        with tms.step(f"inner {name}"):
            await asyncio.sleep(0)
            with tms.step(f"innermost {name}"):
                await asyncio.sleep(0)

    async def all_at_once() -> None:
        await asyncio.gather(work("a"), work("b"), work("c"))

    asyncio.run(all_at_once())
    assert tree(recording) == [(f"outer {n}", [(f"inner {n}", [f"innermost {n}"])]) for n in "abc"]


def test_a_bare_thread_begins_a_nest_of_its_own_unless_it_carries_one(recording: Recording) -> None:
    def work(name: str) -> None:
        with tms.step(name):
            pass

    with tms.step("outer"):
        for thread in (
            threading.Thread(target=work, args=["own"]),
            threading.Thread(target=tms.carry(work), args=["in"]),
        ):
            thread.start()
            thread.join()
    assert tree(recording) == [("outer", ["in"]), "own"]


def test_a_step_may_end_on_another_thread_and_out_of_turn(recording: Recording) -> None:
    first, second = (recording.begin(title, "", "") for title in ("first", "second"))
    assert first
    assert second
    thread = threading.Thread(target=end, args=[first, None])
    thread.start()
    thread.join()
    with tms.step("within the second"):
        pass
    end(second, None)
    with tms.step("after both"):
        pass
    assert tree(recording) == [("first", [("second", ["within the second"])]), "after both"]


def test_a_step_that_follows_stands_in_a_bare_thread_within_the_one_where_the_test_runs(recording: Recording) -> None:
    def work(name: str) -> None:
        begun = recording.begin(name, "", "", follows=True)
        assert begun
        end(begun, ValueError("no"))

    def in_a_thread(name: str) -> None:
        thread = threading.Thread(target=work, args=[name])
        thread.start()
        thread.join()

    with tms.step("outer"):
        with tms.step("over"):
            pass
        in_a_thread("inner")
    in_a_thread("top")
    outer, top = steps_of(recording)
    over, inner = outer["steps"]
    assert [step["title"] for step in (outer, over, inner, top)] == ["outer", "over", "inner", "top"]
    assert (inner["outcome"], inner["message"]) == ("failed", "ValueError: no")


def test_a_suite_and_a_description_that_a_test_says_take_the_place_of_others(project: Project) -> None:
    project.write(
        "test_said.py",
        """
        import pytest
        from pytest_tmsreport import recorder

        @pytest.mark.tms(suite=["Of", "the mark"], description="of the mark")
        def test_says():
            recorder.suite("Said", "by the test")
            recorder.description("said by the test")
        """,
    )
    (result,) = project.report().results
    assert (result.suite, result.description) == (("Said", "by the test"), "said by the test")


def test_what_the_caller_of_a_generator_does_is_no_part_of_its_step(recording: Recording) -> None:
    @tms.step("count")
    def count() -> Iterator[int]:
        with tms.step("first"):
            pass
        yield 1
        with tms.step("second"):
            pass
        yield 2

    for number in count():
        with tms.step(f"use {number}"):
            pass
    assert tree(recording) == [("count", ["first", "second"]), "use 1", "use 2"]


def test_an_exception_reaches_the_generator_it_is_thrown_into(recording: Recording) -> None:
    caught = []

    @contextmanager
    @tms.step("guard")
    def guard() -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            caught.append(str(error))

    with guard():
        raise ValueError("inside")
    assert caught == ["inside"]
    assert tree(recording) == ["guard"]


def test_an_async_generator_is_a_step_too(recording: Recording) -> None:
    @tms.step("stream")
    async def stream() -> Any:
        for number in range(2):
            with tms.step(f"make {number}"):
                await asyncio.sleep(0)
            yield number

    async def use() -> list[int]:
        found = []
        async for number in stream():
            with tms.step(f"use {number}"):
                found.append(number)
        return found

    assert asyncio.run(use()) == [0, 1]
    assert tree(recording) == [("stream", ["make 0", "make 1"]), "use 0", "use 1"]


def test_outside_of_a_test_everything_is_a_no_op() -> None:
    @tms.step("work {x}")
    def work(x: int) -> int:
        return x

    with tms.step("nothing", data=object()):
        assert work(1) == 1
    tms.attach(b"x", name="x")
    tms.note("n")
    tms.field("f", 1)
    tms.tag("t")
    tms.link("https://a.test")
    tms.title("t")
    tms.parameter("p", 1)
    tms.case("C1")


def test_a_loop_that_steps_without_end_is_cut_and_says_so(recording: Recording) -> None:
    for _ in range(6_000):
        with tms.step("again"):
            pass
    assert len(steps_of(recording)) == 5_000
    assert recording.words["notes"] == ["only the first 5000 steps are reported"]


def test_steps_deeper_than_any_tool_takes_stand_side_by_side(recording: Recording) -> None:
    def down(depth: int) -> None:
        with tms.step(f"{depth}"):
            if depth:
                down(depth - 1)

    down(60)
    for entry in steps_of(recording):
        Step.from_json(entry)


def test_steps_read_well_as_text() -> None:
    inner = Step(
        title="enter", outcome=Outcome.FAILED, duration=0.5, message="TimeoutError", expected="a form", data="name=x"
    )
    assert steps_as_text([Step(title="open", steps=(inner,), duration=1.0)]) == [
        "passed: open (1.0 s)",
        "  failed: enter: expected: a form: data: name=x: TimeoutError (0.5 s)",
    ]


STEPS = (
    Step(title="open cart", duration=0.5, steps=(Step(title="add tea", duration=0.25),)),
    Step(title="pay", outcome=Outcome.FAILED, duration=1.0, message="TimeoutError: no answer"),
)


@pytest.mark.parametrize("name", ["testrail", "xray", "vansah"])
def test_a_tool_that_is_sent_no_steps_of_its_own_gets_them_in_words(name: str, tmp_path: Path) -> None:
    sandbox = catalog.create(name)
    source = Source(sandbox.environment(f"https://tms.test/{name}"))
    desk = Desk(tmp_path, destination(name, name, source), sandbox)
    (result,) = make_results(1, steps=STEPS, outcome=Outcome.FAILED, ids=({"": ("1",)},))
    desk.write(result)
    assert desk.send().delivered == 1
    (arrived,) = desk.box.results.values()
    said = json.dumps(arrived.body)
    assert "open cart" in said
    assert "pay" in said
    assert "TimeoutError: no answer" in said


FILES = """
import io, os, pytest
import pytest_tmsreport as tms

@pytest.fixture
def log(tmp_path):
    yield
    tms.attach(b"of the teardown", name="teardown.log")

def test_attaches(log, tmp_path):
    path = tmp_path / "shot.png"
    path.write_bytes(b"the first state")
    tms.attach(path)
    path.write_bytes(b"a later state")
    tms.attach("a word", name="../../word.txt")
    tms.attach(io.BytesIO(b"stream"), name="stream.bin")
    with tms.step("outer"):
        with tms.step("inner"):
            tms.attach(b"of a step", name="step.txt")
            tms.attach(b"the first state", name="again.png")

def test_attaches_what_cannot_be_kept(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "link", tmp_path / "pipe", tmp_path, tmp_path / "missing", "/dev/null"):
        tms.attach(path)
    tms.attach(object())

def test_attaches_a_secret():
    tms.attach("token is " + os.environ["TMSREPORT_QASE_TOKEN"], name="log.txt", mime="text/plain")
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_files_are_kept_as_they_were_and_sent_once_with_the_step_they_belong_to(project: Project, workers: str) -> None:
    project.write("test_files.py", FILES)
    ran = project.report(workers)
    results = {nodeid.partition("::")[2]: result for nodeid, result in ran.last.items()}
    held = {file.name: ran.text(file) for file in results["test_attaches"].attachments}
    assert held == {
        "shot.png": "the first state",
        "word.txt": "a word",
        "stream.bin": "stream",
        "step.txt": "of a step",
        "again.png": "the first state",
        "teardown.log": "of the teardown",
    }
    notes = results["test_attaches_what_cannot_be_kept"].notes
    assert len(notes) == 6
    assert all(note.startswith("not attached: ") for note in notes)
    (secret,) = results["test_attaches_a_secret"].attachments
    assert ran.text(secret) == "token is ***"
    assert sorted(file.name for file in project.box.attachments.values()) == [
        "log.txt",
        "shot.png",
        "step.txt",
        "stream.bin",
        "teardown.log",
        "word.txt",
    ]
    (sent,) = [each for each in project.arrived if each.title == "test_attaches"]
    names = {remote: file.name for remote, file in project.box.attachments.items()}
    inner = sent.body["steps"][0]["steps"][0]["execution"]["attachments"]
    assert [names[remote] for remote in inner] == ["step.txt", "shot.png"]
    assert sorted(names[remote] for remote in sent.body["attachments"]) == ["stream.bin", "teardown.log", "word.txt"]


SUITE = """
import pytest
import pytest_tmsreport as tms

with tms.step("at import"):
    tms.note("nobody hears this")

@pytest.fixture(scope="module")
def database():
    with tms.step("start database"):
        with tms.step("migrate"):
            pass
        yield
    with tms.step("stop database"):
        pass

@pytest.mark.tms("C1", title="From the mark", tags=["mark"], fields={"layer": "api"})
def test_buys(database):
    tms.title("Buys tea")
    tms.tag("said")
    tms.field("browser", "firefox")
    tms.link("https://bugs.test/1", "BUG-1", kind="issue")
    tms.parameter("currency", "EUR")
    tms.case("C2")
    tms.note("a word")
    with tms.step("open cart"):
        with tms.step("add tea"):
            pass
    with tms.step("pay", expected="receipt"):
        with tms.step("enter card"):
            raise TimeoutError("no answer")

def test_says_nothing(database):
    pass

def test_subtests(subtests):
    with tms.step("before"):
        pass
    with subtests.test("one"):
        with tms.step("within"):
            pass
    with tms.step("after"):
        pass
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_what_a_test_says_stands_in_the_journal_and_at_the_tool(project: Project, workers: str) -> None:
    pytest.importorskip("_pytest.subtests", reason="subtests came with pytest 9")
    project.write("test_shop.py", SUITE)
    ran = project.report(workers, "--dist=loadfile") if workers == "-n2" else project.report(workers)
    results = {nodeid.partition("::")[2]: result for nodeid, result in ran.last.items()}
    buys = results["test_buys"]
    assert (buys.title, buys.tags, buys.fields) == (
        "Buys tea",
        ("said", "mark"),
        {"layer": "api", "browser": "firefox"},
    )
    assert (buys.parameters, buys.notes) == ({"currency": "EUR"}, ("a word",))
    assert [link.url for link in buys.links] == ["https://bugs.test/1"]
    assert [step.title for step in buys.steps] == ["start database", "open cart", "pay"]
    assert [step.title for step in buys.steps[0].steps] == ["migrate"]
    assert buys.steps[2].steps[0].outcome is Outcome.FAILED
    assert buys.steps[2].steps[0].message == "TimeoutError: no answer"
    assert ran.steps("test_shop.py::test_subtests") == [
        "passed: before",
        "passed: one",
        "  passed: within",
        "passed: after",
        "passed: stop database",
    ]
    (sent,) = [each for each in project.arrived if each.title == "Buys tea"]
    assert sent.cases == ("2",)
    assert [step["data"]["action"] for step in sent.body["steps"]] == ["start database", "open cart", "pay"]
    assert sent.body["steps"][2]["data"]["expected_result"] == "receipt"
    assert sent.body["steps"][2]["steps"][0]["execution"]["comment"] == "TimeoutError: no answer"


CASES = """
import pytest
import pytest_tmsreport as tms


@pytest.fixture
def of_a_fixture():
    tms.case("C5")


@pytest.mark.tms("C1")
def test_replaces_the_mark():
    tms.case("C7")


@pytest.mark.tms("C1")
def test_replaces_it_for_one():
    tms.case(qase=[7, 8])


@pytest.mark.tms("C1")
def test_says_it_for_another():
    tms.case(vansah="D-C9")


def test_says_several():
    tms.case("C2", 3)


def test_the_last_counts():
    tms.case("C2")
    tms.case("C3")


def test_in_a_fixture(of_a_fixture):
    pass


def test_misspelt():
    tms.case("C4", qsae=7)
"""


def test_a_test_says_its_cases_while_it_runs(project: Project, workers: str) -> None:
    project.write("test_cases.py", CASES)
    ran = project.report(workers)

    assert {arrived.title: arrived.cases for arrived in project.arrived} == {
        "test_replaces_the_mark": ("7",),
        "test_replaces_it_for_one": ("7", "8"),
        "test_says_it_for_another": ("1",),
        "test_says_several": ("2", "3"),
        "test_the_last_counts": ("3",),
        "test_in_a_fixture": ("5",),
        "test_misspelt": ("4",),
    }
    assert (
        ran.line("wrong mark")
        == "wrong mark: test_cases.py::test_misspelt: qsae= is neither a destination nor a vendor"
    )
