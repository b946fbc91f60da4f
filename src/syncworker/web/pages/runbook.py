"""What is to be done when something is wrong: the runbook, as a page?

The same file that a reader of the repository sees, `docs/operating.md`, which is part of the package.
"""

from __future__ import annotations

from functools import lru_cache

from fastapi import Request, Response

from syncworker.sync.watch import runbook
from syncworker.web import markdown_page
from syncworker.web.markdown_page import Rendered
from syncworker.web.pages import rendering
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Viewer

router = pages()


@router.get(rendering.RUNBOOK)
def runbook_page(request: Request, reader: Viewer) -> Response:
    """All of it, with an anchor for each section. In English alone, which it says."""
    return rendering.page(request, reader, "runbook.html", found=_rendered())


@lru_cache(maxsize=1)
def _rendered() -> Rendered:
    return markdown_page.render(runbook.text())
