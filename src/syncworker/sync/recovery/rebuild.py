"""How does a ledger that is older than the CRM, or empty, come to what the CRM has heard since?

All records that show a status are read, a hundred a call; of those that the ledger cannot explain also who wrote that
when. Endings are taken in before beginnings, and all portals before any goes on: a domain may have passed from one
partner to another. Done again, or after being stopped halfway, it finds the rest. What is read is kept in the
database's temporary tables, and a few hundred domains of it in memory, however many records there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from syncworker.hubspot.errors import FixCredentials, HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.backup import PAUSED_BY
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.portals import connect, pausing
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.recovery import crm_evidence, rebuild_claims, rebuild_requests
from syncworker.sync.recovery.crm_evidence import OurWord, RecordKey, Shown
from syncworker.sync.recovery.crm_notes import Notes
from syncworker.sync.recovery.rebuild_claims import Compared, Said

Progress = Callable[[str], None]


class NotStill(Exception):
    """A portal writes while its ledger is to be compared with the CRM."""

    def __init__(self, portal: Portal) -> None:
        self.hub_id = portal.hub_id
        super().__init__(
            f"portal {portal.hub_id} is in mode write, and what is compared would change meanwhile: "
            f"`syncworker pause --portal {portal.hub_id}` first, then rebuild, then unpause"
        )


class NotRead(Exception):
    """HubSpot does not let a portal be read: of several, which. What was taken in before stays."""

    def __init__(self, hub_id: int, error: HubSpotError | RateLimited) -> None:
        self.hub_id = hub_id
        told = error.told if isinstance(error, HubSpotError) else str(error)
        # By its id: the settings' token may be of another portal.
        mend = f" (`syncworker portals add --hub-id {hub_id}`)" if isinstance(error, FixCredentials) else ""
        super().__init__(f"portal {hub_id} cannot be read: {told}{mend}; then again: syncworker rebuild")


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """What became of what the CRM shows."""

    records: int = 0
    """That show a status."""
    claims: Compared = field(default_factory=Compared)
    submissions: int = 0
    """Found again."""
    decided: int = 0
    """Requests that had been decided since."""
    asked_again: int = 0
    """Requests of which only their record told."""
    going_on: list[int] = field(default_factory=list)
    """Portals that were paused by restoring, and go on."""


def rebuild(
    context: Context, chosen: Collection[Portal], *, who: str, dry_run: bool, progress: Progress = lambda _: None
) -> Rebuilt:
    """Take in what the CRM of these portals shows, and let those go on that restoring had paused.

    Raises NotStill, and NotRead: then nothing is lost by doing it again.
    """
    for portal in chosen:
        if portal.mode is Mode.WRITE:
            raise NotStill(portal)
    rebuilt = Rebuilt()
    with Notes(context.database, chosen) as notes:
        for portal in sorted(chosen, key=lambda p: p.hub_id):
            read = 0
            with _read_of(portal.hub_id):
                client = context.client(portal.hub_id)
                for page in crm_evidence.read_shown(client, context.names, context.domain_rules, portal.hub_id):
                    read += notes.keep_shown(page)
                    progress(f"portal {portal.hub_id}: {read} records show a status")
        rebuilt.records = notes.all_shown()
        _hear_last_words(context, chosen, notes, rebuilt.claims, progress)
        for over in (True, False):
            for partner_id, some in notes.said(over=over):
                _take_in_claims(context, partner_id, some, rebuilt.claims, dry_run=dry_run)
        for portal in sorted(chosen, key=lambda p: p.hub_id):
            with _read_of(portal.hub_id):
                _take_in_requests(context, portal, notes, rebuilt, dry_run=dry_run)
    if not dry_run:
        for portal in chosen:
            if _go_on(context, portal, who=who):
                rebuilt.going_on.append(portal.hub_id)
    return rebuilt


@contextmanager
def _read_of(hub_id: int) -> Iterator[None]:
    try:
        yield
    except (HubSpotError, RateLimited) as error:
        raise NotRead(hub_id, error) from error


def _hear_last_words(
    context: Context, chosen: Collection[Portal], notes: Notes, outcome: Compared, progress: Progress
) -> None:
    """Note the CRM's last word about each domain that the ledger cannot explain."""
    portal_of = {portal.hub_id: portal for portal in chosen}
    heard = 0
    for partner_id, domains in notes.domains():
        open_ = context.database.run(lambda tx: rebuild_claims.unexplained(tx, partner_id, domains))  # noqa: B023 - run at once
        outcome.known += len(domains) - len(open_)
        some = [one for domain in open_ for one in domains[domain]]
        words = _words(context, some)
        heard += len(some)
        if some:
            progress(f"asked since when {heard} records show what they show")
        said: list[Said] = []
        unheard = Compared()
        for domain in sorted(open_):
            word = rebuild_claims.last_word(domain, domains[domain], words, portal_of)
            if word is None:
                what = "what the CRM shows of it was set by somebody else than syncworker"
                unheard.problems.append((domain, what))
            else:
                said.append(word)
        outcome.add(unheard)
        notes.keep_said(said)


