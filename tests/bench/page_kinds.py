"""Which pages are asked for, each kind in all the ways in which people look at it?"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from urllib.parse import urlencode

from bench import full_portal
from syncworker.sync.lists.asked_list import AskedSort
from syncworker.sync.lists.lead_list import Sort

A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a page, or for its list alone, as typing, sorting and live updates ask."""

    path: str
    part: bool = False


def kinds(domains: Sequence[str], contact_ids: Sequence[str]) -> Mapping[str, Sequence[Ask]]:
    """By kind, in any order. `domains` and `contact_ids` are some of registered leads."""
    registered = full_portal.REGISTERED
    found = {f"search that finds {name}": _search(q) for name, q in full_portal.SOUGHT.items()}
    return {
        "capacity": [Ask("/capacity")],
        "registered leads, by any column, first page": _sorted("/leads/registered", Sort, registered, at=0),
        "registered leads, by any column, middle page": _sorted("/leads/registered", Sort, registered, at=0.5),
        "registered leads, by any column, last page": _sorted("/leads/registered", Sort, registered, at=1),
        **found,
        "search for a domain": [ask for domain in domains[:20] for ask in _search(domain)],
        "search of 10,000 characters": _search("nord " * 2000),
        "lists by state, whole": [Ask(f"/leads/{name}") for name in _LISTS],
        "expired and expiring, by any column": [
            *_sorted("/leads/expired", Sort, full_portal.EXPIRED, at=0),
            *_sorted("/leads/expired", Sort, full_portal.EXPIRED, at=0.5),
            *_sorted("/leads/expiring", Sort, full_portal.EXPIRING, at=0.5),
        ],
        "pending leads, by any column": [
            ask for at in (0, 0.5, 1) for ask in _sorted("/leads/pending", AskedSort, full_portal.WAITING, at=at)
        ],
        "refused and invalid leads, by any column": [
            ask
            for name, at in product(("unavailable", "invalid"), (0, 0.5))
            for ask in _sorted(f"/leads/{name}", AskedSort, full_portal.REFUSED, at=at)
        ],
        "search in a list by state": [
            Ask(f"/leads/{name}?{urlencode({'q': q})}", part=True)
            for name, q in product(_LISTS, ("norge", "nobody is called so", "se", "ada gata1234"))
        ],
        "one lead": [Ask(f"/leads/domain/{domain}") for domain in domains],
        "register": [Ask("/register"), *(Ask(f"/register?{urlencode({'lead': one})}") for one in contact_ids[:5])],
        "operations": [Ask(f"/operations{tab}") for tab in ("", "/marks", "/resyncs", "/forms", "/holds")],
    }


_LISTS = ("registered", "pending", "unavailable", "invalid", "expired", "expiring", "deregistrations", "unresolved")


def in_random_order(of: Mapping[str, Sequence[Ask]], *, each: int) -> list[tuple[str, Ask]]:
    """So many requests of each kind, mixed; the same ones each time."""
    dice = random.Random(7)  # noqa: S311 - an order, not a secret
    mixed = []
    for kind, asks in of.items():
        some = dice.sample(list(asks), len(asks))
        mixed += [(kind, some[n % len(some)]) for n in range(each)]
    dice.shuffle(mixed)
    return mixed


def _search(q: str) -> list[Ask]:
    orders = [{}, {"sort": "company"}, {"sort": "expires_on", "desc": "1"}]
    pages = [{}, {"page": "3"}]
    return [Ask(f"/capacity?{urlencode({'q': q, **order, **page})}", part=True) for order in orders for page in pages]


def _sorted(path: str, by: type[Sort] | type[AskedSort], rows: int, *, at: float) -> list[Ask]:
    page = max(1, round(rows / A_PAGE * at))
    return [
        Ask(f"{path}?{urlencode({'sort': sort.value, 'page': page, **desc})}", part=True)
        for sort, desc in product(by, ({}, {"desc": "1"}))
    ]
