from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_tmsreport.errors import ConfigError, NotFound, PermanentError, VendorError
from pytest_tmsreport.faults import Arrived, Fault
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import zephyr as zephyr_sandbox
from pytest_tmsreport.sandbox.zephyr_fields import PASSWORD, TOKEN, USER, Rules
from pytest_tmsreport.tally import Tally
from pytest_tmsreport.testing import Desk, Meanwhile, VendorContract, make_results
from pytest_tmsreport.vendors.zephyr import Zephyr

CLOUD = Zephyr(
    name="zephyr", kind="zephyr", url="https://zephyr.test/zephyr", token=TOKEN, project="SHOP", attachments="try"
)
DC = Zephyr(name="zephyr", kind="zephyr", url="https://zephyr.test/zephyr", product="dc", token=TOKEN, project="SHOP")
BOTH = {"skipped": "Failed", "xfailed": "Passed"}


class Common(VendorContract):
    """What both products keep beside the contract, in either mode."""

    __test__ = False
    sandbox = staticmethod(zephyr_sandbox.create)

    def plan(self, desk: Desk, cases: Sequence[str]) -> str:
        vendor = replace(desk.vendor, mode="results", aggregate="worst", plan="SHOP-P3")
        run = replace(desk.run, case_ids=tuple(vendor.key(each) for each in cases))
        client = desk.client()
        key = vendor.open_run(client, run)
        ready = [replace(each, case_ids=(case,)) for each, case in zip(make_results(len(cases)), run.case_ids)]
        for each in ready:
            vendor.send(client, key, [replace(each, outcome=Outcome.SKIPPED)])
        return "SHOP-P3"


class TestCloud(Common):
    __test__ = True
    vendor = CLOUD


class TestDataCenter(Common):
    __test__ = True
    vendor = DC
