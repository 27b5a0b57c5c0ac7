"""What suites written for allure say, by the real packages: allure-pytest at work, switched off, and not installed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.dialects import allure
from pytest_tmsreport.dialects._allure_texts import filled, holes, seen
from pytest_tmsreport.dialects._allure_words import Target
from pytest_tmsreport.model import Link, Result, Step

if TYPE_CHECKING:
    from conftest import Project, Ran

WITH, WITHOUT = ("allure-pytest", "allure-pytest==2.16.2"), ("allure-python-commons", "allure-python-commons==2.16.2")
ENVIRONMENTS = {
    "at work": (WITH, "--alluredir=allure-results"),
    "idle": (WITH, "-v"),
    "switched off": (WITH, "-pno:allure_pytest"),
    "not installed": (WITHOUT, "-v"),
}
Report = Callable[..., "Ran"]


@pytest.fixture
def alone(project: Project, beside: Callable[..., Path]) -> Project:
    """A project where `import allure` works, and allure-pytest is not installed."""
    project.move(beside(*WITHOUT))
    return project


@pytest.fixture
def together(project: Project, beside: Callable[..., Path]) -> Project:
    """A project where allure-pytest is installed."""
    project.move(beside(*WITH))
    return project


@pytest.fixture(
    params=[
        "at work",
        "not installed",
        pytest.param("idle", marks=pytest.mark.long),
        pytest.param("switched off", marks=pytest.mark.long),
    ]
)
def report(request: pytest.FixtureRequest, project: Project, beside: Callable[..., Path]) -> Report:
    """Runs the project's tests in each environment; the marks must be known there."""
    packages, option = ENVIRONMENTS[request.param]
    project.move(beside(*packages))
    return lambda *args: project.report("--strict-markers", option, *args)


def named(ran: Ran) -> dict[str, Result]:
    """The name of a test, with its class -> its last attempt."""
    return {nodeid.partition("::")[2]: result for nodeid, result in ran.last.items()}


def outline(steps: Iterable[Step], depth: int = 0) -> list[str]:
    """A line for each step, inner ones indented."""
    lines = []
    for step in steps:
        said = [step.outcome.value, step.title, step.data, step.message]
        lines += [
            "  " * depth + ": ".join(part for part in said if part and part != "passed"),
            *outline(step.steps, depth + 1),
        ]
    return lines


def files(ran: Ran, result: Result) -> dict[str, str]:
    """What was attached: name -> content."""
    return {file.name: ran.text(file) for file in result.attachments}


MARKED = """
import allure
import pytest

pytestmark = [allure.epic("Shop"), allure.tag("web"), allure.suite("All"), allure.severity("minor")]


@allure.feature("Cart")
@allure.parent_suite("Shop")
@allure.suite("Cart")
@allure.testcase("C20")
@allure.label("layer", "unit")
class TestCart:
    @allure.id(7)
    @allure.title("Adds {amount:.1f} of {kind}, not {unknown}")
    @allure.description(\"\"\"
        Adds
          to the cart.
    \"\"\")
    @allure.feature("Sums", "Lines")
    @allure.story("adding")
    @allure.sub_suite("Sum")
    @allure.severity(allure.severity_level.CRITICAL)
    @allure.tag("smoke", "fast")
    @allure.label("owner", "ann")
    @allure.label("layer", "api")
    @allure.link("https://shop.test/cart", name="the page")
    @allure.link("https://shop.test/spec", link_type="spec")
    @allure.issue("https://bugs.test/browse/SHOP-3", "SHOP-3")
    @allure.issue("SHOP-4")
    @allure.testcase("https://tms.test/cases/C9", "C9")
    @pytest.mark.parametrize("amount", [2])
    @pytest.mark.parametrize("kind", ["green tea"])
    def test_adds(self, amount, kind):
        pass

    @allure.testcase("https://tms.test/cases/C9")
    @allure.testcase("C10")
    def test_of_two_cases(self):
        pass

    @pytest.mark.tms("C1", title="Ours", suite="Ours", fields={"feature": "ours"}, tags=["ours"])
    @allure.title("Theirs")
    @allure.id("7")
    def test_of_our_mark(self):
        pass

    def test_inherits(self):
        pass


@allure.description_html("<h1>Pays</h1><p>by <b>card</b>,<br>or&nbsp;so:</p><ul><li>one<li>two</ul><style>p {}</style>")
@allure.title("Pays, {param_id}")
@pytest.mark.parametrize("way", ["créd{it"])
def test_pays(way):
    pass


@allure.title("A stray {brace")
def test_stray():
    pass
"""


