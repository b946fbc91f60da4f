"""What stands on the stage when the curtain rises? A partner after some years, with a lead in every state."""

from __future__ import annotations

from browser.people import HOSTILE_COMPANY, LONG_COMPANY, LONG_DOMAIN, Person, everybody
from browser.stage import MANAGER, Stage
from syncworker.registration.rules.terms import HoldKind
from syncworker.sync import operations
from syncworker.sync.resync import resync

PLACES = 61
EXPIRED = ("ekbacken.se", "lofotendata.no", "trosatryck.se", "viborgmaskin.dk", "hansa-kaffee.de")
DRIFTED = "cederkvist.se"
HELD_LATER = "mosaicpharma.be"
TO_DEREGISTER = ("jarnbruket.se", "skagenoptik.dk")
RENEWED = "fjallkraft.se"
UNCONFIRMED = ("falunprecision.se", "quarnstrom.se", "umeabioteknik.se", "jarnbruket.se", HELD_LATER)
WAITING = (
    Person("Vera", "Månsson", "Torekov Segel", "torekov-segel.se", "Sweden"),
    Person("Ola", "Brekke", "Bodø Akvakultur", "bodo-akvakultur.no", "Norway"),
    Person("Mette", "Kruse", "Aarhus Lys", "aarhus-lys.dk", "Denmark"),
    Person("Ilkka", "Salo", LONG_COMPANY, "skargardens-bat.fi", "Finland"),
)
REFUSED = (
    (Person("Stina", "Rask", "Kundbolaget", "kundbolaget.se", "Sweden"), HoldKind.EXISTING_CUSTOMER),
    (Person("Pål", "Myhre", "Havnekraft", "havnekraft.no", "Norway"), HoldKind.PURSUED_BY_VENDOR),
    (Person("Disa", "Fjord", "Fjord & Furu Konsult", "fjordfuru-konsult.se", "Sweden"), HoldKind.OWN_OR_AFFILIATED),
)
OTHERS = Person("Greta", "Lund", "Lundens Trädgård", "lundens-tradgard.se", "Sweden")
INVALID = (
    (Person("Kim", "Berg", "", "bergab-konsult.se", "Sweden"), {"company": ""}),
    (Person("Sara", "Melin", "Melins Ateljé", "melins-atelje.se", "Sweden"), {"website": "https://www.facebook.com/melin"}),
    (Person("Lo", "", "", "lo-tyg.se", ""), {"lastname": "", "company": "", "website": ""}),
)  # fmt: skip
PARKED = (
    ("HubSpot answered 400: the property country does not take the value Sverge", 3),
    ("the CRM does not keep our values: something sets them back", 1),
    ("No answer from HubSpot within 20 s", 2),
)


def fill(stage: Stage) -> None:
    """Let the years pass. Nothing of it runs beside the worker: call it before the stage stands."""
    stage.settle()
    for person, kind in REFUSED:
        operations.add_hold(stage.context, person.domain, kind, note="told by their account manager", who=MANAGER)
    for n in range(24):
        kind = (HoldKind.EXISTING_CUSTOMER, HoldKind.PURSUED_BY_VENDOR)[n % 3 == 0]
        operations.add_hold(stage.context, f"held-company-{n + 1}.se", kind, who="import:holds.csv")
    registered = [
        *everybody(),
        Person("Maximiliana-Theodora", "von Oxenstierna-Gyllenborg", LONG_COMPANY, LONG_DOMAIN, "Sweden"),
        Person("<b>Eve", "Hacker</b>", HOSTILE_COMPANY, "bold-and-sons.co.uk", "United Kingdom"),
    ]
    stage.change("UPDATE partners SET capacity = 1000")
    stage.submits(*registered, *(person for person, _ in REFUSED))
    for person, flaws in INVALID:
        stage.submits(person, **flaws)
    stage.settle()
    _years_pass(stage)
    stage.settle()
    stage.change("UPDATE partners SET capacity = :places WHERE name = 'fjord-furu'", places=PLACES - len(EXPIRED))
    stage.submits(*WAITING)
    stage.settle()
    _elsewhere(stage)
    resync.start(stage.context, stage.hub, who=MANAGER)
    stage.settle()
    _stuck(stage)


def _years_pass(stage: Stage) -> None:
    stage.change(
        "UPDATE registrations SET confirmation = 'confirmed' WHERE domain <> ALL(:domains)", domains=list(UNCONFIRMED)
    )
    stage.change(
        """
        UPDATE registrations SET registered_on = registered_on - of.days, expires_on = expires_on - of.days,
               expires_at = expires_at - make_interval(days => of.days)
          FROM (SELECT id, abs(hashtext(domain)) % 331 AS days
                  FROM registrations) AS of
         WHERE of.id = registrations.id
        """
    )
    # The registrations of somebody whose company waits to be asked again.
    stage.change(
        """
        UPDATE registrations SET registered_on = registered_on - 400,
               expires_on = now()::date - 20 - length(domain) % 9,
               expires_at = now() - make_interval(days => 19 + length(domain) % 9) WHERE domain = ANY(:domains)
        """,
        domains=list(EXPIRED),
    )
    operations.set_renewal(stage.context, stage.hub, RENEWED, renew=True, who=MANAGER)
    stage.change("UPDATE registrations SET expires_on = now()::date + 5, expires_at = now() + interval '6 days'"
                 " WHERE domain = ANY(:domains)", domains=[RENEWED, "isbergkyl.se", "kuopioterveys.fi"])  # fmt: skip


def _elsewhere(stage: Stage) -> None:
    """What others do: in the CRM, and another partner."""
    of = {person.domain: person for person in everybody()}
    asked, moved = {"partner_registration_request": "deregister"}, {"website": "https://cederkvist-group.com"}
    stage.change_in_the_crm({**{of[domain]: asked for domain in TO_DEREGISTER}, of[DRIFTED]: moved})
    operations.add_hold(stage.context, HELD_LATER, HoldKind.EXISTING_CUSTOMER, who=MANAGER)


def _stuck(stage: Stage) -> None:
    """What waits for a person."""
    for person, (error, attempts) in zip(everybody(), PARKED, strict=False):
        stage.parks(person, error, attempts)
