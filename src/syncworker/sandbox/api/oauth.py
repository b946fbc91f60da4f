"""How does an app get, check and give up an access token?

Refresh tokens are reusable and do not rotate; access tokens expire.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from urllib.parse import parse_qsl

from syncworker.sandbox.answers import RefusedError, Reply, dumps, no_content, ok
from syncworker.sandbox.call import Call
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.world import World


def issue_token(world: World, call: Call) -> Reply:
    """POST /oauth/{version}/token with grant_type refresh_token; form-encoded, in v1 in the query too."""
    fields = _fields(call)
    if fields.get("grant_type") != "refresh_token":
        raise _refused("unsupported_grant_type", "BAD_GRANT_TYPE", "grant_type must be refresh_token here")
    portal = _client(world, fields)
    if fields.get("refresh_token") != portal.refresh_token or portal.refresh_revoked:
        message = "refresh token is invalid, expired or revoked"
        raise _refused("invalid_grant", "BAD_REFRESH_TOKEN", message)
    token = secrets.token_urlsafe(48)
    world.directory.issue(token, portal.hub_id, now_ms() + int(portal.token_lifetime_s * 1000))
    return ok(
        {
            "token_type": "bearer",
            "refresh_token": portal.refresh_token,
            "access_token": token,
            "hub_id": portal.hub_id,
            "scopes": list(portal.scopes),
            "expires_in": int(portal.token_lifetime_s),
        }
    )


def introspect(world: World, call: Call) -> Reply:
    """POST /oauth/{version}/token/introspect."""
    fields = _fields(call)
    client = _client(world, fields)
    token = fields.get("token") or fields.get("access_token") or fields.get("refresh_token") or ""
    if token == client.refresh_token and not client.refresh_revoked:
        return ok(_about(client, "refresh_token", None))
    holder = world.directory.tokens.get(token)
    now = now_ms()
    if holder is None or holder[0] != client.hub_id or (holder[1] is not None and holder[1] <= now):
        return ok({"active": False})
    return ok(_about(client, "access_token", None if holder[1] is None else (holder[1] - now) // 1000))


def revoke(world: World, call: Call) -> Reply:
    """POST /oauth/{version}/token/revoke: 204, whatever the token was."""
    fields = _fields(call)
    portal = _client(world, fields)
    token = fields.get("token") or fields.get("refresh_token") or ""
    _revoke(world, portal, token)
    return no_content()


def legacy_info(world: World, call: Call) -> Reply:
    """GET /oauth/v1/access-tokens/{token} and /refresh-tokens/{token}."""
    token = call.ids[0]
    for portal in world.directory.by_id.values():
        if token == portal.refresh_token and not portal.refresh_revoked:
            return ok({**_about(portal, "refresh_token", None), "token": token})
    holder = world.directory.tokens.get(token)
    if holder is None:
        raise _refused("invalid_grant", "BAD_TOKEN", "token is invalid, expired or revoked")
    return ok({**_about(world.directory.by_id[holder[0]], "access_token", None), "token": token})


def legacy_revoke(world: World, call: Call) -> Reply:
    """DELETE /oauth/v1/refresh-tokens/{token}: 204."""
    for portal in list(world.directory.by_id.values()):
        if call.ids[0] == portal.refresh_token:
            _revoke(world, portal, call.ids[0])
    return no_content()


def _revoke(world: World, portal: Portal, token: str) -> None:
    if token == portal.refresh_token:
        world.directory.save(replace(portal, refresh_revoked=True))
    elif world.directory.tokens.get(token, (None, None))[0] == portal.hub_id:
        world.directory.forget(token)


def _about(portal: Portal, use: str, expires_in: int | None) -> dict[str, object]:
    about: dict[str, object] = {
        "active": True,
        "hub_id": portal.hub_id,
        "user_id": portal.user_id,
        "app_id": portal.app_id,
        "user": f"admin@{portal.partner}.example",
        "hub_domain": f"{portal.partner}.example",
        "scopes": list(portal.scopes),
        "token_use": use,
        "client_id": portal.client_id,
    }
    if expires_in is not None:
        about["expires_in"] = expires_in
    return about


def _client(world: World, fields: dict[str, str]) -> Portal:
    client_id = fields.get("client_id", "")
    portal = next((one for one in world.directory.by_id.values() if one.client_id == client_id), None)
    if portal is None:
        raise _refused("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
    if not secrets.compare_digest(fields.get("client_secret", "").encode(), portal.client_secret.encode()):
        raise _refused("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
    return portal


def _fields(call: Call) -> dict[str, str]:
    fields = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
    if call.version == "v1":
        fields = {**{key: values[0] for key, values in call.query.items()}, **fields}
    return fields


def _refused(kind: str, status: str, message: str) -> RefusedError:
    body = {"error": kind, "error_description": message, "status": status, "message": message}
    return RefusedError(Reply(400, dumps(body)))
