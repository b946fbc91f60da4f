"""What does a notice say, in somebody's language?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from syncworker.languages import Language
from syncworker.registration.rules.readable import readable
from syncworker.sync.notices import terms
from syncworker.sync.notices.kinds import NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice in words. `path`: the page that shows more, and of which portal."""

    subject: str
    lines: tuple[str, ...]
    path: str

    def url(self, base_url: str) -> str:
        """The address of the page."""
        return f"{base_url}{self.path}"

    def text(self, base_url: str) -> str:
        """All of it, with the address of the page."""
        return "\n".join([*self.lines, "", self.url(base_url)])


Facts = Mapping[str, object]


def message(kind: NoticeKind, facts: Facts, *, hub_id: int, portal: str, language: Language) -> Message:
    """What to say of these facts; `portal` is the portal's name."""
    subject, lines, path = _WRITERS[kind](facts, language)
    # Whoever sees several portals was last at another one, perhaps.
    return Message(subject=f"{portal}: {subject}", lines=tuple(lines), path=f"{path}?portal={hub_id}")


_Written = tuple[str, Sequence[str], str]


def _capacity(facts: Facts, in_: Language) -> _Written:
    used, limit, waiting = (_number(facts, name) for name in ("used", "limit", "waiting"))
    subject = (
        in_.gettext("the capacity is used up")
        if _number(facts, "percent") >= 100
        else in_.gettext("%(percent)s of the capacity are used", percent=in_.percent(used / max(1, limit)))
    )
    return subject, [_used(used, limit, in_), *_waiting(waiting, in_)], "/capacity"


def _used(used: int, limit: int, in_: Language) -> str:
    return in_.ngettext(
        "%(count)s of %(limit)s registrations is used.",
        "%(count)s of %(limit)s registrations are used.",
        used,
        limit=in_.number(limit),
    )


def _waiting(waiting: int, in_: Language) -> list[str]:
    said = in_.ngettext("%(count)s domain waits for a free slot.", "%(count)s domains wait for a free slot.", waiting)
    return [said] if waiting else []


def _expiring(facts: Facts, in_: Language) -> _Written:
    count, days = _number(facts, "count"), in_.number(_number(facts, "days"))
    subject = in_.ngettext(
        "%(count)s registration expires within %(days)s days",
        "%(count)s registrations expire within %(days)s days",
        count,
        days=days,
    )
    lines = [
        in_.gettext("%(domain)s: last valid day %(day)s", domain=readable(str(item.get("domain"))), day=_day(item, in_))
        for item in _items(facts)
    ]
    lines += [
        *_more(facts, in_),
        "",
        in_.gettext('Let those renew themselves that you want to keep: "renew at expiry".'),
    ]
    return subject, lines, "/leads/expiring"


def _refused(facts: Facts, in_: Language) -> _Written:
    subject = in_.ngettext(
        "%(count)s lead could not be registered",
        "%(count)s leads could not be registered",
        _number(facts, "count"),
    )
    lines = [
        in_.gettext(
            "%(lead)s: %(status)s, %(reason)s",
            lead=_lead(item, in_),
            status=_term(terms.STATUSES, item.get("status"), in_),
            reason=_term(terms.REASONS, item.get("reason"), in_),
        )
        for item in _items(facts)
    ]
    invalid = all(item.get("status") == "invalid_data" for item in _items(facts))
    path = "/leads/invalid" if invalid else "/leads/unavailable"
    return subject, [*lines, *_more(facts, in_)], path


def _hand_edits(facts: Facts, in_: Language) -> _Written:
    subject = in_.ngettext(
        "a registration property of %(count)s record was edited by hand, and set back",
        "registration properties of %(count)s records were edited by hand, and set back",
        _number(facts, "count"),
    )
    lines = [_lead(item, in_) for item in _items(facts)]
    why = in_.gettext("These properties show what is registered. Change the registration instead.")
    return subject, [*lines, *_more(facts, in_), "", why], "/capacity"


def _blocked(facts: Facts, in_: Language) -> _Written:
    why = _term(terms.BLOCKS, facts.get("reason"), in_)
    return in_.gettext("the portal stands still until somebody acts"), [why], "/operations"


def _parked(facts: Facts, in_: Language) -> _Written:
    subject = in_.ngettext(
        "%(count)s record waits for a person", "%(count)s records wait for a person", _number(facts, "count")
    )
    lines = [
        in_.gettext(
            "%(record)s %(id)s: %(why)s",
            record=_term(terms.RECORDS, item.get("kind"), in_),
            id=item.get("id"),
            why=_term(terms.PARKED, item.get("section"), in_),
        )
        for item in _items(facts)
    ]
    return subject, [*lines, *_more(facts, in_)], "/operations/marks"


