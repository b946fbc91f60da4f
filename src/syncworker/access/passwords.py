"""How is a password kept, and which one is good enough?"""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# NIST SP 800-63B, 3.1.1.2: length is what counts, no rules of composition; 15 where it is the only factor was asked of
# newer systems, 8 of all. Between them, because attempts are limited too.
FEWEST_CHARACTERS = 12
# A longer one is hashed as long as a short one, but somebody could send a gigabyte.
MOST_CHARACTERS = 1000

# The library's defaults are those of RFC 9106's second choice: 64 MiB, three passes.
_hasher = PasswordHasher()


class WeakPassword(ValueError):
    """The password is too short or too long."""

    def __init__(self) -> None:
        super().__init__(
            f"a password has {FEWEST_CHARACTERS} to {MOST_CHARACTERS} characters: take a few words, or one of your "
            "password manager's"
        )


def check(password: str) -> None:
    """Raise WeakPassword unless it is good enough."""
    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS or not password.strip():
        raise WeakPassword


def hashed(password: str) -> str:
    """What is kept of a password; takes a tenth of a second and 64 MiB. Raises WeakPassword."""
    check(password)
    return _hasher.hash(_bytes(password))


def is_right(kept: str | None, password: str) -> bool:
    """Whether it is the password that was kept. Takes as long where there is none: the time tells nobody who exists."""
    try:
        right = _hasher.verify(kept or _nobodys(), _bytes(password[:MOST_CHARACTERS]))
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the library hashes with other parameters by now."""
    return _hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    # Half of a surrogate pair, which a form can carry, is no UTF-8.
    return password.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash(b"nobody's password")