def _words(context: Context, some: Collection[Shown]) -> dict[RecordKey, OurWord]:
    ids: dict[tuple[int, Kind], set[str]] = defaultdict(set)
    for one in some:
        ids[one.hub_id, one.kind].add(one.object_id)
    words: dict[RecordKey, OurWord] = {}
    for (hub_id, kind), of_kind in sorted(ids.items()):
        with _read_of(hub_id):
            read = crm_evidence.read_our_words(context.client(hub_id), context.names, kind, of_kind)
        words |= {(hub_id, kind, object_id): word for object_id, word in read.items()}
    return words


def _take_in_claims(
    context: Context, partner_id: int, said: Collection[Said], outcome: Compared, *, dry_run: bool
) -> None:
    def work(tx: Tx) -> Compared:
        part = Compared()
        changes = rebuild_claims.compare(tx, partner_id, list(said), part, dry_run=dry_run)
        mark_changes(tx, changes, cause="rebuild", priority=Priority.POLL)
        return part

    outcome.add(context.database.run(work))


def _take_in_requests(context: Context, portal: Portal, notes: Notes, rebuilt: Rebuilt, *, dry_run: bool) -> None:
    if not dry_run:
        rebuilt.submissions += rebuild_requests.find_submissions(context, portal)
    for shown in notes.contacts(portal.hub_id, rebuild_requests.OF_INTEREST):
        client = context.client(portal.hub_id)
        words = crm_evidence.read_our_words(client, context.names, Kind.CONTACT, shown)

        def work(tx: Tx, some: Mapping[str, Shown] = shown, said: Mapping[str, OurWord] = words) -> tuple[int, int]:
            portals.lock_partner(tx, portal.partner.id)
            decided = rebuild_requests.settle_decided(tx, portal, some, said, dry_run=dry_run)
            return decided, rebuild_requests.ask_again(tx, portal, some, said, dry_run=dry_run)

        decided, again = context.database.run(work)
        rebuilt.decided += decided
        rebuilt.asked_again += again


def _go_on(context: Context, portal: Portal, *, who: str) -> bool:
    """The ledger is the CRM's again; what a person had paused stays so."""

    def go_on(tx: Tx) -> bool:
        # As it stands now: reading a large portal takes an hour, in which a person may have paused it anew.
        now = portals.get(tx, portal.hub_id)
        portals.note_rebuilt(tx, portal.hub_id)
        if now.pause is None or now.pause.by != PAUSED_BY:
            return False
        pausing.resume(tx, now, who=who, source=Source.APP)
        if now.pause.mode_before is Mode.WRITE:
            # Whatever the ledger knows is looked at: anything may have changed in the CRM since. In this very
            # transaction: nobody would know of a portal that goes on without.
            connect.mark_all_known(tx, portal.hub_id)
        return True

    goes_on = context.database.run(go_on)
    if goes_on:
        pausing.ring_for(context, portal.hub_id)
    return goes_on