def _digest(facts: Facts, in_: Language) -> _Written:
    standing = [
        *([_used(_number(facts, "used"), _number(facts, "limit"), in_)] if "limit" in facts else []),
        *_waiting(_number(facts, "waiting"), in_),
        *_to_do(facts, in_),
    ]
    if facts.get("mode") in terms.MODES:
        standing.append(_term(terms.MODES, facts.get("mode"), in_))
    if facts.get("blocked") in terms.BLOCKS:
        standing.append(_term(terms.BLOCKS, facts.get("blocked"), in_))
    day = _of_the_day(facts, in_) or [in_.gettext("Nothing was registered, refused or ended.")]
    return (
        in_.gettext("the last day, and how it stands"),
        [in_.gettext("Within the last 24 hours:"), *day, "", in_.gettext("Now:"), *standing],
        "/capacity",
    )


def _of_the_day(facts: Facts, in_: Language) -> list[str]:
    n = partial(_number, facts)
    said = {
        "registered": in_.ngettext(
            "%(count)s lead was registered.", "%(count)s leads were registered.", n("registered")
        ),
        "pending": in_.ngettext(
            "%(count)s lead began to wait for capacity.", "%(count)s leads began to wait for capacity.", n("pending")
        ),
        "refused": in_.ngettext(
            "%(count)s lead could not be registered.", "%(count)s leads could not be registered.", n("refused")
        ),
        "renewed": in_.ngettext(
            "%(count)s registration was renewed.", "%(count)s registrations were renewed.", n("renewed")
        ),
        "expired": in_.ngettext("%(count)s registration expired.", "%(count)s registrations expired.", n("expired")),
        "deregistered": in_.ngettext(
            "%(count)s domain was deregistered.", "%(count)s domains were deregistered.", n("deregistered")
        ),
    }
    return [sentence for name, sentence in said.items() if n(name)]


def _to_do(facts: Facts, in_: Language) -> list[str]:
    n = partial(_number, facts)
    said = {
        "expiring": in_.ngettext(
            "%(count)s registration expires within 30 days.",
            "%(count)s registrations expire within 30 days.",
            n("expiring"),
        ),
        "confirming": in_.ngettext(
            "%(count)s deregistration waits for a manager to confirm it.",
            "%(count)s deregistrations wait for a manager to confirm them.",
            n("confirming"),
        ),
        "parked": in_.ngettext(
            "%(count)s record waits for a person.", "%(count)s records wait for a person.", n("parked")
        ),
    }
    return [sentence for name, sentence in said.items() if n(name)]


def _test(facts: Facts, in_: Language) -> _Written:  # noqa: ARG001 - as the others
    return in_.gettext("a test notice"), [in_.gettext("Notices reach you by this way.")], "/capacity"


_WRITERS = {
    NoticeKind.DIGEST: _digest,
    NoticeKind.CAPACITY: _capacity,
    NoticeKind.EXPIRING: _expiring,
    NoticeKind.REFUSED: _refused,
    NoticeKind.HAND_EDITS: _hand_edits,
    NoticeKind.BLOCKED: _blocked,
    NoticeKind.PARKED: _parked,
    NoticeKind.TEST: _test,
}


def _number(facts: Facts, name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0


def _items(facts: Facts) -> list[Facts]:
    items = facts.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _more(facts: Facts, in_: Language) -> list[str]:
    left = _number(facts, "count") - len(_items(facts))
    return [in_.ngettext("and %(count)s more", "and %(count)s more", left)] if left > 0 else []


def _lead(item: Facts, in_: Language) -> str:
    """By its domain; without one, by the record's id: a notice names no person."""
    if item.get("domain"):
        return readable(str(item["domain"]))
    if item.get("contact_id"):
        return f"{in_.gettext(terms.RECORDS['contact'])} {item['contact_id']}"
    return f"{in_.gettext(terms.RECORDS['company'])} {item.get('company_id') or ''}"


def _term(known: Mapping[str, str], code: object, in_: Language) -> str:
    return in_.gettext(known[str(code)]) if str(code) in known else str(code or "")


def _day(item: Facts, in_: Language) -> str:
    return in_.date(date.fromisoformat(str(item["expires_on"])))
