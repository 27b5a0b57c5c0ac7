"""Several machines, one run: joining it by its key, and completing it once the last of them is done."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import VendorError

if TYPE_CHECKING:
    from .client import Client
    from .model import Run
    from .vendor import Vendor

FIND_S = (0.0, 1.0, 3.0)
"""How long to wait before each look for a run that was just made: a tool's search may be behind."""
NOTE_LOOKS = 3
"""How often a note is looked at again where two may cross; each time after a second or so."""


def join(
    vendor: Vendor, http: Client, run: Run, *, opening: Callable[[], None] | None, pause: Callable[[float], Any]
) -> str:
    """The id of a run: the one that is there already, or a new one. Raises VendorError.

    It is looked for where it has a key, and where `opening` is None: an earlier upload may have opened it. `opening` is
    called before one is made. Where two machines make one at once, both look again and take the one that was made
    first.
    """
    can_find = vendor.can("find_run")
    if can_find and (run.key or opening is None):
        found = vendor.find_run(http, run)
        if found is not None:
            return found
    if opening:
        opening()
    own = vendor.open_run(http, run)
    if not (run.key and can_find) or http.is_rehearsal:
        return own
    return _first(vendor, http, run, own, pause)


def _first(vendor: Vendor, http: Client, run: Run, own: str, pause: Callable[[float], Any]) -> str:
    """The run that was made first of those with the key; ours is removed where that is another."""
    found = None
    for seconds in FIND_S:
        if seconds:
            pause(seconds)
        found = vendor.find_run(http, run)
        if found is not None:
            break
    if found is None or found == own:
        return own
    why = f"{vendor.label} removes none"
    try:
        if vendor.can("discard_run"):
            vendor.discard_run(http, own)
            return found
    except VendorError as error:
        why = str(error)
    http.note(f"run {own} was made in the same moment as {found}, and stays there empty: {why}")
    return found


def is_last(vendor: Vendor, http: Client, run_id: str, run: Run, pause: Callable[[float], Any]) -> bool:
    """Notes in a shared run that this machine is done; True where all are. Raises VendorError.

    False where that cannot be known: how many share it, or what the others have done.
    """
    if not run.shards or not vendor.can("finish_shard"):
        return False
    for look in range(NOTE_LOOKS if vendor.notes_may_cross and not http.is_rehearsal else 1):
        if look:
            pause(random.uniform(0.5, 1.5))  # noqa: S311 - two machines are not to look in step
        done = vendor.finish_shard(http, run_id, run.shard, run.shards)
        if sum(1 <= shard <= run.shards for shard in set(done)) >= run.shards:
            return True
    return False
