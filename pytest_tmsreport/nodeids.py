"""What a node id tells of a test: its title, the suites above it, and the name that xUnit files would give it."""

from __future__ import annotations


def title_of(nodeid: str) -> str:
    """The test's own name: the last part of its node id, without parameters."""
    path, _, name = _without_parameters(nodeid).rpartition("::")
    return " ".join((name or path).split()) or nodeid.strip() or "?"


def suite_of(nodeid: str) -> tuple[str, ...]:
    """Folders, module and classes above a test."""
    path, *inner = _without_parameters(nodeid).split("::")
    folders = [part for part in path.split("/") if part.strip() not in ("", ".", "..")]
    if folders and inner:
        folders[-1] = folders[-1].removesuffix(".py")
    return (*folders, *(part for part in inner[:-1] if part.strip())) if inner else tuple(folders[:-1])


def _without_parameters(nodeid: str) -> str:
    path, colons, inner = nodeid.partition("::")
    return path + colons + inner.partition("[")[0]


def dotted(nodeid: str) -> str:
    """`tests/test_cart.py::TestCart::test_add[red]` as `tests.test_cart.TestCart.test_add[red]`."""
    name, bracket, values = nodeid.partition("[")
    file, *inner = name.split("::")
    return ".".join([file.removesuffix(".py").replace("/", "."), *inner]) + bracket + values
