"""Under which path does HubSpot serve a thing, in which version of its API?

The only place where paths are spelled: v3 and v4 go unsupported in September and March 2027, dated versions
live for 18 months each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Kind = str
"""`contact` or `company`: our words. Any other object type is passed on as it is."""

BatchOperation = Literal["read", "create", "update", "upsert", "archive"]

_PLURAL = {"contact": "contacts", "company": "companies"}
_SINGULAR = {plural: kind for kind, plural in _PLURAL.items()}

# HubSpot's OpenAPI descriptions of August 2026. `{v}` is the dated version.
_LEGACY = {
    "objects": "/crm/v3/objects",
    "associations": "/crm/v4/associations",
    "properties": "/crm/v3/properties",
    "account_info": "/account-info/v3/details",
    # v1 of the token endpoint is removed on 2027-02-16; v3 takes the same form.
    "oauth_token": "/oauth/v3/token",
    "forms": "/marketing/v3/forms",
}
_DATED = {
    "objects": "/crm/objects/{v}",
    "associations": "/crm/associations/{v}",
    "properties": "/crm/properties/{v}",
    "account_info": "/account-info/{v}/details",
    "oauth_token": "/oauth/{v}/token",
    "forms": "/marketing/v3/forms",
}
# Form definitions have a dated path in one version only, and there it is a beta.
_DATED_FORMS = {"2026-09": "/marketing/forms/2026-09-beta"}
# No dated twin, and no announced replacement.
_FORM_SUBMISSIONS = "/form-integrations/v1/submissions/forms"


def object_path_name(object_type: Kind) -> str:
    """The name of an object type in a path: `contacts` for contact."""
    return _PLURAL.get(object_type, object_type)


def kind_of(path_name: str) -> Kind:
    """The kind that a name in a path or an answer means: contact for `contacts`."""
    return _SINGULAR.get(path_name.lower(), path_name)


@dataclass(frozen=True, slots=True)
class Paths:
    """The path table of one API version: `v3`, or a dated one such as `2026-09`."""

    version: str

    def _of(self, name: str) -> str:
        if self.version == "v3":
            return _LEGACY[name]
        if name == "forms":
            return _DATED_FORMS.get(self.version, _DATED[name])
        return _DATED[name].format(v=self.version)

    def objects(self, object_type: Kind, record_id: str | None = None) -> str:
        """The records of a type, or one of them. The id is escaped: an email may stand there too."""
        base = f"{self._of('objects')}/{object_path_name(object_type)}"
        return base if record_id is None else f"{base}/{quote(record_id, safe='')}"

    def batch(self, object_type: Kind, operation: BatchOperation) -> str:
        """A batch operation on records of a type."""
        return f"{self.objects(object_type)}/batch/{operation}"

    def search(self, object_type: Kind) -> str:
        """The search of a type, which has a rate limit of its own."""
        return f"{self.objects(object_type)}/search"

    def associations_read(self, from_type: Kind, to_type: Kind) -> str:
        """The batch read of associations from one type to another."""
        return f"{self._of('associations')}/{object_path_name(from_type)}/{object_path_name(to_type)}/batch/read"

    def properties(self, object_type: Kind, name: str | None = None) -> str:
        """The property definitions of a type, or one of them."""
        base = f"{self._of('properties')}/{object_path_name(object_type)}"
        return base if name is None else f"{base}/{quote(name, safe='')}"

    def groups(self, object_type: Kind) -> str:
        """The property groups of a type."""
        return f"{self.properties(object_type)}/groups"

    @property
    def account_info(self) -> str:
        """What account a token belongs to."""
        return self._of("account_info")

    @property
    def oauth_token(self) -> str:
        """Where a refresh token is exchanged for an access token."""
        return self._of("oauth_token")

    @property
    def forms(self) -> str:
        """The definitions of forms."""
        return self._of("forms")

    def form_submissions(self, form_id: str) -> str:
        """The submissions of a form, newest first."""
        return f"{_FORM_SUBMISSIONS}/{quote(form_id, safe='')}"
