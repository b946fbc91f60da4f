"""What happened, in words that a reader of the history understands?"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.languages import to_translate
from syncworker.registration.ledger.history import Happened

EVENT_WORDS: Mapping[Happened, str] = {
    Happened.REQUESTED: to_translate("It was asked for"),
    Happened.PENDING: to_translate("It waits"),
    Happened.INVALID_DATA: to_translate("Its data was not enough"),
    Happened.UNAVAILABLE: to_translate("It was refused"),
    Happened.REGISTERED: to_translate("It was registered"),
    Happened.JOINED: to_translate("Another request joined the registration"),
    Happened.WITHDRAWN: to_translate("The request was taken back"),
    Happened.ENDED: to_translate("The request ended without an answer"),
    Happened.DEREGISTRATION_ASKED: to_translate("In HubSpot, somebody asked to deregister it"),
    Happened.DEREGISTERED: to_translate("It was deregistered"),
    Happened.UNDONE: to_translate("The deregistration was undone"),
    Happened.RELEASED: to_translate("Its slot came free"),
    Happened.EXPIRED: to_translate("The registration expired"),
    Happened.RENEWED: to_translate("The registration was renewed"),
    Happened.RENEWAL_SET: to_translate("Renewal at expiry was switched"),
    Happened.IMPORTED: to_translate("It was taken over from a file"),
    Happened.CONFIRMED: to_translate("HubSpot was confirmed to show it"),
    Happened.CONTRADICTED: to_translate("HubSpot was said not to show it"),
    Happened.UNCONFIRMED: to_translate("Whether HubSpot shows it is open again"),
    Happened.HOLD_CAME: to_translate("A hold came on the domain"),
    Happened.HOLD_LIFTED: to_translate("The hold on the domain was lifted"),
    Happened.HAND_EDIT: to_translate("A change made by hand in HubSpot was set back"),
    Happened.PAUSED: to_translate("The portal was paused"),
    Happened.UNPAUSED: to_translate("The portal goes on"),
    Happened.BRAKED: to_translate("Writing to HubSpot was stopped, for a person to look"),
    Happened.BRAKE_RELEASED: to_translate("Writing to HubSpot goes on"),
    Happened.MERGED: to_translate("Its record was merged with another one"),
    Happened.NEEDS_PERSON: to_translate("It needs a person's decision"),
    Happened.LEAD_CONTACT_CHOSEN: to_translate("Another contact stands for it"),
    Happened.LEAD_CONTACT_LEFT: to_translate("A person left it as it is"),
    Happened.FORM_ENABLED: to_translate("A form was switched on"),
    Happened.FORM_DISABLED: to_translate("A form was switched off"),
    Happened.NOTICES_SWITCHED: to_translate("Notices were switched"),
    Happened.MOVED_IN_LINE: to_translate("It was moved in the waiting list"),
}
