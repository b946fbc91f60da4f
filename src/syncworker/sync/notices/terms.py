"""How are the codes in a notice's facts called by people? In English here; translated where a notice is written."""

from __future__ import annotations

from syncworker.languages import to_translate

# By Happened: what became of a lead.
STATUSES = {
    "unavailable": to_translate("unavailable"),
    "invalid_data": to_translate("invalid data"),
}
# By Reason.
REASONS = {
    "own_or_affiliated": to_translate("an own or affiliated company"),
    "existing_customer": to_translate("an existing customer"),
    "pursued_by_vendor": to_translate("pursued by the vendor"),
    "registered_by_another": to_translate("registered by another partner"),
    "missing_data": to_translate("data is missing"),
    "bad_website": to_translate("the website yields no domain"),
    "no_conversion": to_translate("no form was submitted"),
}
# By Blocked: why a portal stands still, and what to do.
BLOCKS = {
    "credentials": to_translate("HubSpot refuses the access token. Connect the portal again with a new token."),
    "scopes": to_translate("The access token lacks a right. Grant the app its scopes, and install it again."),
    "properties": to_translate("A property is missing in HubSpot. Run: syncworker setup"),
    "settings": to_translate("A setting is wrong. See: syncworker doctor"),
    "brake": to_translate("So many statuses would have been taken away that a person must look. See: syncworker brake"),
}
# By the runbook's section: why a mark is parked.
PARKED = {
    "not_kept": to_translate("something in the CRM sets our values back"),
    "refused": to_translate("HubSpot refuses to have it written"),
    "contended": to_translate("others write the same record all the time"),
    "gone": to_translate("it was deleted meanwhile"),
    "no_history": to_translate("HubSpot does not tell who asked for it"),
    "hubspot_fails": to_translate("HubSpot has failed for it, for hours"),
    "our_mistake": to_translate("a mistake in this program"),
}
RECORDS = {
    "contact": to_translate("contact"),
    "company": to_translate("company"),
    "domain": to_translate("domain"),
}
MODES = {
    "observe": to_translate("The portal only observes: nothing is registered, and nothing is written."),
    "paused": to_translate("The portal is paused."),
}
