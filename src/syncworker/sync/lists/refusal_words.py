"""Why does a website, or what stands where one should, lead to no domain? A sentence, translated where it is shown.

The ledger keeps the sentence of the rule in English; `kept` finds out which one it is. A test holds that it knows each.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.languages import Words, to_translate
from syncworker.registration.rules.refused import Refusal, Refused
from syncworker.registration.rules.text import quote

REFUSAL_WORDS: Mapping[Refusal, str] = {
    Refusal.EMPTY: to_translate("There is no website."),
    Refusal.TOO_LONG: to_translate("The website is too long: enter the company's home page."),
    Refusal.UNFIT_CHARACTERS: to_translate("The website has characters that cannot be seen: type it again."),
    Refusal.NOT_A_WEB_ADDRESS: to_translate("“%(typed)s” is no web address: enter a website such as company.com."),
    Refusal.EMAIL_ADDRESS: to_translate("“%(typed)s” looks like an email address: enter the company's website."),
    Refusal.IP_ADDRESS: to_translate("“%(typed)s” is an IP address: enter the company's domain name."),
    Refusal.SINGLE_LABEL: to_translate("“%(typed)s” is not a full domain name such as company.com."),
    Refusal.BAD_NAME: to_translate("“%(typed)s” is not a valid domain name: check the spelling."),
    Refusal.RESERVED: to_translate("“%(typed)s” is reserved for examples and inner networks: enter the website."),
    Refusal.UNKNOWN_TLD: to_translate("“%(typed)s” does not end as a domain does: check the spelling."),
    Refusal.PUBLIC_SUFFIX: to_translate("“%(typed)s” is an ending that many companies share: enter the website."),
    Refusal.SHARED_PLATFORM: to_translate("“%(typed)s” is on a shared platform: enter the company's own website."),
    Refusal.FREE_MAIL: to_translate("“%(typed)s” is a free-mail provider: enter the company's own website."),
}


def words(refused: Refused, typed: str) -> Words:
    """The sentence for what somebody typed."""
    return Words(REFUSAL_WORDS[refused.reason], {"typed": quote(typed)})


# What the rules' sentences in `registration/rules/domains.py` and `host.py` say behind what was typed.
_BEHIND: Mapping[str, Refusal] = {
    ": is no web address: ": Refusal.NOT_A_WEB_ADDRESS,
    " looks like an e-mail address: ": Refusal.EMAIL_ADDRESS,
    " is an IP address: ": Refusal.IP_ADDRESS,
    " is not a full domain name such as ": Refusal.SINGLE_LABEL,
    " is not a valid domain name: ": Refusal.BAD_NAME,
    " is reserved for examples and inner networks: ": Refusal.RESERVED,
    " is not a top-level domain: ": Refusal.UNKNOWN_TLD,
    " is an ending that many companies share: ": Refusal.PUBLIC_SUFFIX,
    " is a shared platform: ": Refusal.SHARED_PLATFORM,
    " is a free-mail provider: ": Refusal.FREE_MAIL,
}
# Those that quote nothing.
_ALONE: Mapping[str, Refusal] = {
    "there is no website": Refusal.EMPTY,
    "the website is longer than ": Refusal.TOO_LONG,
    "the website has control characters ": Refusal.UNFIT_CHARACTERS,
}


def kept(sentence: str) -> Words | None:
    """The words of a rule's sentence, as it was kept; None where it is none of those that are known."""
    for begins, refusal in _ALONE.items():
        if sentence.startswith(begins):
            return Words(REFUSAL_WORDS[refusal])
    for behind, refusal in _BEHIND.items():
        # The last one: what was typed may say the same.
        typed, found, _ = sentence.rpartition(behind)
        if found:
            return Words(REFUSAL_WORDS[refusal], {"typed": quote(typed)})
    return None
