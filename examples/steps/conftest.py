from collections.abc import Iterator
from pathlib import Path

import pytest
from shop import Shop

import pytest_tmsreport as tms


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with tms.step("open the shop"):
        shop = Shop(tmp_path / f"{request.node.name}.log")
    yield shop
    with tms.step("close the shop"):
        shop.close()
        tms.attach(shop.log)
    shop.log.unlink()  # what was attached stays
