"""The other ways in which the tools can be used keep the contract, too, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.model import Result
from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox import vansah as vansah_sandbox
from pytest_tmsreport.sandbox import xray as xray_sandbox
from pytest_tmsreport.sandbox.testrail_fields import PROJECT, TOKEN, USER
from pytest_tmsreport.sandbox.xray_fields import CLIENT_ID, CLIENT_SECRET
from pytest_tmsreport.testing import Desk, VendorContract
from pytest_tmsreport.vendors.testrail import TestRail
from pytest_tmsreport.vendors.vansah import Vansah
from pytest_tmsreport.vendors.xray import Xray

pytestmark = pytest.mark.long
TESTRAIL = TestRail(
    name="testrail", kind="testrail", url="https://tr.test/testrail", user=USER, token=TOKEN, project=PROJECT
)
VANSAH = Vansah(
    name="vansah",
    kind="vansah",
    url="https://vansah.test/vansah",
    token=vansah_sandbox.TOKEN,
    project="DEMO",
    asset="DEMO-9",
    mode="runs",
    file_types="png txt",
)
XRAY = Xray(
    name="xray",
    kind="xray",
    url="https://xray.test/xray",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    project="SHOP",
    create_cases=True,
)


class Mode(VendorContract):
    """Another way of reporting; plans are read in one way only."""

    __test__ = False

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        pytest.skip("plans are read as in the usual mode")


class WithoutCases(Mode):
    """Results that name no case."""

    __test__ = False

    def results(self, number: int, **changes: Any) -> list[Result]:
        return [replace(result, ids=()) for result in super().results(number, **changes)]


class TestRunsOfVansah(Mode):
    __test__ = True
    vendor = VANSAH
    sandbox = staticmethod(vansah_sandbox.create)


class TestPlansOfTestRail(Mode):
    __test__ = True
    vendor = replace(TESTRAIL, plan=3)
    sandbox = staticmethod(testrail_sandbox.create)


class TestClosedRunsOfTestRail(Mode):
    __test__ = True
    vendor = replace(TESTRAIL, close=True)
    sandbox = staticmethod(testrail_sandbox.create)


class TestNewCasesOfTestRail(WithoutCases):
    __test__ = True
    vendor = replace(TESTRAIL, create_cases=True)
    sandbox = staticmethod(testrail_sandbox.create)


class TestNewCasesOfXray(WithoutCases):
    __test__ = True
    vendor = XRAY
    sandbox = staticmethod(xray_sandbox.create)
