"""Zephyr Scale Cloud's API v2, as its OpenAPI file describes it."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from .site import Route
from .zephyr_cloud_cases import Cases
from .zephyr_cloud_cycles import Cycles
from .zephyr_cloud_executions import Executions
from .zephyr_site import Site


class Cloud:
    """The endpoints below `/v2`."""

    def __init__(self, site: Site) -> None:
        self._parts = (Cases(site), Cycles(site), Executions(site))

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        yield "GET", "/v2/healthcheck", lambda: Response("", 200, mimetype="application/json")
        for part in self._parts:
            yield from part.routes()
