"""Which sections does the runbook have?"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


def anchors() -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(link: str) -> bool:
    """Whether a link leads to a section of the runbook."""
    page, _, anchor = link.partition("#")
    return page == "docs/operating.md" and anchor in anchors()
