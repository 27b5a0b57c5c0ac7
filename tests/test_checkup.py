"""Ten faults and more are planted at each tool, one at a time: each is found and named, and nothing else is accused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from pytest_tmsreport.checkup import checkup
from pytest_tmsreport.config import load
from pytest_tmsreport.covering import not_run
from pytest_tmsreport.doctor import examine
from pytest_tmsreport.faults import Unreachable
from pytest_tmsreport.findings import Finding
from pytest_tmsreport.journal import Journal
from pytest_tmsreport.model import Run
from pytest_tmsreport.reaching import Means
from pytest_tmsreport.sandbox import catalog
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.testing import FakeTime, make_results

NOW = 1_789_380_000.0
VENDORS = catalog.names()


class Dated(WsgiAdapter):
    """Dates every answer by a clock of its own (epoch seconds)."""

    def __init__(self, mount: Mount, now: float) -> None:
        super().__init__(mount)
        self._now = now

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(request, *args, **kwargs)
        answer.headers["Date"] = formatdate(self._now, usegmt=True)
        return answer


@dataclass(frozen=True)
class Planted:
    """A fault: settings in the environment (of a destination, but for those that begin with TMSREPORT), a trouble at
    the tool, or another way to it; the check that finds it, and words that name it."""

    name: str
    check: str
    words: str
    changes: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    way: Callable[[Mount], BaseAdapter] = lambda mount: Dated(mount, NOW)
    level: str = "broken"


def unreachable(reason: str) -> Callable[[Mount], BaseAdapter]:
    return lambda mount: Unreachable(mount, reason)


COMMON = [
    Planted("connections are refused", "network", "Connection refused", way=unreachable("refused")),
    Planted("the host is unknown", "network", "Name or service not known", way=unreachable("dns")),
    Planted("the certificate is wrong", "tls", "certificate verify failed", way=unreachable("tls")),
    Planted("the proxy refuses", "proxy", "the proxy failed", way=unreachable("proxy")),
    Planted("the CA bundle is missing", "tls", "no.pem, which is not there", {"TMSREPORT_CA_BUNDLE": "/no.pem"}),
    Planted(
        "the clock is an hour behind",
        "clock",
        "3600 s behind",
        way=lambda mount: Dated(mount, NOW + 3600),
        level="warning",
    ),
    Planted("a login page answers", "network", "an HTML page", trouble="html*100"),
    Planted("the token is wrong", "token", "401", trouble="401*9"),
    Planted("a right is missing", "rights", "403", trouble="403*9"),
    Planted("a value is none", "settings", "BATCH_SIZE", {"BATCH_SIZE": "many"}),
    Planted("the address is plain http", "settings", "plain http", {"URL": "http://tool.example/x"}),
]
UUID = "00000000-0000-4000-8000-000000000001"
OF: Mapping[str, list[Planted]] = {
    "aipix": [
        Planted("unknown camera", "project", "camera", {"CAMERA": "Nowhere"}),
        Planted("no such mode", "settings", "it can be summary, failures", {"MODE": "both"}),
    ],
    "azure": [
        Planted("unknown project", "project", "404", {"PROJECT": "Nowhere"}),
        Planted("unknown run", "run", "Test run 77777 not found", {"RUN_ID": "77777"}),
        Planted("unknown plan", "setting", "Test plan 999 not found", {"PLAN": "999"}),
        Planted("unknown suite", "setting", "Test suite 999 not found", {"PLAN": "31/999"}),
        Planted("unknown configuration", "setting", "no configuration Amiga", {"CONFIGURATIONS": "Amiga"}),
        Planted("unknown build", "setting", "Build 20000 not found", {"BUILD": "20000"}),
        Planted("unknown status", "settings", "a word of `status` is one of", {"STATUS_FAILED": "Odd"}),
    ],
    "guizhan": [
        Planted("unknown project", "project", "5000", {"PROJECT": "nowhere"}),
        Planted("unknown channel", "project", "has no channel 'mars'", {"CHANNEL": "mars"}),
    ],
    "kiwi": [
        Planted("unknown run", "run", "77777", {"RUN_ID": "77777"}),
        Planted("unknown plan", "setting", "there is no plan TP-99", {"PLAN": "TP-99"}),
        Planted("unknown parent", "setting", "`parent_plan`: there is no plan TP-98", {"PARENT_PLAN": "98"}),
        Planted("unknown priority", "setting", "there is no 'P9'", {"PRIORITY": "P9"}),
        Planted("unknown status of cases", "setting", "there is no 'ODD'", {"CASE_STATUS": "ODD"}),
        Planted("unknown status", "status", "there is no status 'ODD'", {"STATUS_FAILED": "ODD"}),
        Planted("unknown zone", "settings", "write such as Europe/Sofia", {"TIME_ZONE": "Mars/Base"}),
    ],
    "qase": [
        Planted("unknown project", "project", "404", {"PROJECT": "NOPE"}),
        Planted("unknown run", "run", "404", {"RUN_ID": "77"}),
        Planted("unknown plan", "setting", "`plan`: 404", {"PLAN": "99"}),
        Planted("unknown milestone", "setting", "`milestone`: 404", {"MILESTONE": "99"}),
        Planted("unknown environment", "setting", "no environment 'mars', but staging", {"ENVIRONMENT": "mars"}),
        Planted("own status", "status", "'odd' is a status of your own", {"STATUS_FAILED": "odd"}, level="warning"),
    ],
    "reportportal": [
        Planted("unknown project", "project", "40", {"PROJECT": "nowhere"}),
        Planted("unknown launch", "run", "40", {"RUN_ID": UUID}),
        Planted("unknown launch to continue", "setting", "`rerun_of`: ", {"RERUN_OF": UUID}),
        Planted("unknown item above", "setting", "`parent`: ", {"PARENT": UUID}),
        Planted("unknown defect type", "setting", "'zz' is no defect type", {"DEFECTS": "failed=zz"}),
        Planted("unknown status", "status", "has no status 'odd'", {"STATUS_FAILED": "odd"}),
    ],
    "testrail": [
        Planted("unknown project", "project", "400", {"PROJECT": "99"}),
        Planted("unknown suite", "project", "suite", {"SUITE": "99"}),
        Planted("unknown run", "run", "77", {"RUN_ID": "77"}),
        Planted("unknown plan", "setting", "`plan`: 400", {"PLAN": "99"}),
        Planted("unknown milestone", "setting", "no milestone 99", {"MILESTONE": "99"}),
        Planted("unknown section", "setting", "no section 99999", {"SECTION": "99999"}),
        Planted("unknown field", "setting", "no result field custom_odd", {"RESULT_FIELDS": "custom_odd=1"}),
        Planted("unknown status", "status", "there is no status 'odd'", {"STATUS_FAILED": "odd"}),
    ],
    "vansah": [
        Planted("unknown space", "project", "NOWHERE", {"PROJECT": "NOWHERE"}),
        Planted("unknown folder", "setting", "there is no folder nowhere/", {"ASSET": "nowhere/"}),
        Planted("unknown issue", "setting", "the issue DEMO-99", {"ASSET": "DEMO-99"}, level="warning"),
        Planted("impossible plan", "settings", "a plan has a key", {"ASSET": "", "PLAN": "seven"}),
        Planted("unknown status", "settings", "a word of `status` is one of", {"STATUS_FAILED": "odd"}),
    ],
    "xray": [
        Planted("unknown project", "project", "NOWHERE", {"PROJECT": "NOWHERE"}),
        Planted("unknown run", "run", "SHOP-77777", {"RUN_ID": "SHOP-77777"}),
        Planted("unknown plan", "setting", "there is no SHOP-77778", {"PLAN": "SHOP-77778"}),
        Planted("unknown status", "status", "has no status ODD", {"STATUS_FAILED": "ODD"}),
        Planted("unknown plan (DC)", "setting", "`plan`: ", {"PRODUCT": "dc", "PLAN": "SHOP-77778"}),
        Planted("unknown status (DC)", "status", "has no status ODD", {"PRODUCT": "dc", "STATUS_FAILED": "ODD"}),
    ],
    "vani": [
        Planted("unknown edition", "project", "Nowhere", {"EDITION": "Nowhere"}),
        Planted("unknown space", "project", "Nowhere", {"SPACE": "Nowhere"}),
    ],
    "zephyr": [
        Planted("unknown project", "project", "404", {"PROJECT": "NOWHERE"}),
        Planted("unknown cycle", "run", "404", {"RUN_ID": "SHOP-R777"}),
        Planted("unknown plan", "setting", "`plan`: 404", {"PLAN": "SHOP-P77"}),
        Planted("unknown environment", "setting", "no environment 'Mars'", {"ENVIRONMENT": "Mars"}),
        Planted("unknown status of cycles", "setting", "`done`: the project has no status Over", {"DONE": "Over"}),
        Planted("unknown status", "status", "the project has no status Odd", {"STATUS_FAILED": "Odd"}),
        Planted("unknown plan (DC)", "setting", "`plan`: 404", {"PRODUCT": "dc", "PLAN": "SHOP-P77"}),
    ],
}


def environ_of(vendor: str, changes: Mapping[str, str]) -> dict[str, str]:
    """The variables that lead to its sandbox, with changes."""
    prefix = f"TMSREPORT_{vendor.upper()}_"
    environ = dict(catalog.create(vendor).environment(f"https://{vendor}.test/{vendor}"))
    return environ | {key if key.startswith("TMSREPORT_") else prefix + key: value for key, value in changes.items()}


def bad(root: Path, vendor: str, planted: Planted) -> list[Finding]:
    """What is not good; nothing was changed at the tool."""
    mount, time = Mount([catalog.create(vendor)], [planted.trouble] if planted.trouble else []), FakeTime()
    means = Means(planted.way(mount), time.sleep, time, lambda: NOW)
    found = list(examine(root, environ_of(vendor, planted.changes), only=[vendor], means=means))
    box = mount.sandboxes[vendor].box
    assert (box.runs, box.results, box.attachments) == ({}, {}, {})
    return [finding for finding in found if finding.level != "good"]


NOTHING = Planted("nothing", "", "")


@pytest.mark.parametrize("vendor", VENDORS)
def test_where_all_is_well_nothing_is_accused(vendor: str, tmp_path: Path) -> None:
    assert bad(tmp_path, vendor, NOTHING) == []


@pytest.mark.parametrize(
    ("vendor", "planted"),
    [
        pytest.param(vendor, planted, id=f"{vendor}: {planted.name}")
        for vendor in VENDORS
        for planted in (*COMMON, *OF[vendor])
    ],
)
def test_a_planted_fault_is_found_and_named_and_nothing_else_is(vendor: str, planted: Planted, tmp_path: Path) -> None:
    (finding,) = bad(tmp_path, vendor, planted)
    assert (finding.about, finding.check, finding.level) == (vendor, planted.check, planted.level)
    assert planted.words in finding.what
    assert finding.why
    assert finding.remedy


OF_SETTINGS = ("setting", "status", "run")


@pytest.mark.parametrize("vendor", [each for each in VENDORS if any(one.check in OF_SETTINGS for one in OF[each])])
def test_several_faults_of_settings_are_all_found_at_once(vendor: str, tmp_path: Path) -> None:
    of_settings = {
        key: planted
        for planted in OF[vendor]
        for key in planted.changes
        if planted.check in OF_SETTINGS and len(planted.changes) == 1
    }
    changes = {key: planted.changes[key] for key, planted in of_settings.items()}
    what = " / ".join(finding.what for finding in bad(tmp_path, vendor, Planted("several", "", "", changes)))
    assert changes
    assert [planted.words for planted in of_settings.values() if planted.words not in what] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_tool_has_not_got_yet_is_told_with_the_command_that_sends_it(vendor: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".tmsreport" / "one", Run(id="one", name="one", start=0.0), {vendor: vendor})
    for result in make_results(3):
        journal.write(result)
    journal.end(exitstatus=0, not_run=[])
    (finding,) = bad(tmp_path, vendor, NOTHING)
    assert (finding.check, finding.what) == ("undelivered", f"one is not delivered: 3 results to {vendor}")
    assert finding.remedy == f"tmsreport send {tmp_path / '.tmsreport' / 'one'}"


CASES = {
    # vendor: settings, a case that it has, one that it has not, and one of its plan that no test covers
    "azure": ({"PLAN": "31/33"}, "C7", "99999", "8"),
    "kiwi": ({}, "TC-7", "TC-99999", ""),
    "qase": ({"PLAN": "7"}, "SHOP-1", "C0", "SHOP-2"),
    "testrail": ({"PLAN": "8"}, "C1", "C99999", "C2"),
    "xray": ({"PLAN": "SHOP-90070"}, "1", "SHOP-99999", "SHOP-2"),
    "xray dc": ({"PLAN": "SHOP-90070", "PRODUCT": "dc"}, "SHOP-1", "SHOP-99999", "SHOP-2"),
    "zephyr": ({}, "T7", "NOWHERE-T1", ""),
    "zephyr dc": ({"PRODUCT": "dc"}, "SHOP-T7", "NOWHERE-T1", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_that_the_tool_lacks_and_one_without_a_test_are_named(name: str, tmp_path: Path) -> None:
    vendor = name.partition(" ")[0]
    changes, known, unknown, bare = CASES[name]
    tests = [not_run(f"test_it.py::test_{at}", [{"": (case,)}]) for at, case in enumerate((known, unknown))]
    config = load(tmp_path, environ_of(vendor, changes), only=[vendor])
    mount, time = Mount([catalog.create(vendor)]), FakeTime()
    means = Means(WsgiAdapter(mount), time.sleep, time)
    found = list(checkup(config.destinations[0], config.settings, tests, means))
    by_check = {finding.check: finding for finding in found if finding.level != "good"}
    assert set(by_check) == {"cases", "uncovered"} if bare else {"cases"}
    assert "1 case: " in by_check["cases"].what
    assert by_check["cases"].what.endswith("(test_it.py::test_1)")
    if bare:
        assert bare in by_check["uncovered"].what
