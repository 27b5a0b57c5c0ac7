"""What a node id tells of a test: its title, the suites above it, and the name that xUnit files would give it."""

from __future__ import annotations

from functools import lru_cache


def title_of(nodeid: str) -> str:
    """The test's own name: the last part of its node id, without parameters."""
    return suite_and_title(nodeid)[1]


def suite_of(nodeid: str) -> tuple[str, ...]:
    """Folders, module and classes above a test."""
    return suite_and_title(nodeid)[0]


def suite_and_title(nodeid: str) -> tuple[tuple[str, ...], str]:
    """Both of these at once."""
    above, colons, name = (_without_parameters(nodeid) if "[" in nodeid else nodeid).rpartition("::")
    title = " ".join((name or above).split()) or nodeid.strip() or "?"
    return _suite(above) if colons else _folders(nodeid)[:-1], title


@lru_cache(maxsize=64)  # tests with one in common follow each other
def _suite(above: str) -> tuple[str, ...]:
    path, *classes = above.split("::")
    *folders, module = _folders(path) or ("",)
    named = (part for part in classes if part.strip())
    return (*folders, *([module.removesuffix(".py")] if module else []), *named)


def _folders(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part.strip() not in ("", ".", ".."))


def _without_parameters(nodeid: str) -> str:
    path, colons, inner = nodeid.partition("::")
    return path + colons + inner.partition("[")[0]


def dotted(nodeid: str) -> str:
    """`tests/test_cart.py::TestCart::test_add[red]` as `tests.test_cart.TestCart.test_add[red]`."""
    name, bracket, values = nodeid.partition("[")
    file, *inner = name.split("::")
    return ".".join([file.removesuffix(".py").replace("/", "."), *inner]) + bracket + values
