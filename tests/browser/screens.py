"""What does each page look like? `make screens` writes a picture of each into `build/screens`.

`{page}-{lang}-{width}-{light|dark}.png`: every page full of realistic leads, then each list while nothing is in it, the
dialog before a deregistration, and what is said when something is wrong. `ROWS=100000` fills the lists further;
`ONLY=capacity,login` takes some pages, `LANGS=en`, `WIDTHS=390`, `SCHEMES=dark` some of the rest.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from browser import many, seed
from browser.chrome import DESK, MISSING, PHONE, chrome, found
from browser.places import PAGES
from browser.stage import MANAGER, Stage
from support import services
from support.sandbox_server import SandboxServer
from syncworker.access.roles import Role
from syncworker.store import migrate

FOLDER = Path("build/screens")
EMPTY = ("capacity", "leads-pending", "leads-unavailable", "leads-expired", "operations-marks", "operations-forms")


def main() -> int:
    """Write them; 1 where there is no browser."""
    if found() is None:
        print(MISSING, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _stage() as stage, chrome() as browser:
        seed.fill(stage)
        if rows := int(os.environ.get("ROWS", "0")):
            many.grow(stage, rows)
        with stage.standing():
            count = sum(_shoot(stage, browser, lang, width, scheme) for lang, width, scheme in _each())
    print(f"{count} pictures in {FOLDER}")
    return 0


@contextmanager
def _stage() -> Iterator[Stage]:
    # Not below a folder of root's: PostgreSQL runs as another user then, who may not look in there.
    with (
        tempfile.TemporaryDirectory(prefix="syncworker-screens-", ignore_cleanup_errors=True) as folder,
        services.start_postgres(Path(folder) / "postgres") as server,
        services.start_valkey(Path(folder) / "valkey") as redis_url,
        SandboxServer(Path(folder) / "sandbox") as sandbox,
    ):
        url = services.create_database(server, "screens")
        migrate.upgrade(url)
        stage = Stage(sandbox, url, redis_url)
        yield stage
        stage.close()


def _each() -> Iterator[tuple[str, int, str]]:
    chosen = {name: os.environ.get(name, "") for name in ("LANGS", "WIDTHS", "SCHEMES")}
    return (
        (lang, int(width), scheme)
        for lang, width, scheme in product(
            (chosen["LANGS"] or "en,sv").split(","),
            (chosen["WIDTHS"] or "390,1440").split(","),
            (chosen["SCHEMES"] or "light,dark").split(","),
        )
    )


def _shoot(stage: Stage, browser: Browser, lang: str, width: int, scheme: str) -> int:
    only = {name for name in os.environ.get("ONLY", "").split(",") if name}
    context = browser.new_context(
        base_url=stage.address,
        viewport=PHONE if width == PHONE["width"] else {**DESK, "width": width},
        color_scheme=scheme,
        locale="sv-SE" if lang == "sv" else "en-GB",
        timezone_id="Europe/Stockholm",
        reduced_motion="reduce",
    )
    taken = 0
    # Patient: whoever takes pictures may do so beside other work.
    context.set_default_timeout(120_000)
    page = context.new_page()

    def picture(name: str, *, whole: bool = True) -> None:
        nonlocal taken
        page.screenshot(path=FOLDER / f"{name}-{lang}-{width}-{scheme}.png", full_page=whole, animations="disabled")
        taken += 1

    for name, path in _strangers_pages(only):
        page.goto(path)
        picture(name)
    _sign_in(stage, context, lang)
    for name, path in PAGES.items():
        if not only or name in only:
            page.goto(f"{path}{'&' if '?' in path else '?'}portal={stage.hub}&lang={lang}")
            picture(name)
    if not only or "dialogs" in only:
        _dialogs(stage, page, picture)
    if not only or "empty" in only:
        for name in EMPTY:
            page.goto(f"{PAGES[name]}?portal={stage.other_hub}")
            picture(f"empty-{name}")
        page.goto(f"/capacity?portal={stage.hub}&q=nowhere-to-be-found")
        picture("empty-search")
    context.close()
    return taken


def _strangers_pages(only: set[str]) -> list[tuple[str, str]]:
    pages = [("login", "/login"), ("link-over", "/login/once/used-up")]
    return [one for one in pages if not only or one[0] in only]


def _sign_in(stage: Stage, context: BrowserContext, lang: str) -> None:
    context.add_cookies([stage.cookie(MANAGER, Role.OPERATOR)])
    context.set_extra_http_headers({"Accept-Language": lang})


def _dialogs(stage: Stage, page: Page, picture: Callable[..., None]) -> None:
    page.goto(f"/capacity?portal={stage.hub}")
    for box in page.locator("tbody .tick input").all()[1:4]:
        box.check()
    picture("ticked", whole=False)
    page.locator(".selection .button").click()
    page.locator("dialog:modal").wait_for()
    picture("dialog-deregister", whole=False)
    page.locator("dialog:modal .danger").click()
    page.locator(".toast .button").wait_for()
    picture("toast-undo", whole=False)
    page.locator(".toast .button").click()
    page.locator(".toast:not(:has(.button))").wait_for()
    page.goto("/leads/pending")
    page.locator("td.acts a").first.click()
    page.locator("tbody input[type=radio]").first.wait_for()
    picture("exchange", whole=False)
    page.goto("/nowhere")
    picture("error-404")


if __name__ == "__main__":
    sys.exit(main())
