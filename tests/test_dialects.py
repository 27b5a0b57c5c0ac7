"""What holds for every dialect, whichever plugin it hears."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport import dialects
from pytest_tmsreport.plugin import OTHER_MARKERS

if TYPE_CHECKING:
    from conftest import Project

LINES = OTHER_MARKERS.read_text(encoding="utf-8").splitlines()


def test_the_marks_of_all_dialects_and_no_others_are_declared_in_order() -> None:
    declared = [re.split(r"[(:]", line)[0].strip() for line in LINES]
    assert declared == sorted({mark for dialect in dialects.find([dialects.ALL]) for mark in dialect.MARKS})


@pytest.mark.parametrize("flags", [[], ["--tms-to", "qase"]])
def test_marks_of_plugins_that_are_not_installed_pass_under_strict_markers(project: Project, flags: list[str]) -> None:
    marks = "".join(
        f"@pytest.mark.{mark}\n" for dialect in dialects.find([dialects.ALL]) for mark in sorted(dialect.MARKS)
    )
    project.write("test_marked.py", f"import pytest\n\n{marks}def test_it():\n    pass\n")
    assert project.pytest("--strict-markers", *flags).status == 0
