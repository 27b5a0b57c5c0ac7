"""The conformance suite for any vendor, ours or not."""

from __future__ import annotations

from .delivering import Delivering
from .planning import Planning
from .sharing import Sharing
from .suffering import Suffering


class VendorContract(Delivering, Suffering, Sharing, Planning):
    """What every vendor keeps: each result arrives once, in one run, whatever goes wrong.

    Subclass it, named `Test…`, with the vendor and a function that makes its stand-in:

    ```python
    from pytest_tmsreport.sandbox.box import Box
    from pytest_tmsreport.sandbox.site import Sandbox, new_app
    from pytest_tmsreport.testing import Desk, VendorContract


    def acme() -> Sandbox:
        box = Box("acme", secrets=("s3cret-token",))  # what has arrived; keeps no secret
        app = new_app(box, error_body, admit)  # a Flask app: errors have Acme's shape, `admit` raises Refused
        ...  # its addresses, which tell the box of runs, results and files
        return Sandbox(box, app, error_body, environment)


    class TestAcme(VendorContract):
        vendor = Acme(name="acme", kind="acme", url="https://acme.test/acme", token="s3cret-token")
        sandbox = staticmethod(acme)

        def case(self, number: int) -> str:  # where cases are not called 1, 2, 3
            return f"T-{number}"

        def spoil(self, result: Result) -> Result:  # where "no such case" is not what Acme refuses
            return replace(result, title="")

        def plan(self, desk: Desk, cases: Sequence[str]) -> str:  # where it has `planned`
            return desk.client().post("plans", json={"cases": list(cases)}).pick("id", str)

        def test_a_surprise_of_its_own(self, desk: Desk) -> None:
            desk.write(*self.results(3))
            desk.mount.troubles.add("503*2")
            assert desk.send().delivered == 3
    ```

    The last segment of `url` is the name of the box. Results in the box have `Result.id` as their id. Whatever the
    vendor does not support (`find_run`, `planned`, `attach`, …) is skipped. Each test has a `Desk` of its own; no time
    passes, and no network is needed.
    """
