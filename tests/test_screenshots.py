"""What a failing test's browser shows: whole sessions with a made-up page and driver, and the real classes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

CONFTEST = r"""
import pytest

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


class Page:
    @property
    def context(self):
        raise AssertionError("nobody is to ask")

    def __init__(self):
        self.shows = "blank"
        self.taken = 0
        self.is_open = True

    def goto(self, url):
        self.shows = url

    def is_closed(self):
        return not self.is_open

    def screenshot(self):
        if not self.is_open:
            raise ConnectionError("Target page has been closed")
        self.taken += 1
        return PNG + self.shows.encode()


class Driver:
    current_url = "https://shop.test"

    def __init__(self, picture=PNG + b"driver"):
        self.picture = picture

    def execute_script(self, text):
        pass

    def get_screenshot_as_png(self):
        if isinstance(self.picture, BaseException):
            raise self.picture
        return self.picture


@pytest.fixture
def page():
    page = Page()
    yield page
    with open("taken.txt", "a") as file:
        print(page.taken, file=file)
    page.is_open = False


@pytest.fixture
def driver():
    return Driver()


@pytest.fixture
def selenium(driver):
    return driver
"""


def pictures(project: Project, *args: str) -> dict[str, dict[str, str]]:
    """Test -> file name -> what stands behind the signature, of the files that are pictures."""
    ran = project.report(*args)
    assert ran.folder
    found: dict[str, dict[str, str]] = {}
    for nodeid, result in ran.last.items():
        shots = found.setdefault(nodeid.partition("::")[2], {})
        for file in result.attachments:
            if file.mime.startswith("image/"):
                with ran.folder.file(file).open() as opened:
                    shots[file.name] = opened.read().lstrip(b"\x89PNG\r\n\x1a\xff\xd8").decode()
    return found


def test_a_screenshot_has_a_setting_of_its_own_beside_that_of_attached_files(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write(
        "test_shop.py",
        """
        import pytest_tmsreport as tms

        def test_fails(page):
            tms.attach(b"\\x89PNG\\r\\n\\x1a\\n of the test", name="own.png")
            assert False
        """,
    )
    project.settings("[tmsreport]\nattach = none\n")
    assert pictures(project) == {"test_fails": {"screenshot.png": "blank"}}


def test_a_failing_test_shows_its_page_before_the_teardown_closes_it(project: Project, workers: str) -> None:
    project.write("conftest.py", CONFTEST)
    project.write(
        "test_shop.py",
        """
        import pytest
        from conftest import Driver, JPEG

        def test_fails(page):
            page.goto("cart")
            assert False

        def test_passes(page):
            pass

        def test_is_skipped(page):
            pytest.skip("later")

        @pytest.mark.xfail(reason="known")
        def test_xfails(page):
            assert False

        @pytest.fixture
        def logged_in(page):
            page.goto("login")
            raise RuntimeError("wrong password")

        def test_cannot_be_set_up(logged_in):
            pass

        @pytest.fixture
        def clean(page):
            yield
            raise RuntimeError("of the teardown")

        def test_fails_at_its_end(clean):
            pass

        def test_with_two(page, driver, selenium):
            assert False

        def test_asks_late(request):
            request.getfixturevalue("page").goto("late")
            assert False

        class TestJpeg:
            @pytest.fixture
            def driver(self):
                return Driver(JPEG + b"jpeg")

            def test_fails(self, driver):
                assert False
        """,
    )
    assert pictures(project, workers) == {
        "test_fails": {"screenshot.png": "cart"},
        "test_passes": {},
        "test_is_skipped": {},
        "test_xfails": {},
        "test_cannot_be_set_up": {"screenshot.png": "login"},
        "test_fails_at_its_end": {},
        "test_with_two": {"screenshot-page.png": "blank", "screenshot-driver.png": "driver"},
        "test_asks_late": {"screenshot.png": "late"},
        "TestJpeg::test_fails": {"screenshot.jpg": "jpeg"},
    }
    taken = (project.root / "taken.txt").read_text().split()
    assert sorted(taken) == ["0"] * 4 + ["1"] * 4
    sent = [file.name for file in project.box.attachments.values() if file.name.startswith("screenshot")]
    assert len(sent) == 6


def test_what_cannot_be_taken_is_a_note_and_the_test_ends_as_it_would(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write(
        "test_shop.py",
        """
        import pytest
        from conftest import Driver, Page

        class AsyncPage(Page):
            async def screenshot(self):
                return b""

        def late():
            try:
                pytest.fail("Timeout >5.0s")
            except BaseException as error:
                return error

        PICTURES = {"gone": ConnectionError("no session"), "gif": b"GIF89a", "none": None, "late": late()}

        @pytest.fixture(params=PICTURES.values(), ids=PICTURES)
        def driver(request):
            return Driver(request.param)

        def test_driver(driver):
            assert False, "of the test"

        @pytest.fixture
        def page():
            return AsyncPage()

        def test_page(page):
            assert False, "of the test"
        """,
    )
    ran = project.report()
    assert {nodeid.partition("::")[2]: result.notes for nodeid, result in ran.last.items()} == {
        "test_driver[gone]": ("no screenshot of driver: ConnectionError: no session",),
        "test_driver[gif]": ("no screenshot of driver: what it gave is neither PNG nor JPEG",),
        "test_driver[none]": ("no screenshot of driver: what it gave is neither PNG nor JPEG",),
        "test_driver[late]": ("no screenshot of driver: Failed: Timeout >5.0s",),
        "test_page": (
            "no screenshot of page: an asynchronous page cannot be asked here: attach its picture in the test",
        ),
    }
    assert {result.message.splitlines()[0] for result in ran.results} == {"AssertionError: of the test"}
    assert ran.status == 1


def test_a_stranger_of_that_name_is_not_touched(project: Project) -> None:
    project.write(
        "test_shop.py",
        """
        import pytest
        from unittest.mock import MagicMock, Mock

        class Report:
            touched = []

            def screenshot(self):
                self.touched.append("screenshot")

            def __getattr__(self, name):
                self.touched.append(name)

        @pytest.fixture(params=[Mock(), MagicMock(), Report(), "page 7", None], ids=str.isalpha)
        def page(request):
            return request.param

        def test_fails(page):
            assert False

        def test_was_not_touched():
            assert Report.touched == []

        @pytest.mark.parametrize("driver", [Mock()], ids=["mock"])
        def test_with_a_mock(driver):
            assert not driver.mock_calls, "called before"
            test_with_a_mock.seen = driver
            assert False

        def test_the_mock_was_not_called():
            assert test_with_a_mock.seen.mock_calls == []
        """.replace("ids=str.isalpha", 'ids=["mock", "magic", "report", "text", "none"]'),
    )
    ran = project.report()
    outcomes = {nodeid.partition("::")[2]: result.outcome.value for nodeid, result in ran.last.items()}
    assert outcomes.pop("test_was_not_touched") == "passed"
    assert outcomes.pop("test_the_mock_was_not_called") == "passed"
    assert set(outcomes.values()) == {"failed"}
    assert {result.notes for result in ran.results} == {()}
    assert [file.mime for result in ran.results for file in result.attachments] == []


def test_other_fixtures_may_be_named_and_none_at_all(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write(
        "test_shop.py",
        """
        import pytest

        @pytest.fixture
        def shop_page(page):
            page.goto("shop")
            return page

        def test_fails(shop_page):
            assert False
        """,
    )
    project.settings("[tmsreport]\nscreenshot_fixtures = shop_page\n")
    assert pictures(project) == {"test_fails": {"screenshot.png": "shop"}}
    project.settings("[tmsreport]\nscreenshots = none\n")
    assert pictures(project) == {"test_fails": {}}
    assert (project.root / "taken.txt").read_text().split() == ["1", "0"]


REAL = ("pytest==9.2.0", "selenium==4.51.0", "playwright==1.65.2", "Appium-Python-Client==6.0.9")
SCRIPT = """
    import inspect
    import appium.webdriver.webdriver, playwright.async_api, playwright.sync_api
    import selenium.webdriver.chrome.webdriver, selenium.webdriver.remote.webelement
    from unittest.mock import create_autospec
    from pytest_tmsreport.screenshots import camera_of

    Page, AsyncPage = playwright.sync_api.Page, playwright.async_api.Page
    for kind in (selenium.webdriver.chrome.webdriver.WebDriver, appium.webdriver.webdriver.WebDriver, Page, AsyncPage):
        camera = camera_of(object.__new__(kind))
        print(camera.__name__, inspect.iscoroutinefunction(camera))
    element = selenium.webdriver.remote.webelement.WebElement
    for kind in (element, playwright.sync_api.Locator, playwright.sync_api.Frame, playwright.sync_api.Browser):
        print(camera_of(object.__new__(kind)))
    print(camera_of(create_autospec(Page, instance=True)))
"""


def test_the_real_pages_and_drivers_are_known_by_their_classes(beside: Callable[..., Path], tmp_path: Path) -> None:
    python = beside("browsers", *REAL)
    done = subprocess.run(
        [python, "-c", dedent(SCRIPT)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "get_screenshot_as_png False",
        "get_screenshot_as_png False",
        "screenshot False",
        "screenshot True",
        *["None"] * 5,
    ]