def test_marks_and_titles_are_read_by_allures_rules_of_what_is_nearest_and_what_adds_up(
    project: Project, report: Report
) -> None:
    project.write("test_marked.py", MARKED)
    found = named(report())

    adds = found["TestCart::test_adds[green tea-2]"]
    assert adds.title == "Adds 2.0 of green tea, not {unknown}"
    assert adds.description == "Adds\n  to the cart."
    assert adds.suite == ("Shop", "Cart", "Sum")
    assert adds.ids == ({"@allure": ("7",)},)
    assert adds.tags == ("smoke", "fast", "web")
    assert adds.fields == {
        "severity": "critical",
        "epic": "Shop",
        "feature": "Sums, Lines, Cart",
        "story": "adding",
        "owner": "ann",
        "layer": "api, unit",
    }
    assert {*adds.links} == {
        Link("https://shop.test/cart", "the page"),
        Link("https://shop.test/spec"),
        Link("https://bugs.test/browse/SHOP-3", "SHOP-3", "issue"),
        Link("SHOP-4", "", "issue"),
        Link("https://tms.test/cases/C9", "C9"),
        Link("C20"),
    }
    assert adds.parameters == {"amount": "2", "kind": "green tea"}

    two = found["TestCart::test_of_two_cases"]
    assert (two.ids, {*two.links}) == (({"@allure": ("C10", "C9")},), {Link("https://tms.test/cases/C9"), Link("C20")})
    assert (two.title, two.suite, two.fields["severity"]) == ("test_of_two_cases", ("Shop", "Cart"), "minor")

    ours = found["TestCart::test_of_our_mark"]
    assert (ours.title, ours.suite, ours.fields["feature"]) == ("Ours", ("Ours",), "ours")
    assert (ours.ids, ours.tags) == (({"": ("C1",)}, {"@allure": ("7",)}), ("ours", "web"))

    assert found["TestCart::test_inherits"].ids == ({"@allure": ("C20",)},)
    assert found["TestCart::test_inherits"].links == ()
    pays = next(result for name, result in found.items() if name.startswith("test_pays"))
    assert (pays.title, pays.suite) == ("Pays, créd{it", ("All",))
    assert pays.description == "Pays\nby card,\nor so:\n- one\n- two"
    assert found["test_stray"].title == "A stray {brace"
    sent = {result.title: result.cases for result in project.arrived}
    assert (sent["Adds 2.0 of green tea, not {unknown}"], sent["test_of_two_cases"]) == (("7",), ("10", "9"))
    assert sent["Ours"] == ("1",)


CONFTEST = """
import allure
import pytest


class Basket:
    def __str__(self):
        return "3 teas"


@pytest.fixture
def basket(tmp_path):
    with allure.step("fill the basket"):
        allure.attach("tea\\ntea\\ntea\\n", name="GET /basket", attachment_type=allure.attachment_type.TEXT)
    allure.dynamic.label("layer", "e2e")
    yield Basket()
    with allure.step("empty the basket"):
        log = tmp_path / "basket.log"
        log.write_text("emptied")
        allure.attach.file(log, name="log", attachment_type="text/plain")
        log.unlink()


@pytest.fixture
def broken():
    with allure.step("plug in"):
        raise ConnectionError("no power")
"""
LIVE = """
import enum

import allure
import pytest


class Way(enum.Enum):
    CARD = "by card"


class Till:
    @allure.step("pay {amount} {way}, {1}")
    def pay(self, amount, way="cash"):
        with allure.step("print"):
            allure.attach(b"\\x00\\x01", name="receipt", extension="bin")


@allure.step
def look():
    assert 1 == 2, "no receipt"


@allure.title("Buys {basket} for {price}")
@allure.feature("Shop")
@allure.parent_suite("Buying")
@allure.suite("Cart")
@allure.testcase("C5")
@pytest.mark.parametrize(("price", "pin", "trace"), [(3, "1234", "x")])
def test_buys(basket, price, pin, trace):
    allure.dynamic.parameter("pin", pin, mode=allure.parameter_mode.MASKED)
    allure.dynamic.parameter("trace", trace, mode=allure.parameter_mode.HIDDEN)
    allure.dynamic.parameter("way", Way.CARD)
    allure.dynamic.parameter("seed", 17, excluded=True)
    allure.dynamic.severity(allure.severity_level.BLOCKER)
    allure.dynamic.feature("Till", "Shop")
    allure.dynamic.tag("said")
    allure.dynamic.label("owner", "bob")
    allure.dynamic.suite("Till")
    allure.dynamic.sub_suite("Cards")
    allure.dynamic.link("https://shop.test/till", name="page")
    allure.dynamic.issue("SHOP-5")
    allure.dynamic.testcase("C6")
    with allure.step("outer"):
        Till().pay(3)
        Till().pay(4, way=["card"])
    again = allure.step("again")
    with again:
        pass
    with again:
        allure.attach('{"a": 1}', name="body.json", attachment_type=allure.attachment_type.JSON)
    with allure.step("look for the receipt"):
        look()


@allure.title("Never {basket}, never {broken}")
def test_errs(basket, broken):
    pass


@allure.id("3")
@allure.testcase("C4")
@allure.description("from the mark")
def test_says_what_it_is(basket):
    allure.dynamic.title("Said")
    allure.dynamic.description("  said\\n  indeed")
    allure.dynamic.testcase("C8")
    allure.dynamic.parent_suite("Said")


def test_says_its_id():
    allure.dynamic.testcase("C8")
    allure.dynamic.id("9")
    allure.dynamic.description_html("<p>said</p>")
    with pytest.raises(pytest.skip.Exception), allure.step("skips"):
        pytest.skip("no till")


@pytest.mark.xfail(reason="no card yet")
def test_xfails():
    with allure.step("pay"):
        raise ValueError("no card")
"""


