"""How does search misbehave, when it is told to? By seed, and within what `faults.SearchWhims` says."""

from __future__ import annotations

from syncworker.sandbox import records
from syncworker.sandbox.database import marks
from syncworker.sandbox.object_types import ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record
from syncworker.sandbox.world import World


def show_some_early(world: World, portal: Portal, kind: ObjectType) -> None:
    """Let this one search see some records as they are, although the index has not caught up with them."""
    flickers = world.faults.plan.search.flickers
    if not flickers:
        return
    scope = (portal.hub_id, kind.number)
    world.database.execute("UPDATE lagging SET early = 0 WHERE portal = ? AND type = ?", scope)
    rows = world.database.execute("SELECT DISTINCT id FROM lagging WHERE portal = ? AND type = ? ORDER BY id", scope)
    early = [row[0] for row in rows.fetchall() if world.faults.search.random() < flickers]
    for start in range(0, len(early), 500):
        part = early[start : start + 500]
        world.database.execute(
            f"UPDATE lagging SET early = 1 WHERE portal = ? AND type = ? AND id IN ({marks(len(part))})",
            (*scope, *part),
        )


def disturb(
    world: World, portal: Portal, kind: ObjectType, found: list[Record], *, limit: int, more: bool
) -> tuple[list[Record], bool]:
    """A page with what does not belong there; what it pushes out comes with the next one."""
    whims, dice = world.faults.plan.search, world.faults.search
    page = list(found)
    if page and dice.random() < whims.repeats:
        page.insert(dice.randrange(len(page) + 1), dice.choice(page))
    if dice.random() < whims.strangers and (stranger := _anybody(world, portal, kind)) is not None:
        page.insert(dice.randrange(len(page) + 1), stranger)
    # The last of those that match go: a stranger at the end must not end up as the page's only one.
    while len(page) > limit and len(found) > 1:
        page.remove(found[-1])
        found, more = found[:-1], True
    page, more = page[:limit], more or len(page) > limit
    if whims.shuffled:
        dice.shuffle(page)
    return page, more


def miscounted(world: World, total: int) -> int:
    """How many match, as far as it can be believed."""
    return world.faults.search.randrange(2 * total + 2) if world.faults.plan.search.miscounts else total


def _anybody(world: World, portal: Portal, kind: ObjectType) -> Record | None:
    issued = world.database.count_issued(portal.hub_id, kind.number)
    if not issued:
        return None
    start = world.faults.search.randrange(issued)
    row = world.database.execute(
        "SELECT id FROM records WHERE portal = ? AND type = ? AND archived IS NULL ORDER BY id LIMIT 1 OFFSET ?",
        (portal.hub_id, kind.number, start),
    ).fetchone()
    return records.by_id(world.database, portal.hub_id, kind, row[0]) if row else None
