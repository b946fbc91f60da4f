"""What does the CRM hold, and what the ledger? Read from where each keeps it, past all of the worker's code."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

KINDS = {1: "contact", 2: "company"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmRecord:
    """A live contact or company; `company_id` is a contact's primary one."""

    hub_id: int
    kind: str
    id: str
    properties: dict[str, str]
    company_id: str | None = None

    @property
    def key(self) -> tuple[int, str, str]:
        """By which marks name it."""
        return self.hub_id, self.kind, self.id

    def ours(self) -> dict[str, str]:
        """The properties that the worker writes, as far as they have a value."""
        return {
            name: value
            for name, value in self.properties.items()
            if name.startswith("partner_") and value and name != "partner_registration_request"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A form that was submitted, with the id that HubSpot gave it."""

    hub_id: int
    form_id: str
    conversion_id: str
    email: str
    at: float = 0.0
    """Milliseconds since 1970."""


@dataclass(slots=True)
class Crm:
    """All that is live, and all that was submitted."""

    records: dict[tuple[int, str, str], CrmRecord] = field(default_factory=dict)
    submissions: list[Submission] = field(default_factory=list)
    erased: dict[tuple[int, str], float] = field(default_factory=dict)
    """Who was deleted for privacy, by hub id and email, and when: milliseconds since 1970."""
    undelivered: int = 0

    def domain_of(self, record: CrmRecord) -> str | None:
        """The domain a record stands for: a contact's is its website's, else its primary company's."""
        website = record.properties.get("website" if record.kind == "contact" else "domain")
        if website:
            return domain_of(website)
        company = self.records.get((record.hub_id, "company", record.company_id or ""))
        return self.domain_of(company) if company is not None and record.kind == "contact" else None


@dataclass(slots=True)
class Ledger:
    """The rows of the ledger's tables, as dictionaries."""

    portals: dict[int, dict[str, Any]] = field(default_factory=dict)
    partners: dict[int, dict[str, Any]] = field(default_factory=dict)
    forms: set[tuple[int, str]] = field(default_factory=set)
    """Those that register leads, by hub id."""
    registrations: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    inbox: int = 0
    now: datetime | None = None

    def active(self, hub_id: int) -> dict[str, dict[str, Any]]:
        """The active registrations of a portal's partner, by domain."""
        partner = self.portals[hub_id]["partner_id"]
        return {
            one["domain"]: one
            for one in self.registrations
            if one["partner_id"] == partner and one["ended_at"] is None and one["deregistered_at"] is None
        }


def read_crm(path: Path) -> Crm:
    """The sandbox's data, in one snapshot."""
    crm = Crm()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as data:
        data.execute("BEGIN")
        primary = {
            (hub_id, str(contact)): str(company)
            for hub_id, contact, company in data.execute(
                "SELECT portal, contact, company FROM associations WHERE is_primary = 1 AND hidden = 0"
            )
        }
        for hub_id, number, id_, props in data.execute(
            "SELECT portal, type, id, props FROM records WHERE archived IS NULL AND type IN (1, 2)"
        ):
            record = CrmRecord(
                hub_id=hub_id,
                kind=KINDS[number],
                id=str(id_),
                properties={name: value for name, value in json.loads(props).items() if value is not None},
                company_id=primary.get((hub_id, str(id_))) if number == 1 else None,
            )
            crm.records[record.key] = record
        for hub_id, form_id, at, body in data.execute("SELECT portal, form, at, body FROM submissions"):
            submission = json.loads(body)
            email = next((value["value"] for value in submission["values"] if value["name"] == "email"), "")
            crm.submissions.append(
                Submission(
                    hub_id=hub_id,
                    form_id=form_id,
                    conversion_id=submission["conversionId"],
                    email=email.lower(),
                    at=at,
                )
            )
        crm.undelivered = data.execute("SELECT count(*) FROM outbox").fetchone()[0]
    return crm


def read_ledger(connection: psycopg.Connection[Any]) -> Ledger:
    """The database's tables, in one snapshot."""
    ledger = Ledger()
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ledger.portals = {row["hub_id"]: row for row in cursor.execute("SELECT * FROM portals")}
        ledger.partners = {row["id"]: row for row in cursor.execute("SELECT * FROM partners")}
        ledger.forms = {(row["hub_id"], row["form_id"]) for row in cursor.execute("SELECT * FROM forms")}
        ledger.registrations = list(cursor.execute("SELECT * FROM registrations ORDER BY id"))
        ledger.requests = list(cursor.execute("SELECT * FROM requests ORDER BY id"))
        ledger.history = list(cursor.execute("SELECT * FROM history ORDER BY id"))
        ledger.marks = list(cursor.execute("SELECT * FROM marks ORDER BY hub_id, kind, object_id"))
        [ledger.inbox] = [row["n"] for row in cursor.execute("SELECT count(*) AS n FROM inbox")]
        [ledger.now] = [row["now"] for row in cursor.execute("SELECT now() AS now")]
    return ledger


def domain_of(website: str) -> str | None:
    """The domain of the websites that the load makes: the last two labels, where that can be registered."""
    host = website.partition("://")[2] or website
    host = host.partition("/")[0].lower()
    labels = host.split(".")
    if len(labels) < 2 or host.replace(".", "").isdigit():
        return None
    domain = ".".join(labels[-2:])
    return None if domain in ("gmail.com", "facebook.com") else domain


def day(written: str | None) -> date | None:
    """A date property: a day, or the milliseconds of its midnight."""
    if not written:
        return None
    if written.isdigit():
        return datetime.fromtimestamp(int(written) / 1000).astimezone().date()
    return date.fromisoformat(written[:10])
