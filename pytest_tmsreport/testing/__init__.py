"""The conformance suite for any vendor, ours or not; needs the extra `sandbox`, that is Flask, beside pytest.

`VendorContract` tells how it is used; `examples/vendor_package` is a package to copy.
"""

from .contract import VendorContract
from .desk import RUN, Desk, FakeTime
from .results import make_results
from .transports import Canned, LosesAnswer, Meanwhile

__all__ = ["RUN", "Canned", "Desk", "FakeTime", "LosesAnswer", "Meanwhile", "VendorContract", "make_results"]
