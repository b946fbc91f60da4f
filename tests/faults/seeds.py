"""Which seeds have found something, or break more than others, and what?"""

from __future__ import annotations

SHORT = 2565
"""A minute with nearly all that can break in it: the run of the tests."""

KNOWN: dict[int, str] = {
    2: "a killed worker's turn kept its portal waiting for half a minute, its marks for a whole one",
    3: "a web process that is killed again and again: webhooks come late, and HubSpot gives some of them up",
    4: "a token that was renewed after seconds and not tried for five minutes",
    9001: "who was deleted for privacy and submitted again before that was heard of was passed over",
    31337: "PostgreSQL, asked to stop in the middle of a recovery, refused connections for a minute, till killed",
    314159: "a lead of another website now went on showing what a killed worker had written and not noted",
    424242: "a lead whose contact was restored waited for the next step of its backoff",
    SHORT: "PostgreSQL, the sandbox and `up` itself, one after the other",
}
"""By seed, what it found. `make soak SEED="..."` runs any of them again."""
