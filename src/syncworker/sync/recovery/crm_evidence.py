"""What does the CRM show of registrations, and since when?

The CRM shows what this worker has written there, and keeps who wrote it when. So a ledger that is older than the CRM,
or empty, can be brought to what it had come to. What somebody else set, by hand or by a workflow, is no word of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from syncworker.hubspot.canonical import canonical
from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.records import PropertyVersion, Record
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import Confirmation, Reason, Source, Status
from syncworker.sync.marks import Kind
from syncworker.sync.recovery.patiently import patiently

# Of a property's history (its `sourceType`; HubSpot documents no full list): whoever these are, they are not us.
OTHERS = frozenset({"CRM_UI", "AUTOMATION_PLATFORM", "WORKFLOWS", "IMPORT", "FORM", "BATCH_UPDATE", "MOBILE_IOS"})
# So many records with their history at a time: HubSpot's own limit for a list with history.
HISTORIES_AT_ONCE = 50

Word = TypeVar("Word", Status, Reason, Source, Confirmation)
RecordKey = tuple[int, Kind, str]
"""(hub id, kind, object id)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a record shows."""

    hub_id: int
    kind: Kind
    object_id: str
    status: Status
    reason: Reason | None
    domain: str | None
    """The registered domain that it names."""
    present: str | None
    """The domain of a contact's website."""
    registered_on: date | None
    expires_on: date | None
    source: Source | None
    confirmed: Confirmation | None
    company_id: str | None

    @property
    def key(self) -> RecordKey:
        """Which record it is."""
        return self.hub_id, self.kind, self.object_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OurWord:
    """What we last wrote as a record's status, when, and the domain and the dates that we last wrote with it."""

    status: Status
    set_at: datetime
    domain: str | None
    registered_on: date | None
    expires_on: date | None


def read_shown(client: HubSpotClient, names: PropertyNames, rules: DomainRules, hub_id: int) -> Iterator[list[Shown]]:
    """All records of a portal that show a status, page by page: companies, then contacts."""
    wanted = [
        names.status,
        names.reason,
        names.domain,
        names.registered_on,
        names.expires_on,
        names.confirmed,
    ]
    for kind, more in ((Kind.COMPANY, []), (Kind.CONTACT, [names.source, "website"])):
        after: str | None = None
        while True:
            page = patiently(
                lambda: client.list_page(
                    "contact" if kind is Kind.CONTACT else "company",  # noqa: B023 - run at once
                    properties=[*wanted, *more],  # noqa: B023
                    after=after,  # noqa: B023
                    associations=("company",) if kind is Kind.CONTACT else (),  # noqa: B023
                )
            )
            found = [_shown(names, rules, hub_id, kind, record) for record in page.records]
            yield [one for one in found if one is not None]
            after = page.after
            if after is None:
                break


def read_our_words(client: HubSpotClient, names: PropertyNames, kind: Kind, ids: Collection[str]) -> dict[str, OurWord]:
    """What we last said of these records; those are left out of which others said all."""
    words: dict[str, OurWord] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), HISTORIES_AT_ONCE):
        some = ordered[start : start + HISTORIES_AT_ONCE]
        read = patiently(
            lambda: client.batch_read(
                "contact" if kind is Kind.CONTACT else "company",
                some,  # noqa: B023 - run at once
                properties=[names.status],
                history=[names.status, names.domain, names.registered_on, names.expires_on],
            )
        )
        for object_id, record in read.found.items():
            word = our_word(names, record.history)
            if word is not None:
                words[object_id] = word
    return words


def our_word(names: PropertyNames, history: Mapping[str, list[PropertyVersion]]) -> OurWord | None:
    """What we last said, of a record's history; None where we said nothing."""
    said = next(_ours(history, names.status), None)
    status = _one_of(Status, said.value) if said is not None else None
    if said is None or status is None:
        return None
    return OurWord(
        status=status,
        set_at=said.timestamp,
        domain=next((version.value for version in _ours(history, names.domain) if version.value), None),
        registered_on=_last_day(history, names.registered_on),
        expires_on=_last_day(history, names.expires_on),
    )


def _ours(history: Mapping[str, list[PropertyVersion]], name: str) -> Iterator[PropertyVersion]:
    """What we wrote, the last first."""
    ours = [version for version in history.get(name, []) if version.source_type not in OTHERS]
    return iter(sorted(ours, key=lambda version: version.timestamp, reverse=True))


def _shown(names: PropertyNames, rules: DomainRules, hub_id: int, kind: Kind, record: Record) -> Shown | None:
    of = record.properties
    status = _one_of(Status, of.get(names.status))
    if status is None:
        return None
    website = registrable(of.get("website"), rules)
    primary = [one.to_id for one in record.associations.get("company", ()) if one.primary]
    return Shown(
        hub_id=hub_id,
        kind=kind,
        object_id=record.id,
        status=status,
        reason=_one_of(Reason, of.get(names.reason)),
        domain=of.get(names.domain) or None,
        present=website if isinstance(website, str) else None,
        registered_on=_day(of.get(names.registered_on)),
        expires_on=_day(of.get(names.expires_on)),
        source=_one_of(Source, of.get(names.source)),
        confirmed=_one_of(Confirmation, of.get(names.confirmed)),
        company_id=primary[0] if primary else None,
    )


def _one_of(kind: type[Word], value: str | None) -> Word | None:
    return kind(value) if value in set(kind) else None


def _last_day(history: Mapping[str, list[PropertyVersion]], name: str) -> date | None:
    days = (_day(version.value) for version in _ours(history, name))
    return next((day for day in days if day is not None), None)


def _day(value: str | None) -> date | None:
    day = canonical("date", value)
    return day if isinstance(day, date) else None
