"""How does a test look at a page? With the machine's own Chromium, and with an eye on what the page complains of."""

from __future__ import annotations

import os
import shutil
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = f"no browser is found: install one of {', '.join(NAMES)} (on Debian: apt-get install chromium)"

# What htmx says of a request that another one replaces, as when somebody types on. A mistake says more than that.
GIVEN_UP = ("htmx:sendAbort", "htmx:afterRequest")
# A window without a screen has an address bar all the same, and for what folds out of it Chromium loads pages of its
# own: two thirds of what a new window costs. Beside these stands what Playwright switches off: of two such lists on a
# command line the last one counts.
WITHOUT = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "PreloadTopChromeWebUI",
    "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)  # fmt: skip
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
Scheme = Literal["light", "dark"]


def found() -> str | None:
    """The path of a browser on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def is_required() -> bool:
    """Whether a missing browser is a failure, as in CI."""
    return bool(os.environ.get("CI"))


@contextmanager
def chrome() -> Iterator[Browser]:
    """A browser without a window. Call only where `found()`."""
    with sync_playwright() as playwright:
        # Root has no sandbox; a container often has a small /dev/shm.
        browser = playwright.chromium.launch(
            executable_path=found(),
            args=[
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                f"--disable-features={','.join(WITHOUT)}",
            ],
        )
        try:
            yield browser
        finally:
            browser.close()


class LoopAside:
    """Playwright's event loop, which runs as long as it does: put aside, other tests of the process can run theirs."""

    def __init__(self) -> None:
        self._loop = _get_running_loop()
        _set_running_loop(None)

    @contextmanager
    def running(self) -> Iterator[None]:
        """As Playwright left it."""
        _set_running_loop(self._loop)
        try:
            yield
        finally:
            _set_running_loop(None)


@dataclass
class Complaints:
    """What pages say on their console, throw, ask for in vain, or are forbidden by their policy."""

    heard: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Answers that a test provokes, by status."""
    is_offline: bool = False
    """Whether a test has cut the line."""

    def listen(self, page: Page) -> None:
        """Hear what this page complains of."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.heard.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium's own line about an answer is told by the answer.
        if self.is_offline and "htmx:" in message.text:
            return
        if message.text.startswith(GIVEN_UP):
            return
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.heard.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # Left behind: by going elsewhere, by typing on, by closing the page that listens.
        if request.failure != "net::ERR_ABORTED" and not self.is_offline:
            self.heard.append(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.heard.append(f"{response.status}: {response.request.method} {response.url}")
