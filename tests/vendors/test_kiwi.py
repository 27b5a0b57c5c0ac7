from __future__ import annotations

from pytest_tmsreport.sandbox import kiwi as kiwi_sandbox
from pytest_tmsreport.sandbox.kiwi import PASSWORD, PRODUCT, USER
from pytest_tmsreport.testing import VendorContract
from pytest_tmsreport.vendors.kiwi import Kiwi

KIWI = Kiwi(name="kiwi", kind="kiwi", url="https://kiwi.test/kiwi", user=USER, password=PASSWORD, product=PRODUCT)


class TestKiwi(VendorContract):
    vendor = KIWI
    sandbox = staticmethod(kiwi_sandbox.create)
