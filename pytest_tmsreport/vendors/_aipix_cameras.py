"""The camera that aipix's marks hang on, and whether the user may set them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import AuthError, NotFound, dig
from ..paging import Pages
from ..render import count

if TYPE_CHECKING:
    from ..client import Client, Reply
    from .aipix import Aipix

LISTS = Pages("page", "per_page", 25, last="meta.last_page")
RIGHTS = ("marks-index", "marks-store")


def looked_up(vendor: Aipix, http: Client) -> str:
    """The id of the camera. Raises AuthError where the user may not mark it."""
    user = bare(http.get("users/self"))
    names = {dig(each, "name") for each in user.pick("permissions", list)}
    missing = [right for right in RIGHTS if right not in names]
    if missing and not http.is_rehearsal:
        raise AuthError(
            f"the user lacks {' and '.join(missing)}",
            vendor=vendor.name,
            request="GET users/self",
            remedy=f"grant {' and '.join(missing)} in the VMS",
        )
    return _camera(vendor, http)


def bare(reply: Reply) -> Reply:
    """A single resource, be it wrapped in `data` or not."""
    inner = dig(reply.body, "data")
    return reply.part(inner) if isinstance(inner, dict) else reply


def _camera(vendor: Aipix, http: Client) -> str:
    """The id of the camera. Raises NotFound."""
    if vendor.camera.isdecimal():
        bare(http.get(f"cameras/{vendor.camera}")).pick("id", int)
        return vendor.camera
    rows = http.rows("cameras", LISTS, "data", params={"search": vendor.camera})
    found = [str(row.get("id")) for row in rows if row.get("name") == vendor.camera]
    if len(found) == 1 or http.is_rehearsal:
        return (found or [vendor.camera])[0]
    ids = f": {', '.join(found)}" if found else ""
    raise NotFound(
        f"{count(len(found), 'camera')} named {vendor.camera!r}{ids}",
        vendor=vendor.name,
        request="GET cameras",
        remedy="name it by its id: `camera = 17`",
    )
