"""What do visitors, CRM users, workflows and operators do meanwhile?"""

from __future__ import annotations

import csv
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

import requests

from faults.deployment import Deployment
from faults.schedule import Step
from support.sandbox_server import SandboxError
from support.whole import API_TOKEN

DOMAINS = 240
"""So many companies there are: more than the first partner has capacity for."""
BAD_WEBSITES = ("localhost", "192.168.1.7", "https://gmail.com", "https://www.facebook.com/firma")
_AWAY = (OSError, HTTPException, requests.RequestException, SandboxError, sqlite3.Error)
"""What was to be used is being broken just now: then this was not done, as in life."""


class Load:
    """Does one step after the other; what cannot be done at the moment is left out, and counted."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.done: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self._sandbox = deployment.client()
        self.erased: dict[tuple[int, str], float] = {}
        """Who was deleted for privacy, by hub id and email, and when: milliseconds since 1970."""
        self._imports = 0
        self._deleted: list[tuple[int, str]] = []
        self._deregistered: list[str] = []
        self._ways: dict[str, Callable[[random.Random], None]] = {
            "form": self._form,
            "incomplete_form": self._incomplete_form,
            "contact_edit": self._contact_edit,
            "asked_in_crm": lambda dice: self._ask(dice, "register"),
            "deregistered_in_crm": lambda dice: self._ask(dice, "deregister"),
            "company_edit": self._company_edit,
            "registered_by_api": self._registered_by_api,
            "deregistered_by_api": self._deregistered_by_api,
            "undone_by_api": self._undone_by_api,
            "merged_contacts": lambda dice: self._merge(dice, "contacts"),
            "merged_companies": lambda dice: self._merge(dice, "companies"),
            "deleted_contact": lambda dice: self._delete(dice, "contacts"),
            "restored_contact": self._restore,
            "erased_contact": self._erase,
            "deleted_company": lambda dice: self._delete(dice, "companies"),
            "moved_contact": self._move,
            "hand_edit": self._hand_edit,
            "resync": self._resync,
            "imported": self._import,
        }

    def do(self, step: Step) -> None:
        """Do it, if what it needs is there."""
        try:
            self._ways[step.what](step.choices())
        except (*_AWAY, _NothingThere):
            self.left_out[step.what] += 1
        else:
            self.done[step.what] += 1

    def close(self) -> None:
        """Close the connections."""
        self._sandbox.stop()

    # --- visitors ---

    def _form(self, dice: random.Random) -> None:
        number = dice.randrange(DOMAINS)
        person = dice.choice(("ada", "bo", "cy"))
        self._submit(
            firstname=person.title(),
            lastname=f"Berg {number}",
            email=f"{person}@{_domain(number)}",
            company=f"Firma {number}",
            website=f"https://www.{_domain(number)}",
            country="Sweden",
        )

    def _incomplete_form(self, dice: random.Random) -> None:
        number = dice.randrange(DOMAINS)
        fields = {
            "firstname": "Dag",
            "lastname": "Holm",
            "email": f"dag@{_domain(number)}",
            "company": f"Firma {number}",
            "website": dice.choice(BAD_WEBSITES),
        }
        fields.pop(dice.choice(list(fields)[:2]))
        self._submit(**fields)

    def _submit(self, **fields: str) -> None:
        self._sandbox.submit(self.deployment.form, self.deployment.hub, **fields)

    # --- CRM users ---

    def _contact_edit(self, dice: random.Random) -> None:
        hub = self._hub(dice)
        properties: dict[str, str] = dice.choice(
            (
                {"jobtitle": f"chief {dice.randrange(1000)}"},
                {"jobtitle": f"chief {dice.randrange(1000)}"},
                {"firstname": dice.choice(("Ada", "Bo", ""))},
                {"website": f"https://{_domain(dice.randrange(DOMAINS))}"},
                {"website": ""},
            )
        )
        self._sandbox.edit(hub, "contacts", self._one(dice, hub, "contacts"), properties)

    def _ask(self, dice: random.Random, what: str) -> None:
        hub = self._hub(dice)
        if hub != self.deployment.hub and (what == "register" or dice.random() < 0.5):
            number = dice.randrange(DOMAINS)
            lead = {"firstname": "Eva", "lastname": "Dal", "company": f"Firma {number}"}
            email = f"eva{dice.randrange(10**6)}@{_domain(number)}"
            made = self._sandbox.create(
                hub, "contacts", {**lead, "email": email, "website": _domain(number)}, auto_company=True
            )
            contact = made["id"]
        else:
            contact = self._one(dice, hub, "contacts")
        by = dice.choice(("CRM_UI", "AUTOMATION_PLATFORM"))
        self._sandbox.edit(hub, "contacts", contact, {"partner_registration_request": what}, by=by)

    def _company_edit(self, dice: random.Random) -> None:
        hub = self._hub(dice)
        properties = dice.choice(
            ({"city": f"town {dice.randrange(100)}"}, {"name": f"Firma {dice.randrange(1000)} AB"})
        )
        self._sandbox.edit(hub, "companies", self._one(dice, hub, "companies"), properties)

    def _hand_edit(self, dice: random.Random) -> None:
        """Somebody changes what is ours."""
        hub, kind = self._hub(dice), dice.choice(("contacts", "companies"))
        properties = dice.choice(
            (
                {"partner_registration_status": "registered"},
                {"partner_registration_status": ""},
                {"partner_registered_domain": "nagon-annan-ab.se"},
                {"partner_registration_expires_on": "2020-02-02"},
            )
        )
        self._sandbox.edit(hub, kind, self._one(dice, hub, kind, known=True), properties)

    def _merge(self, dice: random.Random, kind: str) -> None:
        hub = self._hub(dice)
        ids = self._ids(hub, kind)
        if len(ids) < 10:
            raise _NothingThere
        primary, secondary = dice.sample(ids, 2)
        self._sandbox.post(f"/_sandbox/portals/{hub}/{kind}/merge", {"primary": primary, "secondary": secondary})

    def _delete(self, dice: random.Random, kind: str) -> None:
        hub = self._hub(dice)
        one = self._one(dice, hub, kind)
        self._sandbox.post(f"/_sandbox/portals/{hub}/{kind}/{one}/delete")
        if kind == "contacts":
            self._deleted.append((hub, one))

    def _restore(self, dice: random.Random) -> None:
        if not self._deleted:
            raise _NothingThere
        hub, one = self._deleted.pop(dice.randrange(len(self._deleted)))
        self._sandbox.post(f"/_sandbox/portals/{hub}/contacts/{one}/restore")

    def _erase(self, dice: random.Random) -> None:
        hub = self._hub(dice)
        contact = self._one(dice, hub, "contacts")
        email = str(self._sandbox.record(hub, "contacts", contact)["properties"].get("email") or "").lower()
        try:
            self._sandbox.post(f"/_sandbox/portals/{hub}/contacts/{contact}/gdpr-delete")
        finally:
            # Perhaps the answer alone was lost.
            self.erased[hub, email] = time.time() * 1000

    def _move(self, dice: random.Random) -> None:
        hub = self._hub(dice)
        contact, company = self._one(dice, hub, "contacts"), self._one(dice, hub, "companies")
        self._sandbox.post(f"/_sandbox/portals/{hub}/associate", {"contact": contact, "company": company})

    # --- operators ---

    def _registered_by_api(self, dice: random.Random) -> None:
        hub = self._hub(dice)
        key = str(dice.getrandbits(64))
        for _ in range(dice.choice((1, 2))):  # the second time because the answer got lost
            self._api("POST", "/registrations", hub, json={"contact_id": self._one(dice, hub, "contacts")},
                      headers={"Idempotency-Key": key})  # fmt: skip

    def _deregistered_by_api(self, dice: random.Random) -> None:
        lines = self._api("GET", "/registrations", self.deployment.hub, params={"status": "registered", "limit": 200})
        if not lines["items"]:
            raise _NothingThere
        domain = dice.choice(lines["items"])["domain"]
        self._api("DELETE", f"/registrations/{domain}", self.deployment.hub)
        self._deregistered.append(domain)

    def _undone_by_api(self, _dice: random.Random) -> None:
        if not self._deregistered:
            raise _NothingThere
        self._api("POST", f"/registrations/{self._deregistered.pop()}/undo", self.deployment.hub)

    def _resync(self, dice: random.Random) -> None:
        self._api("POST", "/resyncs", self._hub(dice), json={"all": True})

    def _import(self, dice: random.Random) -> None:
        """A file of registrations from before, some of which are ours already."""
        self._imports += 1
        path = self.deployment.folder / f"import-{self._imports}.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["domain", "registered_on"])
            today = datetime.now(UTC).date().isoformat()
            rows.writerows([[_domain(dice.randrange(DOMAINS)), today] for _ in range(3)])
        hub = str(self.deployment.other_hub)
        self.deployment.run("registrations", "import", str(path), "--portal", hub)

    # --- what is there ---

    def _hub(self, dice: random.Random) -> int:
        return self.deployment.hub if dice.random() < 0.75 else self.deployment.other_hub

    def _ids(self, hub: int, kind: str, *, known: bool = False) -> list[str]:
        """The live records of a kind, or those that show something of ours."""
        number = 1 if kind == "contacts" else 2
        query = "SELECT id, props FROM records WHERE portal = ? AND type = ? AND archived IS NULL ORDER BY id"
        with closing(sqlite3.connect(f"file:{self.deployment.crm}?mode=ro", uri=True, timeout=5)) as crm:
            rows = crm.execute(query, (hub, number)).fetchall()
        return [str(id_) for id_, props in rows if not known or json.loads(props).get("partner_registration_status")]

    def _one(self, dice: random.Random, hub: int, kind: str, *, known: bool = False) -> str:
        ids = self._ids(hub, kind, known=known)
        if not ids:
            raise _NothingThere
        return dice.choice(ids)

    def _api(self, method: str, path: str, hub: int, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {API_TOKEN}", **more.pop("headers", {})}
        answer = requests.request(
            method,
            f"http://127.0.0.1:{self.deployment.port}/api/v1{path}",
            headers=headers,
            params={"portal": hub, **more.pop("params", {})},
            timeout=10,
            **more,
        )
        if answer.status_code >= 500:
            answer.raise_for_status()
        # A refusal is an answer: a second resync, a registration that has ended meanwhile.
        return answer.json()


class _NothingThere(Exception):
    """There is no record yet that this could be done to."""


def _domain(number: int) -> str:
    return f"firma-{number}-ab.se"
