"""How are credentials kept unreadable at rest, and emails recognisable without being kept?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class WrongSecretKey(Exception):
    """The credentials were encrypted with another `SYNCWORKER_SECRET_KEY`."""

    def __init__(self) -> None:
        super().__init__(
            "the stored credentials were encrypted with another SYNCWORKER_SECRET_KEY: "
            "set the one that was used, or connect the portal again with `syncworker portals add`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalCredentials:
    """What a portal is reached with: an access token, or what renews one; and what its webhooks are signed with."""

    access_token: str | None = None
    refresh_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    expires_at: datetime | None = None
    """When the access token ends; none for a token that does not."""

    def __repr__(self) -> str:
        return "PortalCredentials(...)"  # never in a log


class Secrets:
    """Encrypts with one key and hashes with another, both derived from the secret key of the settings."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret_key, b"credentials")))
        self._email_key = _derive(secret_key, b"email")
        self._key_key = _derive(secret_key, b"request key")
        self.session_key = _derive(secret_key, b"sessions")
        """Signs cookies, and what the forms of a session carry."""
        self.fingerprint = _derive(secret_key, b"fingerprint").hex()
        """Tells this key from another, and nothing else of it."""

    def seal(self, credentials: PortalCredentials) -> bytes:
        """Encrypt."""
        fields = asdict(credentials)
        if credentials.expires_at is not None:
            fields["expires_at"] = credentials.expires_at.isoformat()
        return self._fernet.encrypt(json.dumps(fields).encode())

    def open(self, sealed: bytes) -> PortalCredentials:
        """Decrypt, or raise WrongSecretKey."""
        fields = json.loads(self.open_text(sealed))
        if fields["expires_at"] is not None:
            fields["expires_at"] = datetime.fromisoformat(fields["expires_at"])
        return PortalCredentials(**fields)

    def seal_text(self, text: str) -> bytes:
        """Encrypt a text."""
        return self._fernet.encrypt(text.encode())

    def open_text(self, sealed: bytes) -> str:
        """Decrypt a text, or raise WrongSecretKey."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise WrongSecretKey from None

    def email_hash(self, email: str) -> str:
        """A keyed hash of an email: the same for the same person, of no use without the key."""
        return hmac.new(self._email_key, email.strip().lower().encode(), hashlib.sha256).hexdigest()

    def key_hash(self, key: str) -> str:
        """A keyed hash of a request's key that somebody else made up: it may have a person's email in it."""
        return hmac.new(self._key_key, key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _derive(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"syncworker " + purpose).derive(secret_key.encode())
