from collections.abc import Iterator
from pathlib import Path

import allure
import pytest
from till import Till


@pytest.fixture
@allure.title("An open till")
def till(tmp_path: Path) -> Iterator[Till]:
    with allure.step("Open the till"):
        opened = Till(tmp_path / "till.log")
        allure.attach("EUR", name="currency", attachment_type=allure.attachment_type.TEXT)
    yield opened
    with allure.step("Close the till"):
        opened.close()
        allure.attach.file(opened.log, name="journal", attachment_type=allure.attachment_type.TEXT)
        opened.log.unlink()
