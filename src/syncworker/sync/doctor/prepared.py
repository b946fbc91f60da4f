"""Has the portal what the worker needs in HubSpot: properties, forms, webhooks?

Which webhooks an app subscribes to can be read only with its developer's credentials, not with a portal's token. So
the doctor says when the last one came, and leaves the rest to whoever reads it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from syncworker.hubspot.errors import Gone, HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.doctor.finding import Finding, ago, failed, fine, is_silent, problem, wrong_settings
from syncworker.sync.portals.failures import WRONG_SETTINGS
from syncworker.sync.portals.setup import plan_setup
from syncworker.sync.watch.runbook import Section

# In an account that people work in, a day without any change to a contact or a company is odd.
NO_WEBHOOK_FOR = timedelta(days=1)


def prepared(context: Context, portal: Portal) -> list[Finding]:
    """Whether the portal has the properties, and whether its forms can be read."""
    found = _properties(context, portal)
    return found if any(map(is_silent, found)) else [*found, *_forms(context, portal)]


def _properties(context: Context, portal: Portal) -> list[Finding]:
    """Whether the portal has them, and as they should be."""
    hub_id = portal.hub_id
    try:
        missing = plan_setup(context, portal)
    except WRONG_SETTINGS as error:
        return [wrong_settings(hub_id, "properties", error)]
    except (HubSpotError, RateLimited) as error:
        return [failed(hub_id, "properties", error)]
    if not missing:
        return [fine(hub_id, "properties", "all there")]
    changes = f"{len(missing)} to make or change, such as: {missing[0]}"
    what = f"run: syncworker setup --portal {hub_id}"
    return [problem(hub_id, "properties", changes, what, Section.PROPERTIES)]


def _forms(context: Context, portal: Portal) -> list[Finding]:
    hub_id, client = portal.hub_id, context.client(portal.hub_id)
    found: list[Finding] = []
    with context.database.transaction() as tx:
        enabled = tx.connection.execute(_FORMS, {"hub_id": hub_id}).all()
    for form in enabled:
        name = f"form {form.name or form.form_id}"
        try:
            client.form_submissions(form.form_id, limit=1)
        except Gone:
            what = f"run: syncworker forms disable {form.form_id}"
            found.append(problem(hub_id, name, "it is no longer in HubSpot", what, Section.FORM))
        except (HubSpotError, RateLimited) as error:
            found.append(failed(hub_id, name, error))
            if is_silent(found[-1]):
                # One who waits for this answer waits once, and not for each form.
                break
        else:
            found.append(fine(hub_id, name, "its submissions can be read"))
    return found


_FORMS = text("SELECT form_id, name FROM forms WHERE hub_id = :hub_id ORDER BY form_id")
_LAST = text("SELECT webhook_at FROM portals WHERE hub_id = :hub_id")


def webhooks(tx: Tx, portal: Portal) -> Finding:
    """When the last webhook of the portal came: what it subscribes to cannot be asked."""
    last = tx.connection.execute(_LAST, {"hub_id": portal.hub_id}).scalar_one_or_none()
    cannot = "which are subscribed to cannot be read with the portal's token"
    what = "upload config/hubspot-app with your address in it, and install it again"
    if last is not None and tx.now - last <= NO_WEBHOOK_FOR:
        return fine(portal.hub_id, "webhooks", f"{cannot}; the last one came {ago(tx.now - last)} ago")
    if last is not None:
        return problem(
            portal.hub_id, "webhooks", f"{cannot}; the last one came {ago(tx.now - last)} ago", what, Section.WEBHOOKS
        )
    said = f"{cannot}; none has come yet"
    if tx.now - portal.connected_at <= NO_WEBHOOK_FOR:
        return fine(portal.hub_id, "webhooks", said)
    return problem(portal.hub_id, "webhooks", said, what, Section.WEBHOOKS)
