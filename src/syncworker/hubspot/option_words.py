"""Which values may our enumerations take, and how are they told to the people of a portal?

The values are those of the registration rules, spelled again: nothing here may import them, and a test
compares both.
"""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """An option: its value, and the label and the descriptions that people read."""

    value: str
    label: str
    english: str
    swedish: str


Words = tuple[Word, ...]

STATUSES: Words = (
    Word("registered", "Registered", "Registered for us.", "Registrerad för oss."),
    Word(
        "pending",
        "Pending",
        "Asked for, not registered yet; see the reason.",
        "Begärd, ännu inte registrerad; se orsaken.",
    ),
    Word(
        "unavailable",
        "Unavailable",
        "Cannot be registered; see the reason.",
        "Kan inte registreras; se orsaken.",
    ),
    Word(
        "invalid_data",
        "Invalid data",
        "Data is missing or wrong; see the detail.",
        "Uppgifter saknas eller är fel; se detaljen.",
    ),
    Word(
        "expired",
        "Expired",
        "Was registered; its last valid day has passed.",
        "Var registrerad; sista giltiga dagen har passerat.",
    ),
    Word(
        "deregistered",
        "Deregistered",
        "Was registered, and was given up.",
        "Var registrerad och har avregistrerats.",
    ),
)

REASONS: Words = (
    Word("processing", "Processing", "Being worked on.", "Behandlas."),
    Word(
        "capacity_reached",
        "Capacity reached",
        "Waits until a registration becomes free.",
        "Väntar tills en registrering blir ledig.",
    ),
    Word(
        "awaiting_confirmation",
        "Awaiting confirmation",
        "A manager must confirm the deregistration.",
        "En chef måste bekräfta avregistreringen.",
    ),
    Word(
        "own_or_affiliated",
        "Own or affiliated",
        "The domain is our own or an affiliate's.",
        "Domänen är vår egen eller ett närstående bolags.",
    ),
    Word(
        "existing_customer",
        "Existing customer",
        "The company is a customer already.",
        "Företaget är redan kund.",
    ),
    Word(
        "pursued_by_vendor",
        "Pursued by the vendor",
        "The vendor's own sales pursue the company.",
        "Leverantörens egen försäljning bearbetar företaget.",
    ),
    Word(
        "registered_by_another",
        "Registered by another partner",
        "Another partner has registered the domain.",
        "En annan partner har registrerat domänen.",
    ),
    Word(
        "missing_data",
        "Missing data",
        "Required fields are empty; the detail names them.",
        "Obligatoriska fält är tomma; detaljen anger vilka.",
    ),
    Word(
        "bad_website",
        "Bad website",
        "The website gives no domain that can be registered.",
        "Webbplatsen ger ingen domän som kan registreras.",
    ),
    Word(
        "no_conversion",
        "No form conversion",
        "The contact has not submitted a form.",
        "Kontakten har inte skickat in något formulär.",
    ),
    Word(
        "hold_came_later",
        "Hold came later",
        "Registered; the domain was put on hold afterwards.",
        "Registrerad; domänen spärrades efteråt.",
    ),
    Word(
        "website_changed",
        "Website changed",
        "Registered; the website has another domain now.",
        "Registrerad; webbplatsen har nu en annan domän.",
    ),
)

SOURCES: Words = (
    Word("form", "Form", "A form submission.", "Ett inskickat formulär."),
    Word("workflow", "Workflow", "A workflow in the CRM.", "Ett arbetsflöde i CRM:et."),
    Word("crm", "CRM user", "A person, on the record in the CRM.", "En person, på posten i CRM:et."),
    Word("app", "App", "A person, in the app.", "En person, i appen."),
    Word("api", "API", "A program, through the API.", "Ett program, via API:et."),
    Word("import", "Import", "An imported file.", "En importerad fil."),
)

CONFIRMATIONS: Words = (
    Word("unconfirmed", "Unconfirmed", "HubSpot has not been asked yet.", "HubSpot är inte tillfrågat än."),
    Word("confirmed", "Confirmed", "HubSpot shows the registration.", "HubSpot visar registreringen."),
    Word(
        "contradicted",
        "Contradicted",
        "HubSpot says otherwise; a person must look.",
        "HubSpot säger något annat; en person måste titta.",
    ),
)

ACTIONS: Words = (
    Word("register", "Register", "Register this lead's domain.", "Registrera denna leads domän."),
    Word("deregister", "Deregister", "Give up the registration.", "Avregistrera."),
)
