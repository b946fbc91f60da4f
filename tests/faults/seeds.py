"""Which seeds have found something, and what?"""

from __future__ import annotations

KNOWN: dict[int, str] = {
    1: "the first one",
}
"""By seed, what it found. The short run of the tests takes the first; `make soak` takes all, and new ones."""
