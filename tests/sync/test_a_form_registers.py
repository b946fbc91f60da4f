"""A form comes in, a lead is registered, and the CRM shows it."""

from __future__ import annotations

from support.rig import Rig


def test_the_contact_and_its_company_show_the_registration(rig: Rig) -> None:
    # Given that a visitor submitted the form
    rig.submit("ada@fjordline-tools.se")
    # When the worker has done what is due
    rig.settle()
    # I expect the contact to show the registration, with the frozen domain, both dates and the source
    contact = rig.contact("ada@fjordline-tools.se")
    assert contact["partner_registration_status"] == "registered"
    assert contact["partner_registered_domain"] == "fjordline-tools.se"
    assert contact["partner_registration_source"] == "form"
    assert contact["partner_registration_confirmed"] == "unconfirmed"
    [registration] = rig.registrations()
    assert contact["partner_registered_on"] == registration.registered_on.isoformat()
    assert contact["partner_registration_expires_on"] == registration.expires_on.isoformat()
    # and its company too
    company = rig.company("fjordline-tools.se")
    assert company["partner_registration_status"] == "registered"
    assert company["partner_tier"] == "untiered"
    # and nothing left to do
    assert rig.marks() == []
