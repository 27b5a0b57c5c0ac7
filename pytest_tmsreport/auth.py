"""How a tool wants to be signed to, as plain data: the client turns it into a request's headers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Header:
    """A constant header that holds the secret, such as `Token: …`."""

    name: str
    value: str = field(repr=False)


Auth = Header
"""What `Vendor.auth` returns."""
