"""One stage and one browser for all tests here; somebody's tab for each, which fails a test that makes it complain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import chrome as chromium
from browser import seed
from browser.chrome import DESK, Complaints, LoopAside
from browser.stage import Stage
from support import services
from support.sandbox_server import SandboxServer
from syncworker.access.roles import Role

WAITS_MS = 30_000
Opens = Callable[..., Page]


@pytest.fixture(scope="session", autouse=True)
def _browser_is_there() -> None:
    if chromium.found() is None:
        if chromium.is_required():
            pytest.fail(chromium.MISSING)
        pytest.skip(chromium.MISSING)


@pytest.fixture(scope="package")
def stage(
    _browser_is_there: None,
    postgres_url: str,
    migrated_template: str,
    valkey_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Everything but the browser, with leads in every state. It goes with the last test of a browser: its processes are
    heard of in the one Valkey that all tests of this process share.
    """
    url = services.create_database(postgres_url, "browser", template=migrated_template)
    with SandboxServer(tmp_path_factory.mktemp("sandbox")) as sandbox:
        made = Stage(sandbox, url, valkey_url)
        seed.fill(made)
        made.may_give_up()
        with made.standing():
            made.playing.clear()
            yield made
        made.close()
    services.drop_database(postgres_url, "browser")


@pytest.fixture(scope="package")
def chrome(_browser_is_there: None) -> Iterator[tuple[Browser, LoopAside]]:
    # Long enough for a machine that does other things too: what comes sooner is not waited for.
    expect.set_options(timeout=WAITS_MS)
    with chromium.chrome() as opened:
        loop = LoopAside()
        yield opened, loop
        with loop.running():
            opened.close()


@pytest.fixture
def browser(chrome: tuple[Browser, LoopAside]) -> Iterator[Browser]:
    opened, loop = chrome
    with loop.running():
        yield opened


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the test's pages complained of; it must be nothing at its end."""
    heard = Complaints()
    yield heard
    assert heard.heard == []


@pytest.fixture
def opens(stage: Stage, browser: Browser, complaints: Complaints) -> Iterator[Opens]:
    """A tab in a browser of its own: of a manager, of somebody of another role, or (`role=None`) of a stranger."""
    with ExitStack() as stack:
        stage.playing.set()
        stack.callback(stage.playing.clear)

        def tab(
            path: str = "",
            *,
            role: Role | None = Role.MANAGER,
            who: str = "",
            sees: Sequence[int] = (),
            lang: str = "en",
            size: dict[str, int] = DESK,
            **more: object,
        ) -> Page:
            context = browser.new_context(
                base_url=stage.address,
                viewport=size,
                locale="sv-SE" if lang == "sv" else "en-GB",
                timezone_id="Europe/Stockholm",
                reduced_motion="reduce",
                **more,
            )
            stack.callback(context.close)
            context.set_default_timeout(WAITS_MS)
            if role is not None:
                context.add_cookies(
                    [stage.cookie(who or f"{role}@fjordfuru.se", role, portals=list(sees or [stage.hub]))]
                )
            page = context.new_page()
            complaints.listen(page)
            if path:
                page.goto(path)
            return page

        yield tab
