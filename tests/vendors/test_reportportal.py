from __future__ import annotations

from dataclasses import replace

from pytest_tmsreport.model import Result
from pytest_tmsreport.sandbox import reportportal as reportportal_sandbox
from pytest_tmsreport.testing import VendorContract
from pytest_tmsreport.vendors.reportportal import ReportPortal

RP = ReportPortal(
    name="reportportal",
    kind="reportportal",
    url="https://rp.test/reportportal",
    token=reportportal_sandbox.TOKEN,
    project=reportportal_sandbox.PROJECT,
)


class TestReportPortal(VendorContract):
    vendor = RP
    sandbox = staticmethod(reportportal_sandbox.create)

    def spoil(self, result: Result) -> Result:
        return replace(result, ids=({"": ("C" * 2000,)},))


class TestReportPortalV1(TestReportPortal):
    vendor = replace(RP, api="v1")
