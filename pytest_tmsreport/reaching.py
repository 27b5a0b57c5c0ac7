"""The way to a tool: what becomes of each request on it, how it goes, and what the server's clock says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.utils import get_environ_proxies, select_proxy

from .client import Client, Network
from .findings import Finding
from .patience import PatientAdapter
from .render import plain
from .vendor import Vendor

MOST_SKEW_S = 60.0
"""How far two clocks may be apart before anybody notices (seconds)."""


@dataclass(frozen=True)
class Means:
    """Network and time, as a test may replace them: `clock` is monotonic, `now` in epoch seconds."""

    transport: BaseAdapter | None = None
    sleep: Callable[[float], Any] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time


class Watch(BaseAdapter):
    """Hands requests on. `broken` is what the last one broke on, `skew_s` by how much our clock is ahead, if known."""

    def __init__(self, inner: BaseAdapter, now: Callable[[], float]) -> None:
        super().__init__()
        self._inner = inner
        self._now = now
        self.broken: Exception | None = None
        self.skew_s: float | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        began = self._now()
        try:
            answer = self._inner.send(request, *args, **kwargs)
        except Exception as error:
            self.broken = error
            raise
        self.broken = None
        try:
            told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            return answer
        self.skew_s = (began + self._now()) / 2 - told - 0.5  # a date is cut to its second
        return answer

    def close(self) -> None:
        self._inner.close()

    @property
    def check(self) -> str:
        """What a request has failed by that got no answer, as a finding calls it."""
        kinds = ((requests.exceptions.SSLError, "tls"), (requests.exceptions.ProxyError, "proxy"))
        return next((name for kind, name in kinds if isinstance(self.broken, kind)), "network")


def opened(vendor: Vendor, network: Network, means: Means, patience_s: float) -> tuple[Client, Watch]:
    """A client that gives up after so many seconds, and what watches it."""
    watch = Watch(means.transport or PatientAdapter(), means.now)
    ends = means.clock() + patience_s
    client = Client(
        vendor, network=network, deadline=lambda: ends, transport=watch, sleep=means.sleep, clock=means.clock
    )
    return client, watch


def way(vendor: Vendor, network: Network) -> Iterator[Finding]:
    """How requests will go, as far as it can be told without one."""
    url = vendor.base_url
    parts = urlsplit(url)
    proxies = {"http": network.proxy, "https": network.proxy} if network.proxy else get_environ_proxies(url)
    proxy = select_proxy(url, proxies)
    host = urlsplit(proxy).netloc.rpartition("@")[2] if proxy else ""
    origin = "`proxy`" if network.proxy else "the environment"
    yield Finding("good", vendor.name, "proxy", f"goes by the proxy {plain(host)} ({origin})" if host else "no proxy")
    if parts.scheme == "http":
        is_far = vendor.allow_http and parts.hostname not in ("localhost", "127.0.0.1", "::1")
        words = "plain http: whoever is on the way can read the token" if is_far else "plain http, on this machine"
        yield Finding("warning" if is_far else "good", vendor.name, "tls", words, "use https" if is_far else "")
    for key in ("ca_bundle", "client_cert"):
        file = getattr(network, key)
        if file and not Path(file).exists():
            yield Finding(
                "broken", vendor.name, "tls", f"`{key}` names {plain(file)}, which is not there", f"set `{key}`"
            )


def clock(vendor: Vendor, watch: Watch) -> Iterator[Finding]:
    """What the answers' dates say of this machine's clock."""
    if watch.skew_s is None:
        return
    if abs(watch.skew_s) <= MOST_SKEW_S:
        yield Finding("good", vendor.name, "clock", "this machine's clock agrees with the server's")
        return
    ahead = "ahead of" if watch.skew_s > 0 else "behind"
    words = f"this machine's clock is {abs(watch.skew_s):.0f} s {ahead} the server's"
    yield Finding("warning", vendor.name, "clock", words, "set the clock, best by NTP")