def test_what_a_test_and_its_fixtures_say_is_heard(project: Project, report: Report) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("test_live.py", LIVE)
    ran = report()
    found = named(ran)

    buys = found["test_buys[3-1234-x]"]
    assert (buys.title, buys.suite) == ("Buys 3 teas for 3", ("Buying", "Till", "Cards"))
    assert buys.parameters == {"price": "3", "pin": "***", "way": "by card", "seed": "17"}
    assert buys.fields == {"layer": "e2e", "severity": "blocker", "feature": "Till, Shop", "owner": "bob"}
    assert (buys.tags, buys.ids[0]) == (("said",), {"@allure": ("C5", "C6")})
    assert {*buys.links} == {Link("https://shop.test/till", "page"), Link("SHOP-5", "", "issue")}
    assert outline(buys.steps) == [
        "fill the basket",
        "outer",
        "  pay 3 'cash', 3: amount=3, way='cash'",
        "    print",
        "  pay 4 ['card'], 4: amount=4, way=['card']",
        "    print",
        "again",
        "again",
        "failed: look for the receipt: AssertionError: no receipt\nassert 1 == 2",
        "  failed: look: AssertionError: no receipt\nassert 1 == 2",
        "empty the basket",
    ]
    assert files(ran, buys) == {
        "GET _basket.txt": "tea\ntea\ntea\n",
        "receipt.bin": "\0\1",
        "body.json": '{"a": 1}',
        "log.log": "emptied",
    }
    hashes = {file.name: file.sha256 for file in buys.attachments}
    assert buys.steps[0].files == (hashes["GET _basket.txt"],)
    assert buys.steps[1].steps[0].steps[0].files == (hashes["receipt.bin"],)
    assert buys.steps[3].files == (hashes["body.json"],)
    assert buys.steps[-1].files == (hashes["log.log"],)

    errs = found["test_errs"]
    assert errs.title == "Never 3 teas, never {broken}"
    plugged = "failed: plug in: ConnectionError: no power"
    assert outline(errs.steps) == ["fill the basket", plugged, "empty the basket"]

    said = found["test_says_what_it_is"]
    assert (said.title, said.description, said.suite) == ("Said", "said\nindeed", ("Said",))
    assert (said.ids, {*said.links}) == (({"@allure": ("3",)},), {Link("C4"), Link("C8")})
    own = found["test_says_its_id"]
    assert (own.description, own.ids[0], own.links) == ("said", {"@allure": ("9",)}, (Link("C8"),))
    assert outline(own.steps) == ["skipped: skips: no till"]
    assert outline(found["test_xfails"].steps) == ["failed: pay: ValueError: no card"]
    assert len(project.arrived) == 5


