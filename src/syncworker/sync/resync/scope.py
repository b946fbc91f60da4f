"""Which records does a resync look at, and in which order?

Companies first: a contact without a website takes the domain of its company, which is known then without another read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from syncworker.registration.rules.terms import Status
from syncworker.sync.marks import Kind

# Stages of a resync, by how their records are found.
LISTED = ("company", "contact")
"""Every record, by HubSpot's list: a hundred a call, with all that is read of them."""
MISSING = ("company.missing", "contact.missing")
"""Those that we know and that no list has shown: they are gone, or merged away."""
KNOWN = ("company.known", "contact.known")
"""Those of which we know that they show a status."""
SEARCHED = ("company.searched", "contact.searched")
"""Those that HubSpot's search finds."""
SUBMITTED = ("contact.submitted",)
"""Contacts who sent a form."""

WHOLE = "state = 'done' AND scope ->> 'all' IS NOT NULL"
"""SQL for a row of `resyncs` that has looked at all there is. What was right it has not written anew to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything; or what changed since a time, what shows a status, who sent a form."""

    since: datetime | None = None
    status: Status | None = None
    form: str | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """What is gone through, in order."""
        if self.form is not None:
            return SUBMITTED
        if self.since is not None:
            return SEARCHED
        if self.status is not None:
            return (KNOWN[0], SEARCHED[0], KNOWN[1], SEARCHED[1])
        return (*LISTED, *MISSING)

    def after(self, stage: str) -> str | None:
        """The stage that follows; None at the end."""
        stages = self.stages
        following = stages.index(stage) + 1 if stage in stages else 0
        return stages[following] if following < len(stages) else None

    def __str__(self) -> str:
        if self.since is not None:
            return f"changed since {self.since.isoformat(timespec='seconds')}"
        if self.status is not None:
            return f"status {self.status.value}"
        return f"form {self.form}" if self.form is not None else "everything"

    def as_json(self) -> dict[str, object]:
        """For the row."""
        if self.since is not None:
            return {"since": self.since.isoformat()}
        if self.status is not None:
            return {"status": self.status.value}
        return {"form": self.form} if self.form is not None else {"all": True}


def read_scope(stored: Mapping[str, str]) -> Scope:
    """The scope in a row."""
    since, status = stored.get("since"), stored.get("status")
    return Scope(
        since=datetime.fromisoformat(since) if since else None,
        status=Status(status) if status else None,
        form=stored.get("form"),
    )


def kind_of(stage: str) -> Kind:
    """Of which kind a stage's records are."""
    return Kind(stage.partition(".")[0])
