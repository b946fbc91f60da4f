"""Does what polls promise hold for an index that does whatever it may?

No database here, and no HTTP: the index is a model, and the polls are the pure part of them (sync/changed.py), driven
as sync/polling.py drives them. Conditions as in docs/polling.md: a change is shown from an hour after on, at its time,
unless the record changed again. Everything else is the index's whim, by a seed that hypothesis chooses.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncworker.hubspot.records import Record, SearchPage
from syncworker.sync.marks import Kind
from syncworker.sync.triggers.changed import (
    DISTRUSTED,
    MODIFIED,
    PAGE,
    Newest,
    Search,
    SearchContradictsItself,
    Stretch,
    ask,
    ask_newest,
    follow,
    follow_newest,
    span,
)
from syncworker.sync.triggers.polling import LATE, LATE_EVERY, OVERLAP, SHOWN_WITHIN

EXAMPLES = 30 * int(os.environ.get("THOROUGH", "1"))
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODIFIED_NAME = MODIFIED[Kind.CONTACT]
HOUR = SHOWN_WITHIN


@dataclass(kw_only=True)
class Whims:
    """How badly the index behaves: probabilities, and how many strangers a page may hold."""

    seed: int
    late: float
    flickers: float
    strangers: int
    repeats: float
    shuffled: bool
    miscounts: bool
    ends_too_soon: float
    shows_old_values: bool


whims = st.builds(
    Whims,
    seed=st.integers(0, 2**32),
    late=st.sampled_from([0.0, 0.1, 1.0]),
    flickers=st.sampled_from([0.0, 0.3]),
    strangers=st.sampled_from([0, 1, DISTRUSTED]),
    repeats=st.sampled_from([0.0, 0.05]),
    shuffled=st.booleans(),
    miscounts=st.booleans(),
    ends_too_soon=st.sampled_from([0.0, 0.5]),
    shows_old_values=st.booleans(),
)

CALM = Whims(
    seed=1,
    late=0,
    flickers=0,
    strangers=0,
    repeats=0,
    shuffled=False,
    miscounts=False,
    ends_too_soon=0,
    shows_old_values=False,
)
WORST = Whims(
    seed=5,
    late=1,
    flickers=0.3,
    strangers=DISTRUSTED,
    repeats=0.05,
    shuffled=True,
    miscounts=True,
    ends_too_soon=0.5,
    shows_old_values=False,
)


@dataclass
class Index:
    """Records by id, with the times at which they changed; and what a search shows of them."""

    whims: Whims
    now: datetime = BEGAN
    changes: dict[int, list[datetime]] = field(default_factory=dict)
    shown_from: dict[tuple[int, datetime], datetime] = field(default_factory=dict)
    dice: random.Random = field(init=False)
    calls: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.whims.seed)  # noqa: S311 - repeatable on purpose, no secret

    def change(self, record: int) -> None:
        """It changes now; search shows it at once, or at any time within the hour."""
        times = self.changes.setdefault(record, [])
        if not times or times[-1] < self.now:
            times.append(self.now)
            lag = HOUR * self.dice.random() if self.dice.random() < self.whims.late else timedelta(0)
            self.shown_from[record, self.now] = self.now + lag

    def time_indexed(self, record: int) -> datetime | None:
        """At which of its times search has the record just now; None: at none."""
        if self.changes[record][-1] + HOUR <= self.now:
            return self.changes[record][-1]
        settled = [at for at in self.changes[record] if at + HOUR <= self.now]
        fresh = [at for at in self.changes[record] if at + HOUR > self.now]
        allowed = [None if not settled else settled[-1], *fresh]
        if self.dice.random() < self.whims.flickers:
            return self.dice.choice(allowed)
        shown = [at for at in fresh if self.shown_from[record, at] <= self.now]
        return shown[-1] if shown else allowed[0]

    def search(self, search: Search) -> SearchPage:
        """A page: what matches by the time that the index has, shown with the time that the record has."""
        self.calls += 1
        by_id = search.sort.property_name == "hs_object_id"
        least, most, after_id = _bounds(search)
        matching: list[tuple[object, int, datetime]] = []
        for record in self.changes:
            at = self.time_indexed(record)
            if at is not None and least <= at <= most and record > after_id:
                matching.append((record if by_id else at, record, at))
        matching.sort(reverse=search.sort.descending, key=itemgetter(0, 1))
        page = [self._shown(record, at) for _, record, at in matching[:PAGE]]
        page += [one for one in page if self.dice.random() < self.whims.repeats]
        for _ in range(self.dice.randint(0, self.whims.strangers)):
            stranger = self.dice.choice(list(self.changes))
            page.insert(self.dice.randint(0, len(page)), self._shown(stranger, self.changes[stranger][-1]))
        more = len(matching) > PAGE or len(page) > PAGE
        if len(page) > PAGE:
            page = self._without_too_many(page, [record for _, record, _ in matching[:PAGE]])
        if self.whims.shuffled:
            self.dice.shuffle(page)
        if len(page) == PAGE and self.dice.random() < self.whims.ends_too_soon:
            more = False  # it says so; it is not true
        total = self.dice.randint(0, 10**6) if self.whims.miscounts else len(matching)
        return SearchPage(total=total, records=tuple(page), after=str(PAGE) if more else None)

    def _without_too_many(self, page: list[Record], ordered: list[int]) -> list[Record]:
        """Whatever is too much pushes out the last of those that match."""
        place = {str(record): number for number, record in enumerate(ordered)}
        surplus = sorted(
            (place[one.id], number) for number, one in enumerate(page) if one.id in place and page.index(one) == number
        )[-(len(page) - PAGE) :]
        gone = {number for _, number in surplus}
        return [one for number, one in enumerate(page) if number not in gone]

    def _shown(self, record: int, indexed: datetime) -> Record:
        at = indexed if self.whims.shows_old_values else self.changes[record][-1]
        return Record(object_type="contact", id=str(record), properties={MODIFIED_NAME: at.isoformat()})


def _bounds(search: Search) -> tuple[datetime, datetime, int]:
    """From when to when a match was changed, and after which id it comes."""
    least, most, after_id = BEGAN - HOUR, BEGAN + timedelta(days=365), 0
    for one in search.filters:
        number = int(one.value or "")
        if one.operator == "GT":
            after_id = number
        elif one.operator == "GTE":
            least = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number)
        else:
            most = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number)
    return least, most, after_id


@dataclass
class Poller:
    """Drives the looks as sync/polling.py does, and remembers in which state it was shown each record."""

    index: Index
    high_water: datetime = BEGAN
    newest_seen: datetime = BEGAN
    stretch: Stretch | None = None
    seen: dict[int, datetime] = field(default_factory=dict)

    def _take_in(self, page: SearchPage) -> None:
        for record in page.records:
            at = datetime.fromisoformat(record.properties[MODIFIED_NAME] or "")
            self.seen[int(record.id)] = max(at, self.seen.get(int(record.id), BEGAN))

    def late_look(self, *, pages: int, meanwhile: timedelta) -> bool:
        """Some pages of the late look, while time passes; whether the stretch was read to its end."""
        if self.stretch is None:
            until = self.index.now - LATE
            if until <= self.high_water:
                return False
            self.stretch = Stretch(since=self.high_water, until=until)
        for _ in range(pages):
            page = self.index.search(ask(Kind.CONTACT, self.stretch))
            try:
                following = follow(Kind.CONTACT, self.stretch, page)
            except SearchContradictsItself:
                return False
            self._take_in(page)
            self.index.now += meanwhile
            if following is None:
                self.high_water, self.stretch = self.stretch.until, None
                return True
            assert following.after_id > self.stretch.after_id
            self.stretch = following
        return False

    def look_at_newest(self, *, pages: int) -> None:
        """The prompt look."""
        newest = Newest(since=self.newest_seen - OVERLAP)
        latest = self.newest_seen
        for _ in range(pages):
            page = self.index.search(ask_newest(Kind.CONTACT, newest))
            self._take_in(page)
            times = span(Kind.CONTACT, page.records)
            latest = max(latest, min(times[1], self.index.now)) if times else latest
            try:
                following = follow_newest(Kind.CONTACT, newest, page, down_to=self.newest_seen)
            except SearchContradictsItself:
                break
            if following is None:
                break
            newest = following
        self.newest_seen = latest


def missed(index: Index, poller: Poller, *, settled_at: datetime) -> dict[int, tuple[datetime, datetime | None]]:
    """Records whose last change was passed by the late look, without ever having been shown in that state."""
    return {
        record: (times[-1], poller.seen.get(record))
        for record, times in index.changes.items()
        if times[-1] <= settled_at and poller.seen.get(record, BEGAN - HOUR) < times[-1]
    }


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None)
@given(whims=whims, records=st.integers(1, 700), moments=st.sampled_from([1, 3, 20]), again=st.sampled_from([0.0, 0.5]))
@example(whims=WORST, records=700, moments=1, again=0.5)
def test_every_change_is_shown_to_us_within_the_promised_time(
    whims: Whims, records: int, moments: int, again: float
) -> None:
    """Given changes over three hours, in few moments or in many, again and again or once; polls at any time."""
    index = Index(whims)
    poller = Poller(index)
    dice = random.Random(whims.seed + 1)  # noqa: S311 - the same
    changing = sorted(BEGAN + timedelta(milliseconds=dice.randrange(1, 3 * 3_600_000)) for _ in range(moments))
    index.now = BEGAN + timedelta(milliseconds=1)
    for record in range(1, records + 1):
        index.change(record * 3)
    for moment in changing:
        while index.now < moment:
            # Polls come when they come, and stop where they were stopped
            index.now = min(moment, index.now + timedelta(minutes=dice.choice([2, 20, 60])))
            poller.look_at_newest(pages=dice.choice([1, 3]))
            if poller.late_look(pages=dice.choice([1, 2, 100]), meanwhile=timedelta(seconds=dice.choice([0, 20]))):
                # I expect of all that the late look has passed, and that was not changed again, its last state
                assert missed(index, poller, settled_at=poller.high_water) == {}
        for record in list(index.changes):
            if dice.random() < again:
                index.change(record)
        for _ in range(records // moments):
            index.change(dice.randrange(1, records * 4))
    # I expect of all, by the time that is promised, that it was shown in its last state
    last = max(times[-1] for times in index.changes.values())
    index.now = last + LATE + LATE_EVERY
    for _ in range(1000):
        if poller.late_look(pages=100, meanwhile=timedelta(0)) and poller.high_water >= last:
            break
    assert missed(index, poller, settled_at=last) == {}


def test_a_quiet_index_costs_five_searches_a_thousand_whatever_their_times() -> None:
    index = Index(CALM)
    poller = Poller(index)
    index.now += timedelta(minutes=1)
    for record in range(5_000):
        index.change(record + 1)
    index.now += LATE + LATE_EVERY
    assert poller.late_look(pages=1000, meanwhile=timedelta(0))
    assert len(poller.seen) == 5_000
    assert index.calls <= 5 * 5 + 1
