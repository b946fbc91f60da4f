"""What is sent, to whom, and what if that does not work?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncworker.redaction import without_emails
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.making import Facts
from syncworker.sync.notices.words import Message

NOT_SENT = "notice not sent"


class NotSent(Exception):
    """A notice did not get through. Names nobody: it is kept with the mark.

    `for_good`: trying again by itself is of no use. `maybe_sent`: the receiver may have it all the same.
    `all_alike`: so it would be with the next one by the same way; they wait, too.
    """

    def __init__(self, why: str, *, for_good: bool = False, maybe_sent: bool = False, all_alike: bool = False) -> None:
        self.for_good = for_good
        self.maybe_sent = maybe_sent
        self.all_alike = all_alike
        super().__init__(f"{NOT_SENT}: {without_emails(why)[:400]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A delivery on its way."""

    delivery_id: int
    hub_id: int
    portal: str
    kind: NoticeKind
    channel: Channel
    at: datetime
    facts: Facts
    message: Message
    user_id: int | None
    email: str | None
    contact_id: str | None
    tried_before: bool
    """An earlier try began, and nobody knows how it ended."""