def test_workers_of_xdist_hear_the_same(alone: Project) -> None:
    alone.write("conftest.py", CONFTEST)
    alone.write("test_live.py", LIVE)
    one, two = (without_ids(alone.report(workers)) for workers in ("-n0", "-n2"))
    assert one == two
    assert len(one) == 5


def without_ids(ran: Ran) -> dict[str, Any]:
    """What a session has found, without what differs from one to the next."""
    found = {}
    for name, result in named(ran).items():
        words = ("title", "ids", "suite", "parameters", "description", "tags", "fields", "links", "message", "outcome")
        found[name] = {word: getattr(result, word) for word in words}
        found[name] |= {"steps": outline(result.steps), "files": files(ran, result)}
    return found


CONCURRENT = """
import asyncio
import concurrent.futures
import threading

import allure


def work(name):
    with allure.step(name):
        with allure.step(f"within {name}"):
            allure.attach(name, name=name)


def in_a_thread(name):
    thread = threading.Thread(target=work, args=[name])
    thread.start()
    thread.join()


def test_threads():
    with allure.step("outer"):
        with allure.step("over"):
            pass
        in_a_thread("inner")
    in_a_thread("top")


pool = concurrent.futures.ThreadPoolExecutor(1)


def test_a_pool():
    with allure.step("first"):
        pool.submit(work, "of the first").result()
    with allure.step("second"):
        pool.submit(work, "of the second").result()


def test_the_same_pool():
    pool.submit(work, "of the next test").result()


def test_tasks():
    async def one(name):
        with allure.step(name):
            await asyncio.sleep(0)
            with allure.step(f"within {name}"):
                await asyncio.sleep(0)

    async def all_at_once():
        await asyncio.gather(one("a"), one("b"), one("c"))

    asyncio.run(all_at_once())
"""


def test_threads_stand_where_the_test_is_and_tasks_do_not_mix(alone: Project) -> None:
    alone.write("test_concurrent.py", CONCURRENT)
    found = named(alone.report())

    assert {name: outline(result.steps) for name, result in found.items()} == {
        "test_threads": ["outer", "  over", "  inner", "    within inner", "top", "  within top"],
        "test_a_pool": [
            *("first", "  of the first", "    within of the first"),
            *("second", "  of the second", "    within of the second"),
        ],
        "test_the_same_pool": ["of the next test", "  within of the next test"],
        "test_tasks": ["a", "  within a", "b", "  within b", "c", "  within c"],
    }


AWKWARD = """
import allure
import pytest

with allure.step("at import"):
    allure.attach("nobody hears this")
    allure.dynamic.title("nor this")


class Awkward(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.fixture(scope="session")
def spans():
    with allure.step("open"):
        yield


@pytest.fixture
def loose():
    step = allure.step("never left")
    step.__enter__()
    with allure.step("twice"), step:
        pass
    allure.step("never entered").__exit__(None, None, None)


@allure.title("{awkward} {awkward.nothing}")
@allure.label("owner", Awkward())
@pytest.mark.parametrize("awkward", [Awkward()], ids=["it"])
def test_awkward(awkward, spans, loose, tmp_path):
    allure.attach(object(), name="object")
    allure.attach(None)
    allure.attach("text", name=Awkward(), attachment_type=Awkward())
    allure.attach.file(tmp_path)
    allure.attach.file(tmp_path / "missing", name="missing")
    allure.attach.file(object())
    allure.dynamic.title(awkward)
    allure.dynamic.parameter(awkward, awkward, mode="no mode")
    allure.dynamic.label(awkward, awkward)
    allure.dynamic.link(awkward, link_type=awkward)
    allure.dynamic.testcase("http://[")
    allure.dynamic.id(None)
    with pytest.raises(Awkward), allure.step(7):
        raise awkward
    try:
        allure.global_attach("of the launch", name="launch")
        allure.global_error("broken", "at line 7")
    except AttributeError:
        pass


@pytest.mark.allure_label
@pytest.mark.allure_link
@pytest.mark.allure_description
@pytest.mark.allure_label("x", label_type=3)
def test_of_bare_marks(spans):
    pass
"""


