"""Whose is the portal's token, and what may it do?

A permission is tried by a call that does nothing: reading one record, updating a record and a property that cannot
exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.errors import FixCredentials, FixRequest, Gone, HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.settings import PREFIX
from syncworker.store.portals import Portal
from syncworker.store.secrets import WrongSecretKey
from syncworker.sync.context import Context
from syncworker.sync.doctor.finding import Finding, failed, fine, is_silent, problem
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.watch.runbook import Section, of_block

# Ids and names that nothing has: HubSpot counts from 1, and no property begins with a digit.
_NO_RECORD = "0"
_NO_PROPERTY = "0_does_not_exist"


def check_access(context: Context, portal: Portal) -> list[Finding]:
    """Whose the token is, and what it may do."""
    hub_id = portal.hub_id
    try:
        client = context.client(hub_id)
        account = client.account_info()
    except WrongSecretKey as error:
        what = f"set the {PREFIX}SECRET_KEY that was used"
        return [problem(hub_id, "token", str(error), what, Section.SECRET_KEY)]
    except FixCredentials as error:
        return [problem(hub_id, "token", error.message, error.advice, of_block(Blocked.CREDENTIALS))]
    except (HubSpotError, RateLimited) as error:
        return [failed(hub_id, "token", error)]
    if account.hub_id != hub_id:
        what = "connect the portal with its own token: syncworker portals add"
        return [problem(hub_id, "token", f"it belongs to portal {account.hub_id}", what, Section.TOKEN)]
    findings = [fine(hub_id, "token", f"it is of this account, in {account.time_zone}")]
    if not context.credentials.load(hub_id).client_secret:
        what = "give it the client secret: syncworker portals add --client-secret-stdin"
        said = "there is none, so all webhooks are refused"
        findings.append(problem(hub_id, "client secret", said, what, Section.CLIENT_SECRET))
    for name, attempt in _permissions(client):
        findings.append(_tried(hub_id, name, attempt))
        if is_silent(findings[-1]):
            # Each call that is not answered takes seconds: whoever asked waits for that once.
            findings.append(fine(hub_id, "permissions", "the others were not tried: HubSpot does not answer"))
            break
    return findings


def why_not_asked(found: Collection[Finding]) -> str | None:
    """Why nothing more is asked of HubSpot, after this was found of the access; None where all may be."""
    if any(finding.name == "token" and not finding.ok for finding in found):
        return "what is said of the token comes first"
    return "HubSpot does not answer" if any(map(is_silent, found)) else None


def _permissions(client: HubSpotClient) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each scope that the worker needs, and a harmless call that needs it."""
    yield "crm.objects.contacts.read", lambda: client.list_page("contact", properties=(), limit=1)
    yield "crm.objects.companies.read", lambda: client.list_page("company", properties=(), limit=1)
    yield "crm.objects.contacts.write", lambda: client.batch_update("contact", {_NO_RECORD: {}})
    yield "crm.objects.companies.write", lambda: client.batch_update("company", {_NO_RECORD: {}})
    yield "crm.schemas.contacts.read", lambda: client.property_groups("contact")
    yield "crm.schemas.companies.read", lambda: client.property_groups("company")
    yield "crm.schemas.contacts.write", lambda: client.update_property("contact", _NO_PROPERTY, {})
    yield "crm.schemas.companies.write", lambda: client.update_property("company", _NO_PROPERTY, {})
    yield "forms", lambda: client.forms()


def _tried(hub_id: int, scope: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except (FixRequest, Gone):
        # Refused for what was asked, and not for who asked: the permission is there.
        return fine(hub_id, scope, "granted")
    except FixCredentials as error:
        scopes = ", ".join(error.missing_scopes) or scope
        what = f"add {scopes} to the app's scopes, and install it again"
        return problem(hub_id, scope, "not granted", what, Section.SCOPE)
    except (HubSpotError, RateLimited) as error:
        return failed(hub_id, scope, error)
    return fine(hub_id, scope, "granted")
