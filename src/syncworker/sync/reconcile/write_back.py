"""How do the records of a batch come to show what they should?

One batch update per kind, only what differs. Results are matched by id. A batch that HubSpot refuses as a whole is
split in halves until the bad record is alone, so that one bad record never harms its neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.errors import FixRequest, HubSpotError
from syncworker.sync.claims import BATCH
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.shown import Properties
from syncworker.sync.watch import observed


@dataclass(slots=True)
class Written:
    """Which records were written, and why others were not."""

    updated: set[str] = field(default_factory=set)
    calls: int = 0
    failed: dict[str, HubSpotError] = field(default_factory=dict)


def write_back(
    client: HubSpotClient, kind: Kind, changes: Mapping[str, Properties], still_ours: Callable[[], Collection[str]]
) -> Written:
    """Write these records. Raises what concerns the whole portal: RetryLater, FixCredentials.

    `still_ours` renews the lease and says which records it still covers: asked before each call, so that an old
    worker never writes over a newer one.
    """
    written = Written()
    ids = sorted(changes)
    for start in range(0, len(ids), BATCH):
        _write(client, kind, {key: changes[key] for key in ids[start : start + BATCH]}, written, still_ours)
    return written


def _write(
    client: HubSpotClient,
    kind: Kind,
    wanted: Mapping[str, Properties],
    written: Written,
    still_ours: Callable[[], Collection[str]],
) -> None:
    ours = still_ours()
    changes = {key: properties for key, properties in wanted.items() if key in ours}
    if not changes:
        return
    written.calls += 1
    began = time.monotonic()
    try:
        answer = client.batch_update("contact" if kind is Kind.CONTACT else "company", changes)
    except FixRequest as error:
        if len(changes) == 1 or _concerns_all(error):
            written.failed.update(dict.fromkeys(changes, error))
            return
        ids = list(changes)
        middle = len(ids) // 2
        for half in (ids[:middle], ids[middle:]):
            _write(client, kind, {key: changes[key] for key in half}, written, still_ours)
        return
    taken = time.monotonic() - began
    observed.wrote(client.hub_id, kind, seconds=taken, written=len(answer.updated), refused=len(answer.failed))
    written.updated |= answer.updated
    written.failed |= answer.failed


def _concerns_all(error: FixRequest) -> bool:
    """A property that does not exist fails for every record alike: halving would only cost calls."""
    return any(bad.error == "PROPERTY_DOESNT_EXIST" for bad in error.bad_properties)