def test_nothing_of_ours_reaches_a_test_whatever_it_says(alone: Project) -> None:
    alone.write("test_awkward.py", AWKWARD)
    ran = alone.report()
    found = named(ran)

    assert ran.status == 0, ran.out
    awkward = found["test_awkward[it]"]
    assert awkward.outcome.value == "passed"
    assert files(ran, awkward) == {"launch.txt": "of the launch", "Awkward.txt": "text"}
    assert "broken\nat line 7" in awkward.notes
    in_setup = ["open", "  never left", "    twice", "      never left"]
    assert outline(awkward.steps) == [*in_setup, "failed: 7: Awkward"]
    assert found["test_of_bare_marks"].fields == {"3": "x"}
    assert sum(note.startswith("not attached: ") for note in awkward.notes) == 4
    assert ran.line("note: ").startswith("note: hearing what a test says by allure failed: TypeError: ")
    assert len(alone.arrived) == 2


OWN_FILES = """
import allure
import pytest

@pytest.mark.parametrize("number", [1, 2])
@allure.title("{number}")
@allure.issue("BUG-1")
def test_one(number, tmp_path):
    allure.dynamic.parameter("number", 3)
    allure.dynamic.label("owner", "ann")
    allure.dynamic.issue("BUG-2")
    print("printed")
    with allure.step("outer"):
        with allure.step("inner"):
            allure.attach("text", name="text", attachment_type=allure.attachment_type.TEXT)
    assert number == 1

@pytest.fixture
@allure.title("a fixture")
def fixture():
    with allure.step("in the fixture"):
        yield

def test_two(fixture):
    pytest.skip("not here")
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_allures_own_files_the_output_and_the_status_are_those_of_a_session_without_us(
    together: Project, workers: str
) -> None:
    together.write("test_own.py", OWN_FILES)
    pattern = "--allure-link-pattern=issue:https://bugs.test/{}"
    plain, reporting = (
        (run(workers, f"--alluredir={name}", pattern), together.root / name)
        for run, name in ((together.pytest, "plain"), (together.report, "reporting"))
    )
    assert own_results(plain[1]) == own_results(reporting[1])
    assert len(own_results(plain[1])) >= 6
    assert plain[0].status == reporting[0].status == 1
    assert without_times(plain[0].out) == without_times(
        re.sub("=+ test management =+\nqase: .*\n", "", reporting[0].out)
    )
    links = {link.url for result in reporting[0].results for link in result.links}
    assert links == {"https://bugs.test/BUG-1", "https://bugs.test/BUG-2"}


def own_results(folder: Path) -> list[str]:
    """What allure-pytest has written: content without times and what is drawn at random."""
    found = []
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<uuid>", text)
        text = re.sub(r'(?<="start": )\d+|(?<="stop": )\d+|\d+-MainThread|\bgw\d\b|0x[0-9a-f]+|pytest-\d+', "0", text)
        found.append(json.dumps(json.loads(text), sort_keys=True) if path.suffix == ".json" else text)
    return sorted(found)


def without_times(text: str) -> list[str]:
    """The lines of a session's output, without times, places and what depends on them; workers end in any order."""
    lines = re.sub(r"\d+\.\d+s|0x[0-9a-f]+|\[gw\d\]|created: .*|/pytest-\d+/(popen-gw\d/)?", "", text).splitlines()
    lines = [re.sub("=+", "=", line) for line in lines]  # a rule is as long as the time leaves it
    return sorted("".join(sorted(line)) if line.endswith("%]") else line for line in lines) if "[gw" in text else lines


TWICE = """
import sys

import allure_commons
import pytest

manager = allure_commons.plugin_manager


def ours():
    return sorted(name for name, _ in manager.list_name_plugin() if "tmsreport" in name)


for args in (["test_it.py"], ["test_it.py"], ["broken"], ["--no-such-option"], ["test_it.py"]):
    status = pytest.main([*args, "--tms-to", "qase", "-q"])
    print("then", int(status), ours())
"""


def test_nothing_stays_registered_after_a_session_of_several_in_one_process(alone: Project) -> None:
    alone.write(
        "test_it.py", "import allure\n\n@allure.title('Titled')\ndef test_it():\n    allure.dynamic.tag('said')\n"
    )
    alone.write("broken/conftest.py", "raise ImportError('broken')")
    alone.write("twice.py", TWICE)
    ran = alone.run(str(alone.python), "twice.py")

    said = [line for line in ran.out.splitlines() if line.startswith("then")]
    assert said == ["then 0 []", "then 0 []", "then 4 []", "then 4 []", "then 0 []"], ran.out + ran.err
    results = [result for folder in alone.journals() for result in folder.results()]
    assert [(result.title, result.tags) for result in results] == [("Titled", ("said",))] * 3


