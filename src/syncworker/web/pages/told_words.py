"""What is said on the page that somebody comes back to after a change of one lead?

The address carries a word for it, so that it is told after the redirect, and by no state that two tabs could mix up.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request

from syncworker.languages import Language, to_translate

_WORDS: Mapping[str, str] = {
    "asked": to_translate("It was asked for, and is decided within seconds."),
    "decided": to_translate("It was asked for, and this is what came of it."),
    "discarded": to_translate("The file is discarded. Nothing of it was asked for."),
    "exchanged": to_translate("Exchanged: the lead that waited is registered."),
    "confirmed": to_translate("Confirmed. The domain is deregistered within seconds."),
    "refused": to_translate("The deregistration is refused. The domain stays registered."),
    "withdrawn": to_translate("The request was taken back."),
    "looking": to_translate("It is looked for again now."),
    "looked": to_translate("Its records are read and put right now."),
    "undone": to_translate("The domain is registered again, as before."),
    "renews": to_translate("The lead renews at expiry."),
    "expires": to_translate("The lead will expire."),
}


def said(request: Request, say: Language) -> str:
    """What there is to say, in the reader's words; empty for nothing."""
    words = _WORDS.get(request.query_params.get("told", ""))
    return say.gettext(words) if words else ""
