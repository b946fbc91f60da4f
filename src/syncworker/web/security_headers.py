"""What is a browser told about a page, so that nothing but our own scripts runs in it and nobody frames it?"""

from __future__ import annotations

from typing import TypeVar

from starlette.responses import Response

R = TypeVar("R", bound=Response)

# No inline script or style at all, so no nonce: what somebody smuggles into a company's name stays text.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def secured(response: R) -> R:
    """The same response, with these headers."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response


def unkept(response: R) -> R:
    """The same, kept by no cache: a page names people, and the next one at this computer may be somebody else."""
    response.headers.setdefault("Cache-Control", "no-store")
    return secured(response)