IMPORTED = """
import sys

def test_it():
    assert ("allure_commons" in sys.modules) == {expected}
    assert "allure_pytest" not in sys.modules
"""


@pytest.mark.parametrize(
    ("read_marks", "flags", "expected"),
    [("all", [], False), ("none", ["--tms-to", "qase"], False), ("allure", ["--tms-to", "qase"], True)],
)
def test_allure_is_imported_only_where_it_is_to_be_heard(
    alone: Project, read_marks: str, flags: list[str], expected: bool
) -> None:
    alone.settings(f"[tmsreport]\nread_marks = {read_marks}\n")
    alone.write("test_it.py", IMPORTED.format(expected=expected))
    assert alone.pytest(*flags).status == 0


def test_where_it_is_not_to_be_heard_nothing_is_read(alone: Project) -> None:
    alone.settings("[tmsreport]\nread_marks = none\n")
    alone.write("conftest.py", CONFTEST)
    alone.write("test_live.py", LIVE)
    for result in alone.report().results:
        assert (result.ids, result.tags, result.fields, result.steps, result.links) == ((), (), {}, (), ())


def test_titles_of_fixtures_in_a_conftest_file_are_kept(report: Report, project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import allure
        import pytest

        @pytest.fixture
        @allure.title("an inner title")
        def inner(): pass

        @allure.title("an outer title")
        @pytest.fixture
        def outer(): pass
        """,
    )
    project.write(
        "test_it.py",
        """
        def test_it(request, inner, outer):
            fixtures = (request._get_active_fixturedef(name).func for name in ("inner", "outer"))
            titles = [fixture.__allure_display_name__ for fixture in fixtures]
            assert titles == ["an inner title", "an outer title"]
        """,
    )
    assert report().status == 0


@pytest.mark.parametrize(
    ("url", "name", "case"),
    [
        ("C7", "C7", "C7"),
        ("C7", "", "C7"),
        ("https://tms.test/browse/CALC-7", "", "CALC-7"),
        ("https://tms.test/browse/CALC-7/", "https://tms.test/browse/CALC-7/", "CALC-7"),
        ("https://tms.test/browse/CALC-7?focus=1#top", "", "CALC-7"),
        ("https://tr.test/index.php?/cases/view/12&group=1", "", "12"),
        ("https://tms.test/app#/cases/12", "", "12"),
        ("https://tms.test/cases/12", "C12", "C12"),
        ("https://tms.test/cases/12", "pays by card", "12"),
        ("https://tms.test/", "pays by card", ""),
        ("pays by card", "", ""),
        ("https://[", "", ""),
    ],
)
def test_a_link_to_a_case_tells_its_id_by_its_name_or_the_end_of_its_address(url: str, name: str, case: str) -> None:
    assert Target(url, "tms", name).case == case
    assert Target(url, "link", name).case == ""


@pytest.mark.parametrize(
    ("template", "title"),
    [
        ("{amount} of {kind!r}", "3 of 'tea'"),
        ("{amount:03d} {list[0]} {list[1]}", "{amount:03d} {list[0]} {list[1]}"),
        ("{amount:03d} {list[0]}", "003 a"),
        ("{none} {none.x} {none[0]} {}", "{none} {none.x} {none[0]} {0}"),
        ("{{amount}}", "{amount}"),
        ("{amount", "{amount"),
        ("{object}", "<object object>"),
    ],
)
def test_a_title_is_filled_as_allure_does_and_shown_as_it_is_where_that_fails(template: str, title: str) -> None:
    values = {"amount": 3, "kind": "tea", "list": ["a"], "object": object()}
    assert filled(template, values) == title
    assert holes("{a} {b.c} {d[0]:{e}} {}") == {"a", "b", "d"}
    assert holes("{a") == set()


def test_html_becomes_the_text_that_a_reader_sees() -> None:
    html = (
        "<table><tr><th>a</th><td>b &amp; c</td></tr></table>  text <!-- no --> <pre>x\n  y</pre><script>z < 1</script>"
    )
    assert seen(html) == "a b & c\ntext\nx y"
    assert seen(3) == "3"


def test_the_marks_are_those_of_allure_pytest(together: Project) -> None:
    known = "import allure_pytest.utils as u; print(*sorted(v for n, v in vars(u).items() if n.endswith('_MARK')))"
    ran = together.run(str(together.python), "-c", known)
    assert tuple(ran.out.split()) == allure.MARKS
