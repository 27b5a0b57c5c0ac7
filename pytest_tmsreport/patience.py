"""One limit for a whole answer: `requests` limits the silence between two bytes only, and a byte a second is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

MORE_S = 0.2
"""How much later than a silent connection, which a socket ends by itself, one is cut that brings something."""
_THREAD = threading.local()


class Limit:
    """The time that an answer may take, from the moment the request is out."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_spent = False
        self._timer: threading.Timer | None = None

    def begin(self, connection: socket.socket | None) -> None:
        """Ends that connection when the time is over: whoever reads from it finds its end."""
        self._timer = threading.Timer(self._seconds + MORE_S, self._cut, (connection,))
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The answer is there, or there will be none."""
        if self._timer:
            self._timer.cancel()

    def check(self) -> None:
        """Raises ReadTimeout where the time was not enough: a connection that was cut may look like an orderly end."""
        if self._is_spent:
            raise too_slow(self._seconds)

    def reason(self, error: Exception) -> Exception:
        """The error to tell in place of one that a connection raised: where that was cut, it is no reason."""
        is_told = isinstance(error, ReadTimeout) or not self._is_spent
        return error if is_told else too_slow(self._seconds)

    def _cut(self, connection: socket.socket | None) -> None:
        self._is_spent = True
        if connection:
            with suppress(OSError):
                socket.socket.shutdown(
                    connection, socket.SHUT_RDWR
                )  # that of TLS itself would touch what is being read


def too_slow(seconds: float) -> ReadTimeout:
    """The error for an answer that comes, but not to its end."""
    return ReadTimeout(f"the answer was not whole after {seconds:.1f} s")


@contextmanager
def whole_answer(seconds: float) -> Iterator[Limit]:
    """Limits the request that this thread makes by a `PatientAdapter`, its answer's body included."""
    _THREAD.limit = limit = Limit(seconds)
    try:
        yield limit
    finally:
        limit.end()
        _THREAD.limit = None


class PatientAdapter(HTTPAdapter):
    """The network, for requests under a limit."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """A manager for that proxy; that for SOCKS has connections of its own, without a limit."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


def _begin(connection: HTTPConnection) -> None:
    limit: Limit | None = getattr(_THREAD, "limit", None)
    if limit:
        limit.begin(connection.sock)


class _Connection(HTTPConnection):
    def getresponse(self) -> Any:
        _begin(self)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        _begin(self)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}
