"""Which lists of leads are there, in which order do they stand, and what do they say where nothing is in them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncworker.languages import to_translate, to_translate_as
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.lists.asked_list import Asked, AskedSort
from syncworker.sync.lists.lead_list import Leads, Sort
from syncworker.sync.lists.lead_lists import LISTS


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTable:
    """A list, by its name in the address. Its texts are in English, and translated where they are shown."""

    name: str
    tab: str
    """Of many leads, in the context "list": one of them is called otherwise in some languages."""
    title: str
    about: str
    """What is in it, in a sentence."""
    empty: str
    empty_about: str

    @property
    def leads(self) -> Leads | None:
        """Of registrations; else of requests."""
        return LISTS[self.name].leads

    @property
    def asked(self) -> Asked | None:
        """Of requests; else of registrations."""
        return LISTS[self.name].asked

    @property
    def sort(self) -> Sort | AskedSort:
        """How it stands where nobody says."""
        return LISTS[self.name].sort

    @property
    def descending(self) -> bool:
        """Whether that is the other way round."""
        return LISTS[self.name].descending

    @property
    def actions(self) -> tuple[JobAction, ...]:
        """What can be done to those that are ticked."""
        return LISTS[self.name].actions

    @property
    def path(self) -> str:
        """Its address."""
        return f"/leads/{self.name}"


_ALL = (
    LeadTable(
        name="registered",
        tab=to_translate_as("list", "Registered"),
        title=to_translate("Registered leads"),
        about=to_translate("Yours until they expire, each with its domain."),
        empty=to_translate("No lead is registered yet"),
        empty_about=to_translate(
            "A lead appears here as soon as a form that registers is submitted, a colleague asks for it in the CRM, or "
            "somebody registers it by hand."
        ),
    ),
    LeadTable(
        name="pending",
        tab=to_translate_as("list", "Pending"),
        title=to_translate("Pending leads"),
        about=to_translate("The waiting list, in the order in which leads are registered when a place is free."),
        empty=to_translate("Nobody waits"),
        empty_about=to_translate("Leads stand here in line while all capacity is used."),
    ),
    LeadTable(
        name="unavailable",
        tab=to_translate_as("list", "Unavailable"),
        title=to_translate("Unavailable leads"),
        about=to_translate("Asked for and refused, with why, and what can be done now."),
        empty=to_translate("No lead was refused"),
        empty_about=to_translate("A lead stands here whose domain is on hold, or is registered by another partner."),
    ),
    LeadTable(
        name="invalid",
        tab=to_translate_as("list", "Invalid data"),
        title=to_translate("Leads with invalid data"),
        about=to_translate("Mend the fields in HubSpot, and the lead is decided again by itself."),
        empty=to_translate("No lead lacks anything"),
        empty_about=to_translate("A lead stands here of whom fields are missing, or cannot be used."),
    ),
    LeadTable(
        name="expired",
        tab=to_translate_as("list", "Expired"),
        title=to_translate("Expired leads"),
        about=to_translate("No longer yours. Each can be registered again, as long as nobody else has done so."),
        empty=to_translate("No lead has expired"),
        empty_about=to_translate("A lead stands here when its registration is over and was not renewed."),
    ),
    LeadTable(
        name="expiring",
        tab=to_translate_as("list", "Expiring soon"),
        title=to_translate("Leads that expire soon"),
        about=to_translate("What renews at expiry is registered anew on that day, before anybody who waits."),
        empty=to_translate("No lead expires in this time"),
        empty_about=to_translate("Leads stand here while there is time to have them renewed."),
    ),
    LeadTable(
        name="deregistrations",
        tab=to_translate_as("list", "To deregister"),
        title=to_translate("Deregistrations asked for in HubSpot"),
        about=to_translate("Each stays registered until a manager confirms it, because the commission goes with it."),
        empty=to_translate("No deregistration waits"),
        empty_about=to_translate("What somebody asks to deregister in HubSpot stands here for a manager to decide."),
    ),
    LeadTable(
        name="unresolved",
        tab=to_translate_as("list", "No contact"),
        title=to_translate("Submissions without a contact"),
        about=to_translate("Forms that were submitted, and whose contact was not found in HubSpot."),
        empty=to_translate("Every submission has its contact"),
        empty_about=to_translate("A submission stands here whose contact HubSpot did not show for more than a day."),
    ),
    LeadTable(
        name="to-confirm",
        tab=to_translate_as("list", "To confirm"),
        title=to_translate("Leads to confirm"),
        about=to_translate(
            "HubSpot has the last word on these. Look in your partner account whether it shows the lead, and say so."
        ),
        empty=to_translate("Nothing is to be confirmed"),
        empty_about=to_translate("Leads stand here that HubSpot is not known to have registered."),
    ),
)
TABLES: Mapping[str, LeadTable] = {table.name: table for table in _ALL}
