"""A server that keeps an answer coming, but never whole, is given up in the time that an answer may take."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pytest_tmsreport.client import Client, Network
from pytest_tmsreport.errors import TransientError
from pytest_tmsreport.vendors.qase import Qase

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BITS = 10_000
"""So many bits, one every 20 ms, last far longer than any test may."""


class Hasty(Qase):
    """A tool whose answers may take half a second."""

    answer_s = 0.5


@contextmanager
def dripping(start: bytes, bit: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that begins its answers so, and goes on bit by bit; its address."""
    is_over = threading.Event()

    def serve(listening: socket.socket) -> None:
        with suppress(OSError), listening.accept()[0] as accepted:  # until the client leaves
            connection = tls.wrap_socket(accepted, server_side=True) if tls else accepted
            with connection:
                connection.recv(65_536)
                connection.sendall(start)
                for _ in range(BITS):
                    connection.sendall(bit)
                    if is_over.wait(0.02):
                        break

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join()


def give_up_on(url: str, network: Network | None = None) -> None:
    vendor = Hasty(name="qase", kind="qase", url=url, token="token", project="SHOP")
    client = Client(vendor, network=network, deadline=lambda: 0.0)
    with pytest.raises(
        TransientError, match=r"no usable answer from .*: the answer was not whole after 0\.5 s"
    ) as caught:
        client.post("v1/run/SHOP", json={})
    client.close()
    assert not caught.value.answered


@pytest.mark.parametrize(
    ("start", "bit"),
    [
        (b"", b"H"),
        (HEAD + b"X-More: ", b"x"),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        (HEAD + b"Connection: close\r\n\r\n", b" "),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "body", "chunks", "chunk", "body_without_length", "continue"],
)
def test_an_answer_that_drips_is_given_up(start: bytes, bit: bytes) -> None:
    with dripping(start, bit) as url:
        give_up_on(url)


def test_an_answer_that_drips_through_tls_is_given_up(tls: ssl.SSLContext, certificate: Path) -> None:
    with dripping(HEAD, b"X-More: x\r\n", tls) as url:
        give_up_on(url, Network(ca_bundle=str(certificate / "cert.pem")))


def test_an_answer_that_drips_through_a_proxy_is_given_up() -> None:
    with dripping(HEAD, b"x") as proxy:
        give_up_on("http://tms.test", Network(proxy=proxy))
