"""Imports point one way: who may import whom, read from the source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pytest_tmsreport

HOME = Path(pytest_tmsreport.__file__).parent
OURS = HOME.name

FOUNDATIONS = ("errors", "nodeids", "model")
FIRST_FLOOR = ("render", "auth", "pacing", "paging", "masking", "ci")
VENDORS_MAY_IMPORT = {
    "aggregate",
    "auth",
    "cucumber",
    "digest",
    "errors",
    "journal",
    "model",
    "nodeids",
    "paging",
    "render",
    "templates",
    "vendor",
}
IN_THE_TEST_PROCESS = {
    *("callers", "collector", "delivery", "fixtures", "hooks", "markers", "plugin", "reporter", "screenshots"),
    *("selection", "subtests", "witness"),
}
MAY_IMPORT = {
    "pytest": {*IN_THE_TEST_PROCESS, "collecting", "dialects", "recorder", "testing"},
    "requests": {"client", "patience", "reaching", "upload", "faults", "testing", "sandbox"},
    "click": {"cli", "sandbox"},
    "flask": {"sandbox"},
}
SAME_FAMILY = {
    "_pytest": "pytest",
    "pluggy": "pytest",
    "xdist": "pytest",
    "requests_toolbelt": "requests",
    "tenacity": "requests",
    "urllib3": "requests",
    "werkzeug": "flask",
    "jinja2": "flask",
}


def module_name(path: Path) -> str:
    """`client`, `vendors.qase`; a package by its folder, the whole of it as `""`."""
    parts = path.relative_to(HOME).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(HOME.rglob("*.py"))}
VENDORS = [name for name in MODULES if name.startswith("vendors.")]  # and the private parts of one, `vendors._…`


class Imports(ast.NodeVisitor):
    """Collects the absolute names of what a module imports when it runs."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.found: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        is_for_types = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in node.orelse if is_for_types else [*node.body, *node.orelse]:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        self.found.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        parts = self._package.split(".")[: -(node.level - 1) or None] if node.level else []
        base = ".".join([*parts, *([node.module] if node.module else [])])
        self.found.update(f"{base}.{alias.name}" for alias in node.names)


def imports(source: str, package: str = OURS) -> set[str]:
    visitor = Imports(package)
    visitor.visit(ast.parse(source))
    return visitor.found


@cache
def read(name: str) -> set[str]:
    """The absolute names of what one of our modules imports."""
    path = MODULES[name]
    package = ".".join([OURS, *path.relative_to(HOME).parent.parts])
    return imports(path.read_text(encoding="utf-8"), package)


def our_imports(name: str) -> set[str]:
    """Our modules that one of our modules imports."""
    found = set()
    for imported in read(name):
        if imported.split(".")[0] == OURS:
            inner = imported.removeprefix(OURS).removeprefix(".")
            found.add(inner if inner in MODULES else inner.rpartition(".")[0])
    return found - {name}


def foreign_imports(name: str) -> set[str]:
    """Packages that are neither Python's nor ours."""
    return {imported.split(".")[0] for imported in read(name)} - {OURS} - sys.stdlib_module_names


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b, c", {"a.b", "c"}),
        ("from a import b, c", {"a.b", "a.c"}),
        ("def f():\n    import a", {"a"}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"a", "b"}),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {"b"}),
        ("if x:\n    import a", {"a"}),
        ("from . import a", {"ours.inner.a"}),
        ("from .a import b", {"ours.inner.a.b"}),
        ("from .. import a", {"ours.a"}),
        ("from ..a import b", {"ours.a.b"}),
    ],
)
def test_imports_are_read_as_python_runs_them(source: str, found: set[str]) -> None:
    assert imports(source, "ours.inner") == found


@pytest.mark.parametrize("name", FOUNDATIONS)
def test_the_foundations_import_nothing_of_ours_but_those_below(name: str) -> None:
    assert our_imports(name) <= set(FOUNDATIONS[: FOUNDATIONS.index(name)])
    assert foreign_imports(name) == set()


@pytest.mark.parametrize("name", FIRST_FLOOR)
def test_the_first_floor_imports_nothing_of_ours_but_the_foundations(name: str) -> None:
    assert our_imports(name) <= set(FOUNDATIONS)
    assert foreign_imports(name) == set()


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    importers = {
        name for name in MODULES if package in {SAME_FAMILY.get(foreign, foreign) for foreign in foreign_imports(name)}
    }
    assert importers
    assert {name.split(".")[0] for name in importers} - MAY_IMPORT[package] == set()


def test_nothing_else_is_needed() -> None:
    foreign = {each for name in MODULES for each in foreign_imports(name)} - {"_typeshed", "tomli", "tomllib"}
    assert {SAME_FAMILY.get(each, each) for each in foreign} == set(MAY_IMPORT)


def test_there_are_vendors() -> None:
    assert VENDORS


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_imports_neither_another_nor_the_network(name: str) -> None:
    vendor = name.removeprefix("vendors.").removeprefix("_").partition("_")[0]
    own = {each for each in VENDORS if each.startswith(f"vendors._{vendor}_")}
    assert our_imports(name) <= VENDORS_MAY_IMPORT | own
    assert foreign_imports(name) == set()


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("migrations.")])
def test_a_migration_imports_no_other(name: str) -> None:
    shared = {"migrations._read", "migrations._rules"}
    assert {each for each in our_imports(name) if each.startswith("migrations")} <= shared


@pytest.mark.parametrize(
    "name", [name for name in MODULES if name.split(".")[0] not in ("dialects", "migrations", "vendors", "sandbox")]
)
def test_the_core_imports_no_vendor_and_names_none_as_data(name: str) -> None:
    assert not our_imports(name) & set(VENDORS)
    words = {word for text in data(MODULES[name]) for word in re.findall("[a-z0-9]+", text.lower())}
    assert not words & {vendor.removeprefix("vendors.") for vendor in VENDORS}


def data(path: Path) -> Iterator[str]:
    """The texts of a module that hold a single word: more is a sentence for a person, and may show examples."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) == 1:
            yield node.value


def test_imports_point_one_way() -> None:
    graph = {name: our_imports(name) for name in MODULES}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert order.index("model") < order.index("journal") < order.index("upload") < order.index("cli")


def test_the_process_that_runs_tests_never_imports_the_network() -> None:
    modules = [f"{OURS}.{name}" for name in (*sorted(IN_THE_TEST_PROCESS), "config", "sender", *VENDORS)]
    script = f"import sys, {', '.join(modules)}\nprint({{'requests', 'urllib3', 'click', 'flask'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "set()\n"


def test_pytest_imports_next_to_nothing_where_nobody_asked_for_a_report() -> None:
    script = f"import sys, {OURS}.plugin\nprint(*sorted(name for name in sys.modules if name.startswith('{OURS}.')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == f"{OURS}.plugin\n"
