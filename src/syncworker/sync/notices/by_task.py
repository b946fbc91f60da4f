"""How is a notice made a task in HubSpot, for the owner of the contact that it is about?

HubSpot makes a task anew for each call, and takes no key that would tell a second one. So it is called once, without
the client's own retries; where no answer came nobody knows, and a person looks.
"""

from __future__ import annotations

import urllib3

from syncworker.hubspot.errors import FixRequest, Gone, HubSpotError, RetryLater
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.store.secrets import WrongSecretKey
from syncworker.sync.context import Context
from syncworker.sync.notices.sending import NotSent, Outgoing

OWNER = "hubspot_owner_id"
# HubSpot's guide to the tasks API: the default association of a task with a contact.
TASK_TO_CONTACT = 204
_RATE_LIMITED = 429
_NEVER_SENT = (
    RateLimited,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
)


def send(context: Context, what: Outgoing) -> None:
    """Make the task, or raise NotSent. For a contact that is gone, or has no owner, there is nobody to tell."""
    if what.tried_before:
        raise NotSent("HubSpot may have made the task: see the contact's tasks, then dismiss this, or retry it",
                      for_good=True)  # fmt: skip
    with context.database.transaction() as tx:
        portal = portals.find(tx, what.hub_id)
    if portal is None:
        return
    if portal.mode is not Mode.WRITE:
        raise NotSent(f"the portal is in mode {portal.mode}, in which nothing is written to HubSpot")
    contact_id = what.contact_id or ""
    try:
        client = context.in_lane(Lane.BULK).client(what.hub_id)
        owner = client.get("contact", contact_id, properties=[OWNER]).properties.get(OWNER)
        if owner:
            client.create_once(
                "tasks",
                {
                    # Due at once.
                    "hs_timestamp": what.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "hs_task_subject": what.message.subject,
                    "hs_task_body": what.message.text(context.settings.pages_url).replace("\n", "<br>"),
                    "hs_task_status": "NOT_STARTED",
                    "hs_task_type": "TODO",
                    OWNER: owner,
                },
                associated=[(contact_id, TASK_TO_CONTACT)],
            )
    except Gone:
        return
    except WrongSecretKey as error:
        raise NotSent(str(error), all_alike=True) from None
    except RateLimited as error:
        raise NotSent(str(error), all_alike=True) from None
    except HubSpotError as error:
        raise _not_sent(error) from None


def _not_sent(error: HubSpotError) -> NotSent:
    if isinstance(error, FixRequest):
        return NotSent(str(error), for_good=True)
    if isinstance(error, RetryLater) and error.route.startswith("POST"):
        refused = error.status == _RATE_LIMITED or isinstance(error.__cause__, _NEVER_SENT)
        return NotSent(str(error), maybe_sent=not refused, for_good=not refused)
    return NotSent(str(error), all_alike=True)
