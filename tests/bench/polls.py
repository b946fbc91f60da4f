"""What do changes cost that come to nothing: the echoes of our own writes, and edits that are none of our business?"""

from __future__ import annotations

from pathlib import Path

from bench.figure import Figure, at_most
from bench.whole_path import whole_path
from support.rig import LEAD, Rig
from syncworker.registration.rules.terms import Source
from syncworker.sync import operations
from syncworker.sync.triggers.polling import poll_records

LEADS = 500
EDITED = 39_000
FLOOR = 5.0  # 200 records a page, each read once
MOST = 5.5


def polls(folder: Path) -> list[Figure]:
    """Some leads are registered, a mass edit goes through; then all looks, until the last has seen it all."""
    with whole_path(folder, capacity=2 * LEADS, contacts=EDITED) as rig:
        return _measure(rig)


def _measure(rig: Rig) -> list[Figure]:
    for number in range(LEADS):
        lead = {**LEAD, "email": f"a@firma-{number}.se", "website": f"firma-{number}.se"}
        made = rig.sandbox.create(rig.hub, "contacts", lead, auto_company=True)
        operations.register(rig.context, rig.hub, made["id"], who="bench", source=Source.API, key=made["id"])
    rig.settle(rounds=200)
    edit = {"portal": rig.hub, "contacts": EDITED, "property": "jobtitle", "value": "Boss"}
    rig.sandbox.post("/_sandbox/mass-edit", edit)
    rig.hurry()
    rig.sandbox.reset_stats()
    # The prompt look, and the late one over an hour later, in as many turns as it takes
    poll_records(rig.context, rig.hub)
    rig.pass_time(minutes=70)
    for _ in range(5):
        poll_records(rig.context, rig.hub)
    calls = sum(rig.sandbox.calls().values())
    writes = sum(rig.writes().values()) + len(rig.marks())
    thousands = (2 * LEADS + EDITED) / 1000  # each lead's contact and its company were written
    return [
        Figure(
            name="calls per 1,000 echoes and uninteresting edits polled, all looks",
            value=calls / thousands,
            unit="calls",
            floor=FLOOR,
            **at_most(MOST, calls / thousands),
        ),
        Figure(
            name="writes, and marks, for echoes and uninteresting edits polled",
            value=writes,
            unit="",
            target="0",
            met=writes == 0,
        ),
    ]
