"""What every vendor keeps, Lantern keeps; and what it is sent, written out."""

from __future__ import annotations

from pytest_tmsreport_lantern import Lantern, sandbox

from pytest_tmsreport import vendor
from pytest_tmsreport.testing import Desk, VendorContract


class TestLantern(VendorContract):
    vendor = Lantern(
        name="lantern", kind="lantern", url="https://lantern.test/lantern", token=sandbox.TOKEN, project="SHOP"
    )
    sandbox = staticmethod(sandbox.create)

    def test_this_is_what_it_is_sent(self, desk: Desk) -> None:
        desk.write(*self.results(2))
        assert desk.send().delivered == 2
        (sent,) = [request for request in desk.box.requests if request.path.endswith("/results")]
        assert sent.body[1] == {
            "own_id": "11111111-1111-4111-8111-000000000001",
            "test": "tests/test_shop.py::TestCart::test_1",
            "title": "test_1",
            "cases": ["2"],
            "status": "dark",
            "seconds": 0.25,
            "words": "AssertionError: assert 1 == 2",
            "files": [],
        }


def test_the_plugin_finds_it_by_its_name() -> None:
    assert vendor.find("lantern") is Lantern
