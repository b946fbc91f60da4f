"""How does every address on a page say of which portal it is, for whoever has several?

A browser knows one portal that was chosen last, in whichever tab. An address that names its own leads there and nowhere
else, also where another tab chose another in that very moment. Done for a page as a whole: no link can be forgotten.
"""

from __future__ import annotations

import re

from syncworker.web.recognising import Reader

# Quotation marks in what others typed are escaped: these stand in tags of ours alone. What is sought begins with what
# only addresses have, and looks back from there: to ask of each word whether it is one of the three took longer than
# to render many a page.
_LINK = re.compile(r'="(/(?:(?<=\bhref="/)|(?<=\bhx-get="/)|(?<=\bdata-from="/))(?!/|static/)[^"#]*)')
_SEARCH = re.compile(r'<form\b[^>]*\bmethod="get"[^>]*>')


def at(reader: Reader, address: str) -> str:
    """The address, with the portal that is looked at; as it is where there is no other, or it names one."""
    hub_id = _hub_id(reader)
    return address if hub_id is None else _with(address, hub_id, "&")


def named(html: str, reader: Reader) -> str:
    """The page, with the portal in each link of ours and in what a search sends; a change has it in its token."""
    hub_id = _hub_id(reader)
    if hub_id is None:
        return html
    linked = _LINK.sub(lambda link: f'="{_with(link[1], hub_id, "&amp;")}', html)
    return _SEARCH.sub(rf'\g<0><input type="hidden" name="portal" value="{hub_id}">', linked)


def _hub_id(reader: Reader) -> int | None:
    return reader.portal.hub_id if reader.portal and len(reader.portals) > 1 else None


def _with(address: str, hub_id: int, also: str) -> str:
    path, _, query = address.partition("?")
    if any(part.startswith("portal=") for part in re.split("&amp;|&", query)):
        return address
    return f"{path}?{query}{also if query else ''}portal={hub_id}"
