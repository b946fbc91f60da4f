"""How does a ledger that is older than the CRM, or empty, come to what the CRM has heard since?

All records that show a status are read, a hundred a call; of those that the ledger cannot explain also who wrote that
when. Endings are taken in before beginnings, and all portals before any goes on: a domain may have passed from one
partner to another. Done again, or after being stopped halfway, it finds the rest. What it keeps in memory grows with
the records that show a registration or a request, and not with the CRM.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields

from syncworker.registration.ledger.changes import Changes
from syncworker.registration.rules.terms import Source, Status
from syncworker.store import portals
from syncworker.store.backup import PAUSED_BY
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import connect, crm_evidence, pausing, rebuild_claims, rebuild_requests
from syncworker.sync.context import Context
from syncworker.sync.crm_evidence import OurWord, RecordKey, Shown
from syncworker.sync.fan_out import mark_changes
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.rebuild_claims import Compared, Said

# So many domains under a partner's lock at a time.
DOMAINS_AT_ONCE = 200

Progress = Callable[[str], None]


class NotStill(Exception):
    """A portal writes while its ledger is to be compared with the CRM."""

    def __init__(self, portal: Portal) -> None:
        self.hub_id = portal.hub_id
        super().__init__(
            f"portal {portal.hub_id} is in mode write, and what is compared would change meanwhile: "
            f"`syncworker pause --portal {portal.hub_id}` first, then rebuild, then unpause"
        )


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

    Raises NotStill, and what HubSpot answers: then nothing is lost by doing it again.
    """
    for portal in chosen:
        if portal.mode is Mode.WRITE:
            raise NotStill(portal)
    rebuilt = Rebuilt()
    shown: list[Shown] = []
    for portal in sorted(chosen, key=lambda p: p.hub_id):
        client = context.client(portal.hub_id)
        for page in crm_evidence.read_shown(client, context.names, context.domain_rules, portal.hub_id):
            shown += page
            progress(f"portal {portal.hub_id}: {len(shown)} records show a status")
    rebuilt.records = len(shown)
    said = _said(context, chosen, shown, rebuilt.claims, progress)
    for over in (True, False):
        some = [one for one in said if (one.status is not Status.REGISTERED) is over]
        _take_in_claims(context, some, rebuilt.claims, dry_run=dry_run)
    for portal in sorted(chosen, key=lambda p: p.hub_id):
        _take_in_requests(context, portal, shown, rebuilt, dry_run=dry_run)
    if not dry_run:
        for portal in chosen:
            if _go_on(context, portal, who=who):
                rebuilt.going_on.append(portal.hub_id)
    return rebuilt


def _said(
    context: Context, chosen: Collection[Portal], shown: Iterable[Shown], outcome: Compared, progress: Progress
) -> list[Said]:
    """The CRM's last word about each domain that the ledger cannot explain."""
    portal_of = {portal.hub_id: portal for portal in chosen}
    of_partner: dict[int, list[Shown]] = defaultdict(list)
    for one in shown:
        of_partner[portal_of[one.hub_id].partner.id].append(one)
    said: list[Said] = []
    for partner_id, some in sorted(of_partner.items()):
        domains = rebuild_claims.by_domain(some)
        open_: set[str] = set()
        for names in _portions(sorted(domains)):
            part = {name: domains[name] for name in names}
            open_ |= context.database.run(lambda tx: rebuild_claims.unexplained(tx, partner_id, part))  # noqa: B023 - run at once
        outcome.known += len(domains) - len(open_)
        words = _words(context, [one for domain in open_ for one in domains[domain]], progress)
        for domain in sorted(open_):
            word = rebuild_claims.last_word(domain, domains[domain], words, portal_of)
            if word is None:
                outcome.problems.append((domain, "what the CRM shows of it was set by somebody else than syncworker"))
            else:
                said.append(word)
    return said


def _words(context: Context, some: Collection[Shown], progress: Progress) -> dict[RecordKey, OurWord]:
    ids: dict[tuple[int, Kind], set[str]] = defaultdict(set)
    for one in some:
        ids[one.hub_id, one.kind].add(one.object_id)
    words: dict[RecordKey, OurWord] = {}
    for (hub_id, kind), of_kind in sorted(ids.items()):
        progress(f"portal {hub_id}: asking since when {len(of_kind)} records show what they show")
        read = crm_evidence.read_our_words(context.client(hub_id), context.names, kind, of_kind)
        words |= {(hub_id, kind, object_id): word for object_id, word in read.items()}
    return words


def _take_in_claims(context: Context, said: Collection[Said], outcome: Compared, *, dry_run: bool) -> None:
    of_partner: dict[int, dict[str, Said]] = defaultdict(dict)
    for one in said:
        of_partner[one.portal.partner.id][one.domain] = one
    for partner_id, by_domain in sorted(of_partner.items()):
        for names in _portions(sorted(by_domain)):
            some = [by_domain[name] for name in names]
            part = Compared()

            def work(tx: Tx) -> Changes:
                part.__init__()  # type: ignore[misc] # noqa: B023 - a transaction that runs again begins anew
                changes = rebuild_claims.compare(tx, partner_id, some, part, dry_run=dry_run)  # noqa: B023 - run at once
                mark_changes(tx, changes, cause="rebuild", priority=Priority.POLL)
                return changes

            context.database.run(work)
            outcome.known += part.known
            for of in fields(Compared):
                value = getattr(part, of.name)
                if isinstance(value, list):
                    getattr(outcome, of.name).extend(value)


def _take_in_requests(
    context: Context, portal: Portal, shown: Iterable[Shown], rebuilt: Rebuilt, *, dry_run: bool
) -> None:
    if not dry_run:
        rebuilt.submissions += rebuild_requests.find_submissions(context, portal)
    contacts = rebuild_requests.of_interest(one for one in shown if one.hub_id == portal.hub_id)
    for ids in _portions(sorted(contacts)):
        part = {contact_id: contacts[contact_id] for contact_id in ids}
        words = crm_evidence.read_our_words(context.client(portal.hub_id), context.names, Kind.CONTACT, ids)

        def work(tx: Tx) -> tuple[int, int]:
            portals.lock_partner(tx, portal.partner.id)
            decided = rebuild_requests.settle_decided(tx, portal, part, words, dry_run=dry_run)  # noqa: B023 - run at once
            return decided, rebuild_requests.ask_again(tx, portal, part, words, dry_run=dry_run)  # noqa: B023 - run at once

        decided, again = context.database.run(work)
        rebuilt.decided += decided
        rebuilt.asked_again += again


def _go_on(context: Context, portal: Portal, *, who: str) -> bool:
    """The ledger is the CRM's again; what a person had paused stays so."""
    context.database.run(lambda tx: portals.note_rebuilt(tx, portal.hub_id))
    if portal.pause is None or portal.pause.by != PAUSED_BY:
        return False
    pausing.unpause(context, portal.hub_id, who=who, source=Source.APP)
    if portal.pause.mode_before is Mode.WRITE:
        # Whatever the ledger knows is looked at: anything may have changed in the CRM since.
        connect.set_mode(context, portal.hub_id, Mode.WRITE)
    return True


def _portions(names: list[str]) -> list[list[str]]:
    return [names[start : start + DOMAINS_AT_ONCE] for start in range(0, len(names), DOMAINS_AT_ONCE)]
